package ui

import (
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/call"
)

// TestTalkKey checks when a key that is held counts as let go.
func TestTalkKey(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name    string
		presses []time.Duration
		until   time.Duration
	}{
		{"tapped", []time.Duration{0}, firstRepeat},
		{"held", []time.Duration{0, 500 * ms, 533 * ms, 566 * ms}, 866 * ms},
		{"held, slow to repeat", []time.Duration{0, 740 * ms}, 1040 * ms},
		{"twice at once", []time.Duration{0, 10 * ms}, firstRepeat},
		{"tapped again later", []time.Duration{0, 800 * ms}, 800*ms + firstRepeat},
	}
	start := time.Unix(1e9, 0)
	for _, test := range tests {
		var k talkKey
		for _, at := range test.presses {
			k.press(start.Add(at))
		}
		if !k.held(start.Add(test.until-ms)) || k.held(start.Add(test.until)) {
			t.Errorf("%s: held until %v, want %v", test.name, k.until.Sub(start), test.until)
		}
	}
}

// TestHoldToTalk checks that Space lets a muted person be heard for as long as
// it is held, and that the screen says so.
func TestHoldToTalk(t *testing.T) {
	e := newEngine(2)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		s.press(" ")
		if e.Talking() {
			t.Error("one who is not muted talks by key")
		}
		e.SetMuted(true)
		pass(firstRepeat + 2*idleEvery) // the key above is let go
		sees(t, s, "muted", true)
		s.press(" ")
		if !e.Talking() {
			t.Error("Space is pressed and does nothing")
		}
		sees(t, s, "talking", true)
		for range 20 {
			pass(33 * time.Millisecond)
			s.press(" ")
		}
		pass(nextRepeat - 50*time.Millisecond)
		if !e.Talking() {
			t.Error("Space is held and does nothing any more")
		}
		pass(50*time.Millisecond + 2*idleEvery)
		if e.Talking() {
			t.Error("Space was let go and the person is still heard")
		}
		sees(t, s, "talking", false)
		// A line that is typed has spaces too.
		s.key(tcell.KeyTab)
		s.press("a b")
		if e.Talking() {
			t.Error("a space in a chat line talks")
		}
	})
}

// TestVolumeKeys checks that + and - in the panel change the volume of the
// selected member.
func TestVolumeKeys(t *testing.T) {
	e := newEngine(2)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		volume := func(want float64, words string) {
			t.Helper()
			var st call.State
			e.State(&st)
			if got := st.Members[1].Volume; got != want {
				t.Errorf("the volume is %v dB, want %v", got, want)
			}
			sees(t, s, words, true)
		}
		s.press("+") // the panel is closed
		volume(0, "")
		s.press("pj")
		s.press("+")
		volume(3, "volume here: +3 dB")
		s.press("=")
		volume(6, "+6 dB")
		s.press("++++")
		volume(call.MaxVolume, "+12 dB")
		for range 30 {
			s.press("-")
		}
		volume(call.MinVolume, "volume here: off")
		var st call.State
		if e.State(&st); st.Members[0].Volume != 0 {
			t.Errorf("the other member's volume is %v dB", st.Members[0].Volume)
		}
	})
}
