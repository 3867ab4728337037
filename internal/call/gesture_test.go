package call_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/wire"
)

// heard returns the notices of a kind so far.
func heard(c *call.Call, kind call.NoticeKind) (list []call.Notice) {
	for _, n := range told(c) {
		if n.Kind == kind {
			list = append(list, n)
		}
	}
	return list
}

// TestHand has a hand go up and down on a bad path, and somebody join while it is
// up, who sees the order of the hands.
func TestHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("ann")
		cfg.Dial = w.dial(simnet.Link{Loss: 0.3}, simnet.Link{})
		ann, _ := w.enter(cfg)
		bob, _ := w.enter(w.guest("bob"))
		time.Sleep(3 * time.Second)
		check := func(when string, c *call.Call, slot uint16, up bool, at time.Time) {
			t.Helper()
			for _, m := range state(c).Members {
				off := m.HandAt.Sub(at).Abs()
				if m.Slot == slot && (m.Hand != up || off > 4*time.Second) {
					t.Errorf("%s: %s sees the hand of %s %v, %v from when it went up", when, state(c).Self.Name, m.Name, m.Hand, off)
				}
			}
		}
		if ann.Hand() || state(ann).Self.Hand {
			t.Error("the hand is up at first")
		}
		told(bob)
		up := time.Now()
		ann.SetHand(true)
		time.Sleep(4 * time.Second)
		check("raised", bob, 0, true, up)
		if s := state(ann).Self; !ann.Hand() || !s.Hand || s.HandAt != up {
			t.Errorf("ann sees her own hand %v since %v", s.Hand, s.HandAt)
		}
		if got := heard(bob, call.HandRaised); len(got) != 1 || got[0].Name != "ann" || got[0].Slot != 0 {
			t.Errorf("bob was told %+v of one hand", got)
		}
		time.Sleep(20 * time.Second)
		bob.SetHand(true)
		bobUp := time.Now()
		time.Sleep(20 * time.Second)
		cat, _ := w.enter(w.guest("cat"))
		time.Sleep(5 * time.Second)
		check("for who joined later", cat, 0, true, up)
		check("for who joined later", cat, 1, true, bobUp)
		if got := heard(cat, call.HandRaised); len(got) != 0 {
			t.Errorf("cat was told %+v of old hands", got)
		}
		ann.SetHand(false)
		time.Sleep(8 * time.Second)
		check("lowered", bob, 0, false, time.Time{})
		check("lowered", cat, 0, false, time.Time{})
		check("still up", cat, 1, true, bobUp)
		for range 20 { // to annoy
			bob.SetHand(false)
			time.Sleep(50 * time.Millisecond)
			bob.SetHand(true)
			time.Sleep(50 * time.Millisecond)
		}
		if got := heard(cat, call.HandRaised); len(got) < 1 || len(got) > 3 {
			t.Errorf("of 20 times in 2 s that a hand went up cat was told %d times", len(got))
		}
	})
}

func TestReact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, _ := w.enter(w.guest("ann"))
		bob, _ := w.enter(w.guest("bob"))
		if err := ann.React("early"); err != nil {
			t.Fatal(err) // nobody may see it, but nothing is wrong
		}
		time.Sleep(5 * time.Second)
		heard(ann, call.Reaction)
		heard(bob, call.Reaction)
		for _, test := range []struct{ text, shown string }{
			{"+1", "+1"},
			{"ha\nha\x1b[2J", "ha ha[2J"},
			{strings.Repeat("x", wire.MaxReaction) + "\u200b", strings.Repeat("x", wire.MaxReaction)},
			{"\U0001f44d", "\U0001f44d"},
		} {
			if err := bob.React(test.text); err != nil {
				t.Fatalf("React(%q): %v", test.text, err)
			}
			time.Sleep(2 * time.Second)
			for _, c := range []*call.Call{ann, bob} {
				got := heard(c, call.Reaction)
				if len(got) != 1 || got[0].Text != test.shown || got[0].Name != "bob" || got[0].Slot != 1 {
					t.Errorf("%s sees %+v of %q, want %q", state(c).Self.Name, got, test.text, test.shown)
				}
			}
		}
		for _, bad := range []string{"", " \n\x1b", strings.Repeat("x", wire.MaxReaction+1)} {
			if err := bob.React(bad); err == nil {
				t.Errorf("React(%q): no error", bad)
			}
		}
		time.Sleep(5 * time.Second)
		shown := 0
		for range 30 {
			if bob.React("flood") == nil {
				shown++
			}
		}
		time.Sleep(100 * time.Millisecond)
		if got := heard(ann, call.Reaction); shown != 3 || len(got) != 3 {
			t.Errorf("%d of 30 reactions are sent and %d shown, want 3", shown, len(got))
		}
		c, err := call.New(w.guest("eve"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.React("+1"); err == nil {
			t.Error("React before joining: no error")
		}
	})
}
