package ascii

import (
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// picture returns a gray picture of w x h pixels, each of which is the luma
// that at returns for it.
func picture(w, h int, at func(x, y int) uint8) *image.YCbCr {
	m := &image.YCbCr{
		Y: make([]byte, w*h), YStride: w,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, w, h),
	}
	for i := range m.Y {
		m.Y[i] = at(i%w, i/w)
	}
	return m
}

// tint gives m the same chroma everywhere.
func tint(m *image.YCbCr, cb, cr uint8) *image.YCbCr {
	m.CStride = (m.Rect.Dx() + 1) / 2
	n := m.CStride * ((m.Rect.Dy() + 1) / 2)
	m.Cb, m.Cr = make([]byte, n), make([]byte, n)
	for i := range n {
		m.Cb[i], m.Cr[i] = cb, cr
	}
	return m
}

// face returns a picture of a drawn face: every tone, edges and slopes.
func face(w, h int) *image.YCbCr {
	inside := func(x, y, cx, cy, rx, ry float64) bool {
		return math.Hypot((x-cx)/rx, (y-cy)/ry) < 1
	}
	return picture(w, h, func(px, py int) uint8 {
		x, y := (float64(px)+0.5)/float64(w), (float64(py)+0.5)/float64(h)
		switch {
		case inside(x, y, 0.42, 0.38, 0.04, 0.035), inside(x, y, 0.58, 0.38, 0.04, 0.035):
			return 20 // eyes
		case inside(x, y, 0.5, 0.62, 0.1, 0.03):
			return 90 // mouth
		case inside(x, y, 0.5, 0.45, 0.2, 0.34):
			return uint8(235 - 130*max(0, x-0.42)/0.28) // skin, lit from the left
		case inside(x, y, 0.5, 0.4, 0.26, 0.38):
			return 35 // hair
		case y > 0.78 && inside(x, y, 0.5, 1.1, 0.45, 0.36):
			return 120 // shoulders
		}
		return uint8(60 + 80*x) // wall
	})
}

// text returns the characters of cells in lines between bars, those in reverse
// video and the colours, of which there are a sum, below.
func text(cells []Cell, cols int) string {
	var b strings.Builder
	for i, c := range cells {
		if i%cols == 0 {
			b.WriteByte('|')
		}
		b.WriteRune(c.R)
		if i%cols == cols-1 {
			b.WriteString("|\n")
		}
	}
	var reverse strings.Builder
	colours, sum := false, fnv.New64a()
	for i, c := range cells {
		mark := byte('.')
		if c.Reverse {
			mark = 'r'
		}
		reverse.WriteByte(mark)
		if i%cols == cols-1 {
			reverse.WriteByte('\n')
		}
		colours = colours || c.Fg != 0 || c.Bg != 0
		fmt.Fprintf(sum, "%x %x ", c.Fg, c.Bg)
	}
	if strings.Contains(reverse.String(), "r") {
		b.WriteString(reverse.String())
	}
	if colours {
		middle := cells[len(cells)/2]
		fmt.Fprintf(&b, "colours %016x, in the middle %08x on %08x\n", sum.Sum64(), middle.Fg, middle.Bg)
	}
	return b.String()
}

// render draws m once with a new Renderer.
func render(r Renderer, cols, rows int, aspect float64, m *image.YCbCr) []Cell {
	dst := make([]Cell, cols*rows)
	r.Render(dst, cols, rows, aspect, m)
	return dst
}

