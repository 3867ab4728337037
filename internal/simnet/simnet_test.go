package simnet

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// pair returns both ends of a new connection.
func pair(tb testing.TB, n *Net, up, down Link) (member, hub *Conn) {
	tb.Helper()
	ln, err := n.Listen("hub:1122")
	if err != nil {
		tb.Fatal(err)
	}
	defer ln.Close()
	a, err := n.Dial(tb.Context(), ln.Addr(), up, down)
	if err != nil {
		tb.Fatal(err)
	}
	b, err := ln.Accept()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { a.Close(); b.Close() })
	return a.(*Conn), b.(*Conn)
}

// numbered sends count datagrams of size bytes that carry their number, one
// every gap.
func numbered(t *testing.T, c *Conn, count, size int, gap time.Duration) {
	t.Helper()
	b := make([]byte, size)
	for i := range count {
		binary.BigEndian.PutUint32(b, uint32(i))
		if err := c.SendDatagram(b); err != nil {
			t.Fatalf("datagram %d: %v", i, err)
		}
		time.Sleep(gap)
	}
}

// arrival is a datagram as it was received.
type arrival struct {
	number uint32
	at     time.Time
}

// collect receives datagrams until the connection ends.
func collect(c *Conn) (got []arrival) {
	var b [maxDatagram]byte
	for {
		n, err := c.RecvDatagram(b[:])
		if err != nil {
			return got
		}
		got = append(got, arrival{binary.BigEndian.Uint32(b[:n]), time.Now()})
	}
}

// exchange sends as numbered does and returns what arrives.
func exchange(t *testing.T, up Link, seed uint64, count, size int, gap time.Duration) (start time.Time, got []arrival) {
	member, hub := pair(t, New(seed), up, Link{})
	var wg sync.WaitGroup
	wg.Go(func() { got = collect(hub) })
	start = time.Now()
	numbered(t, member, count, size, gap)
	member.Close()
	wg.Wait()
	return start, got
}

func TestLimitsMatchWire(t *testing.T) {
	if maxDatagram != wire.MaxDatagram || maxMessage != wire.MaxMessage {
		t.Errorf("limits %d and %d, want %d and %d", maxDatagram, maxMessage, wire.MaxDatagram, wire.MaxMessage)
	}
}

func TestDelay(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Millisecond, 40 * time.Millisecond, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			const count, gap = 50, 20 * time.Millisecond
			start, got := exchange(t, Link{Delay: delay}, 1, count, 100, gap)
			if len(got) != count {
				t.Fatalf("delay %v: %d datagrams arrived, want %d", delay, len(got), count)
			}
			for i, a := range got {
				if want := start.Add(time.Duration(i)*gap + delay); a.number != uint32(i) || !a.at.Equal(want) {
					t.Fatalf("delay %v: number %d after %v, want %d after %v", delay, a.number, a.at.Sub(start), i, want.Sub(start))
				}
			}
		})
	}
}

func TestJitterKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count, gap = 2000, 5 * time.Millisecond
		link := Link{Delay: 20 * time.Millisecond, Jitter: 30 * time.Millisecond}
		start, got := exchange(t, link, 7, count, 100, gap)
		if len(got) != count {
			t.Fatalf("%d datagrams arrived, want %d", len(got), count)
		}
		least, most := time.Hour, time.Duration(0)
		for i, a := range got {
			if a.number != uint32(i) {
				t.Fatalf("number %d arrived in place %d", a.number, i)
			}
			d := a.at.Sub(start) - time.Duration(i)*gap
			least, most = min(least, d), max(most, d)
		}
		if least < 20*time.Millisecond || least > 22*time.Millisecond || most < 48*time.Millisecond || most >= 50*time.Millisecond {
			t.Errorf("delays from %v to %v, want from 20 to 50 ms", least, most)
		}
	})
}

func TestLossDependsOnSeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count = 5000
		numbers := func(seed uint64, loss float64) (n []uint32) {
			_, got := exchange(t, Link{Loss: loss}, seed, count, 4, time.Millisecond)
			for _, a := range got {
				n = append(n, a.number)
			}
			return n
		}
		for _, loss := range []float64{0.01, 0.2, 0.5} {
			first := numbers(1, loss)
			if lost := 1 - float64(len(first))/count; lost < loss*0.75 || lost > loss*1.25 {
				t.Errorf("loss %v: lost a share of %v", loss, lost)
			}
			if !slices.Equal(first, numbers(1, loss)) {
				t.Errorf("loss %v: the same seed loses others", loss)
			}
			if slices.Equal(first, numbers(2, loss)) {
				t.Errorf("loss %v: another seed loses the same", loss)
			}
		}
		if got := numbers(1, 1); len(got) > 0 {
			t.Errorf("loss 1: %d arrived", len(got))
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// 1,000 B at 80 kbit/s take 100 ms, and the link is idle before.
		start, got := exchange(t, Link{Delay: 10 * time.Millisecond, Rate: 80_000, Queue: 250 * time.Millisecond}, 1, 20, 1000, 0)
		// The first waits for nothing, the others for 100, 200 and 300 ms, which
		// is more than 250 ms: the fourth and all after it are lost.
		var after []time.Duration
		for _, a := range got {
			after = append(after, a.at.Sub(start))
		}
		want := []time.Duration{110 * time.Millisecond, 210 * time.Millisecond, 310 * time.Millisecond}
		if !slices.Equal(after, want) {
			t.Errorf("arrived after %v, want %v", after, want)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		// Twice as much as 80 kbit/s: half is lost, and the delay ends at the
		// default queue of 300 ms and the datagram's own 100 ms.
		const count = 400
		start, got := exchange(t, Link{Rate: 80_000}, 1, count, 1000, 50*time.Millisecond)
		if len(got) < count/2 || len(got) > count/2+5 {
			t.Errorf("%d of %d arrived, want half", len(got), count)
		}
		for _, a := range got {
			if d := a.at.Sub(start) - time.Duration(a.number)*50*time.Millisecond; d > 400*time.Millisecond {
				t.Fatalf("number %d took %v, want at most 400 ms", a.number, d)
			}
		}
	})
}

func TestInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		start := time.Now()
		member, hub := pair(t, n, Link{Delay: 30 * time.Millisecond}, Link{Delay: 50 * time.Millisecond, Rate: 8000})
		if d := time.Since(start); d != 80*time.Millisecond {
			t.Errorf("Dial took %v, want one round trip of 80 ms", d)
		}
		other, _ := pair(t, n, Link{}, Link{})
		if err := hub.SendDatagram(make([]byte, 20)); err != nil { // 20 ms at 8 kbit/s
			t.Fatal(err)
		}
		hub.SendMessage(make([]byte, 10)) // 10 ms
		time.Sleep(5 * time.Millisecond)
		m, h := member.Info(), hub.Info()
		if m.Binding != h.Binding || m.Binding == other.Info().Binding || m.Binding == [32]byte{} {
			t.Errorf("bindings %x and %x, of another connection %x", m.Binding, h.Binding, other.Info().Binding)
		}
		if m.Remote != "hub:1122" || h.Remote != "memory:1" || m.Path != transport.PathMemory {
			t.Errorf("remote %q and %q on path %v", m.Remote, h.Remote, m.Path)
		}
		if want := 105 * time.Millisecond; m.RTT != want || h.RTT != want {
			t.Errorf("RTT %v and %v, want %v", m.RTT, h.RTT, want)
		}
		if h.Sent != 30 || m.Received != 0 {
			t.Errorf("sent %d, received %d before arrival; want 30 and 0", h.Sent, m.Received)
		}
		var b [maxDatagram]byte
		if n, err := member.RecvDatagram(b[:]); n != 20 || err != nil {
			t.Fatal(n, err)
		}
		if _, err := member.RecvMessage(nil); err != nil {
			t.Fatal(err)
		}
		if got := member.Info().Received; got != 30 {
			t.Errorf("received %d bytes, want 30", got)
		}
	})
}

func TestReceiverBehindLosesOldest(t *testing.T) {
	for _, delay := range []time.Duration{0, 10 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			const count = 3*receiveLen + 17
			member, hub := pair(t, New(1), Link{Delay: delay}, Link{})
			numbered(t, member, count, 4, time.Millisecond)
			time.Sleep(time.Second)
			member.Close()
			got := collect(hub)
			if len(got) != receiveLen || got[0].number != count-receiveLen || got[len(got)-1].number != count-1 {
				t.Errorf("delay %v: %d datagrams from %v, want the newest %d of %d", delay, len(got), got[0].number, receiveLen, count)
			}
		})
	}
}

