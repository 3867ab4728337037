// Package hubload puts load on a hub: members that join it as those of a call do,
// send packets that look sealed, and measure what comes of them. It is what "s2c
// bench hub" and the measurements of internal/lab have in common.
//
// The members are of one process, so that they have one clock: each packet has in
// it when it was sent.
package hubload

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Rates say what each member that speaks sends.
type Rates struct {
	Voice, Video         int // packets a second; 0 for none
	VoiceSize, VideoSize int // bytes of a sealed packet
}

// Usual are the Rates of the figures in the documents: 50 packets of voice and 20
// with pictures a second.
var Usual = Rates{Voice: 50, VoiceSize: 110, Video: 20, VideoSize: 700}

// LeastSize is the least size of a packet in bytes.
const LeastSize = 32

// A Way is a member's way to what forwards its packets.
type Way interface {
	// Send sends a packet of so many bytes, with pictures or voice, that begins
	// with the time.
	Send(picture bool, size int, now time.Duration) error

	// Receive waits for a packet and returns the time with which it began. It
	// fails when the way is closed.
	Receive() (time.Duration, error)

	// Close ends the way, and Receive. It may be called more than once.
	Close()
}

// A Deliverer is a Way that needs no goroutine to receive from it, which saves
// this process as much as the hub takes.
type Deliverer interface {
	Way

	// Deliver calls take with the time with which each packet began, instead of
	// Receive, until Close returns. It is called once.
	Deliver(take func(sent time.Duration))
}

const (
	step   = time.Millisecond // between looks who is to send
	settle = 2 * time.Second  // of sending that is not counted
	late   = time.Second      // for the last packets to arrive
)

// A Load is members and what they measure. Add is called for all of them, then Run
// any number of times, then Close.
type Load struct {
	begin   time.Time
	members []*member
	rooms   map[string]int // their members
	wg      sync.WaitGroup

	from, until atomic.Int64 // of the packets that count, in ns since begin
}

// A member is one way and what came over it.
type member struct {
	way    Way
	room   string
	speaks bool
	next   [2]time.Duration // when voice and pictures are due, since begin
	sent   uint64

	// Guarded by mu.
	mu       sync.Mutex
	received uint64
	delays   Histogram
}

// New returns a Load without members.
func New() *Load {
	l := &Load{begin: time.Now(), rooms: make(map[string]int)}
	l.until.Store(-1)
	return l
}

// Add adds a member of a room, who speaks or only listens, and receives from then
// on. The way is closed by Close.
func (l *Load) Add(w Way, room string, speaks bool) {
	m := &member{way: w, room: room, speaks: speaks}
	l.members = append(l.members, m)
	l.rooms[room]++
	if d, ok := w.(Deliverer); ok {
		d.Deliver(func(sent time.Duration) { l.count(m, sent) })
		return
	}
	l.wg.Go(func() {
		for {
			sent, err := w.Receive()
			if err != nil {
				return
			}
			l.count(m, sent)
		}
	})
}

// count counts a packet that has come to m.
func (l *Load) count(m *member, sent time.Duration) {
	if int64(sent) < l.from.Load() || int64(sent) >= l.until.Load() {
		return
	}
	took := time.Since(l.begin) - sent
	m.mu.Lock()
	m.received++
	m.delays.Add(took)
	m.mu.Unlock()
}

// A Result is what became of the packets of some time.
type Result struct {
	Sent     uint64 // by members
	Expected uint64 // one for each other member of the sender's room
	Received uint64
	Took     time.Duration
	Delays   Histogram // from member to member
}

// Lost returns the share of the packets that did not arrive, from 0 to 1.
func (r *Result) Lost() float64 {
	if r.Expected == 0 {
		return 0
	}
	return 1 - float64(r.Received)/float64(r.Expected)
}

// Run has all who speak send for d, after two seconds that do not count, each at
// times of its own. begun, if it is not nil, is called when the counting begins,
// and ended when it ends; a second later, when the last packets have come, Run
// returns. It fails when ctx is done or a way does.
func (l *Load) Run(ctx context.Context, rates Rates, d time.Duration, begun, ended func()) (r Result, err error) {
	l.until.Store(-1)
	l.schedule(rates)
	if err := l.send(ctx, rates, settle); err != nil {
		return r, err
	}
	for _, m := range l.members {
		m.mu.Lock()
		m.sent, m.received, m.delays = 0, 0, Histogram{}
		m.mu.Unlock()
	}
	from := time.Since(l.begin)
	l.from.Store(int64(from))
	l.until.Store(int64(from + d))
	if begun != nil {
		begun()
	}
	if err := l.send(ctx, rates, d); err != nil {
		return r, err
	}
	r.Took = time.Since(l.begin) - from
	if ended != nil {
		ended()
	}
	select {
	case <-ctx.Done():
		return r, context.Cause(ctx)
	case <-time.After(late):
	}
	for _, m := range l.members {
		m.mu.Lock()
		r.Sent += m.sent
		r.Expected += m.sent * uint64(l.rooms[m.room]-1)
		r.Received += m.received
		r.Delays.Merge(&m.delays)
		m.mu.Unlock()
	}
	return r, nil
}

// schedule spreads the members over the time between two packets.
func (l *Load) schedule(rates Rates) {
	now := time.Since(l.begin)
	for i, m := range l.members {
		for k, every := range rates.every() {
			m.next[k] = now + every*time.Duration(i*(1+6*k)%len(l.members))/time.Duration(len(l.members))
		}
	}
}

// every returns the time between two packets of voice, and of pictures; 0 for none.
func (r Rates) every() (list [2]time.Duration) {
	for k, n := range [...]int{r.Voice, r.Video} {
		if n > 0 {
			list[k] = time.Second / time.Duration(n)
		}
	}
	return list
}

// send has the members send for d.
func (l *Load) send(ctx context.Context, rates Rates, d time.Duration) error {
	every, sizes := rates.every(), [...]int{rates.VoiceSize, rates.VideoSize}
	first := time.Since(l.begin)
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		now := time.Since(l.begin)
		if now-first >= d {
			return nil
		}
		for _, m := range l.members {
			if !m.speaks {
				continue
			}
			for k := range every {
				if every[k] == 0 || now < m.next[k] {
					continue
				}
				m.next[k] += every[k]
				if err := m.way.Send(k == 1, sizes[k], time.Since(l.begin)); err != nil {
					return err
				}
				m.sent++
			}
		}
	}
}

// Close ends all ways and waits for what receives from them.
func (l *Load) Close() {
	for _, m := range l.members {
		m.way.Close()
	}
	l.wg.Wait()
}
