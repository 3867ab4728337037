package transport

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/internal/rate"
)

// A conn is one end of a connection; both ends are alike but for path.
//
//	SendMessage  > outbox > TLS                                       [writeLoop]
//	SendDatagram > outbox > TLS, or sealed > UDP by the caller itself
//	TLS > record > inbox of messages > RecvMessage                    [readLoop]
//	             > inbox of datagrams > RecvDatagram
//	UDP > opener > frames > inbox of datagrams > RecvDatagram         [shard or udpLoop]
//	                      > Peer.Take at a hub that serves             [shard]
//	Peer.Give > sealed > UDP                                          [shard, or late]
//	          > outbox > TLS                                          [giveLoop]
//	reports of what comes: see pace.go
//	path > pings, probes, challenges > UDP; pings > outbox            [keeper]
//
// In brackets: the goroutine. Nothing that reads UDP ever waits. Only readLoop is
// always there: keeper and late are timers, and the others end when there is nothing to do
// and are started again, so that a member who says nothing costs little memory.
type conn struct {
	// Set before start.
	name    string // "hub host:port" or "member host:port", for errors
	remote  string
	binding [32]byte
	id      uint32
	timing  timing
	began   time.Time
	tcp     *countedConn
	tls     *tls.Conn
	socket  socket // of a hub; nil without UDP and at a member
	release func() // gives back what UDP needs; nil likewise
	udpWait func() // waits until it is given back; nil likewise

	in       *inbox // datagrams
	messages *inbox
	out      *outbox
	sealer   sealer
	done     chan struct{} // closed when the connection has ended
	keeper   *keeper
	write    func() // writeLoop
	wg       sync.WaitGroup
	tlsLoops sync.WaitGroup // readLoop and writeLoop

	closeOnce, endOnce sync.Once
	closeErr           error // set in closeOnce

	// Owned by the sender of datagrams.
	scratch *packet // nil until needed

	// Owned by keeper.
	control  *controlPacket // at a hub that of all connections
	outgoing []outgoing

	// Of a hub that serves a member who is limited, or whose packets are rare.
	late       *keeper // calls sendLate
	latePacket *packet // owned by sendLate; nil until needed

	// Owned by readLoop.
	records *recordReader

	// Owned by writeLoop until tlsLoops is done.
	flushed bool

	// Of a hub that serves.
	peer   atomic.Pointer[Peer] // set by Serve
	ready  chan struct{}        // holds a token when giveLoop has something to do; never closed
	giving atomic.Bool          // giveLoop runs; set under mu
	wanted atomic.Bool          // it is in a Turn
	giveMu sync.Mutex           // held while Peer.Give is called; taken after takeMu
	takeMu sync.Mutex           // held while Peer.Take is called

	// Guarded by takeMu.
	opener      opener
	arrivals    *rate.Receiver // nil until datagrams come
	reportSince time.Time      // when that was made which waits, or did
	reportRare  bool           // it was long after the one before

	// Guarded by giveMu.
	pace      *rate.Sender // nil until needed
	report    []byte       // of the packets that come, for the other end; in reportBuf
	reportBuf [rate.MaxReport]byte

	// Guarded by mu.
	mu      sync.Mutex
	path    path
	tlsPing pinger
	err     error // why the connection has ended

	// Updated by any goroutine.
	udp         atomic.Pointer[net.UDPConn]    // of a member; nil without UDP
	target      atomic.Pointer[netip.AddrPort] // where datagrams go; nil means over TLS
	most        atomic.Int32                   // bytes of a packet that goes there; 0 means maxPacket
	sentLarge   atomic.Bool                    // a large one has gone
	rerouted    atomic.Bool                    // target is another one since pace was used
	reportWaits atomic.Bool                    // report is to be sent
	ended       atomic.Bool                    // err is set
	stalled     atomic.Bool                    // readLoop waits for the receiver of messages
	heard       atomic.Int64                   // when TLS last showed life, in ns since began
	udpSent     atomic.Uint64                  // bytes
	udpReceived atomic.Uint64                  // bytes, of authentic packets
}

