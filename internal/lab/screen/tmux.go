package screen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// config makes tmux a plain terminal of 24-bit colour that stays when its
// program ends, so that the last screen can be looked at.
const config = `set -g default-terminal "tmux-256color"
set -ga terminal-overrides ",*:Tc"
set -g default-shell /bin/sh
set -g status off
set -g history-limit 0
set -g escape-time 0
set -g remain-on-exit on
set -gq remain-on-exit-format ""
set -g exit-empty off
`

// How often a wait looks, and how long Close gives a program to end.
const (
	lookEvery = 20 * time.Millisecond
	hangupFor = 2 * time.Second
)

// A Session is a program that runs in a terminal of its own. Its methods may
// be called by any goroutine; each but Close fails when the session is closed.
type Session struct {
	ctx     context.Context // of all commands; done when the session is closed
	cancel  context.CancelFunc
	dir     string      // holds the socket and the configuration of the server
	program *os.Process // not our child, but the server's

	ending sync.Once
	endErr error // set once ending is done
}

// Available returns nil when programs can be run, and otherwise an error that
// says what is missing.
func Available() error {
	if _, err := exec.LookPath("tmux"); err != nil {
		return fmt.Errorf("run a terminal: %w", err)
	}
	return nil
}

// Start runs the program argv in a terminal of cols x rows cells. env holds
// further variables of its environment as KEY=value; TERM and COLORTERM tell
// it that the terminal shows 24-bit colour. The end of ctx ends the program too,
// but only after Close nothing of the session is left.
func Start(ctx context.Context, cols, rows int, env []string, argv ...string) (*Session, error) {
	if len(argv) == 0 {
		return nil, errors.New("start program in a terminal: no program")
	}
	if err := Available(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "screen-")
	if err != nil {
		return nil, fmt.Errorf("start %s in a terminal: %w", argv[0], err)
	}
	s := &Session{dir: dir}
	s.ctx, s.cancel = context.WithCancel(ctx)
	if err := s.start(cols, rows, env, argv); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s in a terminal: %w", argv[0], err), s.Close())
	}
	context.AfterFunc(s.ctx, func() { s.Close() })
	return s, nil
}

// start runs the server with its one window.
func (s *Session) start(cols, rows int, env, argv []string) error {
	if err := os.WriteFile(s.file("conf"), []byte(config), 0o600); err != nil {
		return err
	}
	args := []string{
		"new-session", "-d", "-P", "-F", "#{pane_pid}", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows),
		"-e", "COLORTERM=truecolor", "-e", "LC_ALL=C.UTF-8",
	}
	for _, v := range env {
		args = append(args, "-e", v)
	}
	// One word is a command for the shell, which exec replaces, so that the
	// program's exit status is the terminal's.
	words := []string{"exec"}
	for _, a := range argv {
		words = append(words, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	command := strings.Join(words, " ")
	out, err := s.tmux(s.ctx, append(args, "--", command)...)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		return fmt.Errorf("read the process id that tmux printed: %w", err)
	}
	if s.program, err = os.FindProcess(pid); err != nil {
		return err
	}
	// In the configuration file this ends tmux 3.3a.
	_, err = s.tmux(s.ctx, "set", "-g", "window-size", "manual")
	return err
}

// file returns the path of a file of the session.
func (s *Session) file(name string) string { return filepath.Join(s.dir, name) }

// tmux runs a command of tmux and returns what it printed.
func (s *Session) tmux(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-S", s.file("socket"), "-f", s.file("conf")}, args...)...)
	// A tmux around us is none of our business.
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TMUX") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("tmux %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}

// Keys presses keys by the names that tmux has for them: "q", "Enter", "C-c",
// "Up", "F1", "Tab", "Escape".
func (s *Session) Keys(keys ...string) error {
	args := []string{"send-keys", "--"}
	for _, k := range keys {
		args = append(args, unseparated(k))
	}
	_, err := s.tmux(s.ctx, args...)
	return err
}

// Type types text, letter by letter.
func (s *Session) Type(text string) error {
	_, err := s.tmux(s.ctx, "send-keys", "-l", "--", unseparated(text))
	return err
}

