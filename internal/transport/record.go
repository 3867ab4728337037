package transport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Sizes in bytes of what a connection carries. Package wire has constants of
// the same values; this package may not import it.
const (
	MaxDatagram = maxPacket - sealOverhead - frameHead // 1168
	MaxMessage  = 4096
)

// The TLS stream is a sequence of records, integers big-endian:
//
//	+---------+---------+------------------+
//	| kind u8 | len u16 | body, len bytes  |
//	+---------+---------+------------------+
//
// The hub's first record is a hello with the connection id; there is no other
// hello. Anything that is not in this table ends the connection.
const (
	recordHello    = 1 // connection id u32
	recordMessage  = 2 // at most MaxMessage bytes
	recordDatagram = 3 // at most MaxDatagram bytes
	recordPing     = 4 // number u64
	recordPong     = 5 // the number of the ping it answers
)

const (
	recordHead = 3
	helloSize  = 4
	pingSize   = 8
)

// errRecord is what a stream that no version of s2c sends ends with.
var errRecord = errors.New("malformed record")

// checkRecord reports what is wrong with a record of that kind and size.
func checkRecord(kind byte, size int) error {
	ok := false
	switch kind {
	case recordHello:
		ok = size == helloSize
	case recordMessage:
		ok = size <= MaxMessage
	case recordDatagram:
		ok = size <= MaxDatagram
	case recordPing, recordPong:
		ok = size == pingSize
	}
	if !ok {
		return fmt.Errorf("%w: kind %d with %d bytes", errRecord, kind, size)
	}
	return nil
}

// appendRecord appends one record to b. The caller has checked its size.
func appendRecord(b []byte, kind byte, body []byte) []byte {
	b = append(b, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	return append(b, body...)
}

// parseRecord returns the first record of b, whose body is part of b, and its
// size n in bytes with the head. n is 0 while b holds only a part of it.
func parseRecord(b []byte) (kind byte, body []byte, n int, err error) {
	if len(b) < recordHead {
		return 0, nil, 0, nil
	}
	kind = b[0]
	size := int(binary.BigEndian.Uint16(b[1:]))
	if err := checkRecord(kind, size); err != nil {
		return 0, nil, 0, err
	}
	n = recordHead + size
	if len(b) < n {
		return 0, nil, 0, nil
	}
	return kind, b[recordHead:n], n, nil
}

// The room of a recordReader in bytes: a thousand members who say nothing need
// not have room for the longest record each.
const (
	leastRoom = 512
	mostRoom  = 2 * (recordHead + MaxMessage)
)

// A recordReader cuts a stream into records. The zero value with r set works.
type recordReader struct {
	r          io.Reader
	start, end int // what of buf is read but not yet returned
	buf        []byte
}

// next waits for a record. Its body is valid until the following call. The
// error is io.EOF only when the stream ends between two records.
func (r *recordReader) next() (kind byte, body []byte, err error) {
	for {
		kind, body, n, err := parseRecord(r.buf[r.start:r.end])
		if err != nil || n > 0 {
			r.start += n
			return kind, body, err
		}
		r.makeRoom()
		m, err := r.r.Read(r.buf[r.end:])
		r.end += m
		if m > 0 {
			continue
		}
		if errors.Is(err, io.EOF) && r.end > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, nil, err
		}
	}
}

// makeRoom moves what is read to the start of buf, and makes that larger if it is
// full: the longest record is half of mostRoom, so there is always room.
func (r *recordReader) makeRoom() {
	r.end = copy(r.buf, r.buf[r.start:r.end])
	r.start = 0
	if r.end == len(r.buf) {
		buf := make([]byte, min(mostRoom, max(leastRoom, 2*len(r.buf))))
		copy(buf, r.buf)
		r.buf = buf
	}
}

// shrink gives room back if nothing is in it. The body of the latest record is
// not valid any more.
func (r *recordReader) shrink() {
	if r.start == r.end && len(r.buf) > leastRoom {
		r.buf, r.start, r.end = nil, 0, 0
	}
}
