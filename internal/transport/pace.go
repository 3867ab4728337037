package transport

import (
	"net/netip"
	"time"

	"github.com/sanix-darker/s2c/internal/rate"
)

// Each end tells the other how its packets come, and both send no more than the
// path takes:
//
//	packets > arrived > a report, every 50 ms while datagrams come            [shard or udpLoop]
//	report  > in front of the next packet with datagrams                      [shard or sender]
//	        > or alone when none went meanwhile                               [shard or keeper]
//	its packet at the other end > takeReport > Allow and Info                 [shard or udpLoop]
//
// A packet with nothing but a report is not reported.

// reportWait is how long a report waits at a member for a packet to go with. Where
// they are as rare as where few packets come it is worth it to wait for longer, at
// both ends: by itself a report takes three times as many bytes.
const (
	reportWait = 20 * time.Millisecond
	rareReport = 300 * time.Millisecond // after the one before
	rareWait   = 90 * time.Millisecond
)

// arrived takes note of an authentic packet of so many bytes. worth says that there
// were datagrams in it. takeMu is held.
func (c *conn) arrived(counter uint64, size int, worth bool, now time.Time, t *Turn) {
	if c.arrivals == nil {
		if !worth {
			return
		}
		c.arrivals = new(rate.Receiver)
	}
	c.arrivals.Arrive(counter, size, worth, now)
	if c.arrivals.Due(now) {
		r := c.arrivals.Report(now)
		c.giveMu.Lock()
		c.report = r.Append(c.reportBuf[:0])
		c.giveMu.Unlock()
		if !c.reportWaits.Swap(true) {
			c.reportRare = !c.reportSince.IsZero() && now.Sub(c.reportSince) >= rareReport
			c.reportSince = now
		}
	}
	waits, most := now.Sub(c.reportSince), reportWait
	if c.reportRare {
		most = rareWait
	}
	serves := t != nil && c.peer.Load() != nil
	switch {
	case !c.reportWaits.Load():
	case serves && c.reportRare && waits == 0:
		c.late.soon(rareWait)
	case serves && !c.reportRare:
		c.Wake(t)
	case !serves && waits >= most:
		c.keeper.kick()
	}
}

// takeReport takes the other end's report.
func (c *conn) takeReport(b []byte, now time.Time) {
	r, err := rate.Parse(b)
	if err != nil {
		return
	}
	c.giveMu.Lock()
	defer c.giveMu.Unlock()
	c.paceLocked().Take(r, now)
}

// paceLocked returns what knows how much the path takes. giveMu is held.
func (c *conn) paceLocked() *rate.Sender {
	if c.pace == nil {
		c.pace = new(rate.Sender)
	}
	if c.rerouted.Load() && c.rerouted.Swap(false) {
		c.pace.Restart()
	}
	return c.pace
}

// Allow implements Direct.
func (c *conn) Allow(n int, w rate.Want, now time.Time) bool {
	if c.target.Load() == nil {
		return w != rate.Left
	}
	return c.paceLocked().Allow(frameHead+n, w, now)
}

// limitedLocked reports whether the path is found to take no more than so much.
// giveMu is held.
func (c *conn) limitedLocked() bool { return c.pace != nil && c.pace.Limited() }

// sendLate sends what the peer of a limited connection gives.
func (c *conn) sendLate() (next time.Time) {
	if c.latePacket == nil {
		c.latePacket = new(packet)
	}
	for {
		peer, to := c.peer.Load(), c.target.Load()
		if peer == nil || c.ended.Load() {
			return next
		}
		if to == nil {
			c.Wake(nil) // it has just fallen back
			return next
		}
		c.giveMu.Lock()
		b := c.pack(c.latePacket, *peer, time.Now())
		c.giveMu.Unlock()
		if b == nil {
			return next
		}
		c.writeUDP(b, *to)
	}
}

// pathState returns what is known of the path over UDP.
func (c *conn) pathState(now time.Time) rate.State {
	c.giveMu.Lock()
	defer c.giveMu.Unlock()
	if c.pace == nil || c.target.Load() == nil {
		return rate.State{}
	}
	return c.paceLocked().State(now)
}

// putReportLocked stores the frame of a report that waits at p.buf[at:] and returns
// where it ends. It leaves so many bytes of the packet. giveMu is held.
func (c *conn) putReportLocked(p *packet, at, leave int) (end int) {
	if !c.reportWaits.Load() || at+frameHead+len(c.report)+leave > c.largest()-tagSize {
		return at
	}
	c.reportWaits.Store(false)
	putFrameHead(p.buf[at:], frameReport, len(c.report))
	return at + frameHead + copy(p.buf[at+frameHead:], c.report)
}

// sealLocked seals the frames in p up to an end. worth says that there are datagrams
// among them. giveMu is held.
func (c *conn) sealLocked(p *packet, end int, worth bool, now time.Time) []byte {
	b := c.sealer.sealFrames(p, end-packetHead)
	c.paceLocked().Sent(packetCounter(b), len(b), worth, now)
	if len(b) > leastPacket && !c.sentLarge.Load() {
		c.sentLarge.Store(true)
	}
	return b
}

// sendPacket sends as many datagrams of a list as go into one packet, at least the
// first, and returns how many. Only the sender of datagrams calls it.
func (c *conn) sendPacket(list [][]byte, to netip.AddrPort) (n int) {
	c.giveMu.Lock()
	if c.scratch == nil {
		c.scratch = new(packet)
	}
	p := c.scratch
	end := c.largest() - tagSize
	if packetHead+frameHead+len(list[0]) > end {
		c.giveMu.Unlock()
		c.out.putLarge(list[0])
		return 1
	}
	at := c.putReportLocked(p, packetHead, frameHead+len(list[0]))
	for n < len(list) && len(list[n]) <= MaxDatagram && at+frameHead+len(list[n]) <= end {
		putFrameHead(p.buf[at:], frameDatagram, len(list[n]))
		at += frameHead + copy(p.buf[at+frameHead:], list[n])
		n++
	}
	b := c.sealLocked(p, at, true, time.Now())
	c.giveMu.Unlock() // before writing, for which those who receive need not wait
	c.writeUDP(b, to)
	return n
}

// sendReport sends a report that waits by itself.
func (c *conn) sendReport(now time.Time) {
	to := c.target.Load()
	if to == nil || !c.reportWaits.Load() {
		return
	}
	c.control.mu.Lock()
	defer c.control.mu.Unlock()
	c.giveMu.Lock()
	at := c.putReportLocked(&c.control.packet, packetHead, 0)
	if at == packetHead {
		c.giveMu.Unlock()
		return // it has gone meanwhile
	}
	b := c.sealLocked(&c.control.packet, at, false, now)
	c.giveMu.Unlock()
	c.writeUDP(b, *to)
}
