package hub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/internal/video"
	"github.com/sanix-darker/s2c/internal/wire"
)

func TestConstantsMatchVideo(t *testing.T) {
	if maxWidth != video.MaxWidth || maxHeight != video.MaxHeight {
		t.Errorf("at most %dx%d, want %dx%d", maxWidth, maxHeight, video.MaxWidth, video.MaxHeight)
	}
}

// sizes reads sizes as sizeText writes them.
func sizes(t *testing.T, text string) (s []wire.Size) {
	t.Helper()
	for f := range strings.FieldsSeq(text) {
		var v wire.Size
		number, tall := strings.CutSuffix(f, "t")
		number, colour := strings.CutSuffix(number, "c")
		if _, err := fmt.Sscanf(number, "%dx%d@%d", &v.Width, &v.Height, &v.FPS); err != nil {
			t.Fatalf("size %q: %v", f, err)
		}
		v.Colour, v.Tall = colour, tall
		s = append(s, v)
	}
	return s
}

func TestAllowed(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"160x96@15", "160x96@15"},
		{"160x96@15c", "160x96@15c"},
		{"161x95@15", "168x96@15"},
		{"1x1@1", "8x8@1"},
		{"640x480@30", "640x480@30"},
		{"641x473@31", "640x480@30"},
		{"65535x65535@255c", "640x480@30c"},
		{"65535x1@1", "640x8@1"},
		{"0x0@0", "0x0@0"},
		{"0x0@30c", "0x0@0c"},
		{"160x96@0", "0x0@0"},
		{"160x96@0t", "0x0@0"},
		{"116x34@15ct", "120x36@15ct"},
		{"640x480@30t", "640x240@30t"},
	} {
		if got := sizeText(allowed(sizes(t, test.in)[0])); got != test.want {
			t.Errorf("allowed(%s) = %s, want %s", test.in, got, test.want)
		}
	}
}

func TestTidy(t *testing.T) {
	got := tidy([]wire.View{at(9, 100, 80, 5), at(2, 10, 10, 1), at(9, 640, 480, 30), at(65535, 9999, 1, 1), at(2, 20, 20, 2)})
	want := []wire.View{at(2, 16, 16, 1), at(9, 104, 80, 5), at(65535, 640, 8, 1)}
	if !slices.Equal(got, want) {
		t.Errorf("tidy = %v, want %v", got, want)
	}
	for _, v := range want {
		if size, ok := lookup(got, v.Slot); !ok || size != v.Size {
			t.Errorf("lookup(%d) = %v, %v, want %v", v.Slot, size, ok, v.Size)
		}
	}
	for _, slot := range []uint16{0, 3, 10, 65534} {
		if size, ok := lookup(got, slot); ok {
			t.Errorf("lookup(%d) = %v, want none", slot, size)
		}
	}
}

func TestGroup(t *testing.T) {
	tests := []struct {
		name   string
		wants  string
		places string
		layers string
	}{
		{name: "nobody"},
		{"one", "160x96@15", "0", "160x96@15"},
		{"as the sender likes", "0x0@0", "0", "0x0@0"},
		{"as the sender likes, in colour", "0x0@0 0x0@0c", "00", "0x0@0c"},
		{"equal", "160x96@15 160x96@15", "00", "160x96@15"},
		{"the most of each", "160x96@15 152x104@10c", "00", "160x104@15c"},
		{"40 % is not much less", "200x100@10 80x100@10", "00", "200x100@10"},
		{"below it", "200x100@10 72x100@10c", "01", "200x100@10 72x100@10c"},
		{"less often", "200x100@30 200x100@10", "01", "200x100@30 200x100@10"},
		{"the largest comes first", "80x48@10 640x480@30", "10", "640x480@30 80x48@10"},
		{"three", "640x480@30 320x240@30 160x120@15", "012", "640x480@30 320x240@30 160x120@15"},
		{"never four", "640x480@30 320x240@30 160x120@15 40x24@10c 16x16@1", "01222", "640x480@30 320x240@30 160x120@15c"},
		{"measured by the first of a layer", "200x100@10 120x100@10 72x100@10 48x100@10 24x100@10", "00112", "200x100@10 72x100@10 24x100@10"},
		{"guests get the first", "0x0@0 64x48@5 320x240@30 0x0@0c", "0100", "320x240@30c 64x48@5"},
		{"a wide and a high one together", "200x100@10 8x480@10 640x8@10", "000", "640x480@10"},
		{"two of high pixels", "120x36@15t 112x40@15ct", "00", "120x40@15ct"},
		{"one of high and one of square pixels", "120x36@15t 120x72@15", "00", "120x72@15"},
		{"of high pixels, much less", "120x72@15 48x16@15t", "01", "120x72@15 48x16@15t"},
		{"a guest with high pixels", "120x36@15t 0x0@0c", "00", "120x36@15ct"},
		{"those merge, and a third moves up", "400x100@30 96x160@30 240x64@30 16x16@1", "0001", "400x160@30 16x16@1"},
	}
	for _, test := range tests {
		wants := sizes(t, test.wants)
		place := make([]uint8, len(wants))
		l := group(wants, place)
		var places, texts []string
		for _, p := range place {
			places = append(places, fmt.Sprint(p))
		}
		for _, s := range l.size[:l.n] {
			texts = append(texts, sizeText(s))
		}
		if got := strings.Join(places, ""); got != test.places {
			t.Errorf("%s: group(%s): places %s, want %s", test.name, test.wants, got, test.places)
		}
		if got := strings.Join(texts, " "); got != test.layers {
			t.Errorf("%s: group(%s) = %s, want %s", test.name, test.wants, got, test.layers)
		}
	}
}

