package ui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/trust"
)

// TestGolden compares whole screens with files that a person has read.
func TestGolden(t *testing.T) {
	tests := []struct {
		name   string
		w, h   int
		others int
		change func(e *engine, c *Config)
		do     func(e *engine, s *simScreen)
	}{
		{name: "80x24-alone", w: 80, h: 24, change: func(_ *engine, c *Config) {
			c.Hint = "s2c join -s kitchen-table -c NAME 192.168.1.20:1122"
		}},
		{name: "80x24-2", w: 80, h: 24, others: 1},
		{name: "80x24-4", w: 80, h: 24, others: 3, change: func(e *engine, _ *Config) {
			e.state.Members[2].Muted = true
		}},
		{name: "120x40-3", w: 120, h: 40, others: 2},
		{name: "100x30-states", w: 100, h: 30, others: 5, change: func(e *engine, _ *Config) {
			m := e.state.Members
			m[1].Muted, m[1].Lag = true, 1234*time.Millisecond
			m[2].Camera = false
			m[3].Present = false
			m[4].Silent = 4700 * time.Millisecond
			e.pictures[m[4].Slot] = nil
			e.muted, e.cameraOn = true, false
		}},
		{name: "100x30-away", w: 100, h: 30, others: 3, change: func(e *engine, _ *Config) {
			m := e.state.Members
			m[0].Away, m[0].Silent, m[0].Speaking = true, 14*time.Second, false
			m[1].Away, m[1].Silent, m[1].Camera = true, 3*time.Second, false
			m[2].Away, m[2].Silent = true, time.Second // a blink
		}},
		{name: "40x14-pages", w: 40, h: 14, others: 6, do: func(e *engine, s *simScreen) {
			e.sends = true
			s.key(tcell.KeyPgDn)
			pass(2 * idleEvery)
		}},
		{name: "24x8-2", w: 24, h: 8, others: 1},
		{name: "10x3-2", w: 10, h: 3, others: 1},
		{name: "80x24-help", w: 80, h: 24, others: 1, do: func(_ *engine, s *simScreen) { s.press("?") }},
		{name: "30x10-help", w: 30, h: 10, others: 1, do: func(_ *engine, s *simScreen) { s.press("?") }},
		{name: "80x24-notices", w: 80, h: 24, others: 1, do: func(e *engine, s *simScreen) {
			e.notices <- call.Notice{Kind: call.MemberJoined, Name: "anna"}
			e.notices <- call.Notice{Kind: call.DeviceLost, Device: "camera", Err: errors.New("open camera /dev/video0: device or resource busy")}
			e.change(func() {
				e.muted, e.state.Self.Speaking = true, true
				e.state.Link.Phase, e.state.Link.NextTry = call.Reconnecting, time.Now().Add(4*time.Second)
			})
			pass(200 * time.Millisecond)
		}},
	}
	for _, size := range [][2]int{{40, 12}, {80, 24}, {120, 40}} {
		for _, name := range slices.Sorted(maps.Keys(sealedScreens)) {
			tt := tests[0]
			tt.w, tt.h, tt.others = size[0], size[1], 3
			tt.name = fmt.Sprintf("%dx%d-%s", tt.w, tt.h, name)
			tt.change = func(e *engine, _ *Config) { sealedCall(e) }
			tt.do = sealedScreens[name]
			tests = append(tests, tt)
		}
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(tt.others)
			c := Config{Engine: e, Look: ascii.LookRamp}
			if tt.change != nil {
				tt.change(e, &c)
			}
			onScreen(t, c, tt.w, tt.h, func(t *testing.T, s *simScreen) {
				if tt.do != nil {
					tt.do(e, s)
				}
				golden(t, tt.name, s.text())
			})
		})
	}
}

