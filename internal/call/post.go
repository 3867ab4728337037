package call

import (
	"errors"
	"sync"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/wire"
)

const (
	// postMost is how much may wait for the hub, or for its word that it has come,
	// by queue.Weight. All of a session of 64 who come at once take about 250.
	postMost = 2048

	// postBusy is from how many messages on, that wait for a slow connection, no
	// chat line is added.
	postBusy = 64
)

// errFull is returned when the hub takes no messages, or does not say that it has.
var errFull = errors.New("too many messages wait for the hub")

// A post keeps messages for the hub until they have come there.
type post struct {
	ready chan struct{} // tells writeLoop; never closed

	// Guarded by mu.
	mu   sync.Mutex
	log  queue.Log
	keep bool // what was sent, as it may have to be sent again

	first []byte // goes before all others
	acked uint64 // of the hub's messages, as it was told
}

func (p *post) init(keep bool) {
	p.ready = make(chan struct{}, 1)
	p.keep = keep
}

// unsealed starts what is in a post a chat line or a reaction that is sealed when it is sent:
// each time anew, as those who are to read it may have forgotten keys of before.
// No message starts so.
const unsealed = 0

// put adds a message.
func (p *post) put(m wire.Message) error { return p.add(m.Append(nil)) }

// putSealed adds a chat line or a reaction.
func (p *post) putSealed(said interface{ Append(b []byte) []byte }) error {
	return p.add(said.Append([]byte{unsealed}))
}

func (p *post) add(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.log.Weight()+queue.Weight(b) > postMost {
		return errFull
	}
	p.log.Append(b)
	wake(p.ready)
	return nil
}

// busy reports whether many messages wait.
func (p *post) busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Unsent() >= postBusy
}

// next returns what to send next, or nil. It may be unsealed.
func (p *post) next() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.first; b != nil {
		p.first = nil
		return b
	}
	b := p.log.Next()
	if !p.keep {
		p.log.Ack(p.log.Sent())
	}
	return b
}

// acknowledge has the hub told that so many of its messages have come, unless it
// knows.
func (p *post) acknowledge(n uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.keep && n != p.acked {
		p.acked, p.first = n, wire.Ack{Received: n}.Append(nil)
		wake(p.ready)
	}
}

// acknowledged takes the hub's word for how many messages have come. It reports
// false if there never were as many.
func (p *post) acknowledged(n uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.keep && p.log.Ack(n)
}

// rewind begins another connection to a hub to which n messages have come, and
// which knows that received of its own have. It reports false if there are not
// all of those that follow.
func (p *post) rewind(n, received uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.first, p.acked = nil, received
	wake(p.ready)
	return p.log.Rewind(n)
}

// send sends what waits. It returns an error if another connection would not
// help.
func (l *link) send() (ok bool, err error) {
	for b := l.out.next(); b != nil; b = l.out.next() {
		if b[0] == unsealed {
			packet, err := l.keys.Seal(nil, sframe.StreamChat, byte(wire.NewClear(wire.KindControl, 0)), b[1:])
			if err != nil {
				return false, err // the key is used up: join anew
			}
			b = wire.Sealed{Packet: packet}.Append(nil)
		}
		if err := l.conn.SendMessage(b); err != nil {
			return false, nil //nolint:nilerr // readLoop says why
		}
	}
	return true, nil
}
