// Package program builds s2c and runs it as processes, for measurements and
// for tests of the whole.
package program

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// A Program is a built binary and a folder for what it keeps.
type Program struct {
	Exe string
	Dir string
}

// Build builds s2c as it is released, static and stripped, into dir; with build
// tags, if any, that no release has.
func Build(ctx context.Context, dir string, tags ...string) (*Program, error) {
	p := &Program{Exe: filepath.Join(dir, strings.Join(append([]string{"s2c"}, tags...), "-")), Dir: dir}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w",
		"-tags", strings.Join(tags, ","), "-o", p.Exe, "github.com/sanix-darker/s2c")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return p, nil
}

// Env returns the environment of a process: this one's, with folders for what
// it keeps under Dir, no page before the first call, and extra at the end.
func (p *Program) Env(extra ...string) []string {
	return append(append(os.Environ(), "S2C_CONFIG="+p.Dir+"/config", "S2C_STATE="+p.Dir+"/state", "S2C_NO_SETUP=1"), extra...)
}

// A Process is a running s2c.
type Process struct {
	Cmd  *exec.Cmd
	Addr string // of a hub

	done sync.WaitGroup // the goroutine that reads its output
}

// Start starts s2c with the given arguments. lines, if not nil, reads its
// standard output, in a goroutine that End waits for; standard error goes to
// this process's.
func (p *Program) Start(ctx context.Context, env []string, lines func(io.Reader), args ...string) (*Process, error) {
	return p.StartWith(ctx, nil, env, lines, args...)
}

// StartWith is Start with something on its standard input.
func (p *Program) StartWith(ctx context.Context, in io.Reader, env []string, lines func(io.Reader), args ...string) (*Process, error) {
	r := &Process{Cmd: exec.CommandContext(ctx, p.Exe, args...)}
	r.Cmd.Env, r.Cmd.Stdin = p.Env(env...), in
	r.Cmd.Cancel = func() error { return r.Cmd.Process.Signal(os.Interrupt) }
	r.Cmd.WaitDelay = 3 * time.Second
	r.Cmd.Stderr = os.Stderr
	if lines == nil {
		return r, r.Cmd.Start()
	}
	out, err := r.Cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := r.Cmd.Start(); err != nil {
		return nil, err
	}
	r.done.Go(func() { lines(out) })
	return r, nil
}

// Hub starts a hub on a free port of 127.0.0.1 and waits until it listens.
func (p *Program) Hub(ctx context.Context, args ...string) (*Process, error) {
	return p.LoggedHub(ctx, io.Discard, args...)
}

// LoggedHub is Hub with its log going to w, which is complete after End.
func (p *Program) LoggedHub(ctx context.Context, w io.Writer, args ...string) (*Process, error) {
	r := &Process{Cmd: exec.CommandContext(ctx, p.Exe, append([]string{"server", "--address", "127.0.0.1", "-p", "0"}, args...)...)}
	r.Cmd.Env = p.Env()
	out, err := r.Cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := r.Cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewReader(out)
	for r.Addr == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, errors.Join(errors.New("the hub did not start: "+line), r.Cmd.Wait())
		}
		if a, ok := strings.CutPrefix(line, "s2c: hub on "); ok {
			r.Addr = strings.TrimSpace(a)
		}
	}
	r.done.Go(func() { _, _ = io.Copy(w, lines) })
	return r, nil
}

// End interrupts the process and waits for it; after five seconds it kills it.
func (r *Process) End() {
	_ = r.Cmd.Process.Signal(Continue) // one that was stopped hears nothing else
	_ = r.Cmd.Process.Signal(os.Interrupt)
	kill := time.AfterFunc(5*time.Second, func() { _ = r.Cmd.Process.Kill() })
	defer kill.Stop()
	r.done.Wait()
	_ = r.Cmd.Wait() // ended by our signal
}

// PID returns the number of the process.
func (r *Process) PID() int { return r.Cmd.Process.Pid }

// Signal sends s to the process.
func (r *Process) Signal(s os.Signal) error { return r.Cmd.Process.Signal(s) }
