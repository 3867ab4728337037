package transport

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"
)

// UDP stops in the middle of a call and comes back: both ends fall back to TLS
// and move over again, and datagrams arrive at any time.
func TestFallBackAndReturn(t *testing.T) {
	l := listen(t, ListenConfig{})
	p := newProxy(t, l.Addr())
	hub, member := connect(t, l, DialConfig{Addr: p.addr})
	for range 2 {
		onUDP(t, hub, member)
		transfer(t, member, hub, "up over UDP")
		port := member.udp.Load().LocalAddr().String()
		p.blocked.Store(true)
		until(t, "both ends fall back", func() bool { return pathOf(hub) == PathTLS && pathOf(member) == PathTLS })
		transfer(t, member, hub, "up over TLS")
		transfer(t, hub, member, "down over TLS")
		dropped := p.dropped.Load()
		until(t, "the member probes again", func() bool { return p.dropped.Load() >= dropped+3 })
		if pathOf(hub) != PathTLS || pathOf(member) != PathTLS {
			t.Fatal("an end uses UDP, which is blocked")
		}
		if now := member.udp.Load().LocalAddr().String(); now == port {
			t.Errorf("the member still probes from %s, want another port", now)
		}
		p.blocked.Store(false)
	}
	onUDP(t, hub, member)
	transfer(t, hub, member, "down over UDP")
}

func TestUDPBlockedFromTheStart(t *testing.T) {
	l := listen(t, ListenConfig{})
	p := newProxy(t, l.Addr())
	p.blocked.Store(true)
	hub, member := connect(t, l, DialConfig{Addr: p.addr})
	transfer(t, member, hub, "up")
	transfer(t, hub, member, "down")
	until(t, "the member has probed", func() bool { return p.dropped.Load() >= 3 })
	if pathOf(hub) != PathTLS || pathOf(member) != PathTLS {
		t.Fatal("an end uses UDP, which is blocked")
	}
	p.blocked.Store(false)
	onUDP(t, hub, member)
}

// A member whose address changes is followed without a fall back.
func TestRoaming(t *testing.T) {
	patient := fastTiming
	patient.pingLost, patient.pingSilent = time.Hour, time.Hour // nobody falls back in this test
	l := listen(t, ListenConfig{timing: patient})
	hub, member := connect(t, l, DialConfig{timing: patient})
	onUDP(t, hub, member)
	for range 3 {
		old := *hub.target.Load()
		if err := member.rebind(); err != nil {
			t.Fatal(err)
		}
		transfer(t, member, hub, "from the new address at once")
		until(t, "the hub sends to the new address", func() bool {
			to := hub.target.Load()
			return to != nil && *to != old
		})
		want := member.udp.Load().LocalAddr().(*net.UDPAddr).Port
		if got := int(hub.target.Load().Port()); got != want {
			t.Fatalf("the hub sends to port %d, want %d", got, want)
		}
		transfer(t, hub, member, "to the new address")
		if pathOf(hub) != PathUDP || pathOf(member) != PathUDP {
			t.Fatal("an end fell back")
		}
	}
}

