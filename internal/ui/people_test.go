package ui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/trust"
)

// code is the safety code of the tests.
var code = [4]string{"ember", "lake", "tiger", "nine"}

// sealedCall makes e a call of three others, one of each mark, in a locked
// session with a passphrase.
func sealedCall(e *engine) {
	m := e.state.Members
	m[0].Mark, m[1].Mark, m[2].Mark = trust.Verified, trust.New, trust.Changed
	m[1].Differs, m[1].Silent = true, 12*time.Second
	m[2].Muted = true
	e.state.Code = [4]string{"ember", "lake", "tiger", "nine"}
	e.state.Locked, e.state.Passphrase = true, true
}

// sealedScreens are what else a golden file shows of such a call.
var sealedScreens = map[string]func(e *engine, s *simScreen){
	"sealed": nil,
	"keys":   func(_ *engine, s *simScreen) { s.press("?") },
	"people": func(_ *engine, s *simScreen) { s.press("pj") },
	"remove": func(_ *engine, s *simScreen) { s.press("pjx") },
	"knock": func(e *engine, s *simScreen) {
		e.change(func() {
			e.state.Knocks = []call.Knock{{Slot: 70, Fingerprint: printOf(70)}, {Slot: 80, Name: "eve", Mark: trust.Seen}}
		})
		pass(time.Second)
	},
	"chat": func(e *engine, s *simScreen) {
		e.notices <- call.Notice{Kind: call.ChatLine, Name: "anna", Text: "does everybody see the same four words?"}
		e.notices <- call.Notice{Kind: call.ChatLine, Name: "bo", Text: strings.Repeat("I see some that are not the ones that you have read aloud. ", 4)}
		pass(time.Second)
		s.key(tcell.KeyTab)
		s.press("then somebody is in b")
	},
}

// TestPeople checks the keys of the panel.
func TestPeople(t *testing.T) {
	e := newEngine(3)
	e.state.Code = code
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		chosen := func(name string) {
			t.Helper()
			sees(t, s, " > "+name, true)
		}
		did := func(keys, want string) {
			t.Helper()
			s.press(keys)
			if got := e.did(); got != want {
				t.Errorf("%s does %q, want %q:\n%s", keys, got, want, s.text())
			}
		}
		did("xyc", "") // the panel is closed
		s.press("p")
		sees(t, s, "─ people ─", true)
		chosen("anna")
		sees(t, s, e.state.Members[0].Fingerprint.String(), true)
		sees(t, s, e.state.Members[1].Fingerprint.String(), false)
		sees(t, s, e.state.Members[1].Fingerprint.String()[:19]+" ", true)
		sees(t, s, "ember      lake      tiger      nine", true)
		sees(t, s, readAloud, true)
		s.press("k")
		chosen("anna")
		s.press("j")
		chosen("bo")
		s.key(tcell.KeyDown)
		chosen("carol")
		s.press("j")
		chosen("carol")
		s.key(tcell.KeyUp)
		chosen("bo")

		// Who is chosen stays so, wherever they are in the list.
		e.change(func() {
			e.state.Members = append([]call.Member{{Slot: 5, Name: "zoe", Present: true}}, e.state.Members...)
		})
		chosen("bo")
		e.change(func() { e.state.Members = e.state.Members[1:] })
		chosen("bo")

		did("x", "")
		sees(t, s, "remove bo? y/n", true)
		did("n", "")
		sees(t, s, "remove bo?", false)
		did("y", "")
		s.press("x")
		s.key(tcell.KeyEscape)
		sees(t, s, "remove bo?", false)
		sees(t, s, "─ people ─", true)
		did("xm", "")
		if !e.Muted() {
			t.Error("m does not mute in the panel")
		}
		sees(t, s, "remove bo?", false)
		s.press("x")
		did("y", "remove 20")
		chosen("carol")
		s.press("x")
		e.mu.Lock() // somebody else comes to the slot just before the key
		e.state.Members[1].Fingerprint = printOf(77)
		e.mu.Unlock()
		did("y", "")
		sees(t, s, "not removed: they have left already", true)

		did("c", "verify")
		sees(t, s, "everybody here is verified", true)
		sees(t, s, "anna   verified", true)
		e.change(func() { e.err = errors.New("write known_peers: disk full") })
		did("c", "verify")
		sees(t, s, "not stored as verified: write known_peers: disk full", true)
		e.mu.Lock() // somebody comes just before the key
		e.state.Code = [4]string{"other", "words", "than", "these"}
		e.mu.Unlock()
		did("c", "")
		sees(t, s, "the code has just changed: compare it again", true)
		sees(t, s, "other      words      than      these", true)
		e.change(func() { e.state.Code = [4]string{"only", "some", "", ""} })
		sees(t, s, "the code is being agreed on", true)
		did("c", "")
		sees(t, s, "there is no code to compare yet", true)

		s.press("L")
		sees(t, s, "people, locked", true)
		s.press("L")
		sees(t, s, "people, locked", false)
		for _, closing := range []string{"p", "q", "\x1b"} {
			sees(t, s, "─ people ─", true)
			if closing == "\x1b" {
				s.key(tcell.KeyEscape)
			} else {
				s.press(closing)
			}
			sees(t, s, "─ people ─", false)
			s.press("p")
		}
		s.key(tcell.KeyTab)
		sees(t, s, "Enter sends, Esc leaves", true)
		sees(t, s, "─ people ─", false)
		s.key(tcell.KeyTab)
		s.press("p")
		e.change(func() { e.state.Members = nil })
		sees(t, s, "nobody else is here yet", true)
		sees(t, s, "no code: nobody else is here", true)
		did("jkxyc", "")
		e.change(func() { e.state.Link.Phase = call.Reconnecting })
		sees(t, s, "no code: not connected", true)
	})
}

