package ui

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/media"
)

// TestAppend compares what a plane writes with exact bytes.
func TestAppend(t *testing.T) {
	const red, blue = paintRGB | 0xff0000, paintIndex | 21
	text := func(s string, fg, bg paint) []pixel {
		var p []pixel
		for _, r := range s {
			p = append(p, pixel{r, fg, bg})
		}
		return p
	}
	tests := []struct {
		name      string
		last, now []pixel // of two rows of 4
		want      string
	}{
		{"nothing", text("abcdefgh", red, 0), text("abcdefgh", red, 0), ""},
		{"one", text("abcdefgh", 0, 0), text("aXcdefgh", 0, 0), "\x1b[1;2HX"},
		{"a gap", text("abcdefgh", 0, 0), text("XbcXefgh", 0, 0), "\x1b[1;1HX\x1b[2CX"},
		{"rows", text("abcdefgh", 0, 0), text("abcXXfgX", 0, 0), "\x1b[1;4HX\x1b[2;1HX\x1b[2CX"},
		{"colours", text("abcdefgh", 0, 0), append(text("XY", red, blue), text("cdefgh", 0, 0)...), "\x1b[1;1H\x1b[38;2;255;0;0;48;5;21mXY"},
		{
			"one colour at a time", text("abcdefgh", 0, 0),
			append(append(text("X", red, 0), text("Y", red, blue)...), append(text("Z", 0, blue), text("defgh", 0, 0)...)...),
			"\x1b[1;1H\x1b[38;2;255;0;0mX\x1b[48;5;21mY\x1b[39mZ",
		},
		{"a space has no foreground", text("abcdefgh", 0, 0), append(text(" X", red, 0), text("cdefgh", 0, 0)...), "\x1b[1;1H \x1b[38;2;255;0;0mX"},
		{"Unicode", text("abcdefgh", 0, 0), text("▀bcdefgh", 0, 0), "\x1b[1;1H▀"},
	}
	for _, tt := range tests {
		var p plane
		p.resize(4, 2)
		for i := range p.have {
			p.have[i] = true
		}
		copy(p.last, tt.last)
		copy(p.next, tt.now)
		want := tt.want
		if want != "" {
			want = beginWrite + want + endWrite
		}
		if got := string(p.append(nil, false)); got != want {
			t.Errorf("%s: append = %q, want %q", tt.name, got, want)
		}
		if got := p.append(nil, false); len(got) != 0 {
			t.Errorf("%s: the second append = %q, want nothing", tt.name, got)
		}
		if want != "" { // a cursor is not shown meanwhile
			want = beginWrite + hideCursor + tt.want + showCursor + endWrite
		}
		copy(p.last, tt.last)
		if got := string(p.append(nil, true)); got != want {
			t.Errorf("%s: append with a cursor = %q, want %q", tt.name, got, want)
		}
	}
}

// TestAppendToTerminal checks random changes against a terminal.
func TestAppendToTerminal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const w, h = 30, 12
	v := newVT(w, h)
	var p plane
	p.resize(w, h)
	for i := range p.have {
		p.have[i] = true
	}
	paints := []paint{0, paintRGB, paintRGB | 0x102030, paintRGB | 0xffffff, paintIndex | 16, paintIndex | 255}
	chars := []rune(" aB▀")
	for range 300 {
		for range rng.IntN(100) {
			p.next[rng.IntN(w*h)] = pixel{chars[rng.IntN(len(chars))], paints[rng.IntN(len(paints))], paints[rng.IntN(len(paints))]}
		}
		for i := range p.next {
			if p.next[i].r == 0 {
				p.next[i].r = ' '
			}
		}
		if b := p.append(nil, false); len(b) > 0 {
			if _, err := v.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range v.snapshot() {
			want := vtCell{text: string(p.next[i].r), bg: sgr(p.next[i].bg)}
			if want.text != " " {
				want.fg = sgr(p.next[i].fg)
			}
			if c != want {
				t.Fatalf("cell %d,%d is %+v, want %+v", i%w, i/w, c, want)
			}
		}
	}
	if len(v.unknown) > 0 {
		t.Errorf("the terminal was sent %v", v.unknown)
	}
}

