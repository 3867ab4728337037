package rate

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"
)

// A world is virtual time in which things happen.
type world struct {
	now    time.Time
	events events
	serial int
}

type event struct {
	at     time.Time
	serial int // of those at one time the first goes first
	do     func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at.Before(e[j].at) || e[i].at.Equal(e[j].at) && e[i].serial < e[j].serial
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

func newWorld() *world { return &world{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

// after has something happen after a while.
func (w *world) after(d time.Duration, do func()) {
	w.serial++
	heap.Push(&w.events, event{w.now.Add(d), w.serial, do})
}

// every has something happen again and again until it reports false.
func (w *world) every(first, period time.Duration, do func() bool) {
	w.after(first, func() {
		if do() {
			w.every(period, period, do)
		}
	})
}

// run lets things happen for so long.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.events) > 0 && !w.events[0].at.After(end) {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.do()
	}
	w.now = end
}

// A link is one direction of a path.
type link struct {
	w      *world
	rng    *rand.Rand
	rate   float64       // bit/s; 0 is unlimited
	queue  time.Duration // droptail
	delay  time.Duration
	jitter time.Duration // uniform, in order unless loose
	loose  bool
	stalls time.Duration // once a second the receiver stands still for so long
	loss   float64
	burst  float64 // packets that are lost in a row, on average; 0 is independently

	free time.Time // when the line is free
	last time.Time // when the latest arrives
	bad  bool
}

// send has a packet of so many bytes arrive, or not.
func (l *link) send(size int, arrive func()) {
	at := l.w.now
	if l.rate > 0 {
		l.free = later(l.free, at)
		if l.free.Sub(at) > l.queue {
			return
		}
		l.free = l.free.Add(time.Duration(float64(8*size) / l.rate * float64(time.Second)))
		at = l.free
	}
	if l.loses() {
		return
	}
	at = at.Add(l.delay)
	if l.jitter > 0 {
		at = at.Add(time.Duration(l.rng.Int64N(int64(l.jitter))))
		if !l.loose {
			at = later(l.last, at)
			l.last = at
		}
	}
	if second := at.Truncate(time.Second); at.Sub(second) < l.stalls {
		at = second.Add(l.stalls + time.Duration(l.rng.IntN(1000))*time.Microsecond)
	}
	l.w.after(at.Sub(l.w.now), arrive)
}

func (l *link) loses() bool {
	if l.burst == 0 {
		return l.rng.Float64() < l.loss
	}
	// Gilbert: all are lost in the bad state, which lasts for burst packets.
	if l.bad {
		l.bad = l.rng.Float64() >= 1/l.burst
	} else {
		l.bad = l.rng.Float64() < l.loss/(1-l.loss)/l.burst
	}
	return l.bad
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// A class of datagrams.
type class struct {
	sent, got int
	delays    []time.Duration
}

func (c *class) share() float64 { return float64(c.got) / float64(c.sent) }

func (c *class) quantile(q float64) time.Duration {
	if len(c.delays) == 0 {
		return 0
	}
	slices.Sort(c.delays)
	return c.delays[int(q*float64(len(c.delays)-1))]
}

// A flow is what a hub sends to one member: the datagrams of others, those of 5 ms
// in packets of at most 1200 bytes, as package transport makes them.
type flow struct {
	w          *world
	down, up   *link
	controlled bool
	sender     Sender
	receiver   Receiver
	counter    uint64
	waiting    []datagram
	voice      class
	pictures   class
	bits       float64 // that have arrived
	counting   bool
	mute       bool // no report goes back
	reports    int
}

type datagram struct {
	size  int
	class *class
	at    time.Time
}

// The sizes of datagrams, with their frame.
const (
	voiceSize   = 113
	pictureSize = 703
	packetHead  = 29
	packetRoom  = 1200 - packetHead
)

// start has so many members send voice, 50 datagrams a second, and pictures, 20.
func (f *flow) start(members int, rng *rand.Rand) {
	for range members {
		f.w.every(time.Duration(rng.IntN(20))*time.Millisecond, 20*time.Millisecond, func() bool { f.give(voiceSize, &f.voice, Urgent); return true })
		f.w.every(time.Duration(rng.IntN(50))*time.Millisecond, 50*time.Millisecond, func() bool { f.give(pictureSize, &f.pictures, Next); return true })
	}
	f.w.every(5*time.Millisecond, 5*time.Millisecond, func() bool { f.flush(); return true })
}

func (f *flow) give(size int, c *class, w Want) {
	if f.counting {
		c.sent++
	}
	if f.controlled && !f.sender.Allow(size, w, f.w.now) {
		return
	}
	f.waiting = append(f.waiting, datagram{size, c, f.w.now})
}

// flush sends what waits.
func (f *flow) flush() {
	for len(f.waiting) > 0 {
		n, size := 0, 0
		for n < len(f.waiting) && size+f.waiting[n].size <= packetRoom {
			size += f.waiting[n].size
			n++
		}
		f.send(slices.Clone(f.waiting[:n]), packetHead+size)
		f.waiting = f.waiting[n:]
	}
}

func (f *flow) send(list []datagram, size int) {
	f.counter++
	counter, counting := f.counter, f.counting
	f.sender.Sent(counter, size, true, f.w.now)
	f.down.send(size+headBytes, func() {
		f.receiver.Arrive(counter, size, true, f.w.now)
		if counting {
			f.bits += float64(8 * (size + headBytes))
		}
		for _, d := range list {
			if counting {
				d.class.got++
				d.class.delays = append(d.class.delays, f.w.now.Sub(d.at)-f.down.delay)
			}
		}
		if f.receiver.Due(f.w.now) && !f.mute {
			b := f.receiver.report(f.w.now)
			f.reports++
			f.up.send(len(b)+packetHead+headBytes, func() {
				r, err := Parse(b)
				if err != nil {
					panic(err)
				}
				f.sender.Take(r, f.w.now)
			})
		}
	})
}

// report returns the bytes of a Report.
func (r *Receiver) report(now time.Time) []byte {
	rep := r.Report(now)
	return rep.Append(nil)
}
