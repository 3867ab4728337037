package ui

import (
	"strings"
	"testing"
	"time"
)

// typedThrough returns what a gate that was asked for the events of keys lets through.
func typedThrough(pieceList ...string) string {
	g := newGate(&pieces{list: pieceList})
	g.events.Store(true)
	var got []byte
	for {
		var b [128]byte
		n, err := g.Read(b[:])
		got = append(got, b[:n]...)
		if err != nil {
			return string(got)
		}
	}
}

func TestKeyEvents(t *testing.T) {
	for _, tt := range []struct {
		typed []string
		want  string
	}{
		{[]string{"m \x1b[109;1:3u\x1b[32;1:3u"}, "m " + spaceUpKey},
		{[]string{"\x1b[32;5:3u"}, spaceUpKey}, // Ctrl is held meanwhile
		{[]string{"\x1b[1;1:1A\x1b[1;1:2A\x1b[1;1:3A"}, "\x1b[1;1A\x1b[1;1A"},
		{[]string{"\x1b[6;1:3~x"}, "x"},
		{[]string{"\x1b[109;5u\x1b[A\x1b[<0;3;4M\x1b"}, "\x1b[109;5u\x1b[A\x1b[<0;3;4M\x1b"},
		{[]string{"a\x1b[3", "2;1:", "3ub"}, "a" + spaceUpKey + "b"},
		{[]string{"\x1b", "[A"}, "\x1b[A"},
		{[]string{"\x1b[32;1:4u\x1b[32:1:1u"}, "\x1b[32;1:4u\x1b[32:1u"},
		{[]string{"\x1b[" + strings.Repeat("1;", 40) + "A"}, "\x1b[" + strings.Repeat("1;", 40) + "A"},
		{[]string{"\x1b[200~été\x1b[201~"}, "\x1b[200~été\x1b[201~"},
		{[]string{"\xe9\x1b[109;1:3u\xe6\x97", "\xa5"}, "日"},
	} {
		if got := typedThrough(tt.typed...); got != tt.want {
			t.Errorf("typed %q: %q, want %q", tt.typed, got, tt.want)
		}
	}
}

// FuzzKeyEvents checks that only whole sequences are taken out, and that nothing is
// left over.
func FuzzKeyEvents(f *testing.F) {
	f.Add("m \x1b[109;1:3u\x1b[32;1:3u", 3)
	f.Add("\x1b[1;1:2A\x1b[6;1:3~é", 9)
	f.Fuzz(func(t *testing.T, s string, at int) {
		s = strings.ToValidUTF8(s[:min(len(s), 60)], "") // a read has room for it
		at = min(max(at, 0), len(s))
		got := typedThrough(s[:at], s[at:])
		if len(got) > len(s) {
			t.Fatalf("%q became the longer %q", s, got)
		}
		// What may be the begin of a sequence waits for the rest.
		if !strings.Contains(s, ":") && (!strings.HasPrefix(s, got) || len(s)-len(got) >= maxSequence) {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

// TestSpaceUp checks that nobody is heard after Space was let go, and is while it
// is held without a word.
func TestSpaceUp(t *testing.T) {
	e := newEngine(1)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		talks := func(want bool, when string) {
			t.Helper()
			pass(2 * idleEvery)
			if e.Talking() != want {
				t.Errorf("%s: talking is %v", when, !want)
			}
		}
		s.press("m ")
		talks(true, "Space")
		s.press(string(spaceUp))
		talks(false, "let go")
		s.press(" ")
		pass(longestHold - time.Second)
		talks(true, "held on a terminal that tells")
		s.press(string(spaceUp))
		talks(false, "let go again")
		s.press(" ")
		pass(longestHold)
		talks(false, "the end is lost")
		s.press("?" + string(spaceUp))
		sees(t, s, "Esc closes", true)
	})
}
