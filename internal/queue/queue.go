// Package queue holds what waits for one slow path. Messages go before voice,
// voice before video; a full class loses its oldest entry, and what has
// waited too long is never sent.
package queue

import (
	"sync"
	"time"
)

// A Class orders what waits: a lower class goes first.
type Class uint8

// The classes, most urgent first.
const (
	Control Class = iota
	Voice
	Video
	Classes // how many there are
)

// A Limit bounds one class.
type Limit struct {
	Len    int           // entries; one more drops the oldest
	MaxAge time.Duration // an entry that waited longer is dropped instead of sent; 0 means for ever
}

// A Queue is safe for use by any number of writers and one reader. It takes the
// memory that it has needed so far.
type Queue[T any] struct {
	ready chan struct{} // holds a token while there may be an entry; never closed

	// Guarded by mu.
	mu    sync.Mutex
	rings [Classes]ring[T]
}

type ring[T any] struct {
	limit Limit
	slots []entry[T] // grows up to limit.Len
	first int        // index of the oldest entry
	n     int        // entries in use
	full  uint64
	stale uint64
}

type entry[T any] struct {
	v  T
	at time.Time
}

// New returns an empty Queue. Every limit needs a Len of at least 1.
func New[T any](limits [Classes]Limit) *Queue[T] {
	q := &Queue[T]{ready: make(chan struct{}, 1)}
	for c, l := range limits {
		if l.Len < 1 {
			panic("queue: internal error: limit without a length")
		}
		q.rings[c].limit = l
	}
	return q
}

// Push appends v to its class at time now. It reports whether the oldest entry
// of that class was dropped to make room.
func (q *Queue[T]) Push(c Class, v T, now time.Time) (dropped bool) {
	q.mu.Lock()
	r := &q.rings[c]
	if r.n == r.limit.Len {
		r.drop()
		r.full++
		dropped = true
	} else if r.n == len(r.slots) {
		r.grow()
	}
	r.slots[(r.first+r.n)%len(r.slots)] = entry[T]{v, now}
	r.n++
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return dropped
}

// Ready returns a channel that yields after a Push. The reader then calls Pop
// until it reports false.
func (q *Queue[T]) Ready() <-chan struct{} { return q.ready }

// Pop removes and returns the most urgent entry that is not too old at time
// now. It reports false when nothing waits.
func (q *Queue[T]) Pop(now time.Time) (v T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c := range q.rings {
		r := &q.rings[c]
		for r.n > 0 {
			e := r.drop()
			if r.limit.MaxAge > 0 && now.Sub(e.at) > r.limit.MaxAge {
				r.stale++
				continue
			}
			return e.v, true
		}
	}
	return v, false
}

// Len returns how many entries wait, those included that have waited too long.
func (q *Queue[T]) Len() (n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for c := range q.rings {
		n += q.rings[c].n
	}
	return n
}

// Drops returns how many entries of class c were dropped because the class
// was full, and how many because they had waited too long.
func (q *Queue[T]) Drops(c Class) (full, stale uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.rings[c].full, q.rings[c].stale
}

// firstSlots is how many entries a class has room for when it has had one.
const firstSlots = 4

// grow doubles the room.
func (r *ring[T]) grow() {
	slots := make([]entry[T], min(max(firstSlots, 2*len(r.slots)), r.limit.Len))
	n := copy(slots, r.slots[r.first:])
	copy(slots[n:], r.slots[:r.first])
	r.slots, r.first = slots, 0
}

// drop removes the oldest entry and returns it. The ring must not be empty.
func (r *ring[T]) drop() entry[T] {
	e := r.slots[r.first]
	r.slots[r.first] = entry[T]{} // no pointer outlives its turn
	r.first = (r.first + 1) % len(r.slots)
	r.n--
	return e
}