// TestSizes checks for many sizes and sessions that everybody's name is on the
// screen, or the number of those who are not.
func TestSizes(t *testing.T) {
	for _, size := range [][2]int{{20, 6}, {21, 9}, {40, 12}, {80, 24}, {81, 25}, {120, 40}, {200, 50}, {50, 100}, {400, 120}, {300, 7}} {
		for _, others := range []int{0, 1, 2, 3, 5, 8, 12} {
			e := newEngine(others)
			onScreen(t, Config{Engine: e, Look: ascii.LookRamp}, size[0], size[1], func(t *testing.T, s *simScreen) {
				got, seen := s.text(), 0
				for _, m := range e.state.Members {
					if strings.Contains(got, " "+m.Name) {
						seen++
					}
				}
				if more := fmt.Sprintf("+%d more", others-seen); seen < others && !strings.Contains(got, more) {
					t.Errorf("%v with %d others: %d names and no %q:\n%s", size, others, seen, more, got)
				}
				if others < 3 && size[0] >= 80 && size[1] >= 24 && !strings.Contains(got, " you ") {
					t.Errorf("%v with %d others: not oneself:\n%s", size, others, got)
				}
			})
		}
	}
}

// TestTiny checks that no size is too small.
func TestTiny(t *testing.T) {
	for w := 1; w <= 24; w++ {
		for h := 1; h <= 9; h++ {
			e := newEngine(3)
			e.muted = true
			onScreen(t, Config{Engine: e, Hint: "s2c join -s kitchen-table -c NAME 192.168.1.20:1122"}, w, h, func(t *testing.T, s *simScreen) {
				s.press("?rsv")
				if got := s.text(); !strings.Contains(got, "MUTED"[:min(w, 5)]) {
					t.Errorf("%dx%d does not say MUTED:\n%s", w, h, got)
				}
			})
		}
	}
}

// TestStorm resizes the screen and presses keys all the time.
func TestStorm(t *testing.T) {
	e := newEngine(4)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		rng := rand.New(rand.NewPCG(1, 2))
		const keys = "mvrs?xpjxycnL"
		for i := range 1000 {
			w, h := 1+rng.IntN(1+rng.IntN(400)), 1+rng.IntN(1+rng.IntN(120))
			s.SetSize(w, h)
			if i%3 == 0 {
				s.press(keys[rng.IntN(len(keys)):][:1])
			}
			switch {
			case i%50 == 0:
				s.key(tcell.KeyCtrlL)
			case i%11 == 0:
				s.key([]tcell.Key{tcell.KeyTab, tcell.KeyEscape, tcell.KeyEnter, tcell.KeyDown}[rng.IntN(4)])
			}
			e.change(func() {
				e.pictures[10], e.self = drawnFace(i), drawnFace(i+1)
				e.state.Members = e.state.Members[:1+rng.IntN(4)]
				e.state.Members[0].Camera = i%5 != 0
				e.state.Members = e.state.Members[:cap(e.state.Members)][:1+rng.IntN(4)]
				e.state.Members[0].Mark, e.state.Members[0].Silent = trust.Mark(i%4), time.Duration(i%20)*time.Second
				e.state.Knocks = nil
				if i%7 < 3 {
					e.state.Knocks = []call.Knock{{Slot: uint16(i % 3)}}
				}
			})
			pass(time.Duration(rng.IntN(150)) * time.Millisecond)
		}
		s.SetSize(80, 24)
		pass(time.Second)
		if got := s.text(); !strings.Contains(got, "kitchen-table") {
			t.Errorf("after the storm the screen is\n%s", got)
		}
	})
}

