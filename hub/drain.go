package hub

import "github.com/sanix-darker/s2c/cipher/hello"

// A drain is how a hub empties. It is guarded by the Hub's mu.
type drain struct {
	there map[resident]struct{} // who may stay, and come back
	empty chan struct{}         // closed once no member is left
	over  bool                  // empty is closed
}

// A resident is a person in a session.
type resident struct {
	who     hello.Fingerprint
	session string
}

// Drain has the hub take nobody new from now on, in any call of Serve: who asks
// to join is refused with wire.CodeClosing and told to try again later or
// elsewhere. Those who are there stay, and may come back into the same session
// with the same key, as members do once an hour for new keys, or when their link
// was broken for long. Those whose connection is broken count as there.
//
// The channel is closed as soon as no member is left; from then on nobody may
// come back either. Serve goes on until its context is done. Drain does not
// block, and may be called more than once and by any goroutine: each call
// returns the same channel. There is no way back.
func (h *Hub) Drain() (empty <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.drain != nil {
		return h.drain.empty
	}
	h.drain = &drain{there: make(map[resident]struct{}), empty: make(chan struct{})}
	for name, s := range h.sessions {
		for _, m := range *s.members.Load() {
			h.drain.there[resident{m.who, name}] = struct{}{}
		}
	}
	h.settleLocked()
	return h.drain.empty
}

// Draining reports whether Drain has been called. It may be called by any
// goroutine.
func (h *Hub) Draining() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.drain != nil
}

// stays reports whether somebody who asks to join has been there all along.
func (d *drain) stays(who hello.Fingerprint, session string) bool {
	_, ok := d.there[resident{who, session}]
	return ok && !d.over
}

// finish says that no member is left. That happens once, as nobody may come
// back afterwards.
func (d *drain) finish() {
	d.over = true
	close(d.empty)
}