// randomSize returns what somebody may want: mostly tiles as screens have
// them, and sometimes anything.
func randomSize(r *rand.Rand) wire.Size {
	s := wire.Size{Width: uint16(r.IntN(700)), Height: uint16(r.IntN(500)), FPS: uint8(r.IntN(40)), Colour: r.IntN(2) == 0, Tall: r.IntN(3) == 0}
	switch r.IntN(4) {
	case 0:
		return wire.Size{Colour: s.Colour}
	case 1, 2:
		side := 1 + r.IntN(20)
		s.Width, s.Height, s.FPS = uint16(32*side), uint16(24*side), []uint8{5, 10, 15, 30}[r.IntN(4)]
	}
	if s.Width == 0 || s.Height == 0 {
		s.Width, s.Height = 0, 0
	}
	return s
}

// TestGroupAlways holds what is so whatever anybody wants.
func TestGroupAlways(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := make(map[int]int)
	for range 20_000 {
		wants := make([]wire.Size, r.IntN(70))
		for i := range wants {
			wants[i] = allowed(randomSize(r))
		}
		place := make([]uint8, len(wants))
		l := group(wants, place)
		seen[l.n]++
		checkGroup(t, wants, place, l)

		order := r.Perm(len(wants))
		shuffled := make([]wire.Size, len(wants))
		for i, j := range order {
			shuffled[i] = wants[j]
		}
		again := make([]uint8, len(wants))
		if got := group(shuffled, again); got != l {
			t.Fatalf("group(%v) = %v, and of the same in another order %v", wants, l, got)
		}
		for i, j := range order {
			if again[i] != place[j] {
				t.Fatalf("group(%v): in another order want %d is in layer %d, was in %d", wants, j, again[i], place[j])
			}
		}
	}
	for n := range wire.MaxLayers + 1 {
		if seen[n] < 20 {
			t.Errorf("%d layers came out %d times: this says little of them", n, seen[n])
		}
	}
}

// checkGroup checks l and place for what must be so.
func checkGroup(t *testing.T, wants []wire.Size, place []uint8, l layers) {
	t.Helper()
	if (l.n == 0) != (len(wants) == 0) || l.n > wire.MaxLayers {
		t.Fatalf("group(%v): %d layers", wants, l.n)
	}
	var used layers // the least that each layer must be
	used.n = l.n
	for i, w := range wants {
		k := int(place[i])
		switch {
		case k >= l.n:
			t.Fatalf("group(%v) = %v: want %d is in layer %d", wants, l, i, k)
		case cost(w) == 0 && k != 0:
			t.Fatalf("group(%v) = %v: guest %d is in layer %d", wants, l, i, k)
		case cover(l.size[k], w) != l.size[k]:
			t.Fatalf("group(%v) = %v: want %d is larger than its layer", wants, l, i)
		}
		used.size[k] = cover(used.size[k], w)
	}
	if used != l {
		t.Fatalf("group(%v) = %v, and %v is enough", wants, l, used)
	}
	for k := 1; k < l.n; k++ {
		if !muchLess(cost(l.size[k]), cost(l.size[k-1])) {
			t.Fatalf("group(%v) = %v: layer %d is not much less than the one before", wants, l, k)
		}
	}
}

// TestGroupKeepsApart holds that tiles of one shape, as one screen after the
// other has them, are in layers by the 40 % alone.
func TestGroupKeepsApart(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		wants := make([]wire.Size, 1+r.IntN(20))
		for i := range wants {
			side := uint16(1 + r.IntN(20))
			wants[i] = wire.Size{Width: 32 * side, Height: 24 * side, FPS: 30}
		}
		place := make([]uint8, len(wants))
		l := group(wants, place)
		sorted := slices.SortedFunc(slices.Values(wants), func(a, b wire.Size) int { return cost(b) - cost(a) })
		var want layers
		for _, w := range sorted {
			if want.n == 0 || want.n < wire.MaxLayers && muchLess(cost(w), cost(want.size[want.n-1])) {
				want.size[want.n] = w
				want.n++
			}
		}
		if l != want {
			t.Fatalf("group(%v) = %v, want %v", wants, l, want)
		}
	}
}

func TestGroupAllocatesNothing(t *testing.T) {
	wants := manyWants(64)
	place := make([]uint8, len(wants))
	if n := testing.AllocsPerRun(100, func() { group(wants, place) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// manyWants returns the wants of n viewers.
func manyWants(n int) []wire.Size {
	r := rand.New(rand.NewPCG(5, 6))
	wants := make([]wire.Size, n)
	for i := range wants {
		wants[i] = allowed(randomSize(r))
	}
	return wants
}

// BenchmarkGroup is for one sender.
func BenchmarkGroup(b *testing.B) {
	for _, n := range []int{3, 64, 500} {
		b.Run(fmt.Sprintf("viewers=%d", n), func(b *testing.B) {
			wants := manyWants(n)
			place := make([]uint8, n)
			b.ReportAllocs()
			for b.Loop() {
				group(wants, place)
			}
		})
	}
}
