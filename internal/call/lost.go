package call

import (
	"context"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// What becomes of a picture that was lost on the way, in the order in which it
// is tried:
//
//	recv    a number is missing > gaps > Nack to the hub, some times   [repair]
//	        the hub says that it has left it out > nobody waits for it
//	        pictures that need the missing one wait for it             [decode]
//	        still stuck after the patience > PictureRequest: refer to
//	        the newest picture that this member has                    [beat]
//	        still stuck > PictureRequest: a key picture                [beat]
//	send    LossReport > each datagram repeats the pictures before     [encode]
//
// The hub's answers are the same sealed packets; what comes twice is dropped by
// cipher.Open.

const (
	// maxLost is how many packets of a member may be missing: 64 are half a
	// second of 30 pictures of four packets each. The oldest are forgotten.
	maxLost = 64

	// maxAsks is how often the hub is asked for a packet. At 20 % loss both
	// ways 0.6 % of what it has are then still missing: (1 - 0.8*0.8)^5.
	maxAsks = 5

	// lostTime is how long a packet is missed. Later it is of no use.
	lostTime = 500 * time.Millisecond

	// maxPatience is how long a receiver waits at most before it asks for a
	// picture that it can decode.
	maxPatience = 250 * time.Millisecond
)

// askAgain returns after what time the hub is asked again over a link with the
// given round trip, which is 0 if it was not measured.
func askAgain(rtt time.Duration) time.Duration {
	if rtt == 0 {
		return 100 * time.Millisecond
	}
	return rtt + rtt/4 + 10*time.Millisecond
}

// patience returns how long to wait for what the hub may send again: for two
// answers.
func patience(rtt time.Duration) time.Duration {
	return min(2*askAgain(rtt)+20*time.Millisecond, maxPatience)
}

// gaps remembers which packets of a member's pictures are missing.
type gaps struct {
	// Guarded by mu.
	mu      sync.Mutex
	started bool
	kid     sframe.KID // of the newest key
	before  sframe.KID // of the key before; the same if there is none
	next    uint64     // number expected next
	list    [maxLost]missing
	n       int // how many of list are in use, oldest first
}

// A missing packet.
type missing struct {
	kid   sframe.KID
	ctr   uint64
	since time.Time
	last  time.Time // when the hub was asked
	asks  int       // how often
}

// take takes note of an authentic packet. opened is true when others before it
// are missing; late is since when it was missing itself, otherwise zero.
func (g *gaps) take(kid sframe.KID, ctr uint64, now time.Time) (opened bool, late time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case !g.started:
		g.started, g.kid, g.before, g.next = true, kid, kid, ctr+1
		return false, late
	case kid == g.kid:
	case kid.Stream() != g.kid.Stream(): // pictures of another size from now on
		g.kid, g.before, g.next, g.n = kid, kid, ctr+1, 0
		return false, late
	case kid == g.before:
		return false, g.foundLocked(kid, ctr)
	default:
		g.kid, g.before, g.next = kid, g.kid, 0 // each key counts from 0
		if ctr > maxLost {
			g.next = ctr // it was in use before this member knew it
		}
	}
	if ctr < g.next {
		return false, g.foundLocked(kid, ctr)
	}
	for i := max(g.next, ctr-min(ctr, maxLost)); i < ctr; i++ {
		g.addLocked(missing{kid: kid, ctr: i, since: now})
		opened = true
	}
	g.next = ctr + 1
	return opened, late
}

// skip takes note of packets that are not missing, though they do not come. opened
// is true when others before them are.
func (g *gaps) skip(s wire.Skip, now time.Time) (opened bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	end := s.First + uint64(s.Count)
	if !g.started || s.KID != g.kid {
		return false
	}
	for i := max(g.next, s.First-min(s.First, maxLost)); i < s.First; i++ {
		g.addLocked(missing{kid: s.KID, ctr: i, since: now})
		opened = true
	}
	g.next = max(g.next, end)
	kept := 0
	for _, x := range g.list[:g.n] {
		if x.kid != s.KID || x.ctr < s.First || x.ctr >= end {
			g.list[kept] = x
			kept++
		}
	}
	g.n = kept
	return opened
}

