package call

import (
	"context"
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/video"
	"github.com/sanix-darker/s2c/internal/wire"
)

func videoKID(step uint32) sframe.KID { return sframe.NewKID(3, sframe.StreamVideo, 0, step) }

func TestGaps(t *testing.T) {
	start := time.Now()
	nack := func(step uint32, first, bits uint64) wire.Nack {
		return wire.Nack{KID: videoKID(step), First: first, Bits: bits}
	}
	type packet struct {
		step uint32
		ctr  uint64
	}
	run := func(step uint32, from, to uint64) (p []packet) {
		for i := from; i <= to; i++ {
			p = append(p, packet{step, i})
		}
		return p
	}
	tests := []struct {
		name string
		in   []packet
		want []wire.Nack
	}{
		{"nothing came", nil, nil},
		{"the first may be any", run(0, 7, 9), nil},
		{"one", []packet{{0, 7}, {0, 9}}, []wire.Nack{nack(0, 8, 1)}},
		{"the whole gap", []packet{{0, 7}, {0, 12}}, []wire.Nack{nack(0, 8, 0xf)}},
		{"two gaps", []packet{{0, 7}, {0, 9}, {0, 12}}, []wire.Nack{nack(0, 8, 0b1101)}},
		{"overtaken", []packet{{0, 7}, {0, 9}, {0, 8}}, nil},
		{"twice", []packet{{0, 7}, {0, 9}, {0, 9}, {0, 7}}, []wire.Nack{nack(0, 8, 1)}},
		{"from before the first", []packet{{0, 7}, {0, 3}}, nil},
		{"far apart", append([]packet{{0, 7}, {0, 9}}, append(run(0, 10, 80), packet{0, 82})...), []wire.Nack{nack(0, 8, 1), nack(0, 81, 1)}},
		{"no more than are of use", []packet{{0, 0}, {0, 1000}}, []wire.Nack{nack(0, 1000-maxLost, 1<<64-1)}},
		{"the next key counts from 0", []packet{{0, 7}, {1, 2}}, []wire.Nack{nack(1, 0, 0b11)}},
		{"a key that was in use", []packet{{0, 7}, {1, 900}, {1, 902}}, []wire.Nack{nack(1, 901, 1)}},
		{"late of the key before", []packet{{0, 7}, {0, 10}, {1, 0}, {0, 8}}, []wire.Nack{nack(0, 9, 1)}},
		{"unexpected of the key before", []packet{{0, 7}, {1, 0}, {0, 9}}, nil},
		{"of two keys", []packet{{0, 7}, {0, 9}, {1, 1}}, []wire.Nack{nack(0, 8, 1), nack(1, 0, 1)}},
		{"at the end of the numbers", []packet{{0, 1<<24 - 3}, {0, 1<<24 - 1}}, []wire.Nack{nack(0, 1<<24-2, 1)}},
	}
	for _, test := range tests {
		var g gaps
		for _, p := range test.in {
			g.take(videoKID(p.step), p.ctr, start)
		}
		if got, _ := g.due(nil, start, time.Second); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v: asked for %x, want %x", test.name, test.in, got, test.want)
		}
		for _, n := range test.want {
			if got, err := wire.ParseNack(n.Append(nil)); err != nil || got != n {
				t.Errorf("%s: %x is refused", test.name, n)
			}
		}
	}
}

// TestGapsGiveUp follows one missing packet until it is of no use.
func TestGapsGiveUp(t *testing.T) {
	for _, again := range []time.Duration{30 * time.Millisecond, 70 * time.Millisecond, 200 * time.Millisecond, 700 * time.Millisecond} {
		var g gaps
		start := time.Now()
		g.take(videoKID(0), 0, start)
		if opened, late := g.take(videoKID(0), 2, start); !opened || !late.IsZero() {
			t.Fatalf("opened %v, late %v, want opened alone", opened, late)
		}
		var asked []time.Duration
		at := time.Duration(0)
		for range 20 {
			nacks, left := g.due(nil, start.Add(at), again)
			if len(nacks) > 0 {
				asked = append(asked, at)
			}
			if left == 0 {
				break
			}
			at += left
		}
		var want []time.Duration
		for d := time.Duration(0); d < lostTime && len(want) < maxAsks; d += again {
			want = append(want, d)
		}
		if !slices.Equal(asked, want) || g.n != 0 {
			t.Errorf("again after %v: asked at %v, %d left, want at %v and none", again, asked, g.n, want)
		}
	}
}

func TestGapsAllocateNothing(t *testing.T) {
	var g gaps
	now := time.Now()
	nacks := make([]wire.Nack, 0, maxLost)
	ctr := uint64(0)
	n := testing.AllocsPerRun(1000, func() {
		ctr += 3
		now = now.Add(20 * time.Millisecond)
		g.take(videoKID(0), ctr, now)
		g.take(videoKID(0), ctr-1, now)
		nacks, _ = g.due(nacks[:0], now, 50*time.Millisecond)
	})
	if n != 0 || len(nacks) == 0 {
		t.Errorf("%v allocations for %d requests, want 0", n, len(nacks))
	}
}

