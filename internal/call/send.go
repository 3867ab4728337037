package call

import (
	"context"
	"errors"
	"time"

	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A sender seals what waits in the outbox and sends it. One goroutine uses it.
//
// In a thin call packets are few and carry much: whatever is no voice waits for
// the next packet of it, and goes with it, but no more than one part of a picture.
type sender struct {
	call *Call
	link *link

	p      payload
	sealed [bundleMost][wire.MaxDatagram]byte
	list   [bundleMost][]byte
	n      int // of them in use

	looked time.Time // when what is known of the way to the hub was

	// Of a thin call.
	parts shelf
	line  thinLine
	wait  *time.Timer // for a voice packet, or for room on the line
}

const (
	// bundleMost is how many datagrams go together at most: a voice packet, a part
	// of a picture, and what members say of themselves.
	bundleMost = 6

	// bundleWait is how long something waits for a voice packet that does not
	// come, and bundlePace how long the next part of a picture does then.
	bundleWait = 70 * time.Millisecond
	bundlePace = 60 * time.Millisecond

	// shelfTime is how long a part of a picture may wait for its turn: the last of a
	// key picture, while somebody speaks without a pause.
	shelfTime = 4 * time.Second
)

// errEnded says that the connection has ended; readLoop says why.
var errEnded = errors.New("the connection has ended")

// sendLoop seals what waits in the outbox and sends it, until the connection ends
// or ctx is done. It returns an error if another connection would not help.
func (c *Call) sendLoop(ctx context.Context, l *link) error {
	s := sender{call: c, link: l, wait: time.NewTimer(0)}
	defer s.wait.Stop()
	defer c.shelved.Store(0)
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-c.outbox.queue.Ready():
			if c.thin.Load() {
				err = s.gather()
			} else {
				err = s.sendAll()
			}
		case <-s.wait.C:
			err = s.part()
		}
		if errors.Is(err, errEnded) {
			return nil
		}
		if err != nil {
			return err
		}
		c.shelved.Store(int32(s.parts.n))
		s.look(time.Now())
	}
}

// sendAll sends all that waits, each by itself, and what a thin call has left.
func (s *sender) sendAll() error {
	for p := s.parts.take(time.Now()); p != nil; p = s.parts.take(time.Now()) {
		if err := s.seal(p); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
	for s.call.outbox.get(time.Now(), &s.p) {
		if err := s.seal(&s.p); err != nil {
			return err
		}
		if err := s.flush(); err != nil {
			return err
		}
	}
	return nil
}

// gather seals all that waits, puts pictures aside, and sends when there is voice
// among it.
func (s *sender) gather() error {
	now := time.Now()
	for s.call.outbox.get(now, &s.p) {
		if s.p.class == queue.Video {
			s.parts.put(&s.p, now)
			continue
		}
		if err := s.seal(&s.p); err != nil {
			return err
		}
		if s.p.class == queue.Voice || s.n == bundleMost-1 {
			return s.part() // and the rest with the next one
		}
	}
	if s.n > 0 || s.parts.n > 0 {
		s.wait.Reset(bundleWait)
	}
	return nil
}

// part adds a part of a picture to what is sealed, if there is one and room for it,
// and sends.
func (s *sender) part() error {
	now := time.Now()
	if s.line.wait(s.parts.next(now), now) == 0 {
		if p := s.parts.take(now); p != nil {
			if err := s.seal(p); err != nil {
				return err
			}
		}
	}
	if err := s.flush(); err != nil {
		return err
	}
	s.wait.Stop()
	if s.parts.n > 0 { // if no voice comes
		s.wait.Reset(max(bundleWait+bundlePace, s.line.wait(s.parts.next(now), now)))
	}
	if s.call.outbox.queue.Len() > 0 {
		return s.gather()
	}
	return nil
}

// seal adds a payload to what is sent next.
func (s *sender) seal(p *payload) error {
	b := p.plain[:p.n]
	if p.bare {
		b = append(s.sealed[s.n][:0], b...)
	} else {
		var err error
		if b, err = s.link.keys.Seal(s.sealed[s.n][:0], p.stream, byte(p.clear), b); err != nil {
			return err // the key is used up: join anew
		}
	}
	s.list[s.n] = b
	s.n++
	return nil
}

// flush sends what is sealed.
func (s *sender) flush() error {
	list := s.list[:s.n]
	s.n = 0
	s.line.sent(list, time.Now())
	if conn, ok := s.link.conn.(transport.Bundler); ok && len(list) > 1 {
		if conn.SendDatagrams(list) != nil {
			return errEnded
		}
		return nil
	}
	for _, b := range list {
		if s.link.conn.SendDatagram(b) != nil {
			return errEnded
		}
	}
	return nil
}

// A shelf keeps parts of pictures for their turn. When it is full the oldest goes.
type shelf struct {
	slots [maxPictureParts]payload
	at    [maxPictureParts]time.Time
	first int
	n     int
}

func (s *shelf) put(p *payload, now time.Time) {
	if s.n == len(s.slots) {
		s.drop()
	}
	i := (s.first + s.n) % len(s.slots)
	s.slots[i], s.at[i] = *p, now
	s.n++
}

// take returns the oldest part that is not too old, which is valid until the next
// put; nil if there is none.
func (s *shelf) take(now time.Time) *payload {
	for s.n > 0 {
		i := s.first
		s.drop()
		if now.Sub(s.at[i]) <= shelfTime {
			return &s.slots[i]
		}
	}
	return nil
}

// next returns the size of the part that take would return, 0 if there is none.
func (s *shelf) next(now time.Time) int {
	for s.n > 0 && now.Sub(s.at[s.first]) > shelfTime {
		s.drop()
	}
	if s.n == 0 {
		return 0
	}
	return s.slots[s.first].n
}

func (s *shelf) drop() {
	s.first = (s.first + 1) % len(s.slots)
	s.n--
}
