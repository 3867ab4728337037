package queue

// A Log holds numbered messages from when they are to be sent until the other
// end says that they have come, so that they can be sent again over another
// connection. The zero Log is empty. It has no lock of its own and no limit:
// see Weight.
type Log struct {
	acked  uint64   // messages that have come to the other end
	list   [][]byte // those after them
	sent   int      // how many of list were sent over the present connection
	weight int      // of list
}

// Weight returns what a message of a log counts for: 1, and 1 more for each KiB.
func Weight(b []byte) int { return 1 + len(b)/1024 }

// Append adds a message, which nobody may modify any more.
func (l *Log) Append(b []byte) {
	l.list = append(l.list, b)
	l.weight += Weight(b)
}

// Next returns the oldest message that was not sent over the present connection,
// which it then was, or nil.
func (l *Log) Next() []byte {
	if l.sent == len(l.list) {
		return nil
	}
	l.sent++
	return l.list[l.sent-1]
}

// Sent returns how many messages were sent so far.
func (l *Log) Sent() uint64 { return l.acked + uint64(l.sent) }

// Unsent returns how many messages were not sent over the present connection.
func (l *Log) Unsent() int { return len(l.list) - l.sent }

// Weight returns what all of the log counts for.
func (l *Log) Weight() int { return l.weight }

// Ack forgets the first n messages ever, as they have come. It reports false,
// and does nothing, when so many were never sent, or more have come before.
func (l *Log) Ack(n uint64) bool {
	if n < l.acked || n > l.Sent() {
		return false
	}
	k := int(n - l.acked)
	for i, b := range l.list[:k] {
		l.weight -= Weight(b)
		l.list[i] = nil // no pointer outlives its turn
	}
	l.acked, l.list, l.sent = n, l.list[k:], l.sent-k
	if len(l.list) == 0 {
		l.list = nil // its memory is used up from the front
	}
	return true
}

// Rewind begins another connection, to whose other end the first n messages ever
// have come. It reports false, and does nothing, where Ack does.
func (l *Log) Rewind(n uint64) bool {
	if !l.Ack(n) {
		return false
	}
	l.sent = 0
	return true
}