func TestGolden(t *testing.T) {
	slope := picture(64, 8, func(x, _ int) uint8 { return uint8(255 * x / 63) })
	tests := []struct {
		name       string
		r          Renderer
		cols, rows int
		m          *image.YCbCr
	}{
		{"face-classic", Renderer{}, 40, 15, face(320, 240)},
		{"face-ramp", Renderer{Look: LookRamp}, 40, 15, face(320, 240)},
		{"face-ramp-light", Renderer{Look: LookRamp, Light: true}, 40, 15, face(320, 240)},
		{"face-ramp-small-source", Renderer{Look: LookRamp}, 40, 15, face(32, 24)},
		{"face-ascii", Renderer{Look: LookASCII}, 40, 15, face(320, 240)},
		{"face-ascii-light", Renderer{Look: LookASCII, Light: true}, 40, 15, face(320, 240)},
		{"face-reverse", Renderer{Look: LookReverse}, 40, 15, face(320, 240)},
		{"face-colour", Renderer{Look: LookColour}, 40, 15, face(320, 240)},
		{"face-letters", Renderer{Look: LookLetters}, 40, 15, face(320, 240)},
		{"face-half", Renderer{Look: LookHalf}, 40, 15, face(320, 240)},
		{"face-half-none", Renderer{Look: LookHalf, Colors: ColorsNone}, 40, 15, face(320, 240)},
		{"face-quadrant", Renderer{Look: LookQuadrant}, 40, 15, face(320, 240)},
		{"face-sextant", Renderer{Look: LookSextant}, 40, 15, face(320, 240)},
		{"face-octant", Renderer{Look: LookOctant}, 40, 15, face(320, 240)},
		{"face-octant-256", Renderer{Look: LookOctant, Colors: Colors256}, 40, 15, face(320, 240)},
		{"face-octant-tinted-16", Renderer{Look: LookOctant, Colors: Colors16}, 40, 15, tint(face(320, 240), 90, 160)},
		{"face-octant-none", Renderer{Look: LookOctant, Colors: ColorsNone}, 40, 15, face(320, 240)},
		{"face-braille", Renderer{Look: LookBraille}, 40, 15, face(320, 240)},
		{"face-braille-none", Renderer{Look: LookBraille, Colors: ColorsNone}, 40, 15, face(320, 240)},
		{"slope-classic", Renderer{}, 64, 2, slope},
		{"slope-classic-light", Renderer{Light: true}, 64, 2, slope},
		{"slope-ramp", Renderer{Look: LookRamp}, 64, 2, slope},
		{"slope-ramp-light", Renderer{Look: LookRamp, Light: true}, 64, 2, slope},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := text(render(tt.r, tt.cols, tt.rows, 2, tt.m), tt.cols)
			path := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s is\n%s\nwant\n%s", tt.name, got, want)
			}
		})
	}
}

func TestLookNames(t *testing.T) {
	for l := range EveryLook {
		if got, err := ParseLook(l.String()); got != l || err != nil {
			t.Errorf("ParseLook(%q) = %v, %v, want %v", l.String(), got, err, l)
		}
	}
	for _, s := range []string{"", "Ramp", "look(3)", "ramp "} {
		if l, err := ParseLook(s); err == nil {
			t.Errorf("ParseLook(%q) = %v, want an error", s, l)
		}
	}
	if got := EveryLook.String(); got != "look(11)" {
		t.Errorf("EveryLook.String() = %q, want look(11)", got)
	}
}

// TestHalfColours checks gray and coloured cells, each half by itself.
func TestHalfColours(t *testing.T) {
	striped := func() *image.YCbCr {
		return picture(16, 8, func(_, y int) uint8 { return uint8(40 + 120*(y/2%2)) })
	}
	red, green, blue := color.YCbCrToRGB(40, 90, 200)
	red2, green2, blue2 := color.YCbCrToRGB(160, 90, 200)
	tests := []struct {
		name string
		m    *image.YCbCr
		want Cell
	}{
		{"gray", striped(), Cell{R: '▀', Fg: 0x01282828, Bg: 0x01a0a0a0}},
		{"colour", tint(striped(), 90, 200), Cell{R: '▀', Fg: rgb(red, green, blue), Bg: rgb(red2, green2, blue2)}},
	}
	for _, tt := range tests {
		// 8x2 cells of 2x4 pixels: the stripes are the halves.
		for i, got := range render(Renderer{Look: LookHalf}, 8, 2, 2, tt.m) {
			if got != tt.want {
				t.Fatalf("%s: cell %d = %#v, want %#v", tt.name, i, got, tt.want)
			}
		}
	}
}

