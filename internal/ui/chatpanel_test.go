package ui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/call"
)

// TestChatPanel checks what is read, what is not, and what happened meanwhile.
func TestChatPanel(t *testing.T) {
	e := newEngine(2)
	onScreen(t, Config{Engine: e}, 120, 40, func(t *testing.T, s *simScreen) {
		say := func(who int, words string) {
			m := e.state.Members[who]
			e.notices <- call.Notice{Kind: call.ChatLine, Slot: m.Slot, Fingerprint: m.Fingerprint, Name: m.Name, Text: words}
		}
		say(0, "one")
		e.notices <- call.Notice{Kind: call.MemberLeft, Name: "eve"}
		say(1, "two")
		sees(t, s, "Tab chat, 2 new", true)
		s.key(tcell.KeyTab)
		sees(t, s, "─ chat ─", true)
		sees(t, s, "─ new ─", true)
		sees(t, s, "00:00 anna: one", true)
		sees(t, s, "00:00 eve left", true)
		a, _ := s.styleOf("anna: one")
		b, _ := s.styleOf("bo: two")
		if a == b {
			t.Error("anna and bo have one colour")
		}
		s.key(tcell.KeyEscape)
		sees(t, s, "─ chat ─", false)
		sees(t, s, "Tab chat ", true)
		say(0, "three")
		sees(t, s, "Tab chat, 1 new", true)
		s.key(tcell.KeyEnter)
		lines := strings.Split(s.text(), "\n")
		for y, l := range lines {
			if strings.Contains(l, "─ new ─") && !strings.Contains(lines[y+1], "anna: three") {
				t.Errorf("under the mark is %s", lines[y+1])
			}
		}
		for i := range 100 {
			e.notices <- call.Notice{Kind: call.ChatLine, Name: "anna", Text: fmt.Sprint("line ", i)}
			if i%20 == 0 {
				pass(idleEvery)
			}
		}
		sees(t, s, "anna: line 99", true)
		s.InjectMouse(100, 20, tcell.WheelUp, tcell.ModNone) // no mouse was asked for, but there is one
		sees(t, s, "anna: line 99", false)
		for range 10 {
			s.key(tcell.KeyPgUp)
		}
		sees(t, s, "anna: one", true)
		say(0, "far below")
		sees(t, s, "anna: one", true)
		s.press("words")
		s.key(tcell.KeyEnter)
		if got := e.did(); got != "say words" {
			t.Errorf("Enter did %q", got)
		}
		sees(t, s, "anna: far below", true) // who speaks is at the end again
	})
}

// TestChatCommands checks what begins with a slash.
func TestChatCommands(t *testing.T) {
	e := newEngine(1)
	var done []string
	do := func(line string) error {
		done = append(done, line)
		if line == "dance" {
			return errors.New(`unknown command "dance"`)
		}
		return nil
	}
	c := Config{Engine: e, Do: do, Words: []Word{{Name: "hand", Args: "up|down", Help: "raise it"}}}
	onScreen(t, c, 120, 40, func(t *testing.T, s *simScreen) {
		s.key(tcell.KeyTab)
		s.press("/han")
		s.key(tcell.KeyTab)
		sees(t, s, "> /hand ", true)
		s.press("up")
		s.key(tcell.KeyEnter)
		s.press("/dance")
		s.key(tcell.KeyEnter)
		sees(t, s, `unknown command "dance"`, true)
		if got := strings.Join(done, ", "); got != "hand up, dance" {
			t.Errorf("done: %s", got)
		}
		s.press("/layout strip")
		s.key(tcell.KeyEnter)
		sees(t, s, "layout: strip", true)
		s.press("//etc/hosts")
		s.key(tcell.KeyEnter)
		if got := e.did(); got != "say /etc/hosts" {
			t.Errorf("two slashes did %q", got)
		}
		s.key(tcell.KeyUp)
		sees(t, s, "> /etc/hosts", true)
		s.key(tcell.KeyUp)
		sees(t, s, "> /layout strip", true)
		s.key(tcell.KeyDown)
		s.key(tcell.KeyDown)
		sees(t, s, "> Enter sends", true)
	})
}