// filmed returns n compressed pictures of a moving square. Those in refer are
// predicted from the picture given there.
func filmed(t *testing.T, n int, refer map[int]uint16) (pics []coded) {
	t.Helper()
	enc, err := video.NewEncoder(video.Config{Width: 48, Height: 32})
	if err != nil {
		t.Fatal(err)
	}
	src := image.NewYCbCr(image.Rect(0, 0, 48, 32), image.YCbCrSubsampleRatio420)
	for i := range n {
		for j := range src.Y {
			src.Y[j] = 50
			if x := j%48 - i; x >= 0 && x < 8 {
				src.Y[j] = uint8(200 - i)
			}
		}
		if id, ok := refer[i]; ok {
			enc.Refer(id)
		}
		data, p, err := enc.Encode(nil, src)
		if err != nil {
			t.Fatal(err)
		}
		pics = append(pics, coded{id: p.ID, ref: p.Ref, data: data})
	}
	return pics
}

// TestCatchUp gives a member's pictures to the decoder as they may come.
func TestCatchUp(t *testing.T) {
	type step struct {
		id     uint16
		ms     int    // when, after the start
		newest uint16 // afterwards
		ask    bool   // afterwards
	}
	const patience = 100
	tests := []struct {
		name   string
		refer  map[int]uint16
		steps  []step
		count  uint64 // decoded
		broken uint64
	}{
		{"in order", nil, []step{{0, 0, 0, false}, {1, 33, 1, false}, {2, 67, 2, false}}, 3, 0},
		{"twice", nil, []step{{0, 0, 0, false}, {1, 33, 1, false}, {1, 67, 1, false}, {0, 67, 1, false}}, 2, 0},
		{"overtaken", nil, []step{{0, 0, 0, false}, {2, 33, 0, false}, {3, 34, 0, false}, {1, 35, 3, false}}, 4, 0},
		{"overtaken twice", nil, []step{{0, 0, 0, false}, {3, 33, 0, false}, {2, 34, 0, false}, {2, 34, 0, false}, {1, 35, 3, false}}, 4, 0},
		{"late, after the patience", nil, []step{{0, 0, 0, false}, {2, 33, 0, false}, {3, 67, 0, false}, {4, 133, 0, true}, {1, 140, 4, false}}, 5, 0},
		{"two gaps", nil, []step{{0, 0, 0, false}, {2, 33, 0, false}, {4, 67, 0, false}, {1, 70, 2, false}, {5, 101, 2, false}, {3, 110, 5, false}}, 6, 0},
		{"never", map[int]uint16{5: 0}, []step{{0, 0, 0, false}, {2, 33, 0, false}, {3, 67, 0, false}, {4, 133, 0, true}, {5, 166, 5, false}, {6, 200, 6, false}}, 3, 3},
		{"too late", map[int]uint16{3: 0}, []step{{0, 0, 0, false}, {2, 33, 0, false}, {3, 67, 3, false}, {1, 80, 3, false}}, 2, 1},
		{"before the first", nil, []step{{2, 0, 0, true}, {1, 33, 0, true}, {0, 50, 2, false}}, 3, 0},
	}
	for _, test := range tests {
		pics := filmed(t, 8, test.refer)
		c := &Call{changed: make(chan struct{}, 1)}
		c.outbox.init()
		m := newMember(context.Background(), cipher.Peer{}, hearing{})
		m.patience.Store(int64(patience * time.Millisecond))
		k := catcher{dec: video.NewDecoder()}
		start := time.Now()
		for i, s := range test.steps {
			p := pics[s.id]
			p.data = slices.Clone(p.data)
			c.takePicture(m, &k, &p, start.Add(time.Duration(s.ms)*time.Millisecond))
			if k.newest != s.newest || m.ask.wanted != s.ask {
				t.Errorf("%s: step %d of %v: newest %d, asks %v, want %d, %v", test.name, i, test.steps, k.newest, m.ask.wanted, s.newest, s.ask)
			}
		}
		if m.decoded.Load() != test.count || m.broken.Load() != test.broken || test.broken == 0 && k.n != 0 {
			t.Errorf("%s: %d decoded, %d broken, %d wait, want %d, %d, none", test.name, m.decoded.Load(), m.broken.Load(), k.n, test.count, test.broken)
		}
		m.stop()
	}
}