// restart forgets what is missing.
func (g *gaps) restart() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.started, g.n = false, 0
}

func (g *gaps) addLocked(x missing) {
	if g.n == maxLost {
		copy(g.list[:], g.list[1:])
		g.n--
	}
	g.list[g.n] = x
	g.n++
}

// foundLocked forgets a packet that has come. It returns since when it was
// missing, zero if it was not.
func (g *gaps) foundLocked(kid sframe.KID, ctr uint64) (since time.Time) {
	for i := range g.n {
		if x := &g.list[i]; x.kid == kid && x.ctr == ctr {
			since = x.since
			copy(g.list[i:], g.list[i+1:g.n])
			g.n--
			break
		}
	}
	return since
}

// due returns in dst what to ask the hub for at time now, when it is asked
// again after the time again. left is how long until something is due the next
// time; 0 means never.
func (g *gaps) due(dst []wire.Nack, now time.Time, again time.Duration) (nacks []wire.Nack, left time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	kept := 0
	for i := range g.n {
		x := g.list[i]
		if x.asks == maxAsks || now.Sub(x.since) >= lostTime {
			continue
		}
		wait := again - now.Sub(x.last)
		if x.asks == 0 || wait <= 0 {
			dst = addNack(dst, x)
			x.last = now
			x.asks++
			wait = again
		}
		if left == 0 || wait < left {
			left = wait
		}
		g.list[kept] = x
		kept++
	}
	g.n = kept
	return dst, left
}

// addNack adds x to the last of the nacks, or to a new one.
func addNack(nacks []wire.Nack, x missing) []wire.Nack {
	if n := len(nacks); n > 0 {
		last := &nacks[n-1]
		if d := x.ctr - last.First; last.KID == x.kid && d < wire.NackPackets {
			last.Bits |= 1 << d
			return nacks
		}
	}
	return append(nacks, wire.Nack{KID: x.kid, First: x.ctr, Bits: 1})
}

// noteVideo takes note of a packet with pictures and has the hub asked for
// those missing before it. It reports whether the hub has sent it again, and
// not just another packet overtaken it.
func (c *Call) noteVideo(l *link, m *member, kid sframe.KID, ctr uint64, now time.Time) (again bool) {
	opened, late := m.gaps.take(kid, ctr, now)
	if !opened && late.IsZero() {
		return false
	}
	info := l.conn.Info()
	if !opened {
		return now.Sub(late) >= info.RTT/2
	}
	if info.Path == transport.PathTLS {
		// Nothing gets lost there; the hub has left out what the link cannot
		// take, and asking for it would make that worse.
		m.patience.Store(0)
		return false
	}
	m.patience.Store(int64(patience(info.RTT)))
	wake(c.outbox.lost)
	return false
}

// repairLoop asks the hub for the packets that are missing, until ctx is done.
func (c *Call) repairLoop(ctx context.Context, l *link) {
	timer := time.NewTimer(lostTime)
	defer timer.Stop()
	var nacks []wire.Nack
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.outbox.lost:
		case <-timer.C:
		}
		now := time.Now()
		info := l.conn.Info()
		if info.Path == transport.PathTLS {
			continue
		}
		next := lostTime
		nacks = nacks[:0]
		for _, m := range *c.members.Load() {
			var left time.Duration
			if nacks, left = m.gaps.due(nacks, now, askAgain(info.RTT)); left > 0 {
				next = min(next, left)
			}
		}
		var buf [32]byte
		for _, n := range nacks {
			c.outbox.putBare(now, queue.Control, n.Append(buf[:0]))
		}
		timer.Reset(next)
	}
}
