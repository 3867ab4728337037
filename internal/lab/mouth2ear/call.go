package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/sound"
)

// A wholeCall is a hub and members as processes, the first two of them on sound
// servers of their own.
type wholeCall struct {
	dir        string
	mouth, ear *temporary
	procs      []*program.Process
}

// startCall starts a call, whose members get more arguments, and waits until the
// ear sees everybody and its buffers have settled.
func startCall(ctx context.Context, kind sound.Kind, members int, more []string) (_ *wholeCall, err error) {
	c := &wholeCall{}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if members < 2 {
		return nil, errors.New("a call needs two members")
	}
	if c.dir, err = os.MkdirTemp("", "s2c-call-"); err != nil {
		return nil, err
	}
	s2c, err := program.Build(ctx, c.dir)
	if err != nil {
		return nil, err
	}
	if c.mouth, err = start(kind); err != nil {
		return nil, err
	}
	if c.ear, err = start(kind); err != nil {
		return nil, err
	}
	hub, err := s2c.Hub(ctx)
	if err != nil {
		return nil, err
	}
	c.procs = append(c.procs, hub)
	seen := make(chan int, 64)
	for i := range members {
		args := append([]string{"join", "-s", "ear", "-c", fmt.Sprintf("member-%d", i), "--headless"}, more...)
		env, lines := []string(nil), func(r io.Reader) { _, _ = io.Copy(io.Discard, r) }
		switch i {
		case 0:
			env = c.mouth.Env()
			args = append(args, "--camera", "test", "--speaker", "auto", "--mic", "auto")
		case 1:
			env = c.ear.Env()
			args = append(args, "--camera", "test", "--speaker", "auto", "--mic", "auto")
			lines = func(r io.Reader) { countMembers(r, seen) }
		default: // heard by nobody's ear, but there
			args = append(args, "--camera", "test", "--speaker", "test", "--mic", "test", "--muted")
		}
		env = append(env, fmt.Sprintf("S2C_CONFIG=%s/member-%d", c.dir, i)) // each is somebody else
		p, err := s2c.Start(ctx, env, lines, append(args, hub.Addr)...)
		if err != nil {
			return nil, err
		}
		c.procs = append(c.procs, p)
	}
	return c, await(ctx, seen, members-1)
}

// await waits until n members were seen, and then for the buffers.
func await(ctx context.Context, seen <-chan int, n int) error {
	late := time.After(15 * time.Second)
	for m := 0; m < n; {
		select {
		case m = <-seen:
		case <-late:
			return fmt.Errorf("only %d of %d others came", m, n)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	select {
	case <-time.After(3 * time.Second):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// countMembers tells seen how many members have joined, by headless output.
func countMembers(r io.Reader, seen chan<- int) {
	d := json.NewDecoder(r)
	n := 0
	for {
		var e struct{ Event string }
		if d.Decode(&e) != nil {
			return
		}
		if e.Event == "joined" {
			n++
			seen <- n
		}
	}
}

// close ends the members, then the hub, then the sound.
func (c *wholeCall) close() {
	for _, p := range slices.Backward(c.procs) {
		p.End()
	}
	for _, s := range []*temporary{c.mouth, c.ear} {
		if s != nil {
			s.close()
		}
	}
	if c.dir != "" {
		os.RemoveAll(c.dir)
	}
}
