package screen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
)

// row parses s, which has one row, and returns its cells.
func row(t *testing.T, s string) []Cell {
	t.Helper()
	g, err := Parse(strings.NewReader(s))
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	if g.Rows != 1 {
		t.Fatalf("Parse(%q) has %d rows, want 1", s, g.Rows)
	}
	return g.Cells
}

func TestParseCells(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []Cell
	}{
		{"ab", []Cell{{Text: "a"}, {Text: "b"}}},
		{"\x1b[31ma\x1b[39mb", []Cell{{Text: "a", Fg: 0x01cd0000}, {Text: "b"}}},
		{"\x1b[97;104ma", []Cell{{Text: "a", Fg: 0x01ffffff, Bg: 0x015c5cff}}},
		{"\x1b[38;2;1;2;3m\x1b[48;2;4;5;6ma", []Cell{{Text: "a", Fg: 0x01010203, Bg: 0x01040506}}},
		{"\x1b[38;2;1;2;3;48;5;16;4ma", []Cell{{Text: "a", Fg: 0x01010203, Bg: 0x01000000, Style: Underline}}},
		{"\x1b[38:2::1:2:3m\x1b[48:2:4:5:6ma", []Cell{{Text: "a", Fg: 0x01010203, Bg: 0x01040506}}},
		{"\x1b[38;5;208;48;5;244ma", []Cell{{Text: "a", Fg: 0x01ff8700, Bg: 0x01808080}}},
		{"\x1b[38;5;21m\x1b[4:3ma\x1b[4:0mb", []Cell{{Text: "a", Fg: 0x010000ff, Style: Underline}, {Text: "b", Fg: 0x010000ff}}},
		{"\x1b[58;2;9;9;9;1ma", []Cell{{Text: "a", Style: Bold}}},
		{"\x1b[1;2;3;4;5;7;8;9ma", []Cell{{Text: "a", Style: 0xff}}},
		{"\x1b[1;2;3;4;5;7;8;9m\x1b[22;23;24;25;27;28;29ma", []Cell{{Text: "a"}}},
		{"\x1b[7;31ma\x1b[mb", []Cell{{Text: "a", Fg: 0x01cd0000, Style: Reverse}, {Text: "b"}}},
		{"\x1b[38;2;1ma\x1b[99mb\x1b[xmc", []Cell{{Text: "a"}, {Text: "b"}, {Text: "m"}, {Text: "c"}}},
		{"日b", []Cell{{Text: "日"}, {}, {Text: "b"}}},
		{"e\u0301日\u0301", []Cell{{Text: "e\u0301"}, {Text: "日\u0301"}, {}}},
		{"\u0301a", []Cell{{Text: "a"}}},
		{"\x0eqx\x0fq", []Cell{{Text: "─"}, {Text: "│"}, {Text: "q"}}},
		{"\x1b(0l\x1b(Bl", []Cell{{Text: "┌"}, {Text: "l"}}},
		{"a\x1b]8;;http://x\x1b\\b\x1b]0;title\acd", []Cell{{Text: "a"}, {Text: "b"}, {Text: "c"}, {Text: "d"}}},
		{"a\x1b[2Jb\x1b7c\r\x07", []Cell{{Text: "a"}, {Text: "b"}, {Text: "c"}}},
		{"a\x1b", []Cell{{Text: "a"}}},
		{"a\x1b[38;2", []Cell{{Text: "a"}}},
		{"a\x1b]0;title", []Cell{{Text: "a"}}},
	} {
		if got := row(t, tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("Parse(%q) = %+v, want %+v", tt.in, got, tt.want)
		}
	}
}

func TestParseLines(t *testing.T) {
	in := "\x1b[31mab  \n\nc日\n"
	g, err := Parse(strings.NewReader(in))
	if err != nil || g.Cols != 4 || g.Rows != 3 {
		t.Fatalf("Parse(%q) = %dx%d, %v, want 4x3", in, g.Cols, g.Rows, err)
	}
	if got, want := g.Text(), "ab\n\nc日\n"; got != want {
		t.Errorf("Text of %q = %q, want %q", in, got, want)
	}
	if got := g.At(0, 2); got != (Cell{Text: "c", Fg: 0x01cd0000}) {
		t.Errorf("a colour did not carry over to the next line: %+v", got)
	}
	for _, at := range [][2]int{{-1, 0}, {4, 0}, {0, 3}, {0, -1}, {3, 1}} {
		if got := g.At(at[0], at[1]); got != blank {
			t.Errorf("At(%v) = %+v, want a blank", at, got)
		}
	}
	g = g.resized(2, 5)
	if got, want := g.Text(), "ab\n\nc日\n\n\n"; got != want {
		t.Errorf("Text of 2x5 = %q, want %q", got, want)
	}
}

