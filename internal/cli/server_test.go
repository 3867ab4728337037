package cli_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/cli"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A server is a server command that runs in this process.
type server struct {
	t      *testing.T
	out    output
	addr   string
	cancel context.CancelFunc
	done   chan struct{}
	code   int // once done is closed
}

// startServer starts the server command with a folder for what it keeps, and
// waits until it listens.
func startServer(ctx context.Context, t *testing.T, dir string, args ...string) *server {
	t.Helper()
	args = append([]string{"--address", "127.0.0.1", "-p", "0", "--tcp", "-v"}, args...)
	return startServerIn(ctx, t, map[string]string{"S2C_STATE": dir}, args...)
}

// startServerIn starts the server command with nothing but an environment and
// arguments, and waits until it listens.
func startServerIn(ctx context.Context, t *testing.T, env map[string]string, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	s := &server{t: t, cancel: cancel, done: make(chan struct{})}
	e := cli.Env{
		Args:   append([]string{"server"}, args...),
		Stdin:  strings.NewReader(""),
		Stdout: &s.out,
		Stderr: &s.out,
		Getenv: func(name string) string { return env[name] },
	}
	go func() {
		defer close(s.done)
		s.code = cli.Main(ctx, e)
	}()
	t.Cleanup(s.end)
	s.addr = s.await(`(?m)(?:^s2c: |"msg":")hub on ([^"\n]*)`)
	return s
}

// await waits until the server has printed what matches, and returns the first
// group of it.
func (s *server) await(pattern string) string {
	s.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(awaitTime); ; time.Sleep(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(s.out.String()); m != nil {
			return m[len(m)-1]
		}
		if time.Now().After(end) {
			s.t.Fatalf("the server printed nothing like %s but:\n%s", pattern, s.out.String())
		}
	}
}

// end ends the server and waits for it. It may be called twice.
func (s *server) end() {
	s.cancel()
	<-s.done
	if s.code != 0 {
		s.t.Errorf("the server exited with %d:\n%s", s.code, s.out.String())
	}
}

// ask has a person ask to join, and returns what the hub answers.
func (s *server) ask(who int, door *hello.Token) wire.Message {
	s.t.Helper()
	conn, m := s.join(who, door)
	conn.Close()
	return m
}

// join has a person ask to join, and returns the connection, which the caller
// closes, and what the hub answers.
func (s *server) join(who int, door *hello.Token) (transport.Conn, wire.Message) {
	s.t.Helper()
	conn, err := transport.Dial(s.t.Context(), transport.DialConfig{
		Addr: s.addr, NoUDP: true, Verify: func(string) error { return nil },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	id := person.Identity(s.t, who)
	h := hello.Hello{Binding: conn.Info().Binding, Fingerprint: id.Fingerprint(), Session: "room"}
	join := wire.Join{Hello: h.Append(nil)}
	if join.Cert, err = id.Certify(hello.Sum(join.Hello)); err != nil {
		s.t.Fatal(err)
	}
	if door != nil {
		proof := door.Door(h.Binding)
		join.Door = proof[:]
	}
	if err := conn.SendMessage(join.Append(nil)); err != nil {
		s.t.Fatal(err)
	}
	return conn, s.next(conn)
}

// next returns the hub's next message.
func (s *server) next(conn transport.Conn) wire.Message {
	s.t.Helper()
	b, err := conn.RecvMessage(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := wire.ParseMessage(b)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// wantAnswer has a person ask to join and compares the answer: "" lets them in,
// else it is part of the reason why not.
func (s *server) wantAnswer(who int, door *hello.Token, want string) {
	s.t.Helper()
	switch m := s.ask(who, door).(type) {
	case wire.Joined:
		if want != "" {
			s.t.Errorf("person %d was let in, want %q", who, want)
		}
	case wire.Error:
		if want == "" || m.Code != wire.CodeDenied || !strings.Contains(m.Text, want) {
			s.t.Errorf("person %d was told code %d, %q, want %q", who, m.Code, m.Text, want)
		}
	default:
		s.t.Errorf("person %d was told %#v", who, m)
	}
}

// TestServerDoor checks that a hub keeps its token over a restart, in a file
// for its owner alone, until another is asked for.
func TestServerDoor(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hub_door")
	var tokens []hello.Token
	start := func(flag string) *server {
		t.Helper()
		s := startServer(t.Context(), t, dir, flag)
		text := s.await(`(?m)^s2c: hub door (\S+)$`)
		token, err := hello.ParseToken(text)
		if err != nil {
			t.Fatalf("the server printed %q: %v", text, err)
		}
		tokens = append(tokens, token)
		s.await(`(?m)^s2c: others join with: S2C_DOOR=` + text + ` s2c join -s SESSION -c NAME ` + regexp.QuoteMeta(s.addr) + `$`)
		if b, err := os.ReadFile(path); err != nil || string(b) != text+"\n" {
			t.Errorf("file of the token: %q, %v, want %q", b, err, text)
		}
		return s
	}
	s := start("--door")
	s.wantAnswer(0, &tokens[0], "")
	s.wantAnswer(1, nil, "none was given")
	s.wantAnswer(2, &hello.Token{}, "wrong door token")
	s.end()
	start("--door").end()
	if tokens[1] != tokens[0] {
		t.Errorf("after a restart the token is %q, want %q", tokens[1].String(), tokens[0].String())
	}
	s = start("--new-door")
	if tokens[2] == tokens[0] {
		t.Errorf("the new token is the old one, %q", tokens[0].String())
	}
	s.wantAnswer(0, &tokens[0], "wrong door token")
	s.wantAnswer(0, &tokens[2], "")
	s.end()
	start("--door").end()
	if tokens[3] != tokens[2] {
		t.Errorf("after a restart the token is %q, want the new one, %q", tokens[3].String(), tokens[2].String())
	}
	if n := strings.Count(s.out.String(), tokens[2].String()); n != 2 {
		t.Errorf("the token is printed %d times, want 2:\n%s", n, s.out.String())
	}
	s = startServer(t.Context(), t, dir) // open again
	s.wantAnswer(3, nil, "")
	s.end()
}
