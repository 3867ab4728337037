package cipher

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// maxAhead is how many steps a packet may be ahead of the last that was opened.
// KIDs have four bits of the step: more would be behind.
const maxAhead = 7

// maxGens is how many generations of a member are held: the one in use, the one
// before, whose last packets are on their way, and the next.
const maxGens = 3

// An opener opens the packets of one member.
type opener struct {
	slot uint16 // set before it is shared

	// Guarded by mu.
	mu     sync.Mutex
	closed bool
	gens   []*inbound // the newest last
	missed bool       // a packet came that no key opens, since mind looked
	since  time.Time  // when mind saw the first such packet
}

// inbound is a generation of a member's key, at the newest step of which a
// packet was opened.
type inbound struct {
	generation
	streams [sframe.Streams][2]*received // the newest step first, then the one before
	used    bool
	retire  time.Time // when to drop it, once a newer one is in use

	// The key of an earlier step, for the first packets of other streams that a
	// later one has overtaken; no base for none.
	past     generation
	pastEnds time.Time // when to drop it; zero until mind has seen it
}

// received is what is known of one stream at one step.
type received struct {
	step uint32
	key  *streamKey
	seen window
}

// newOpener returns an opener that takes over g.
func newOpener(slot uint16, g generation) *opener {
	return &opener{slot: slot, gens: []*inbound{{generation: g}}}
}

// learn takes over a generation. An older one than the newest is not taken
// again: its packets may have been opened before.
func (o *opener) learn(g generation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	newest := o.gens[max(len(o.gens)-1, 0)]
	for _, held := range o.gens {
		if held.gen == g.gen && g.step > held.step {
			held.base.clear()
			held.step, held.base = g.step, g.base
			return
		}
	}
	if o.closed || g.gen <= newest.gen {
		g.base.clear()
		return
	}
	o.gens = append(o.gens, &inbound{generation: g})
	if len(o.gens) > maxGens {
		o.gens[0].clear()
		o.gens = slices.Delete(o.gens, 0, 1)
	}
}

func (o *opener) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	for _, g := range o.gens {
		g.clear()
	}
}

// clear overwrites the keys of g.
func (g *inbound) clear() {
	g.base.clear()
	g.past.base.clear()
	for i := range g.streams {
		for j, r := range g.streams[i] {
			if r != nil {
				*r.key = streamKey{}
				g.streams[i][j] = nil
			}
		}
	}
}

// find returns the newest generation with these low bits, or nil.
func (o *opener) find(low uint32) *inbound {
	for _, g := range slices.Backward(o.gens) {
		if g.gen&15 == low {
			return g
		}
	}
	return nil
}

// nearest returns the step that four bits of it mean: at most maxAhead ahead of
// the newest, else behind it. ok is false when there was none such.
func (g *inbound) nearest(low uint32) (step uint32, ok bool) {
	ahead := (low - g.step) & 15
	if ahead <= maxAhead {
		return g.step + ahead, true
	}
	behind := 16 - ahead
	return g.step - behind, behind <= g.step
}

// at returns what is known of a stream at a step, or nil.
func (g *inbound) at(stream sframe.Stream, step uint32) *received {
	for _, r := range g.streams[stream] {
		if r != nil && r.step == step {
			return r
		}
	}
	return nil
}

// open opens a packet whose header ends at byte n. Whatever it looks at, it
// keeps nothing of a packet that is not authentic.
func (o *opener) open(dst, packet []byte, kid sframe.KID, ctr uint64, n int) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, ErrUnknownKey
	}
	g := o.find(kid.Gen())
	if g == nil {
		o.missed = true
		return nil, ErrUnknownKey
	}
	step, ok := g.nearest(kid.Step())
	if !ok {
		o.missed = true
		return nil, ErrUnknownKey
	}
	r := g.at(kid.Stream(), step)
	if r == nil {
		return o.openFirst(dst, packet, g, step, kid, ctr, n)
	}
	if r.seen.has(ctr) {
		o.missed = true // it may be of a key 16 steps on, which counts anew
		return nil, ErrReplay
	}
	plain, err := r.key.open(dst, ctr, packet[1:n], packet[0], packet[n:])
	if err != nil {
		o.missed = true
		return nil, ErrAuth
	}
	r.seen.add(ctr)
	g.used = true
	return plain, nil
}

// openFirst opens the first packet of a stream at a step. o.mu is held.
//
// The step may be behind that of other streams, which have overtaken it, but not
// behind that of its own: which packets of an earlier one were opened may be
// forgotten.
func (o *opener) openFirst(dst, packet []byte, g *inbound, step uint32, kid sframe.KID, ctr uint64, n int) ([]byte, error) {
	from, last := &g.generation, &g.streams[kid.Stream()]
	if step < g.step {
		from = &g.past
		if from.base.bytes() == nil || step < from.step || step-from.step > maxAhead || last[0] != nil && step < last[0].step {
			o.missed = true
			return nil, ErrUnknownKey // or it is so far ahead that it looks like that
		}
	}
	base := bytes.Clone(from.base.bytes())
	for range step - from.step {
		next := ratchet(base)
		clear(base)
		base = next
	}
	r := &received{step: step, key: newStreamKey(base, uint64(kid))}
	plain, err := r.key.open(dst, ctr, packet[1:n], packet[0], packet[n:])
	if err != nil {
		clear(base)
		o.missed = true
		return nil, ErrAuth
	}
	r.seen.add(ctr)
	g.used = true
	if step < g.step {
		clear(base)
	} else {
		g.moveTo(step, base)
	}
	if last[1] != nil {
		*last[1].key = streamKey{}
	}
	last[1], last[0] = last[0], r
	return plain, nil
}

// moveTo takes the key of a step of which a packet was opened.
func (g *inbound) moveTo(step uint32, base []byte) {
	switch {
	case step == g.step: // it is the same key
		g.base.clear()
	case g.past.base.bytes() == nil:
		g.past.step, g.past.base, g.pastEnds = g.step, g.base, time.Time{}
	default:
		g.base.clear() // that of the past leads to it
	}
	g.base, g.step = newSecret(base), step
}

// mindPast drops the key of an earlier step when it is time to.
func (g *inbound) mindPast(now time.Time) {
	switch {
	case g.past.base.bytes() == nil:
	case g.pastEnds.IsZero():
		g.pastEnds = now.Add(keepOld)
	case !now.Before(g.pastEnds):
		g.past.base.clear()
	}
}
