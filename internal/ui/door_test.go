package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/trust"
)

// TestKnock checks who is let in and who is turned away, and that no key is
// for somebody who was not on the screen.
func TestKnock(t *testing.T) {
	anna := call.Knock{Slot: 50, Fingerprint: printOf(50), Name: "anna", Mark: trust.Verified}
	bo := call.Knock{Slot: 60, Fingerprint: printOf(60), Name: "bo", Mark: trust.Seen}
	eve := call.Knock{Slot: 40, Fingerprint: printOf(40)}
	e := newEngine(1)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		knock := func(k ...call.Knock) {
			t.Helper()
			e.change(func() { e.state.Knocks = k })
			pass(settle + 2*idleEvery)
		}
		did := func(keys, want string) {
			t.Helper()
			s.press(keys)
			if got := e.did(); got != want {
				t.Errorf("%s does %q, want %q:\n%s", keys, got, want, s.text())
			}
		}
		did("yn", "") // nobody is there
		knock(anna, bo)
		sees(t, s, "anna, verified, "+anna.Fingerprint.String()[:19]+"... wants to join (+1 more)", true)
		sees(t, s, "y let in, n turn away", true)
		did("m", "")
		if !e.Muted() {
			t.Error("m does not mute while somebody knocks")
		}
		knock(eve, anna, bo) // the one on the screen stays there
		sees(t, s, "anna, verified, ", true)
		did("y", "admit 50")
		sees(t, s, "anna is let in", true)
		sees(t, s, "somebody new "+eve.Fingerprint.String()[:19]+"... wants to join (+1 more)", true)
		pass(settle)
		did("n", "deny 40")
		sees(t, s, "bo, met before, ", true)

		// A key that comes with the box was meant for something else.
		knock()
		e.change(func() { e.state.Knocks = []call.Knock{anna} })
		pass(2 * idleEvery)
		did("y", "")
		pass(settle)
		did("y", "admit 50")

		// Somebody else comes to the slot just before the key.
		knock(bo)
		other := bo
		other.Fingerprint = printOf(61)
		e.mu.Lock()
		e.state.Knocks = []call.Knock{other}
		e.mu.Unlock()
		did("y", "")
		sees(t, s, "bo waits no more", true)

		// What is not on the screen cannot be answered.
		knock(anna)
		s.press("?")
		s.key(tcell.KeyEscape)
		s.key(tcell.KeyTab)
		sees(t, s, "Esc, then y let in, n turn away", true)
		did("yn", "")
		s.key(tcell.KeyEscape)
		s.SetSize(15, 4)
		pass(time.Second)
		did("y", "")
		s.SetSize(80, 24)
		e.change(func() { e.state.Link.Phase = call.Reconnecting })
		sees(t, s, "wants to join", false)
		did("y", "")
		e.change(func() { e.state.Link.Phase = call.Joined })
		pass(settle)
		did("Y", "")
		pass(settle)
		did("Y", "admit 50")
	})
}

// TestKnockSizes checks that a knock and what answers it are on each screen.
func TestKnockSizes(t *testing.T) {
	for _, size := range [][2]int{{20, 6}, {30, 8}, {40, 12}, {60, 20}, {80, 24}, {200, 60}} {
		e := newEngine(2)
		e.state.Members[1].Mark = trust.Changed
		e.state.Knocks = []call.Knock{{Slot: 50, Name: strings.Repeat("w", 32), Mark: trust.Seen}}
		onScreen(t, Config{Engine: e}, size[0], size[1], func(t *testing.T, s *simScreen) {
			sees(t, s, "bo has another", true)
			sees(t, s, "y ", true)
			sees(t, s, " away", true)
			s.press("y")
			if got := e.did(); got != "admit 50" {
				t.Errorf("%v: y does %q", size, got)
			}
		})
	}
}

