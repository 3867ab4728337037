package hub

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A stuckConn is the hub's end of a TLS path whose other end takes nothing
// until it is freed.
type stuckConn struct {
	transport.Conn
	closed, freed chan struct{}
	once          sync.Once
}

func newStuckConn(c transport.Conn) *stuckConn {
	return &stuckConn{Conn: c, closed: make(chan struct{}), freed: make(chan struct{})}
}

func (c *stuckConn) SendDatagram(b []byte) error {
	select {
	case <-c.freed:
		return c.Conn.SendDatagram(b)
	case <-c.closed:
		return net.ErrClosed
	}
}

func (c *stuckConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// TestSlowMember has a member that takes no packet for ten seconds: it delays
// nobody, in its session or another, its queue stays bounded, and when it
// wakes it gets what is still of use, voice first.
func TestSlowMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stuck *stuckConn
		accepted := 0
		r := newRig(t, Config{}, func(c transport.Conn) transport.Conn {
			if accepted++; accepted > 1 {
				return c
			}
			stuck = newStuckConn(c)
			return stuck
		})
		link := simnet.Link{Delay: 40 * time.Millisecond}
		slow := r.join("one", simnet.Link{})
		time.Sleep(time.Second)
		talker, listener := r.join("one", link), r.join("one", link)
		talker2, listener2 := r.join("two", link), r.join("two", link)
		time.Sleep(time.Second)
		talker.say(wire.KindVideo, "stuck")
		time.Sleep(time.Second)
		listener.wantPackets("the listener", "stuck")

		const ticks = 500 // of 20 ms
		for i := range ticks {
			for _, c := range []*client{talker, talker2} {
				c.say(wire.KindVideo, fmt.Sprintf("p%d.0", i))
				c.say(wire.KindVideo, fmt.Sprintf("p%d.1", i))
				c.say(wire.KindVoice, fmt.Sprintf("v%d", i))
			}
			time.Sleep(20 * time.Millisecond)
		}
		for _, c := range []*client{listener, listener2} {
			got := c.heard()
			for _, p := range got {
				if p.took != 2*link.Delay {
					t.Fatalf("packet %s took %v, want %v", p.body, p.took, 2*link.Delay)
				}
			}
			// The last two ticks are still on their way.
			if want := 3 * (ticks - 3); len(got) < want {
				t.Errorf("%d packets arrived, want at least %d", len(got), want)
			}
		}

		time.Sleep(time.Second) // what waits now is of no use to anybody
		talker.say(wire.KindVideo, "late video")
		time.Sleep(250 * time.Millisecond)
		talker.say(wire.KindVideo, "video 1")
		talker.say(wire.KindVoice, "voice 1")
		talker.say(wire.KindVideo, "video 2")
		talker.say(wire.KindControl, "control")
		talker.say(wire.KindVoice, "voice 2")
		time.Sleep(100 * time.Millisecond)
		close(stuck.freed)
		got := slow.heard()
		// The packet that was being sent when the path stuck comes first.
		want := []string{"stuck", "control", "voice 1", "voice 2", "video 1", "video 2"}
		for i, p := range got {
			if i >= len(want) || p.body != want[i] {
				t.Errorf("packet %d after waking is %q, want %q", i, p.body, want)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d packets after waking, want %d", len(got), len(want))
		}
		r.wantDrops(map[string]uint64{
			"video_full":  uint64(2*ticks + 3 - limits[queue.Video].Len),
			"voice_full":  uint64(ticks + 2 - limits[queue.Voice].Len),
			"video_stale": uint64(limits[queue.Video].Len - 2),
			"voice_stale": uint64(limits[queue.Voice].Len - 2),
		})
		r.stop()
		for _, c := range []*client{slow, talker, listener, talker2, listener2} {
			c.close()
		}
	})
}

// TestSlowMemberEnds checks that one who is stuck for ever holds nothing up
// when it leaves or when the hub ends.
func TestSlowMemberEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, func(c transport.Conn) transport.Conn { return newStuckConn(c) })
		a, b := r.joinNow("one"), r.joinNow("one")
		for range 10 {
			a.say(wire.KindVoice, "v")
			b.say(wire.KindVoice, "v")
		}
		synctest.Wait()
		start := time.Now()
		a.send(wire.Leave{})
		b.wantEvents("b", "joined 1 of 2", "peer 0", "gone 0")
		if d := time.Since(start); d != 0 {
			t.Errorf("b heard of it after %v", d)
		}
		time.Sleep(2 * time.Second)
		if n := r.conns(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
		r.stop()
		a.close()
		b.close()
	})
}

