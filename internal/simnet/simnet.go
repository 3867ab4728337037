// Package simnet is a network in memory with delay, jitter, loss and a rate.
// Inside a synctest bubble its time is simulated, so a test of an hour takes
// as long as its computation.
//
// A datagram or message is stored once, with the time of its arrival, and the
// receiver waits for that time: nothing runs per packet, and over a perfect
// Link no clock is read.
package simnet

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/sanix-darker/s2c/internal/transport"
)

// backlog is how many members may wait for one Accept, as for a TCP listener.
// Further ones are refused.
const backlog = 128

// A Link says how one direction of a connection behaves. The zero Link is
// perfect: what is sent has arrived.
//
// Everything sent in one direction arrives in the order sent, if it arrives:
// jitter stretches gaps and closes them but never reorders.
type Link struct {
	Delay  time.Duration // one way
	Jitter time.Duration // added at random, uniform in [0, Jitter)
	Loss   float64       // share of the datagrams lost, in [0, 1]; messages are never lost
	Rate   int           // bit/s that datagrams and messages share; 0 means without limit
	Queue  time.Duration // a datagram that would wait longer than this for the Rate is lost; 0 means 300 ms
}

// A Net is a network of listeners. Call New. All methods may be called by any
// goroutine.
type Net struct {
	// Set by New.
	seed uint64

	// Guarded by mu.
	mu        sync.Mutex
	dialled   uint64 // connections ever
	listeners map[string]*listener
}

// New returns a Net without listeners. What it does at random depends only on
// seed, on the order of the calls of Dial and on what is sent.
func New(seed uint64) *Net {
	return &Net{seed: seed, listeners: make(map[string]*listener)}
}

// Listen returns a listener at addr, which is any text that is not in use.
func (n *Net) Listen(addr string) (transport.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[addr] != nil {
		return nil, opError("listen", addr, syscall.EADDRINUSE)
	}
	l := &listener{net: n, addr: addr, ready: make(chan struct{}, 1), done: make(chan struct{})}
	n.listeners[addr] = l
	return l, nil
}

// Dial connects to the listener at addr, which takes one round trip, or fails
// with an error wrapping *net.OpError. up is the way to the listener, down the
// way back. The Conn is a *Conn.
func (n *Net) Dial(ctx context.Context, addr string, up, down Link) (transport.Conn, error) {
	n.mu.Lock()
	n.dialled++
	local, remote := n.pair(n.dialled, addr, up, down)
	n.mu.Unlock()

	if err := wait(ctx, up.Delay); err != nil {
		return nil, opError("dial", addr, err)
	}
	n.mu.Lock()
	l := n.listeners[addr]
	n.mu.Unlock()
	if l == nil || !l.offer(remote) {
		return nil, opError("dial", addr, syscall.ECONNREFUSED)
	}
	if err := wait(ctx, down.Delay); err != nil {
		_ = local.Close() // never fails
		return nil, opError("dial", addr, err)
	}
	return local, nil
}

// pair returns the two ends of connection number i.
func (n *Net) pair(i uint64, addr string, up, down Link) (local, remote *Conn) {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], n.seed)
	binary.BigEndian.PutUint64(id[8:], i)
	binding := sha256.Sum256(append([]byte("simnet binding"), id[:]...))

	there, back := newPipe(up, n.seed, 2*i), newPipe(down, n.seed, 2*i+1)
	local = newConn(there, back, binding, addr)
	remote = newConn(back, there, binding, fmt.Sprintf("memory:%d", i))
	local.up, local.down = there, back
	remote.up, remote.down = there, back
	return local, remote
}

// wait returns after d, or earlier with the cause of ctx.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// A listener implements transport.Listener.
type listener struct {
	// Set by Listen.
	net   *Net
	addr  string
	ready chan struct{} // holds a token while somebody may wait; never closed
	done  chan struct{} // closed by Close

	// Guarded by mu.
	mu      sync.Mutex
	waiting []*Conn
	closed  bool
}

// offer adds c to those who wait for Accept. It reports false when l is closed
// or too many wait.
func (l *listener) offer(c *Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting) == backlog {
		return false
	}
	l.waiting = append(l.waiting, c)
	wake(l.ready)
	return true
}

// Accept implements transport.Listener.
func (l *listener) Accept() (transport.Conn, error) {
	for {
		if c := l.take(); c != nil {
			return c, nil
		}
		select {
		case <-l.ready:
		case <-l.done:
			return nil, opError("accept", l.addr, net.ErrClosed)
		}
	}
}

// take returns who has waited longest, or nil.
func (l *listener) take() *Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return nil
	}
	c := l.waiting[0]
	l.waiting = l.waiting[1:]
	if len(l.waiting) > 0 {
		wake(l.ready) // for another goroutine in Accept
	}
	return c
}

// Addr implements transport.Listener.
func (l *listener) Addr() string { return l.addr }

// Close implements transport.Listener. Those who still wait are hung up on.
func (l *listener) Close() error {
	l.mu.Lock()
	waiting, closed := l.waiting, l.closed
	l.waiting, l.closed = nil, true
	l.mu.Unlock()
	if closed {
		return nil
	}
	close(l.done)
	l.net.mu.Lock()
	delete(l.net.listeners, l.addr)
	l.net.mu.Unlock()
	for _, c := range waiting {
		_ = c.Close() // never fails
	}
	return nil
}

// An address implements net.Addr.
type address string

func (address) Network() string  { return "memory" }
func (a address) String() string { return string(a) }

func opError(op, addr string, err error) error {
	return &net.OpError{Op: op, Net: "memory", Addr: address(addr), Err: err}
}

// wake puts a token into ready, which holds one, unless it is there already.
func wake(ready chan<- struct{}) {
	select {
	case ready <- struct{}{}:
	default:
	}
}
