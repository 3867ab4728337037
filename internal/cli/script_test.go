package cli_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sanix-darker/s2c/internal/cli"
	"github.com/sanix-darker/s2c/internal/lab/person"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"s2c": func() { os.Exit(run()) },
	})
}

// run is main for the commands in scripts.
func run() int {
	ctx, stop := signalContext()
	defer stop()
	return cli.Main(ctx, cli.OS())
}

// TestScripts runs the commands as a person types them. Besides those of
// testscript, scripts have:
//
//	hub [ARG...]          starts s2c server on 127.0.0.1; its address is $HUB and its port $PORT
//	endhub                ends it, which must take less than two seconds
//	member NAME ARG...    starts s2c join -c NAME with its devices off, headless unless ARGs have --plain; ARGs are more flags
//	await NAME PATTERN    waits until the output of that member matches; "! await" makes sure that it does not so far
//	tell NAME LINE        writes a line to the standard input of that member
//	hush NAME             closes it
//	begin NAME PROG ARG...  starts a command as if it were a member
//	leave NAME [CODE]     interrupts that member, who must exit with 130, or CODE
//	die NAME              kills that member
//	transcript NAME FILE  writes what that member printed for a person to a file, with what differs each time masked
//	ends NAME CODE        waits for that member to exit with CODE
//	plain                 something that is not a hub listens at $PLAIN
//	exits CODE PROG ARG...  runs a command and compares its exit code
//
// There is the condition [root] for a process that may do anything.
//
// The identity of the configuration and those in the folder ids, called 1 to 7,
// are made. The first member of a script is the former, the next ones are the
// latter in turn, unless their flags say otherwise.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("USER", "tester")
			env.Setenv("S2C_CONFIG", env.WorkDir+"/config")
			env.Setenv("S2C_STATE", env.WorkDir+"/state")
			env.Setenv("PULSE_SERVER", "unix:"+env.WorkDir+"/no-sound-here")
			env.Setenv("XDG_RUNTIME_DIR", env.WorkDir+"/run")
			env.Values["people"] = make(map[string]int)
			return writeIdentities(t, env.WorkDir)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"hub":    startHub,
			"endhub": endHub,
			"plain":  plain,
			"exits":  exits,
			"member": startMember,
			"begin":  begin,
			"await":  await,
			"tell":   tell,
			"hush":   hush,
			"leave":  leave,

			"transcript": transcript,
			"die":        die,
			"ends":       ends,
		},
	})
}

// madeIdentities is how many identities a script finds.
const madeIdentities = 8

