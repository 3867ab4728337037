package transport

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A relayPeer sends what comes to others, as a hub does, through a queue of its
// own that holds whatever comes.
type relayPeer struct {
	conn   Direct
	others []*relayPeer

	// Guarded by mu.
	mu    sync.Mutex
	queue fifo
}

func newRelayPeer(c Direct) *relayPeer { return &relayPeer{conn: c, queue: fifo{limit: 1 << 20}} }

// put has b wait.
func (r *relayPeer) put(b []byte) {
	r.mu.Lock()
	r.queue.push(b)
	r.mu.Unlock()
}

// Take implements Peer.
func (r *relayPeer) Take(b []byte, _ time.Time, t *Turn) {
	for _, o := range r.others {
		o.put(b)
		o.conn.Wake(t)
	}
}

// Give implements Peer.
func (r *relayPeer) Give(b []byte, _ time.Time) (n int, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.queue.used == 0:
		return 0, false
	case r.queue.size() > len(b):
		return 0, true
	}
	return len(r.queue.pop(b[:0])), false
}

// serveRoom connects so many members to l whose datagrams go to all others.
func serveRoom(t *testing.T, l *HubListener, d DialConfig, count int) (members []*conn) {
	t.Helper()
	var peers []*relayPeer
	for range count {
		hub, member := connect(t, l, d)
		if !d.NoUDP {
			onUDP(t, hub, member)
		}
		members, peers = append(members, member), append(peers, newRelayPeer(hub))
	}
	for i, p := range peers {
		p.others = slices.Concat(peers[:i], peers[i+1:])
	}
	for _, p := range peers {
		p.conn.Serve(p)
	}
	return members
}

// TestServe relays datagrams of all sizes between three members, over UDP through
// one shard and through several that gather or do not, and over TLS.
func TestServe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		shards int
		gather int
		noUDP  bool
	}{
		{"a shard", 1, 0, false},
		{"a shard that gathers", 1, 2, false},
		{"shards", 3, 0, false},
		{"shards that gather", 3, 1, false},
		{"TLS", 1, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := listen(t, ListenConfig{Shards: tt.shards, gather: tt.gather})
			if want := map[bool]int{true: tt.shards, false: 1}[canShare]; len(l.mux.sockets) != want {
				t.Fatalf("%d sockets, want %d", len(l.mux.sockets), want)
			}
			members := serveRoom(t, l, DialConfig{NoUDP: tt.noUDP}, 3)
			for n := range 60 {
				from := members[n%3]
				want := make([]byte, (n*97)%MaxDatagram+1)
				for i := range want {
					want[i] = byte(n + i)
				}
				for range 5 {
					if err := from.SendDatagram(want); err != nil {
						t.Fatal(err)
					}
				}
				for i, to := range members {
					if i == n%3 {
						continue
					}
					for range 5 {
						var b [MaxDatagram]byte
						if got, err := to.RecvDatagram(b[:]); err != nil || string(b[:got]) != string(want) {
							t.Fatalf("datagram %d of %d bytes comes with %d, %v", n, len(want), got, err)
						}
					}
				}
			}
			if n := l.mux.refused.Load(); n != 0 {
				t.Errorf("the system refused %d packets", n)
			}
		})
	}
}

// TestServeFallsBack checks that what waits goes over TLS when UDP ends, and over
// UDP again.
func TestServeFallsBack(t *testing.T) {
	l := listen(t, ListenConfig{})
	p := newProxy(t, l.Addr())
	members := serveRoom(t, l, DialConfig{Addr: p.addr}, 2)
	for range 2 {
		transfer(t, members[0], members[1], "over UDP")
		p.blocked.Store(true)
		until(t, "the members fall back", func() bool { return pathOf(members[0]) == PathTLS && pathOf(members[1]) == PathTLS })
		transfer(t, members[0], members[1], "over TLS")
		p.blocked.Store(false)
		until(t, "the members return", func() bool { return pathOf(members[0]) == PathUDP && pathOf(members[1]) == PathUDP })
	}
}

// A wire is a batcher in memory: what is put in is read once, and what is written
// is counted.
type wire struct {
	packets     [][]byte
	from        netip.AddrPort
	sent, bytes int
	calls       int

	// Guarded by mu.
	mu   sync.Mutex
	keep bool
	kept []message // what was written, if keep is set
}

