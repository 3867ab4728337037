package transport

import (
	"encoding/binary"
	"sync"
)

// inboxBytes bounds what waits for a receiver: at the 1.4 Mbit/s of nine
// speakers 64 KB are 370 ms, and later than that nothing is worth showing.
const inboxBytes = 64 << 10

// An inbox holds what has arrived until the receiver takes it. One goroutine
// puts and one takes; anyone may close it.
type inbox struct {
	cond sync.Cond // waits for changes of what follows

	// Guarded by cond.L.
	fifo fifo
	err  error // why nothing more arrives
	mute bool  // what waits is not to be taken any more
}

// newInbox returns an empty inbox. One that is rarely used takes no memory while
// it is empty.
func newInbox(rare bool) *inbox {
	return &inbox{cond: sync.Cond{L: new(sync.Mutex)}, fifo: fifo{limit: inboxBytes, rare: rare}}
}

// putOrDrop adds a copy of b and drops the oldest entries to make room.
func (in *inbox) putOrDrop(b []byte) {
	in.cond.L.Lock()
	defer in.cond.L.Unlock()
	if in.err != nil {
		return
	}
	for !in.fifo.push(b) {
		in.fifo.drop()
	}
	in.cond.Broadcast()
}

// put adds a copy of b. It waits for room and drops b when in is closed.
func (in *inbox) put(b []byte) {
	in.cond.L.Lock()
	defer in.cond.L.Unlock()
	for in.err == nil && !in.fifo.push(b) {
		in.cond.Wait()
	}
	in.cond.Broadcast()
}

// take waits for an entry and returns it in b[:0], grown if needed. Entries
// that arrived before the inbox was closed are still returned.
func (in *inbox) take(b []byte) ([]byte, error) {
	in.cond.L.Lock()
	defer in.cond.L.Unlock()
	for in.fifo.used == 0 || in.mute {
		if in.err != nil {
			return nil, in.err
		}
		in.cond.Wait()
	}
	in.cond.Broadcast()
	return in.fifo.pop(b[:0]), nil
}

// poll returns the oldest entry in b[:0], grown if needed. It reports false when
// there is none.
func (in *inbox) poll(b []byte) ([]byte, bool) {
	in.cond.L.Lock()
	defer in.cond.L.Unlock()
	if in.fifo.used == 0 || in.mute {
		return nil, false
	}
	in.cond.Broadcast()
	return in.fifo.pop(b[:0]), true
}

// close ends waiting with err. What has arrived may still be taken.
func (in *inbox) close(err error) {
	in.cond.L.Lock()
	defer in.cond.L.Unlock()
	if in.err == nil {
		in.err = err
	}
	in.cond.Broadcast()
}

// shut ends waiting with err, also for what has arrived.
func (in *inbox) shut(err error) {
	in.cond.L.Lock()
	defer in.cond.L.Unlock()
	in.err, in.mute = err, true
	in.cond.Broadcast()
}

// A fifo is a ring of entries, each with its length u16 before it. It grows up
// to its limit in bytes and does not shrink, but for a rare one that is empty.
type fifo struct {
	limit int
	rare  bool // it is empty most of the time
	buf   []byte
	head  int // index of the oldest entry
	used  int // bytes in use
}

const fifoHead = 2

// push adds a copy of b. It reports false when there is no room.
func (f *fifo) push(b []byte) bool {
	need := f.used + fifoHead + len(b)
	if need > f.limit {
		return false
	}
	if need > len(f.buf) {
		f.grow(need)
	}
	if f.used == 0 {
		f.head = 0 // one end of buf stays warm in the cache
	}
	var size [fifoHead]byte
	binary.BigEndian.PutUint16(size[:], uint16(len(b)))
	f.write(size[:])
	f.write(b)
	return true
}

// pop appends the oldest entry to b and removes it. There must be one.
func (f *fifo) pop(b []byte) []byte {
	n := f.size()
	at := f.head + fifoHead
	if at >= len(f.buf) {
		at -= len(f.buf)
	}
	first := min(n, len(f.buf)-at)
	b = append(b, f.buf[at:at+first]...)
	b = append(b, f.buf[:n-first]...)
	f.drop()
	return b
}

// drop removes the oldest entry. There must be one.
func (f *fifo) drop() {
	n := fifoHead + f.size()
	f.head = (f.head + n) % len(f.buf)
	f.used -= n
	if f.rare && f.used == 0 {
		f.buf, f.head = nil, 0
	}
}

// size returns the size of the oldest entry.
func (f *fifo) size() int {
	return int(f.buf[f.head])<<8 | int(f.buf[(f.head+1)%len(f.buf)])
}

// write appends bytes for which there is room.
func (f *fifo) write(b []byte) {
	at := f.head + f.used
	if at >= len(f.buf) {
		at -= len(f.buf)
	}
	n := copy(f.buf[at:], b)
	copy(f.buf, b[n:])
	f.used += len(b)
}

// grow makes buf at least need bytes long and moves the oldest entry to its start.
func (f *fifo) grow(need int) {
	const smallest = 2 << 10
	buf := make([]byte, min(f.limit, max(smallest, 2*len(f.buf), need)))
	n := copy(buf, f.buf[f.head:min(len(f.buf), f.head+f.used)])
	copy(buf[n:], f.buf[:f.used-n])
	f.buf, f.head = buf, 0
}
