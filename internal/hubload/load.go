// Package hubload puts load on a hub: members that join it as those of a call do,
// send packets that look sealed, and measure what comes of them. It is what "s2c
// bench hub" and the measurements of internal/lab have in common.
//
//	Run > Way.Send > the hub > Way.Receive > what each member counts
//
// The members are of one process, so that they have one clock: each packet has in
// it when it was sent. One goroutine sends for all, in steps of a millisecond.
// Nothing is made for each packet, as the load often shares its machine with the
// hub.
package hubload

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
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

// A Way is a member's way to what forwards its packets. One goroutine sends and
// one receives.
type Way interface {
	// Send sends p in a packet of so many bytes. While it waits nobody sends.
	Send(p *Packet, size int) error

	// Receive waits for a packet of somebody else in the room and stores it in p.
	// It returns a number that no other sender in the room has, or an error that
	// wraps net.ErrClosed once the way is closed.
	Receive(p *Packet) (from uint16, err error)

	// Close ends the way, and Receive. It may be called more than once.
	Close()
}

// A Deliverer is a Way that needs no goroutine to receive from it, which saves
// this process as much as the hub takes.
type Deliverer interface {
	Way

	// Deliver calls take for each packet that comes, as Receive returns it, until
	// Close returns; and failed, once, if the way ends before. It is called once.
	Deliver(take func(from uint16, p *Packet), failed func(error))
}

const (
	step   = time.Millisecond     // between looks who is to send
	settle = 2 * time.Second      // of sending that is not counted
	late   = time.Second          // for the last packets to arrive
	look   = 5 * time.Millisecond // between looks whether they have
)

// A Load is members and what they measure. Add is called for all of them, then Run
// any number of times, then Close, by one goroutine.
type Load struct {
	begin   time.Time
	members []*member
	rooms   map[string][]*member
	round   uint8
	took    time.Duration // of the latest Run
	wg      sync.WaitGroup

	failOnce sync.Once
	failure  error
	failed   chan struct{} // closed once failure is set
}

// New returns a Load without members.
func New() *Load {
	return &Load{begin: time.Now(), rooms: make(map[string][]*member), failed: make(chan struct{})}
}

// Add adds a member of a room, who speaks or only listens, and receives from then
// on. The way is closed by Close.
func (l *Load) Add(w Way, room string, speaks bool) {
	m := &member{way: w, room: room, speaks: speaks}
	l.members = append(l.members, m)
	l.rooms[room] = append(l.rooms[room], m)
	if d, ok := w.(Deliverer); ok {
		d.Deliver(
			func(from uint16, p *Packet) { m.take(from, p, time.Since(l.begin)) },
			func(err error) { l.fail(m, err) })
		return
	}
	l.wg.Go(func() { l.receive(m) })
}

// receive counts what comes to m until its way ends.
func (l *Load) receive(m *member) {
	var p Packet
	for {
		from, err := m.way.Receive(&p)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				l.fail(m, err)
			}
			return
		}
		m.take(from, &p, time.Since(l.begin))
	}
}

// fail ends Run, as the way of m has ended.
func (l *Load) fail(m *member, err error) {
	l.failOnce.Do(func() {
		l.failure = fmt.Errorf("a member of %s: %w", m.room, err)
		close(l.failed)
	})
}

// Run has all who speak send for d, after two seconds that do not count, each at
// times of its own. begun, if it is not nil, is called when the counting begins,
// and ended when the sending has ended. Run returns when all packets have come, a
// second later at most. It fails when ctx is done or a way does.
func (l *Load) Run(ctx context.Context, rates Rates, d time.Duration, begun, ended func()) (r Result, err error) {
	if rates.VoiceSize < LeastSize && rates.Voice > 0 || rates.VideoSize < LeastSize && rates.Video > 0 {
		return r, fmt.Errorf("packets of %d and %d bytes: they have %d at least", rates.VoiceSize, rates.VideoSize, LeastSize)
	}
	round := l.round
	l.count(0)
	if err := l.send(ctx, rates, settle); err != nil {
		return r, err
	}
	l.count(max(round+1, 1)) // 0 is what does not count
	if begun != nil {
		begun()
	}
	if err := l.send(ctx, rates, d); err != nil {
		return r, err
	}
	if ended != nil {
		ended()
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for end := time.Now().Add(late); time.Now().Before(end); {
		if r = l.result(l.members); r.Received == r.Expected {
			break
		}
		if err := l.wait(ctx, tick); err != nil {
			return r, err
		}
	}
	return l.result(l.members), nil
}

// count has the packets of a round count, and no others.
func (l *Load) count(round uint8) {
	l.round = round
	for _, m := range l.members {
		m.count(round)
	}
}

// wait waits for a tick.
func (l *Load) wait(ctx context.Context, tick *time.Ticker) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.failed:
		if ctx.Err() != nil {
			return context.Cause(ctx) // which may be why
		}
		return l.failure
	case <-tick.C:
		return nil
	}
}

// every returns the time between two packets of voice, and of pictures; 0 for none.
func (r *Rates) every() (list [kinds]time.Duration) {
	for k, n := range [kinds]int{voice: r.Voice, video: r.Video} {
		if n > 0 {
			list[k] = time.Second / time.Duration(n)
		}
	}
	return list
}

// send has the members send for d. How many packets that are does not depend on
// how often this goroutine gets to run.
func (l *Load) send(ctx context.Context, rates Rates, d time.Duration) error {
	every, sizes := rates.every(), [kinds]int{voice: rates.VoiceSize, video: rates.VideoSize}
	first := time.Since(l.begin)
	l.schedule(first, every)
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		if err := l.wait(ctx, tick); err != nil {
			return err
		}
		now := time.Since(l.begin)
		l.took = now - first
		now = min(now, first+d-1)
		for _, m := range l.members {
			if !m.speaks {
				continue
			}
			for k := range every {
				for ; every[k] > 0 && m.next[k] <= now; m.next[k] += every[k] {
					if err := l.sendOne(m, k, sizes[k]); err != nil {
						return err
					}
				}
			}
		}
		if l.took >= d {
			return nil
		}
	}
}

// schedule spreads the members over the time between two packets.
func (l *Load) schedule(first time.Duration, every [kinds]time.Duration) {
	all := len(l.members)
	for i, m := range l.members {
		for k, d := range every {
			m.next[k] = first + d*time.Duration(i*(1+6*k)%all)/time.Duration(all)
		}
	}
}

// sendOne has m send a packet.
func (l *Load) sendOne(m *member, kind, size int) error {
	p := Packet{Picture: kind == video, Number: m.numbers[kind], Sent: time.Since(l.begin), Round: l.round}
	if err := m.way.Send(&p, size); err != nil {
		return fmt.Errorf("a member of %s: %w", m.room, err)
	}
	m.numbers[kind]++
	m.sent++
	return nil
}

// Close ends all ways, several at a time, and waits for what receives from them.
func (l *Load) Close() {
	ways := make([]Way, len(l.members))
	for i, m := range l.members {
		ways[i] = m.way
	}
	closeAll(ways)
	l.wg.Wait()
}