// read implements batcher.
func (w *wire) read(ms []message, _ bool) (int, error) {
	n := 0
	for n < len(ms) && len(w.packets) > 0 {
		ms[n].n, ms[n].addr = copy(ms[n].b, w.packets[0]), w.from
		w.packets = w.packets[1:]
		n++
	}
	if n == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	return n, nil
}

// write implements batcher.
func (w *wire) write(ms []message) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	for _, m := range ms {
		w.sent++
		if w.keep {
			w.kept = append(w.kept, message{b: bytes.Clone(m.b), addr: m.addr})
		}
		w.bytes += len(m.b)
	}
	return len(ms), nil
}

// A ward is a shard in memory that relays for a room: whatever comes from the
// first member goes to all others.
type ward struct {
	shard  *shard
	wire   *wire
	sealer *sealer // of the first member
	packet packet
	peers  []*relayPeer

	sealers []*sealer // of the members
	openers []*opener
}

// leastReport is the size in bytes of a report without samples.
const leastReport = 13

func newWard(t testing.TB, members int) *ward {
	from := netip.MustParseAddrPort("192.0.2.1:1")
	w := &ward{wire: &wire{from: from}}
	m := &mux{conns: make(map[uint32]*conn)}
	w.shard = newShard(m, w.wire, 0)
	for i := range members {
		s, o := sealPair(t)
		c := &conn{
			in: newInbox(false), keeper: newKeeper(func() time.Time { return time.Time{} }), ready: make(chan struct{}, 1), opener: *o, timing: defaultTiming, id: uint32(i + 1),
		}
		c.late = newKeeper(func() time.Time { w.late(c); return time.Time{} })
		c.sealer.aead, c.sealer.id = o.aead, c.id
		c.path = path{timing: &c.timing, hub: true, active: true, addr: from}
		c.target.Store(&from)
		p := newRelayPeer(c)
		var peer Peer = p
		c.peer.Store(&peer)
		m.conns[c.id] = c
		w.peers = append(w.peers, p)
		s.id = c.id
		w.sealers, w.openers = append(w.sealers, s), append(w.openers, &opener{aead: s.aead})
		if i == 0 {
			w.sealer = s
		}
	}
	w.peers[0].others = w.peers[1:]
	return w
}

// late does what conn.sendLate does, without a socket.
func (w *ward) late(c *conn) {
	var p packet
	c.giveMu.Lock()
	defer c.giveMu.Unlock()
	for b := c.pack(&p, *c.peer.Load(), time.Now()); b != nil; b = c.pack(&p, *c.peer.Load(), time.Now()) {
		if _, err := w.wire.write([]message{{b: b, addr: w.wire.from}}); err != nil {
			panic(err)
		}
	}
}

// relay has the first member send datagrams of so many bytes at once.
func (w *ward) relay(count int, body []byte) {
	for i := range count {
		b := w.sealer.seal(&w.packet, frameDatagram, body, 0)
		m := &w.shard.in[i]
		m.n, m.addr = copy(m.b, b), w.wire.from
	}
	w.shard.work(count)
}

// TestShardPacks checks how many packets datagrams become that come at once.
func TestShardPacks(t *testing.T) {
	for _, tt := range []struct {
		count, size int
		packets     int // to each
	}{
		{1, 100, 1},
		{10, 100, 1},        // 10 times 103 bytes
		{12, 100, 2},        // 1171 bytes hold 11 of 103
		{5, 700, 5},         //
		{4, MaxDatagram, 4}, //
		{64, 10, 1},
	} {
		const members = 4
		w := newWard(t, members)
		w.relay(tt.count, make([]byte, tt.size))
		// Besides there is the report to the first one, in a packet of its own.
		if want := tt.packets*(members-1) + 1; w.wire.sent != want || w.wire.calls != 1 {
			t.Errorf("%d datagrams of %d bytes become %d packets in %d calls, want %d in 1", tt.count, tt.size, w.wire.sent, w.wire.calls, want)
		}
		payload := (members - 1) * tt.count * (frameHead + tt.size)
		if want := payload + w.wire.sent*sealOverhead + frameHead + leastReport; w.wire.bytes != want {
			t.Errorf("%d datagrams of %d bytes become %d bytes, want %d", tt.count, tt.size, w.wire.bytes, want)
		}
	}
}

