package cli_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// A stroke is what is typed, and what the screen then shows, or shows no more. What
// follows Escape at once would be a key with Alt, so that a stroke which ends with
// it must wait for what that does.
type stroke struct {
	keys       string // as tmux names them, with spaces between
	typed      string // after them, as it is
	want, gone string
}

// everyKey drives a call of four on 120x40 cells.
var everyKey = []stroke{
	{keys: "m", want: "MUTED"},
	{keys: "Space", want: "talking"},
	{keys: "F1", gone: "MUTED"},
	{keys: "v", want: "start camera"},
	{keys: "v", want: "stop camera"},
	{keys: "p", want: "read it aloud"},
	{keys: "x", want: "? y/n"},
	{keys: "Escape", gone: "? y/n"},
	{keys: "c", want: "verified"},
	{keys: "Escape", gone: "read it aloud"},
	{keys: "L", want: "locked: nobody new"},
	{keys: "L", want: "unlocked: who comes"},
	{keys: "+", want: "choose somebody first"},
	{keys: "Right", want: ">1 "},
	{keys: "Down", want: ">2 "},
	{keys: "Left", want: ">1 "},
	{keys: "Down Up", want: ">1 "},
	{keys: "+", want: ": +3 dB"},
	{keys: "-", want: "as it comes"},
	{keys: "=", want: ": +3 dB"},
	{keys: "M", want: "not heard here"},
	{keys: "M", want: "heard here again"},
	{keys: "d", want: "DEAFENED"},
	{keys: "d", gone: "DEAFENED"},
	{keys: "h", want: " hand "},
	{keys: "h", gone: " hand "},
	{keys: "e", want: "2 haha"},
	{keys: "2", want: " haha "},
	{keys: "3", want: ">3 "},
	{keys: "0", gone: ">3 "},
	{keys: "1", want: ">1 "},
	{keys: "0", gone: ">1 "},
	{keys: "g", want: "layout: speaker"},
	{keys: "g", want: "layout: strip"},
	{keys: "g", want: "layout: grid"},
	{keys: "f", want: "pictures are shown whole"},
	{keys: "f", want: "pictures fill their tiles"},
	{keys: "b", gone: "? help"},
	{keys: "b", want: "? help"},
	{keys: "r", want: "look: "},
	{keys: "R", want: "look: Enter, Esc"},
	{keys: "Down Enter", gone: "look: Enter, Esc"},
	{keys: "[", want: "contrast -1"},
	{keys: "]", want: "contrast +0"},
	{keys: "c", want: "pictures in "},
	{keys: "s", gone: "─ you ─"},
	{keys: "s", want: "─ you ─"},
	{keys: "C-l", want: "─ you ─"},
	{keys: "Tab", typed: "hello from a test", want: "hello from a test"},
	{keys: "Enter", want: "you: hello from a test"},
	{keys: "Escape", want: "? help"},
	{keys: ":", typed: "look half", want: "look NAME"},
	{keys: "Enter", want: "look: half"},
	{keys: ":", typed: "layout speaker", want: "layout grid|speaker|strip"},
	{keys: "Enter", want: "layout: speaker"},
	{keys: ":", typed: "pin 2", want: "pin WHO"},
	{keys: "Enter", want: ">2 "},
	{keys: ":", typed: "unpin", want: "have nobody pinned"},
	{keys: "Enter 0", gone: ">2 "},
	{keys: ":", typed: "fit", want: "whole pictures"},
	{keys: "Enter", want: "pictures are shown whole"},
	{keys: ":", typed: "fill", want: "pictures that fill"},
	{keys: "Enter", want: "pictures fill their tiles"},
	{keys: ":", typed: "page 7", want: "page N"},
	{keys: "Enter", want: "there are the pages 1 to 1"},
	{keys: ":", typed: "colour on", want: "colour on|off"},
	{keys: "Enter", want: "pictures in "},
	{keys: ":", typed: "theme light", want: "theme auto|dark"},
	{keys: "Enter", want: "theme: light"},
	{keys: ":", typed: "mouse off", want: "mouse on|off"},
	{keys: "Enter", gone: "mouse on|off"},
	{keys: ":", typed: "hand up", want: "hand up|down"},
	{keys: "Enter", want: " hand "},
	{keys: ":", typed: "hand down", want: "hand up|down"},
	{keys: "Enter", gone: " hand "},
}

// alone drives a call of two, where some keys do other things.
var alone = []stroke{
	{keys: "o", want: "─ you ─"},
}

// narrow drives a call of four on 40x14 cells, which do not hold all of them.
var narrow = []stroke{
	{keys: "PageDown", want: "─ you ─"},
	{keys: "PageUp", gone: "─ you ─"},
}

