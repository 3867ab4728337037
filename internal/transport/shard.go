package transport

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

const (
	// batchLen is how many packets are received, or sent, by one call.
	batchLen = 64

	// rounds is how often a shard receives more before it sends. More than so many
	// packets make no fuller ones, but hold each other up: to forward 256 of them
	// takes about as long as the longest gathering.
	rounds = 3
)

// A message is a UDP packet.
type message struct {
	b    []byte         // the packet, or room for one
	n    int            // its size, when it was read
	addr netip.AddrPort // where it comes from or goes to
}

// A batcher moves several packets at once through a socket.
type batcher interface {
	// read stores what has come and returns how many packets that is. If there
	// are none it waits or, unless wait is true, returns an error.
	read(ms []message, wait bool) (int, error)

	// write sends packets and returns how many the system took, 1 at least, or
	// what is wrong with the first. It does not wait.
	write(ms []message) (int, error)
}

// A socket is a UDP socket of a hub. One goroutine calls read and write, and any
// send and close.
type socket interface {
	batcher

	// send sends one packet, or says why the system does not take it.
	send(b []byte, to netip.AddrPort) error

	// close has read, and whatever is called from then on, return net.ErrClosed.
	close()
}

// A shard receives from one UDP socket of a hub and sends what follows from it
// to others, through the same socket:
//
//	packets that have come, and more for as long as gather says > Peer.Take
//	    > Wake > the Turn > Peer.Give > sealed packets of several datagrams
//
// One goroutine runs it. Nothing in it waits for anybody: what the socket does
// not take is lost.
type shard struct {
	mux    *mux
	batch  batcher
	gather gather
	beat   time.Time   // of the last turn, when it was to send
	timer  *time.Timer // of gathering

	in   []message
	turn Turn

	// What is to be sent: out[:waiting], sealed in packets.
	out     []message
	packets []packet
	waiting int
}

// newShard returns a shard that receives from a socket and gathers no less than a
// step says.
func newShard(m *mux, b batcher, least int) *shard {
	s := &shard{
		mux: m, batch: b, gather: gather{step: least, least: least}, timer: time.NewTimer(0),
		in:      make([]message, batchLen),
		out:     make([]message, batchLen),
		packets: make([]packet, batchLen),
	}
	for i := range s.in {
		s.in[i].b = make([]byte, maxPacket+1)
	}
	s.timer.Stop()
	return s
}

// loop runs the shard until its socket is closed.
func (s *shard) loop() {
	defer s.timer.Stop()
	errs := 0
	for {
		n, err := s.batch.read(s.in, true)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			errs++
			pause(nil, errs)
			continue
		}
		errs = 0
		s.work(n)
	}
}

// work handles n packets that have come, and what comes while it gathers.
func (s *shard) work(n int) {
	now := time.Now()
	begin := now
	s.take(n, now)
	// Turns are so far apart, and not so far after the work of the one before: with
	// much to do that would be the longer wait.
	wait := max(0, s.gather.wait()-now.Sub(s.beat))
	if n == len(s.in) && s.takeMore() {
		wait = 0 // it is behind
	}
	s.beat = now.Add(wait)
	if wait > 0 {
		s.gather.worked(begin, time.Now())
		s.timer.Reset(wait)
		<-s.timer.C // only those wait with it who have sent these packets
		begin = time.Now()
		s.takeMore()
	}
	s.give(time.Now())
	s.gather.worked(begin, time.Now())
}

// takeMore takes what else has come, and reports whether that is all that a turn
// takes, and there may be more.
func (s *shard) takeMore() bool {
	for range rounds {
		n, err := s.batch.read(s.in, false)
		if err != nil || n == 0 {
			return false
		}
		s.take(n, time.Now())
		if n < len(s.in) {
			return false
		}
	}
	return true
}

// take hands n packets to their connections. One with an unknown id gets no
// answer.
func (s *shard) take(n int, now time.Time) {
	for i := range s.in[:n] {
		m := &s.in[i]
		b := m.b[:m.n]
		id, ok := packetID(b)
		if !ok {
			continue
		}
		s.mux.mu.RLock()
		c := s.mux.conns[id]
		s.mux.mu.RUnlock()
		if c != nil {
			c.receiveUDP(b, m.addr, now, &s.turn)
		}
	}
}

// give sends what those have to give who were woken in this turn.
func (s *shard) give(now time.Time) {
	for i, c := range s.turn.conns {
		s.turn.conns[i] = nil
		c.wanted.Store(false) // before looking: who wakes it from here on is not overlooked
		s.giveOne(c, now)
	}
	s.turn.conns = s.turn.conns[:0]
	s.flush()
}

func (s *shard) giveOne(c *conn, now time.Time) {
	peer, to := c.peer.Load(), c.target.Load()
	if peer == nil || c.ended.Load() {
		return
	}
	if to == nil {
		c.Wake(nil) // it has just fallen back
		return
	}
	c.giveMu.Lock()
	defer c.giveMu.Unlock()
	if s.gather.wait() < gatherLimited && c.limitedLocked() {
		c.late.soon(gatherLimited)
		return
	}
	for {
		b := c.pack(&s.packets[s.waiting], *peer, now)
		if b == nil {
			return
		}
		c.udpSent.Add(uint64(len(b)))
		s.out[s.waiting] = message{b: b, addr: *to}
		if s.waiting++; s.waiting == len(s.out) {
			s.flush()
		}
	}
}

// flush sends what waits. A packet that the system refuses is lost, and so are
// all when it has no room.
func (s *shard) flush() {
	ms := s.out[:s.waiting]
	for len(ms) > 0 {
		n, err := s.batch.write(ms)
		switch {
		case err == nil && n > 0:
			ms = ms[n:]
		case isFull(err):
			s.mux.refused.Add(uint64(len(ms)))
			ms = nil
		default:
			s.mux.refused.Add(1)
			ms = ms[1:]
		}
	}
	s.waiting = 0
}
