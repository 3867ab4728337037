package hub

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A benchConn is the least that a connection of the hub can be: a Join comes
// from it, packets when the test says so, and what is sent is counted.
type benchConn struct {
	binding [32]byte
	join    chan []byte // holds the only message
	in      chan []byte // packets for RecvDatagram
	sent    *sync.WaitGroup
	closed  chan struct{}
	once    sync.Once
}

func (c *benchConn) SendDatagram([]byte) error { c.sent.Done(); return nil }
func (c *benchConn) SendMessage([]byte) error  { return nil }
func (c *benchConn) Info() transport.Info      { return transport.Info{Binding: c.binding} }
func (c *benchConn) Close() error              { c.once.Do(func() { close(c.closed) }); return nil }

func (c *benchConn) RecvDatagram(b []byte) (int, error) {
	select {
	case p := <-c.in:
		return copy(b, p), nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *benchConn) RecvMessage(b []byte) ([]byte, error) {
	select {
	case m := <-c.join:
		return append(b[:0], m...), nil
	case <-c.closed:
		return nil, io.EOF
	}
}

// A benchListener hands out connections.
type benchListener struct {
	conns chan *benchConn
	done  chan struct{}
}

func (l *benchListener) Addr() string { return "bench" }
func (l *benchListener) Close() error { close(l.done); return nil }

func (l *benchListener) Accept() (transport.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// benchRoom starts a hub with one session of n members, in slots from 0, who
// may send as many packets as they like.
func benchRoom(tb testing.TB, n int) (members []*benchConn, sent *sync.WaitGroup) {
	tb.Helper()
	h := New(Config{})
	ln := &benchListener{conns: make(chan *benchConn), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- h.Serve(ctx, ln) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	sent = new(sync.WaitGroup)
	for i := range n {
		c := &benchConn{join: make(chan []byte, 1), in: make(chan []byte), sent: sent, closed: make(chan struct{})}
		binary.BigEndian.PutUint32(c.binding[:], uint32(i))
		c.join <- request(tb, i, c.binding, "bench").Append(nil)
		ln.conns <- c
		for h.Stats().Members != i+1 {
			time.Sleep(time.Millisecond) // real goroutines, in real time
		}
		members = append(members, c)
	}
	for m := range h.conns { // nobody has sent a packet yet
		m.sendMeters = noLimit
	}
	return members, sent
}

// TestForwardAllocatesNothing sends packets through all of a hub: from one
// connection to nine others.
func TestForwardAllocatesNothing(t *testing.T) {
	members, sent := benchRoom(t, 10)
	packets := [][]byte{
		sealed(0, wire.KindVoice, 1, string(make([]byte, 80))),
		sealed(0, wire.KindVideo, 1, string(make([]byte, 1000))),
	}
	once := func() {
		for _, p := range packets {
			sent.Add(len(members) - 1)
			members[0].in <- p
			sent.Wait()
		}
	}
	for range ringMax {
		once() // until the ring has its full size
	}
	if n := testing.AllocsPerRun(200, once); n != 0 {
		t.Errorf("%v allocations for two packets to nine members, want 0", n)
	}
}

// TestForwardStepsAllocateNothing is the same without goroutines, so that it
// says which step.
func TestForwardStepsAllocateNothing(t *testing.T) {
	members := room(10)
	var sent sync.WaitGroup
	for _, m := range members {
		m.conn = &benchConn{sent: &sent}
	}
	p := sealed(3, wire.KindVoice, 1, "sealed")
	now := time.Now()
	var b [wire.MaxDatagram]byte
	sent.Add(1 << 20)
	for i := range 2 * ringMax {
		members[3].forward(p, now.Add(time.Duration(i)*time.Millisecond), nil)
	}
	if n := testing.AllocsPerRun(100, func() { members[3].forward(p, time.Now(), nil) }); n != 0 {
		t.Errorf("forward: %v allocations, want 0", n)
	}
	n := testing.AllocsPerRun(100, func() {
		members[3].forward(p, time.Now(), nil)
		if err := members[4].sendWaiting(b[:]); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("sendWaiting: %v allocations, want 0", n)
	}
	if members[4].forwarded.Load() == 0 {
		t.Error("nothing was sent")
	}
}

// TestForwardLayersAllocatesNothing is the same for pictures, of which some
// named a size, some are guests, and nobody gets the last layer.
func TestForwardLayersAllocatesNothing(t *testing.T) {
	members := room(10)
	now := time.Now()
	for i, m := range members[5:] {
		m.session.look(m, []wire.View{at(3, 640>>(2*(i%2)), 480>>(2*(i%2)), 30)}, now)
	}
	var sent sync.WaitGroup
	sent.Add(1 << 20)
	want := [wire.MaxLayers]uint64{3 + 4, 2, 0} // and four guests besides the sender
	var b [wire.MaxDatagram]byte
	for layer := range wire.MaxLayers {
		for _, m := range members {
			m.conn = &benchConn{sent: &sent}
			m.forwarded.Store(0)
		}
		p := layered(3, layer, 1, "sealed")
		once := func() {
			members[3].forward(p, time.Now(), nil)
			for _, m := range members {
				if err := m.sendWaiting(b[:]); err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range 2 * ringMax { // until the ring has its full size
			members[3].forward(p, now.Add(time.Duration(i)*time.Millisecond), nil)
		}
		members[3].sendMeters = noLimit
		once()
		for _, m := range members {
			m.forwarded.Store(0)
		}
		const runs = 100
		if n := testing.AllocsPerRun(runs, once); n != 0 {
			t.Errorf("layer %d: %v allocations, want 0", layer, n)
		}
		var got uint64
		for _, m := range members {
			got += m.forwarded.Load()
		}
		if got != (runs+1)*want[layer] {
			t.Errorf("layer %d: %d packets for %d members, want %d", layer, got, want[layer], (runs+1)*want[layer])
		}
	}
}

// noLimit lets a member send whatever it likes.
var noLimit [queue.Classes]meter

// room returns a session of n members without connections or goroutines.
func room(n int) []*member {
	h := New(Config{})
	for i := range n {
		m := newMember(h, nil, nil)
		m.hash = hello.Hash{byte(i)}
		if e := h.enter(m, "room", time.Now()); e != nil {
			panic(e.Text)
		}
	}
	return *h.sessions["room"].members.Load()
}

func TestClass(t *testing.T) {
	for k, want := range map[wire.Kind]queue.Class{
		wire.KindControl: queue.Control, wire.KindVoice: queue.Voice, wire.KindVideo: queue.Video, wire.KindKey: queue.Video,
	} {
		if got := class(k); got != want {
			t.Errorf("class(%d) = %d, want %d", k, got, want)
		}
	}
}

// TestExpired has a ring turn faster than a receiver reads.
func TestExpired(t *testing.T) {
	members := room(2)
	var sent sync.WaitGroup
	sent.Add(1)
	members[1].conn = &benchConn{sent: &sent}
	now := time.Now()
	members[0].forward(sealed(0, wire.KindControl, 1, "x"), now, nil)
	for range ringMax {
		members[0].ring.put([]byte{1}, wire.Packet{}, now)
	}
	var b [wire.MaxDatagram]byte
	members[0].forward(sealed(0, wire.KindVoice, 1, "x"), now, nil)
	if err := members[1].sendWaiting(b[:]); err != nil {
		t.Fatal(err)
	}
	sent.Wait() // for the voice alone; another would panic
	if got := members[1].drops[dropExpired].Load(); got != 1 {
		t.Errorf("%d expired, want 1", got)
	}
}

// TestAloneNeedsNoRing checks that who talks to nobody takes no memory.
func TestAloneNeedsNoRing(t *testing.T) {
	m := room(1)[0]
	m.forward(sealed(0, wire.KindVoice, 1, "x"), time.Now(), nil)
	m.forward(sealed(0, wire.KindVideo, 2, "x"), time.Now(), nil)
	if n := len(m.ring.slots) + len(m.pictures.slots); n != 0 {
		t.Errorf("%d slots, want none", n)
	}
}

// BenchmarkForward forwards packets in rooms of ten through a whole hub with
// its goroutines. The time is per packet handed to one receiver, without the
// work of a network.
func BenchmarkForward(b *testing.B) {
	for _, size := range []int{100, 1100} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			members, sent := benchRoom(b, 10)
			p := sealed(0, wire.KindVoice, 1, "")
			p = append(p, make([]byte, size-len(p))...)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				sent.Add(len(members) - 1)
				members[0].in <- p
				sent.Wait()
				n += len(members) - 1
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/forwarded")
		})
	}
}

// BenchmarkForwardSteps is the same without goroutines: what the hub itself
// computes.
func BenchmarkForwardSteps(b *testing.B) {
	members := room(10)
	var sent sync.WaitGroup
	for _, m := range members {
		m.conn = &benchConn{sent: &sent}
	}
	p := sealed(0, wire.KindVideo, 1, "")
	p = append(p, make([]byte, 1100-len(p))...)
	var buf [wire.MaxDatagram]byte
	now := time.Now()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		sent.Add(len(members) - 1)
		now = now.Add(time.Millisecond)
		members[0].sendMeters = noLimit
		members[0].forward(p, now, nil)
		for _, m := range members[1:] {
			if err := m.sendWaiting(buf[:]); err != nil {
				b.Fatal(err)
			}
		}
		n += len(members) - 1
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/forwarded")
}

// FuzzMessage has a member of a session send any message.
func FuzzMessage(f *testing.F) {
	self, other := hello.Hash{1}, hello.Hash{2}
	for _, m := range []wire.Message{
		request(f, 0, [32]byte{}, "one"),
		wire.Sealed{Packet: reliable(1, sframe.StreamChat, "hello")},
		wire.Sealed{Packet: reliable(1, sframe.StreamVideo, "hello")},
		wire.Sealed{Packet: reliable(2, sframe.StreamChat, "hello")},
		wire.Sealed{},
		wire.Leave{},
		wire.Forward{},
		raw(""),
		wire.Forward{Pair: pair(self, other, "hello")},
		wire.Forward{Pair: pair(other, self, "hello")},
		wire.Forward{Pair: pair(self, self, "")},
		wire.Joined{},
		wire.Peer{},
		wire.Gone{},
		wire.From{},
		wire.Error{},
		wire.Watch{},
		wire.Watch{Views: []wire.View{at(0, 160, 96, 15), at(1, 1, 1, 1), at(3, 9999, 9999, 99), at(0, 640, 480, 30), at(4000, 8, 8, 8)}},
		wire.Watch{Views: []wire.View{at(2, 0, 0, 0), at(65535, 640, 480, 0)}},
		wire.Layers{Layers: make([]wire.Layer, 1)},
		wire.Resume{},
		wire.Resume{Token: [32]byte{1}, Received: 1},
		wire.Resumed{Received: 1},
		wire.Ack{Received: 1},
		wire.Away{Slot: 1, Hash: self, Away: true},
	} {
		f.Add(m.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		members := room(4)
		stranger := newMember(members[1].hub, new(gate), nil)
		stranger.conn = &benchConn{}
		last := make(map[*member]string)
		now := time.Now().Add(planEvery) // or it would be too soon after joining
		members[3].session.look(members[3], []wire.View{at(0, 320, 240, 30)}, now)
		for _, m := range members {
			last[m] = lastLayers(t, m, "")
		}
		leave, e := members[1].handle(b, now.Add(planEvery))
		if leave && e != nil {
			t.Errorf("handle(%x) left with %v", b, e)
		}
		// Only what is from the member itself reaches anybody.
		for i, m := range members {
			for out := m.log.Next(); out != nil; out = m.log.Next() {
				ok := false
				msg, err := wire.ParseMessage(out)
				switch msg := msg.(type) {
				case wire.From:
					var sender, to hello.Hash
					sender, to, err = wire.ParsePair(msg.Pair)
					ok = sender == members[1].hash && to == m.hash
				case wire.Sealed:
					var p wire.Packet
					p, err = wire.ParsePacket(msg.Packet)
					ok = p.KID.Slot() == 1 && p.KID.Stream() == sframe.StreamChat && string(out) == string(b)
				case wire.Layers:
					ok = b[0] == wire.Watch{}.Append(nil)[0]
					last[m] = layersText(msg)
				}
				if err != nil || !ok || i == 1 || e != nil || leave {
					t.Errorf("handle(%x) sent %x to %d: %v", b, out, i, err)
				}
			}
		}
		checkPlans(t, members[0].session, func(m *member) string { return last[m] })
		if e := stranger.begin(b); (e == nil) != (stranger.session != nil) {
			t.Errorf("join(%x) = %v in session %v", b, e, stranger.session)
		}
	})
}

// FuzzPacket has a member of a session send any packet.
func FuzzPacket(f *testing.F) {
	for slot := range uint16(3) {
		f.Add(sealed(slot, wire.KindVoice, 1<<40, "sealed"))
		f.Add(wire.Nack{KID: sframe.NewKID(slot, sframe.StreamVideo, 0, 0), First: 1, Bits: 5}.Append(nil))
	}
	for layer := range wire.MaxLayers {
		f.Add(layered(1, layer, 7, "sealed"))
	}
	f.Add([]byte{byte(wire.NewClear(wire.KindKey, wire.MaxLayers)), 0, 0, 0})
	f.Add([]byte{})
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > wire.MaxDatagram {
			return // no connection has longer ones
		}
		members := room(4)
		now := time.Now()
		members[3].session.look(members[3], []wire.View{at(1, 8, 8, 8)}, now)
		members[2].session.look(members[2], []wire.View{at(1, 640, 480, 30)}, now)
		members[1].forward(b, now, nil)
		p, err := wire.ParsePacket(b)
		want := err == nil && p.KID.Slot() == 1
		audience := [4]bool{true, false, true, true} // of all but pictures
		if k := p.Clear.Kind(); k == wire.KindVideo || k == wire.KindKey {
			want = want && p.Clear.Layer() < 2
			first := p.Clear.Layer() == 0
			audience = [4]bool{first, false, first, !first}
		}
		for i, m := range members {
			tk, ok := m.queue.Pop(now)
			if ok != (want && audience[i]) {
				t.Fatalf("forward(%x): member %d receives it: %v", b, i, ok)
			}
			if !ok {
				continue
			}
			var got [wire.MaxDatagram]byte
			if f, ok := tk.ring.get(tk.number, got[:]); !ok || string(got[:f.n]) != string(b) {
				t.Errorf("forward(%x): member %d receives %x", b, i, got[:f.n])
			}
		}
		wantDrops := uint64(1)
		if n, err := wire.ParseNack(b); err == nil {
			wantDrops = uint64(n.Count()) // nobody has sent any
		} else if want {
			wantDrops = 0
		}
		var drops uint64
		for r := range members[1].drops {
			drops += members[1].drops[r].Load()
		}
		if drops != wantDrops {
			t.Errorf("forward(%x): %d drops, want %d", b, drops, wantDrops)
		}
	})
}
