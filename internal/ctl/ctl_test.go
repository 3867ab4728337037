package ctl

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A desk is a call that notes what it is told.
type desk struct {
	mu   sync.Mutex
	told []string
}

func (d *desk) Do(line string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, line)
	if line == "dance" {
		return errors.New(`unknown command "dance"`)
	}
	return nil
}

func (d *desk) Status() Status { return Status{Session: "room", Name: "ann", PID: 7, People: 2} }

func (d *desk) lines() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.told, ", ")
}

// pair returns a client whose server answers for d until stop is called.
func pair(d *desk) (c *Client, stop func()) {
	a, b := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	s := NewServer(d)
	wg.Go(func() {
		defer b.Close()
		s.converse(ctx, b)
	})
	return newClient(a), func() { cancel(); wg.Wait(); a.Close() }
}

func TestConverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(desk)
		c, stop := pair(d)
		defer stop()
		if err := c.Do("mute"); err != nil {
			t.Errorf("mute: %v", err)
		}
		err := c.Do("dance")
		if r, ok := errors.AsType[*RefusedError](err); !ok || r.Text != `unknown command "dance"` {
			t.Errorf("dance: %v", err)
		}
		if s, err := c.Status(); err != nil || s.Session != "room" || s.People != 2 {
			t.Errorf("Status() = %+v, %v", s, err)
		}
		for _, line := range []string{"say a\nleave", "say a\rb", strings.Repeat("x", MaxLine+1)} {
			if err := c.Do(line); err == nil {
				t.Errorf("Do(%.20q) is no error", line)
			}
		}
		if err := c.Do(strings.Repeat("x", MaxLine)); err != nil {
			t.Errorf("the longest command: %v", err)
		}
		if want := "mute, dance, " + strings.Repeat("x", MaxLine); d.lines() != want {
			t.Errorf("the call was told %.60q, want %.60q", d.lines(), want)
		}
	})
}

// TestTalkEnds makes sure that a voice is heard no longer than somebody is there
// who wants it, and until the last of them has gone.
func TestTalkEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(desk)
		s := NewServer(d)
		var wg sync.WaitGroup
		defer wg.Wait()
		join := func() *Client {
			a, b := net.Pipe()
			wg.Go(func() {
				defer b.Close()
				s.converse(t.Context(), b)
			})
			return newClient(a)
		}
		say := func(c *Client, line string) {
			t.Helper()
			if err := c.Do(line); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		expect := func(want string) {
			t.Helper()
			synctest.Wait()
			if d.lines() != want {
				t.Fatalf("the call was told %q, want %q", d.lines(), want)
			}
		}
		one, two, three := join(), join(), join()
		say(one, "talk")
		say(one, "talk") // again, so as not to be idle
		expect("talk")
		say(two, "talk")
		one.Close()
		expect("talk, talk")
		say(two, "hush")
		expect("talk, talk, hush")
		say(two, "hush") // of its own: what a person began elsewhere
		expect("talk, talk, hush, hush")
		two.Close()
		say(three, "talk")
		time.Sleep(IdleTime - time.Millisecond)
		expect("talk, talk, hush, hush, talk")
		time.Sleep(2 * time.Millisecond) // that program was stopped
		expect("talk, talk, hush, hush, talk, hush")
		three.Close()
	})
}

// TestServeEnds has a server end while somebody is connected, and somebody leave
// by command: the answer comes all the same.
func TestServeEnds(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s2c")
	ln, err := Listen(t.Context(), dir, 7)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { NewServer(leaver{new(desk), cancel}).Serve(ctx, ln) })
	path := filepath.Join(dir, "7.sock")
	idle, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	c, err := Dial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Do("leave"); err != nil {
		t.Errorf("leave: %v", err)
	}
	wg.Wait()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

// A leaver is a desk whose call ends with the first command.
type leaver struct {
	*desk
	leave func()
}

func (l leaver) Do(line string) error { l.leave(); return l.desk.Do(line) }

