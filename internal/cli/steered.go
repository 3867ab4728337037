package cli

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/command"
	"github.com/sanix-darker/s2c/internal/ctl"
	"github.com/sanix-darker/s2c/internal/ui"
)

// A steered is a call that other programs speak to, by s2c ctl.
type steered struct {
	call   *call.Call
	leave  func()            // ends the call
	screen chan<- ui.Request // nil without one
	ended  <-chan struct{}   // closed when the call ends
}

// screenTime bounds how long a screen may take to do something.
const screenTime = 3 * time.Second

// Do implements ctl.Call.
func (s *steered) Do(line string) error {
	err := command.Do(s.call, line)
	if errors.Is(err, command.ErrLeave) {
		s.leave()
		return nil
	}
	if errors.Is(err, command.ErrUnknown) && s.screen != nil {
		return s.ask(line)
	}
	return err
}

// ask has the screen do what a line says.
func (s *steered) ask(line string) error {
	done := make(chan error, 1)
	late := time.After(screenTime)
	select {
	case s.screen <- ui.Request{Line: line, Done: done}:
	case <-late:
		return errBusyScreen
	case <-s.ended:
		return ctl.ErrNoCall
	}
	select {
	case err := <-done:
		return err
	case <-late:
		return errBusyScreen
	case <-s.ended:
		return ctl.ErrNoCall
	}
}

var errBusyScreen = errors.New("the call's terminal takes too long: look whether it is stopped")

// Status implements ctl.Call.
func (s *steered) Status() ctl.Status {
	var state call.State
	s.call.State(&state)
	return statusOf(&state)
}

// statusOf returns what other programs are told of a call.
func statusOf(s *call.State) ctl.Status {
	v := ctl.Status{
		Session: s.Session, Name: s.Self.Name, PID: os.Getpid(), People: 1,
		Names: []string{}, Speaking: []string{}, Hands: []string{}, // [] in JSON, not null
		Waiting: len(s.Knocks), Muted: s.Self.Muted, Deafened: s.Self.Deaf, Talking: s.Self.Speaking && !s.Self.Muted,
		Camera: s.Self.Camera, Locked: s.Locked, Link: phaseName(s.Link.Phase),
		RTT: ms(s.Link.RTT), Loss: s.Link.Loss, Up: s.Link.Up, Down: s.Link.Down,
	}
	var hands []*call.Member
	if s.Self.Hand {
		hands = append(hands, &s.Self)
	}
	for i := range s.Members {
		m := &s.Members[i]
		if !m.Present {
			continue
		}
		v.People++
		v.Names = append(v.Names, m.Name)
		if m.Speaking {
			v.Speaking = append(v.Speaking, m.Name)
		}
		if m.Hand {
			hands = append(hands, m)
		}
	}
	slices.SortStableFunc(hands, func(a, b *call.Member) int { return a.HandAt.Compare(b.HandAt) })
	for _, m := range hands {
		v.Hands = append(v.Hands, m.Name)
	}
	return v
}

func phaseName(p call.Phase) string {
	switch p {
	case call.Joined:
		return "joined"
	case call.Reconnecting:
		return "reconnecting"
	default:
		return "connecting"
	}
}

// ctlDir returns the folder of the sockets of running calls.
func (e Env) ctlDir() string {
	runtime := e.Getenv("XDG_RUNTIME_DIR")
	if info, err := os.Stat(runtime); err != nil || !info.IsDir() {
		runtime = "" // it is not there, as for somebody who has not logged in
	}
	return ctl.Dir(runtime, strings.TrimRight(os.TempDir(), "/"))
}

// steer lets other programs steer c until ctx is done; wg then waits for it.
// leave ends the call, and screen, unless it is nil, takes what is the screen's.
// Without a socket the call goes on all the same.
func (e Env) steer(ctx context.Context, c *call.Call, leave func(), screen chan<- ui.Request, wg *sync.WaitGroup) {
	ln, err := ctl.Listen(ctx, e.ctlDir(), os.Getpid())
	if err != nil {
		e.say("s2c ctl cannot steer this call: %v", err)
		return
	}
	wg.Go(func() { ctl.NewServer(&steered{c, leave, screen, ctx.Done()}).Serve(ctx, ln) })
}
