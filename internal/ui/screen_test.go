package ui

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/uniseg"
)

// A simScreen is a simulation that starts with a size of its own, and counts
// what matters of its life.
type simScreen struct {
	tcell.SimulationScreen
	w, h   int
	colors int // 0 means 256
	inits  int
	finis  int
	stops  []string      // Suspend and Resume in their order
	slow   time.Duration // how long Show takes
	beeps  int
}

func newSim(w, h int) *simScreen {
	return &simScreen{SimulationScreen: tcell.NewSimulationScreen("UTF-8"), w: w, h: h}
}

func (s *simScreen) Init() error {
	s.inits++
	if err := s.SimulationScreen.Init(); err != nil {
		return err
	}
	s.SetSize(s.w, s.h)
	return nil
}

func (s *simScreen) Fini() {
	s.finis++
	s.SimulationScreen.Fini()
}

func (s *simScreen) Show() {
	time.Sleep(s.slow)
	s.SimulationScreen.Show()
}

func (s *simScreen) Beep() error { s.beeps++; return nil }

func (s *simScreen) Colors() int {
	if s.colors != 0 {
		return s.colors
	}
	return s.SimulationScreen.Colors()
}

func (s *simScreen) Suspend() error { s.stops = append(s.stops, "suspend"); return nil }
func (s *simScreen) Resume() error  { s.stops = append(s.stops, "resume"); return nil }

// text returns what the screen shows, in lines without the spaces at their
// ends.
func (s *simScreen) text() string {
	cells, w, h := s.GetContents()
	defer s.GetContents() // its lock orders this reading before the next frame
	var b strings.Builder
	for y := range h {
		var line strings.Builder
		for x := 0; x < w; {
			c := string(cells[y*w+x].Runes)
			line.WriteString(c)
			x += max(1, uniseg.StringWidth(c))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// styleOf returns the style that the first character of s has, and whether s
// is on the screen.
func (s *simScreen) styleOf(words string) (tcell.Style, bool) {
	cells, w, _ := s.GetContents()
	defer s.GetContents() // as in text
	for i := range cells {
		n := 0
		for _, r := range words {
			if i%w+n >= w || len(cells[i+n].Runes) == 0 || cells[i+n].Runes[0] != r {
				break
			}
			n++
		}
		if n == len(words) {
			return cells[i].Style, true
		}
	}
	return tcell.Style{}, false
}

// brightness returns how bright all pictures and words are together.
func (s *simScreen) brightness() (sum int) {
	cells, _, _ := s.GetContents()
	for _, c := range cells {
		fg, bg, _ := c.Style.Decompose()
		for _, v := range []tcell.Color{fg, bg} {
			if r, g, b := v.RGB(); r >= 0 {
				sum += int(r + g + b)
			}
		}
	}
	return sum
}

// press presses the keys of letters.
func (s *simScreen) press(letters string) {
	for _, r := range letters {
		s.InjectKey(tcell.KeyRune, r, tcell.ModNone)
	}
	synctest.Wait()
}

// key presses another key.
func (s *simScreen) key(k tcell.Key) {
	s.InjectKey(k, 0, tcell.ModNone)
	synctest.Wait()
}

// paste pastes what is typed.
func (s *simScreen) paste(what string) {
	for _, ev := range []tcell.Event{tcell.NewEventPaste(true), nil, tcell.NewEventPaste(false)} {
		if ev != nil {
			if err := s.PostEvent(ev); err != nil {
				panic(err)
			}
			continue
		}
		for i, r := range []rune(what) {
			if i%5 == 0 {
				synctest.Wait() // the queue of a screen is short
			}
			switch r {
			case '\r':
				s.InjectKey(tcell.KeyEnter, r, tcell.ModNone)
			default:
				s.InjectKey(tcell.KeyRune, r, tcell.ModNone)
			}
		}
		synctest.Wait()
	}
	synctest.Wait()
}

// sees fails the test unless words are on the screen, or are not.
func sees(t *testing.T, s *simScreen, words string, want bool) {
	t.Helper()
	pass(2 * idleEvery)
	if got := s.text(); strings.Contains(got, words) != want {
		t.Errorf("%q is on the screen: %v, want %v:\n%s", words, !want, want, got)
	}
}

// pass lets time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// onScreen runs a call's screen of w x h cells in a bubble, hands it to f once
// it has been painted, and ends it. It returns what Run returned.
func onScreen(t *testing.T, c Config, w, h int, f func(t *testing.T, s *simScreen)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newSim(w, h)
		c.Screen = s
		if e, ok := c.Engine.(*engine); ok { // its channels are made here
			again := newEngine(0)
			e.changed, e.notices = again.changed, again.notices
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- Run(ctx, c) }()
		pass(time.Second)
		f(t, s)
		cancel()
		<-ended
		if s.inits != 1 || s.finis != 1 {
			t.Errorf("the screen was initialised %d times and finished %d times", s.inits, s.finis)
		}
	})
}

// golden compares got with a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
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
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}
