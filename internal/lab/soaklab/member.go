package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/transport"
)

const (
	patience = 20 * time.Second // for who joins, or leaves, before it counts as stuck
	backTime = time.Minute      // for who had no network: places are tried for 45 s, and then joined anew
	shortest = 5 * time.Second  // stay
	longest  = time.Minute

	// On a busy machine a hub may be too slow for a crowd that comes at once.
	apart     = 100 * time.Millisecond // the first joins
	mostJoins = 5                      // failures in a row before somebody is stuck
)

// counters say what members have done.
type counters struct {
	joins, leaves, chats, locks, views, lossy, roams, cuts, back, read, in, failed atomic.Int64
}

// A member comes, does things and goes, over and over.
type member struct {
	number  int
	hub     string
	rooms   int
	talks   bool // has a microphone, and hears others; it takes most of a processor under the race detector
	who     *identity.Identity
	count   *counters
	problem func(error) // of which there should be none
}

// live comes and goes until ctx is done.
func (m *member) live(ctx context.Context) {
	pause(ctx, time.Duration(m.number)*apart)
	for failed := 0; ctx.Err() == nil; {
		err := m.visit(ctx)
		failed++
		switch {
		case err == nil:
			failed = 0
		case errors.Is(err, errJoin) && failed < mostJoins:
			m.count.failed.Add(1)
		default:
			m.problem(fmt.Errorf("member %d: %w", m.number, err))
		}
		pause(ctx, between(0, 3*time.Second))
	}
}

// errJoin is in the error of a visit that never began.
var errJoin = errors.New("join")

// between returns a random time.
func between(least, most time.Duration) time.Duration {
	return least + rand.N(most-least) //nolint:gosec // an accident, not a secret
}

// pause waits and reports whether ctx is still not done.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// visit joins a session, stays for a while and leaves.
func (m *member) visit(ctx context.Context) error {
	r, err := newRelay(m.hub)
	if err != nil {
		return err
	}
	defer r.close()
	cfg := call.Config{
		Dial: func(ctx context.Context) (transport.Conn, error) {
			return transport.Dial(ctx, transport.DialConfig{Addr: r.addr, Verify: func(string) error { return nil }})
		},
		Session: fmt.Sprintf("room%d", rand.IntN(m.rooms)), //nolint:gosec // likewise
		Name:    fmt.Sprintf("member%d", m.number), Identity: m.who, Width: 48, Height: 36,
	}
	if m.talks {
		cfg.Mic = func(ctx context.Context) (media.AudioSource, error) { return device.OpenMic(ctx, device.Test) }
		cfg.Speaker = func(ctx context.Context) (media.AudioSink, error) { return device.OpenSpeaker(ctx, device.Test) }
	}
	c, err := call.New(cfg)
	if err != nil {
		return err
	}
	joining, cancel := context.WithTimeout(ctx, patience)
	err = c.Join(joining)
	cancel()
	switch {
	case err == nil: // who has joined leaves, even if time is up
	case ctx.Err() != nil:
		return nil
	default:
		return fmt.Errorf("%w: %w", errJoin, err)
	}
	m.count.joins.Add(1)
	m.count.in.Add(1)
	defer m.count.in.Add(-1)

	running, leave := context.WithCancel(context.Background())
	defer leave()
	ran := make(chan error, 1)
	go func() { ran <- c.Run(running) }() // received from below
	var listening sync.WaitGroup
	listening.Go(func() { m.listen(running, c) })
	staying, bored := context.WithTimeout(ctx, between(shortest, longest))
	m.act(staying, c, r)
	bored()
	back := m.isBack(c)
	leave()
	select {
	case err = <-ran:
	case <-time.After(patience):
		return errors.New("leaving takes too long")
	}
	listening.Wait()
	m.count.leaves.Add(1)
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		return fmt.Errorf("call ended: %w", err)
	case !back:
		return fmt.Errorf("is not back after %v with a network", backTime)
	}
	return nil
}

// isBack waits until the member is connected.
func (m *member) isBack(c *call.Call) bool {
	var s call.State
	for end := time.Now().Add(backTime); time.Now().Before(end); pause(context.Background(), time.Second/10) {
		if c.State(&s); s.Link.Phase == call.Joined {
			return true
		}
	}
	return false
}

// listen reads what the call has to tell.
func (m *member) listen(ctx context.Context, c *call.Call) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.Changed():
		case n := <-c.Notices():
			if n.Kind == call.LinkBack {
				m.count.back.Add(1)
			}
			if n.Kind == call.ChatLine {
				m.count.read.Add(1)
			}
		}
	}
}

// act does one thing after the other until ctx is done.
func (m *member) act(ctx context.Context, c *call.Call, r *relay) {
	defer r.mend()
	for pause(ctx, between(500*time.Millisecond, 4*time.Second)) {
		switch rand.IntN(8) { //nolint:gosec // likewise
		case 0, 1:
			if c.Say(fmt.Sprint("hello from member ", m.number)) == nil {
				m.count.chats.Add(1)
			}
		case 2:
			c.SetLocked(true)
			pause(ctx, 500*time.Millisecond)
			c.SetLocked(false)
			m.count.locks.Add(1)
		case 3:
			var s call.State
			c.State(&s)
			var views []call.View
			for _, o := range s.Members {
				views = append(views, call.View{Slot: o.Slot, Width: 16 + rand.IntN(100), Height: 16 + rand.IntN(80), FPS: 1 + rand.IntN(15)}) //nolint:gosec // likewise
			}
			c.Watch(views)
			m.count.views.Add(1)
		case 4:
			r.lossy.Store(rand.Int64N(300)) //nolint:gosec // likewise
			m.count.lossy.Add(1)
		case 5:
			if r.roam() == nil {
				m.count.roams.Add(1)
			}
		case 6:
			r.cut()
			m.count.cuts.Add(1)
			pause(ctx, between(0, 6*time.Second))
			r.mend()
		case 7:
			c.SetMuted(!c.Muted())
		}
	}
}
