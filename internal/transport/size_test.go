package transport

import (
	"testing"
	"time"
)

// A path that takes no large packets is found to take smaller ones, whichever way.
func TestPathFindsItsSize(t *testing.T) {
	for _, tt := range []struct {
		toHub, toMember int // bytes that get through
		want            int
		within          time.Duration
	}{
		{maxPacket, maxPacket, maxPacket, 0},
		{1300, 1300, maxPacket, 0},
		{1100, 1100, 1000, time.Second},
		{maxPacket, 1100, 1000, time.Second},
		{999, maxPacket, 800, 2 * time.Second},
		{600, 600, 548, 4 * time.Second},
	} {
		s := newPathSim(t)
		s.toHub = func(o outgoing) bool { return o.size <= tt.toHub }
		s.toMember = func(o outgoing) bool { return o.size <= tt.toMember }
		s.run(tt.within + 50*time.Millisecond)
		s.want(true, true)
		if s.hub.size.most != tt.want || s.member.size.most != tt.want {
			t.Errorf("a path of %d and %d bytes: hub %d, member %d, want %d", tt.toHub, tt.toMember, s.hub.size.most, s.member.size.most, tt.want)
		}
	}
}

// Two large probes that get lost by chance make no packets smaller.
func TestPathSizeInSpiteOfLoss(t *testing.T) {
	s := newPathSim(t)
	count := 0
	s.toHub = func(outgoing) bool { count++; return count > 2 }
	s.run(time.Second)
	s.want(true, true)
	if s.hub.size.most != maxPacket || s.member.size.most != maxPacket {
		t.Errorf("hub %d, member %d, want %d", s.hub.size.most, s.member.size.most, maxPacket)
	}
}

// A path that comes to take less, or more, is followed while large packets are sent.
func TestPathFollowsItsSize(t *testing.T) {
	s := newPathSim(t)
	s.run(time.Second)
	most := 900
	fits := func(o outgoing) bool { return o.size <= most }
	s.toHub, s.toMember = fits, fits
	s.run(time.Minute) // in which nobody sends anything
	if s.hub.size.most != maxPacket {
		t.Errorf("without large packets the size is %d", s.hub.size.most)
	}
	busy := func(d time.Duration) {
		for range d / time.Second {
			s.hub.size.large, s.member.size.large = true, true
			s.run(time.Second)
		}
	}
	busy(2 * sizeLost * (sizeEvery + time.Second))
	if s.hub.size.most != 800 || s.member.size.most != 800 {
		t.Errorf("where 900 bytes get through the sizes are %d and %d, want 800", s.hub.size.most, s.member.size.most)
	}
	s.want(true, true) // small packets got through all the time
	most = maxPacket
	busy(2 * (sizeRaise + sizeEvery + time.Second))
	if s.hub.size.most != maxPacket || s.member.size.most != maxPacket {
		t.Errorf("where all get through the sizes are %d and %d", s.hub.size.most, s.member.size.most)
	}
}

// Loss by chance makes no packets smaller.
func TestSizeSurvivesLoss(t *testing.T) {
	var s sizer
	now := time.Unix(1000, 0)
	s.start(maxPacket, now)
	for number := uint64(1); number < 200; number++ {
		now = now.Add(time.Second)
		s.large = true
		if s.next(number, now) == maxPacket && number%3 != 0 {
			continue // lost; the next one is answered
		}
		s.pong(number, now)
	}
	if s.most != maxPacket {
		t.Errorf("with two thirds of the tries lost the size is %d", s.most)
	}
}

// Over a network that drops large packets all datagrams arrive: large ones over TLS.
func TestLargeDatagramsOnASmallPath(t *testing.T) {
	l := listen(t, ListenConfig{})
	p := newProxy(t, l.Addr())
	p.most.Store(700)
	hub, member := connect(t, l, DialConfig{Addr: p.addr})
	onUDP(t, hub, member)
	for _, c := range []*conn{hub, member} {
		if n := c.largest(); n != 548 {
			t.Errorf("%s: packets of %d bytes, want 548", c.name, n)
		}
	}
	big := make([]byte, MaxDatagram)
	for i := range 20 {
		for _, way := range [2][2]*conn{{hub, member}, {member, hub}} {
			for _, size := range []int{100 + i, MaxDatagram - i} {
				sent := udpSentBy(way[0])
				roundTripOf(t, way[0], way[1], big[:size], byte(i))
				if over := udpSentBy(way[0]) >= sent+uint64(size); over != (size < 500) {
					t.Errorf("%d bytes from %s go over UDP: %v", size, way[0].name, over)
				}
			}
		}
	}
	if p.dropped.Load() == 0 {
		t.Error("nothing was too large for the path")
	}
}

func udpSentBy(c *conn) uint64 { return c.udpSent.Load() }

// roundTripOf sends a datagram that begins with a mark and receives it.
func roundTripOf(t *testing.T, from, to *conn, b []byte, mark byte) {
	t.Helper()
	b[0] = mark
	if err := from.SendDatagram(b); err != nil {
		t.Fatal(err)
	}
	in := make([]byte, MaxDatagram)
	if n, err := to.RecvDatagram(in); err != nil || n != len(b) || in[0] != mark {
		t.Fatalf("%d bytes that begin with %d: %d, %d, %v", len(b), mark, n, in[0], err)
	}
}