// stranger is a socket that is not the member's.
func stranger(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Junk, unknown ids, forgeries and repeats are answered with silence; an
// authentic packet from an address that is not the member's with one packet no
// larger, and neither moves the path.
func TestStrangersGetNothing(t *testing.T) {
	quiet := fastTiming
	quiet.challenge = time.Hour                             // one challenge per address
	quiet.pingLost, quiet.pingSilent = time.Hour, time.Hour // nobody falls back in this test
	l := listen(t, ListenConfig{timing: quiet})
	hub, member := connect(t, l, DialConfig{timing: quiet})
	onUDP(t, hub, member)
	before := *hub.target.Load()
	s := stranger(t)
	to := netip.MustParseAddrPort(l.Addr())
	send := func(b []byte) {
		t.Helper()
		if _, err := s.WriteToUDPAddrPort(b, to); err != nil {
			t.Fatal(err)
		}
	}
	var p packet
	fake := sealer{aead: hub.sealer.aead, id: member.id} // the wrong direction's key
	fake.counter.Store(1 << 40)
	forged := bytes.Clone(fake.seal(&p, framePing, make([]byte, 8), 0))
	unknown := sealer{aead: member.sealer.aead, id: member.id + 1}
	unknown.counter.Store(1 << 40)
	for _, b := range [][]byte{
		{},
		{0},
		[]byte("GET / HTTP/1.1\r\n\r\n"), make([]byte, 28), make([]byte, 29), make([]byte, 1201),
		bytes.Repeat([]byte{packetType}, 1200), forged, unknown.seal(&p, framePing, make([]byte, 8), 0),
	} {
		send(b)
	}
	// An attacker takes the newest packet off the wire and sends it himself,
	// three times. Its counter is ahead of the member's pings.
	ahead := sealer{aead: member.sealer.aead, id: member.id}
	ahead.counter.Store(member.sealer.counter.Load() + windowSize/2)
	stolen := bytes.Clone(ahead.seal(&p, frameDatagram, bytes.Repeat([]byte("stolen"), 20), 0))
	for range 3 {
		send(stolen)
	}

	// The only thing that comes back is one challenge.
	answers := make(chan []byte, 100)
	go func() {
		for {
			b := make([]byte, 2048)
			n, err := s.Read(b)
			if err != nil {
				close(answers)
				return
			}
			answers <- b[:n]
		}
	}()
	first := <-answers
	if len(first) > len(stolen) {
		t.Errorf("%d bytes came back for %d", len(first), len(stolen))
	}
	frames, _, ok := (&opener{aead: member.opener.aead}).open(bytes.Clone(first))
	if kind, _, _, ok2 := parseFrame(frames); !ok || !ok2 || kind != frameChallenge {
		t.Errorf("kind %d came back (%v, %v), want a challenge", kind, ok, ok2)
	}
	// Two pings and their answers later anything else would be here.
	number := hub.pingsAnswered() + 2
	until(t, "the member answers pings", func() bool { return hub.pingsAnswered() >= number })
	s.Close()
	for extra := range answers {
		t.Errorf("%d bytes came back, want nothing", len(extra))
	}
	if got := *hub.target.Load(); got != before {
		t.Errorf("the hub sends to %v now, want %v", got, before)
	}
	// The stolen packet arrived once.
	if err := member.SendDatagram([]byte("last")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, MaxDatagram)
	for _, want := range []string{"stolen", "last"} {
		n, err := hub.RecvDatagram(b)
		if err != nil || !bytes.HasPrefix(b[:n], []byte(want)) {
			t.Fatalf("received %q, %v, want %q", b[:n], err, want)
		}
	}
}

// pingsAnswered returns the number of the last answered ping over UDP.
func (c *conn) pingsAnswered() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.path.ping.answered
}

func TestSeveralFramesInAPacket(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub, member := connect(t, l, DialConfig{})
	onUDP(t, hub, member)
	frames := appendFrame(nil, frameDatagram, []byte("one"), 0)
	frames = appendFrame(frames, 200, []byte("a kind of the future"), 0)
	frames = appendFrame(frames, frameDatagram, nil, 0)
	frames = appendFrame(frames, frameDatagram, []byte("two"), 0)
	frames = append(frames, 0xff, 0xff, frameDatagram, 'x') // promises more than there is
	c := member.sealer.counter.Add(1)
	b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32([]byte{packetType}, member.id), c)
	nonce := append(make([]byte, 4), b[5:]...)
	b = member.sealer.aead.Seal(b, nonce, frames, b)
	if _, err := member.udp.Load().WriteToUDPAddrPort(b, member.path.addr); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, MaxDatagram)
	for _, want := range []string{"one", "", "two"} {
		n, err := hub.RecvDatagram(buf)
		if err != nil || string(buf[:n]) != want {
			t.Fatalf("received %q, %v, want %q", buf[:n], err, want)
		}
	}
}

