package cipher

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// The keys of the members in these tests are those of their numbers; persons
// repeat every 16 of them, so that members 1 and 17 have one identity.

// wrong is a passphrase that is not phrase.
const wrong = "zebra-oven-jelly"

// checkNoKey fails the test if either opens what the other seals, or lists
// them as confirmed.
func checkNoKey(t *testing.T, what string, a, b *Session) {
	t.Helper()
	for _, s := range [][2]*Session{{a, b}, {b, a}} {
		if isConfirmed(s[0], s[1]) {
			t.Errorf("%s: slot %d is confirmed at slot %d", what, s[1].slot, s[0].slot)
		}
		checkCannot(t, s[0], mustSeal(t, s[1], "x"), ErrUnknownKey)
	}
}

// TestWrongPassphrase has two meet who have typed different passphrases: both
// find out, each counts one guess, and no key was sealed that either can open.
func TestWrongPassphrase(t *testing.T) {
	for _, test := range []struct{ initiator, responder string }{{phrase, wrong}, {wrong, phrase}} {
		a, b := started(t, 1, test.initiator), started(t, 2, test.responder)
		m1 := meet(t, a, b)
		out := take(t, b, m1)
		if len(out.Pair) != 1 || len(out.Events) != 0 {
			t.Fatalf("M1: %+v", out)
		}
		was := b.own
		out = take(t, a, out.Pair[0])
		if len(out.Pair) != 0 || len(out.Events) != 1 || out.Events[0].Kind != GuessFailed || out.Events[0].Peer.ID != b.hash {
			t.Errorf("M2 of one with another passphrase: %+v", out)
		}
		if n, shut := a.Guesses(epoch); n != 1 || shut || len(a.Peers()) != 0 {
			t.Errorf("the initiator counts %d guesses, %v, lists %+v", n, shut, a.Peers())
		}
		if p := b.Peers(); len(p) != 1 || p[0].Confirmed {
			t.Errorf("the responder lists %+v, want a, not confirmed", p)
		}
		checkNoKey(t, "wrong passphrase", a, b)
		late := epoch.Add(answerTime)
		out, _ = b.Due(late)
		failed := false
		for _, e := range out.Events {
			failed = failed || e.Kind == GuessFailed && e.Peer.ID == a.hash
			if e.Kind == Expired || e.Kind == Confirmed {
				t.Errorf("the responder: %+v", e)
			}
		}
		if n, _ := b.Guesses(late); n != 1 || !failed || len(b.Peers()) != 0 {
			t.Errorf("the responder counts %d guesses, %+v", n, out.Events)
		}
		for _, m := range out.Pair {
			if _, err := a.Handle(late, m); err == nil {
				t.Errorf("the initiator took message %d afterwards", m[0])
			}
		}
		// What was in M2 is not in use any more, whatever becomes of it.
		b.Due(late.Add(turnDelay))
		if b.own.gen == was.gen {
			t.Error("the responder goes on with the key that was in M2")
		}
		checkNoKey(t, "wrong passphrase, later", a, b)
	}
}

// TestOneGuess has somebody with another passphrase answer one M1 several
// times, with several passphrases: only the first answer is looked at.
func TestOneGuess(t *testing.T) {
	a := started(t, 1, phrase)
	thief := []*Session{started(t, 2, wrong), started(t, 2, wrong+"1"), started(t, 2, phrase)}
	m1, err := a.Welcome(epoch, 2, verified(t, thief[0]))
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range thief {
		if err := b.Meet(epoch, 1, verified(t, a)); err != nil {
			t.Fatal(err)
		}
		out, err := a.Handle(epoch, take(t, b, m1).Pair[0])
		switch {
		case i == 0 && (err != nil || len(out.Events) != 1 || out.Events[0].Kind != GuessFailed):
			t.Errorf("first guess: %+v, %v", out, err)
		case i > 0 && !errors.Is(err, ErrUnknownKey):
			t.Errorf("guess %d with the same Hello: %+v, %v, want %v", i, out, err, ErrUnknownKey)
		}
	}
	if n, _ := a.Guesses(epoch); n != 1 || len(a.Peers()) != 0 {
		t.Errorf("%d guesses counted, peers %+v", n, a.Peers())
	}
	if _, err := a.Welcome(epoch, 2, verified(t, thief[2])); !errors.Is(err, errSpent) {
		t.Errorf("the same Hello again: %v, want %v", err, errSpent)
	}
}

