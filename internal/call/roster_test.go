package call_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/trust"
	"github.com/sanix-darker/s2c/internal/wire"
)

func TestRemove(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("ann")
		cfg.Speaker = nil // and so mixes by the clock
		ann, _ := w.enter(cfg)
		cfg, cut := cuttable(w.guest("bob"))
		cfg.Speaker = nil
		bob, _ := w.enter(cfg)
		cfg, _ = w.person("eve", simnet.Link{})
		eve, _ := w.enter(cfg)
		time.Sleep(time.Second)
		for _, c := range []*call.Call{ann, bob, eve} {
			told(c)
		}
		if !ann.Remove(1) {
			t.Fatal("nobody to remove in slot 1")
		}
		time.Sleep(3 * time.Second)
		want := map[*call.Call]string{ann: "eve", bob: "eve", eve: "ann bob"}
		wantSees(t, "removed", want)
		wantTold(t, ann, "removed bob", call.CodeReady, call.RosterDiffers)
		wantTold(t, bob, "removed-by ann", call.CodeReady, call.RosterDiffers)
		wantTold(t, eve, "", call.CodeReady, call.RosterDiffers)
		for _, c := range []*call.Call{ann, bob} { // both still have eve's key, also her next one
			before := state(c).Members[0]
			time.Sleep(3 * time.Second)
			after := state(c).Members[0]
			if n := after.VoicePlayed - before.VoicePlayed; n < 140 {
				t.Errorf("%s heard %d chunks of eve in 3 s, want at least 140", state(c).Self.Name, n)
			}
		}
		cut()
		time.Sleep(5 * time.Second)
		wantSees(t, "after bob came back", want)
	})
}

// A mute is a connection through which no message of a member arrives.
type mute struct{ transport.Conn }

func (c mute) RecvMessage(b []byte) ([]byte, error) {
	for {
		b, err := c.Conn.RecvMessage(b)
		if err != nil {
			return b, err
		}
		if m, err := wire.ParseMessage(b); err == nil {
			if _, pair := m.(wire.From); pair {
				continue
			}
		}
		return b, nil
	}
}

// TestUnanswered has somebody take a key and never answer.
func TestUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, _ := w.enter(w.guest("ann"))
		w.enter(through(w.guest("ghost"), func(c transport.Conn) transport.Conn { return mute{c} }))
		time.Sleep(4 * time.Second)
		wantSees(t, "before 5 s", map[*call.Call]string{ann: "()"})
		if m := state(ann).Members[0]; m.Fingerprint != person.Identity(t, 1).Fingerprint() || m.Mark != trust.New {
			t.Errorf("the ghost is shown as %v, %v", m.Fingerprint, m.Mark)
		}
		time.Sleep(2 * time.Second)
		wantSees(t, "after 5 s", map[*call.Call]string{ann: ""})
		wantTold(t, ann, "unanswered")
	})
}

// TestMarks has people join who are known in several ways.
func TestMarks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		fp := func(i int) hello.Fingerprint { return person.Identity(t, i).Fingerprint() }
		cfg := w.guest("ann")
		cfg.Peers = knows(
			t,
			trust.Person{Fingerprint: fp(1), Name: "seen"},
			trust.Person{Fingerprint: fp(2), Name: "verified", Verified: true},
			trust.Person{Fingerprint: fp(15), Name: "taken"},
		)
		ann, _ := w.enter(cfg)
		want := map[string]trust.Mark{"seen": trust.Seen, "verified": trust.Verified, "taken": trust.Changed, "new": trust.New}
		for _, name := range []string{"seen", "verified", "taken", "new"} {
			w.enter(w.guest(name))
			time.Sleep(time.Second)
		}
		s := state(ann)
		if s.Self.Fingerprint != fp(0) || len(s.Members) != 4 {
			t.Fatalf("own fingerprint %v, %d members; want %v and 4", s.Self.Fingerprint, len(s.Members), fp(0))
		}
		for i, m := range s.Members {
			if m.Mark != want[m.Name] || m.Fingerprint != fp(i+1) {
				t.Errorf("%s is shown as %v with key %v, want %v, %v", m.Name, m.Mark, m.Fingerprint, want[m.Name], fp(i+1))
			}
		}
		wantTold(t, ann, "joined seen, joined verified, joined taken, key-changed taken, joined new", call.CodeReady)
		for i, want := range []trust.Mark{1: trust.Seen, 2: trust.Verified, 3: trust.New, 4: trust.Seen} {
			if got, _ := cfg.Peers.Check(fp(i), ""); i > 0 && got != want {
				t.Errorf("person %d is remembered as %v, want %v", i, got, want)
			}
		}
		if got, _ := cfg.Peers.Check(fp(15), "taken"); got != trust.Seen {
			t.Errorf("whose name was taken is remembered as %v, want %v", got, trust.Seen)
		}

		if err := ann.Verify(); err != nil {
			t.Fatal(err)
		}
		for i, m := range state(ann).Members {
			stored, _ := cfg.Peers.Check(fp(i+1), m.Name)
			if m.Mark != trust.Verified || stored != trust.Verified {
				t.Errorf("after Verify %s is shown as %v and remembered as %v", m.Name, m.Mark, stored)
			}
		}
	})
}

// TestVerifyNeedsACode has nobody verified for whom no code could be compared.
func TestVerifyNeedsACode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, _ := w.enter(w.guest("ann"))
		time.Sleep(time.Second)
		if err := ann.Verify(); err == nil {
			t.Error("Verify alone: no error")
		}
		w.enter(through(w.guest("ghost"), func(c transport.Conn) transport.Conn { return mute{c} }))
		time.Sleep(time.Second)
		if err := ann.Verify(); err == nil {
			t.Error("Verify with somebody who is only joining: no error")
		}
	})
}
