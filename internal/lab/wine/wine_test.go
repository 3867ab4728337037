package wine

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/lab/program"
)

// TestWindows has the Windows build do what people do with it. Making a Windows
// takes the most time, so that all share one.
func TestWindows(t *testing.T) {
	windows, err := Prepare(t.Context(), t.TempDir())
	Need(t, err)
	t.Cleanup(func() {
		if err := windows.Close(); err != nil {
			t.Error(err)
		}
	})
	linux, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &both{windows, linux}
	t.Run("command line", b.commandLine)
	t.Run("hub", b.hub)
	t.Run("member", b.member)
	t.Run("microphone", b.microphone)
	t.Run("sound", b.sound)
}

// TestMissing makes sure that the error names the program that is missing.
func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Prepare(t.Context(), t.TempDir()); !errors.Is(err, exec.ErrNotFound) || !strings.Contains(err.Error(), "wine") {
		t.Errorf("Prepare without programs = %v, want one that says that wine is not found", err)
	}
}

// TestNeed makes sure that Wine is asked for by both variables together alone. A
// test that fails is out of reach of another, so this one only sees skips.
func TestNeed(t *testing.T) {
	for _, env := range [][2]string{{"", ""}, {"1", ""}, {"1", "0"}, {"", "1"}} {
		skipped := false
		t.Run("lab "+env[0]+" wine "+env[1], func(t *testing.T) {
			t.Setenv(lab.Env, env[0])
			t.Setenv(Env, env[1])
			defer func() { skipped = t.Skipped() }()
			Need(t, exec.ErrNotFound)
		})
		if !skipped {
			t.Errorf("%s=%s %s=%s: the test is not skipped", lab.Env, env[0], Env, env[1])
		}
	}
}

// Both are the two builds of s2c.
type both struct {
	windows *Prefix
	linux   *program.Program
}

// commandLine runs commands that end by themselves.
func (b *both) commandLine(t *testing.T) {
	for _, test := range []struct {
		args string
		want string // in its output
		code int
	}{
		{"--version", "s2c ", 0},
		{"--help", "s2c server -p 1122", 0},
		{"key", "ssh-rsa ", 0},
		{"ctl list", "no call is running", 0},
		{"--frobnicate", "unknown flag: --frobnicate", 2},
		{"join -s room -c bob --headless --anonymous 127.0.0.1:1", "is the hub running there?", 3},
	} {
		cmd := b.windows.Command(t.Context(), nil, strings.Fields(test.args)...)
		out, _ := cmd.CombinedOutput() // the exit code tells
		if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(out), test.want) {
			t.Errorf("s2c.exe %s exited with %d, want %d, and %q in its output:\n%s", test.args, code, test.code, test.want, out)
		}
	}
}

// hub runs a hub on Windows with a member of either system, and ends it as Ctrl+C
// does.
func (b *both) hub(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), awaitTime)
	defer cancel()
	var log bytes.Buffer
	cmd := b.windows.Command(ctx, nil, "server", "--address", "127.0.0.1", "-p", "0")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_, _ = log.ReadFrom(out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the hub: %v, want no error after Ctrl+C; it said:\n%s", err, &log)
		}
	}()
	addr := ""
	for lines := bufio.NewReader(out); addr == ""; {
		line, err := lines.ReadString('\n')
		log.WriteString(line)
		if err != nil {
			t.Fatalf("the hub did not start: %v", err)
		}
		if a, ok := strings.CutPrefix(line, "s2c: hub on "); ok {
			addr = strings.TrimSpace(a)
		}
	}
	quiet := []string{"--camera", "none", "--mic", "none", "--speaker", "none", addr}
	linux := b.joinLinux(t, 0, nil, quiet...)
	linux.await(t, "welcome", isEvent("welcome"))
	windows := b.joinWindows(t, 1, nil, quiet...)
	linux.await(t, "the other", isEvent("joined"))
	windows.interrupt(t, 130)
	linux.await(t, "the other's end", isEvent("left"))
	linux.leave(t)
}

// member has somebody on Windows in the call of a hub on Linux.
func (b *both) member(t *testing.T) {
	hub, err := b.linux.Hub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hub.End()
	busy := []string{"--camera", "test", "--mic", "test", "--speaker", "none", "--stats", "200ms", hub.Addr}
	linux := b.joinLinux(t, 0, nil, busy...)
	windows := b.joinWindows(t, 1, nil, busy...)
	linux.await(t, "the other", isEvent("joined"))
	linux.tell(t, "say hello there")
	windows.tell(t, "say grüß dich")
	linux.await(t, "what Windows says", func(e event) bool { return e.Event == "chat" && e.Text == "grüß dich" })
	windows.await(t, "what Linux says", func(e event) bool { return e.Event == "chat" && e.Text == "hello there" })
	linux.await(t, "the voice and the pictures of Windows", meets)
	windows.await(t, "the voice and the pictures of Linux", meets)
	windows.leave(t)
	linux.await(t, "the other's end", isEvent("left"))
	linux.leave(t)
}

// meets reports whether e says that the only other one is heard and seen.
func meets(e event) bool {
	if len(e.Members) != 1 {
		return false
	}
	m := e.Members[0]
	return m.Speaking && m.VoicePlayed >= 100 && m.Pictures >= 10 && m.Width > 0
}

// isEvent returns what reports whether an event is of that kind.
func isEvent(kind string) func(event) bool {
	return func(e event) bool { return e.Event == kind }
}

// joinLinux starts a member of this system, who is person number i.
func (b *both) joinLinux(t *testing.T, i int, env []string, args ...string) *member {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), b.linux.Exe, join("linux", identity(t, i), args)...)
	cmd.Env = b.linux.Env(append(env, "S2C_CONFIG="+t.TempDir())...)
	return begin(t, "linux", cmd)
}

// joinWindows starts a member on Windows, who is person number i.
func (b *both) joinWindows(t *testing.T, i int, env []string, args ...string) *member {
	t.Helper()
	env = append(env, "S2C_CONFIG="+Path(t.TempDir()))
	return begin(t, "windows", b.windows.Command(t.Context(), env, join("windows", Path(identity(t, i)), args)...))
}

// join returns the command line of a headless member.
func join(name, identity string, args []string) []string {
	return append([]string{"join", "-s", "room", "-c", name, "--headless", "-i", identity}, args...)
}

// identity writes the identity of person number i to a file.
func identity(t *testing.T, i int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(path, person.PEM(t, i), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