// sgr returns the parameters for a paint.
func sgr(p paint) string {
	switch p &^ 0xffffff {
	case paintRGB:
		return fmt.Sprintf("2;%d;%d;%d", p>>16&255, p>>8&255, p&255)
	case paintIndex:
		return fmt.Sprintf("5;%d", p&255)
	}
	return ""
}

// TestCut checks that what lies over a picture is not the plane's, also at and
// beyond the edges of the screen.
func TestCut(t *testing.T) {
	for _, tt := range []struct {
		cut  rect
		want string
	}{
		{rect{1, 1, 2, 1}, "##### #..## #####"},
		{rect{-3, -3, 4, 4}, ".#### ##### #####"},
		{rect{4, 2, 9, 9}, "##### ##### ####."},
		{rect{9, 9, 2, 2}, "##### ##### #####"},
		{rect{0, 0, 0, 0}, "##### ##### #####"},
	} {
		var p plane
		p.resize(5, 3)
		c := newColouring(depthRGB)
		p.begin()
		p.draw(rect{0, 0, 5, 3}, make([]ascii.Cell, 15), &c)
		p.cut(tt.cut)
		var b strings.Builder
		for i, v := range p.want {
			if i > 0 && i%5 == 0 {
				b.WriteByte(' ')
			}
			b.WriteByte(".#"[map[bool]int{true: 1}[v]])
		}
		if b.String() != tt.want {
			t.Errorf("cut %v leaves %s, want %s", tt.cut, b.String(), tt.want)
		}
	}
}

func TestIndexed(t *testing.T) {
	for _, tt := range []struct {
		rgb  ascii.Color
		want paint
	}{
		{0x000000, 16},
		{0xffffff, 231},
		{0x080808, 232},
		{0xeeeeee, 255},
		{0x808080, 244},
		{0xff0000, 196},
		{0x00ff00, 46},
		{0x0000ff, 21},
		{0x5f8700, 64},
		{0x010203, 16},
		{0x121212, 233},
	} {
		if got := indexed(1<<24 | tt.rgb); got != paintIndex|tt.want {
			t.Errorf("indexed(%06x) = %d, want %d", tt.rgb, got&255, tt.want)
		}
	}
	// Grays keep their order, and none is further than half a step away.
	for v := range 256 {
		p := indexed(1<<24 | ascii.Color(v)*0x010101)
		shown := 0
		switch i := int(p & 255); {
		case i == 231:
			shown = 255
		case i >= 232:
			shown = 8 + 10*(i-232)
		}
		if d := shown - v; d < -9 || d > 9 {
			t.Errorf("gray %d is shown as %d", v, shown)
		}
	}
}

func TestMeter(t *testing.T) {
	for dbfs, want := range map[float64]uint8{
		-96: 0, -60: 0, -54: 1, -30.1: 4, -12: 8, 0: 8, 10: 8, math.Inf(1): 8, math.Inf(-1): 0, math.NaN(): 0,
	} {
		var m meter
		m.push(-12)
		m.push(dbfs)
		if m != (meter{0, 0, 8, want}) {
			t.Errorf("-12 and then %v dBFS make %v, want %d at the end", dbfs, m, want)
		}
	}
}

func TestColouring(t *testing.T) {
	const green = 1<<24 | 0x00ff00
	for d, want := range map[depth][2]paint{
		depthRGB:   {paintRGB | 0x00ff00, paintRGB | hexLetters},
		depthIndex: {paintIndex | 46, paintIndex | 253},
		depthANSI:  {0, 0},
		depthMono:  {0, 0},
	} {
		c := newColouring(d)
		for range 2 {
			if got := [2]paint{c.paint(green, c.fg), c.paint(0, c.fg)}; got != want {
				t.Errorf("depth %d: green and the own colour = %x, want %x", d, got, want)
			}
		}
	}
	for colors, want := range map[int]depth{0: depthMono, -1: depthMono, 2: depthMono, 8: depthANSI, 88: depthANSI, 256: depthIndex, 1 << 24: depthRGB} {
		if got := depthOf(colors); got != want {
			t.Errorf("depthOf(%d) = %d, want %d", colors, got, want)
		}
	}
}