// TestLongLink sends more datagrams than a receiver would be kept while they
// are on their way.
func TestLongLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count = 4 * receiveLen
		_, got := exchange(t, Link{Delay: 10 * time.Second}, 1, count, 4, time.Millisecond)
		if len(got) != count {
			t.Errorf("%d datagrams arrived, want %d", len(got), count)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		member, hub := pair(t, New(1), Link{Delay: time.Hour}, Link{})
		numbered(t, member, flightLen+100, 4, 0)
		if n := hub.in.datagrams.n; n != flightLen {
			t.Errorf("%d datagrams on their way, want %d", n, flightLen)
		}
	})
}

func TestSetLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		member, hub := pair(t, New(1), Link{Delay: 100 * time.Millisecond}, Link{})
		var got []arrival
		var wg sync.WaitGroup
		wg.Go(func() { got = collect(hub) })
		start := time.Now()
		numbered(t, member, 1, 4, 10*time.Millisecond)
		hub.SetLink(Link{}, Link{Delay: time.Second})
		numbered(t, member, 2, 4, 200*time.Millisecond) // the first must not overtake
		if rtt := member.Info().RTT; rtt != time.Second {
			t.Errorf("RTT %v, want 1 s", rtt)
		}
		member.Close()
		wg.Wait()
		var after []time.Duration
		for _, a := range got {
			after = append(after, a.at.Sub(start))
		}
		want := []time.Duration{100 * time.Millisecond, 100 * time.Millisecond, 210 * time.Millisecond}
		if !slices.Equal(after, want) {
			t.Errorf("arrived after %v, want %v", after, want)
		}
	})
}

func TestTooLong(t *testing.T) {
	member, hub := pair(t, New(1), Link{}, Link{})
	if err := member.SendDatagram(make([]byte, maxDatagram+1)); err == nil {
		t.Error("a datagram that is too long was sent")
	}
	if err := member.SendMessage(make([]byte, maxMessage+1)); err == nil {
		t.Error("a message that is too long was sent")
	}
	member.SendDatagram(make([]byte, maxDatagram))
	if _, err := hub.RecvDatagram(make([]byte, maxDatagram-1)); !errors.Is(err, io.ErrShortBuffer) {
		t.Errorf("RecvDatagram into a short buffer: %v, want io.ErrShortBuffer", err)
	}
}

// TestRealTime runs outside a bubble, as the program does, with all four
// streams at once.
func TestRealTime(t *testing.T) {
	member, hub := pair(t, New(1), Link{}, Link{Delay: time.Millisecond})
	var wg sync.WaitGroup
	stream := func(from, to *Conn) {
		wg.Go(func() {
			for i := range 500 {
				from.SendMessage([]byte{byte(i)})
				from.SendDatagram([]byte{byte(i)})
			}
			from.SendDatagram([]byte("last"))
		})
		wg.Go(func() {
			for i := range 500 {
				if b, err := to.RecvMessage(nil); err != nil || b[0] != byte(i) {
					t.Errorf("message %d: %v, %v", i, b, err)
					return
				}
			}
		})
		wg.Go(func() {
			var b [maxDatagram]byte
			for {
				if n, err := to.RecvDatagram(b[:]); err != nil || string(b[:n]) == "last" {
					return
				}
			}
		})
	}
	stream(member, hub)
	stream(hub, member)
	wg.Wait()
}

func TestPerfectLinkAllocatesNothing(t *testing.T) {
	member, hub := pair(t, New(1), Link{}, Link{})
	b := make([]byte, maxDatagram)
	once := func() {
		member.SendDatagram(b)
		if _, err := hub.RecvDatagram(b); err != nil {
			t.Fatal(err)
		}
	}
	for range 64 {
		once() // until every slot has its memory
	}
	if n := testing.AllocsPerRun(1000, once); n != 0 {
		t.Errorf("%v allocations for a datagram, want 0", n)
	}
	if hub.datagramTimer.t != nil {
		t.Error("a perfect link used a timer")
	}
}

func BenchmarkPerfectLink(b *testing.B) {
	member, hub := pair(b, New(1), Link{}, Link{})
	buf := make([]byte, maxDatagram)
	b.ReportAllocs()
	for b.Loop() {
		member.SendDatagram(buf[:1100])
		if _, err := hub.RecvDatagram(buf); err != nil {
			b.Fatal(err)
		}
	}
}