// TestChatEdit checks the keys that move in the line.
func TestChatEdit(t *testing.T) {
	for _, tt := range []struct {
		draft string
		keys  []tcell.Key
		typed string
		want  string
	}{
		{"one two", []tcell.Key{tcell.KeyHome}, "x", "xone two"},
		{"one two", []tcell.Key{tcell.KeyLeft, tcell.KeyLeft}, "é", "one téwo"},
		{"a日e\u0301b", []tcell.Key{tcell.KeyLeft, tcell.KeyLeft, tcell.KeyBackspace2}, "", "ae\u0301b"},
		{"a日b", []tcell.Key{tcell.KeyCtrlA, tcell.KeyRight, tcell.KeyDelete}, "x", "axb"},
		{"one two three", []tcell.Key{tcell.KeyCtrlW}, "", "one two "},
		{"one two ", []tcell.Key{tcell.KeyCtrlW, tcell.KeyCtrlW, tcell.KeyCtrlW}, "", ""},
		{"one two", []tcell.Key{tcell.KeyCtrlA, tcell.KeyCtrlK}, "x", "x"},
		{"one two", []tcell.Key{tcell.KeyLeft, tcell.KeyCtrlU}, "", "o"},
		{"one", []tcell.Key{tcell.KeyHome, tcell.KeyLeft, tcell.KeyBackspace2, tcell.KeyEnd, tcell.KeyRight, tcell.KeyDelete}, "!", "one!"},
	} {
		c := chat{}
		c.set(tt.draft)
		for _, k := range tt.keys {
			if !c.edit(k) {
				t.Errorf("%s is no key of the line", tcell.KeyNames[k])
			}
		}
		if tt.typed != "" {
			c.insert(tt.typed)
		}
		if c.draft != tt.want {
			t.Errorf("%q is %q, want %q", tt.draft, c.draft, tt.want)
		}
	}
}

// TestBell checks for what the bell rings, once a frame, and that notices are told.
func TestBell(t *testing.T) {
	for _, bell := range []bool{true, false} {
		e := newEngine(1)
		told := 0
		c := Config{Engine: e, Bell: bell, Noticed: func(call.Notice) { told++ }}
		onScreen(t, c, 80, 24, func(t *testing.T, s *simScreen) {
			want := 0
			for _, tt := range []struct {
				n     call.Notice
				rings bool
			}{
				{call.Notice{Kind: call.MemberJoined, Name: "bo"}, true},
				{call.Notice{Kind: call.MemberKnocks, Name: "bo"}, true},
				{call.Notice{Kind: call.ChatLine, Name: "bo", Text: "hello"}, true},
				{call.Notice{Kind: call.ChatLine, Slot: 99, Fingerprint: printOf(99), Name: "darker", Text: "hello"}, false},
				{call.Notice{Kind: call.MemberLeft, Name: "bo"}, false},
			} {
				e.notices <- tt.n
				pass(2 * idleEvery)
				if tt.rings && bell {
					want++
				}
				if s.beeps != want {
					t.Errorf("bell %v: after %+v it rang %d times, want %d", bell, tt.n, s.beeps, want)
				}
			}
			for range 10 {
				e.notices <- call.Notice{Kind: call.MemberJoined, Name: "bo"}
			}
			pass(2 * idleEvery)
			if bell && s.beeps > want+2 {
				t.Errorf("the bell rang %d times for one frame", s.beeps-want)
			}
		})
		if told != 15 {
			t.Errorf("told %d notices, want 15", told)
		}
	}
}

// TestHosting checks that who is the hub is asked before the call ends for others.
func TestHosting(t *testing.T) {
	const asks = "the call ends for everybody"
	for _, others := range []int{1, 0} {
		synctest.Test(t, func(t *testing.T) {
			s, ended := newSim(80, 24), make(chan error, 1)
			c := Config{Engine: newEngine(others), Screen: s, Hosting: true}
			go func() { ended <- Run(t.Context(), c) }()
			pass(time.Second)
			if others > 0 {
				s.press("q")
				sees(t, s, asks, true)
				pass(leaveTime)
				s.press("q")
				sees(t, s, asks, true) // again: the first one is forgotten
			}
			s.press("q")
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCrowd checks that people are told what the hub is told.
func TestCrowd(t *testing.T) {
	e := newEngine(10)
	onScreen(t, Config{Engine: e}, 120, 40, func(t *testing.T, s *simScreen) {
		sees(t, s, "the hub is told who speaks", true)
		pass(noticeTime)
		sees(t, s, "the hub is told who speaks", false)
		s.key(tcell.KeyTab)
		sees(t, s, "more than ten are here", true)
	})
	e = newEngine(9)
	onScreen(t, Config{Engine: e}, 120, 40, func(t *testing.T, s *simScreen) {
		sees(t, s, "the hub is told who speaks", false)
	})
}

// TestChatKept checks that no more is kept than said, and that the mark and what
// is read do not move.
func TestChatKept(t *testing.T) {
	var c chat
	c.cols = 30
	for i := range linesKept + 10 {
		c.add("anna", fmt.Sprint(i), styleNick0, false, time.Unix(0, 0))
	}
	if len(c.lines) != linesKept || c.lines[0].text != "10" || c.fresh != linesKept+10 {
		t.Errorf("%d lines from %q, %d of them new", len(c.lines), c.lines[0].text, c.fresh)
	}
	c.show()
	c.scroll(1)
	c.add("anna", "last", styleNick0, false, time.Unix(0, 0))
	if c.mark > linesKept || c.back != 2 || c.fresh != 1 {
		t.Errorf("the mark is over %d, %d rows below, %d new", c.mark, c.back, c.fresh)
	}
}