// TestBlank checks that what cannot be drawn is blank, and that nothing is
// written outside of the tile.
func TestBlank(t *testing.T) {
	short := face(32, 24)
	short.Y = short.Y[:len(short.Y)-1]
	narrow := face(32, 24)
	narrow.YStride = 31
	for name, m := range map[string]*image.YCbCr{
		"nil": nil, "zero": {}, "short plane": short, "stride below width": narrow,
		"inside out": {Rect: image.Rectangle{Min: image.Pt(5, 5)}, Y: make([]byte, 99), YStride: 9},
		"huge":       {Rect: image.Rect(math.MinInt32, 0, math.MaxInt32, 1), Y: make([]byte, 99), YStride: math.MaxInt},
	} {
		for l := range EveryLook {
			dst := make([]Cell, 13)
			r := Renderer{Look: l}
			r.Render(dst, 4, 3, 0, m)
			for i, c := range dst[:12] {
				if c != (Cell{R: ' '}) {
					t.Errorf("%v of %s: cell %d = %v, want blank", l, name, i, c)
				}
			}
			if dst[12] != (Cell{}) {
				t.Errorf("%v of %s: wrote the cell behind the tile", l, name)
			}
		}
	}
	dst := make([]Cell, 11)
	for _, size := range [][2]int{{4, 3}, {0, 5}, {5, 0}, {-1, -1}, {math.MaxInt, 2}, {1, math.MaxInt}} {
		var r Renderer
		r.Render(dst, size[0], size[1], 2, face(32, 24))
		for i, c := range dst {
			if c != (Cell{}) {
				t.Fatalf("Render of 11 cells as %v wrote cell %d", size, i)
			}
		}
	}
}

// TestSubImage checks that a part of a picture is drawn like a copy of it,
// with the bytes around it far from its own.
func TestSubImage(t *testing.T) {
	big := tint(picture(64, 48, func(x, y int) uint8 {
		if image.Pt(x, y).In(image.Rect(10, 6, 42, 30)) {
			return uint8(8 * (x - 10))
		}
		return 255 * uint8(x&1)
	}), 70, 130)
	part := big.SubImage(image.Rect(10, 6, 42, 30)).(*image.YCbCr)
	whole := tint(picture(32, 24, func(x, _ int) uint8 { return uint8(8 * x) }), 70, 130)
	for l := range EveryLook {
		got, want := render(Renderer{Look: l}, 20, 7, 2, part), render(Renderer{Look: l}, 20, 7, 2, whole)
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%v: cell %d of a part = %v, want %v", l, i, got[i], want[i])
			}
		}
	}
}

// TestReset checks that after any change of what is drawn the state of the
// pictures before has no influence.
func TestReset(t *testing.T) {
	type call struct {
		look       Look
		light      bool
		cols, rows int
		aspect     float64
		m          *image.YCbCr
	}
	white := picture(64, 48, func(int, int) uint8 { return 255 })
	base := call{LookRamp, false, 20, 8, 2, face(64, 48)}
	changes := map[string]func(*call){
		"cols":   func(c *call) { c.cols = 19 },
		"rows":   func(c *call) { c.rows = 9 },
		"look":   func(c *call) { c.look = LookHalf },
		"light":  func(c *call) { c.light = true },
		"aspect": func(c *call) { c.aspect = 1.5 },
		"source": func(c *call) { c.m = face(80, 60) },
		"colour": func(c *call) { c.look = LookHalf; c.m = tint(face(64, 48), 100, 90) },
	}
	for name, change := range changes {
		var r Renderer
		before := base
		after := base
		change(&after)
		before.look = after.look
		if name == "look" {
			before.look = LookRamp
		}
		run := func(r *Renderer, c call) []Cell {
			dst := make([]Cell, c.cols*c.rows)
			r.Look, r.Light = c.look, c.light
			r.Render(dst, c.cols, c.rows, c.aspect, c.m)
			return dst
		}
		before.m = white
		run(&r, before)
		got, want := run(&r, after), run(new(Renderer), after)
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("after a change of %s, cell %d = %v, want %v", name, i, got[i], want[i])
				break
			}
		}
	}
}

