package simnet

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/internal/transport"
)

// The limits of transport.Conn. They stand in package wire, which this package
// does not import; a test compares them.
const (
	maxDatagram = 1168 // bytes
	maxMessage  = 4096 // bytes
)

// A Conn is one end of a connection. It implements transport.Conn.
//
// SendDatagram never waits. SendMessage waits while 64 messages are on their
// way or unread. Close returns at once, and
// what was accepted before still arrives. Info counts what is in datagrams and
// messages and nothing around it.
type Conn struct {
	// Set by newConn and pair.
	out, in  *pipe
	up, down *pipe // the same two, as seen by the end that dialled
	binding  [32]byte
	remote   string
	done     chan struct{} // closed by Close
	once     sync.Once

	// Owned by RecvDatagram, RecvMessage and SendMessage.
	datagramTimer, messageTimer, roomTimer timer

	// Updated by any goroutine.
	sent, received atomic.Uint64
}

func newConn(out, in *pipe, binding [32]byte, remote string) *Conn {
	return &Conn{out: out, in: in, binding: binding, remote: remote, done: make(chan struct{})}
}

// SendDatagram implements transport.Conn.
func (c *Conn) SendDatagram(b []byte) error {
	if len(b) > maxDatagram {
		return fmt.Errorf("send datagram to %s: %d bytes are more than %d", c.remote, len(b), maxDatagram)
	}
	if err := c.check("send datagram to"); err != nil {
		return err
	}
	if _, err := c.in.untilEnd(); err != nil {
		return c.fail("send datagram to", err)
	}
	c.sent.Add(uint64(len(b)))
	c.out.sendDatagram(b)
	return nil
}

// RecvDatagram implements transport.Conn.
func (c *Conn) RecvDatagram(b []byte) (int, error) {
	for {
		if err := c.check("receive datagram from"); err != nil {
			return 0, err
		}
		n, wait, err := c.in.recvDatagram(b)
		switch {
		case err != nil:
			return 0, c.fail("receive datagram from", err)
		case wait == 0:
			c.received.Add(uint64(n))
			return n, nil
		}
		c.datagramTimer.pause(wait, c.in.datagramReady, c.done)
	}
}

// SendMessage implements transport.Conn.
func (c *Conn) SendMessage(b []byte) error {
	if len(b) > maxMessage {
		return fmt.Errorf("send message to %s: %d bytes are more than %d", c.remote, len(b), maxMessage)
	}
	for {
		if err := c.check("send message to"); err != nil {
			return err
		}
		wait, err := c.in.untilEnd()
		if err != nil {
			return c.fail("send message to", err)
		}
		if c.out.sendMessage(b) {
			c.sent.Add(uint64(len(b)))
			return nil
		}
		c.roomTimer.pause(wait, c.out.messageRoom, c.done)
	}
}

// RecvMessage implements transport.Conn.
func (c *Conn) RecvMessage(b []byte) ([]byte, error) {
	for {
		if err := c.check("receive message from"); err != nil {
			return nil, err
		}
		m, wait, err := c.in.recvMessage(b[:0])
		switch {
		case err != nil:
			return nil, c.fail("receive message from", err)
		case wait == 0:
			c.received.Add(uint64(len(m)))
			return m, nil
		}
		c.messageTimer.pause(wait, c.in.messageReady, c.done)
	}
}

// Info implements transport.Conn. RTT is how long a small packet sent now
// would take there and back, without jitter.
func (c *Conn) Info() transport.Info {
	return transport.Info{
		Binding:  c.binding,
		Remote:   c.remote,
		Path:     transport.PathMemory,
		RTT:      c.out.transit() + c.in.transit(),
		Sent:     c.sent.Load(),
		Received: c.received.Load(),
	}
}

// Close implements transport.Conn.
func (c *Conn) Close() error {
	c.once.Do(func() {
		close(c.done)
		c.in.abandon()
		c.out.finish()
		wake(c.in.messageRoom) // who waits there to send learns when the end arrives
	})
	return nil
}

// SetLink changes both directions for what is sent from now on. up is the way
// to the listener, at whichever end it is called.
func (c *Conn) SetLink(up, down Link) {
	c.up.setLink(up)
	c.down.setLink(down)
}

// Cut says of each direction whether nothing gets through from now on. In a
// cut datagrams are lost; messages, and the news that an end has closed, wait
// for the end of the cut. up is the way to the listener.
func (c *Conn) Cut(up, down bool) {
	c.up.setCut(up)
	c.down.setCut(down)
	// Who waits to send learns when the other's end arrives.
	wake(c.up.messageRoom)
	wake(c.down.messageRoom)
}

// check returns an error when this end is closed.
func (c *Conn) check(op string) error {
	select {
	case <-c.done:
		return c.fail(op, net.ErrClosed)
	default:
		return nil
	}
}

func (c *Conn) fail(op string, err error) error {
	return fmt.Errorf("%s %s: %w", op, c.remote, err)
}

// A timer is kept from one pause to the next.
type timer struct{ t *time.Timer }

// pause returns after wait, or when ready yields or done is closed.
func (t *timer) pause(wait time.Duration, ready, done <-chan struct{}) {
	var expired <-chan time.Time
	if wait != forever {
		if t.t == nil {
			t.t = time.NewTimer(wait)
		} else {
			t.t.Reset(wait)
		}
		defer t.t.Stop()
		expired = t.t.C
	}
	select {
	case <-ready:
	case <-done:
	case <-expired:
	}
}

var (
	_ transport.Conn     = (*Conn)(nil)
	_ transport.Listener = (*listener)(nil)
)