// A countedConn counts the bytes of a TCP connection.
type countedConn struct {
	*net.TCPConn
	sent, received atomic.Uint64
}

func (c *countedConn) Read(b []byte) (int, error) {
	n, err := c.TCPConn.Read(b)
	c.received.Add(uint64(n))
	return n, err
}

func (c *countedConn) Write(b []byte) (int, error) {
	n, err := c.TCPConn.Write(b)
	c.sent.Add(uint64(n))
	return n, err
}

// Which end of a connection this is.
const (
	atHub    = true
	atMember = false
)

// newConn returns a connection whose TLS handshake is done and which is not
// yet started. records reads tc and may have read ahead.
func newConn(
	tcp *countedConn, tc *tls.Conn, records *recordReader, id uint32, hub bool, t timing,
) (*conn, error) {
	c := &conn{
		remote: tcp.RemoteAddr().String(), id: id, timing: t, began: time.Now(),
		tcp: tcp, tls: tc, records: records,
		in: newInbox(false), messages: newInbox(true),
		done: make(chan struct{}), ready: make(chan struct{}, 1),
	}
	c.keeper, c.late = newKeeper(c.keep), newKeeper(c.sendLate)
	c.write = c.writeLoop
	c.out = newOutbox(func() { c.tlsLoops.Add(1); go c.write() })
	cs := tc.ConnectionState()
	var err error
	if c.binding, err = exportBinding(&cs); err != nil {
		return nil, err
	}
	toHub, toMember, err := exportKeys(&cs, id)
	if err != nil {
		return nil, err
	}
	c.sealer.id, c.sealer.aead, c.opener.aead = id, toHub, toMember
	c.name = "hub " + c.remote
	if hub {
		c.sealer.aead, c.opener.aead = toMember, toHub
		c.name = "member " + c.remote
	}
	c.path = path{timing: &c.timing, hub: hub, probeWait: t.probeFirst}
	return c, nil
}

// start starts what works for c until it ends.
func (c *conn) start() {
	c.tlsLoops.Go(c.readLoop)
	c.keeper.kick()
}

// SendDatagram implements Conn.
func (c *conn) SendDatagram(b []byte) error {
	if len(b) > MaxDatagram {
		return fmt.Errorf("send datagram to %s: %d bytes are more than %d", c.name, len(b), MaxDatagram)
	}
	for {
		if c.ended.Load() {
			return fmt.Errorf("send datagram to %s: %w", c.name, c.reason())
		}
		if to := c.target.Load(); to != nil {
			list := [1][]byte{b}
			c.sendPacket(list[:], *to)
			return nil
		}
		ok, err := c.out.putDatagram(b)
		if err != nil {
			return fmt.Errorf("send datagram to %s: %w", c.name, err)
		}
		if ok {
			return nil
		}
		// Datagrams began to go over UDP while this one waited.
	}
}

// RecvDatagram implements Conn.
func (c *conn) RecvDatagram(b []byte) (int, error) {
	got, err := c.in.take(b[:0])
	if err != nil {
		return 0, err
	}
	if len(got) > len(b) {
		return 0, io.ErrShortBuffer
	}
	return len(got), nil
}

// SendMessage implements Conn.
func (c *conn) SendMessage(b []byte) error {
	if len(b) > MaxMessage {
		return fmt.Errorf("send message to %s: %d bytes are more than %d", c.name, len(b), MaxMessage)
	}
	if err := c.out.putMessage(b); err != nil {
		return fmt.Errorf("send message to %s: %w", c.name, err)
	}
	return nil
}

// RecvMessage implements Conn.
func (c *conn) RecvMessage(b []byte) ([]byte, error) { return c.messages.take(b) }