// TestHostileNames checks that nothing that a peer says reaches the terminal
// as anything but text.
func TestHostileNames(t *testing.T) {
	names := []string{
		"\x1b[2Jann", "a\nb\rc\td", "\u202eevil\u202c", "\u009b31m", "", "\x00\x01\x02",
		strings.Repeat("w", 5000), strings.Repeat("日本", 40), "Z" + strings.Repeat("\u0301", 500), "👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "\xff\xfe\xfd",
	}
	e := newEngine(len(names))
	for i := range names {
		e.state.Members[i].Name = names[i]
		e.state.Members[i].Camera = i%2 == 0
		e.state.Members[i].Mark = trust.Mark(i % 4)
		e.state.Members[i].Differs = i%3 == 0
		e.state.Knocks = append(e.state.Knocks, call.Knock{Slot: uint16(200 + i), Name: names[i], Mark: trust.Seen})
	}
	e.state.Session = names[0]
	e.state.Code = [4]string{names[0], "lake", names[2], "nine"}
	e.err = errors.New(names[0])
	onScreen(t, Config{Engine: e, Title: names[0], Hint: names[1]}, 120, 40, func(t *testing.T, s *simScreen) {
		for i, n := range names {
			e.notices <- call.Notice{Kind: call.MemberJoined, Name: n}
			e.notices <- call.Notice{Kind: call.DeviceLost, Device: n, Err: errors.New(n)}
			e.notices <- call.Notice{Kind: call.LinkLost, Err: errors.New(n)}
			e.notices <- call.Notice{Kind: call.ChatLine, Name: n, Text: n + " " + n}
			e.notices <- call.Notice{Kind: call.MemberChanged, Name: n}
			for _, k := range []call.NoticeKind{call.MemberUnanswered, call.MemberRemoved, call.SelfRemoved, call.RosterDiffers} {
				e.notices <- call.Notice{Kind: k, Name: n}
			}
			switch i % 4 { // in each place where names are
			case 0:
				s.press("pj")
			case 1:
				s.press("xc")
			case 2:
				s.key(tcell.KeyTab)
				s.paste(n)
				s.key(tcell.KeyEnter)
			case 3:
				s.key(tcell.KeyEscape)
				s.key(tcell.KeyEscape)
				s.press("n")
			}
			pass(200 * time.Millisecond)
			cells, w, h := s.GetContents()
			for i, c := range cells {
				if len(c.Runes) > 6 {
					t.Fatalf("cell %d,%d of %dx%d has %d characters", i%w, i/w, w, h, len(c.Runes))
				}
				for _, r := range c.Runes {
					if !unicode.IsPrint(r) {
						t.Fatalf("cell %d,%d holds %U", i%w, i/w, r)
					}
				}
			}
			s.GetContents() // as in text
		}
		// Borders stay whole: each row of tiles ends in the last column.
		for y, line := range strings.Split(s.text(), "\n") {
			if strings.HasPrefix(line, "┌") && !strings.ContainsRune("┐┓│", []rune(line)[utf8.RuneCountInString(line)-1]) { // or that of the chat
				t.Errorf("row %d has no end: %s", y, line)
			}
		}
	})
}

// TestKeys checks what each key does.
func TestKeys(t *testing.T) {
	e := newEngine(1)
	onScreen(t, Config{Engine: e, Look: ascii.LookHalf}, 80, 24, func(t *testing.T, s *simScreen) {
		has := func(what string, want bool) {
			t.Helper()
			if got := s.text(); strings.Contains(got, what) != want {
				t.Errorf("%q is on the screen: %v, want %v:\n%s", what, !want, want, got)
			}
		}
		has("MUTED", false)
		s.press("m")
		if !e.Muted() {
			t.Error("m does not mute")
		}
		has("MUTED", true)
		has("m unmute", true)
		if st, _ := s.styleOf("MUTED"); st != newTheme("", depthIndex, false)[styleAlarm] {
			t.Errorf("MUTED has the style %v", st)
		}
		s.press("m")
		if e.Muted() {
			t.Error("m does not unmute")
		}
		has("MUTED", false)
		s.press("v")
		if e.CameraOn() {
			t.Error("v does not turn the camera off")
		}
		has("v start camera", true)
		s.press("v")
		if !e.CameraOn() {
			t.Error("v does not turn the camera on again")
		}
		has("▀", true)
		for _, look := range []string{"letters", "reverse", "colour", "ascii", "ramp", "classic", "auto (", "braille", "quadrant"} {
			s.press("r")
			has("look: "+look, true)
			has("▀▀▀", look == "quadrant" || look == "auto (")
		}
		s.press("r")
		has("look: half", true)
		has("look: quadrant", false)
		has("▀▀▀", true)
		s.press("]")
		has("contrast +1", true)
		s.press("[[[")
		has("contrast -2", true)
		has("contrast +1", false)
		s.press("]]")
		has("contrast +0", true)
		pass(answerTime + idleEvery)
		has("look:", false)
		has("contrast", false)
		has(" you ", true)
		s.press("s")
		has(" you ", false)
		s.press("s")
		has(" you ", true)
		s.press("?")
		has("Esc closes", true)
		s.press("mute")
		has("search: mute", true)
		has("mute or unmute", true)
		has("leave the call", false)
		s.key(tcell.KeyEscape)
		has("search: mute", false)
		if e.Muted() {
			t.Error("what is searched in the help mutes")
		}
		s.InjectKey(tcell.KeyRune, 'm', tcell.ModAlt)
		s.press("x")
		if e.Muted() {
			t.Error("Alt-m mutes")
		}
	})
}