// noisy returns pictures of clean with Gaussian noise of the standard
// deviation sigma in all planes.
func noisy(clean *image.YCbCr, sigma float64, n int) (pictures []*image.YCbCr) {
	rng := rand.New(rand.NewPCG(1, 2))
	add := func(plane []byte) []byte {
		to := make([]byte, len(plane))
		for i, v := range plane {
			to[i] = uint8(min(max(float64(v)+sigma*rng.NormFloat64()+0.5, 0), 255))
		}
		return to
	}
	for range n {
		m := *clean
		m.Y, m.Cb, m.Cr = add(clean.Y), add(clean.Cb), add(clean.Cr)
		pictures = append(pictures, &m)
	}
	return pictures
}

// churn returns the share of cells that change from picture to picture, after
// the first ten.
func churn(r Renderer, pictures []*image.YCbCr, cols, rows int) float64 {
	cells, last := make([]Cell, cols*rows), make([]Cell, cols*rows)
	changed, counted := 0, 0
	const warm = 10
	for k, m := range pictures {
		r.Render(cells, cols, rows, 2, m)
		for i := range cells {
			if k >= warm {
				counted++
				if cells[i] != last[i] {
					changed++
				}
			}
		}
		copy(last, cells)
	}
	return float64(changed) / float64(counted)
}

// every calls f for each look in each depth of colour that it knows.
func every(f func(name string, r Renderer)) {
	for l := range EveryLook {
		for c := range depths {
			if l.Coloured() || c == ColorsNone {
				f(l.String()+"-"+c.String(), Renderer{Look: l, Colors: c})
			}
		}
	}
}

// TestStill checks that noise does not reach the screen.
func TestStill(t *testing.T) {
	for _, tt := range []struct {
		w, h, cols, rows int
		colour           bool
	}{
		{640, 480, 80, 24, true},
		{320, 240, 80, 24, false},
		{320, 240, 160, 48, false}, // fewer pixels than samples of most looks
		{160, 96, 60, 20, false},   // what a peer sends for this tile
		{96, 64, 80, 24, false},
	} {
		if testing.Short() && tt.w > 160 {
			continue // with the race detector that takes a minute
		}
		m := face(tt.w, tt.h)
		if tt.colour {
			m = tint(m, 100, 150)
		}
		pictures := noisy(m, 4, 40)
		every(func(name string, r Renderer) {
			got := churn(r, pictures, tt.cols, tt.rows)
			t.Logf("%s, %dx%d to %dx%d cells: %.2f %% change", name, tt.w, tt.h, tt.cols, tt.rows, 100*got)
			if got > 0.03 {
				t.Errorf("%s, %dx%d to %dx%d cells: %.1f %% of the cells change in a still picture, want 3 %% at most",
					name, tt.w, tt.h, tt.cols, tt.rows, 100*got)
			}
		})
	}
}

// TestMotion checks that what moves is followed at once.
func TestMotion(t *testing.T) {
	dark := picture(64, 48, func(x, _ int) uint8 { return uint8(60 + x/32) })
	lit := picture(64, 48, func(x, _ int) uint8 { return uint8(60 + 140*(x/32)) })
	for _, l := range []Look{LookClassic, LookHalf} {
		r := Renderer{Look: l}
		got := make([]Cell, 16*6)
		for range 5 {
			r.Render(got, 16, 6, 2, dark)
		}
		r.Render(got, 16, 6, 2, lit)
		want := render(Renderer{Look: l}, 16, 6, 2, lit)
		for i := range got {
			// The left half moved by less than the dead band or not at all.
			if i%16 >= 8 && got[i] != want[i] {
				t.Fatalf("%v: cell %d after a change = %v, want %v", l, i, got[i], want[i])
			}
		}
	}
}