// unseparated keeps tmux from taking a semicolon at the end of an argument for
// the end of a command.
func unseparated(arg string) string {
	if head, ok := strings.CutSuffix(arg, ";"); ok {
		return head + `\;`
	}
	return arg
}

// Resize gives the terminal another size. The program is told as by any
// terminal.
func (s *Session) Resize(cols, rows int) error {
	_, err := s.tmux(s.ctx, "resize-window", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows))
	return err
}

// Capture returns what the terminal shows now.
func (s *Session) Capture() (Grid, error) {
	// In one call, so that the size is that of the captured screen.
	out, err := s.tmux(s.ctx, "display-message", "-p", "#{pane_width} #{pane_height}", ";", "capture-pane", "-e", "-p", "-N")
	if err != nil {
		return Grid{}, err
	}
	size, text, _ := bytes.Cut(out, []byte("\n"))
	var cols, rows int
	if _, err := fmt.Sscan(string(size), &cols, &rows); err != nil {
		return Grid{}, fmt.Errorf("read the size %q of the terminal: %w", size, err)
	}
	g, err := Parse(bytes.NewReader(text))
	if err != nil {
		return Grid{}, err
	}
	return g.resized(cols, rows), nil
}

// WaitFor waits until ready reports true for what the terminal shows, and
// returns that screen. After timeout it fails with the last screen in the
// error, so that a test's log shows what was there instead.
func (s *Session) WaitFor(ready func(Grid) bool, timeout time.Duration) (Grid, error) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		g, err := s.Capture()
		if err != nil || ready(g) {
			return g, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return g, fmt.Errorf("wait %v for a screen: %w; it shows:\n%s", timeout, ctx.Err(), g.Text())
		}
	}
}

// WaitText is WaitFor for a screen that holds text on one line.
func (s *Session) WaitText(text string, timeout time.Duration) (Grid, error) {
	g, err := s.WaitFor(func(g Grid) bool { return strings.Contains(g.Text(), text) }, timeout)
	if err != nil {
		return g, fmt.Errorf("look for %q: %w", text, err)
	}
	return g, nil
}

// Exited reports whether the program has ended, and with which status; -1 for
// one that a signal ended.
func (s *Session) Exited() (status int, exited bool, err error) {
	out, err := s.tmux(s.ctx, "display-message", "-p", "#{pane_dead} #{pane_dead_status}/#{pane_dead_signal}")
	if err != nil {
		return 0, false, err
	}
	dead, how, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	code, signal, _ := strings.Cut(how, "/")
	switch {
	case dead != "1":
		return 0, false, nil
	case code == "" && signal == "":
		// tmux has seen the terminal close, and not yet the program end; at times
		// it misses that for good, unless another child of its own ends.
		_, err = s.tmux(s.ctx, "run-shell", "true")
		return 0, false, err
	case signal != "":
		return -1, true, nil
	}
	status, err = strconv.Atoi(code)
	return status, true, err
}

// Close hangs up on the program, waits for its end, kills it after two
// seconds, and ends the terminal. Calling it again does nothing.
func (s *Session) Close() error {
	s.ending.Do(func() { s.endErr = s.end() })
	return s.endErr
}

// end is Close.
func (s *Session) end() error {
	s.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), 2*hangupFor)
	defer cancel()
	var errs []error
	if s.program == nil {
		// The start failed. Whether there is a server is not known.
		s.tmux(ctx, "kill-server") //nolint:errcheck // no server, no matter
	} else {
		// The server stays and reaps the program.
		_, err := s.tmux(ctx, "kill-session")
		errs = append(errs, err)
		if !s.gone(ctx) {
			if err := s.program.Kill(); !errors.Is(err, os.ErrProcessDone) {
				errs = append(errs, err)
			}
		}
		_, err = s.tmux(ctx, "kill-server")
		errs = append(errs, err)
	}
	errs = append(errs, os.RemoveAll(s.dir))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close terminal: %w", err)
	}
	return nil
}

// gone waits for the end of the program and reports whether it came in time.
func (s *Session) gone(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, hangupFor)
	defer cancel()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for s.program.Signal(syscall.Signal(0)) == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
