package ui

import (
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/call"
)

// TestFocus checks whom the keys for one member are for.
func TestFocus(t *testing.T) {
	e := newEngine(3)
	onScreen(t, Config{Engine: e}, 100, 30, func(t *testing.T, s *simScreen) {
		member := func(i int) call.Member {
			var st call.State
			e.State(&st)
			return st.Members[i]
		}
		sees(t, s, " 1 anna ", true)
		s.press("+")
		sees(t, s, "choose somebody first", true)
		s.press("2")
		sees(t, s, ">2 bo<", true)
		s.press("+M")
		if m := member(1); m.Volume != volumeStep || !m.MutedHere {
			t.Errorf("bo has the volume %v dB, silenced %v", m.Volume, m.MutedHere)
		}
		sees(t, s, "not heard here", true)
		s.press("M")
		if member(1).MutedHere {
			t.Error("M again does not let bo be heard")
		}
		s.key(tcell.KeyRight)
		sees(t, s, ">3 carol<", true)
		s.key(tcell.KeyRight)
		sees(t, s, ">3 carol<", true)
		s.key(tcell.KeyUp)
		sees(t, s, ">2 bo<", true)
		// The focus goes with the person.
		e.change(func() { e.state.Members = e.state.Members[1:] })
		sees(t, s, ">1 bo<", true)
		s.press("1")
		sees(t, s, ">1 bo<", false)
		s.press("20")
		sees(t, s, ">", false)
	})
}

// TestGestures checks deafness, hands and reactions.
func TestGestures(t *testing.T) {
	e := newEngine(2)
	onScreen(t, Config{Engine: e}, 100, 30, func(t *testing.T, s *simScreen) {
		s.press("d")
		if sees(t, s, "DEAFENED", true); !e.Deafened() {
			t.Error("d does not deafen")
		}
		s.press("d")
		sees(t, s, "DEAFENED", false)
		s.press("h")
		if sees(t, s, " hand ", true); !e.Hand() {
			t.Error("h does not raise the hand")
		}
		s.press("h")
		sees(t, s, " hand ", false)
		e.change(func() {
			m := e.state.Members
			m[0].Hand, m[0].HandAt = true, time.Now()
			m[1].Hand, m[1].HandAt = true, time.Now().Add(-time.Second)
		})
		s.press("p")
		sees(t, s, "hand 2", true)
		s.press("jp")
		s.press("e")
		sees(t, s, "2 haha", true)
		s.press("2")
		sees(t, s, "2 haha", false)
		if got := e.did(); got != "react haha" {
			t.Errorf("e and 2 did %q", got)
		}
		sees(t, s, " haha ", true)
		pass(noticeTime)
		sees(t, s, "haha", false)
		s.press("e")
		s.key(tcell.KeyEscape)
		if got := e.did(); got != "" {
			t.Errorf("e and Esc did %q", got)
		}
	})
}
