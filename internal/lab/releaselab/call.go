//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/program"
)

// callTime is how long all of a call between two processors may take to be good.
const callTime = 2 * time.Minute

// An event is what this lab looks at of a line of headless output.
type event struct {
	Event   string
	Members []struct {
		Name        string
		VoicePlayed uint64 `json:"voice_played"`
		Pictures    uint64
		Width       int
	}
}

// A member is a headless s2c.
type member struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	events chan event
	said   *os.File // its standard error
	once   sync.Once
	waited error
}

// join starts a member: command is s2c, after an emulator where it needs one.
func join(ctx context.Context, command []string, dir, name, addr string, args ...string) (*member, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	said, err := os.Create(filepath.Join(dir, "said"))
	if err != nil {
		return nil, err
	}
	all := append(command[1:], "join", "-s", "release", "-c", name, "--headless", "--stats", "500ms", "--speaker", "none")
	m := &member{name: name, cmd: exec.CommandContext(ctx, command[0], append(append(all, args...), addr)...), events: make(chan event), said: said}
	m.cmd.Env = append(os.Environ(), "S2C_CONFIG="+dir, "S2C_STATE="+dir, "S2C_NO_SETUP=1")
	m.cmd.Stderr = said
	if m.in, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := m.cmd.Start(); err != nil {
		return nil, err
	}
	go m.read(out) // ends with the process, which end waits for
	return m, nil
}

// read hands on what the member tells, of which none is kept for who does not wait.
func (m *member) read(out io.Reader) {
	defer close(m.events)
	for d := json.NewDecoder(out); ; {
		var e event
		if d.Decode(&e) != nil {
			return
		}
		m.events <- e
	}
}

// await returns the next event that is as wanted.
func (m *member) await(ctx context.Context, what string, is func(event) bool) (event, error) {
	for {
		select {
		case e, ok := <-m.events:
			if !ok {
				said, _ := os.ReadFile(m.said.Name())
				return event{}, fmt.Errorf("%s ended before %s; it said:\n%s", m.name, what, said)
			}
			if is(e) {
				return e, nil
			}
		case <-ctx.Done():
			return event{}, fmt.Errorf("%s: no %s: %w", m.name, what, context.Cause(ctx))
		}
	}
}

// leave has the member leave, and returns an error unless it does as it should.
func (m *member) leave() error {
	_, err := io.WriteString(m.in, "leave\n")
	m.wait()
	return errors.Join(err, m.waited)
}

// end kills the member if it still runs.
func (m *member) end() {
	_ = m.cmd.Process.Kill() // an error means that it has ended
	m.wait()
}

func (m *member) wait() {
	m.once.Do(func() {
		for range m.events { // until its output ends
		}
		m.waited = m.cmd.Wait()
		_ = m.said.Close()
	})
}

// checkCalls has members on other processors in a call with one on this.
func checkCalls(ctx context.Context, list []artifact, native, work string) error {
	fmt.Println("emulated")
	s2c := &program.Program{Exe: native, Dir: work}
	var errs []error
	for _, a := range list {
		if a.isBinary() && !runsHere(a.Arch) {
			errs = append(errs, callWith(ctx, s2c, a, filepath.Join(work, "call-"+a.Arch)))
		}
	}
	return errors.Join(errs...)
}

// callWith has a call between a member on another processor and one on this.
func callWith(ctx context.Context, s2c *program.Program, a artifact, dir string) error {
	emulator, err := exec.LookPath(emulators[a.Arch])
	if err != nil {
		return fmt.Errorf("%w: it is in qemu-user-static", err)
	}
	hub, err := s2c.Hub(ctx)
	if err != nil {
		return err
	}
	defer hub.End()
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	begin := time.Now()
	here, err := join(ctx, []string{s2c.Exe}, filepath.Join(dir, "here"), "here", hub.Addr, "--camera", "test", "--mic", "test")
	if err != nil {
		return err
	}
	defer here.end()
	there, err := join(ctx, []string{emulator, a.Path}, filepath.Join(dir, "there"), "there", hub.Addr, "--camera", "test", "--mic", "test")
	if err != nil {
		return err
	}
	defer there.end()

	var seen [2]event
	var wrong [2]error
	var both sync.WaitGroup
	for i, m := range []*member{here, there} {
		both.Go(func() { seen[i], wrong[i] = m.await(ctx, "voice and pictures of the other", meets) })
	}
	both.Wait()
	if err := errors.Join(wrong[:]...); err != nil {
		return fmt.Errorf("a call with %s: %w", a.Arch, err)
	}
	h, t := seen[0].Members[0], seen[1].Members[0]
	fmt.Printf("  %-8s after %.1f s it was heard (%d packets) and seen (%d pictures), and had heard %d and seen %d\n",
		a.Arch, time.Since(begin).Seconds(), h.VoicePlayed, h.Pictures, t.VoicePlayed, t.Pictures)
	return errors.Join(there.leave(), here.leave())
}

// meets reports whether e says that the only other one is heard and seen.
func meets(e event) bool {
	return len(e.Members) == 1 && e.Members[0].VoicePlayed >= 50 && e.Members[0].Pictures >= 10 && e.Members[0].Width > 0
}
