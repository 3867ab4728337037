// Package hub relays sealed packets between the members of a session.
//
// The hub sees the Hello and the certificate of each member, the clear byte and
// the SFrame header of a packet, the two hashes of a pair message and in what
// size each member shows which others, never contents: this package must not
// import cipher or a codec, and TestLayers in the root package keeps it so.
//
// Voice and control go to all others in the session. Pictures go to those who
// look: the hub groups the sizes in which others want a member's pictures into
// up to three layers, tells the member to send these and no more, and forwards
// each layer to those in it. Members who have never said at whom they look are
// guests: they get the first layer of everybody.
//
// In brackets: the goroutine. The transport has some of its own that receive from
// many members at once and send to many; over a transport that has none a
// connection has two more goroutines, recvLoop and sendLoop.
//
//	Take > wire.ParsePacket > ring.put > tickets to the others,         [transport]
//	    of pictures to those who get the layer by the sender's plan
//	Take > wire.ParseNack > ring.find > tickets to the member           [transport]
//	tickets > ring.get > what the path has room for > Give              [transport]
//	RecvMessage > join, relay to one other member or to all                 [messageLoop]
//	RecvMessage > Watch > plans of those looked at > Layers to them         [messageLoop]
//	what others and the hub say > SendMessage                               [writeLoop]
//	deadlines, the member's plan if it had to wait, leave, Close            [watch]
//
// A member whose connection breaks may come back over another one: see resume.go.
//
// Locks are taken in the order Hub, member's inMu, session, member's mu, and nobody
// waits for anything else while holding one. Forwarding a packet takes none of them: it
// reads the members and the sender's plan from atomic pointers, and takes for
// some nanoseconds the lock of the sender's ring and of each receiver's queue.
package hub

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

const (
	// joinTime is how long a connection may take to say whom it is for.
	joinTime = 5 * time.Second

	// lingerTime is how long a connection that ends may take to accept its last
	// messages. With the second that Conn.Close may take, Serve keeps its 2 s.
	lingerTime = 500 * time.Millisecond

	// strangers is how many connections beyond Config.Members may be about to
	// join, or about to hear that the hub is full. Further ones are closed
	// without a word.
	strangers = 128

	// maxSlot is the largest slot that a KID can name: 12 bits. A test compares
	// it with package sframe, which this package may not import.
	maxSlot = 4095
)

// Config sets the limits of a hub. A zero field means its default.
type Config struct {
	Log        *slog.Logger // nil logs nothing
	Members    int          // members at once; 1000
	PerSession int          // members of one session; 64; never more than 4096
	Sessions   int          // sessions at once; 500
	PerAddress int          // members at once from one IPv4 address or IPv6 /64; 256
	Joins      int          // from one of these in a minute, and so many at once; 240

	// Who may join besides: those on a list, those who know a token, or both.
	Allow *hello.AllowList // nil: everybody; see also SetAllow
	Door  *hello.Token     // nil: no token is asked for
}

// A Hub relays for many sessions. Call New.
type Hub struct {
	// Set by New.
	config Config

	allow atomic.Pointer[hello.AllowList] // replaced by SetAllow; nil: everybody

	// Guarded by mu.
	mu       sync.Mutex
	sessions map[string]*session
	conns    map[*member]struct{} // every connection, those included who have not joined
	tokens   map[[32]byte]*member // who has a place that can be resumed, by member.token
	members  int                  // those who have joined and not left, those away included
	joined   uint64               // members ever
	resumed  uint64               // places taken over by another connection
	refused  [codes]uint64        // connections that ended before they were members', by wire.ErrorCode
	past     tally                // of connections that have ended
	drain    *drain               // nil until Drain
	from     addresses            // of members
}

