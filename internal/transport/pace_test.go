package transport

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/rate"
)

// come has a packet with these frames come from a member, in order.
func (w *ward) come(member int, frames ...func(b []byte) []byte) {
	b := w.packet.buf[packetHead:packetHead]
	for _, f := range frames {
		b = f(b)
	}
	sealed := w.sealers[member].sealFrames(&w.packet, len(b))
	m := &w.shard.in[0]
	m.n, m.addr = copy(m.b, sealed), w.wire.from
	w.shard.work(1)
}

func frame(kind byte, body []byte) func(b []byte) []byte {
	return func(b []byte) []byte { return appendFrame(b, kind, body, 0) }
}

// A sent is a frame that a member was sent.
type sentFrame struct {
	kind    byte
	body    string
	counter uint64 // of its packet
	size    int    // likewise
}

// sent returns the frames that a member was sent since the last time.
func (w *ward) sent(t *testing.T, member int) (frames []sentFrame) {
	t.Helper()
	w.wire.mu.Lock()
	kept := w.wire.kept
	w.wire.kept = nil
	w.wire.mu.Unlock()
	for _, m := range kept {
		if id, ok := packetID(m.b); !ok || int(id) != member+1 {
			continue
		}
		counter, size := packetCounter(m.b), len(m.b)
		rest, _, ok := w.openers[member].open(m.b)
		if !ok {
			t.Fatal("a packet that cannot be opened")
		}
		for len(rest) > 0 {
			kind, body, after, ok := parseFrame(rest)
			if !ok {
				t.Fatalf("frames end with %x", rest)
			}
			frames = append(frames, sentFrame{kind, string(body), counter, size})
			rest = after
		}
	}
	return frames
}

// TestReports checks when a hub reports, and in which packets.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, 2)
		defer w.shard.timer.Stop()
		w.wire.keep = true
		w.peers[1].others = w.peers[:1]
		large := make([]byte, 900)
		report := func(want uint16) {
			t.Helper()
			got := w.sent(t, 0)
			if len(got) == 0 || got[0].kind != frameReport {
				t.Fatalf("the member was sent %+v, want a report first", got)
			}
			r, err := rate.Parse([]byte(got[0].body))
			if err != nil || r.Packets != want {
				t.Errorf("report %+v, %v, want one of %d packets", r, err, want)
			}
		}
		nothing := func(when string) {
			t.Helper()
			if got := w.sent(t, 0); len(got) != 0 {
				t.Errorf("%s the member was sent %+v, want nothing", when, got)
			}
		}
		w.come(0, frame(frameDatagram, large))
		report(1)
		for range 2 {
			time.Sleep(20 * time.Millisecond)
			w.come(0, frame(frameDatagram, large))
			nothing("soon again")
		}
		time.Sleep(20 * time.Millisecond)
		w.come(0, frame(frameDatagram, large), frame(frameDatagram, []byte("x")))
		report(4)
		time.Sleep(time.Second)
		w.come(0, frame(frameReport, (&rate.Report{}).Append(nil)))
		nothing("after a report alone")
		w.come(0, frame(framePing, make([]byte, 8)))
		nothing("after a ping")
		w.come(0, frame(frameReport, nil), frame(99, large), frame(frameDatagram, []byte("x")))
		nothing("after the first packet for long")
		time.Sleep(rareWait - time.Millisecond)
		nothing("before it is certain that nothing else goes")
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		report(7)
		// With something to give it rides in front.
		time.Sleep(time.Second)
		w.come(0, frame(frameDatagram, []byte("x")))
		nothing("after a packet that is rare")
		time.Sleep(rareWait / 2)
		w.come(1, frame(frameDatagram, []byte("for the member")))
		got := w.sent(t, 0)
		if len(got) != 2 || got[0].kind != frameReport || got[1].body != "for the member" || got[0].counter != got[1].counter {
			t.Errorf("the member was sent %+v, want a report and a datagram in one packet", got)
		}
		// Where that leaves no room for a datagram, alone in front of it.
		time.Sleep(time.Second)
		w.come(0, frame(frameDatagram, []byte("x")))
		w.come(1, frame(frameDatagram, make([]byte, MaxDatagram)))
		got = w.sent(t, 0)
		if len(got) != 2 || got[0].kind != frameReport || len(got[1].body) != MaxDatagram || got[0].counter == got[1].counter {
			t.Errorf("the member was sent %d frames, want a report and a datagram in two packets", len(got))
		}
	})
}

