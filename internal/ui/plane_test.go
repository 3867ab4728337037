package ui

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/term"
)

// TestAppend compares what a plane writes with exact bytes.
func TestAppend(t *testing.T) {
	const red, blue = 0x01ff0000, 0x02000015
	text := func(s string, fg, bg ascii.Color) []ascii.Cell {
		var p []ascii.Cell
		for _, r := range s {
			p = append(p, ascii.Cell{R: r, Fg: fg, Bg: bg})
		}
		return p
	}
	reversed := func(s string, fg ascii.Color) []ascii.Cell {
		p := text(s, fg, 0)
		for i := range p {
			p[i].Reverse = true
		}
		return p
	}
	tests := []struct {
		name      string
		last, now []ascii.Cell // of two rows of 4
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
		{
			"reverse", text("abcdefgh", 0, 0), append(append(reversed("X", 0), reversed(" Y", red)...), append(text("Z", 0, 0), text("efgh", 0, 0)...)...),
			"\x1b[1;1H\x1b[7mX\x1b[38;2;255;0;0m Y\x1b[27;39mZ",
		},
		{"octants", text("abcdefgh", 0, 0), text("\U0001cd00\U0001cd01cdefgh", 0, 0), "\x1b[1;1H\U0001cd00\U0001cd01"},
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
		if got, rest := p.append(nil, false, math.MaxInt); string(got) != want || rest {
			t.Errorf("%s: append = %q, %v, want %q", tt.name, got, rest, want)
		}
		if got, rest := p.append(nil, false, math.MaxInt); len(got) != 0 || rest {
			t.Errorf("%s: the second append = %q, %v, want nothing", tt.name, got, rest)
		}
		if want != "" { // a cursor is not shown meanwhile
			want = beginWrite + hideCursor + tt.want + showCursor + endWrite
		}
		copy(p.last, tt.last)
		if got, _ := p.append(nil, true, math.MaxInt); string(got) != want {
			t.Errorf("%s: append with a cursor = %q, want %q", tt.name, got, want)
		}
	}
}