// TestPeopleSizes checks that all of the panel that matters is on each screen
// from 40x12 on, whoever is chosen of however many.
func TestPeopleSizes(t *testing.T) {
	for _, size := range [][2]int{{40, 12}, {41, 13}, {60, 15}, {80, 24}, {120, 40}, {300, 12}, {40, 100}} {
		for _, others := range []int{1, 3, 12} {
			e := newEngine(others)
			e.state.Code, e.state.Locked = code, true
			for i := range e.state.Members {
				e.state.Members[i].Mark, e.state.Members[i].Differs = trust.Mark(i%4), i%2 == 1
			}
			onScreen(t, Config{Engine: e}, size[0], size[1], func(t *testing.T, s *simScreen) {
				s.press("p")
				for i, m := range e.state.Members {
					got := s.text()
					flat := strings.Map(func(r rune) rune {
						if strings.ContainsRune(" │\n┃", r) {
							return -1
						}
						return r
					}, got)
					for _, want := range []string{">" + m.Name + strings.ReplaceAll(m.Mark.String(), " ", ""), m.Fingerprint.String(), "emberlaketigernine"} {
						if !strings.Contains(flat, want) {
							t.Errorf("%v, %d of %d: no %q on\n%s", size, i+1, others, want, got)
						}
					}
					s.press("j")
				}
				if others == 12 && size[1] == 12 && !strings.Contains(s.text(), "people 12/12, locked") {
					t.Errorf("%v: the panel does not say where one is:\n%s", size, s.text())
				}
				s.press("x")
				if last := e.state.Members[others-1].Name; !strings.Contains(s.text(), "remove "+last+"? y/n") {
					t.Errorf("%v: not asked whether to remove %s:\n%s", size, last, s.text())
				}
			})
		}
	}
}

// TestStatus checks what the top bar says of who can hear this member.
func TestStatus(t *testing.T) {
	for _, tt := range []struct {
		name    string
		w       int
		change  func(s *call.State)
		want    string // all of these, divided by |
		wantNot string
	}{
		{"alone", 80, func(s *call.State) { s.Members = nil; s.Code = code }, "1 here", "end-to-end|e2e|ember"},
		{"joining", 80, func(s *call.State) {
			for i := range s.Members {
				s.Members[i].Present = false
			}
		}, "1 here", "end-to-end|e2e|ember"},
		{"connecting", 80, func(s *call.State) { s.Link.Phase = call.Connecting }, "4 here|connecting", "end-to-end|e2e|ember"},
		{"reconnecting", 200, func(s *call.State) { s.Link.Phase = call.Reconnecting }, "4 here|reconnecting", "end-to-end|e2e|ember"},
		{"no code yet", 80, func(s *call.State) { s.Code[3] = "" }, "end-to-end, 4 people", "ember|tiger"},
		{"all", 80, func(*call.State) {}, "end-to-end, 4 people|ember lake tiger nine", "locked|passphrase|shut"},
		{"one joining", 80, func(s *call.State) { s.Members[0].Present = false }, "end-to-end, 3 people", ""},
		{"locked", 80, func(s *call.State) { s.Locked, s.Passphrase = true, true }, "end-to-end, 4 people|ember lake tiger nine|locked|passphrase", ""},
		{"guesses", 120, func(s *call.State) { s.Passphrase, s.Guesses, s.Shut = true, 3, true }, "passphrase, 3 wrong|shut: guessing", ""},
		{"60", 60, func(s *call.State) { s.Locked, s.Shut = true, true }, "end-to-end, 4|locked|shut", ""},
		{"40", 40, func(s *call.State) { s.Locked = true }, "end-to-end, 4|locked|kitchen-table", "ember"},
		{"40, a bad link", 40, func(s *call.State) { s.Link.Loss = 0.2 }, "end-to-end, 4|loss 20%", ""},
		{"20", 20, func(s *call.State) { s.Locked = true }, "e2e 4", ""},
		{"a long name", 40, func(s *call.State) { s.Session = strings.Repeat("w", 40) }, "end-to-end, 4", ""},
	} {
		e := newEngine(3)
		e.muted = true
		e.state.Code = code
		tt.change(&e.state)
		onScreen(t, Config{Engine: e}, tt.w, 12, func(t *testing.T, s *simScreen) {
			got := s.text()
			top, _, _ := strings.Cut(got, "\n")
			for want := range strings.SplitSeq(tt.want, "|") {
				if !strings.Contains(top, want) {
					t.Errorf("%s: no %q in the bar\n%s", tt.name, want, top)
				}
			}
			for not := range strings.SplitSeq(tt.wantNot, "|") {
				if not != "" && strings.Contains(got, not) {
					t.Errorf("%s: %q is on the screen\n%s", tt.name, not, got)
				}
			}
			if !strings.Contains(got, "MUTED") {
				t.Errorf("%s: the screen does not say MUTED:\n%s", tt.name, got)
			}
		})
	}
}

