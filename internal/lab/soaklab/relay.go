package main

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A relay is a member's network: it passes on what goes between one member and the
// hub, over TCP and UDP. Any goroutine uses it.
type relay struct {
	hub  string
	addr string // for the member
	tcp  net.Listener
	in   *net.UDPConn // to the member

	lossy  atomic.Int64 // packets of a thousand that are lost each way
	broken atomic.Bool  // nothing gets through
	wg     sync.WaitGroup

	// Guarded by mu.
	mu     sync.Mutex
	member *net.UDPAddr
	out    *net.UDPConn // to the hub
	open   map[net.Conn]struct{}
	closed bool
}

func newRelay(hub string) (r *relay, err error) {
	r = &relay{hub: hub, open: make(map[net.Conn]struct{})}
	for range 32 { // until a port is free for both
		if r.tcp, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
			return nil, err
		}
		r.addr = r.tcp.Addr().String()
		port := r.tcp.Addr().(*net.TCPAddr).Port
		if r.in, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err == nil {
			break
		}
		_ = r.tcp.Close()
	}
	if err != nil {
		return nil, err
	}
	if err := r.roam(); err != nil {
		r.close()
		return nil, err
	}
	r.wg.Go(r.accept)
	r.wg.Go(r.up)
	return r, nil
}

// passes reports whether a packet gets through.
func (r *relay) passes() bool {
	return !r.broken.Load() && rand.Int64N(1000) >= r.lossy.Load() //nolint:gosec // an accident, not a secret
}

// roam has the hub see another port from now on, as a router does that has forgotten
// its bindings.
func (r *relay) roam() error {
	to, err := net.ResolveUDPAddr("udp4", r.hub)
	if err != nil {
		return err
	}
	out, err := net.DialUDP("udp4", nil, to)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return out.Close()
	}
	if r.out != nil {
		_ = r.out.Close()
	}
	r.out = out
	r.wg.Go(func() { r.down(out) })
	return nil
}

// cut ends all TCP connections, and nothing gets through until mend.
func (r *relay) cut() {
	r.broken.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.open {
		_ = c.Close()
	}
}

func (r *relay) mend() { r.broken.Store(false) }

// accept passes TCP connections on.
func (r *relay) accept() {
	for {
		a, err := r.tcp.Accept()
		if err != nil {
			return
		}
		if r.broken.Load() {
			_ = a.Close()
			continue
		}
		b, err := net.DialTimeout("tcp4", r.hub, 5*time.Second)
		if err != nil {
			_ = a.Close()
			continue
		}
		r.mu.Lock()
		if r.closed {
			_, _ = a.Close(), b.Close()
		}
		r.open[a], r.open[b] = struct{}{}, struct{}{}
		r.mu.Unlock()
		for _, way := range [2][2]net.Conn{{a, b}, {b, a}} {
			r.wg.Go(func() {
				// Hidden, or they would be spliced, through pipes that are kept for later.
				_, _ = io.Copy(struct{ io.Writer }{way[1]}, struct{ io.Reader }{way[0]})
				_ = way[1].Close()
				r.mu.Lock()
				delete(r.open, way[1])
				r.mu.Unlock()
			})
		}
	}
}

func (r *relay) up() {
	b := make([]byte, 2048)
	for {
		n, from, err := r.in.ReadFromUDP(b)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.member = from
		out := r.out
		r.mu.Unlock()
		if r.passes() {
			_, _ = out.Write(b[:n])
		}
	}
}

func (r *relay) down(out *net.UDPConn) {
	b := make([]byte, 2048)
	for {
		n, err := out.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		r.mu.Lock()
		to := r.member
		r.mu.Unlock()
		if err == nil && to != nil && r.passes() {
			_, _ = r.in.WriteToUDP(b[:n], to)
		}
	}
}

// close ends the relay and waits for what it runs.
func (r *relay) close() {
	_, _ = r.tcp.Close(), r.in.Close()
	r.mu.Lock()
	r.closed = true
	if r.out != nil {
		_ = r.out.Close()
	}
	for c := range r.open {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
}