func TestMaxConns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s2c")
	ln, err := Listen(t.Context(), dir, 7)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { NewServer(new(desk)).Serve(ctx, ln) })
	defer wg.Wait()
	defer cancel()
	for i := range MaxConns + 1 {
		c, err := Dial(t.Context(), filepath.Join(dir, "7.sock"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Do("mute"); (err != nil) != (i == MaxConns) {
			t.Errorf("connection %d of %d: %v", i+1, MaxConns, err)
		}
	}
}

func TestList(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s2c")
	if found, silent, err := List(t.Context(), dir); found != nil || silent != 0 || err != nil {
		t.Errorf("without a folder: %v, %d, %v", found, silent, err)
	}
	ln, err := Listen(t.Context(), dir, 7)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "7.sock"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v; want 0600", info.Mode(), err)
	}
	second, err := Listen(t.Context(), dir, 7) // as of another container
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { NewServer(new(desk)).Serve(ctx, ln) })
	defer wg.Wait()
	defer cancel()
	stale, fresh := filepath.Join(dir, "8.sock"), filepath.Join(dir, "9.sock")
	for _, path := range []string{stale, fresh} {
		leaveSocket(t, path)
	}
	old := time.Now().Add(-time.Minute)
	if err := os.Chtimes(stale, old, old); err != nil {
		t.Fatal(err)
	}
	paths, err := sockets(t.Context(), dir)
	want := []string{filepath.Join(dir, "7-1.sock"), filepath.Join(dir, "7.sock")}
	if err != nil || !slices.Equal(paths, want) {
		t.Errorf("sockets are %v, %v; want %v", paths, err, want)
	}
	if _, err := os.Lstat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a stale socket is still there: %v", err)
	}
	if _, err := os.Lstat(fresh); err != nil {
		t.Errorf("a new socket is gone: %v", err)
	}
	found, silent, err := List(t.Context(), dir)
	if err != nil || len(found) != 1 || found[0].Status.Session != "room" || silent != 1 {
		t.Errorf("List() = %+v, %d, %v; want the one call, and one that does not answer", found, silent, err)
	}
	second.Close()
}

// leaveSocket leaves a socket that nobody listens to, as a killed process does.
func leaveSocket(t *testing.T, path string) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
}

// TestFolder makes sure that a folder which others may enter is not used.
func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s2c")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), dir, 7); err == nil || !strings.Contains(err.Error(), "others may enter it") {
		t.Errorf("Listen in a folder for everybody: %v", err)
	}
	if _, _, err := List(t.Context(), dir); err == nil {
		t.Error("List in a folder for everybody is no error")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), link, 7); err == nil {
		t.Error("Listen behind a link is no error")
	}
}

func TestDir(t *testing.T) {
	if got := Dir("/run/user/7", "/tmp"); got != "/run/user/7/s2c" {
		t.Errorf("Dir = %q", got)
	}
	for _, runtime := range []string{"", "here"} {
		if got, want := Dir(runtime, "/tmp"), "/tmp/s2c-"+owner(); got != want {
			t.Errorf("Dir(%q) = %q, want %q", runtime, got, want)
		}
	}
}

