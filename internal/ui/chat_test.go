package ui

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
)

// TestChat checks the keys of the line that the person writes.
func TestChat(t *testing.T) {
	e := newEngine(1)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		has := func(words string, want bool) {
			t.Helper()
			sees(t, s, words, want)
		}
		did := func(k tcell.Key, want string) {
			t.Helper()
			s.key(k)
			if got := e.did(); got != want {
				t.Errorf("%s does %q, want %q:\n%s", tcell.KeyNames[k], got, want, s.text())
			}
		}
		cursor := func(x, y int, want bool) {
			t.Helper()
			if gotX, gotY, shown := s.GetCursor(); shown != want || shown && (gotX != x || gotY != y) {
				t.Errorf("the cursor is at %d,%d, shown: %v, want %d,%d, %v:\n%s", gotX, gotY, shown, x, y, want, s.text())
			}
		}
		cursor(0, 0, false)
		s.key(tcell.KeyTab)
		has("> Enter sends, Esc leaves", true)
		cursor(3, 23, true)
		s.press("Mqvs?pLyn é日本")
		if e.Muted() || !e.CameraOn() || e.Locked() {
			t.Error("what is written is taken for keys")
		}
		has("> Mqvs?pLyn é日本", true)
		cursor(18, 23, true)
		s.key(tcell.KeyF1)
		has("MUTED", true)
		s.key(tcell.KeyF1)
		s.key(tcell.KeyEscape)
		has("> ", false)
		cursor(0, 0, false)
		has("q quit", true)
		s.key(tcell.KeyEnter)
		has("> Mqvs?pLyn é日本", true) // as it was left
		s.key(tcell.KeyBackspace2)
		s.key(tcell.KeyBackspace)
		has("> Mqvs?pLyn é ", true)
		did(tcell.KeyEnter, "say Mqvs?pLyn é")
		has("you: Mqvs?pLyn é", true)
		has("> Enter sends", true) // for the next one
		s.press("gone")
		s.key(tcell.KeyCtrlU)
		s.InjectKey(tcell.KeyRune, 'x', tcell.ModAlt)
		has("> Enter sends", true)
		did(tcell.KeyEnter, "")
		has("> Enter sends", false)

		s.key(tcell.KeyEnter)
		s.paste("first\rsecond \x1b[2J\u202e")
		s.press("third")
		did(tcell.KeyEnter, "say first second [2Jthird")
		e.change(func() { e.err = errors.New("not joined") })
		s.press("hello")
		did(tcell.KeyEnter, "say hello")
		has("not sent: not joined", true)
		has("> hello", true)
		has("you: hello", false)
		e.change(func() { e.err = nil; e.state.Members[0].Present = false })
		pass(time.Second)
		did(tcell.KeyEnter, "")
		has("not sent: nobody else is here", true)
		e.change(func() { e.state.Members[0].Present = true })
		pass(time.Second)
		did(tcell.KeyEnter, "say hello")
		s.press("   ")
		did(tcell.KeyEnter, "")
		has("> ", false)
		s.paste("qqq")
		s.key(tcell.KeyTab)
		has("> Enter sends", true) // a paste into nothing is nothing
	})
}

// TestChatLimit checks that what is too long is refused, and said so.
func TestChatLimit(t *testing.T) {
	e := newEngine(1)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		s.key(tcell.KeyTab)
		s.paste(strings.Repeat("日", 332)) // 996 bytes
		s.press("abc")
		if s.beeps != 0 {
			t.Error("the bell rings too early")
		}
		s.press("é")
		sees(t, s, "a chat line has at most 1,000 bytes", true)
		if s.beeps != 1 {
			t.Errorf("the bell rang %d times, want once", s.beeps)
		}
		s.press("d")
		s.key(tcell.KeyEnter)
		if got, want := e.did(), "say "+strings.Repeat("日", 332)+"abcd"; got != want {
			t.Errorf("Enter does %q", got)
		}
		s.paste(strings.Repeat("日", 3000))
		s.key(tcell.KeyEnter)
		if got, want := e.did(), "say "+strings.Repeat("日", 333); got != want || s.beeps != 2 {
			t.Errorf("after a long paste Enter does %q, and the bell rang %d times", got, s.beeps)
		}
	})
}

// TestChatInput checks that the end of a long line and the state of the
// microphone are on the screen, however narrow it is.
func TestChatInput(t *testing.T) {
	for _, tt := range []struct {
		w, h int
		want string
	}{
		{80, 24, " > one two three four five six seven                                      MUTED"},
		{40, 12, " > two three four five six seven  MUTED"},
		{20, 6, " > six seven  MUTED"},
		{18, 3, " > x seven  MUTED"},
		{12, 2, "      MUTED"},
	} {
		e := newEngine(1)
		e.muted = true
		onScreen(t, Config{Engine: e}, tt.w, tt.h, func(t *testing.T, s *simScreen) {
			s.key(tcell.KeyTab)
			s.press("one two three four five six seven")
			rows := strings.Split(s.text(), "\n")
			row := rows[tt.h-1]
			if tt.h < minRows {
				row = rows[0]
			}
			if row != tt.want {
				t.Errorf("%dx%d has the line\n%s, want\n%s", tt.w, tt.h, row, tt.want)
			}
		})
	}
}

