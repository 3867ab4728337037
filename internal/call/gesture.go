package call

import (
	"errors"
	"fmt"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/wire"
)

// The times of hands. Whether one is up goes with each heartbeat, so that who
// comes later sees it, and with some after it went down; if all of those are
// lost it counts as down soon after.
const (
	handDown = 3 * time.Second         // for which it is said that a hand is down
	handLost = 5500 * time.Millisecond // after which a hand of which nothing comes is down
	handNew  = 5 * time.Second         // for which a hand is new, and the person is told
)

// A member makes so many gestures within gestureTime that anything is shown of:
// as many reactions, and as many times the hand goes up.
const (
	gestureMost = 3
	gestureTime = 3 * time.Second
)

// A gestureMeter lets as many pass.
type gestureMeter struct {
	last [gestureMost]time.Time // when the last ones passed, the oldest first
}

func (g *gestureMeter) take(now time.Time) bool {
	if !g.last[0].IsZero() && now.Sub(g.last[0]) < gestureTime {
		return false
	}
	copy(g.last[:], g.last[1:])
	g.last[gestureMost-1] = now
	return true
}

// A hand is up or down. The own one is guarded by Call.mu, another's by the
// member's mu.
type hand struct {
	up    bool
	at    time.Time // since when it is up, or when the own one went down
	heard time.Time // when another's was said to be up last
	told  gestureMeter
}

// SetHand raises the own hand, for everybody to see, or lowers it.
func (c *Call) SetHand(up bool) {
	c.mu.Lock()
	if c.hand.up != up {
		c.hand.up, c.hand.at = up, time.Now()
	}
	c.mu.Unlock()
	wake(c.outbox.beat)
	c.touch()
}

// Hand reports whether the own hand is up.
func (c *Call) Hand() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hand.up
}

// showHand queues what is said of the own hand, if anything is.
func (c *Call) showHand(now time.Time) {
	c.mu.Lock()
	h := c.hand
	c.mu.Unlock()
	since := max(now.Sub(h.at), 0)
	if h.at.IsZero() || !h.up && since > handDown {
		return
	}
	x := wire.Hand{Up: h.up}
	if h.up {
		x.Age = uint32(since.Milliseconds())
	}
	var buf [8]byte
	c.outbox.put(now, queue.Control, sframe.StreamControl, wire.NewClear(wire.KindControl, 0), x.Append(buf[:0]))
}

// takeHand takes what m says of the own hand.
func (c *Call) takeHand(m *member, x wire.Hand, now time.Time) {
	m.mu.Lock()
	m.heard = now
	h := &m.raised
	changed, tell := h.up != x.Up, false
	if changed && x.Up {
		age := time.Duration(x.Age) * time.Millisecond
		h.at = now
		if now.Sub(m.since) < newTime { // later it would have been seen
			h.at = now.Add(-age)
		}
		tell = m.nick != "" && age < handNew && h.told.take(now)
	}
	if h.up = x.Up; x.Up {
		h.heard = now
	}
	name := m.nick
	m.mu.Unlock()
	if tell {
		c.notify(Notice{Kind: HandRaised, Slot: m.slot, Name: name, Fingerprint: m.fp})
	}
	if changed {
		c.touch()
	}
}

// dropHandLocked takes a hand down of which nothing comes any more. It needs
// m.mu, and reports whether it did.
func (m *member) dropHandLocked(now time.Time) bool {
	lost := m.raised.up && now.Sub(m.raised.heard) >= handLost
	if lost {
		m.raised.up = false
	}
	return lost
}

// handAt returns since when the hand is up, the zero Time while it is not.
func (h *hand) handAt() time.Time {
	if h.up {
		return h.at
	}
	return time.Time{}
}

// Why a reaction is not shown.
var (
	errEmptyReaction = errors.New("a reaction needs at least one character")
	errTooMany       = errors.New("too many reactions at once")
)

// React shows a short text to everybody present for some seconds. It fails for
// one of more than wire.MaxReaction bytes, for an empty one, while not joined,
// and for more than three in three seconds. The reaction is a notice here too,
// with the own name and slot.
func (c *Call) React(reaction string) error {
	shown := cleanReaction(reaction)
	switch {
	case shown == "":
		return errEmptyReaction
	case len(shown) > wire.MaxReaction:
		return fmt.Errorf("a reaction has at most %d bytes, not %d", wire.MaxReaction, len(shown))
	}
	now := time.Now()
	c.mu.Lock()
	l := c.link
	if c.stat.Phase != Joined {
		l = nil // it would come late, or never
	}
	ok := l != nil && c.reactions.take(now)
	c.mu.Unlock()
	switch {
	case l == nil:
		return errNotJoined
	case !ok:
		return errTooMany
	}
	if l.out.busy() {
		return errBusy
	}
	if err := l.out.putSealed(wire.Reaction{Time: wire.NewMillis(now), Text: shown}); err != nil {
		return err
	}
	c.notify(Notice{Kind: Reaction, Slot: l.slot, Name: c.cfg.Name, Text: shown, Fingerprint: c.cfg.Identity.Fingerprint()})
	return nil
}

// hearReaction takes a reaction of m. Those of which nothing can be shown, and too
// many, are dropped.
func (c *Call) hearReaction(m *member, r wire.Reaction, now time.Time) {
	shown := cleanReaction(r.Text)
	if shown == "" || len(shown) > wire.MaxReaction || !m.reactions.take(now) {
		return
	}
	c.notify(Notice{Kind: Reaction, Slot: m.slot, Name: m.name(), Text: shown, Fingerprint: m.fp})
}

// cleanReaction returns a reaction as a terminal may show it.
func cleanReaction(s string) string { return text.Clean(breaks.Replace(s), maxLine) }
