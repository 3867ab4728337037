// Package mailbox hands the newest value from one goroutine to another.
package mailbox

import (
	"context"
	"sync"
)

// A Mailbox holds at most one unread value of type T.
//
// It owns three values: one that the writer fills, one that the reader looks
// at, and the newest finished one in between. Put and Get trade them, so no
// value is ever shared or allocated again. A slow reader misses values; it
// never delays the writer. One goroutine writes and one reads.
type Mailbox[T any] struct {
	ready chan struct{} // holds a token while there may be an unread value; never closed

	// Owned by the writer.
	back *T

	// Owned by the reader.
	front *T

	// Guarded by mu.
	mu      sync.Mutex
	mid     *T
	fresh   bool
	dropped uint64
}

// New returns an empty Mailbox.
func New[T any]() *Mailbox[T] {
	return &Mailbox[T]{
		ready: make(chan struct{}, 1),
		back:  new(T), mid: new(T), front: new(T),
	}
}

// Back returns the value that the writer may fill until the next Put.
func (m *Mailbox[T]) Back() *T { return m.back }

// Put publishes the value returned by Back. It reports false when the reader
// had not taken the value before, which is lost.
func (m *Mailbox[T]) Put() (taken bool) {
	m.mu.Lock()
	m.back, m.mid = m.mid, m.back
	taken = !m.fresh
	m.fresh = true
	if !taken {
		m.dropped++
	}
	m.mu.Unlock()
	select {
	case m.ready <- struct{}{}:
	default:
	}
	return taken
}

// Ready returns a channel that yields once after a Put. A reader that selects
// on it calls Take afterwards.
func (m *Mailbox[T]) Ready() <-chan struct{} { return m.ready }

// Take returns the newest value if it has not been read yet, else nil. The
// value is the reader's until the next Take or Get.
func (m *Mailbox[T]) Take() *T {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.fresh {
		return nil
	}
	m.fresh = false
	m.mid, m.front = m.front, m.mid
	return m.front
}

// Get waits for an unread value. The value is the reader's until the next
// Take or Get. It fails only when ctx is done, with the cause of ctx.
func (m *Mailbox[T]) Get(ctx context.Context) (*T, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-m.ready:
		}
		if v := m.Take(); v != nil {
			return v, nil
		}
		// A Put between the token and the lock left a second token.
	}
}

// Dropped returns how many values were replaced unread.
func (m *Mailbox[T]) Dropped() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropped
}