// TestChatLines checks which lines are shown, for how long.
func TestChatLines(t *testing.T) {
	e := newEngine(1)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		say := func(words string) {
			e.notices <- call.Notice{Kind: call.ChatLine, Name: "anna", Text: words}
		}
		say("one")
		e.notices <- call.Notice{Kind: call.MemberLeft, Name: strings.Repeat("w", 32)}
		sees(t, s, " anna: one", true)
		if got := s.text(); !strings.Contains(got, "w left ") {
			t.Errorf("words and a chat line are not both on\n%s", got)
		}
		say(strings.Repeat("x", 40)) // as wide as words in the middle
		sees(t, s, "anna: "+strings.Repeat("x", 40), true)
		sees(t, s, strings.Repeat("w", 32)+" left", true)
		pass(chatTime / 2)
		say("two")
		pass(chatTime/2 - 9*idleEvery)
		sees(t, s, " anna: one", true)
		pass(2 * idleEvery)
		sees(t, s, " anna: one", false)
		sees(t, s, " anna: two", true)
		pass(chatTime)
		sees(t, s, "anna:", false)
		s.key(tcell.KeyTab)
		sees(t, s, " anna: one", true) // all while the person writes
		for i := range 5 {
			say(fmt.Sprint("more ", i))
		}
		sees(t, s, " anna: two", false)
		sees(t, s, " anna: more 0", true)
		sees(t, s, " anna: more 4", true)
		s.key(tcell.KeyEscape)
		say("\x1b\u200b")
		pass(time.Second)
		sees(t, s, " anna: more 0", true) // nothing was said

		// A long line is cut, and whole while the person writes. None of its
		// rows passes for one of somebody else.
		say(strings.Repeat("x", 63) + " bo: yes " + strings.Repeat("word ", 120) + "end.")
		sees(t, s, "...", true)
		sees(t, s, "end.", false)
		s.key(tcell.KeyTab)
		sees(t, s, "end.", true)
		sees(t, s, "   bo: yes word", false)
		s.key(tcell.KeyPgUp)
		sees(t, s, "chat, PgDn for newer", true)
		s.key(tcell.KeyPgUp)
		sees(t, s, "         bo: yes word", true)
		say("new")
		sees(t, s, "         bo: yes word", true) // stays where it is
		s.key(tcell.KeyPgDn)
		s.key(tcell.KeyPgDn)
		s.key(tcell.KeyPgDn)
		sees(t, s, "anna: new", true)
		s.SetSize(40, 12)
		sees(t, s, "anna: new", true)
	})
}

// TestInsert checks what becomes of what is typed and pasted.
func TestInsert(t *testing.T) {
	full := strings.Repeat("x", maxChat)
	for _, tt := range []struct {
		draft, add, want string
		fits             bool
	}{
		{"", "a", "a", true},
		{"", " ", "", true},
		{"a", " ", "a ", true},
		{"a ", "b", "a b", true},
		{"a", "|", "a|", true},
		{"a|", "|", "a||", true},
		{"e", "\u0301", "e\u0301", true},
		{"", "\u0301", "", true},
		{"a", "\x1b\u202e\x00\xff", "a", true},
		{"a", "\tb\n", "a b ", true},
		{full, "y", full, false},
		{full[:999], "y", full[:999] + "y", true},
		{full[:999], "日", full[:999], false},
		{full[:999], "yz", full[:999] + "y", false},
		{full, "\u0301", full, false}, // does not take the letter with it
		{full, "\u200b", full, true},
		{"", full + full, full, false},
		{"", strings.Repeat("x", 5*pasteMax), full, false},
	} {
		c := chat{draft: tt.draft, at: len(tt.draft)}
		if fits := c.insert(tt.add); c.draft != tt.want || fits != tt.fits {
			t.Errorf("%.20q... and %.20q... make %.40q..., %v, want %.40q..., %v", tt.draft, tt.add, c.draft, fits, tt.want, tt.fits)
		}
	}
}

func TestErase(t *testing.T) {
	for _, tt := range []struct{ draft, want string }{
		{"", ""}, {"a", ""}, {"ab", "a"}, {"a ", "a"}, {"日本", "日"}, {"ae\u0301", "a"}, {"a\u0e33", ""},
	} {
		c := chat{draft: tt.draft, at: len(tt.draft)}
		if c.erase(); c.draft != tt.want {
			t.Errorf("%q without its end is %q, want %q", tt.draft, c.draft, tt.want)
		}
	}
}

func TestTail(t *testing.T) {
	for _, tt := range []struct {
		s     string
		width int
		want  string
	}{
		{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "bcd"}, {"日本語", 4, "本語"}, {"日本語", 3, "語"}, {"ae\u0301b", 2, "e\u0301b"}, {"ab", 0, ""},
	} {
		if got := tail(tt.s, tt.width); got != tt.want {
			t.Errorf("tail(%q, %d) = %q, want %q", tt.s, tt.width, got, tt.want)
		}
	}
}

// FuzzInsert checks that a draft is clean text that a call takes, whatever is
// typed and pasted.
func FuzzInsert(f *testing.F) {
	f.Add("a", "b")
	f.Add("e", "\u0301\u0301\u0301\u0301\u0301")
	f.Add(strings.Repeat("x", 999), "日")
	f.Add(" ", "\x1b[2J\r\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		var c chat
		for _, s := range []string{a, b, " ", b} {
			was := c.draft
			fits := c.insert(s)
			end := strings.TrimRight(c.draft, " ")
			if !strings.HasPrefix(c.draft, was) || len(c.draft) > maxChat || !utf8.ValidString(c.draft) || text.Clean(end, 2*maxChat) != end {
				t.Fatalf("%q and %q make %q, fits: %v", was, s, c.draft, fits)
			}
		}
		for n := 0; n < 5 && c.draft != ""; n++ {
			was := c.draft
			if c.erase(); !strings.HasPrefix(was, c.draft) || len(c.draft) >= len(was) {
				t.Fatalf("%q without its end is %q", was, c.draft)
			}
		}
	})
}
