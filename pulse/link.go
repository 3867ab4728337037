package pulse

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/jfreymuth/pulse/proto"
)

// Every message of the native protocol starts with 20 bytes, big endian:
//
//	length of what follows (4) | channel (4) | offset (8) | flags (4)
//
// Channel 0xffffffff carries commands, which start with 'L' and a number of four
// bytes; every other channel is a stream and carries sound.
const (
	headerSize     = 20
	commandSize    = 10 // a command's number and its tag
	commandChannel = 1<<32 - 1
	maxMessage     = 1 << 20 // bytes; ten times the longest list of devices seen
)

// A link stands between the protocol library and the connection. The library
// would print a command that it does not know to standard output, may panic
// over half a message when the connection breaks, and says so only when it ends
// in good order. So a link lets only whole messages of the kinds that we use
// pass, and tells its owner about every end.
type link struct {
	conn   net.Conn
	failed func(error)   // called once, by the reading goroutine, before done is closed
	done   chan struct{} // closed when nothing will be read any more

	// Owned by the goroutine that reads.
	in   *bufio.Reader
	msg  []byte // scratch: the message that is being passed on
	rest []byte // what of msg has not been passed on
	err  error  // final
}

func newLink(conn net.Conn, failed func(error)) *link {
	return &link{conn: conn, failed: failed, done: make(chan struct{}), in: bufio.NewReader(conn)}
}

// Read gives the library what it is to see.
func (l *link) Read(p []byte) (int, error) {
	for len(l.rest) == 0 && l.err == nil {
		if l.err = l.next(); l.err != nil {
			l.failed(l.err)
			close(l.done)
		}
	}
	if l.err != nil {
		return 0, l.err
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// Write passes on what the library sends. The library does not bear an error: it
// tells nobody, sends on, and some messages later writes past the end of its
// buffer. So it gets none. Whoever cannot write shall not read either, which ends
// the link.
func (l *link) Write(p []byte) (int, error) {
	if _, err := l.conn.Write(p); err != nil {
		l.conn.Close()
	}
	return len(p), nil
}

// next reads a message and, if it is of use, puts it into rest.
func (l *link) next() error {
	header, err := l.in.Peek(headerSize)
	if err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(header)
	if length > maxMessage {
		return fmt.Errorf("message of %d bytes", length)
	}
	n := headerSize + int(length)
	if cap(l.msg) < n {
		l.msg = make([]byte, n)
	}
	l.msg = l.msg[:n]
	if _, err := io.ReadFull(l.in, l.msg); err != nil {
		return err
	}
	if wanted(l.msg) {
		l.rest = l.msg
	}
	return nil
}

// wanted reports whether a message is sound, or a command that we understand.
func wanted(msg []byte) bool {
	if binary.BigEndian.Uint32(msg[4:]) != commandChannel {
		return true
	}
	body := msg[headerSize:]
	if len(body) < commandSize {
		return false
	}
	switch binary.BigEndian.Uint32(body[1:]) {
	case proto.OpError, proto.OpReply, proto.OpRequest, proto.OpUnderflow,
		proto.OpPlaybackStreamKilled, proto.OpRecordStreamKilled,
		proto.OpPlaybackStreamSuspended, proto.OpRecordStreamSuspended,
		proto.OpPlaybackStreamMoved, proto.OpRecordStreamMoved,
		proto.OpPlaybackBufferAttrChanged, proto.OpSubscribeEvent:
		return true
	default:
		return false
	}
}