func TestFormat(t *testing.T) {
	s := Status{
		Session: "room", Name: "ann", PID: 7, People: 3, Names: []string{"bob#[fg=red]", "carl"}, Speaking: []string{"carl"},
		Muted: true, Link: "joined", RTT: 23.6, Up: 1.25,
	}
	for format, want := range map[string]string{
		"":      "",
		"plain": "plain",
		"{{.Session}} {{.People}} {{if .Muted}}muted{{end}}":       "room 3 muted",
		"[{{if .Camera}}camera{{end}}]{{if .Locked}}locked{{end}}": "[]",
		`{{join .Names ", "}}: {{join .Speaking ""}}`:              "bob[fg=red], carl: carl",
		`{{printf "%.0f" .RTT}}ms {{printf "%.1f" .Up}}`:           "24ms 1.2",
		"{{if .Camera}}a{{else if .Muted}}b{{else}}c{{end}}":       "b",
		"{{if not .Names}}alone{{else}}{{len .Names}}{{end}}":      "2",
		`{{if (not .Muted)}}heard{{else}}{{"muted"}} {{1}}{{end}}`: "muted 1",
		`{{eq .Link "joined"}} {{eq .People 2}} {{eq .Up 1.25}}`:   "true false true",
		"{{- /* nothing */ -}} {{true}} {{1.5}}":                   "true 1.5",
	} {
		if got, err := s.Format(format); got != want || err != nil {
			t.Errorf("Format(%q) = %q, %v, want %q", format, got, err, want)
		}
	}
	for _, format := range []string{
		"{{.Dance}}", "{{", "{{.Session", "{{}}", "{{.Format}}", "{{.}}", "{{.Name.Length}}",
		"{{if .Camera}}{{.Dance}}{{end}}", "{{if .Muted}}{{else}}{{.Dance}}{{end}}", "{{if .Dance}}{{end}}",
		"{{range .Names}}{{end}}", "{{.Name | len}}", "{{$x := .Name}}", "{{join .Name}}", "{{join .Name .Name}}", "{{len 1}}", "{{eq .Names .Names}}",
		"{{printf 1}}", "{{.Name 1}}", "{{nil}}", "{{template `x`}}", "{{not}}", "{{html .Name}}",
	} {
		if got, err := s.Format(format); err == nil {
			t.Errorf("Format(%q) = %q, want an error", format, got)
		}
	}
}

// TestFields makes sure that a person is told of all fields, and of no others.
func TestFields(t *testing.T) {
	var told []string
	for _, f := range Fields {
		told = append(told, f.Name)
	}
	var are []string
	for f := range reflect.TypeFor[Status]().Fields() {
		are = append(are, f.Name)
	}
	if !slices.Equal(told, are) {
		t.Errorf("told of are %q, there are %q", told, are)
	}
}

// A tape is a connection that has said all it will say.
type tape struct {
	net.Conn
	in  *bytes.Reader
	out bytes.Buffer
}

func (c *tape) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c *tape) Write(b []byte) (int, error)      { return c.out.Write(b) }
func (c *tape) SetDeadline(time.Time) error      { return nil }
func (c *tape) SetReadDeadline(time.Time) error  { return nil }
func (c *tape) SetWriteDeadline(time.Time) error { return nil }

// FuzzConverse makes sure that each line has one answer, whatever it is, and that
// no voice is left open.
func FuzzConverse(f *testing.F) {
	f.Add([]byte("mute\nstatus\ntalk\ntalk\ndance\n"))
	f.Add([]byte("talk\nhush\nhush\n\n \r\ntalk"))
	f.Add([]byte(strings.Repeat("x", MaxLine+1) + "\nmute\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := new(desk)
		c := &tape{in: bytes.NewReader(b)}
		NewServer(d).converse(t.Context(), c)
		lines, answers := bytes.Count(b, []byte("\n")), 0
		in := bufio.NewReaderSize(&c.out, maxAnswer)
		for {
			line, err := readLine(in)
			if err != nil {
				break
			}
			a, err := parseAnswer(line)
			if err != nil || a.OK == (a.Error != "") {
				t.Fatalf("answer %q: %+v, %v", line, a, err)
			}
			answers++
		}
		long := slices.ContainsFunc(bytes.SplitAfter(b, []byte("\n")), func(l []byte) bool { return len(l) > MaxLine })
		if answers > lines+1 || answers != lines && !long {
			t.Errorf("%d answers to %d lines", answers, lines)
		}
		open := 0
		for _, line := range d.told {
			switch line {
			case "talk":
				open++
			case "hush":
				open = 0
			}
		}
		if open > 0 {
			t.Errorf("the voice stays open: %q", d.told)
		}
	})
}

// FuzzParseAnswer makes sure that what is accepted comes out as it went in.
func FuzzParseAnswer(f *testing.F) {
	f.Add([]byte(`{"ok":true,"status":{"session":"room","names":["a"]}}`))
	f.Add([]byte(`{"ok":false,"error":"no"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := parseAnswer(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseAnswer(again)
		if err != nil || fmt.Sprintf("%+v", back.Status) == "" || back.OK != a.OK || back.Error != a.Error {
			t.Errorf("%q became %q, %v", b, again, err)
		}
	})
}
