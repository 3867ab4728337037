package ui

import (
	"os"
	"sync"
	"sync/atomic"

	"github.com/gdamore/tcell/v2"
)

// A gate is a tty whose input can be held back. tcell reads with one goroutine
// and parses with another; when it is told to end while more has been typed or
// pasted than the channel between them holds, the parser ends first and the
// reader, for which tcell waits, never does. Holding the input first keeps the
// reader out of that channel.
//
// It also counts what is written.
type gate struct {
	tcell.Tty

	written atomic.Int64 // bytes, by any goroutine

	// Guarded by mu.
	mu       sync.Mutex
	changed  *sync.Cond
	held     bool          // nothing more is read
	inside   bool          // the reader is in Read, and stays there while held
	gone     bool          // the reader has had an error, so it has ended
	released chan struct{} // closed when the reader may leave Read, with an error
}

// newGate returns tty behind a gate that is open.
func newGate(tty tcell.Tty) *gate {
	g := &gate{Tty: tty}
	g.changed = sync.NewCond(&g.mu)
	return g
}

// Start opens the gate, and starts the tty.
func (g *gate) Start() error {
	g.mu.Lock()
	g.held, g.inside, g.gone = false, false, false
	g.released = make(chan struct{})
	g.mu.Unlock()
	err := g.Tty.Start()
	if err != nil { // nobody will read
		g.mu.Lock()
		g.gone = true
		g.mu.Unlock()
	}
	return err
}

// Drain lets a reader that is held leave. tcell calls it once after Start.
func (g *gate) Drain() error {
	g.mu.Lock()
	close(g.released)
	g.mu.Unlock()
	return g.Tty.Drain()
}

// Write writes to the tty.
func (g *gate) Write(b []byte) (n int, err error) {
	n, err = g.Tty.Write(b)
	g.written.Add(int64(n))
	return n, err
}

// Read reads from the tty. While the gate holds, what was typed is lost.
func (g *gate) Read(b []byte) (n int, err error) {
	g.mu.Lock()
	g.inside = true
	g.changed.Broadcast()
	held, released := g.held, g.released
	g.mu.Unlock()
	if !held {
		n, err = g.Tty.Read(b)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil && g.held {
		g.mu.Unlock()
		<-released
		g.mu.Lock()
		n, err = 0, os.ErrDeadlineExceeded
	}
	g.inside, g.gone = false, err != nil
	g.changed.Broadcast()
	return n, err
}

// hold closes the gate and waits until the reader is in Read, which it does
// not leave before Drain. Events must be taken meanwhile.
func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = true
	for !g.inside && !g.gone {
		g.changed.Wait()
	}
}
