package audio

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// samples is the sound of one chunk.
type samples = [media.ChunkSamples]int16

// fakeDecoder decodes packets of fakePacket: cheap enough for hours of calls.
type fakeDecoder struct {
	played []uint32 // serial numbers in the order of decoding
}

func (f *fakeDecoder) decode(packet []byte, pcm []int16) error {
	n := binary.BigEndian.Uint32(packet[1:])
	f.played = append(f.played, n)
	fill(pcm, packet[5])
	return nil
}

func (f *fakeDecoder) conceal(pcm []int16) error {
	fill(pcm, 0)
	return nil
}

func (f *fakeDecoder) decodeFEC([]byte, []int16) (bool, error) { return false, nil }

func (f *fakeDecoder) reset() {}

// fill makes sound of a square wave with that amplitude, in steps of 128.
func fill(pcm []int16, amplitude byte) {
	x := int16(amplitude) * 128
	for i := range pcm {
		pcm[i] = x
		if i%32 == 31 {
			x = -x
		}
	}
}

// fakePacket returns a packet of 20 ms that is well-formed and says who it is.
func fakePacket(serial int, amplitude byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte{15 << 3}, uint32(serial))
	return append(b, amplitude)
}

// fakeShort is a fakePacket of 10 ms.
func fakeShort(serial int, amplitude byte) []byte {
	b := fakePacket(serial, amplitude)
	b[0] = 14 << 3
	return b
}

// A sim is a call of one direction: a sender, a network, a playing device.
// The zero values make a perfect one, 50 ms away.
type sim struct {
	length  time.Duration
	short   bool          // packets of 10 ms
	phase   time.Duration // of the first Get after the first chunk was captured
	seed    uint64
	drift   float64       // how much slower the sender's clock is, in ppm
	first   uint16        // wire index of the first packet
	grain   time.Duration // packets arrive in multiples of this
	jitter  func(r *rand.Rand, i int, sent time.Duration) time.Duration
	ordered bool // the network keeps the order
	lost    func(r *rand.Rand, i int) bool
	twice   func(i int) bool                                    // the packet comes twice
	again   int                                                 // each packet has that much older one in it again
	stalls  []span                                              // packets of that time come at its end
	mutes   []span                                              // nothing is sent then
	held    time.Duration                                       // what comes at its end, of a mute
	skim    func(at time.Duration) bool                         // nobody is to hear it then
	route   func(sent time.Duration) time.Duration              // what the way takes longer
	restart func(i int, index uint16) uint16                    // changes the index of a chunk
	gets    func(i int, at time.Duration) (time.Duration, bool) // changes when a Get is, or drops it
	talk    func(i int) byte                                    // amplitude of a chunk
}

type span struct{ from, to time.Duration }

func (s span) has(t time.Duration) bool { return t >= s.from && t < s.to }

// An event is a packet that arrives or a Get.
type event struct {
	at     time.Duration
	packet bool
	p      Packet
}

// A point is what a Get gave.
type point struct {
	at    time.Duration
	ok    bool
	stats VoiceStats
	depth time.Duration // from capture to Get of the last chunk, less the 50 ms of the way
}

const way = 50 * time.Millisecond

func (s *sim) events() []event {
	r := rand.New(rand.NewPCG(s.seed, 1))
	var all []event
	var last time.Duration
	var before [][]byte // what was sent
	span, fake := LongPacket, fakePacket
	if s.short {
		span, fake = ShortPacket, fakeShort
	}
	n := uint16(ticks(span))
	for i := 0; ; i++ {
		sent := time.Duration(float64(i) * float64(span) * (1 + s.drift/1e6))
		if sent >= s.length {
			break
		}
		amplitude := byte(100)
		if s.talk != nil {
			amplitude = s.talk(i * int(n))
		}
		p := Packet{Index: s.first + uint16(i)*n, Opus: fake(i, amplitude)}
		before = append(before, p.Opus)
		if s.restart != nil {
			p.Index = s.restart(i*int(n), p.Index)
		}
		at := sent + way
		if s.jitter != nil {
			at += s.jitter(r, i, sent)
		}
		if s.route != nil {
			at += s.route(sent)
		}
		for _, st := range s.stalls {
			if st.has(at) {
				at = st.to
			}
		}
		if s.ordered {
			at = max(at, last)
			last = at
		}
		if s.grain > 0 {
			at = (at + s.grain - 1) / s.grain * s.grain
		}
		gone := s.lost != nil && s.lost(r, i)
		for _, m := range s.mutes {
			if m.has(sent) && m.to-sent <= s.held {
				p.Held, at = true, m.to+way
			} else {
				gone = gone || m.has(sent)
			}
		}
		if gone {
			continue
		}
		p.Age = at - sent
		if s.again > 0 && i >= s.again {
			old := p
			old.Index, old.Behind = p.Index-uint16(s.again)*n, uint8(s.again)
			old.Age += time.Duration(s.again) * span
			old.Opus = before[i-s.again]
			all = append(all, event{at: at, packet: true, p: old})
		}
		all = append(all, event{at: at, packet: true, p: p})
		if s.twice != nil && s.twice(i) {
			all = append(all, event{at: at + 45*time.Millisecond, packet: true, p: p})
		}
	}
	for i := 0; ; i++ {
		at := s.phase + time.Duration(i)*chunk
		if at >= s.length {
			break
		}
		keep := true
		if s.gets != nil {
			at, keep = s.gets(i, at)
		}
		if keep {
			all = append(all, event{at: at})
		}
	}
	slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return all
}

// run plays the call and returns what every Get gave. It fails the test when
// a chunk is decoded twice or out of order.
func (s *sim) run(t *testing.T) []point {
	t.Helper()
	f := new(fakeDecoder)
	v := newVoice(f)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var points []point
	var c media.Chunk
	for _, e := range s.events() {
		if e.packet {
			v.Put(start.Add(e.at), e.p)
			continue
		}
		before := len(f.played)
		ok := false
		if s.skim != nil && s.skim(e.at) {
			ok, c = v.Skim(start.Add(e.at)), media.Chunk{}
			if len(f.played) != before {
				t.Fatalf("at %v Skim decodes", e.at)
			}
		} else {
			ok = v.Get(start.Add(e.at), &c)
		}
		st := v.Stats()
		points = append(points, point{at: e.at, ok: ok, stats: st, depth: st.Delay - way})
		if !ok && c.PCM != (samples{}) {
			t.Fatalf("at %v Get reports false with sound", e.at)
		}
	}
	if !slices.IsSorted(f.played) || len(slices.Compact(slices.Clone(f.played))) != len(f.played) {
		t.Error("chunks were decoded twice or out of order")
	}
	return points
}

// between returns the points of a span of time.
func between(points []point, from, to time.Duration) []point {
	i := slices.IndexFunc(points, func(p point) bool { return p.at >= from })
	j := slices.IndexFunc(points, func(p point) bool { return p.at >= to })
	if j < 0 {
		j = len(points)
	}
	return points[i:j]
}

// depths returns the least, mean and greatest depth.
func depths(points []point) (low, mean, high time.Duration) {
	low = math.MaxInt64
	for _, p := range points {
		low, high, mean = min(low, p.depth), max(high, p.depth), mean+p.depth
	}
	return low, mean / time.Duration(len(points)), high
}

// concealed returns the share of the chunks that were made up.
func concealed(points []point) float64 {
	a, b := points[0].stats, points[len(points)-1].stats
	made, played := b.Concealed-a.Concealed, b.Played-a.Played
	return float64(made) / float64(made+played)
}
