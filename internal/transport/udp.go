package transport

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
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
	c.writeUDP(c.sealer.seal(p, kind, body, size), to)
}

// writeUDP sends a sealed packet.
func (c *conn) writeUDP(b []byte, to netip.AddrPort) {
	var err error
	if c.socket != nil {
		err = c.socket.send(b, to)
	} else {
		_, err = c.udp.Load().WriteToUDPAddrPort(b, to)
	}
	if err == nil {
		c.udpSent.Add(uint64(len(b)))
	}
}

// largest returns how many bytes a packet may have.
func (c *conn) largest() int {
	if n := c.most.Load(); n > 0 {
		return int(n)
	}
	return maxPacket
}

// hasUDP reports whether there is a socket to use UDP with.
func (c *conn) hasUDP() bool { return c.socket != nil || c.udp.Load() != nil }

// receiveUDP handles a packet for which packetID reported this connection. It
// overwrites b and never waits. What is not authentic gets no answer. t is that
// of the caller, if it has one.
func (c *conn) receiveUDP(b []byte, from netip.AddrPort, now time.Time, t *Turn) {
	a := arrival{from: from, size: len(b)}
	if !c.openUDP(b, &a, now, t) {
		return
	}
	c.udpReceived.Add(uint64(len(b)))
	c.mu.Lock()
	wake := c.path.received(&a, now)
	if wake {
		c.retargetLocked()
	}
	c.mu.Unlock()
	if wake {
		c.keeper.kick()
	}
}

// openUDP takes what is in a packet. It reports false if it is not authentic.
func (c *conn) openUDP(b []byte, a *arrival, now time.Time, t *Turn) bool {
	c.takeMu.Lock()
	defer c.takeMu.Unlock()
	frames, newest, ok := c.opener.open(b)
	if !ok {
		return false
	}
	a.newest = newest
	worth := false
	for len(frames) > 0 {
		kind, body, rest, ok := parseFrame(frames)
		if !ok {
			break
		}
		switch {
		case kind == frameReport:
			c.takeReport(body, now)
		case kind != frameDatagram:
			a.add(kind, body)
		case len(body) <= MaxDatagram:
			c.take(body, now, t)
			worth = true
		}
		frames = rest
	}
	c.arrived(packetCounter(b), len(b), worth, now, t)
	return true
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
			c.receiveUDP(buf[:n], from, time.Now(), nil)
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

// A mux shares the hub's UDP sockets among its connections. It lives until the
// listener and the last connection have released it.
type mux struct {
	sockets []socket      // on the same port; none without UDP
	done    chan struct{} // closed when all shards have ended
	refused atomic.Uint64 // packets that the system did not take
	control controlPacket // of all connections

	// Guarded by mu.
	mu    sync.RWMutex
	conns map[uint32]*conn // nil values are reserved
	users int
}

// newMux returns a mux with one user, the listener, whose shards gather no less
// than a step says. It takes the list over, which may be empty.
func newMux(list []*net.UDPConn, gather int) (*mux, error) {
	m := &mux{done: make(chan struct{}), conns: make(map[uint32]*conn), users: 1}
	for i, udp := range list {
		tuneUDP(udp, udpBufferHub)
		s, err := openSocket(udp)
		if err != nil {
			for _, u := range list[i+1:] {
				_ = u.Close()
			}
			for _, s := range m.sockets {
				s.close()
			}
			return nil, err
		}
		m.sockets = append(m.sockets, s)
	}
	var running sync.WaitGroup
	for _, s := range m.sockets {
		one := newShard(m, s, gather)
		one.gather.never = !canGather
		running.Go(one.loop)
	}
	go func() { // ends when the last user has released m, which wait waits for
		running.Wait()
		close(m.done)
	}()
	return m, nil
}

// first returns a socket, nil without UDP.
func (m *mux) first() socket {
	if len(m.sockets) == 0 {
		return nil
	}
	return m.sockets[0]
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

// drop ends one user; the last one closes the sockets.
func (m *mux) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users--
	if m.users == 0 {
		for _, s := range m.sockets {
			s.close()
		}
	}
}

// wait waits for the shards if the last user is gone.
func (m *mux) wait() {
	m.mu.RLock()
	last := m.users == 0
	m.mu.RUnlock()
	if last {
		<-m.done
	}
}