func TestParseErrors(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"a broken reader": iotest.ErrReader(errors.New("broken")),
		"wide":            strings.NewReader(strings.Repeat("a", maxSide+1)),
		"high":            strings.NewReader(strings.Repeat("\n", maxSide+1)),
	} {
		if g, err := Parse(r); err == nil {
			t.Errorf("Parse of %s = %dx%d, want an error", name, g.Cols, g.Rows)
		}
	}
}

// encode writes g as Parse reads it.
func encode(g Grid) string {
	var b strings.Builder
	codes := map[Style]string{Bold: "1", Dim: "2", Italic: "3", Underline: "4", Blink: "5", Reverse: "7", Hidden: "8", Strike: "9"}
	for y := range g.Rows {
		for x := range g.Cols {
			c := g.At(x, y)
			if c.Text == "" {
				continue
			}
			b.WriteString("\x1b[0")
			for s, code := range codes {
				if c.Style&s != 0 {
					b.WriteString(";" + code)
				}
			}
			for i, v := range []Color{c.Fg, c.Bg} {
				if v != 0 {
					fmt.Fprintf(&b, ";%d8;2;%d;%d;%d", 3+i, v>>16&255, v>>8&255, v&255)
				}
			}
			b.WriteString("m" + c.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"ab\n\x1b[31mc日\n", "\x1b[38;2;1;2;3m\x1b[48:2::9:8:7mx", "\x1b(0lqk\x1b(B", "e\u0301\n\x1b]0;t\a",
		"\x1b[;;;m\x1b[38m\x1b[48;5ma", "\x1b", "\xff\xfe",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := Parse(strings.NewReader(s))
		if err != nil {
			return
		}
		again, err := Parse(strings.NewReader(encode(g)))
		if err != nil {
			t.Fatal(err)
		}
		if again.Cols != g.Cols || again.Rows != g.Rows || !slices.Equal(again.Cells, g.Cells) {
			t.Fatalf("Parse(%q) = %+v, and encoded and parsed again %+v", s, g, again)
		}
	})
}

// picture returns the pixels of the PNG of what s is parsed as.
func picture(t *testing.T, s string) func(x, y int) color.RGBA {
	t.Helper()
	g, err := Parse(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := g.PNG(&b); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Bounds().Size(); got.X != max(1, g.Cols*CellWidth) || got.Y != max(1, g.Rows*CellHeight) {
		t.Fatalf("the picture of %dx%d cells has %v pixels", g.Cols, g.Rows, got)
	}
	return func(x, y int) color.RGBA {
		return color.RGBAModel.Convert(m.At(x, y)).(color.RGBA)
	}
}

// TestPNGShapes checks pixels of characters that are drawn by definition, red
// on blue: those in on are red, those in off blue.
func TestPNGShapes(t *testing.T) {
	red, blue := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 0, 255, 255}
	for _, tt := range []struct {
		c       rune
		on, off [][2]int
	}{
		{' ', nil, [][2]int{{0, 0}, {5, 10}, {9, 19}}},
		{'█', [][2]int{{0, 0}, {9, 19}}, nil},
		{'▀', [][2]int{{0, 0}, {9, 9}}, [][2]int{{0, 10}, {9, 19}}},
		{'▄', [][2]int{{0, 10}, {9, 19}}, [][2]int{{0, 0}, {9, 9}}},
		{'▌', [][2]int{{0, 0}, {4, 19}}, [][2]int{{5, 0}, {9, 19}}},
		{'▐', [][2]int{{5, 0}, {9, 19}}, [][2]int{{0, 0}, {4, 19}}},
		{'▂', [][2]int{{0, 15}, {9, 19}}, [][2]int{{0, 14}}},
		{'▔', [][2]int{{0, 0}, {9, 2}}, [][2]int{{0, 3}}},
		{'▕', [][2]int{{9, 0}, {9, 19}}, [][2]int{{8, 0}}},
		{'▘', [][2]int{{0, 0}, {4, 9}}, [][2]int{{5, 0}, {0, 10}}},
		{'▟', [][2]int{{5, 0}, {0, 10}, {9, 19}}, [][2]int{{4, 9}}},
		{'\U0001fb00', [][2]int{{0, 0}, {4, 6}}, [][2]int{{5, 0}, {0, 7}}},            // sextant 1
		{'\U0001fb3b', [][2]int{{5, 0}, {0, 7}, {9, 19}}, [][2]int{{0, 0}, {4, 6}}},   // all but 1
		{'\U0001cd00', [][2]int{{0, 5}, {4, 9}}, [][2]int{{0, 4}, {5, 5}, {0, 10}}},   // octant 3
		{'\U0001cde5', [][2]int{{5, 0}, {9, 19}, {0, 5}}, [][2]int{{0, 0}, {4, 4}}},   // all but 1
		{'⠁', [][2]int{{2, 2}}, [][2]int{{7, 2}, {2, 7}, {0, 0}}},                     // dot 1
		{'⢀', [][2]int{{7, 17}}, [][2]int{{2, 17}, {7, 2}}},                           // dot 8
		{'─', [][2]int{{0, 10}, {9, 10}}, [][2]int{{5, 9}, {5, 11}}},                  // light
		{'━', [][2]int{{0, 9}, {9, 11}}, [][2]int{{5, 8}, {5, 12}}},                   // heavy
		{'═', [][2]int{{0, 9}, {9, 11}}, [][2]int{{5, 10}}},                           // double
		{'┌', [][2]int{{5, 10}, {9, 10}, {5, 19}}, [][2]int{{5, 9}, {4, 10}, {0, 0}}}, // right and down
		{'╯', [][2]int{{5, 10}, {0, 10}, {5, 0}}, [][2]int{{5, 11}, {6, 10}}},         // up and left
		{'╼', [][2]int{{0, 10}, {9, 9}, {9, 11}}, [][2]int{{0, 9}, {0, 11}}},          // light, then heavy
		{'╱', [][2]int{{9, 0}, {0, 19}}, [][2]int{{0, 0}, {9, 19}}},                   // diagonal
	} {
		at := picture(t, "\x1b[38;2;255;0;0;48;2;0;0;255m"+string(tt.c))
		for _, p := range tt.on {
			if got := at(p[0], p[1]); got != red {
				t.Errorf("%q (%U): pixel %v = %v, want the foreground", tt.c, tt.c, p, got)
			}
		}
		for _, p := range tt.off {
			if got := at(p[0], p[1]); got != blue {
				t.Errorf("%q (%U): pixel %v = %v, want the background", tt.c, tt.c, p, got)
			}
		}
	}
	if got, want := picture(t, "\x1b[38;2;200;0;0;48;2;0;0;200m▒")(5, 5), (color.RGBA{100, 0, 100, 255}); got != want {
		t.Errorf("a shade of one half = %v, want %v", got, want)
	}
}

// TestPNGText checks that letters are inside of their cells, have their
// colours, and differ; and what stands for a letter that the font lacks.
func TestPNGText(t *testing.T) {
	lit := func(s string, x0, x1 int, want color.RGBA) (n int) {
		at := picture(t, s)
		for y := range CellHeight {
			for x := x0; x < x1; x++ {
				if at(x, y) == want {
					n++
				}
			}
		}
		return n
	}
	green := color.RGBA{0, 255, 0, 255}
	i, m := lit(" \x1b[92mi", 10, 20, green), lit(" \x1b[92mM", 10, 20, green)
	if i == 0 || m <= i {
		t.Errorf("i has %d green pixels and M %d, want some and more", i, m)
	}
	if bold := lit(" \x1b[1;92mM", 10, 20, green); bold <= m {
		t.Errorf("a bold M has %d green pixels, want more than %d", bold, m)
	}
	black := color.RGBA{0, 0, 0, 255}
	if n := lit(" \x1b[92mM", 0, 10, black); n != CellWidth*CellHeight {
		t.Errorf("M reaches into the cell before it: %d black pixels of %d", n, CellWidth*CellHeight)
	}
	if n := lit("\x1b[92m日", 2, 18, green); n < 2*16 {
		t.Errorf("the frame of a missing wide letter has %d green pixels, want %d at least", n, 2*16)
	}
	if n := lit("\x1b[7;92m ", 0, 10, green); n != CellWidth*CellHeight {
		t.Errorf("a reversed space has %d green pixels, want all", n)
	}
	if n := lit("\x1b[8;92mM", 0, 10, black); n != CellWidth*CellHeight {
		t.Errorf("a hidden M has %d black pixels, want all", n)
	}
	if n := lit("\x1b[4;9;92m ", 0, 10, green); n != 2*CellWidth {
		t.Errorf("lines under and through a space have %d green pixels, want %d", n, 2*CellWidth)
	}
	picture(t, "") // an empty screen is a picture too
}

// TestOctants checks the numbering of the octants against its known end.
func TestOctants(t *testing.T) {
	if len(octants) != 230+8 {
		t.Errorf("%d octants, want 238", len(octants))
	}
	if got := octants[0x1cde5]; got != 0b11111110 {
		t.Errorf("U+1CDE5 = %08b, want all but the first", got)
	}
}

// start runs a shell script in a terminal of 40x10 cells.
func start(t *testing.T, script string, env ...string) *Session {
	t.Helper()
	lab.Need(t, Available())
	s, err := Start(t.Context(), 40, 10, env, "/bin/sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

const soon = 10 * time.Second

func TestSession(t *testing.T) {
	s := start(t, `printf '\033[38;2;1;2;3;48;2;4;5;6m▀\033[m %s %s %s\n' "$TERM" "$COLORTERM" "$MARK"
		read line; printf 'got %s\n' "$line"
		trap 'stty size' WINCH
		while :; do
			read line || continue # the trap interrupts it
			echo "again $line"
			[ "$line" = bye ] && exit 7
		done`,
		"MARK=it's; here")
	g, err := s.WaitText("tmux-256color truecolor it's; here", soon)
	if err != nil {
		t.Fatal(err)
	}
	if g.Cols != 40 || g.Rows != 10 || len(g.Cells) != 400 {
		t.Errorf("the screen is %dx%d with %d cells, want 40x10", g.Cols, g.Rows, len(g.Cells))
	}
	if got, want := g.At(0, 0), (Cell{Text: "▀", Fg: 0x01010203, Bg: 0x01040506}); got != want {
		t.Errorf("the first cell = %+v, want %+v", got, want)
	}

	if err := s.Type("-- x;"); err != nil {
		t.Fatal(err)
	}
	if err := s.Keys("y", ";", "Enter"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitText("got -- x;y;", soon); err != nil {
		t.Fatal(err)
	}

	if err := s.Resize(50, 12); err != nil {
		t.Fatal(err)
	}
	if g, err = s.WaitText("12 50", soon); err != nil {
		t.Fatal(err)
	}
	if g.Cols != 50 || g.Rows != 12 {
		t.Errorf("the screen is %dx%d after Resize(50, 12)", g.Cols, g.Rows)
	}

	if _, exited, err := s.Exited(); exited || err != nil {
		t.Errorf("Exited() = %v, %v while the program runs", exited, err)
	}
	if err := s.Keys("e", "n", "d", "Enter"); err != nil {
		t.Fatal(err)
	}
	// tmux may know of a program's end before it reads the last words, and drop them.
	if _, err := s.WaitText("again end", soon); err != nil {
		t.Error(err)
	}
	if err := s.Keys("b", "y", "e", "Enter"); err != nil {
		t.Fatal(err)
	}
	var status int
	_, err = s.WaitFor(func(Grid) bool {
		var exited bool
		status, exited, _ = s.Exited()
		return exited
	}, soon)
	if err != nil || status != 7 {
		t.Errorf("exit status = %d, %v, want 7", status, err)
	}
	if _, err := s.WaitText("again end", soon); err != nil {
		t.Errorf("the last screen is gone: %v", err)
	}
}

// TestClose checks that a program which ignores the hang-up ends too, and that
// nothing is left.
func TestClose(t *testing.T) {
	s := start(t, `trap '' HUP TERM INT; echo ready; while :; do sleep 0.1; done`)
	if _, err := s.WaitText("ready", soon); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("stat of the session's folder after Close: %v", err)
	}
	if !s.gone(t.Context()) {
		t.Errorf("process %d runs after Close", s.program.Pid)
	}
	if err := s.Keys("q"); err == nil {
		t.Error("Keys works after Close")
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestContext checks that the end of the context ends the program.
func TestContext(t *testing.T) {
	lab.Need(t, Available())
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Start(ctx, 20, 5, nil, "/bin/sh", "-c", "echo ready; read line")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitText("ready", soon); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if !s.gone(t.Context()) {
		t.Errorf("process %d runs after the end of its context", s.program.Pid)
	}
}

func TestWaitFails(t *testing.T) {
	s := start(t, "echo something else; read line")
	if _, err := s.WaitText("something else", soon); err != nil {
		t.Fatal(err)
	}
	_, err := s.WaitText("never", 50*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "something else") {
		t.Errorf("WaitText = %v, want the deadline and the screen", err)
	}
}

func TestStartFails(t *testing.T) {
	if _, err := Start(t.Context(), 80, 24, nil); err == nil {
		t.Error("Start of no program = nil")
	}
	t.Setenv("PATH", t.TempDir())
	if err := Available(); err == nil {
		t.Error("Available() without tmux = nil")
	}
	if _, err := Start(t.Context(), 80, 24, nil, "true"); err == nil {
		t.Error("Start without tmux = nil")
	}
}