// TestLock checks the key for the lock, whose letter is no key by itself.
func TestLock(t *testing.T) {
	e := newEngine(1)
	onScreen(t, Config{Engine: e}, 120, 24, func(t *testing.T, s *simScreen) {
		for _, tt := range []struct {
			key  string
			want bool
			says string
		}{{"l", false, "L lock"}, {"L", true, "L unlock"}, {"l", true, "nobody new hears or sees you"}, {"L", false, "L lock"}, {"LL", false, "unlocked: "}} {
			s.press(tt.key)
			if e.Locked() != tt.want {
				t.Errorf("after %s locked is %v, want %v", tt.key, e.Locked(), tt.want)
			}
			sees(t, s, tt.says, true)
		}
	})
}

// TestHelpPages checks that each screen shows all of the help.
func TestHelpPages(t *testing.T) {
	for _, size := range [][2]int{{40, 6}, {40, 7}, {40, 12}, {60, 19}, {60, 20}, {80, 24}} {
		onScreen(t, Config{Engine: newEngine(1)}, size[0], size[1], func(t *testing.T, s *simScreen) {
			s.press("?")
			all := ""
			lines := helpOf(newEngine(1))
			for range lines {
				got := s.text()
				all += got
				more := strings.Contains(got, "Space for more, Esc closes")
				if !more && !strings.Contains(got, "letters search, Esc closes") {
					t.Fatalf("%v: the help does not say how it goes on:\n%s", size, got)
				}
				if !more {
					s.key(tcell.KeyEscape)
					break
				}
				s.press(" ")
			}
			for _, l := range lines {
				if _, words, _ := strings.Cut(l, "\t"); !strings.Contains(all, words) {
					t.Errorf("%v: no %q in\n%s", size, words, all)
				}
			}
			sees(t, s, "Esc closes", false)
			s.press("?")
			sees(t, s, "mute or unmute", true) // the first page again
			s.key(tcell.KeyEscape)
			sees(t, s, "Esc closes", false)
		})
	}
}

// helpOf returns the help of a call that has just begun.
func helpOf(e *engine) []string {
	v := newCallView(Config{Engine: e})
	e.State(&v.state)
	return v.helpLines()
}

// TestRemoveWho checks that the question of the panel goes with the one it is
// about.
func TestRemoveWho(t *testing.T) {
	e := newEngine(2)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		s.press("px")
		sees(t, s, "remove anna? y/n", true)
		e.change(func() { e.state.Members = e.state.Members[1:] })
		pass(time.Second)
		s.press("y")
		if got := e.did(); got != "" {
			t.Errorf("y for one who has left does %q:\n%s", got, s.text())
		}
	})
}

// TestTypeAhead checks that no key answers a question that was not on the
// screen.
func TestTypeAhead(t *testing.T) {
	e := newEngine(2)
	e.state.Code = code
	e.state.Knocks = []call.Knock{{Slot: 50}}
	v := newCallView(Config{Engine: e})
	e.State(&v.state)
	for _, r := range "ynpxyxyc" {
		v.key(tcell.NewEventKey(tcell.KeyRune, r, tcell.ModNone), nil, time.Now())
	}
	if got := e.did(); got != "" {
		t.Errorf("keys before anything is drawn do %q", got)
	}
}