// TestMemberDoesNotRead has a member that reads no messages. It is
// disconnected with the reason, and the others notice nothing else.
func TestMemberDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{PerSession: 4}, nil)
		deaf := r.dial(simnet.Link{})
		deaf.sendJoin("one")
		synctest.Wait()
		a, b := r.joinNow("one"), r.joinNow("one")
		a.wantEvents("a", "joined 1 of 2", "peer 0", "peer 2")
		var worst time.Duration
		sent := 0
		for r.hub.Stats().Members == 3 && sent < 1000 {
			start := time.Now()
			a.tell(deaf.hash, "read me")
			a.tell(b.hash, "m")
			synctest.Wait()
			worst = max(worst, time.Since(start))
			sent++
			time.Sleep(20 * time.Millisecond) // within the rate of a
		}
		// What the connection itself takes comes on top.
		if least, most := outLen, outLen+4*peerWeight+70; sent < least || sent > most {
			t.Errorf("disconnected after %d messages, want %d to %d", sent, least, most)
		}
		if worst != 0 {
			t.Errorf("a waited for %v", worst)
		}
		a.wantEvents("a", "gone 0")
		time.Sleep(3 * time.Second)
		b.mu.Lock()
		if n := len(b.events); n != 2+1+1+sent { // joined, two peers, one gone
			t.Errorf("b heard %d messages, want %d", n, 2+1+1+sent)
		}
		b.mu.Unlock()
		if n := r.conns(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		r.stop()
		for _, c := range []*client{deaf, a, b} {
			c.close()
		}
	})
	// One who reads again in time learns why.
	synctest.Test(t, func(t *testing.T) {
		h := New(Config{})
		m := newMember(h, nil, nil)
		for range outLen + peerWeight*h.config.PerSession + 10 {
			m.put([]byte{1})
		}
		b := m.next()
		msg, err := wire.ParseMessage(b)
		if e, ok := msg.(wire.Error); !ok || e.Code != wire.CodeSlow {
			t.Errorf("first after the overflow: %#v, %v; want CodeSlow", msg, err)
		}
		if b := m.next(); b != nil || !m.ending {
			t.Errorf("then: %x, %v; want the end", b, m.ending)
		}
	})
}

// TestMessagesArePaced has a member that sends far too many messages: it
// waits, and nobody else does.
func TestMessagesArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		hasty, calm, target := r.joinNow("one"), r.joinNow("one"), r.joinNow("one")
		target.wantEvents("target", "joined 2 of 3", "peer 0", "peer 1")
		start := time.Now()
		const extra = 300
		for range messageBurst + extra {
			hasty.tell(target.hash, "m")
		}
		took := time.Since(start)
		// 64 of them fit into the simulated connection.
		if least, most := (extra-70)*messageInterval, extra*messageInterval; took < least || took > most {
			t.Errorf("%d messages took %v, want %v to %v", messageBurst+extra, took, least, most)
		}
		target.mu.Lock()
		target.events = nil
		target.mu.Unlock()
		calm.tell(target.hash, "now")
		synctest.Wait()
		target.mu.Lock()
		if !slices.Contains(target.events, "from 1: now") {
			t.Errorf("target heard %q, want the message of the calm one at once", target.events)
		}
		target.mu.Unlock()
		hasty.send(wire.Leave{})
		r.stop() // while hasty waits
		for _, c := range []*client{hasty, calm, target} {
			c.close()
		}
	})
}

func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b := r.joinNow("one"), r.joinNow("one")
		most := sendLimits[queue.Video]
		for range most.burst + 500 {
			a.say(wire.KindVideo, "x")
			synctest.Wait() // or the simulated connection loses some
		}
		if got := len(b.heard()); got != most.burst {
			t.Errorf("%d packets arrived, want %d", got, most.burst)
		}
		r.wantDrops(map[string]uint64{"flood": 500})
		time.Sleep(10 * most.interval)
		for range 20 {
			a.say(wire.KindVideo, "x")
			synctest.Wait()
		}
		if got := len(b.heard()); got != 10 {
			t.Errorf("%d packets arrived after a pause, want 10", got)
		}
		r.stop()
		a.close()
		b.close()
	})
}

func TestMeter(t *testing.T) {
	start := time.Now()
	m := meter{interval: 10 * time.Millisecond, burst: 3}
	for _, step := range []struct{ at, n, want int }{ // at and want in milliseconds
		{0, 1, 0},
		{0, 1, 0},
		{0, 1, 0},
		{0, 1, 10},
		{4, 1, 6},
		{10, 1, 0},
		{10, 1, 10},
		{35, 1, 0},
		{35, 1, 0},
		{35, 1, 5},
		{1000, 1, 0},
		{1000, 1, 0},
		{1000, 1, 0},
		{1000, 1, 10},
		{2000, 3, 0},
		{2000, 1, 10},
		{2000, 3, 30},
		{2020, 2, 0},
		{2020, 1, 10},
		{2050, 2, 0},
		{2050, 2, 10},
		{2050, 1, 0},
	} {
		got := m.take(start.Add(time.Duration(step.at)*time.Millisecond), step.n)
		if got != time.Duration(step.want)*time.Millisecond {
			t.Errorf("take(%d) after %d ms = %v, want %d ms", step.n, step.at, got, step.want)
		}
	}
}

// TestBurst has a member send all that it may at once while a packet of another waits
// for a third: that one still comes, whatever its kind.
func TestBurst(t *testing.T) {
	for _, kind := range []wire.Kind{wire.KindControl, wire.KindVoice, wire.KindVideo} {
		members := room(3)
		hasty, calm, third := members[0], members[1], members[2]
		now := time.Now()
		calm.forward(sealed(calm.slot, kind, 1, "calm"), now, nil)
		for i := range 2000 {
			hasty.forward(sealed(hasty.slot, kind, uint64(i), "hasty"), now, nil)
		}
		var first [wire.MaxDatagram]byte
		n, _ := third.Give(first[:], now)
		if p, err := wire.ParsePacket(first[:n]); err != nil || p.KID.Slot() != calm.slot {
			t.Errorf("kind %d: the first packet is of slot %d (%v), want %d", kind, p.KID.Slot(), err, calm.slot)
		}
		got := 1
		for n, _ := third.Give(first[:], now); n > 0; n, _ = third.Give(first[:], now) {
			got++
		}
		if want := 1 + sendLimits[class(kind)].burst; got != want {
			t.Errorf("kind %d: %d packets came, want %d", kind, got, want)
		}
	}
}
