package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A shape is what a path does to packets, both ways but for the rate.
type shape struct {
	delay  time.Duration // one way
	jitter time.Duration // from none to so much more, in order
	loss   float64
	rate   float64       // bit/s towards the member; 0 is no limit
	queue  time.Duration // what does not fit is dropped
}

// A path is one direction.
type path struct {
	shape
	rng        *rand.Rand
	free, last time.Time
	dropped    uint64
}

// headBytes is what IP and UDP put before a packet.
const headBytes = 28

// pass returns when a packet of so many bytes arrives, or false if it does not.
func (p *path) pass(size int, now time.Time) (at time.Time, ok bool) {
	at = now
	if p.rate > 0 {
		if p.free.After(at) {
			at = p.free
		}
		if at.Sub(now) > p.queue {
			p.dropped++
			return at, false
		}
		at = at.Add(time.Duration(float64(8*(size+headBytes)) / p.rate * float64(time.Second)))
		p.free = at
	}
	lost, held := p.rng.Float64() < p.loss, p.rng.Float64()
	if lost {
		return at, false
	}
	at = at.Add(p.delay + time.Duration(held*float64(p.jitter)))
	if at.Before(p.last) {
		at = p.last
	}
	p.last = at
	return at, true
}

// A router passes on what goes between one member and a hub.
type router struct {
	addr string // for the member
	tcp  net.Listener
	udp  *net.UDPConn
	hub  *net.UDPConn // to the hub
	dial string
	down path // owned by downLoop; its dropped is read after close
	up   path // owned by upLoop

	wg     sync.WaitGroup
	mu     sync.Mutex
	member netip.AddrPort
	open   []io.Closer
	closed bool
}

// newRouter starts a router before the hub at an address.
func newRouter(ctx context.Context, hub string, s shape, seed uint64) (*router, error) {
	to, err := net.ResolveUDPAddr("udp4", hub)
	if err != nil {
		return nil, err
	}
	r := &router{dial: hub}
	if r.hub, err = net.DialUDP("udp4", nil, to); err != nil {
		return nil, err
	}
	if err := r.listen(ctx); err != nil {
		return nil, errors.Join(err, r.hub.Close())
	}
	r.down = path{shape: s, rng: rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // it has to be repeatable, not secret
	s.rate = 0
	r.up = path{shape: s, rng: rand.New(rand.NewPCG(seed, 2))} //nolint:gosec // likewise
	r.open = []io.Closer{r.tcp, r.udp, r.hub}
	r.wg.Go(func() { r.acceptLoop(s.delay) })
	r.wg.Go(r.upLoop)
	r.wg.Go(r.downLoop)
	return r, nil
}

// listen finds a port that is free for both protocols.
func (r *router) listen(ctx context.Context) (err error) {
	var lc net.ListenConfig
	for range 32 {
		if r.tcp, err = lc.Listen(ctx, "tcp4", "127.0.0.1:0"); err != nil {
			return err
		}
		r.addr = r.tcp.Addr().String()
		port := r.tcp.Addr().(*net.TCPAddr).Port
		if r.udp, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err == nil {
			return nil
		}
		if err := r.tcp.Close(); err != nil {
			return err
		}
	}
	return fmt.Errorf("find a port for TCP and UDP: %w", err)
}

// keep has c closed with the router.
func (r *router) keep(c io.Closer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = c.Close()
	}
	r.open = append(r.open, c)
}

// close ends the router and waits for what it runs.
func (r *router) close() {
	r.mu.Lock()
	r.closed = true
	for _, c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
}

// upLoop passes on what comes from the member.
func (r *router) upLoop() {
	w := newWire(func(b []byte) { _, _ = r.hub.Write(b) })
	defer w.close()
	var b [2048]byte
	for {
		n, from, err := r.udp.ReadFromUDPAddrPort(b[:])
		if err != nil {
			return
		}
		r.mu.Lock()
		r.member = from
		r.mu.Unlock()
		if at, ok := r.up.pass(n, time.Now()); ok {
			w.put(b[:n], at)
		}
	}
}

// downLoop passes on what comes from the hub.
func (r *router) downLoop() {
	w := newWire(func(b []byte) {
		r.mu.Lock()
		to := r.member
		r.mu.Unlock()
		_, _ = r.udp.WriteToUDPAddrPort(b, to)
	})
	defer w.close()
	var b [2048]byte
	for {
		n, err := r.hub.Read(b[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // nobody listens there any more
		}
		if at, ok := r.down.pass(n, time.Now()); ok {
			w.put(b[:n], at)
		}
	}
}

// acceptLoop passes on TCP connections, late.
func (r *router) acceptLoop(delay time.Duration) {
	for {
		in, err := r.tcp.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", r.dial)
		if err != nil {
			_ = in.Close()
			continue
		}
		r.keep(in)
		r.keep(out)
		r.wg.Go(func() { relay(out, in, delay) })
		r.wg.Go(func() { relay(in, out, delay) })
	}
}

// relay copies a stream, late.
func relay(to, from net.Conn, delay time.Duration) {
	w := newWire(func(b []byte) { _, _ = to.Write(b) })
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if err != nil {
			break
		}
		w.put(b[:n], time.Now().Add(delay))
	}
	w.close()
	_ = to.(*net.TCPConn).CloseWrite()
}

// A wire hands packets on when it is time, in order.
type wire struct {
	packets chan late
	done    chan struct{}
}

type late struct {
	b  []byte
	at time.Time
}

// wireLen is how many packets may be under way: a second of all rows, and more.
const wireLen = 4096

func newWire(do func(b []byte)) *wire {
	w := &wire{packets: make(chan late, wireLen), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		timer := time.NewTimer(0)
		defer timer.Stop()
		for p := range w.packets {
			if wait := time.Until(p.at); wait > 0 {
				timer.Reset(wait)
				<-timer.C
			}
			do(p.b)
		}
	}()
	return w
}

// put has a copy of b handed on at a time, which is not before that of the last.
func (w *wire) put(b []byte, at time.Time) { w.packets <- late{append([]byte(nil), b...), at} }

// close waits until all are handed on.
func (w *wire) close() {
	close(w.packets)
	<-w.done
}