// Info implements Conn.
func (c *conn) Info() Info {
	info := Info{
		Binding:  c.binding,
		Remote:   c.remote,
		Sent:     c.tcp.sent.Load() + c.udpSent.Load(),
		Received: c.tcp.received.Load() + c.udpReceived.Load(),
	}
	state := c.pathState(time.Now())
	info.Rate, info.Queue, info.Loss, info.Silent = state.Rate, state.Queue, state.Loss, state.Silent
	c.mu.Lock()
	defer c.mu.Unlock()
	info.RTT = c.tlsPing.rtt
	if c.path.active {
		info.Path, info.RTT = PathUDP, c.path.ping.rtt
	}
	return info
}

// Close implements Conn. It returns an error when the other end did not take
// everything in time.
func (c *conn) Close() error {
	c.closeOnce.Do(c.close)
	return c.closeErr
}

// close sends what waits and the end of the stream, and reads until the other
// end has closed as well: closing a socket with unread bytes would reset the
// connection and lose what was sent.
func (c *conn) close() {
	closed := fmt.Errorf("%s: %w", c.name, net.ErrClosed)
	c.mu.Lock()
	failed := c.err != nil
	c.err = closed
	c.mu.Unlock()
	c.ended.Store(true)
	c.in.shut(closed)
	c.messages.shut(closed)

	cut := time.AfterFunc(c.timing.close, func() { _ = c.tcp.Close() })
	c.out.finish(closed)
	c.tlsLoops.Wait()
	cut.Stop()
	c.endOnce.Do(c.end)
	c.keeper.stop()
	c.late.stop()
	c.wg.Wait()
	c.takeMu.Lock() // a shard may be there still
	c.peer.Store(nil)
	c.takeMu.Unlock()
	if c.udpWait != nil {
		c.udpWait()
	}
	if !failed && !c.flushed {
		c.closeErr = fmt.Errorf("close connection to %s: what was accepted is not all sent", c.name)
	}
}

// fail ends the connection with err unless it has ended before.
func (c *conn) fail(err error) {
	c.mu.Lock()
	if c.err == nil {
		c.err = err
	}
	c.mu.Unlock()
	c.ended.Store(true)
	c.endOnce.Do(c.end)
}

// end unblocks everyone. c.err is set.
func (c *conn) end() {
	err := c.reason()
	close(c.done)
	c.in.close(err)
	c.messages.close(err)
	c.out.close(err)
	_ = c.tcp.Close()
	if c.release != nil {
		c.release()
	} else if udp := c.udp.Load(); udp != nil {
		_ = udp.Close()
	}
}

// reason returns why the connection has ended.
func (c *conn) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// readLoop reads the TLS connection until it ends.
func (c *conn) readLoop() {
	for {
		kind, body, err := c.records.next()
		if err == nil {
			c.heard.Store(int64(time.Since(c.began)))
			err = c.receiveRecord(kind, body)
		}
		if err != nil {
			c.fail(fmt.Errorf("receive from %s: %w", c.name, err))
			return
		}
	}
}

// receiveRecord handles one record. It waits while the receiver of messages
// has fallen behind, and so does the other end then.
func (c *conn) receiveRecord(kind byte, body []byte) error {
	switch kind {
	case recordMessage:
		c.stalled.Store(true)
		c.messages.put(body)
		c.heard.Store(int64(time.Since(c.began)))
		c.stalled.Store(false)
		c.records.shrink() // messages are rare
	case recordDatagram:
		c.takeMu.Lock()
		c.take(body, time.Now(), nil)
		c.takeMu.Unlock()
	case recordPing:
		c.out.putPong(binary.BigEndian.Uint64(body))
	case recordPong:
		c.mu.Lock()
		c.tlsPing.pong(binary.BigEndian.Uint64(body), time.Now())
		c.mu.Unlock()
	default:
		return fmt.Errorf("%w: a second hello", errRecord)
	}
	return nil
}