// TestLeave checks what ends a call's screen, and with which error.
func TestLeave(t *testing.T) {
	cause := errors.New("the hub has gone")
	tests := []struct {
		name string
		do   func(s *simScreen, cancel context.CancelCauseFunc)
		want error
	}{
		{"q", func(s *simScreen, _ context.CancelCauseFunc) { s.press("q") }, nil},
		{"Q", func(s *simScreen, _ context.CancelCauseFunc) { s.press("Q") }, nil},
		{"Ctrl-C", func(s *simScreen, _ context.CancelCauseFunc) { s.key(tcell.KeyCtrlC) }, nil},
		{"Ctrl-C in the help", func(s *simScreen, _ context.CancelCauseFunc) { s.press("?"); s.key(tcell.KeyCtrlC) }, nil},
		{"keys behind others", func(s *simScreen, _ context.CancelCauseFunc) { s.press("mmmrrr??q") }, nil},
		{"context", func(_ *simScreen, cancel context.CancelCauseFunc) { cancel(cause) }, cause},
		{"terminal", func(s *simScreen, _ context.CancelCauseFunc) {
			if err := s.PostEvent(tcell.NewEventError(cause)); err != nil {
				panic(err)
			}
		}, errors.New("read terminal: the hub has gone")},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(80, 24)
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- Run(ctx, Config{Engine: newEngine(1), Screen: s}) }()
			pass(time.Second)
			tt.do(s, cancel)
			synctest.Wait()
			select {
			case err := <-ended:
				if (err == nil) != (tt.want == nil) || err != nil && err.Error() != tt.want.Error() {
					t.Errorf("%s: Run returned %v, want %v", tt.name, err, tt.want)
				}
			default:
				t.Errorf("%s does not end Run", tt.name)
				cancel(nil)
				<-ended
			}
			if s.finis != 1 {
				t.Errorf("%s: the screen was finished %d times", tt.name, s.finis)
			}
		})
	}
}

// A hinted error says what to do.
type hinted struct{}

func (hinted) Error() string  { return "open camera \"auto\": there is none" }
func (hinted) Reason() string { return "there is none" }
func (hinted) Hint() string   { return "plug one in" }