// New returns a Hub.
func New(c Config) *Hub {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Members = cmp.Or(c.Members, 1000)
	c.PerSession = min(cmp.Or(c.PerSession, 64), maxSlot+1)
	c.Sessions = cmp.Or(c.Sessions, 500)
	c.PerAddress = cmp.Or(c.PerAddress, 256)
	c.Joins = cmp.Or(c.Joins, 240)
	h := &Hub{
		config:   c,
		sessions: make(map[string]*session),
		conns:    make(map[*member]struct{}),
		tokens:   make(map[[32]byte]*member),
		from:     addresses{members: c.PerAddress, joins: c.Joins},
	}
	h.SetAllow(c.Allow)
	return h
}

// A gate is one call of Serve.
type gate struct {
	closed bool // guarded by the Hub's mu
}

// Serve accepts members from ln until ctx is done or ln fails. When ctx is
// done it tells every member that the hub closes and returns within 2 seconds,
// after all its goroutines have ended and ln is closed. It then returns nil.
func (h *Hub) Serve(ctx context.Context, ln transport.Listener) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	inner, cancel := context.WithCancel(ctx)
	defer cancel() // before the wait
	g := new(gate)
	wg.Go(func() {
		<-inner.Done()
		h.close(g) // who is accepted from now on is told the same
		if err := ln.Close(); err != nil {
			h.config.Log.Warn("listener not closed", "addr", ln.Addr(), "err", err)
		}
	})
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			wg.Go(func() { h.serve(g, conn) })
		case ctx.Err() != nil:
			return nil
		default:
			return fmt.Errorf("accept members at %s: %w", ln.Addr(), err)
		}
	}
}

// close ends all connections that came through g. It holds the lock meanwhile,
// so that nobody hears of the others' leaving first.
func (h *Hub) close(g *gate) {
	h.mu.Lock()
	defer h.mu.Unlock()
	g.closed = true
	for m := range h.conns {
		if m.gate == g {
			m.endClosing()
		}
	}
	for _, m := range h.tokens {
		if m.absent && m.gate == g {
			m.endClosing()
		}
	}
}

// serve runs one connection and returns when all of it has ended, and its place
// is not kept any more.
func (h *Hub) serve(g *gate, conn transport.Conn) {
	m := newMember(h, g, conn)
	h.mu.Lock()
	crowded := len(h.conns) >= h.config.Members+strangers
	if !crowded {
		h.conns[m] = struct{}{}
	}
	switch {
	case crowded:
		h.refused[crowdedCode]++
	case g.closed:
		m.endClosing()
	}
	h.mu.Unlock()
	if crowded {
		_ = conn.Close() // nothing was sent, so nothing can be lost
		return
	}
	m.wg.Go(func() { m.end(m.messageLoop()) })
	place := m.watch()
	m.wg.Wait()
	h.leave(m) // one who joined while watch ended
	h.mu.Lock()
	delete(h.conns, m)
	h.past.add(m)
	h.countRefusalLocked(m)
	h.mu.Unlock()
	if place != nil {
		h.keep(place)
	}
}

// enter lets m into the session of the given name, or says why not.
func (h *Hub) enter(m *member, name string, now time.Time) *wire.Error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.drain != nil && !h.drain.stays(m.who, name) {
		return refuse(wire.CodeClosing, "this hub is about to shut down and takes nobody new; try again in some minutes or use another hub")
	}
	if s := h.sessions[name]; s != nil {
		h.clearAwayLocked(s, m)
	}
	defer h.settleLocked()
	if h.members >= h.config.Members {
		return refuse(wire.CodeHubFull, "this hub is full with %d members; try again later or use another hub", h.members)
	}
	s := h.sessions[name]
	if s == nil {
		if len(h.sessions) >= h.config.Sessions {
			return refuse(wire.CodeHubFull, "this hub holds %d sessions and takes no new one; try again later or use another hub", len(h.sessions))
		}
		s = newSession(name, h.config.PerSession)
	}
	remote := ""
	if m.conn != nil { // else it is a test's
		remote = m.conn.Info().Remote
	}
	if e := h.from.enter(remote, now); e != nil {
		return e
	}
	token := h.newTokenLocked(m)
	if e := s.add(m, token, now); e != nil {
		h.from.leave(remote)
		delete(h.tokens, m.token)
		return e
	}
	m.remote = remote
	h.sessions[name] = s
	h.members++
	h.joined++
	return nil
}

