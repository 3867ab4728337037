package ascii

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

// TestMosaicChars checks the characters of blocks against what Unicode says of
// some, and that no two masks share one.
func TestMosaicChars(t *testing.T) {
	for _, tt := range []struct {
		name  string
		chars []rune
		want  map[int]rune
	}{
		{"quadrants", quadrants[:], map[int]rune{0: ' ', 1: '▘', 6: '▞', 9: '▚', 12: '▄', 15: '█'}},
		{"sextants", sextants[:], map[int]rune{0: ' ', 1: 0x1fb00, 0b010100: 0x1fb13, 0b010101: '▌', 0b010110: 0x1fb14, 0b101010: '▐', 62: 0x1fb3b, 63: '█'}},
		{"octants", octants[:], map[int]rune{
			0: ' ', 1: 0x1cea8, 4: 0x1cd00, 0b1111: '▀', 0b01010101: '▌', 0b11000000: '▂', 254: 0x1cde5, 255: '█',
		}},
		{"braille", brailles[:], map[int]rune{0: 0x2800, 1: '⠁', 2: '⠈', 0b11000000: '⣀', 255: '⣿'}},
	} {
		masks := make(map[rune]int)
		for mask, c := range tt.chars {
			if other, ok := masks[c]; ok {
				t.Errorf("%s: masks %b and %b are both %q", tt.name, other, mask, c)
			}
			masks[c] = mask
			if want, ok := tt.want[mask]; ok && c != want {
				t.Errorf("%s: mask %b is %U, want %U", tt.name, mask, c, want)
			}
		}
	}
}

// bestScore is what divide maximises, by trying all masks.
func bestScore(s uint64, n int) (best uint64) {
	for mask := 1; mask < 1<<n-1; mask++ {
		p, q, k := uint64(0), uint64(0), bits.OnesCount(uint(mask))
		for i := range n {
			if v := s >> (8 * i) & 0xff; mask>>i&1 != 0 {
				p += v
			} else {
				q += v
			}
		}
		best = max(best, p*p*inverse[k]+q*q*inverse[n-k])
	}
	return best
}

// TestDivide compares the division of samples with the best of all.
func TestDivide(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		n := []int{4, 6, 8}[rng.IntN(3)]
		var s uint64
		top := 2 + rng.Uint64N(254)
		for i := range n {
			s |= rng.Uint64N(top) << (8 * i)
		}
		var p parting
		p.divide(s, n)
		if p.spread <= flat {
			if p.mask != 0 || p.fg != p.bg {
				t.Fatalf("divide(%x, %d) = %+v, want one colour", s, n, p)
			}
			continue
		}
		if want := bestScore(s, n); p.score != want {
			t.Fatalf("divide(%x, %d) scores %d, want %d", s, n, p.score, want)
		}
		for i := range n {
			// Lighter samples are the foreground.
			v, mid := int(s>>(8*i)&0xff), (int(p.fg)+int(p.bg))/2
			if v > mid+1 && p.mask>>i&1 == 0 || v < mid-1 && p.mask>>i&1 != 0 {
				t.Fatalf("divide(%x, %d) = %+v: sample %d is on the wrong side", s, n, p, i)
			}
		}
	}
}

// TestMaskStays checks that a mask stays while another is hardly better, and
// goes when it is.
func TestMaskStays(t *testing.T) {
	samples := func(v ...uint8) uint64 { return load(v) }
	for _, tt := range []struct {
		name string
		s    uint64
		old  uint8
		want uint8
	}{
		{"as it is", samples(200, 200, 200, 200, 50, 50, 50, 50), 0b1111, 0b1111},
		{"one in the middle", samples(200, 200, 200, 200, 126, 50, 50, 50), 0b1111, 0b1111},
		{"one has changed sides", samples(200, 200, 200, 200, 190, 50, 50, 50), 0b1111, 0b11111},
		{"was flat, hardly differs", samples(100, 100, 100, 100, 105, 105, 105, 105), 0, 0},
		{"was flat, differs", samples(100, 100, 100, 100, 110, 110, 110, 110), 0, 0b11110000},
	} {
		var p parting
		p.divide(tt.s, 8)
		if p.mask != tt.old {
			p.keep(tt.s, 8, tt.old, []uint8{200, 50})
		}
		if p.mask != tt.want {
			t.Errorf("%s: mask %08b, want %08b", tt.name, p.mask, tt.want)
		}
	}
}

// TestDots checks that the colours of dots are those of which a mean of light
// and dark is the mean of the samples, and exist.
func TestDots(t *testing.T) {
	for _, tt := range []parting{
		{mask: 0b1, fg: 255, bg: 0},
		{mask: 0b1111, fg: 110, bg: 100},
		{mask: 0b11111110, fg: 255, bg: 250},
	} {
		p := tt
		p.count = bits.OnesCount8(p.mask)
		p.dot(8)
		n := float64(p.count)
		want := (n*float64(tt.fg) + (8-n)*float64(tt.bg)) / 8
		share := dotCover * n / 8
		if got := share*float64(p.fg) + (1-share)*float64(p.bg); got < want-1 || got > want+1 {
			t.Errorf("dots of %+v are %d on %d: mean %.1f, want %.1f", tt, p.fg, p.bg, got, want)
		}
	}
}

