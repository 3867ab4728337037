package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"
)

// TestCommandTable checks that no key or name has two commands, that each can be
// reached, and that the help has all of them.
func TestCommandTable(t *testing.T) {
	keys, names := map[string]bool{}, map[string]bool{}
	for _, c := range callCommands() {
		if c.help == "" && c.name != "" || c.name == "" && len(c.keys) == 0 {
			t.Errorf("the command %q %v has no help, or nothing that does it", c.name, c.keys)
		}
		if c.hint != nil && len(c.keys) == 0 {
			t.Errorf("the command %q is in the bar without a key", c.name)
		}
		if c.run == nil { // keys of panels
			continue
		}
		for _, k := range c.keys {
			if keys[k] {
				t.Errorf("the key %s has two commands", k)
			}
			keys[k] = true
		}
		if c.name != "" && names[c.name] {
			t.Errorf("there are two commands %q", c.name)
		}
		names[c.name] = true
	}
	for _, l := range helpOf(newEngine(1)) {
		if key, words, ok := strings.Cut(l, "\t"); !ok || key == "" || words == "" {
			t.Errorf("the help has the line %q", l)
		}
	}
}

func TestFuzzy(t *testing.T) {
	p := palette{words: []paletteWord{{name: "camera"}, {name: "deafen"}, {name: "hand"}, {name: "leave"}, {name: "layout"}, {name: "unmute"}}}
	for _, tt := range []struct{ typed, want string }{
		{"", "camera deafen hand leave layout unmute"},
		{"l", "leave layout"},
		{"lt", "layout"},
		{"MUT", "unmute"},
		{"an", "hand deafen"},
		{"z", ""},
		{"leave ", "leave"},
		{"lea now", ""},
	} {
		var got []string
		for _, w := range p.find(tt.typed) {
			got = append(got, w.name)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q finds %q, want %q", tt.typed, got, tt.want)
		}
	}
}

// TestPalette checks what is typed after a colon.
func TestPalette(t *testing.T) {
	e := newEngine(2)
	var done []string
	c := Config{Engine: e, Words: []Word{{"say", "TEXT", "say it in writing"}, {"toggle", "", "not this one"}}}
	c.Do = func(line string) error {
		if line == "bad" {
			return errors.New("that is \x1b[2J wrong")
		}
		done = append(done, line)
		return nil
	}
	onScreen(t, c, 80, 24, func(t *testing.T, s *simScreen) {
		s.press(":")
		sees(t, s, "commands: Tab completes", true)
		s.press("tog")
		sees(t, s, "mute or unmute", true)
		sees(t, s, "say it in writing", false)
		s.key(tcell.KeyTab)
		sees(t, s, ":toggle", true)
		s.key(tcell.KeyEnter)
		if sees(t, s, "commands:", false); !e.Muted() {
			t.Error("toggle does not mute")
		}
		s.press(":sa")
		s.key(tcell.KeyTab)
		s.press("hello  m")
		s.key(tcell.KeyEnter)
		if want := []string{"say hello  m"}; !slices.Equal(done, want) {
			t.Errorf("Do got %q, want %q", done, want)
		}
		s.press(":")
		s.key(tcell.KeyUp)
		sees(t, s, ":say hello  m", true)
		s.key(tcell.KeyUp)
		sees(t, s, ":toggle", true)
		s.key(tcell.KeyDown)
		s.key(tcell.KeyDown)
		sees(t, s, ":toggle", false)
		s.key(tcell.KeyEscape)
		sees(t, s, "commands:", false)
		for _, tt := range []struct{ line, want string }{
			{"bad", "that is [2J wrong"},
			{"page", "type it as: page N"},
			{"page 7", "there are the pages 1 to 1"},
			{"look oil", "this terminal has no look \"oil\": type auto"},
			{"help me", "type it as: help"},
		} {
			s.press(":")
			s.paste(tt.line)
			s.key(tcell.KeyEnter)
			sees(t, s, tt.want, true)
		}
		s.press(":look ramp")
		s.key(tcell.KeyEnter)
		sees(t, s, "look: ramp", true)
		s.press(":")
		for range 3 {
			s.key(tcell.KeyBackspace)
		}
		sees(t, s, "commands:", false)
	})
}

// TestRequests checks commands that come from elsewhere.
func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, requests, ended := newSim(80, 24), make(chan Request), make(chan error, 1)
		go func() { ended <- Run(t.Context(), Config{Engine: newEngine(2), Screen: s, Requests: requests}) }()
		pass(time.Second)
		ask := func(line, want string) {
			t.Helper()
			done := make(chan error, 1)
			requests <- Request{line, done}
			if got := fmt.Sprint(<-done); got != want {
				t.Errorf("%q: %s, want %s", line, got, want)
			}
		}
		ask("people", "<nil>")
		sees(t, s, "SHA256:", true)
		ask("dance\x1b", `there is no command "dance": Tab completes those there are`)
		ask("leave", "<nil>")
		if err := <-ended; err != nil || s.finis != 1 {
			t.Errorf("after leave Run = %v, and the screen was finished %d times", err, s.finis)
		}
	})
}