// leave takes m out of its session, if it is in one, and tells the others.
func (h *Hub) leave(m *member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.leaveLocked(m)
	h.settleLocked()
}

func (h *Hub) leaveLocked(m *member) {
	if m.session == nil || !m.session.remove(m, time.Now()) {
		return
	}
	h.members--
	h.from.leave(m.remote)
	delete(h.tokens, m.token)
	rest := len(*m.session.members.Load())
	if rest == 0 {
		delete(h.sessions, m.session.name)
	}
	h.config.Log.Info("member left", "slot", m.slot, "members", rest, "why", m.why())
	remote := ""
	if m.conn != nil {
		remote = m.conn.Info().Remote
	}
	h.config.Log.Debug("member left", "slot", m.slot, "session", m.session.name, "remote", remote)
}

// settleLocked ends a drain when no member is left.
func (h *Hub) settleLocked() {
	if h.drain != nil && h.members == 0 && !h.drain.over {
		h.drain.finish()
	}
}

// Stats is what a hub has done so far.
type Stats struct {
	Members, Sessions int    // now
	Away              int    // of the members, those whose connection is broken
	Limited           int    // of the members, those to whom the path is found to take no more than so much
	Silent            int    // of the members, those who do not report any more what comes, and are sent little
	Draining          bool   // Drain has been called
	Joined            uint64 // members ever
	Resumed           uint64 // places taken over by another connection of their member
	Packets, Bytes    uint64 // datagrams received, each a sealed packet
	Forwarded         uint64 // datagrams handed to a member's connection
	Resent            uint64 // of these, pictures that a member had lost and asked for again
	// Drops counts what was not relayed, by reason; every reason is there.
	// "malformed" and "forged" packets, those of a "flood", pictures of a layer
	// that nobody gets ("unseen"), in a large session the voices of those who do not
	// speak ("quiet") or have to wait ("floor"), reliable packets of another stream than chat
	// ("not_chat") and pair messages to a "stranger" count once; the others count
	// for each receiver. The "nack" reasons count the packets that a member asked
	// for again.
	Drops map[string]uint64
	// Refused counts connections that have ended before they were members', by
	// what they were told; every reason is there. "crowded" ones were told
	// nothing, as more waited to join than the hub keeps. Who hung up of their own
	// accord does not count.
	Refused map[string]uint64
}

// Stats may be called by any goroutine.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.past
	var limited, silent int
	for m := range h.conns {
		t.add(m)
		if m.queue == nil {
			continue // it has not joined
		}
		switch info := m.conn.Info(); {
		case info.Silent:
			silent++
		case info.Rate != 0:
			limited++
		}
	}
	s := Stats{
		Limited:   limited,
		Silent:    silent,
		Members:   h.members,
		Sessions:  len(h.sessions),
		Draining:  h.drain != nil,
		Joined:    h.joined,
		Resumed:   h.resumed,
		Packets:   t.packets,
		Bytes:     t.bytes,
		Forwarded: t.forwarded,
		Resent:    t.resent,
		Drops:     make(map[string]uint64, dropReasons),
		Refused:   make(map[string]uint64, codes),
	}
	for _, m := range h.tokens {
		if m.absent {
			s.Away++
		}
	}
	for r, n := range t.drops {
		s.Drops[dropReason(r).String()] = n
	}
	for code, n := range h.refused {
		if name := refusalNames[code]; name != "" {
			s.Refused[name] = n
		}
	}
	return s
}

// refuse returns what to tell a member before hanging up.
func refuse(code wire.ErrorCode, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, Text: fmt.Sprintf(format, args...)}
}
