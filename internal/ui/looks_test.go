package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/term"
)

// TestKnown checks what becomes of what is known of a terminal.
func TestKnown(t *testing.T) {
	all := term.Info{Name: "foot", Blocks: true, Sextants: true, Octants: true}
	none := all
	none.Colors = ascii.ColorsNone
	for _, tt := range []struct {
		info   term.Info
		colors int
		blocks bool
		want   term.Info
	}{
		{term.Info{}, 1 << 24, true, term.Info{Blocks: true}},
		{term.Info{}, 256, true, term.Info{Colors: ascii.Colors256, Blocks: true}},
		{term.Info{}, 256, false, term.Info{Colors: ascii.Colors256}},
		{term.Info{}, 88, true, term.Info{Colors: ascii.Colors16}},
		{term.Info{}, 8, true, term.Info{Colors: ascii.ColorsNone}},
		{term.Info{}, 0, true, term.Info{Colors: ascii.ColorsNone}},
		{all, 256, true, all},
		{all, 256, false, term.Info{Name: "foot"}},
		{all, 0, true, none},
	} {
		if got := known(tt.info, tt.colors, tt.blocks); got != tt.want {
			t.Errorf("known(%+v, %d, %v) = %+v, want %+v", tt.info, tt.colors, tt.blocks, got, tt.want)
		}
	}
}

// TestLooks checks which looks the person can choose, in which order.
func TestLooks(t *testing.T) {
	const letters = "reverse ascii ramp classic"
	for _, tt := range []struct {
		info   term.Info
		p      pictures
		blocks bool
		want   string
	}{
		{term.Info{}, pictures{auto: true}, true, "auto: letters reverse colour ascii ramp classic"},
		{term.Info{Colors: ascii.ColorsNone}, pictures{auto: true}, true, "auto: " + letters},
		{term.Info{Colors: ascii.ColorsNone, Blocks: true}, pictures{look: ascii.LookRamp}, true, "ramp: braille quadrant half " + letters},
		{term.Info{Blocks: true}, pictures{look: ascii.LookHalf}, true, "half: braille quadrant half letters reverse colour ascii ramp classic"},
		{term.Info{Blocks: true}, pictures{look: ascii.LookOctant}, true, "octant: octant braille quadrant half letters reverse colour ascii ramp classic"},
		{term.Info{Blocks: true}, pictures{look: ascii.LookOctant, auto: true}, true, "auto: braille quadrant half letters reverse colour ascii ramp classic"},
		{term.Info{}, pictures{look: ascii.LookOctant}, false, "auto: letters reverse colour ascii ramp classic"},
		{
			term.Info{Blocks: true, Sextants: true, Octants: true},
			pictures{look: ascii.LookHalf},
			true, "half: octant sextant braille quadrant half letters reverse colour ascii ramp classic",
		},
	} {
		l := newLooks(tt.info, tt.p, tt.blocks)
		got := l.look.String() + ":"
		if l.auto {
			got = "auto:"
		}
		for _, look := range l.order {
			got += " " + look.String()
		}
		if got != tt.want {
			t.Errorf("%+v, %+v, blocks %v: %s, want %s", tt.info, tt.p, tt.blocks, got, tt.want)
		}
		// The key goes through all of them and comes back.
		var told []string
		l.chosen = func(look ascii.Look, auto bool) { told = append(told, fmt.Sprint(look, auto)) }
		look, auto := l.look, l.auto
		for range len(l.order) + 1 {
			l.key('r')
		}
		if l.look != look && !auto || l.auto != auto || len(told) != len(l.order)+1 {
			t.Errorf("%+v: r ends at %v, auto %v, and told of %v", tt.p, l.look, l.auto, told)
		}
		if slices.Sort(told); len(slices.Compact(told)) != len(l.order)+1 {
			t.Errorf("%+v: r told of %v, some of them twice", tt.p, told)
		}
	}
}

