package ui

import (
	"os"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"
)

// A gate is a tty whose input can be held back. tcell reads with one goroutine
// and parses with another; when it is told to end while more has been typed or
// pasted than the channel between them holds, the parser ends first and the
// reader, for which tcell waits, never does. Holding the input first keeps the
// reader out of that channel.
//
// It takes out what is not UTF-8, which has the parser turn round and round: what
// a terminal with another character set sends, or a paste of anything. And it
// counts what is written.
type gate struct {
	tcell.Tty

	written atomic.Int64 // bytes, by any goroutine
	events  atomic.Bool  // the terminal was asked for those of keys
	raw     atomic.Bool  // what is typed is not UTF-8, and not meant to be

	rest []byte // the begin of a character, of which more is to come; owned by Read

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
		n, err = g.readText(b)
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

// readText reads from the tty, without what is not UTF-8 unless raw is set. b has
// room for a character.
func (g *gate) readText(b []byte) (n int, err error) {
	for {
		begun := copy(b, g.rest)
		g.rest = g.rest[:0]
		n, err = g.Tty.Read(b[begun:])
		none := n == 0
		if n += begun; !g.raw.Load() {
			n = g.valid(b[:n])
			if g.events.Load() {
				n = g.keys(b[:n])
			}
		}
		if n > 0 || none || err != nil {
			return n, err
		}
	}
}

// valid removes from b what is not UTF-8, keeps in rest what may be the begin of a
// character, and returns how many bytes are left.
func (g *gate) valid(b []byte) (n int) {
	for i := 0; i < len(b); {
		if !utf8.FullRune(b[i:]) {
			g.rest = append(g.rest, b[i:]...)
			break
		}
		r, size := utf8.DecodeRune(b[i:])
		if r != utf8.RuneError || size > 1 {
			n += copy(b[n:], b[i:i+size])
		}
		i += size
	}
	return n
}

// keys takes what keys say that tcell does not know out of b, and keeps the begin
// of what may be more of it if there will be room.
func (g *gate) keys(b []byte) (n int) {
	n, cut := keyEvents(b)
	if len(cut) == 0 {
		return n
	}
	if len(g.rest) > 0 || len(cut) > cap(b)-maxSequence {
		return n + copy(b[n:], cut)
	}
	g.rest = append(g.rest, cut...)
	return n
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