// Two members of one hub share a socket and do not meet.
func TestMuxKeepsMembersApart(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub1, member1 := connect(t, l, DialConfig{})
	hub2, member2 := connect(t, l, DialConfig{})
	onUDP(t, hub1, member1)
	onUDP(t, hub2, member2)
	ways := []struct {
		name     string
		from, to *conn
	}{
		{"member 1 to hub", member1, hub1},
		{"member 2 to hub", member2, hub2},
		{"hub to member 1", hub1, member1},
		{"hub to member 2", hub2, member2},
	}
	const count = 20
	for range count {
		for _, way := range ways {
			if err := way.from.SendDatagram([]byte(way.name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := make([]byte, MaxDatagram)
	for _, way := range ways {
		for range count {
			n, err := way.to.RecvDatagram(b)
			if err != nil || string(b[:n]) != way.name {
				t.Fatalf("%s: received %q, %v", way.name, b[:n], err)
			}
		}
	}
}

// Neither end allocates for a datagram, over a real socket.
func TestUDPAllocatesNothing(t *testing.T) {
	l := listen(t, ListenConfig{timing: defaultTiming})
	hub, member := connect(t, l, DialConfig{timing: defaultTiming})
	onUDP(t, hub, member)
	out, in := make([]byte, 700), make([]byte, MaxDatagram)
	if n := testing.AllocsPerRun(1000, func() { roundTrip(t, member, hub, out, in) }); n != 0 {
		t.Errorf("a datagram there and back costs %v allocations, want 0", n)
	}
}

// roundTrip sends a datagram to the hub and back.
func roundTrip(t testing.TB, member, hub *conn, out, in []byte) {
	for _, way := range [2]struct{ from, to *conn }{{member, hub}, {hub, member}} {
		if err := way.from.SendDatagram(out); err != nil {
			t.Fatal(err)
		}
		if _, err := way.to.RecvDatagram(in); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	for name, noUDP := range map[string]bool{"UDP": false, "TLS": true} {
		b.Run(name, func(b *testing.B) {
			l := listen(b, ListenConfig{NoUDP: noUDP, timing: defaultTiming})
			hub, member := connect(b, l, DialConfig{timing: defaultTiming})
			out, in := make([]byte, 700), make([]byte, MaxDatagram)
			roundTrip(b, member, hub, out, in)
			for !noUDP && (pathOf(hub) != PathUDP || pathOf(member) != PathUDP) {
				roundTrip(b, member, hub, out, in)
			}
			b.ReportAllocs()
			b.SetBytes(2 * int64(len(out)))
			for b.Loop() {
				roundTrip(b, member, hub, out, in)
			}
		})
	}
}

// Several datagrams go in one packet as far as they fit, in order.
func TestSendDatagrams(t *testing.T) {
	for _, noUDP := range []bool{false, true} {
		hub, member := connect(t, listen(t, ListenConfig{}), DialConfig{NoUDP: noUDP})
		if !noUDP {
			onUDP(t, hub, member)
		}
		var list [][]byte
		for i, size := range []int{1, 200, 300, MaxDatagram, MaxDatagram, 3, 4} {
			list = append(list, bytes.Repeat([]byte{byte(i)}, size))
		}
		before := member.sealer.counter.Load()
		if err := member.SendDatagrams(list); err != nil {
			t.Fatal(err)
		}
		packets := member.sealer.counter.Load() - before
		if most := uint64(5); packets > most && !noUDP { // a ping may come between
			t.Errorf("%d packets, want 4 or 5", packets)
		}
		for i, want := range list {
			var b [MaxDatagram]byte
			n, err := hub.RecvDatagram(b[:])
			if err != nil || !bytes.Equal(b[:n], want) {
				t.Errorf("datagram %d: %d bytes, %v, want %d", i, n, err, len(want))
			}
		}
		if err := member.SendDatagrams([][]byte{{1}, make([]byte, MaxDatagram+1)}); err == nil {
			t.Error("a datagram that is too long is no error")
		}
	}
}
