package ui

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/term"
)

// click presses the first button on the first character of words, and lets go.
func (s *simScreen) click(t *testing.T, words string) {
	t.Helper()
	for y, line := range strings.Split(s.text(), "\n") {
		if before, _, ok := strings.Cut(line, words); ok {
			x := utf8.RuneCountInString(before)
			s.InjectMouse(x, y, tcell.Button1, tcell.ModNone)
			s.InjectMouse(x+1, y, tcell.Button1, tcell.ModNone) // dragged
			s.InjectMouse(x+1, y, tcell.ButtonNone, tcell.ModNone)
			pass(time.Millisecond)
			return
		}
	}
	t.Errorf("nothing to click: %q is not on the screen", words)
}

// TestMouse checks what clicks and the wheel do.
func TestMouse(t *testing.T) {
	e := newEngine(3)
	onScreen(t, Config{Engine: e, Mouse: true}, 120, 40, func(t *testing.T, s *simScreen) {
		s.click(t, "1 anna")
		sees(t, s, ">1 anna<", true)
		pass(doubleClick)
		s.click(t, "2 bo")
		sees(t, s, ">2 bo<", true)
		if n := tall(s, " >2 bo<"); n != 19 {
			t.Errorf("a click gives bo %d rows", n)
		}
		pass(doubleClick)
		s.click(t, "3 carol")
		s.click(t, ">3 carol<")
		pass(idleEvery)
		if n := tall(s, " >3 carol<"); n != 29 {
			t.Errorf("a double click gives carol %d rows:\n%s", n, s.text())
		}
		s.InjectMouse(60, 10, tcell.WheelUp, tcell.ModNone)
		sees(t, s, "volume of carol: +3 dB", true)
		s.InjectMouse(60, 10, tcell.WheelDown, tcell.ModNone)
		s.InjectMouse(60, 10, tcell.WheelDown, tcell.ModNone)
		sees(t, s, "volume of carol: -3 dB", true)
		s.click(t, "m mute")
		if sees(t, s, "MUTED", true); !e.Muted() {
			t.Error("a click on the hint does not mute")
		}
		s.click(t, "you")
		s.click(t, "you")
		sees(t, s, ">you<", false)
		s.click(t, "? help")
		sees(t, s, "mute or unmute", true)
		s.InjectMouse(60, 10, tcell.WheelDown, tcell.ModNone)
		s.click(t, "3 carol") // under the help
		sees(t, s, "volume of", false)
		s.key(tcell.KeyEscape)
		s.click(t, "p people")
		sees(t, s, "read it aloud", false)
		sees(t, s, "> anna ", true)
		s.InjectMouse(60, 10, tcell.WheelDown, tcell.ModNone)
		sees(t, s, "> bo ", true)
		s.click(t, "Esc close")
		sees(t, s, "> bo ", false)
		for range 50 { // anywhere
			for y := range 40 {
				s.InjectMouse(3*y, y, tcell.Button1, tcell.ModNone)
				s.InjectMouse(3*y, y, tcell.ButtonNone, tcell.ModNone)
			}
			pass(time.Millisecond)
		}
	})
}

// TestLooksMenu checks that looks are seen while they are chosen.
func TestLooksMenu(t *testing.T) {
	e := newEngine(1)
	kept := ""
	c := Config{Engine: e, Look: ascii.LookHalf, LookChosen: func(l ascii.Look, _ bool) { kept += l.String() + " " }}
	onScreen(t, c, 80, 24, func(t *testing.T, s *simScreen) {
		sees(t, s, "▀▀▀", true)
		s.press("R")
		sees(t, s, "> half", true)
		s.press("j")
		sees(t, s, "> letters", true)
		sees(t, s, "▀▀▀", false)
		s.key(tcell.KeyEscape)
		sees(t, s, "> letters", false)
		sees(t, s, "▀▀▀", true)
		s.press("R")
		for range 20 {
			s.key(tcell.KeyUp)
		}
		sees(t, s, "> auto", true)
		s.key(tcell.KeyDown)
		s.key(tcell.KeyEnter)
		sees(t, s, "look: Enter", false)
		if kept == "" || strings.Contains(kept, "letters") {
			t.Errorf("kept: %q", kept)
		}
		s.press("Rq")
		if e.did() != "" {
			t.Error("q in the menu is for the call")
		}
	})
}

// TestColourKey checks that colours go and come back.
func TestColourKey(t *testing.T) {
	e := newEngine(1)
	c := Config{Engine: e, Look: ascii.LookHalf, Terminal: term.Info{Name: "x", Blocks: true, Colors: ascii.Colors256}}
	onScreen(t, c, 80, 24, func(t *testing.T, s *simScreen) {
		for _, want := range []string{"16 colours", "no colours", "256 colours"} {
			s.press("c")
			sees(t, s, "pictures in "+want, true)
		}
		s.press(":colour off")
		s.key(tcell.KeyEnter)
		sees(t, s, "pictures in no colours", true)
		s.press(":colour on")
		s.key(tcell.KeyEnter)
		sees(t, s, "pictures in 256 colours", true)
	})
}
