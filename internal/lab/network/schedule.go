package network

import "time"

// A stage is how far a frame has come.
type stage int

const (
	atSwitch stage = iota // leaves the sender's Up path
	atHost                // leaves the receiver's Down path
)

// An event is a frame that is somewhere at some time.
type event struct {
	at    time.Duration
	order uint64 // of two at the same time, the lower comes first
	stage stage
	host  int // the receiver
	frame []byte
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.order < o.order
}

// A schedule is a heap of events. It is not container/heap, which allocates for
// each of them.
type schedule struct {
	heap []event
	next uint64
}

// add adds an event and sets its order.
func (s *schedule) add(e event) {
	e.order = s.next
	s.next++
	s.heap = append(s.heap, e)
	h := s.heap
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

// first returns when the first event is, or false without any.
func (s *schedule) first() (time.Duration, bool) {
	if len(s.heap) == 0 {
		return 0, false
	}
	return s.heap[0].at, true
}

// take removes the first event, of which there is one, and returns it.
func (s *schedule) take() event {
	h := s.heap
	first, n := h[0], len(h)-1
	h[0], h[n] = h[n], event{}
	h = h[:n]
	s.heap = h
	for i := 0; ; {
		least := i
		for down := 2*i + 1; down <= 2*i+2 && down < n; down++ {
			if h[down].before(&h[least]) {
				least = down
			}
		}
		if least == i {
			return first
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
