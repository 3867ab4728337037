package simnet

import (
	"io"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// receiveLen is how many datagrams that have arrived are kept for the
	// receiver: 0.4 s of nine others who send 70 a second. Then the oldest goes.
	receiveLen = 256

	// flightLen bounds the memory of a long Link: 4 s of 4,000 datagrams a
	// second. Further datagrams are lost.
	flightLen = 16384

	// windowLen is how many messages may be on their way or unread: a sender
	// then waits, as for the window of a TCP connection.
	windowLen = 64

	// queueTime is the default of Link.Queue.
	queueTime = 300 * time.Millisecond

	// forever says that nothing is on its way.
	forever = time.Duration(math.MaxInt64)
)

// A pipe is one direction of a connection.
type pipe struct {
	// Each holds a token when the goroutine that waits for it should look
	// again; never closed.
	datagramReady chan struct{}
	messageReady  chan struct{}
	messageRoom   chan struct{}

	ended atomic.Bool // whether end is set, so that senders rarely need the lock of the other direction

	// Guarded by mu.
	mu        sync.Mutex
	link      Link
	cut       bool
	rand      *rand.Rand
	free      time.Time // when the last byte accepted so far leaves; used with a Rate
	last      time.Time // when the newest arrives; zero when everything has arrived
	datagrams fifo
	messages  []message
	end       *message // empty; follows the last one of a sender that has closed
	deaf      bool     // the receiver has closed, so nothing is kept
}

// A message is on its way.
type message struct {
	b    []byte
	at   time.Time // when it arrives; zero: it has
	held bool      // sent into a cut: it leaves when the cut ends
}

func newPipe(l Link, seed, number uint64) *pipe {
	return &pipe{
		datagramReady: make(chan struct{}, 1),
		messageReady:  make(chan struct{}, 1),
		messageRoom:   make(chan struct{}, 1),
		link:          l,
		rand:          rand.New(rand.NewPCG(seed, number)),
	}
}

// sendDatagram stores b with the time of its arrival, unless it is lost.
func (p *pipe) sendDatagram(b []byte) {
	p.mu.Lock()
	kept := p.sendDatagramLocked(b)
	p.mu.Unlock()
	if kept {
		wake(p.datagramReady)
	}
}

func (p *pipe) sendDatagramLocked(b []byte) (kept bool) {
	if p.cut || p.deaf {
		return false
	}
	if p.link.Rate > 0 {
		limit := p.link.Queue
		if limit == 0 {
			limit = queueTime
		}
		if p.waitingLocked() > limit {
			return false
		}
	}
	at := p.arrivalLocked(len(b)) // what is lost has used the Rate
	if p.link.Loss > 0 && p.rand.Float64() < p.link.Loss {
		return false
	}
	if p.datagrams.n >= receiveLen {
		p.datagrams.trim()
	}
	return p.datagrams.push(b, at)
}

// waitingLocked returns how long a byte sent now waits for the Rate.
func (p *pipe) waitingLocked() time.Duration {
	if p.link.Rate <= 0 {
		return 0
	}
	return max(0, time.Until(p.free))
}

// arrivalLocked returns when n bytes sent now arrive; zero means at once.
func (p *pipe) arrivalLocked(n int) time.Time {
	if p.last.IsZero() && p.link.Delay == 0 && p.link.Jitter == 0 && p.link.Rate <= 0 {
		return time.Time{} // perfect; it reads no clock
	}
	now := time.Now()
	at := now
	if p.link.Rate > 0 {
		if p.free.Before(now) {
			p.free = now
		}
		p.free = p.free.Add(time.Duration(int64(n) * 8 * int64(time.Second) / int64(p.link.Rate)))
		at = p.free
	}
	at = at.Add(p.link.Delay)
	if p.link.Jitter > 0 {
		at = at.Add(time.Duration(p.rand.Int64N(int64(p.link.Jitter))))
	}
	if at.Before(p.last) {
		at = p.last // never before what was sent earlier
	}
	p.last = at
	if !at.After(now) {
		p.last = time.Time{}
		return time.Time{}
	}
	return at
}

// recvDatagram moves the oldest datagram into b and returns its size and 0.
// Otherwise it returns how long until the next arrives, or io.EOF when none
// will.
func (p *pipe) recvDatagram(b []byte) (n int, wait time.Duration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.datagrams.n > receiveLen {
		p.datagrams.trim()
	}
	if p.datagrams.n == 0 {
		wait, err = p.endLocked()
		return 0, wait, err
	}
	d := p.datagrams.oldest()
	if wait := until(d.at); wait > 0 {
		return 0, wait, nil
	}
	if len(b) < len(d.b) {
		return 0, 0, io.ErrShortBuffer
	}
	n = copy(b, d.b)
	p.datagrams.pop()
	return n, 0, nil
}