// TestCatchUpShuffled has all pictures come, in any order within half a second:
// the end is the same as in order, and nothing of what waits is lost.
func TestCatchUpShuffled(t *testing.T) {
	const count = 200
	pics := filmed(t, count, nil)
	rnd := rand.New(rand.NewPCG(5, 6))
	order := make([]int, count)
	at := make([]int, count)
	for i := range order {
		order[i] = i
		at[i] = 10*i + rnd.IntN(10*(waitingLen-2))
	}
	at[0] = 0
	slices.SortStableFunc(order, func(a, b int) int { return at[a] - at[b] })
	c := &Call{changed: make(chan struct{}, 1)}
	c.outbox.init()
	m := newMember(t.Context(), cipher.Peer{}, hearing{})
	defer m.stop()
	k := catcher{dec: video.NewDecoder()}
	for _, i := range order {
		p := pics[i]
		p.data = slices.Clone(p.data)
		c.takePicture(m, &k, &p, time.Now())
	}
	if k.newest != count-1 || m.decoded.Load() != count || m.broken.Load() != 0 || k.n != 0 {
		t.Errorf("newest %d, %d decoded, %d broken, %d wait, want %d, %d, 0, 0", k.newest, m.decoded.Load(), m.broken.Load(), k.n, count-1, count)
	}
}

func TestRepeater(t *testing.T) {
	var r repeater
	for _, step := range []struct {
		loss float64
		want int
	}{
		{0, 0}, {0.019, 0}, {0.02, 1}, {0.011, 1}, {0.009, 0}, {0.011, 0}, {0.09, 1}, {0.11, 2}, {0.08, 2}, {0.06, 1}, {0.5, 2}, {0, 0},
	} {
		if r.adapt(step.loss); r.times != step.want {
			t.Errorf("at a loss of %v: repeats %d times, want %d", step.loss, r.times, step.want)
		}
	}
	part := func(id uint16, parts uint8, n int) wire.Part {
		return wire.Part{ID: id, Ref: id - 1, Part: parts - 1, Parts: parts, Data: make([]byte, n)}
	}
	const head = wire.PartHead
	tests := []struct {
		name  string
		last  []wire.Part // oldest first
		times int
		room  int
		want  string
	}{
		{"none yet", nil, 2, 1000, "[]"},
		{"none asked for", []wire.Part{part(1, 1, 10)}, 0, 1000, "[]"},
		{"one", []wire.Part{part(1, 1, 10), part(2, 1, 10)}, 1, 1000, "[2]"},
		{"two, the oldest first", []wire.Part{part(1, 1, 10), part(2, 1, 10)}, 2, 1000, "[1 2]"},
		{"two just fit", []wire.Part{part(1, 1, 10), part(2, 1, 10)}, 2, 20 + 2*head, "[1 2]"},
		{"the newer fits", []wire.Part{part(1, 1, 10), part(2, 1, 10)}, 2, 20 + 2*head - 1, "[2]"},
		{"the newer does not fit", []wire.Part{part(1, 1, 10), part(2, 1, 100)}, 2, 99 + head, "[]"},
		{"of two parts", []wire.Part{part(1, 1, 10), part(2, 2, 10)}, 2, 1000, "[]"},
		{"of two parts before", []wire.Part{part(1, 2, 10), part(2, 1, 10)}, 2, 1000, "[2]"},
		{"only the last two", []wire.Part{part(1, 1, 10), part(2, 1, 10), part(3, 1, 10)}, 2, 1000, "[2 3]"},
	}
	for _, test := range tests {
		r := repeater{times: test.times}
		for _, p := range test.last {
			r.remember(p)
		}
		b := r.append(nil, test.room)
		if len(b) > test.room {
			t.Errorf("%s: %d bytes, more than %d", test.name, len(b), test.room)
		}
		got := []uint16{}
		for len(b) > 0 {
			p, rest, err := wire.ParsePart(b)
			if err != nil || p.Ref != p.ID-1 {
				t.Fatalf("%s: %+v, %v", test.name, p, err)
			}
			got, b = append(got, p.ID), rest
		}
		if fmt.Sprint(got) != test.want {
			t.Errorf("%s: repeats %v, want %v", test.name, got, test.want)
		}
	}
}

func TestRepeaterAllocatesNothing(t *testing.T) {
	r := repeater{times: 2}
	p := wire.Part{ID: 1, Parts: 1, Data: make([]byte, 300)}
	var buf [wire.MaxPlain]byte
	if n := testing.AllocsPerRun(100, func() { r.remember(p); r.append(buf[:0], wire.MaxPart) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// TestGapsOfLayers holds that the pictures of another size begin without a gap,
// and that nothing of those before is asked for any more.
func TestGapsOfLayers(t *testing.T) {
	start := time.Now()
	var g gaps
	take := func(stream sframe.Stream, ctr uint64) { g.take(sframe.NewKID(3, stream, 0, 0), ctr, start) }
	take(sframe.StreamVideo, 7)
	take(sframe.StreamVideo, 9) // 8 is missing
	take(sframe.StreamVideo1, 500)
	take(sframe.StreamVideo1, 502)
	want := []wire.Nack{{KID: sframe.NewKID(3, sframe.StreamVideo1, 0, 0), First: 501, Bits: 1}}
	if got, _ := g.due(nil, start, time.Second); !slices.Equal(got, want) {
		t.Errorf("asks for %+v, want %+v", got, want)
	}
	take(sframe.StreamVideo, 90)
	if got, _ := g.due(nil, start, time.Second); len(got) != 0 {
		t.Errorf("back at the first size: asks for %+v, want nothing", got)
	}
}