func writeIdentities(t *testing.T, dir string) error {
	for _, d := range []string{"config", "ids", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	for i := range madeIdentities {
		path := filepath.Join(dir, "ids", strconv.Itoa(i))
		if i == 0 {
			path = filepath.Join(dir, "config", "identity")
		}
		if err := os.WriteFile(path, person.PEM(t, i), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// hubs are the running hubs, by the folder of their script; members those who
// run, by their folder and name.
var hubs, members sync.Map

// A runningMember is a process whose output is kept.
type runningMember struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out output
}

// An output is what a process has printed so far.
type output struct {
	mu sync.Mutex
	b  []byte
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b = append(o.b, b...)
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.b)
}

func startMember(ts *testscript.TestScript, _ bool, args []string) {
	name := args[0]
	words := []string{"join", "-s", "room", "-c", name, "--camera", "none", "--mic", "none", "--speaker", "none"}
	if !slices.Contains(args, "--plain") {
		words = append(words, "--headless")
	}
	words = append(words, whoIs(ts, args)...)
	start(ts, name, "s2c", append(words, args[1:]...)...)
}

// begin starts a command whose output is awaited as that of a member.
func begin(ts *testscript.TestScript, _ bool, args []string) {
	start(ts, args[0], args[1], args[2:]...)
}

// start runs a program under a name.
func start(ts *testscript.TestScript, name, program string, args ...string) {
	m := &runningMember{cmd: exec.Command(program, args...)}
	path, err := exec.LookPath(program)
	ts.Check(err)
	m.cmd.Path, m.cmd.Err = path, nil
	m.cmd.Dir = ts.MkAbs(".")
	for _, key := range []string{"PATH", "HOME", "S2C_CONFIG", "S2C_STATE", "S2C_PASS", "S2C_KEY_PASS", "S2C_DOOR", "PULSE_SERVER", "XDG_RUNTIME_DIR", "TERM"} {
		m.cmd.Env = append(m.cmd.Env, key+"="+ts.Getenv(key))
	}
	m.cmd.Stdout, m.cmd.Stderr = &m.out, &m.out
	m.in, err = m.cmd.StdinPipe()
	ts.Check(err)
	ts.Check(m.cmd.Start())
	members.Store(ts.MkAbs(name), m)
	ts.Defer(func() {
		if _, ok := members.LoadAndDelete(ts.MkAbs(name)); ok {
			_ = m.cmd.Process.Kill()
			_ = m.cmd.Wait()
		}
	})
}

// awaitTime bounds how long something that must happen may take.
const awaitTime = 20 * time.Second

// whoIs returns the flags that give a member an identity.
func whoIs(ts *testscript.TestScript, args []string) []string {
	people := ts.Value("people").(map[string]int)
	i, ok := people[args[0]]
	if !ok {
		i = len(people) % madeIdentities
		people[args[0]] = i
	}
	if i == 0 || slices.Contains(args, "-i") || slices.Contains(args, "--anonymous") {
		return nil
	}
	return []string{"-i", ts.MkAbs("ids/" + strconv.Itoa(i))}
}

// theMember returns a member who runs.
func theMember(ts *testscript.TestScript, name string) *runningMember {
	v, ok := members.Load(ts.MkAbs(name))
	if !ok {
		ts.Fatalf("no member %s", name)
	}
	return v.(*runningMember)
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	m := theMember(ts, args[0])
	pattern := regexp.MustCompile(`(?m)` + args[1])
	if neg {
		if out := m.out.String(); pattern.MatchString(out) {
			ts.Fatalf("%s printed something like %s:\n%s", args[0], args[1], out)
		}
		return
	}
	for end := time.Now().Add(awaitTime); !pattern.MatchString(m.out.String()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			ts.Fatalf("%s printed nothing like %s but:\n%s", args[0], args[1], m.out.String())
		}
	}
}

func tell(ts *testscript.TestScript, _ bool, args []string) {
	_, err := io.WriteString(theMember(ts, args[0]).in, args[1]+"\n")
	ts.Check(err)
}

func hush(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(theMember(ts, args[0]).in.Close())
}

// ends waits for a member to exit.
func ends(ts *testscript.TestScript, _ bool, args []string) {
	m := theMember(ts, args[0])
	members.Delete(ts.MkAbs(args[0]))
	kill := time.AfterFunc(awaitTime, func() { _ = m.cmd.Process.Kill() })
	defer kill.Stop()
	_ = m.cmd.Wait() // the exit code tells
	if code := m.cmd.ProcessState.ExitCode(); strconv.Itoa(code) != args[1] {
		ts.Fatalf("%s exited with %d, want %s:\n%s", args[0], code, args[1], m.out.String())
	}
}

func leave(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(theMember(ts, args[0]).cmd.Process.Signal(os.Interrupt))
	ends(ts, false, append(args, "130")[:2])
}

func die(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(theMember(ts, args[0]).cmd.Process.Kill())
	code := "-1"
	if runtime.GOOS == "windows" {
		code = "1"
	}
	ends(ts, false, []string{args[0], code})
}

// masks are what differs each time in what a member prints, and what stands for it.
var masks = []struct {
	pattern *regexp.Regexp
	mask    string
}{
	{regexp.MustCompile(`(?m)^s2c: .*\n`), ""},
	{regexp.MustCompile(`(?m)^\d\d:\d\d `), "hh:mm "},
	{regexp.MustCompile(`SHA256:[0-9A-Za-z+/]{43}`), "SHA256:KEY"},
	{regexp.MustCompile(`code is: [a-z]+ [a-z]+ [a-z]+ [a-z]+\.`), "code is: oak elm ash fir."},
	{regexp.MustCompile(`the code [a-z]+ [a-z]+ [a-z]+ [a-z]+\.`), "the code oak elm ash fir."},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "HOST:PORT"},
}

func transcript(ts *testscript.TestScript, _ bool, args []string) {
	s := theMember(ts, args[0]).out.String()
	for _, m := range masks {
		s = m.pattern.ReplaceAllString(s, m.mask)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(s), 0o600))
}

type runningHub struct {
	stop context.CancelFunc
	done chan struct{}
	code int
}

// startHub runs the server command inside the test.
func startHub(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("hub cannot be negated")
	}
	ctx, stop := context.WithCancel(context.Background())
	r, w := io.Pipe()
	h := &runningHub{stop: stop, done: make(chan struct{})}
	e := cli.Env{
		Args:   append([]string{"server", "--address", "127.0.0.1", "-p", "0"}, args...),
		Stdin:  strings.NewReader(""),
		Stdout: io.Discard,
		Stderr: w,
		Getenv: ts.Getenv,
	}
	go func() {
		h.code = cli.Main(ctx, e)
		w.Close()
		close(h.done)
	}()
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		ts.Check(err)
		if addr, ok := strings.CutPrefix(strings.TrimSpace(line), "s2c: hub on "); ok {
			_, port, err := net.SplitHostPort(addr)
			ts.Check(err)
			ts.Setenv("HUB", addr)
			ts.Setenv("PORT", port)
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	hubs.Store(ts.MkAbs("."), h)
	ts.Defer(func() { stop(); <-h.done })
}

func endHub(ts *testscript.TestScript, _ bool, _ []string) {
	v, ok := hubs.LoadAndDelete(ts.MkAbs("."))
	if !ok {
		ts.Fatalf("no hub runs")
	}
	h := v.(*runningHub)
	h.stop()
	select {
	case <-h.done:
	case <-time.After(2 * time.Second):
		ts.Fatalf("the hub still runs after 2 s")
	}
	if h.code != 0 {
		ts.Fatalf("the hub exited with %d, want 0", h.code)
	}
}

// plain listens and greets as an SSH server does.
func plain(ts *testscript.TestScript, _ bool, _ []string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv("PLAIN", ln.Addr().String())
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n")
			c.Close()
		}
	}()
	ts.Defer(func() { ln.Close() })
}

// exits runs a command to its end and compares the exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