// TestQuantise checks the nearest colours of the palettes.
func TestQuantise(t *testing.T) {
	for _, tt := range []struct {
		r, g, b uint8
		depth   Colors
		want    Color
	}{
		{1, 2, 3, ColorsTrue, 0x01010203},
		{128, 128, 128, Colors256, 0x020000f4},
		{255, 255, 255, Colors256, 0x020000e7},
		{0, 0, 0, Colors256, 0x02000010},
		{255, 0, 0, Colors256, 0x020000c4},
		{100, 140, 180, Colors256, 0x02000043},
		{200, 10, 10, Colors16, 0x02000001},
		{250, 250, 250, Colors16, 0x0200000f},
		{120, 130, 120, Colors16, 0x02000008},
	} {
		got := quantise(tt.r, tt.g, tt.b, tt.depth)
		if got != tt.want {
			t.Errorf("quantise(%d, %d, %d, %v) = %08x, want %08x", tt.r, tt.g, tt.b, tt.depth, got, tt.want)
		}
		if n, ok := got.Index(); ok != (tt.depth != ColorsTrue) || ok && Color(n) != tt.want&255 {
			t.Errorf("Index of %08x = %d, %v", got, n, ok)
		}
	}
	if _, _, _, ok := Color(0).RGB(); ok {
		t.Error("the terminal's own colour has an RGB")
	}
	for v := range 256 {
		// No gray of the 256 is further off than half of the widest step.
		if _, g, _, _ := grays[Colors256][v].RGB(); abs(int(g)-v) > 9 {
			t.Errorf("gray %d is shown as %d", v, g)
		}
	}
}

// TestShapeTable checks that the table has the nearest character for all keys
// of a sample, and what everybody sees of some.
func TestShapeTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, table := range []*shapeTable{shapeTables[0](), shapeTables[1](), reverseTables[0](), reverseTables[1]()} {
		reverse := table.pick[0xffff]&reversed != 0 || table.pick[0]&reversed != 0
		for range 3000 {
			key := uint16(rng.Uint32())
			picked := table.miss(table.pick[key], key)
			for c := range uint8(95) {
				if table.miss(c, key) < picked || reverse && table.miss(c|reversed, key) < picked {
					t.Fatalf("key %016b: %q is nearer than %q", key, ' '+c, ' '+table.pick[key])
				}
			}
		}
	}
	if c := shapeTables[0]().pick[0]; c != 0 {
		t.Errorf("a dark cell is %q, want a space", ' '+c)
	}
}

// TestWithoutColours checks what looks are drawn as where there are none.
func TestWithoutColours(t *testing.T) {
	for l := range EveryLook {
		cells := render(Renderer{Look: l, Colors: ColorsNone}, 40, 15, 2, tint(face(320, 240), 90, 160))
		used := 0
		for _, c := range cells {
			if c.Fg != 0 || c.Bg != 0 {
				t.Fatalf("%v without colours has a cell %#v", l, c)
			}
			if c.R != ' ' && c.R != 0x2800 {
				used++
			}
		}
		if used < len(cells)/4 {
			t.Errorf("%v without colours: %d of %d cells show anything", l, used, len(cells))
		}
	}
}

// TestContrast checks that contrast moves light and dark apart, and stretching
// too.
func TestContrast(t *testing.T) {
	m := picture(64, 32, func(x, _ int) uint8 { return uint8(100 + 50*(x/32)) })
	width := func(r Renderer) int {
		r.Look = LookHalf
		cells := render(r, 16, 4, 2, m)
		_, dark, _, _ := cells[0].Fg.RGB()
		_, light, _, _ := cells[15].Fg.RGB()
		return int(light) - int(dark)
	}
	for _, tt := range []struct {
		r    Renderer
		want int
	}{
		{Renderer{}, 50},
		{Renderer{Contrast: 4}, 100},
		{Renderer{Contrast: -4}, 25},
		{Renderer{Contrast: 99}, 200},
		{Renderer{Stretch: true}, 255},
	} {
		if got := width(tt.r); got < tt.want-1 || got > tt.want+1 {
			t.Errorf("with contrast %d, stretch %v: light less dark = %d, want %d", tt.r.Contrast, tt.r.Stretch, got, tt.want)
		}
	}
}

// BenchmarkTables is what the first picture of some looks costs more.
func BenchmarkTables(b *testing.B) {
	square := func(v float64) float64 { return v * v }
	for name, f := range map[string]func(){
		"ascii":   func() { newShapeTable(lightInk[:], nil, fullInk, halfWeight, square) },
		"reverse": func() { newShapeTable(lightInk[:], darkInk[:], 1, 0, square) },
		"letters": func() { newLetterTable() },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
		})
	}
}

// TestDim checks that a darker colour is one, of the same hue, and of the same
// kind.
func TestDim(t *testing.T) {
	own := []Color{0, kindIndexed, kindIndexed | 15}
	for _, c := range own {
		if got := c.Dim(); got != c {
			t.Errorf("%#x.Dim() = %#x: the terminal's own colour has changed", c, got)
		}
	}
	list := []Color{rgb(255, 255, 255), rgb(255, 128, 0), rgb(7, 7, 7), rgb(0, 0, 1), rgb(0, 0, 0)}
	for n := 16; n < 256; n++ {
		list = append(list, kindIndexed|Color(n))
	}
	for _, c := range list {
		d := c.Dim()
		r, g, b, _ := c.RGB()
		dr, dg, db, ok := d.RGB()
		if !ok || d&kinds != c&kinds {
			t.Errorf("%#x.Dim() = %#x, of another kind", c, d)
		}
		// 95 of 135 is the smallest step of the cube, and the darkest grays are not black.
		if before, after := int(r)+int(g)+int(b), int(dr)+int(dg)+int(db); after > before*3/4 && before > 3*18 {
			t.Errorf("%#x.Dim() = %#x: brightness %d of %d", c, d, after, before)
		}
		if dr > r || dg > g || db > b || r == g && dr != dg || g == b && dg != db {
			t.Errorf("%#x.Dim() = %#x: %d %d %d of %d %d %d", c, d, dr, dg, db, r, g, b)
		}
	}
}