// writeLoop writes what is in the outbox until that starts it again, or the
// connection ends.
func (c *conn) writeLoop() {
	defer c.tlsLoops.Done()
	var b []byte
	for {
		var last, ok bool
		if b, last, ok = c.out.take(b[:0]); last {
			break
		}
		if !ok {
			return
		}
		_ = c.tcp.SetWriteDeadline(time.Now().Add(c.timing.stall)) // fails only if closed, as Write then does
		if _, err := c.tls.Write(b); err != nil {
			c.fail(fmt.Errorf("send to %s: %w", c.name, err))
			return
		}
	}
	c.flushed = true
	_ = c.tls.CloseWrite() // the other end may be gone already
}

// keep sends what path and pings ask for, and returns when to do so again.
func (c *conn) keep() (next time.Time) {
	if c.ended.Load() {
		return time.Time{}
	}
	next, err := c.tick(time.Now())
	if err != nil {
		c.fail(err)
		return time.Time{}
	}
	return next
}

// tick sends what is due at time now and returns when to call it next at the
// latest. It fails when the other end has been silent for too long.
func (c *conn) tick(now time.Time) (next time.Time, err error) {
	var fell bool
	silent := c.pathState(now).Silent
	c.mu.Lock()
	c.outgoing = c.outgoing[:0]
	if c.hasUDP() {
		if c.path.silent = silent; c.tlsPing.rtt > 0 {
			c.path.around = c.tlsPing.rtt
		}
		if c.sentLarge.Load() && c.sentLarge.Swap(false) {
			c.path.size.large = true
		}
		c.outgoing, next, fell = c.path.tick(now, c.outgoing)
	}
	c.retargetLocked()
	at, err := c.pingTLSLocked(now)
	c.mu.Unlock()
	if err != nil {
		return next, err
	}
	if next.IsZero() || at.Before(next) {
		next = at
	}
	if fell && !c.path.hub {
		// A new port gets past a router that has forgotten or blocks the old
		// one. Without one the old must do.
		_ = c.rebind()
	}
	c.sendReport(now)
	if len(c.outgoing) > 0 {
		c.control.mu.Lock()
		defer c.control.mu.Unlock()
	}
	for _, o := range c.outgoing {
		c.sendUDP(&c.control.packet, o.kind, o.body[:bodySize(o.kind)], o.size, o.to)
	}
	return next, nil
}

// bodySize returns how many bytes of outgoing.body a frame has before padding.
func bodySize(kind byte) int {
	if kind == frameProbe {
		return 0
	}
	return 8
}

// pingTLSLocked pings over TLS if it is time to and returns when to look
// again: often while datagrams go there, else only to keep the connection.
func (c *conn) pingTLSLocked(now time.Time) (next time.Time, err error) {
	heard := c.began.Add(time.Duration(c.heard.Load()))
	if since := c.tlsPing.waiting(); !since.IsZero() && !c.stalled.Load() {
		since = later(since, heard)
		if silent := now.Sub(since); silent >= c.timing.dead {
			return next, fmt.Errorf("%s is silent for %v: %w",
				c.name, silent.Round(time.Millisecond), os.ErrDeadlineExceeded)
		}
	}
	due := func() time.Time {
		if c.path.active {
			return later(c.tlsPing.due(c.timing.idle, c.timing.ping), heard.Add(c.timing.idle))
		}
		return c.tlsPing.due(c.timing.ping, c.timing.ping)
	}
	if !now.Before(due()) {
		c.out.putPing(c.tlsPing.next(now))
	}
	return later(due(), now.Add(time.Millisecond)), nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// retargetLocked makes the senders of datagrams follow path.
func (c *conn) retargetLocked() {
	c.most.Store(int32(c.path.size.most)) // of at most maxPacket
	target := c.target.Load()
	switch {
	case !c.path.active && target != nil:
		c.target.Store(nil)
		c.rerouted.Store(true)
		c.out.setBypass(false)
	case c.path.active && (target == nil || *target != c.path.addr):
		addr := c.path.addr
		c.target.Store(&addr)
		c.rerouted.Store(true)
		c.out.setBypass(true)
		if c.giving.Load() {
			select {
			case c.ready <- struct{}{}: // it may end
			default:
			}
		}
	}
}