// noise returns a few pictures of noise, so that all of the cells change.
func noise() []*media.Frame {
	rng := rand.New(rand.NewPCG(1, 2))
	var frames []*media.Frame
	for range 4 {
		f := new(media.Frame)
		f.YCbCr = *image.NewYCbCr(image.Rect(0, 0, 192, 144), image.YCbCrSubsampleRatio420)
		f.Resize(192, 144, false)
		for i := range f.Y {
			f.Y[i] = uint8(rng.IntN(256))
		}
		frames = append(frames, f)
	}
	return frames
}

// paintTile draws a picture into a tile and returns what is written for it.
func paintTile(term *terminal, tl *tile, f *media.Frame, look ascii.Look, buf []byte) []byte {
	tl.take(f)
	term.plane.begin()
	tl.paint(term, rect{1, 2, 158, 44}, look)
	copy(term.plane.have, term.plane.want)
	return term.plane.append(buf[:0], false)
}

// TestTileAllocs checks that a picture is drawn and written without allocating.
func TestTileAllocs(t *testing.T) {
	for _, d := range []depth{depthRGB, depthIndex} {
		for look := range ascii.Looks {
			term := &terminal{colours: newColouring(d)}
			term.plane.resize(160, 48)
			var tl tile
			var buf []byte
			pictures, i := noise(), 0
			run := func() {
				buf = paintTile(term, &tl, pictures[i%len(pictures)], look, buf)
				i++
			}
			for range pictures {
				run()
			}
			if len(buf) < 158*44 {
				t.Fatalf("%v: %d bytes for a picture of noise", look, len(buf))
			}
			if n := testing.AllocsPerRun(20, run); n != 0 {
				t.Errorf("depth %d, %v: a picture allocates %v times", d, look, n)
			}
		}
	}
}

func BenchmarkTile(b *testing.B) {
	for look := range ascii.Looks {
		b.Run(look.String(), func(b *testing.B) {
			term := &terminal{colours: newColouring(depthRGB)}
			term.plane.resize(160, 48)
			var tl tile
			var buf []byte
			pictures, i, n := noise(), 0, 0
			b.ReportAllocs()
			for b.Loop() {
				buf = paintTile(term, &tl, pictures[i%len(pictures)], look, buf)
				i++
				n += len(buf)
			}
			b.ReportMetric(float64(n)/float64(i), "B/frame")
		})
	}
}

// A nullTTY is a terminal that takes everything.
type nullTTY struct{ *vt }

func (nullTTY) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkFrame paints whole frames of calls in which every picture is new.
func BenchmarkFrame(b *testing.B) {
	b.Setenv("TERM", "xterm-256color")
	b.Setenv("LC_ALL", "C.UTF-8")
	b.Setenv("COLORTERM", "truecolor")
	for _, others := range []int{1, 3, 8} {
		b.Run(strconv.Itoa(others+1), func(b *testing.B) {
			v := newVT(200, 50)
			s, err := tcell.NewTerminfoScreenFromTty(nullTTY{v})
			if err != nil {
				b.Fatal(err)
			}
			term, err := open(s, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer term.close()
			e := newEngine(others)
			view := newCallView(Config{Engine: e, Look: ascii.LookHalf})
			pictures, i := noise(), 0
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				for k := range e.state.Members {
					e.pictures[e.state.Members[k].Slot] = pictures[i%len(pictures)]
				}
				e.self = pictures[i%len(pictures)]
				i++
				now = now.Add(67 * time.Millisecond)
				if err := term.paint(view, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
