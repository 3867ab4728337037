package call

import (
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/wire"
)

// outboxSlots is how many payloads may wait for the way to the hub: all of the
// three classes below.
const outboxSlots = 64

// outboxLimits says what may wait. On UDP nothing ever does. On a stuck TLS
// connection voice older than 200 ms and pictures older than 300 ms are of no
// use to anybody.
var outboxLimits = [queue.Classes]queue.Limit{
	queue.Control: {Len: 16, MaxAge: 2 * time.Second},
	queue.Voice:   {Len: 16, MaxAge: 200 * time.Millisecond},
	queue.Video:   {Len: 32, MaxAge: 300 * time.Millisecond},
}

// A payload is a packet before it is sealed, or one for the hub itself.
type payload struct {
	ticket uint64
	class  queue.Class
	bare   bool // for the hub: not to be sealed
	stream sframe.Stream
	clear  wire.Clear
	n      int // bytes of plain in use
	plain  [wire.MaxPlain]byte
}

// An outbox keeps payloads until the send goroutine seals them. It is a ring:
// an entry that was overwritten before its turn is skipped.
type outbox struct {
	queue *queue.Queue[uint64] // tickets
	beat  chan struct{}        // makes the next heartbeat go out at once; never closed
	ask   chan struct{}        // makes requests for pictures go out; never closed
	lost  chan struct{}        // makes requests for lost packets go out; never closed

	// Guarded by mu.
	mu    sync.Mutex
	next  uint64
	slots [outboxSlots]payload
}

func (o *outbox) init() {
	o.queue = queue.New[uint64](outboxLimits)
	o.beat = make(chan struct{}, 1)
	o.ask = make(chan struct{}, 1)
	o.lost = make(chan struct{}, 1)
}

// wake puts a token into a channel of one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put queues a payload at time now. plain is copied.
func (o *outbox) put(now time.Time, class queue.Class, stream sframe.Stream, clear wire.Clear, plain []byte) {
	o.mu.Lock()
	p := o.takeLocked(plain)
	p.class, p.bare, p.stream, p.clear = class, false, stream, clear
	t := p.ticket
	o.mu.Unlock()
	o.queue.Push(class, t, now)
}

// putBare queues a datagram for the hub itself at time now. b is copied.
func (o *outbox) putBare(now time.Time, class queue.Class, b []byte) {
	o.mu.Lock()
	p := o.takeLocked(b)
	p.class, p.bare = class, true
	t := p.ticket
	o.mu.Unlock()
	o.queue.Push(class, t, now)
}

// takeLocked stores b under the next ticket.
func (o *outbox) takeLocked(b []byte) *payload {
	o.next++ // ticket 0 is never issued, so a zero slot matches nothing
	p := &o.slots[o.next%outboxSlots]
	p.ticket = o.next
	p.n = copy(p.plain[:], b)
	return p
}

// get copies the next payload that is not too old into p.
func (o *outbox) get(now time.Time, p *payload) bool {
	for {
		t, ok := o.queue.Pop(now)
		if !ok {
			return false
		}
		o.mu.Lock()
		s := &o.slots[t%outboxSlots]
		if ok = s.ticket == t; ok {
			p.class, p.bare, p.stream, p.clear = s.class, s.bare, s.stream, s.clear
			p.n = copy(p.plain[:], s.plain[:s.n])
		}
		o.mu.Unlock()
		if ok {
			return true
		}
	}
}
