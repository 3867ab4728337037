package transport

import (
	"encoding/binary"
	"sync"
)

// What may wait for the TLS connection, besides what is being written, in
// bytes of whole records. Datagrams have little: what waits here is already
// late and can no longer be dropped by those who know what it is.
const (
	maxWaitingMessages  = 8 << 10
	maxWaitingDatagrams = 4 << 10
)

// An outbox holds records until the write loop takes them, all at once, so
// that a burst becomes one TLS record. Messages go first.
//
// While datagrams go over UDP there is little to write. The write loop then ends
// when nothing waits, so that it takes no memory, and is started again.
type outbox struct {
	cond  sync.Cond // waits for changes of what follows
	start func()    // starts the write loop; it must not wait

	// Guarded by cond.L.
	writing   bool // the write loop runs
	messages  []byte
	datagrams []byte
	ping      uint64 // number of the ping to send; 0 is none
	pong      uint64 // number of the newest ping to answer; 0 is none
	bypass    bool   // datagrams go over UDP now
	finishing bool   // what waits is still sent, nothing more is accepted
	err       error  // why nothing is accepted
}

// newOutbox returns an outbox that calls start, with its lock held, when there is
// something to take and nobody who does.
func newOutbox(start func()) *outbox {
	return &outbox{cond: sync.Cond{L: new(sync.Mutex)}, start: start}
}

// changedLocked wakes those who wait, and the write loop.
func (o *outbox) changedLocked() {
	o.cond.Broadcast()
	if !o.writing {
		o.writing = true
		o.start()
	}
}

// putMessage waits for room and adds a message.
func (o *outbox) putMessage(b []byte) error {
	o.cond.L.Lock()
	defer o.cond.L.Unlock()
	for o.err == nil && len(o.messages)+recordHead+len(b) > maxWaitingMessages {
		o.cond.Wait()
	}
	if o.err != nil {
		return o.err
	}
	o.messages = appendRecord(o.messages, recordMessage, b)
	o.changedLocked()
	return nil
}

// putDatagram waits for room and adds a datagram. It reports false, and adds
// nothing, once datagrams go over UDP.
func (o *outbox) putDatagram(b []byte) (ok bool, err error) {
	o.cond.L.Lock()
	defer o.cond.L.Unlock()
	for o.err == nil && !o.bypass && len(o.datagrams)+recordHead+len(b) > maxWaitingDatagrams {
		o.cond.Wait()
	}
	if o.err != nil || o.bypass {
		return false, o.err
	}
	o.datagrams = appendRecord(o.datagrams, recordDatagram, b)
	o.changedLocked()
	return true, nil
}

// putLarge adds a datagram that is too large for the path over UDP, which then goes
// over TLS. It never waits: without room it is lost.
func (o *outbox) putLarge(b []byte) {
	o.cond.L.Lock()
	defer o.cond.L.Unlock()
	if o.err == nil && len(o.datagrams)+recordHead+len(b) <= maxWaitingDatagrams {
		o.datagrams = appendRecord(o.datagrams, recordDatagram, b)
		o.changedLocked()
	}
}

// putPing and putPong never wait: a newer one replaces what was not yet sent.
func (o *outbox) putPing(number uint64) {
	o.cond.L.Lock()
	defer o.cond.L.Unlock()
	if o.err == nil {
		o.ping = number
		o.changedLocked()
	}
}

func (o *outbox) putPong(number uint64) {
	o.cond.L.Lock()
	defer o.cond.L.Unlock()
	if o.err == nil {
		o.pong = number
		o.changedLocked()
	}
}

// setBypass says whether datagrams go over UDP, which frees who waits here.
func (o *outbox) setBypass(on bool) {
	o.cond.L.Lock()
	defer o.cond.L.Unlock()
	o.bypass = on
	o.cond.Broadcast()
}

// take waits until something is there, appends all of it to b and returns it.
// It reports false when the write loop is to end: for good if last is true, with
// nothing left to send unless the outbox was closed.
func (o *outbox) take(b []byte) (_ []byte, last, ok bool) {
	o.cond.L.Lock()
	defer o.cond.L.Unlock()
	start := len(b)
	for {
		if o.err != nil && !o.finishing {
			return b, true, false
		}
		b = o.appendLocked(b)
		switch {
		case len(b) > start:
			o.cond.Broadcast()
			return b, false, true
		case o.finishing:
			return b, true, false
		case o.bypass:
			o.messages, o.datagrams, o.writing = nil, nil, false
			return nil, false, false
		}
		o.cond.Wait()
	}
}

// appendLocked moves everything that waits to b.
func (o *outbox) appendLocked(b []byte) []byte {
	var number [pingSize]byte
	if o.pong != 0 {
		binary.BigEndian.PutUint64(number[:], o.pong)
		b = appendRecord(b, recordPong, number[:])
	}
	if o.ping != 0 {
		binary.BigEndian.PutUint64(number[:], o.ping)
		b = appendRecord(b, recordPing, number[:])
	}
	b = append(b, o.messages...)
	b = append(b, o.datagrams...)
	o.pong, o.ping, o.messages, o.datagrams = 0, 0, o.messages[:0], o.datagrams[:0]
	return b
}

// finish accepts nothing more: senders get err, and take reports false after
// it has returned what waits.
func (o *outbox) finish(err error) {
	o.cond.L.Lock()
	defer o.cond.L.Unlock()
	if o.err != nil {
		o.err = err
		o.cond.Broadcast()
		return
	}
	o.finishing, o.err = true, err
	o.changedLocked()
}

// close drops what waits and ends all waiting with err, unless it has ended
// for another reason before.
func (o *outbox) close(err error) {
	o.cond.L.Lock()
	defer o.cond.L.Unlock()
	o.finishing = false
	if o.err == nil {
		o.err = err
	}
	o.cond.Broadcast()
}
