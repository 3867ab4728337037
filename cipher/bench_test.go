package cipher

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// TestAllocs checks that the hot path allocates nothing, also right after a
// ratchet or with a new generation, apart from the first packet of each stream.
func TestAllocs(t *testing.T) {
	p := newParty(t, 2, "")
	a, b := p.members[0], p.members[1]
	plain := make([]byte, 1100)
	packet := make([]byte, 0, len(plain)+Overhead)
	opened := make([]byte, 0, len(plain))
	sealAndOpen := func() (err error) {
		if packet, err = a.Seal(packet[:0], sframe.StreamVoice, 0x08, plain); err == nil {
			opened, _, err = b.Open(opened[:0], packet)
		}
		return err
	}
	forged := append(mustSeal(t, a, "x"), 0)
	check := func(name string, run func() error) {
		t.Helper()
		if n := testing.AllocsPerRun(200, func() {
			if err := run(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
	checkHears(t, b, a) // the first packet of the stream
	check("Seal and Open", sealAndOpen)
	check("Open of a repeated packet", func() error {
		_, _, err := b.Open(opened[:0], packet)
		return ignore(err, ErrReplay)
	})
	check("Open of a forged packet", func() error {
		forged[len(forged)-1]++
		_, _, err := b.Open(opened[:0], forged)
		return ignore(err, ErrAuth)
	})
	connect(t, a, inSlot(t, 100, 100, ""))
	check("Seal after a ratchet", func() (err error) {
		packet, err = a.Seal(packet[:0], sframe.StreamVoice, 0x08, plain)
		return err
	})
	checkHears(t, b, a)
	check("Seal and Open after a ratchet", sealAndOpen)
	a.turn.due = p.now
	p.due(a)
	if a.own.gen != 1 {
		p.pass(turnWait)
	}
	checkHears(t, b, a)
	check("Seal and Open with a new generation", sealAndOpen)
	if a.own.gen != 1 || a.own.step != 0 {
		t.Errorf("generation %d, step %d", a.own.gen, a.own.step)
	}
}

// ignore returns an error unless err is the expected one.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return fmt.Errorf("got %w, want %w", err, expected)
}

// The sizes of payloads, in bytes: voice at 24 kbit/s, voice at its best, and a
// full packet of video.
var sizes = []int{60, 160, 1100}

func BenchmarkSeal(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := fixed(b, 1)
			t := s.sealers[sframe.StreamVideo]
			plain, packet := make([]byte, size), make([]byte, 0, size+Overhead)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				t.next = 70000 // more than 2^24 rounds may be asked for
				if _, err := s.Seal(packet, sframe.StreamVideo, 0x12, plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, peer := fixed(b, 1), fixed(b, 2)
			connect(b, s, peer)
			checkHears(b, s, peer)
			packet, err := peer.Seal(nil, sframe.StreamVoice, 0x08, make([]byte, size))
			if err != nil {
				b.Fatal(err)
			}
			r := s.openers[2].gens[0].streams[sframe.StreamVoice][0]
			dst := make([]byte, 0, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				r.seen = window{}
				if _, _, err := s.Open(dst, packet); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCall does in each round what a member does in a second of a call of
// ten: 880 packets, of which each member seals 88. 50 are voice of 160 bytes,
// one for each 20 ms; the others are video of 1,100 bytes.
func BenchmarkCall(b *testing.B) {
	const voice, video = 50, 38
	me := fixed(b, 0)
	var packets [][]byte
	for i := 1; i < 10; i++ {
		peer := fixed(b, i)
		connect(b, me, peer)
		for n := range voice + video {
			stream, size := sframe.StreamVoice, 160
			if n >= voice {
				stream, size = sframe.StreamVideo, 1100
			}
			p, err := peer.Seal(nil, stream, 0, make([]byte, size))
			if err != nil {
				b.Fatal(err)
			}
			packets = append(packets, p)
		}
	}
	plain, buf := make([]byte, 1100), make([]byte, 0, 1100+Overhead)
	for _, p := range packets { // the first of each stream derives its key
		if _, _, err := me.Open(buf[:0], p); err != nil {
			b.Fatal(err)
		}
	}
	second := func() {
		for n := range voice + video {
			stream, size := sframe.StreamVoice, 160
			if n >= voice {
				stream, size = sframe.StreamVideo, 1100
			}
			if _, err := me.Seal(buf[:0], stream, 0, plain[:size]); err != nil {
				b.Fatal(err)
			}
		}
		for _, o := range me.openers {
			o.gens[0].streams[sframe.StreamVoice][0].seen = window{}
			o.gens[0].streams[sframe.StreamVideo][0].seen = window{}
		}
		for _, p := range packets {
			if _, _, err := me.Open(buf[:0], p); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	rounds := 0
	for b.Loop() {
		if rounds%100 == 0 {
			for _, t := range me.sealers {
				t.next = 0 // more than 2^24 packets may be asked for
			}
		}
		rounds++
		second()
	}
	b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N), "%core")
}

// BenchmarkForged opens forged packets that cost the most: they are seven steps
// ahead, so that seven ratchets and a key are derived for each.
func BenchmarkForged(b *testing.B) {
	for _, ahead := range []uint32{0, 1, maxAhead} {
		b.Run(fmt.Sprint("ahead=", ahead), func(b *testing.B) {
			s, peer := fixed(b, 1), fixed(b, 2)
			connect(b, s, peer)
			checkHears(b, s, peer)
			packet := sframe.AppendHeader([]byte{0x08}, uint64(sframe.NewKID(2, sframe.StreamVoice, 0, ahead)), 70000)
			packet = append(packet, make([]byte, 1100+tagLen)...)
			dst := make([]byte, 0, 1100)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Open(dst, packet); !errors.Is(err, ErrAuth) {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHandshake runs a whole handshake, both sides of it.
func BenchmarkHandshake(b *testing.B) {
	for _, passphrase := range []string{"", phrase} {
		b.Run(fmt.Sprintf("passphrase=%t", passphrase != ""), func(b *testing.B) {
			x, y := started(b, 1, passphrase), started(b, 2, passphrase)
			vx, vy := verified(b, x), verified(b, y)
			b.ReportAllocs()
			for b.Loop() {
				if err := y.Meet(epoch, x.slot, vx); err != nil {
					b.Fatal(err)
				}
				m, err := x.Welcome(epoch, y.slot, vy)
				if err != nil {
					b.Fatal(err)
				}
				for to, from := y, x; m != nil; to, from = from, to {
					out := take(b, to, m)
					if m = nil; len(out.Pair) > 0 {
						m = out.Pair[0]
					}
				}
				for _, s := range []*Session{x, y} {
					s.Forget(epoch, x.hash)
					s.Forget(epoch, y.hash)
					clear(s.gone)
				}
			}
		})
	}
}

// BenchmarkWelcome welcomes one joiner; BenchmarkVerify is what comes before.
func BenchmarkWelcome(b *testing.B) {
	for _, passphrase := range []string{"", phrase} {
		b.Run(fmt.Sprintf("passphrase=%t", passphrase != ""), func(b *testing.B) {
			s, v := started(b, 1, passphrase), verified(b, started(b, 2, passphrase))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Welcome(epoch, 2, v); err != nil {
					b.Fatal(err)
				}
				s.Forget(epoch, v.Hash())
				clear(s.gone)
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	s := fixed(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := hello.Verify(s.hello, s.cert); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTurn makes a new generation, tells everybody and takes what they
// answer: what a leave costs each of those who stay, as a sender. What it costs
// them as receivers is BenchmarkLearn, once for each other.
func BenchmarkTurn(b *testing.B) {
	for _, n := range []int{9, 49} {
		b.Run(fmt.Sprint("peers=", n), func(b *testing.B) {
			s := fixed(b, 0)
			byID := make(map[hello.Hash]*Session)
			for i := range n {
				peer := fixed(b, 1+i)
				connect(b, s, peer)
				byID[peer.hash] = peer
			}
			now, size := epoch, 0
			s.Due(now.Add(time.Second))
			s.code.at = time.Time{} // the code is another matter
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(time.Second)
				s.turn.due = now
				s.turn.age = now.Add(time.Hour)
				s.last = now
				out, _ := s.Due(now)
				b.StopTimer()
				var acks [][]byte
				size = 0
				for _, m := range out.Pair {
					size += len(m)
					acks = append(acks, take(b, byID[hello.Hash(m[33:65])], m).Pair...)
				}
				b.StartTimer()
				for _, m := range acks {
					if _, err := s.Handle(now, m); err != nil {
						b.Fatal(err)
					}
				}
				if s.turn.pending || len(acks) != n {
					b.Fatalf("%d acks, pending %v", len(acks), s.turn.pending)
				}
			}
			b.ReportMetric(float64(size)/float64(n), "B/peer")
		})
	}
}

func BenchmarkLearn(b *testing.B) {
	s, peer := fixed(b, 1), fixed(b, 2)
	connect(b, s, peer)
	p := peer.peers[s.hash]
	g := generation{base: newSecret(keysOf(3).base)}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		g.gen++
		m := peer.box(p, peer.state(&g))
		b.StartTimer()
		take(b, s, m)
	}
}
