package transport

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// sealPair returns a sealer and the opener for what it seals.
func sealPair(t testing.TB) (*sealer, *opener) {
	t.Helper()
	aead, err := newAEAD([]byte("sixteen byte key"))
	if err != nil {
		t.Fatal(err)
	}
	return &sealer{aead: aead, id: 0x01020304}, &opener{aead: aead}
}

func TestSealAndOpen(t *testing.T) {
	for _, tt := range []struct{ body, size, want int }{
		{0, 0, 32},
		{8, 0, smallPacket},
		{8, smallPacket, smallPacket},
		{100, smallPacket, 132},
		{8, 150, 150},
		{0, maxPacket, maxPacket},
		{MaxDatagram, 0, maxPacket},
		{MaxDatagram, maxPacket, maxPacket},
	} {
		s, o := sealPair(t)
		var p packet
		body := bytes.Repeat([]byte{7}, tt.body)
		b := s.seal(&p, frameDatagram, body, tt.size)
		if len(b) != tt.want {
			t.Errorf("%d bytes sealed to size %d make %d, want %d", tt.body, tt.size, len(b), tt.want)
		}
		if id, ok := packetID(b); !ok || id != s.id || b[0]>>6 != 0 {
			t.Errorf("packetID(%x) = %x, %v, want %x", b[:packetHead], id, ok, s.id)
		}
		frames, newest, ok := o.open(bytes.Clone(b))
		kind, got, rest, ok2 := parseFrame(frames)
		if !ok || !newest || !ok2 || kind != frameDatagram || len(rest) != 0 {
			t.Errorf("opened: %v, newest %v, frame %v of kind %d, %d bytes left", ok, newest, ok2, kind, len(rest))
		}
		if want := append(body, make([]byte, len(got)-len(body))...); !bytes.Equal(got, want) {
			t.Errorf("opened %x, want %x", got, want)
		}
		if _, _, ok := o.open(bytes.Clone(b)); ok {
			t.Error("a packet opens twice")
		}
	}
}

// No bit of a packet can be changed, and trying leaves no trace.
func TestOpenRefusesEveryChangedBit(t *testing.T) {
	s, o := sealPair(t)
	var p packet
	b := bytes.Clone(s.seal(&p, framePing, make([]byte, 8), 0))
	for bit := range 8 * len(b) {
		changed := bytes.Clone(b)
		changed[bit/8] ^= 1 << (bit % 8)
		if _, _, ok := o.open(changed); ok {
			t.Errorf("opens with bit %d changed", bit)
		}
	}
	for n := sealOverhead; n < len(b); n++ {
		if _, _, ok := o.open(bytes.Clone(b[:n])); ok {
			t.Errorf("opens when cut to %d bytes", n)
		}
	}
	if _, newest, ok := o.open(b); !ok || !newest {
		t.Errorf("the packet itself opens %v, newest %v", ok, newest)
	}
}

