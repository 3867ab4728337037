package transport

import (
	"time"

	"github.com/sanix-darker/s2c/internal/rate"
)

// A Peer is whom the hub's end of a connection works for. Its methods are
// called by goroutines of this package and must not wait; no two calls of one
// method happen at the same time.
type Peer interface {
	// Take takes a datagram that has come at about time now. b is valid until it
	// returns. t is what the caller sends afterwards, for Wake.
	Take(b []byte, now time.Time, t *Turn)

	// Give stores the next datagram that is to be sent in b and returns its
	// size; 0 if there is none, or none that fits. more reports whether there is
	// one that does not: it is given next.
	Give(b []byte, now time.Time) (n int, more bool)
}

// A Direct is a Conn at a hub that moves datagrams without goroutines of its
// user, many at once.
type Direct interface {
	Conn

	// Serve hands the datagrams that come to p from now on, instead of
	// RecvDatagram, until Close returns. Nobody may call SendDatagram any more. It
	// is called once.
	Serve(p Peer)

	// Wake has what p can give sent: at the end of t if that is not nil and UDP is
	// in use, else soon.
	Wake(t *Turn)

	// Allow reports whether p may give a datagram of n bytes that is so much wanted
	// without more waiting on the path than should; p then has to give it. Over TLS
	// it may. Only Peer.Give may call it, for datagrams of whatever want that the
	// path may be too slow for; the others need not be asked for.
	Allow(n int, w rate.Want, now time.Time) bool
}

// A Turn is what one goroutine has received at once, and whom it sends to
// afterwards. Only this package makes them.
type Turn struct {
	conns []*conn // each once, as long as its wanted is set
}

var _ Direct = (*conn)(nil)

// Serve implements Direct.
func (c *conn) Serve(p Peer) {
	c.takeMu.Lock()
	defer c.takeMu.Unlock()
	c.peer.Store(&p)
	var b [MaxDatagram]byte
	for {
		got, ok := c.in.poll(b[:0])
		if !ok {
			break
		}
		p.Take(got, time.Now(), nil)
	}
}

// take hands a datagram to the peer, or to who will call RecvDatagram. takeMu is
// held.
func (c *conn) take(b []byte, now time.Time, t *Turn) {
	if p := c.peer.Load(); p != nil {
		(*p).Take(b, now, t)
		return
	}
	c.in.putOrDrop(b)
}

// Wake implements Direct.
func (c *conn) Wake(t *Turn) {
	if t != nil && c.target.Load() != nil {
		if !c.wanted.Swap(true) {
			t.conns = append(t.conns, c)
		}
		return
	}
	select {
	case c.ready <- struct{}{}:
	default:
	}
	if !c.giving.Load() {
		c.startGiving()
	}
}

// startGiving starts giveLoop unless it runs or the connection has ended.
func (c *conn) startGiving() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && !c.giving.Swap(true) {
		c.wg.Go(c.giveLoop)
	}
}

// giveLoop sends what the peer gives and no shard sends: all of it over TLS, where
// it may wait, and over UDP what did not come from there. It ends when nothing is
// left and UDP is in use.
func (c *conn) giveLoop() {
	var b [MaxDatagram]byte
	for {
		select {
		case <-c.done:
			return
		case <-c.ready:
		}
		peer := c.peer.Load()
		for peer != nil { // else Serve's caller wakes it again
			c.giveMu.Lock()
			n, _ := (*peer).Give(b[:], time.Now())
			c.giveMu.Unlock()
			if n == 0 {
				break
			}
			if c.SendDatagram(b[:n]) != nil {
				return
			}
		}
		if c.target.Load() == nil {
			continue
		}
		c.giving.Store(false)
		if len(c.ready) == 0 || !c.giving.CompareAndSwap(false, true) {
			return // who puts a token from here on starts another
		}
	}
}

// pack stores a packet in p with a report if one waits and as many datagrams as the
// peer gives and fit. It returns nil when there is nothing. giveMu is held.
func (c *conn) pack(p *packet, peer Peer, now time.Time) []byte {
	end := c.largest() - tagSize
	start := c.putReportLocked(p, packetHead, 0)
	at := start
	for at+frameHead < end {
		room := p.buf[at+frameHead : min(end, at+frameHead+MaxDatagram)]
		if at == start { // one that the path does not take is taken all the same
			room = p.buf[at+frameHead : min(maxPacket-tagSize, at+frameHead+MaxDatagram)]
		}
		n, more := peer.Give(room, now)
		if n == 0 {
			if more && at == packetHead {
				panic("transport: internal error: a datagram larger than a packet")
			}
			break
		}
		if at+frameHead+n > end {
			c.out.putLarge(room[:n])
			continue
		}
		putFrameHead(p.buf[at:], frameDatagram, n)
		at += frameHead + n
	}
	if at == packetHead {
		return nil
	}
	return c.sealLocked(p, at, at > start, now)
}