// TestShardFlushes checks that more packets than a batch has go out.
func TestShardFlushes(t *testing.T) {
	w := newWard(t, batchLen)
	w.relay(3, make([]byte, 700))
	if want := 3*(batchLen-1) + 1; w.wire.sent != want || w.wire.calls != 3 {
		t.Errorf("%d packets in %d calls, want %d in 3", w.wire.sent, w.wire.calls, want)
	}
	if len(w.shard.turn.conns) != 0 || w.shard.waiting != 0 {
		t.Error("something is left")
	}
}

// TestShardBehind checks that a shard which gathers does not when more has come than
// a turn takes, which would make it still later, and does otherwise.
func TestShardBehind(t *testing.T) {
	for _, tt := range []struct {
		waiting int // besides a full batch
		left    int // after the turn
		gather  time.Duration
	}{
		{0, 0, 2 * time.Millisecond},
		{batchLen, 0, 2 * time.Millisecond},
		{rounds*batchLen - 1, 0, 2 * time.Millisecond},
		{rounds * batchLen, 0, 0},
		{10 * batchLen, (10 - rounds) * batchLen, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWard(t, 2)
			w.shard.timer = time.NewTimer(0) // the bubble's
			w.shard.timer.Stop()
			w.shard.gather.step, w.shard.beat = 2, time.Now()
			for range tt.waiting {
				w.wire.packets = append(w.wire.packets, bytes.Clone(w.sealer.seal(&w.packet, frameDatagram, []byte{1}, 0)))
			}
			begin := time.Now()
			w.relay(batchLen, []byte{1})
			if got, left := time.Since(begin), len(w.wire.packets); got != tt.gather || left != tt.left {
				t.Errorf("with %d packets waiting a turn gathers for %v and leaves %d, want %v and %d", tt.waiting, got, left, tt.gather, tt.left)
			}
		})
	}
}

func TestShardAllocatesNothing(t *testing.T) {
	w := newWard(t, 10)
	body := make([]byte, 200)
	w.relay(batchLen, body)
	if n := testing.AllocsPerRun(100, func() { w.relay(8, body) }); n != 0 {
		t.Errorf("a turn of 8 packets to 9 members allocates %v times", n)
	}
}

// TestGather checks how a shard comes to gather and stops to.
func TestGather(t *testing.T) {
	type span struct {
		share float64
		count int
	}
	for _, tt := range []struct {
		spans []span
		want  time.Duration
	}{
		{nil, 0},
		{[]span{{0.2, 10}}, 0},
		{[]span{{0.35, 1}}, time.Millisecond},
		{[]span{{0.35, 1}, {0.15, 10}}, time.Millisecond},
		{[]span{{0.35, 1}, {0.05, 1}}, 0},
		{[]span{{0.5, 2}}, 2 * time.Millisecond},
		{[]span{{0.9, 3}}, 5 * time.Millisecond},
		{[]span{{0.9, 10}}, 5 * time.Millisecond},
		{[]span{{0.9, 3}, {0.3, 10}}, 5 * time.Millisecond},
		{[]span{{0.9, 3}, {0.22, 1}}, 2 * time.Millisecond},
		{[]span{{0.9, 3}, {0.01, 3}}, 0},
	} {
		var g gather
		now := time.Unix(1000, 0)
		g.worked(now, now)
		for _, s := range tt.spans {
			for range s.count * 10 {
				now = now.Add(gatherSpan / 10)
				g.worked(now.Add(-time.Duration(s.share*float64(gatherSpan)/10)), now)
			}
		}
		if got := g.wait(); got != tt.want {
			t.Errorf("after %v it gathers for %v, want %v", tt.spans, got, tt.want)
		}
		g.never = true
		if got := g.wait(); got != 0 {
			t.Errorf("after %v one that never gathers does so for %v", tt.spans, got)
		}
	}
}

// BenchmarkShard relays a voice packet to nine others, one that comes alone and
// eight at once.
func BenchmarkShard(b *testing.B) {
	for _, count := range []int{1, 8} {
		b.Run(fmt.Sprintf("%d at once", count), func(b *testing.B) {
			w := newWard(b, 10)
			body := make([]byte, 110)
			b.ReportAllocs()
			for b.Loop() {
				w.relay(count, body)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count*9), "ns/forwarded")
		})
	}
}