func TestPacketID(t *testing.T) {
	good := make([]byte, sealOverhead)
	good[0], good[4] = packetType, 9
	for _, tt := range []struct {
		name string
		b    []byte
		ok   bool
	}{
		{"nothing", nil, false},
		{"smallest", good, true},
		{"too small", good[:sealOverhead-1], false},
		{"largest", append(bytes.Clone(good), make([]byte, maxPacket-sealOverhead)...), true},
		{"too large", append(bytes.Clone(good), make([]byte, maxPacket-sealOverhead+1)...), false},
		{"QUIC", append([]byte{0xc0}, good[1:]...), false},
		{"STUN", append([]byte{0}, good[1:]...), false},
	} {
		id, ok := packetID(tt.b)
		if ok != tt.ok || ok && id != 9 {
			t.Errorf("%s: packetID = %d, %v, want %v", tt.name, id, ok, tt.ok)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add(appendFrame(appendFrame(nil, frameDatagram, []byte("voice"), 0), framePing, make([]byte, 8), 0))
	f.Add(appendFrame(nil, frameProbe, nil, 1168))
	f.Add([]byte{0xff, 0xff, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		var a arrival
		left := b
		for {
			kind, body, rest, ok := parseFrame(left)
			if !ok {
				break
			}
			again = appendFrame(again, kind, body, 0)
			a.add(kind, body)
			left = rest
		}
		if !bytes.Equal(append(again, left...), b) {
			t.Errorf("the frames of %x encode as %x", b, again)
		}
	})
}

// deliverer returns a function that seals a datagram and does with it all that
// the receiving hub does, up to RecvDatagram.
func deliverer(t testing.TB) func() {
	s, o := sealPair(t)
	c := &conn{in: newInbox(false), keeper: newKeeper(func() time.Time { return time.Time{} }), opener: *o, timing: defaultTiming}
	from := netip.MustParseAddrPort("192.0.2.1:1")
	c.path = path{timing: &c.timing, hub: true, active: true, addr: from}
	c.target.Store(&from)
	p, now := new(packet), time.Now()
	out, in := make([]byte, 700), make([]byte, MaxDatagram)
	return func() {
		b := s.seal(p, frameDatagram, out, 0)
		if id, ok := packetID(b); !ok || id != s.id {
			t.Fatal("not a packet")
		}
		c.receiveUDP(b, from, now, nil)
		if n, err := c.RecvDatagram(in); err != nil || n != len(out) {
			t.Fatalf("received %d bytes, %v", n, err)
		}
	}
}

func TestSealOpenDeliverAllocatesNothing(t *testing.T) {
	deliver := deliverer(t)
	deliver() // the inbox grows once
	if n := testing.AllocsPerRun(1000, deliver); n != 0 {
		t.Errorf("a datagram costs %v allocations, want 0", n)
	}
}

func BenchmarkSealOpenDeliver(b *testing.B) {
	deliver := deliverer(b)
	b.ReportAllocs()
	b.SetBytes(700)
	for b.Loop() {
		deliver()
	}
}

// streamer returns a function that does with a datagram all that both ends do
// for TLS, but for crypto/tls itself.
func streamer(t testing.TB) func() {
	c := &conn{in: newInbox(false), out: newOutbox(func() {})}
	r := new(recordReader)
	stream := new(bytes.Reader)
	r.r = stream
	var b []byte
	out, in := make([]byte, 700), make([]byte, MaxDatagram)
	return func() {
		if err := c.SendDatagram(out); err != nil {
			t.Fatal(err)
		}
		b, _, _ = c.out.take(b[:0])
		stream.Reset(b)
		kind, body, err := r.next()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.receiveRecord(kind, body); err != nil {
			t.Fatal(err)
		}
		if n, err := c.RecvDatagram(in); err != nil || n != len(out) {
			t.Fatalf("received %d bytes, %v", n, err)
		}
	}
}

func TestStreamAllocatesNothing(t *testing.T) {
	stream := streamer(t)
	stream()
	if n := testing.AllocsPerRun(1000, stream); n != 0 {
		t.Errorf("a datagram costs %v allocations, want 0", n)
	}
}

func BenchmarkStream(b *testing.B) {
	stream := streamer(b)
	b.ReportAllocs()
	b.SetBytes(700)
	for b.Loop() {
		stream()
	}
}

func TestNoncesDiffer(t *testing.T) {
	s, _ := sealPair(t)
	seen := make(chan uint64, 4000)
	done := make(chan struct{})
	for range 4 {
		go func() {
			var p packet
			for range 1000 {
				seen <- binary.BigEndian.Uint64(s.seal(&p, framePing, nil, 0)[5:])
			}
			done <- struct{}{}
		}()
	}
	for range 4 {
		<-done
	}
	close(seen)
	counters := make(map[uint64]bool)
	for c := range seen {
		if counters[c] {
			t.Fatalf("counter %d is used twice", c)
		}
		counters[c] = true
	}
	if len(counters) != 4000 || counters[0] {
		t.Errorf("%d counters, 0 among them: %v; want 4000, not 0", len(counters), counters[0])
	}
}
