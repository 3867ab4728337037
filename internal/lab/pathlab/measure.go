package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/hubload"
	"github.com/sanix-darker/s2c/internal/transport"
)

const (
	senders = 9
	settle  = 500 * time.Millisecond // of sending that does not count
	linger  = time.Second            // for the last packets to arrive

	voiceEvery   = 20 * time.Millisecond
	pictureEvery = 50 * time.Millisecond
	voiceSize    = 110 // bytes
	pictureSize  = 700
)

// A result is what came.
type result struct {
	voices, voicesSent     uint64
	pictures, picturesSent uint64
	withheld, dropped      uint64
	voice                  hubload.Histogram
	pause                  time.Duration // median of the longest of each sender
	limit                  int           // bit/s

	shown [senders]time.Time // when a picture came last, by sender
	gaps  [senders]time.Duration

	numbers [senders][2]uint32 // of the next packets, of voice and with pictures
}

// measure starts a hub and sends for a while over a path.
func measure(ctx context.Context, s shape, seed uint64, d time.Duration) (*result, error) {
	key, err := transport.NewHubKey()
	if err != nil {
		return nil, err
	}
	ln, err := transport.Listen(transport.ListenConfig{Addr: "127.0.0.1:0", Key: key})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := lab{hub: hub.New(hub.Config{}), tap: &tap{Listener: ln}}
	served := make(chan error, 1)
	go func() { served <- l.hub.Serve(ctx, l.tap) }()
	r, err := l.measure(ctx, s, seed, d)
	cancel()
	return r, errors.Join(err, <-served)
}

// A lab is a hub and whom it has accepted.
type lab struct {
	hub *hub.Hub
	tap *tap
	who *identity.Identity // of everybody
}

func (l *lab) join(ctx context.Context, addr, name string) (*hubload.Member, error) {
	return hubload.Join(ctx, hubload.Place{
		Dial: transport.DialConfig{Addr: addr, Verify: func(string) error { return nil }},
		Who:  l.who, Session: "path", Name: name,
	})
}

// measure sends for a while over a path from the hub.
func (l *lab) measure(ctx context.Context, s shape, seed uint64, d time.Duration) (*result, error) {
	router, err := newRouter(ctx, l.tap.Addr(), s, seed)
	if err != nil {
		return nil, err
	}
	defer router.close()
	if l.who, err = identity.Generate(); err != nil {
		return nil, err
	}
	receiver, err := l.join(ctx, router.addr, "receiver")
	if err != nil {
		return nil, err
	}
	defer receiver.Close()
	conn := l.tap.last.Load()
	ways := make([]*hubload.Member, senders)
	for i := range ways {
		if ways[i], err = l.join(ctx, l.tap.Addr(), fmt.Sprintf("sender %d", i)); err != nil {
			return nil, err
		}
		defer ways[i].Close()
		ways[i].Deliver(func(uint16, *hubload.Packet) {}, func(error) {}) // a broken one fails to send
	}
	r := new(result)
	if err := r.run(ctx, ways, receiver, d); err != nil {
		return nil, err
	}
	r.limit = (*conn).Info().Rate
	r.withheld = l.hub.Stats().Drops["video_withheld"]
	router.close()
	r.dropped = router.down.dropped
	slices.Sort(r.gaps[:])
	r.pause = r.gaps[senders/2]
	return r, nil
}

// A tap remembers the last connection that a hub has accepted.
type tap struct {
	transport.Listener
	last atomic.Pointer[transport.Conn]
}

// Accept implements transport.Listener.
func (t *tap) Accept() (transport.Conn, error) {
	c, err := t.Listener.Accept()
	if err == nil {
		t.last.Store(&c)
	}
	return c, err
}

// run has all send for d and counts what comes.
func (r *result) run(ctx context.Context, ways []*hubload.Member, receiver *hubload.Member, d time.Duration) error {
	begin := time.Now()
	var wg sync.WaitGroup
	end := begin.Add(settle + d)
	wg.Go(func() {
		var p hubload.Packet
		for {
			if _, err := receiver.Receive(&p); err != nil {
				return
			}
			r.count(&p, begin, end)
		}
	})
	err := r.send(ctx, ways, begin, end)
	if err == nil {
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-time.After(linger):
		}
	}
	receiver.Close()
	wg.Wait()
	for i, at := range r.shown {
		if at.IsZero() {
			at = begin.Add(settle)
		}
		r.gaps[i] = max(r.gaps[i], end.Sub(at))
	}
	return err
}

// count counts a packet that has come. Its Round is whose it is.
func (r *result) count(p *hubload.Packet, begin, end time.Time) {
	at := begin.Add(p.Sent)
	if p.Sent < settle || !at.Before(end) || p.Round >= senders {
		return
	}
	now := time.Now()
	if !p.Picture {
		r.voices++
		r.voice.Add(now.Sub(at))
		return
	}
	r.pictures++
	before := r.shown[p.Round]
	if before.IsZero() {
		before = begin.Add(settle)
	}
	r.gaps[p.Round] = max(r.gaps[p.Round], now.Sub(before))
	r.shown[p.Round] = now
}

// send has all send until the end, each at times of its own.
func (r *result) send(ctx context.Context, ways []*hubload.Member, begin, end time.Time) error {
	next := make([][2]time.Duration, len(ways))
	for i := range next {
		next[i][0] = voiceEvery * time.Duration(i) / senders
		next[i][1] = pictureEvery * time.Duration(i*7%senders) / senders
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if !time.Now().Before(end) {
			return nil
		}
		for i, w := range ways {
			for picture, every := range [...]time.Duration{voiceEvery, pictureEvery} {
				now := time.Since(begin)
				if now < next[i][picture] {
					continue
				}
				next[i][picture] += every
				if err := r.sendOne(w, i, picture == 1, now); err != nil {
					return err
				}
			}
		}
	}
}

// sendOne sends a packet of sender i.
func (r *result) sendOne(w *hubload.Member, i int, picture bool, now time.Duration) error {
	size, count, number := voiceSize, &r.voicesSent, &r.numbers[i][0]
	if picture {
		size, count, number = pictureSize, &r.picturesSent, &r.numbers[i][1]
	}
	if now >= settle {
		*count++
	}
	p := hubload.Packet{Picture: picture, Number: *number, Sent: now, Round: uint8(i)}
	*number++
	return w.Send(&p, size)
}