// TestAppendToTerminal checks random changes against a terminal: after each
// write it shows what is to be there, or, where there was no room for all, what
// was there before.
func TestAppendToTerminal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const w, h = 30, 12
	v := newVT(w, h)
	var p plane
	p.resize(w, h)
	for i := range p.have {
		p.have[i] = true
		p.next[i], p.last[i] = ascii.Cell{R: ' '}, ascii.Cell{R: ' '}
	}
	colours := []ascii.Color{0, 0x01000000, 0x01102030, 0x01ffffff, 0x02000010, 0x020000ff, 0x02000000}
	colour := func() ascii.Color { return colours[rng.IntN(len(colours))] }
	chars := []rune(" aB▀\U0001cd00")
	waits := 0
	for range 600 {
		for range rng.IntN(100) {
			p.next[rng.IntN(w*h)] = ascii.Cell{R: chars[rng.IntN(len(chars))], Fg: colour(), Bg: colour(), Reverse: rng.IntN(4) == 0}
		}
		limit := []int{math.MaxInt, 0, leastWrite, 1000, 5000}[rng.IntN(5)]
		before := append([]ascii.Cell(nil), p.last...)
		b, rest := p.append(nil, rng.IntN(2) == 0, limit)
		if len(b) > limit || len(b) == 0 && limit >= leastWrite && rest {
			t.Fatalf("%d bytes where %d are allowed, and more to come: %v", len(b), limit, rest)
		}
		if len(b) > 0 {
			if _, err := v.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		left := false
		for i, c := range v.snapshot() {
			want := p.next[i]
			if p.last[i] != want {
				left, want = true, before[i]
			}
			if c != shownAs(want) {
				t.Fatalf("cell %d,%d is %+v, want %+v", i%w, i/w, c, want)
			}
		}
		if left != rest {
			t.Fatalf("append reports that something is left: %v, want %v", rest, left)
		}
		if rest {
			waits++
		}
	}
	if waits < 100 {
		t.Errorf("only %d writes had not enough room", waits)
	}
	for rest := true; rest; { // what is left does not wait for ever
		var b []byte
		b, rest = p.append(nil, false, leastWrite)
		if _, err := v.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range v.snapshot() {
		if c != shownAs(p.next[i]) {
			t.Fatalf("in the end cell %d,%d is %+v, want %+v", i%w, i/w, c, p.next[i])
		}
	}
	if len(v.unknown) > 0 {
		t.Errorf("the terminal was sent %v", v.unknown)
	}
}

// TestTurns checks that with little room all parts of the screen get their
// turn, while all of them change all the time.
func TestTurns(t *testing.T) {
	const w, h = 40, 20
	var p plane
	p.resize(w, h)
	for i := range p.have {
		p.have[i] = true
	}
	var writes [h]int
	for round := range 200 {
		for i := range p.next {
			p.next[i] = ascii.Cell{R: rune('a' + round%26), Fg: ascii.Color(0x01000000 + i), Bg: ascii.Color(0x01000000 + round)}
		}
		p.append(nil, false, 2000)
		for y := range h {
			if p.last[y*w+w/2] == p.next[y*w+w/2] {
				writes[y]++
			}
		}
	}
	if least, most := slices.Min(writes[:]), slices.Max(writes[:]); least == 0 || most > least+2 {
		t.Errorf("rows were written %v times", writes)
	}
}

// shownAs returns what a terminal has in a cell.
func shownAs(c ascii.Cell) vtCell {
	want := vtCell{text: string(c.R), fg: sgr(c.Fg), bg: sgr(c.Bg)}
	if c.Reverse {
		want.attrs = "7;"
	} else if c.R == ' ' {
		want.fg = ""
	}
	return want
}

// sgr returns the parameters for a colour.
func sgr(c ascii.Color) string {
	if n, ok := c.Index(); ok {
		return fmt.Sprintf("5;%d", n)
	}
	if r, g, b, ok := c.RGB(); ok {
		return fmt.Sprintf("2;%d;%d;%d", r, g, b)
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
		p.begin()
		p.draw(rect{0, 0, 5, 3}, make([]ascii.Cell, 15), 0, 0)
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

func TestDepth(t *testing.T) {
	for colors, want := range map[int]depth{0: depthMono, -1: depthMono, 2: depthMono, 8: depthANSI, 88: depthANSI, 256: depthIndex, 1 << 24: depthRGB} {
		if got := depthOf(colors); got != want {
			t.Errorf("depthOf(%d) = %d, want %d", colors, got, want)
		}
	}
}

// noise returns a few pictures of noise in colours, so that all of the cells
// change.
func noise(w, h int) []*media.Frame {
	rng := rand.New(rand.NewPCG(1, 2))
	var frames []*media.Frame
	for range 4 {
		f := new(media.Frame)
		f.Resize(w, h, true)
		for _, p := range [][]uint8{f.Y, f.Cb, f.Cr} {
			for i := range p {
				p[i] = uint8(rng.IntN(256))
			}
		}
		frames = append(frames, f)
	}
	return frames
}

// camera returns pictures of a camera that stands still: a drawn face in
// colours, with noise of the standard deviation sigma.
func camera(w, h, n int, sigma float64) []*media.Frame {
	rng := rand.New(rand.NewPCG(3, 4))
	face := drawnFace(2)
	fw, fh := face.Rect.Dx(), face.Rect.Dy()
	var frames []*media.Frame
	for range n {
		f := new(media.Frame)
		f.Resize(w, h, true)
		for i := range f.Y {
			v := float64(face.Y[i/w*fh/h*fw+i%w*fw/w]) + sigma*rng.NormFloat64()
			f.Y[i] = uint8(min(max(v+0.5, 0), 255))
		}
		for i := range f.Cb {
			x, y := i%f.CStride, i/f.CStride
			f.Cb[i] = uint8(110 + 30*x/f.CStride)
			f.Cr[i] = uint8(120 + 30*y*f.CStride/len(f.Cr))
		}
		frames = append(frames, f)
	}
	return frames
}

// A bareTile is a tile on a plane, without a terminal around.
type bareTile struct {
	term *terminal
	tile tile
	r    rect
	buf  []byte
}

// newBareTile returns a tile of w x h cells in a look.
func newBareTile(info term.Info, look ascii.Look, w, h int) *bareTile {
	b := &bareTile{term: &terminal{info: info}, r: rect{1, 2, w, h}}
	b.term.looks = newLooks(info, pictures{look: look}, true)
	b.term.plane.resize(w+2, h+4)
	return b
}

// paint draws a picture and returns what is written for it.
func (b *bareTile) paint(f *media.Frame) []byte {
	t := b.term
	b.tile.show(t, b.r.w, b.r.h)
	b.tile.take(f)
	t.plane.begin()
	b.tile.paint(t, b.r)
	copy(t.plane.have, t.plane.want)
	b.buf, _ = t.plane.append(b.buf[:0], false, math.MaxInt)
	return b.buf
}

// TestTileAllocs checks that a picture is drawn and written without allocating,
// in each look and with any colours.
func TestTileAllocs(t *testing.T) {
	noisy := noise(320, 240)
	for c := range ascii.ColorsNone + 1 {
		for look := range ascii.EveryLook {
			b := newBareTile(term.Info{Colors: c, Blocks: true, Sextants: true, Octants: true}, look, 238, 63)
			pictures, i := noisy, 0
			run := func() {
				b.paint(pictures[i%len(pictures)])
				i++
			}
			for range pictures {
				run()
			}
			if len(b.buf) < 238*63/4 {
				t.Fatalf("%v, %v: %d bytes for a picture of noise", look, c, len(b.buf))
			}
			if n := testing.AllocsPerRun(3, run); n != 0 {
				t.Errorf("%v, %v: a picture allocates %v times", look, c, n)
			}
		}
	}
}

// BenchmarkTile draws and writes pictures of which every cell changes.
func BenchmarkTile(b *testing.B) {
	for look := range ascii.EveryLook {
		b.Run(look.String(), func(b *testing.B) {
			t := newBareTile(term.Info{}, look, 158, 44)
			pictures, i, n := noise(640, 480), 0, 0
			b.ReportAllocs()
			for b.Loop() {
				n += len(t.paint(pictures[i%len(pictures)]))
				i++
			}
			b.ReportMetric(float64(n)/float64(i), "B/frame")
		})
	}
}

// BenchmarkCamera draws and writes a tile of 240x67 cells of a camera that
// stands still, and reports which share of the cells changes.
func BenchmarkCamera(b *testing.B) {
	for _, tt := range []struct {
		look  ascii.Look
		sigma float64 // of the noise
	}{{ascii.LookASCII, 4}, {ascii.LookHalf, 4}, {ascii.LookOctant, 4}, {ascii.LookOctant, 8}} {
		b.Run(fmt.Sprintf("%v/%v", tt.look, tt.sigma), func(b *testing.B) {
			t := newBareTile(term.Info{}, tt.look, 240, 67)
			frames, i, n, changed := camera(640, 480, 32, tt.sigma), 0, 0, 0
			full := len(t.paint(frames[0]))
			for i := range 50 { // until the noise is known
				t.paint(frames[i%len(frames)])
			}
			before := make([]ascii.Cell, len(t.term.plane.last))
			b.ReportAllocs()
			for b.Loop() {
				copy(before, t.term.plane.last)
				n += len(t.paint(frames[i%len(frames)]))
				for k, c := range t.term.plane.last {
					if c != before[k] {
						changed++
					}
				}
				i++
			}
			b.ReportMetric(float64(n)/float64(i), "B/frame")
			b.ReportMetric(float64(n)/float64(i)/float64(full), "B/full")
			b.ReportMetric(100*float64(changed)/float64(i)/(240*67), "%cells")
		})
	}
}

// BenchmarkAppend writes a plane of 240x67 octants of which all or few cells
// have changed.
func BenchmarkAppend(b *testing.B) {
	for _, share := range []int{100, 2} {
		b.Run(fmt.Sprintf("%d%%", share), func(b *testing.B) {
			const w, h = 240, 67
			rng := rand.New(rand.NewPCG(1, 2))
			var p plane
			p.resize(w, h)
			for i := range p.have {
				p.have[i] = true
			}
			var two [2][]ascii.Cell
			for k := range two {
				two[k] = make([]ascii.Cell, w*h)
				for i := range two[k] {
					if two[k][i] = two[0][i]; k == 0 || rng.IntN(100) < share {
						two[k][i] = ascii.Cell{R: rune(0x1cd00 + rng.IntN(200)), Fg: 1<<24 | ascii.Color(rng.IntN(1<<24)), Bg: 1<<24 | ascii.Color(rng.IntN(1<<24))}
					}
				}
			}
			var buf []byte
			i, n := 0, 0
			copy(p.last, two[1])
			b.ReportAllocs()
			for b.Loop() {
				copy(p.next, two[i%2])
				buf, _ = p.append(buf[:0], false, math.MaxInt)
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
	for _, others := range []int{0, 1, 3, 8} {
		b.Run(strconv.Itoa(others+1), func(b *testing.B) {
			v := newVT(242, 71) // alone, a tile of 240x67
			s, err := tcell.NewTerminfoScreenFromTty(nullTTY{v})
			if err != nil {
				b.Fatal(err)
			}
			e := newEngine(others)
			c := Config{Engine: e, Look: ascii.LookOctant, Screen: s}
			term, err := open(c.setup(), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer term.close()
			view := newCallView(c)
			pictures, i := noise(640, 480), 0
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