// TestAllow has a member report that packets take longer and longer.
func TestAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, 2)
		defer w.shard.timer.Stop()
		w.wire.keep = true
		c := w.shard.mux.conns[2]
		c.tcp, c.out = new(countedConn), newOutbox(func() {})
		body := make([]byte, 900)
		allow := func(want rate.Want) bool {
			c.giveMu.Lock()
			defer c.giveMu.Unlock()
			return c.Allow(900, want, time.Now())
		}
		var r rate.Receiver
		late := time.Duration(0)
		step := func(wait, more time.Duration) {
			w.peers[1].put(body)
			w.come(0, frame(frameDatagram, []byte("x"))) // wakes the other
			for _, f := range w.sent(t, 1) {
				late += more
				at := time.Now().Add(late)
				r.Arrive(f.counter, f.size, true, at)
				if r.Due(at) {
					rep := r.Report(at)
					w.come(1, frame(frameReport, rep.Append(nil)))
				}
			}
			time.Sleep(wait)
		}
		for range 100 {
			step(10*time.Millisecond, 0)
		}
		if info := c.Info(); info.Rate != 0 || info.Queue > time.Millisecond || info.Loss != 0 || info.Silent || !allow(rate.Next) {
			t.Errorf("%+v on a good path", info)
		}
		for range 100 {
			step(10*time.Millisecond, 2*time.Millisecond)
		}
		info := c.Info()
		if info.Rate == 0 || info.Queue < 100*time.Millisecond || info.Loss != 0 || info.Silent {
			t.Errorf("%+v on a path that is too slow", info)
		}
		if allow(rate.Next) || allow(rate.Left) || !allow(rate.Urgent) {
			t.Error("on a path that is too slow not just what is urgent may go")
		}
		for range 150 {
			w.peers[1].put(body)
			w.come(0, frame(frameDatagram, []byte("x")))
			time.Sleep(10 * time.Millisecond)
		}
		if !c.Info().Silent {
			t.Error("1.5 s without reports are no silence")
		}

		// Another address is another path, and none is one without limits.
		c.mu.Lock()
		c.path.addr = netip.MustParseAddrPort("192.0.2.2:2")
		c.retargetLocked()
		c.mu.Unlock()
		if info := c.Info(); info.Rate != 0 || info.Silent || !allow(rate.Next) {
			t.Errorf("%+v on another path", info)
		}
		c.mu.Lock()
		c.path.active = false
		c.retargetLocked()
		c.mu.Unlock()
		if info := c.Info(); info.Rate != 0 || !allow(rate.Next) || allow(rate.Left) {
			t.Errorf("%+v over TLS", info)
		}
	})
}

// TestGatherForLimited checks that a member with a limit gets fewer, fuller packets.
func TestGatherForLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWard(t, 2)
		defer w.shard.timer.Stop()
		w.wire.keep = true
		c := w.shard.mux.conns[2]
		send := func() (packets int) {
			for range 20 {
				w.come(0, frame(frameDatagram, make([]byte, 100)))
				time.Sleep(time.Millisecond)
			}
			time.Sleep(gatherLimited)
			seen := make(map[uint64]bool)
			frames := w.sent(t, 1)
			for _, f := range frames {
				seen[f.counter] = true
			}
			if len(frames) != 20 {
				t.Errorf("%d datagrams, want 20", len(frames))
			}
			return len(seen)
		}
		if n := send(); n != 20 {
			t.Errorf("without a limit 20 datagrams are %d packets, want 20", n)
		}
		// A report that packets take a second more, and another one.
		for i := range 3 {
			w.come(0, frame(frameDatagram, make([]byte, 100)))
			r := rate.Report{Newest: uint32(c.sealer.counter.Load()), Packets: uint16(20 + i), Time: uint32(i) * 10_000}
			w.come(1, frame(frameReport, r.Append(nil)))
			time.Sleep(200 * time.Millisecond)
			w.sent(t, 1)
		}
		if n := send(); n < 3 || n > 5 {
			t.Errorf("with a limit 20 datagrams in 20 ms are %d packets, want 4", n)
		}
	})
}

// TestReportsOverNetwork has a hub and a member send each other datagrams through a
// proxy that loses some.
func TestReportsOverNetwork(t *testing.T) {
	l := listen(t, ListenConfig{})
	p := newProxy(t, l.Addr())
	hub, member := connect(t, l, DialConfig{Addr: p.addr})
	onUDP(t, hub, member)
	body := make([]byte, 900)
	n := 0
	until(t, "both know of the loss", func() bool {
		n++
		p.blocked.Store(n%8 == 0)
		for _, c := range []*conn{hub, member} {
			if err := c.SendDatagram(body); err != nil {
				t.Fatal(err)
			}
		}
		return hub.Info().Loss > 0 && member.Info().Loss > 0
	})
}

// TestReportAlone has a member only receive: it reports nevertheless.
func TestReportAlone(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub, member := connect(t, l, DialConfig{})
	onUDP(t, hub, member)
	body := make([]byte, 900)
	until(t, "the hub has a report", func() bool {
		if err := hub.SendDatagram(body); err != nil {
			t.Fatal(err)
		}
		hub.takeMu.Lock()
		defer hub.takeMu.Unlock()
		return hub.arrivals == nil && member.udpSent.Load() > 0 && hub.heardReport()
	})
}

// heardReport reports whether a report has come. Silence is only known after one.
func (c *conn) heardReport() bool {
	c.giveMu.Lock()
	defer c.giveMu.Unlock()
	if c.pace == nil {
		return false
	}
	s := *c.pace
	now := time.Now()
	counter := c.sealer.counter.Load() + 1
	s.Sent(counter, 1, true, now)
	s.Sent(counter+1, 1, true, now.Add(time.Second))
	return s.State(now.Add(2 * time.Second)).Silent
}

func TestReportFrameAllocatesNothing(t *testing.T) {
	w := newWard(t, 2)
	c := w.shard.mux.conns[1]
	now := time.Now()
	counter := uint64(0)
	turn := &w.shard.turn
	n := testing.AllocsPerRun(1000, func() {
		now = now.Add(10 * time.Millisecond)
		counter++
		c.takeMu.Lock()
		c.arrived(counter, 1000, true, now, turn)
		c.takeMu.Unlock()
		w.shard.give(now)
	})
	if n != 0 || w.wire.sent < 100 {
		t.Errorf("a packet that is reported allocates %v times, %d reports", n, w.wire.sent)
	}
}