// TestAlarm checks how long the warning of another key stays.
func TestAlarm(t *testing.T) {
	const words = "anna has another key than before - compare the code, or remove with p"
	mark := func(e *engine, m trust.Mark) { e.change(func() { e.state.Members[0].Mark = m }) }
	for _, tt := range []struct {
		name string
		do   func(e *engine, s *simScreen)
		want string // on the screen afterwards, in place of the warning
	}{
		{"time passes", func(*engine, *simScreen) { pass(time.Minute) }, words},
		{"Esc", func(_ *engine, s *simScreen) { s.key(tcell.KeyEscape); pass(time.Minute) }, ""},
		{"keys", func(_ *engine, s *simScreen) { s.press("mvrsyn?xpp") }, words},
		{"Esc of the help", func(_ *engine, s *simScreen) { s.press("?"); s.key(tcell.KeyEscape) }, words},
		{"Esc of the chat line", func(_ *engine, s *simScreen) { s.key(tcell.KeyTab); s.key(tcell.KeyEscape) }, words},
		{"Esc of the people", func(_ *engine, s *simScreen) { s.press("p"); s.key(tcell.KeyEscape) }, words},
		{"Esc where it is not shown", func(_ *engine, s *simScreen) {
			s.SetSize(15, 4)
			pass(time.Second)
			s.key(tcell.KeyEscape)
			s.SetSize(80, 24)
		}, words},
		{"verified", func(e *engine, _ *simScreen) { mark(e, trust.Verified) }, ""},
		{"removed", func(_ *engine, s *simScreen) { s.press("px"); s.press("yp"); pass(time.Second) }, ""},
		{"removed by other means", func(e *engine, _ *simScreen) {
			e.notices <- call.Notice{Kind: call.MemberRemoved, Slot: 10, Name: "anna", Fingerprint: printOf(0)}
			e.change(func() { e.state.Members = e.state.Members[1:] })
		}, ""},
		{"left", func(e *engine, _ *simScreen) {
			e.change(func() { e.state.Members = e.state.Members[1:] })
		}, "anna came with another key than before, and has left"},
		{"left, Esc", func(e *engine, s *simScreen) {
			e.change(func() { e.state.Members = e.state.Members[1:] })
			pass(time.Second)
			s.key(tcell.KeyEscape)
		}, ""},
		{"the link is lost", func(e *engine, _ *simScreen) {
			e.change(func() { e.state.Link.Phase, e.state.Members = call.Reconnecting, nil })
		}, words},
		{"comes again after Esc", func(e *engine, s *simScreen) {
			s.key(tcell.KeyEscape)
			e.notices <- call.Notice{Kind: call.MemberChanged, Slot: 10, Name: "anna", Fingerprint: printOf(0)}
		}, words},
		{"another one", func(e *engine, _ *simScreen) {
			e.change(func() { e.state.Members[1].Mark = trust.Changed })
		}, words + " (+1)"},
		{"another one, Esc", func(e *engine, s *simScreen) {
			e.change(func() { e.state.Members[1].Mark = trust.Changed })
			pass(time.Second)
			s.key(tcell.KeyEscape)
		}, "bo has another key than before"},
	} {
		e := newEngine(2)
		e.state.Members[0].Mark = trust.Changed
		onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
			sees(t, s, words, true)
			tt.do(e, s)
			pass(2 * idleEvery)
			got := s.text()
			if warns := strings.Contains(got, "another key"); !strings.Contains(got, tt.want) || warns != (tt.want != "") {
				t.Errorf("after %s the screen is, instead of %q,\n%s", tt.name, tt.want, got)
			}
		})
	}
}

// TestAlarmFlood checks that those who come and go all the time do not fill
// the memory, nor hide one who stays.
func TestAlarmFlood(t *testing.T) {
	var d door
	s := call.State{Link: call.Link{Phase: call.Joined}, Members: []call.Member{{Slot: 1, Mark: trust.Changed}}}
	tiles := map[uint16]*tile{1: {name: "anna"}, 2: {name: "eve"}}
	for i := range 1000 {
		s.Members = append(s.Members[:1], call.Member{Slot: 2, Mark: trust.Changed, Fingerprint: printOf(1 + i%200)})
		d.update(&s, tiles)
		s.Members = s.Members[:1]
		d.update(&s, tiles)
	}
	if len(d.alarms) > alarmsKept || d.first().name != "anna" || len(d.dismissed) > 0 {
		t.Errorf("%d alarms, the first of %s", len(d.alarms), d.first().name)
	}
	for len(d.alarms) > 0 {
		d.dismiss(d.first().who)
		d.update(&s, tiles)
	}
	if len(d.dismissed) != 1 {
		t.Errorf("%d are remembered as dismissed, want 1", len(d.dismissed))
	}
}
