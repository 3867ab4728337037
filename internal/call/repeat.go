package call

import (
	"github.com/sanix-darker/s2c/internal/wire"
)

// At which loss pictures are repeated, as receivers report it: once, and twice.
// The lower figures are those at which it ends, so that it does not start and
// end all the time. Below, the hub's repetition costs less than repeating all.
const (
	onceFrom  = 0.02
	onceUntil = 0.01
	twiceFrom = 0.10
	twiceTill = 0.07
)

// maxRepeats is how many pictures before it a datagram repeats at most.
const maxRepeats = 2

// A repeater repeats the last pictures in the datagrams of the next, so that a
// loss is healed a picture later. One goroutine uses it.
type repeater struct {
	times int // how often each picture is repeated now
	last  [maxRepeats]repeated
}

// A repeated picture. It is one of a single part or not repeated.
type repeated struct {
	part wire.Part // its data is in buf
	buf  []byte
}

// adapt chooses how often to repeat at a loss.
func (r *repeater) adapt(loss float64) {
	switch {
	case loss >= twiceFrom, r.times == 2 && loss >= twiceTill:
		r.times = 2
	case loss >= onceFrom, r.times > 0 && loss >= onceUntil:
		r.times = 1
	default:
		r.times = 0
	}
}

// append appends to b, the oldest first, as many of the last pictures as are to
// be repeated and fit into room bytes: the newest before older ones.
func (r *repeater) append(b []byte, room int) []byte {
	n := 0
	for n < r.times && r.last[n].part.Parts == 1 {
		if room -= wire.PartHead + len(r.last[n].part.Data); room < 0 {
			break
		}
		n++
	}
	for i := n - 1; i >= 0; i-- {
		b = r.last[i].part.Append(b)
	}
	return b
}

// remember takes the last part of the picture that was sent.
func (r *repeater) remember(p wire.Part) {
	oldest := r.last[maxRepeats-1]
	copy(r.last[1:], r.last[:maxRepeats-1])
	oldest.buf = append(oldest.buf[:0], p.Data...)
	oldest.part = p
	oldest.part.Data = oldest.buf
	r.last[0] = oldest
}