// TestBestStays checks that the look of a tile does not go back and forth with
// its size: back takes more than forth did.
func TestBestStays(t *testing.T) {
	l := newLooks(term.Info{Blocks: true}, pictures{auto: true}, true)
	l.shows = func(cols, rows int) ascii.Look {
		switch {
		case cols < 40 || rows < 10:
			return ascii.LookRamp
		case cols < 100:
			return ascii.LookHalf
		}
		return ascii.LookQuadrant
	}
	var path []string
	was, had := ascii.Look(0), false
	size := func(cols int) {
		look := l.best(cols, cols/4, was, had)
		if !had || look != was {
			path = append(path, fmt.Sprintf("%d %v", cols, look))
		}
		was, had = look, true
	}
	for cols := 20; cols < 160; cols++ {
		size(cols)
	}
	for cols := 160; cols > 20; cols-- {
		size(cols)
	}
	for range 10 { // on the edge
		size(39)
		size(41)
	}
	size(200)
	want := "20 ramp, 45 half, 114 quadrant, 88 half, 35 ramp, 200 quadrant"
	if got := strings.Join(path, ", "); got != want {
		t.Errorf("the look goes %s, want %s", got, want)
	}
	l.look, l.auto = ascii.LookClassic, false
	if got := l.best(200, 50, was, had); got != ascii.LookClassic {
		t.Errorf("the look that was chosen is not taken: %v", got)
	}
}

// TestPixels checks of how many pixels the picture of a tile is.
func TestPixels(t *testing.T) {
	for _, tt := range []struct {
		look   ascii.Look
		aspect float64
		w, h   int
		tall   bool
	}{
		{ascii.LookOctant, 0, 80, 80, false},
		{ascii.LookOctant, 2.25, 80, 90, false},
		{ascii.LookSextant, 2, 80, 80, false},
		{ascii.LookQuadrant, 0, 80, 40, true},
		{ascii.LookQuadrant, 2.25, 80, 45, true},
		{ascii.LookASCII, 2, 80, 80, false},
		{ascii.LookLetters, 2, 80, 80, false}, // not 160 x 160: nobody sees that
		{ascii.LookHalf, 2, 40, 40, false},
		{ascii.LookRamp, 2, 40, 20, true},
	} {
		if w, h, tall := pixels(tt.look, 40, 20, tt.aspect); w != tt.w || h != tt.h || tall != tt.tall {
			t.Errorf("%v, aspect %v: 40x20 cells are %d x %d pixels, tall %v, want %d x %d, %v", tt.look, tt.aspect, w, h, tall, tt.w, tt.h, tt.tall)
		}
	}
}

// TestOwn checks what letters and paper are written as.
func TestOwn(t *testing.T) {
	for _, tt := range []struct {
		info     term.Info
		coloured bool
		fg, bg   ascii.Color
	}{
		{term.Info{}, false, 0x01d8d8d8, 0x01000000},
		{term.Info{Colors: ascii.Colors256}, false, 0x020000fd, 0x02000010},
		{term.Info{Colors: ascii.Colors16}, false, 0, 0},
		{term.Info{Colors: ascii.ColorsNone}, false, 0, 0},
		{term.Info{Light: true}, false, 0, 0}, // dark on the terminal's own
		{term.Info{Colors: ascii.Colors256, Light: true}, false, 0, 0},
		{term.Info{Light: true}, true, 0, 0x01000000}, // letters in colours are light
		{term.Info{Colors: ascii.Colors16, Light: true}, true, 0, 0x02000000},
	} {
		l := looks{info: tt.info}
		if fg, bg := l.own(tt.coloured); fg != tt.fg || bg != tt.bg {
			t.Errorf("%+v, in colours %v: %x on %x, want %x on %x", tt.info, tt.coloured, fg, bg, tt.fg, tt.bg)
		}
	}
}

// TestEveryLook shows a picture in each look, with each depth of colour, on a
// dark and on a light terminal, and checks that the terminal has what was
// rendered, and colours that it has.
func TestEveryLook(t *testing.T) {
	setTerm(t, true)
	synctest.Test(t, func(t *testing.T) {
		for colors := range ascii.ColorsNone + 1 {
			for look := range ascii.EveryLook {
				for _, light := range []bool{false, true} {
					info := term.Info{Name: "test", Colors: colors, Blocks: true, Sextants: true, Octants: true, Light: light}
					showLook(t, info, look, info)
				}
			}
		}
	})
}