// TestWords checks how long notices stay, and who is told to unmute.
func TestWords(t *testing.T) {
	e := newEngine(1)
	e.state.Members[0].Mark = trust.New
	onScreen(t, Config{Engine: e, Hint: "s2c join somewhere"}, 80, 24, func(t *testing.T, s *simScreen) {
		has := func(what string, want bool) {
			t.Helper()
			pass(2 * idleEvery)
			if got := s.text(); strings.Contains(got, what) != want {
				t.Errorf("%q is on the screen: %v, want %v:\n%s", what, !want, want, got)
			}
		}
		for _, n := range []struct {
			n    call.Notice
			want string
		}{
			{call.Notice{Kind: call.MemberJoined, Name: "bo"}, "bo joined"},
			{call.Notice{Kind: call.MemberLeft, Name: "bo"}, "bo left"},
			{call.Notice{Kind: call.LinkLost, Err: errors.New("read: timeout")}, "connection lost: read: timeout"},
			{call.Notice{Kind: call.LinkBack}, "connected again"},
			{call.Notice{Kind: call.MemberAway, Name: "bo"}, "bo is reconnecting"},
			{call.Notice{Kind: call.MemberBack, Name: "bo"}, "bo is back"},
			{call.Notice{Kind: call.DeviceLost, Device: "camera", Err: errors.New("busy")}, "no camera: busy"},
			{call.Notice{Kind: call.DeviceLost, Device: "camera", Err: hinted{}}, "no camera: there is none - plug one in"},
			{call.Notice{Kind: call.DeviceBack, Device: "camera"}, "the camera is back"},
			{call.Notice{Kind: call.MemberJoined, Slot: 10, Fingerprint: printOf(0), Name: "anna"}, "anna joined, never met before"},
			{call.Notice{Kind: call.MemberUnanswered, Name: "bo"}, "bo did not answer"},
			{call.Notice{Kind: call.MemberUnanswered}, "somebody did not answer"},
			{call.Notice{Kind: call.MemberRemoved, Name: "bo"}, "bo is removed"},
			{call.Notice{Kind: call.PicturesPaused, Name: "bo"}, "no pictures of bo for now: the link is too slow"},
			{call.Notice{Kind: call.PicturesBack, Name: "bo"}, "pictures of bo again"},
			{call.Notice{Kind: call.PicturesPaused}, "your pictures are not sent for now: the link is too slow"},
			{call.Notice{Kind: call.PicturesBack}, "your pictures are sent again"},
			{call.Notice{Kind: call.SlowLink}, "your link is slow"},
			{call.Notice{Kind: call.SlowLinkOver}, "trying the usual pictures"},
			{call.Notice{Kind: call.HandRaised, Name: "anna"}, "anna raises a hand"},
			{call.Notice{Kind: call.Reaction, Name: "anna", Text: "+1"}, "anna: +1"},
			{call.Notice{Kind: call.DeviceChanged, Device: "camera", Text: "usb\x1b"}, "the camera is now usb"},
			{call.Notice{Kind: call.SelfRemoved, Name: "bo"}, "bo has removed you"},
			{call.Notice{Kind: call.RosterDiffers, Name: "bo"}, "bo does not see the same people as you"},
			{call.Notice{Kind: call.WrongPassphrase}, "somebody did not know the passphrase"},
			{call.Notice{Kind: call.GuessingStopped}, "somebody is guessing the passphrase - nobody new is let in for now"},
			{call.Notice{Kind: call.CodeReady}, "new safety code: p shows it"},
		} {
			e.notices <- n.n
			has(n.want, true)
			pass(noticeTime - 4*idleEvery)
			has(n.want, true)
			pass(2 * idleEvery)
			has(n.want, false)
		}

		// Two at once share the line.
		e.notices <- call.Notice{Kind: call.MemberJoined, Name: "bo"}
		e.notices <- call.Notice{Kind: call.MemberJoined, Name: "carol"}
		has("bo joined  -  carol joined", true)

		const unmute = "you are muted"
		e.change(func() { e.state.Self.Speaking = true })
		has(unmute, false)
		e.SetMuted(true)
		has(unmute, true)
		e.change(func() { e.state.Self.Speaking = false })
		pass(mutedTime)
		has(unmute, false)
		e.SetMuted(false)

		const hint = "s2c join somewhere"
		has(hint, false)
		e.change(func() { e.state.Members = nil })
		has(hint, true)
		has("nobody else is here yet", true)

		has("no mic", false)
		e.change(func() { e.state.Mic = false })
		has("no mic", true)
		e.change(func() { e.state.Cam = false })
		has("no camera", true)
	})
}

// TestPages checks that all members can be reached, and that only those who
// are seen are asked for pictures.
func TestPages(t *testing.T) {
	e := newEngine(12)
	e.sends = true
	e.state.Members[11].Speaking = true
	onScreen(t, Config{Engine: e}, 45, 15, func(t *testing.T, s *simScreen) {
		got := s.text()
		if !strings.Contains(got, "+8 more") || !strings.Contains(got, "niaj speaks") {
			t.Errorf("the first page is\n%s", got)
		}
		e.change(func() {
			if e.asked[10] == 0 || e.asked[120] != 0 {
				t.Errorf("pictures asked for on the first page: %v", e.asked)
			}
		})
		seen := ""
		for range 6 { // more than there are pages
			seen += s.text()
			s.key(tcell.KeyPgDn)
		}
		for _, m := range e.state.Members {
			if !strings.Contains(seen, " "+m.Name+" ") {
				t.Errorf("%s is on no page", m.Name)
			}
		}
		if !strings.Contains(seen, " you ") {
			t.Error("oneself is on no page")
		}
		for range 6 {
			s.key(tcell.KeyPgUp)
		}
		pass(2 * idleEvery)
		if again := s.text(); again != got {
			t.Errorf("back on the first page the screen is\n%s\nwant\n%s", again, got)
		}
	})
}
