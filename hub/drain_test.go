package hub

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/wire"
)

// wantEmpty checks whether a channel of Drain is closed.
func wantEmpty(t *testing.T, when string, empty <-chan struct{}, want bool) {
	t.Helper()
	synctest.Wait()
	got := false
	select {
	case <-empty:
		got = true
	default:
	}
	if got != want {
		t.Errorf("%s the hub is empty: %v, want %v", when, got, want)
	}
}

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b, other := r.joinNow("one"), r.joinNow("one"), r.joinNow("two")
		undecided := r.dial(simnet.Link{})
		synctest.Wait()
		if r.hub.Draining() || r.hub.Stats().Draining {
			t.Error("the hub drains before it is told to")
		}
		empty := r.hub.Drain()
		if !r.hub.Draining() || !r.hub.Stats().Draining {
			t.Error("the hub does not say that it drains")
		}
		if r.hub.Drain() != empty {
			t.Error("another call returns another channel")
		}
		wantEmpty(t, "with all of them,", empty, false)

		// Whoever comes now is told what to do, even if the connection is older.
		undecided.sendJoin("one")
		undecided.read()
		late := r.joinNow("three")
		for name, c := range map[string]*client{"the undecided": undecided, "the late": late} {
			c.wantEvents(name, "error 5")
			if c.err == nil || !strings.Contains(c.err.Text, "try again in some minutes or use another hub") {
				t.Errorf("%s was told %+v", name, c.err)
			}
		}

		// Those who are there notice nothing, for as long as they want.
		time.Sleep(24 * time.Hour)
		a.wantEvents("a", "joined 0 of 1", "peer 1")
		a.say(wire.KindVoice, "v")
		b.wantPackets("b", "v")
		a.chat("hi")
		b.wantEvents("b", "joined 1 of 2", "peer 0", "chat of 0: hi")

		b.send(wire.Leave{})
		wantEmpty(t, "without b", empty, false)
		other.close()
		wantEmpty(t, "without b and the other", empty, false)
		a.close() // without a word
		wantEmpty(t, "without anybody", empty, true)
		r.stop()
		for _, c := range []*client{b, undecided, late} {
			c.close()
		}
	})
}

// TestDrainAndReturn checks that a member may come back, as it does when its
// link was broken, but not to another session, and that nobody may once all
// have left.
func TestDrainAndReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b := r.joinNow("one"), r.joinNow("one")
		empty := r.hub.Drain()
		again := func(who int, session string) *client {
			c := r.dial(simnet.Link{})
			c.who = who
			c.sendJoin(session)
			c.read()
			return c
		}
		b.close()
		a.wantEvents("a", "joined 0 of 1", "peer 1", "gone 1")
		elsewhere := again(b.who, "two")
		elsewhere.wantEvents("b in another session", "error 5")
		b2 := again(b.who, "one")
		b2.wantEvents("b", "joined 2 of 2", "peer 0")
		a.wantEvents("a", "peer 2")
		a.close()
		wantEmpty(t, "with b", empty, false)
		b2.close()
		wantEmpty(t, "without anybody", empty, true)
		b3 := again(b.who, "one")
		b3.wantEvents("b", "error 5")
		wantEmpty(t, "with b refused", empty, true)
		r.stop()
		elsewhere.close()
		b3.close()
	})
}

func TestDrainWithoutMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		before := r.joinNow("one")
		before.send(wire.Leave{})
		synctest.Wait() // it has left, and its connection lingers
		wantEmpty(t, "at once", r.hub.Drain(), true)
		back := r.dial(simnet.Link{})
		back.who = before.who
		back.sendJoin("one")
		back.read()
		back.wantEvents("who came back", "error 5")
		r.stop()
		before.close()
		back.close()
	})
}

// TestDrainAndStop checks that the end of Serve's context ends a drain too.
func TestDrainAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a := r.joinNow("one")
		empty := r.hub.Drain()
		r.stop()
		a.wantEvents("a", "joined 0 of 1", "error 5")
		wantEmpty(t, "after the end", empty, true)
		a.close()
	})
}