// TestGoneWithM2 has attackers begin, take M2, with which they can test one
// passphrase, and go in each way there is. Each is counted, once; who has not
// got M2 is not.
func TestGoneWithM2(t *testing.T) {
	for _, test := range []struct {
		name    string
		leave   func(s *Session, id hello.Hash)
		counted bool
	}{
		{"says nothing more", func(s *Session, _ hello.Hash) { s.Due(epoch.Add(answerTime)) }, true},
		{"hub says they are gone", func(s *Session, id hello.Hash) { s.Forget(epoch, id) }, true},
		{"sent away", func(s *Session, id hello.Hash) { s.Remove(epoch, id) }, true},
		{"has no M2", func(s *Session, id hello.Hash) { s.Forget(epoch, id) }, false},
	} {
		s, attacker := started(t, 1, phrase), started(t, 2, wrong)
		m1 := meet(t, attacker, s)
		if test.counted {
			take(t, s, m1)
			take(t, s, m1) // again: the same answer, no second guess
		}
		test.leave(s, attacker.hash)
		n, _ := s.Guesses(epoch)
		if (n == 1) != test.counted || n > 1 {
			t.Errorf("%s: %d guesses counted", test.name, n)
		}
		s.Forget(epoch, attacker.hash)
		s.Due(epoch.Add(2 * answerTime))
		if again, _ := s.Guesses(epoch); again != n {
			t.Errorf("%s: counted again", test.name)
		}
		if len(s.Peers()) != 0 {
			t.Errorf("%s: peers %+v", test.name, s.Peers())
		}
	}
}

// TestNoGuess checks that what is no guess is not counted as one: damaged
// messages, joiners that do not answer, and who leaves after the handshake.
func TestNoGuess(t *testing.T) {
	a, b, c := started(t, 1, phrase), started(t, 2, phrase), started(t, 3, phrase)
	m2 := take(t, b, meet(t, a, b)).Pair[0]
	for i := pairHead; i < len(m2); i++ {
		bad := bytes.Clone(m2)
		bad[i] ^= 1
		if out, err := a.Handle(epoch, bad); err == nil {
			t.Fatalf("damaged M2: %+v", out)
		}
	}
	m3 := take(t, a, m2).Pair[0]
	for i := pairHead; i < len(m3); i++ {
		bad := bytes.Clone(m3)
		bad[i] ^= 1
		if out, err := b.Handle(epoch, bad); err == nil {
			t.Fatalf("damaged M3: %+v", out)
		}
	}
	take(t, b, m3)
	meet(t, a, c)
	out, _ := a.Due(epoch.Add(answerTime))
	if len(out.Events) == 0 || out.Events[0].Kind != Expired {
		t.Errorf("a joiner does not answer: %+v", out.Events)
	}
	a.Forget(epoch, b.hash)
	b.Forget(epoch, a.hash)
	for _, s := range []*Session{a, b, c} {
		if n, _ := s.Guesses(epoch); n != 0 {
			t.Errorf("slot %d has counted %d guesses", s.slot, n)
		}
	}
}