func TestAllocs(t *testing.T) {
	for _, size := range [][2]int{{640, 480}, {160, 96}} {
		m := tint(face(size[0], size[1]), 100, 140)
		every(func(name string, r Renderer) {
			dst := make([]Cell, 80*24)
			if n := testing.AllocsPerRun(5, func() { r.Render(dst, 80, 24, 2, m) }); n != 0 {
				t.Errorf("Render %s of %dx%d allocates %v times, want 0", name, size[0], size[1], n)
			}
		})
	}
}

func BenchmarkRender(b *testing.B) {
	for _, bb := range []struct {
		name       string
		w, h       int
		colour     bool
		cols, rows int
	}{
		{"640x480", 640, 480, false, 160, 48},
		{"640x480colour", 640, 480, true, 160, 48},
		{"160x96", 160, 96, false, 80, 24},
	} {
		m := face(bb.w, bb.h)
		if bb.colour {
			m = tint(m, 100, 140)
		}
		pictures := noisy(m, 2, 8)
		every(func(name string, r Renderer) {
			b.Run(bb.name+"/"+name, func(b *testing.B) {
				dst := make([]Cell, bb.cols*bb.rows)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					r.Render(dst, bb.cols, bb.rows, 2, pictures[i%len(pictures)])
				}
			})
		})
	}
}

// FuzzRender checks that no size, stride or plane makes Render panic or write
// something else than a picture, twice in a row so that state is used too.
func FuzzRender(f *testing.F) {
	f.Add(uint8(1), int16(80), int16(24), 2.0, int16(0), int16(0), int16(64), int16(48), int16(64), int16(32), uint8(2), []byte("some pixels"), 3072)
	f.Add(uint8(2), int16(1), int16(1), 0.0, int16(-3), int16(7), int16(1), int16(1), int16(9), int16(1), uint8(0), []byte{255}, 1)
	f.Add(uint8(0), int16(0), int16(3), math.NaN(), int16(0), int16(0), int16(3), int16(5), int16(-3), int16(0), uint8(9), []byte{}, 20)
	f.Add(uint8(9), int16(200), int16(1), math.Inf(1), int16(1), int16(1), int16(7), int16(300), int16(7), int16(4), uint8(5), []byte{1, 9}, 2100)
	f.Fuzz(func(t *testing.T, look uint8, cols, rows int16, aspect float64, x, y, w, h, stride, cstride int16, ratio uint8, pattern []byte, size int) {
		if int(cols)*int(rows) > 1<<14 || size < 0 || size > 1<<16 {
			return
		}
		pix := make([]byte, size)
		for i := range pix {
			if len(pattern) > 0 {
				pix[i] = pattern[i%len(pattern)]
			}
		}
		m := &image.YCbCr{
			Y: pix, YStride: int(stride), Cb: pix[:size/2], Cr: pix[:size/3], CStride: int(cstride),
			SubsampleRatio: image.YCbCrSubsampleRatio(ratio),
			Rect:           image.Rectangle{image.Pt(int(x), int(y)), image.Pt(int(x)+int(w), int(y)+int(h))},
		}
		dst := make([]Cell, max(0, int(cols)*int(rows)))
		r := Renderer{Look: Look(look), Light: ratio&1 != 0, Colors: Colors(ratio >> 1), Contrast: int(x), Stretch: y&1 != 0}
		for range 2 {
			r.Render(dst, int(cols), int(rows), aspect, m)
		}
		if cols <= 0 || rows <= 0 {
			return
		}
		for i, c := range dst {
			if c.R == '▀' && (c.Fg == 0) != (c.Bg == 0) {
				t.Fatalf("cell %d = %#v", i, c)
			}
			if !utf8.ValidRune(c.R) || c.R < ' ' {
				t.Fatalf("cell %d is %U", i, c.R)
			}
		}
	})
}