// sendMessage stores b with the time of its arrival. It reports false when the
// window is full.
func (p *pipe) sendMessage(b []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.messages) == windowLen {
		return false
	}
	var m message
	if !p.deaf {
		m.b = append([]byte(nil), b...)
	}
	p.departLocked(&m)
	p.messages = append(p.messages, m)
	wake(p.messageReady)
	return true
}

// departLocked sends m on its way.
func (p *pipe) departLocked(m *message) {
	if m.held = p.cut; !m.held {
		m.at = p.arrivalLocked(len(m.b))
	}
}

// recvMessage appends the oldest message to b and returns 0. Otherwise it
// returns how long until the next arrives, or io.EOF when none will. Once the
// receiver has closed, what waits is empty: it returns net.ErrClosed.
func (p *pipe) recvMessage(b []byte) ([]byte, time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.deaf {
		return nil, 0, net.ErrClosed
	}
	if len(p.messages) == 0 {
		wait, err := p.endLocked()
		return nil, wait, err
	}
	m := p.messages[0]
	if wait := m.until(); wait > 0 {
		return nil, wait, nil
	}
	p.messages[0] = message{} // no pointer outlives its turn
	p.messages = p.messages[1:]
	wake(p.messageRoom)
	return append(b, m.b...), 0, nil
}

// finish says that the sender has closed. What it sent before still arrives.
func (p *pipe) finish() {
	p.mu.Lock()
	p.end = new(message)
	p.departLocked(p.end)
	p.ended.Store(true)
	p.mu.Unlock()
	wake(p.datagramReady)
	wake(p.messageReady)
}

// abandon says that the receiver has closed. It frees what it would have
// received. Messages still fill the window, for the sender does not know yet.
func (p *pipe) abandon() {
	p.mu.Lock()
	p.deaf = true
	p.datagrams = fifo{}
	for i := range p.messages {
		p.messages[i].b = nil
	}
	p.mu.Unlock()
}

// untilEnd returns io.EOF once the receiver knows that the sender has closed,
// and before that how long until it does.
func (p *pipe) untilEnd() (time.Duration, error) {
	if !p.ended.Load() {
		return forever, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.endLocked()
}

func (p *pipe) endLocked() (time.Duration, error) {
	if p.end == nil {
		return forever, nil
	}
	if wait := p.end.until(); wait > 0 {
		return wait, nil
	}
	return 0, io.EOF
}

// setLink makes the pipe behave like l for what is sent from now on.
func (p *pipe) setLink(l Link) {
	p.mu.Lock()
	p.link = l
	p.mu.Unlock()
}

// setCut starts or ends a cut. What was sent before it still arrives.
func (p *pipe) setCut(cut bool) {
	p.mu.Lock()
	p.cut = cut
	if !cut {
		for i := range p.messages {
			if p.messages[i].held {
				p.departLocked(&p.messages[i])
			}
		}
		if p.end != nil && p.end.held {
			p.departLocked(p.end)
		}
	}
	p.mu.Unlock()
	wake(p.datagramReady)
	wake(p.messageReady)
}

// transit returns how long a byte sent now is on its way, without jitter.
func (p *pipe) transit() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.link.Delay + p.waitingLocked()
}

// until returns how long until m arrives, 0 when it has.
func (m *message) until() time.Duration {
	if m.held {
		return forever
	}
	return until(m.at)
}

// until is time.Until, at least 0, for a time that is zero when it has passed.
func until(at time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return max(0, time.Until(at))
}

// A fifo holds datagrams in the order of their arrival. Its slots keep their
// memory, so that a steady flow allocates nothing.
type fifo struct {
	slots []datagram // 0 or a power of two
	first int        // index of the oldest
	n     int
}

type datagram struct {
	at time.Time // when it arrives; zero: it has
	b  []byte
}

// slot returns the datagram that i others precede.
func (f *fifo) slot(i int) *datagram { return &f.slots[(f.first+i)&(len(f.slots)-1)] }

// oldest returns the datagram that is next. There must be one.
func (f *fifo) oldest() *datagram { return f.slot(0) }

// push copies b to the end. It reports false when there is no room.
func (f *fifo) push(b []byte, at time.Time) bool {
	if f.n == flightLen {
		return false
	}
	if f.n == len(f.slots) {
		grown := make([]datagram, max(16, 2*f.n))
		for i := range f.n {
			grown[i] = *f.slot(i)
		}
		f.slots, f.first = grown, 0
	}
	f.n++
	d := f.slot(f.n - 1)
	d.at, d.b = at, append(d.b[:0], b...)
	return true
}

// pop drops the oldest datagram.
func (f *fifo) pop() {
	f.first = (f.first + 1) & (len(f.slots) - 1)
	f.n--
}

// trim drops the oldest datagrams until at most receiveLen have arrived.
func (f *fifo) trim() {
	for f.n > receiveLen && until(f.slot(receiveLen).at) == 0 {
		f.pop()
	}
}