// showLook shows a picture on a terminal that is told to be info and is in fact
// real, and checks what it has.
func showLook(t *testing.T, info term.Info, look ascii.Look, real term.Info) {
	t.Helper()
	name := fmt.Sprintf("%v, %v, light %v", look, real.Colors, real.Light)
	e := newEngine(0)
	e.self = camera(96, 72, 1, 0)[0]
	frame := e.self
	ctx, cancel := context.WithCancel(t.Context())
	v, ended := vtRun(ctx, t, Config{Engine: e, Look: look, Terminal: info})
	pass(time.Second)
	const cols, rows = 78, 20
	cells := make([]ascii.Cell, cols*rows)
	r := ascii.Renderer{Look: look, Colors: real.Colors, Light: real.Light}
	r.Render(cells, cols, rows, 20./9, &frame.YCbCr)
	looks := looks{info: real}
	fg, bg := looks.own(look.Coloured() && real.Colors != ascii.ColorsNone)
	got, inked := v.snapshot(), 0
	for y := range rows - 4 { // below are words
		for x := range cols {
			want := cells[y*cols+x]
			if want.R != ' ' || want.Bg != 0 || want.Reverse {
				inked++
			}
			if want.Fg == 0 {
				want.Fg = fg
			}
			if want.Bg == 0 {
				want.Bg = bg
			}
			c := got[(y+2)*v.w+x+1]
			if c != shownAs(want) {
				t.Fatalf("%s: cell %d,%d is %+v, want %+v", name, x, y, c, shownAs(want))
			}
			for _, s := range []string{c.fg, c.bg} {
				var n int
				fmt.Sscanf(s, "5;%d", &n)
				if s == "" {
					continue
				}
				if strings.HasPrefix(s, "2;") != (real.Colors == ascii.ColorsTrue) || real.Colors == ascii.ColorsNone ||
					(n < 16) != (real.Colors != ascii.Colors256) {
					t.Fatalf("%s: cell %d,%d has the colour %q", name, x, y, s)
				}
			}
		}
	}
	if inked < cols {
		t.Errorf("%s: only %d cells show something", name, inked)
	}
	cancel()
	<-ended
	if len(v.unknown) > 0 {
		t.Errorf("%s: the terminal was sent %v", name, v.unknown)
	}
}

// TestNoColour checks that NO_COLOR counts whatever is known of the terminal.
func TestNoColour(t *testing.T) {
	setTerm(t, true)
	t.Setenv("NO_COLOR", "1")
	synctest.Test(t, func(t *testing.T) {
		info := term.Info{Name: "test", Blocks: true}
		real := info
		real.Colors = ascii.ColorsNone
		for _, look := range []ascii.Look{ascii.LookHalf, ascii.LookColour, ascii.LookRamp} {
			showLook(t, info, look, real)
		}
	})
}

// TestLookChosen checks what is told when the person chooses a look, and what
// the words for it are.
func TestLookChosen(t *testing.T) {
	e := newEngine(1)
	var told []string
	c := Config{
		Engine: e, Auto: true, Terminal: term.Info{Name: "test", Blocks: true},
		LookChosen: func(l ascii.Look, auto bool) { told = append(told, fmt.Sprintf("%v %v", l, auto)) },
	}
	onScreen(t, c, 80, 24, func(t *testing.T, s *simScreen) {
		if len(told) > 0 {
			t.Errorf("told of %v before a key", told)
		}
		s.press("r")
		sees(t, s, "look: braille", true)
		for range 8 {
			s.press("r")
		}
		sees(t, s, "look: classic", true)
		s.press("r")
		sees(t, s, "look: auto ("+c.Terminal.Best(78, 20).String()+")", true)
		if len(told) != 10 || told[0] != "braille false" || told[8] != "classic false" || told[9] != "classic true" {
			t.Errorf("told of %q", told)
		}
	})
}

// TestFewColours checks that a terminal of few colours gets no others, in
// whatever look, and that one that nobody knows gets letters unless blocks were
// asked for.
func TestFewColours(t *testing.T) {
	for _, colors := range []int{-1, 8, 16, 88} {
		for _, auto := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(80, 24)
				s.colors = colors
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- Run(ctx, Config{Engine: newEngine(2), Screen: s, Look: ascii.LookHalf, Auto: auto}) }()
				pass(time.Second)
				if got := s.text(); strings.ContainsAny(got, "▀▄") == auto {
					t.Errorf("with %d colours, auto %v, the screen is\n%s", colors, auto, got)
				}
				for range 12 {
					s.press("r")
					if got := s.text(); auto && strings.ContainsAny(got, "▀▄") {
						t.Errorf("r leads to\n%s", got)
					}
					cells, _, _ := s.GetContents()
					for _, c := range cells {
						fg, bg, _ := c.Style.Decompose()
						for _, v := range []tcell.Color{fg, bg} {
							if v != tcell.ColorDefault && (v.IsRGB() || v >= tcell.PaletteColor(16) || colors < 8) {
								t.Fatalf("with %d colours a cell has %v on %v", colors, fg, bg)
							}
						}
					}
					s.GetContents() // as in text
				}
				cancel()
				<-ended
			})
		}
	}
}