// drivenElsewhere are the keys of which another test knows what they do: those who
// knock are let in and turned away by TestKnock, and TestTerminalIsRestored stops
// and leaves calls.
var drivenElsewhere = []string{"y", "n", "Ctrl-Z", "q"}

// drive types strokes one after the other, and notes what they were.
func drive(t *testing.T, s *screen.Session, strokes []stroke, driven map[string]bool) {
	t.Helper()
	for _, k := range strokes {
		if err := s.Keys(strings.Fields(k.keys)...); err != nil {
			t.Fatal(err)
		}
		if k.typed != "" {
			if err := s.Type(k.typed); err != nil {
				t.Fatal(err)
			}
		}
		g, err := s.WaitFor(func(g screen.Grid) bool {
			text := g.Text()
			return (k.want == "" || strings.Contains(text, k.want)) && (k.gone == "" || !strings.Contains(text, k.gone))
		}, 10*time.Second)
		if err != nil {
			t.Fatalf("after %s %s the screen has no %q, or still %q\n%s", k.keys, k.typed, k.want, k.gone, g.Text())
		}
		for key := range strings.FieldsSeq(k.keys) {
			driven[key] = true
		}
		name, _, _ := strings.Cut(k.typed, " ")
		driven[":"+name] = true
	}
}

// helpKeys returns the keys and commands that the help on the screen has.
func helpKeys(t *testing.T, s *screen.Session) []string {
	t.Helper()
	if err := s.Keys("?"); err != nil {
		t.Fatal(err)
	}
	keys := make(map[string]bool)
	for {
		g, err := s.WaitText("Esc closes", 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range inHelp(g) {
			if left, _, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
				for key := range strings.FieldsSeq(left) {
					keys[key] = true
				}
			}
		}
		if !strings.Contains(g.Text(), "Space for more") {
			break
		}
		first := inHelp(g)
		if err := s.Keys("Space"); err != nil {
			t.Fatal(err)
		}
		// Not the whole screen, whose pictures and clock never stand still.
		if _, err := s.WaitFor(func(g screen.Grid) bool { return !slices.Equal(inHelp(g), first) }, 10*time.Second); err != nil {
			t.Fatal("the help has no next page")
		}
	}
	if err := s.Keys("Escape"); err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(keys))
}

// inHelp returns the lines in the box of the help, of which the last says how to
// close it.
func inHelp(g screen.Grid) (lines []string) {
	from, to := 0, 0
	for y := g.Rows - 1; y >= 0; y-- {
		var row []string
		for x := range g.Cols {
			row = append(row, g.At(x, y).Text)
		}
		at := strings.Index(strings.Join(row, ""), "Esc closes")
		if at >= 0 && to == 0 {
			for to = utf8.RuneCountInString(strings.Join(row, "")[:at]); to < g.Cols-1 && row[to] != "│"; to++ {
			}
			for from = to - 1; from > 0 && row[from] != "│"; from-- {
			}
		}
		if to > 0 {
			lines = append(lines, strings.Join(row[from+1:to], ""))
			if row[from] != "│" {
				return lines[:len(lines)-1]
			}
		}
	}
	return lines
}

// tmuxNames are the names of keys that tmux has others for.
var tmuxNames = map[string]string{"PgUp": "PageUp", "PgDn": "PageDown", "Esc": "Escape", "Ctrl-L": "C-l"}

// TestEveryKey types each key and command of the help into a real call in a real
// terminal, and looks what comes of it.
func TestEveryKey(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	driven := make(map[string]bool)
	for _, key := range drivenElsewhere {
		driven[key] = true
	}
	start := func(cols, rows int, members, wait string) *screen.Session {
		s, err := screen.Start(t.Context(), cols, rows, s2c.Env(), s2c.Exe, "demo", "--members", members,
			"--look", "half", "--camera", "test", "--mic", "test", "--speaker", "none")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		if g, err := s.WaitText(wait, 15*time.Second); err != nil {
			t.Fatalf("no %q: %v\n%s", wait, err, g.Text())
		}
		return s
	}
	s := start(120, 40, "3", "3 carol")
	drive(t, s, everyKey, driven)
	driven["?"] = true
	inTheHelp := helpKeys(t, s)
	if len(inTheHelp) < 40 {
		t.Errorf("the help has %q alone", inTheHelp)
	}
	for _, key := range inTheHelp {
		name := key
		if n := tmuxNames[key]; n != "" {
			name = n
		}
		if !driven[name] && key != "PgUp" && key != "PgDn" {
			t.Errorf("no test types %s, which the help has", key)
		}
	}
	drive(t, start(80, 24, "1", "─ you ─"), alone, driven)
	drive(t, start(40, 14, "3", "? help"), narrow, driven)
}