// guess has identity i try a passphrase at s, on a new connection, as the
// initiator or the responder. It reports whether s dealt with it.
func guess(t *testing.T, s *Session, now time.Time, member int, passphrase string, begins bool) error {
	t.Helper()
	g := inSlot(t, member, 100, passphrase)
	if begins {
		if err := s.Meet(now, 100, verified(t, g)); err != nil {
			return err
		}
		m1, err := g.Welcome(now, s.slot, verified(t, s))
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Handle(now, m1)
		if err != nil {
			t.Fatal(err)
		}
		out, err = g.Handle(now, out.Pair[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Pair {
			if _, err := s.Handle(now, m); err != nil {
				t.Fatal(err)
			}
		}
	} else {
		m1, err := s.Welcome(now, 100, verified(t, g))
		if err != nil {
			return err
		}
		if err := g.Meet(now, s.slot, verified(t, s)); err != nil {
			t.Fatal(err)
		}
		out, err := g.Handle(now, m1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Handle(now, out.Pair[0]); err != nil {
			t.Fatal(err)
		}
	}
	if right := passphrase == string(s.password.bytes()); isConfirmed(s, g) != right {
		t.Errorf("member %d with %q is confirmed: %v", member, passphrase, !right)
	}
	s.Forget(now, g.hash)
	return nil
}

// TestGuessesOfOne has one identity try again and again, on new connections.
func TestGuessesOfOne(t *testing.T) {
	for _, begins := range []bool{true, false} {
		s, now := started(t, 1, phrase), epoch
		for i := range maxGuessesOfOne {
			if err := guess(t, s, now, 18+16*i, wrong, begins); err != nil {
				t.Fatalf("guess %d: %v", i, err)
			}
			now = now.Add(time.Minute)
		}
		if n, shut := s.Guesses(now); n != maxGuessesOfOne || shut {
			t.Errorf("%d guesses counted, shut %v, want %d", n, shut, maxGuessesOfOne)
		}
		if err := guess(t, s, now, 2, phrase, begins); !errors.Is(err, ErrGuessing) {
			t.Errorf("after %d wrong guesses: %v, want %v", maxGuessesOfOne, err, ErrGuessing)
		}
		if err := guess(t, s, now, 3, phrase, begins); err != nil {
			t.Errorf("another identity: %v", err)
		}
		// The first guess is an hour old before the second.
		now = epoch.Add(guessMemory - time.Nanosecond)
		if err := guess(t, s, now, 98, phrase, begins); !errors.Is(err, ErrGuessing) {
			t.Errorf("just before an hour has passed: %v, want %v", err, ErrGuessing)
		}
		if err := guess(t, s, now.Add(time.Nanosecond), 98, phrase, begins); err != nil {
			t.Errorf("after an hour: %v", err)
		}
	}
}

// TestGuessesOfAll has many identities try. The count outlives the connection.
func TestGuessesOfAll(t *testing.T) {
	guard := new(Guard)
	at := func(i int) *Session {
		s := inSlot(t, 1000+i, 1, phrase)
		s.guard = guard
		return s
	}
	now := epoch
	for i := range maxGuesses {
		if n, shut := guard.Count(now); n != i || shut {
			t.Fatalf("%d guesses counted after %d, shut %v", n, i, shut)
		}
		if err := guess(t, at(i%3), now, 2+i%14+16*i, wrong, i%2 == 0); err != nil {
			t.Fatalf("guess %d: %v", i, err)
		}
		now = now.Add(time.Second)
	}
	s := at(5)
	if n, shut := s.Guesses(now); n != maxGuesses || !shut {
		t.Errorf("%d guesses counted, shut %v, want %d and true", n, shut, maxGuesses)
	}
	for _, begins := range []bool{true, false} {
		if err := guess(t, s, now, 15, phrase, begins); !errors.Is(err, ErrGuessing) {
			t.Errorf("somebody who has never guessed: %v, want %v", err, ErrGuessing)
		}
	}
	if len(s.Peers()) != 0 {
		t.Error("somebody was let in")
	}
	// Who is in already stays, and what is under way goes on.
	now = epoch.Add(guessMemory)
	if n, shut := s.Guesses(now); n != maxGuesses-1 || shut {
		t.Errorf("after an hour %d are counted, shut %v", n, shut)
	}
	if err := guess(t, s, now, 15, phrase, true); err != nil {
		t.Errorf("after an hour: %v", err)
	}
	if n, _ := s.Guesses(now.Add(guessMemory)); n != 0 {
		t.Errorf("after two hours %d are counted", n)
	}
}

// TestGuardShutWhileJoining fills the count while somebody is joining who knows
// the passphrase: they are not shut out.
func TestGuardShutWhileJoining(t *testing.T) {
	a, b, c := started(t, 1, phrase), started(t, 2, phrase), started(t, 3, phrase)
	m1 := meet(t, a, b)
	late := meet(t, c, b)
	m2 := take(t, b, m1).Pair[0]
	for i := range maxGuesses + maxUnconfirmed + 10 {
		fp := hello.Fingerprint{byte(i)}
		a.guard.fail(epoch, fp)
		b.guard.fail(epoch, fp)
	}
	if n, _ := a.Guesses(epoch); n > maxGuesses+maxUnconfirmed {
		t.Errorf("%d failures are kept", n)
	}
	take(t, b, take(t, a, m2).Pair[0])
	checkHears(t, a, b)
	checkHears(t, b, a)
	// Who has not begun comes too late.
	if out, err := b.Handle(epoch, late); !errors.Is(err, ErrGuessing) || len(out.Pair) > 0 {
		t.Errorf("M1 while it is shut: %+v, %v, want %v", out, err, ErrGuessing)
	}
	if out, err := b.Handle(epoch.Add(guessMemory), late); err != nil || len(out.Pair) != 1 {
		t.Errorf("M1 an hour later: %+v, %v", out, err)
	}
}

// TestNoPassphraseNoGuard checks that a session without a passphrase counts
// nothing, whatever happens.
func TestNoPassphraseNoGuard(t *testing.T) {
	a := fixed(t, 1)
	for i := range maxGuesses + 1 {
		b := inSlot(t, 100+i, 2, "")
		meet(t, a, b)
		a.Due(epoch.Add(time.Duration(i+1) * answerTime))
		a.Forget(epoch, b.hash)
	}
	if n, shut := a.Guesses(epoch); n != 0 || shut {
		t.Errorf("%d guesses counted, shut %v", n, shut)
	}
	connect(t, a, fixed(t, 3))
}

// TestGuessesAtOnce has many guess at the same time, before any of them is
// found out, all of one identity or each of another.
func TestGuessesAtOnce(t *testing.T) {
	for _, begins := range []bool{true, false} {
		for _, test := range []struct {
			name string
			one  bool // identity for all
			most int
		}{{"one identity", true, maxGuessesOfOne}, {"many identities", false, maxGuesses + maxUnconfirmed}} {
			s := started(t, 0, phrase)
			var attackers []*Session
			for i := range 150 {
				attackers = append(attackers, inSlot(t, 1+16*(1+i), uint16(100+i), wrong))
			}
			guesses := guessAtOnce(t, s, attackers, begins, test.one)
			t.Logf("%s, attackers begin %v: %d guesses at once", test.name, begins, guesses)
			if guesses > test.most || guesses < maxGuessesOfOne {
				t.Errorf("%s, attackers begin %v: %d guesses at once, want at most %d", test.name, begins, guesses, test.most)
			}
		}
	}
}

// guessAtOnce returns how many of the attackers get to test a passphrase, of
// which s finds out five seconds later.
func guessAtOnce(t *testing.T, s *Session, attackers []*Session, begins, one bool) (guesses int) {
	t.Helper()
	var first [][]byte
	for i, a := range attackers {
		if begins {
			if err := s.Meet(epoch, a.slot, verified(t, a)); err != nil {
				continue
			}
			m1, err := a.Welcome(epoch, s.slot, verified(t, s))
			if err != nil {
				t.Fatal(err)
			}
			first = append(first, m1)
		} else if m1, err := s.Welcome(epoch, a.slot, verified(t, a)); err == nil {
			if err := a.Meet(epoch, s.slot, verified(t, s)); err != nil {
				t.Fatal(err)
			}
			first = append(first, take(t, a, m1).Pair[0])
		}
		if p := s.peers[a.hash]; p != nil && !one {
			p.fp[0], p.fp[1] = byte(i), 1 // there are but 16 to test with
		}
	}
	// Those who begin say M1 again until they are heard; for an hour.
	for now := epoch; now.Before(epoch.Add(20 * time.Second)); now = now.Add(time.Second) {
		for i, m := range first {
			if m == nil {
				continue
			}
			out, err := s.Handle(now, m)
			if err == nil && (len(out.Pair) > 0 || len(out.Events) > 0) {
				guesses++
				first[i] = nil
			}
		}
		s.Due(now)
	}
	return guesses
}
