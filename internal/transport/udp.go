package transport

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Reading UDP may fail without end. Some systems also report, once each, the
// packets that nobody listened to; those must not hold up the others.
const (
	readErrors = 100                   // in a row that are passed over
	readPause  = 10 * time.Millisecond // after each one more
)

// sendUDP sends a packet with one frame. p is owned by the calling goroutine.
// A packet that the network refuses is lost like any other; pings notice.
func (c *conn) sendUDP(p *packet, kind byte, body []byte, size int, to netip.AddrPort) {
	b := c.sealer.seal(p, kind, body, size)
	if _, err := c.udp.Load().WriteToUDPAddrPort(b, to); err == nil {
		c.udpSent.Add(uint64(len(b)))
	}
}

// receiveUDP handles a packet for which packetID reported this connection. It
// overwrites b and never waits. What is not authentic gets no answer.
func (c *conn) receiveUDP(b []byte, from netip.AddrPort, now time.Time) {
	frames, newest, ok := c.opener.open(b)
	if !ok {
		return
	}
	c.udpReceived.Add(uint64(len(b)))
	a := arrival{from: from, size: len(b), newest: newest}
	for len(frames) > 0 {
		kind, body, rest, ok := parseFrame(frames)
		if !ok {
			break
		}
		if kind != frameDatagram {
			a.add(kind, body)
		} else if len(body) <= MaxDatagram {
			c.in.putOrDrop(body)
		}
		frames = rest
	}
	c.mu.Lock()
	wake := c.path.received(&a, now)
	if wake {
		c.retargetLocked()
	}
	c.mu.Unlock()
	if wake {
		select {
		case c.kick <- struct{}{}:
		default:
		}
	}
}

// rebind gives a member's connection a new UDP socket, and so a new port. The
// socket is not connected: it may follow the machine from network to network,
// and packets are known by their seal.
func (c *conn) rebind() error {
	network := "udp6"
	if c.path.addr.Addr().Is4() {
		network = "udp4"
	}
	udp, err := net.ListenUDP(network, nil)
	if err != nil {
		return fmt.Errorf("open a UDP socket to %s: %w", c.name, err)
	}
	tuneUDP(udp, udpBufferMember)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		_ = udp.Close()
		return c.err
	}
	if old := c.udp.Swap(udp); old != nil {
		_ = old.Close()
	}
	return nil
}

// udpLoop reads a member's UDP socket, and the next one after a rebind, until
// the connection ends.
func (c *conn) udpLoop() {
	var buf [maxPacket + 1]byte
	errs := 0
	for {
		n, from, err := c.udp.Load().ReadFromUDPAddrPort(buf[:])
		if err != nil {
			errs++
			if !pause(c.done, errs) {
				return
			}
			continue
		}
		errs = 0
		if id, ok := packetID(buf[:n]); ok && id == c.id {
			c.receiveUDP(buf[:n], from, time.Now())
		}
	}
}

// pause waits a moment after too many errors in a row. It reports false when
// done is closed.
func pause(done <-chan struct{}, errs int) bool {
	wait := readPause
	if errs <= readErrors {
		wait = 0
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
		return false
	case <-timer.C:
		return true
	}
}

// A mux shares the hub's UDP socket among its connections. It lives until the
// listener and the last connection have released it.
type mux struct {
	udp  *net.UDPConn  // nil without UDP
	done chan struct{} // closed when loop has ended

	// Guarded by mu.
	mu    sync.RWMutex
	conns map[uint32]*conn // nil values are reserved
	users int
}

// newMux returns a mux with one user, the listener. udp may be nil.
func newMux(udp *net.UDPConn) *mux {
	m := &mux{udp: udp, done: make(chan struct{}), conns: make(map[uint32]*conn), users: 1}
	if udp == nil {
		close(m.done)
		return m
	}
	tuneUDP(udp, udpBufferHub)
	go m.loop() // ends when the last user has released m, which wait waits for
	return m
}

// reserve returns a connection id that nobody else has, at random so that a
// scanner does not meet one. Its user ends with release.
func (m *mux) reserve() uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		var b [4]byte
		rand.Read(b[:])
		id := binary.BigEndian.Uint32(b[:])
		if _, taken := m.conns[id]; !taken {
			m.conns[id] = nil
			m.users++
			return id
		}
	}
}

// add lets c receive the packets with its id, which it has reserved.
func (m *mux) add(c *conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conns[c.id] = c
}

// remove takes back an id and its user.
func (m *mux) remove(id uint32) {
	m.mu.Lock()
	delete(m.conns, id)
	m.mu.Unlock()
	m.drop()
}

// drop ends one user; the last one closes the socket.
func (m *mux) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users--
	if m.users == 0 && m.udp != nil {
		_ = m.udp.Close()
	}
}

// wait waits for loop if the last user is gone.
func (m *mux) wait() {
	m.mu.RLock()
	last := m.users == 0
	m.mu.RUnlock()
	if last {
		<-m.done
	}
}

// loop hands the packets that arrive to their connections. Nothing in it waits
// for anybody. A packet with an unknown id gets no answer.
func (m *mux) loop() {
	defer close(m.done)
	var buf [maxPacket + 1]byte
	errs := 0
	for {
		n, from, err := m.udp.ReadFromUDPAddrPort(buf[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			errs++
			pause(nil, errs)
			continue
		}
		errs = 0
		id, ok := packetID(buf[:n])
		if !ok {
			continue
		}
		m.mu.RLock()
		c := m.conns[id]
		m.mu.RUnlock()
		if c != nil {
			c.receiveUDP(buf[:n], from, time.Now())
		}
	}
}
