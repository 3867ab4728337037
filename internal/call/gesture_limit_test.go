package call

import (
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/internal/wire"
)

// TestReactionsHeard checks that a member who sends more than a call does gets no
// more shown, and nothing that is not clean.
func TestReactionsHeard(t *testing.T) {
	c, err := New(Config{Session: "room", Name: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	m := newMember(t.Context(), cipher.Peer{Slot: 7}, hearing{})
	m.present("eve")
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, bad := range []string{"\x1b", "\u202e", " ", "\xff"} {
		c.hearReaction(m, wire.Reaction{Text: bad}, start)
	}
	for ms := range 6000 {
		c.hearReaction(m, wire.Reaction{Text: "\x1bboo"}, at(ms))
	}
	n := len(c.notices)
	for range n {
		if got := <-c.notices; got.Kind != Reaction || got.Text != "boo" || got.Name != "eve" || got.Slot != 7 {
			t.Errorf("the person was told %+v", got)
		}
	}
	if n != 6 {
		t.Errorf("of 6000 reactions in 6 s %d are shown, want 6", n)
	}
}
