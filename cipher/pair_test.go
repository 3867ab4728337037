package cipher

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/cpace"
)

// bothKinds runs a test with and without a passphrase.
func bothKinds(t *testing.T, run func(t *testing.T, passphrase string)) {
	t.Helper()
	for _, passphrase := range []string{"", phrase} {
		t.Run(fmt.Sprintf("passphrase=%t", passphrase != ""), func(t *testing.T) { run(t, passphrase) })
	}
}

// TestAgain repeats each message at each later stage: who has answered it gives
// the same answer again and does nothing else, as the answer may be lost.
func TestAgain(t *testing.T) {
	bothKinds(t, func(t *testing.T, passphrase string) {
		a, b := started(t, 1, passphrase), started(t, 2, passphrase)
		again := func(stage string, s *Session, m, want []byte) {
			t.Helper()
			before := snapshot(s)
			out, err := s.Handle(epoch, m)
			switch {
			case want == nil && !errors.Is(err, ErrReplay):
				t.Errorf("%s: message %d again: %+v, %v, want %v", stage, m[0], out, err, ErrReplay)
			case want != nil && (err != nil || len(out.Pair) != 1 || !bytes.Equal(out.Pair[0], want)):
				t.Errorf("%s: message %d again: %+v, %v, want the same answer", stage, m[0], out, err)
			}
			if len(out.Events) != 0 || snapshot(s) != before {
				t.Errorf("%s: message %d again changed something: %+v", stage, m[0], out)
			}
		}
		m1 := meet(t, a, b)
		m2 := take(t, b, m1).Pair[0]
		again("M1 answered", b, m1, m2)
		out := take(t, a, m2)
		if passphrase == "" {
			again("connected", a, m2, nil)
			again("connected", b, m1, m2)
			return
		}
		m3 := out.Pair[0]
		again("M1 answered", b, m1, m2)
		again("M2 answered", a, m2, m3)
		take(t, b, m3)
		again("connected", b, m3, nil)
		again("connected", a, m2, m3)
		again("connected", b, m1, m2)
		checkHears(t, a, b)
		checkHears(t, b, a)
		if len(a.Bye()) != 1 || len(b.Bye()) != 1 {
			t.Error("no channel is left")
		}
	})
}

// TestLostHandshake loses each message of a handshake for some time. Due says
// them again until it is through.
func TestLostHandshake(t *testing.T) {
	bothKinds(t, func(t *testing.T, passphrase string) {
		for lost := byte(pairFirst); lost <= pairThird; lost++ {
			for times := 1; times <= 3; times++ {
				p := &party{tb: t, now: epoch, next: make(map[*Session]time.Time), events: make(map[*Session][]Event)}
				n := 0
				p.lose = func(_, _ *Session, m []byte) bool {
					if m[0] != lost || n == times {
						return false
					}
					n++
					return true
				}
				a, b := started(t, 1, passphrase), started(t, 2, passphrase)
				p.join(a)
				p.join(b)
				p.pass(time.Duration(times)*repeatEvery + 100*time.Millisecond)
				p.checkAllHear(fmt.Sprintf("message %d lost %d times", lost, times))
				for _, s := range p.members {
					if p.count(s, Confirmed) != 1 || p.count(s, GuessFailed)+p.count(s, Expired) != 0 {
						t.Errorf("message %d lost %d times: %+v", lost, times, p.events[s])
					}
				}
				p.pass(5 * time.Second)
				p.checkRoster(fmt.Sprintf("message %d lost %d times", lost, times))
			}
		}
	})
}

// TestExpired has a joiner take M1 and never answer.
func TestExpired(t *testing.T) {
	a, b, c := fixed(t, 1), fixed(t, 2), fixed(t, 3)
	connect(t, a, c)
	mustSeal(t, a, "before")
	m1 := meet(t, a, b)
	if p := a.Peers(); len(p) != 2 || p[0].Confirmed {
		t.Fatalf("Peers() = %+v, want b among them, who may hear a", p)
	}
	repeats := 0
	for now := epoch; now.Before(epoch.Add(answerTime)); now = now.Add(repeatEvery / 4) {
		out, _ := a.Due(now)
		for _, m := range out.Pair {
			if bytes.Equal(m, m1) {
				repeats++
			}
		}
		if len(a.Peers()) != 2 {
			t.Fatalf("b was forgotten after %v", now.Sub(epoch))
		}
	}
	if repeats != 4 {
		t.Errorf("M1 was said again %d times, want 4", repeats)
	}
	now := epoch.Add(answerTime)
	out, _ := a.Due(now)
	if len(out.Events) == 0 || out.Events[0].Kind != Expired || out.Events[0].Peer.ID != b.hash || len(a.Peers()) != 1 {
		t.Errorf("after %v: %+v, %+v", answerTime, out.Events, a.Peers())
	}
	if _, err := a.Handle(now, make([]byte, 200)); err == nil {
		t.Error("junk was accepted")
	}
	// b comes too late, has been told so, and must not hear a any more.
	late := take(t, b, m1)
	if _, err := a.Handle(now, late.Pair[0]); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("M2 too late: %v, want %v", err, ErrUnknownKey)
	}
	told := false
	for _, m := range out.Pair {
		if m[0] == pairBox && bytes.Equal(m[33:65], b.hash[:]) {
			told = len(take(t, b, m).Events) == 1
		}
	}
	if !told || len(b.Peers()) != 0 {
		t.Errorf("b, who came too late, was not told: %v, %+v", told, b.Peers())
	}
}

// TestReaddressed changes the addresses of a message so that it seems to be
// somebody else's, for somebody else, or my own thrown back at me.
func TestReaddressed(t *testing.T) {
	bothKinds(t, func(t *testing.T, passphrase string) {
		a, b, c := started(t, 1, passphrase), started(t, 2, passphrase), started(t, 3, passphrase)
		if bytes.Compare(a.hash[:], b.hash[:]) > 0 || bytes.Compare(b.hash[:], c.hash[:]) > 0 {
			t.Log("by their hashes members 1, 2 and 3 are in another order")
		}
		m1 := meet(t, a, b)
		meet(t, a, c)
		meet(t, b, c)
		stranger := started(t, 4, passphrase)
		address := func(typ byte, from, to *Session) []byte {
			m := append([]byte{typ}, from.hash[:]...)
			return append(append(m, to.hash[:]...), m1[pairHead:]...)
		}
		// Whoever has welcomed somebody takes their M1 only if its hash is the
		// smaller one.
		stands := func(mine, theirs *Session) error {
			if bytes.Compare(mine.hash[:], theirs.hash[:]) < 0 {
				return ErrUnknownKey
			}
			return ErrAuth
		}
		tests := []struct {
			name    string
			at      *Session
			message []byte
			want    error
		}{
			{"other recipient", c, address(1, a, c), ErrAuth},
			{"other sender", b, address(1, c, b), stands(b, c)},
			{"reflected", a, m1, ErrMalformed},
			{"reflected as the peer's M1", a, address(1, b, a), stands(a, b)},
			{"reflected as the peer's M2", a, address(2, b, a), ErrAuth},
			{"reflected as the peer's M3", a, address(3, b, a), ErrUnknownKey},
			{"from itself to itself", a, address(1, a, a), ErrMalformed},
			{"stranger", b, address(1, stranger, b), ErrUnknownKey},
			{"M2 before M1", b, address(2, a, b), ErrUnknownKey},
			{"M3 before M1", b, address(3, a, b), ErrUnknownKey},
			{"box before M1", b, address(4, a, b), ErrUnknownKey},
			{"unknown type", b, address(5, a, b), ErrMalformed},
			{"type 0", b, address(0, a, b), ErrMalformed},
			{"short", b, m1[:pairHead-1], ErrMalformed},
			{"no box", b, m1[:pairHead], ErrMalformed},
		}
		for _, test := range tests {
			before := snapshot(test.at)
			out, err := test.at.Handle(epoch, test.message)
			if !errors.Is(err, test.want) || len(out.Pair)+len(out.Events) > 0 || snapshot(test.at) != before {
				t.Errorf("%s: %+v, %v, want %v and nothing changed", test.name, out, err, test.want)
			}
		}
		for to, from, m := b, a, m1; m != nil; to, from = from, to {
			out := take(t, to, m)
			if m = nil; len(out.Pair) > 0 {
				m = out.Pair[0]
			}
		}
		checkHears(t, a, b)
		checkHears(t, b, a)
	})
}

// TestSlotOfBox has the hub tell one slot and the member another.
func TestSlotOfBox(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	if err := b.Meet(epoch, 7, verified(t, a)); err != nil {
		t.Fatal(err)
	}
	m1, err := a.Welcome(epoch, 8, verified(t, b))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := b.Handle(epoch, m1); !errors.Is(err, ErrMalformed) || len(out.Pair) > 0 {
		t.Errorf("M1 of slot 1 from a member in slot 7: %+v, %v", out, err)
	}
	if len(b.Peers()) != 0 {
		t.Error("a key was sealed to a member whose slot is wrong")
	}
	c, d := fixed(t, 2), fixed(t, 1)
	if err := c.Meet(epoch, 1, verified(t, d)); err != nil {
		t.Fatal(err)
	}
	if m1, err = d.Welcome(epoch, 9, verified(t, c)); err != nil {
		t.Fatal(err)
	}
	m2 := take(t, c, m1).Pair[0]
	if _, err := d.Handle(epoch, m2); !errors.Is(err, ErrMalformed) {
		t.Errorf("M2 of slot 2 from a member in slot 9: %v", err)
	}
	if p := d.Peers(); len(p) != 1 || p[0].Confirmed {
		t.Errorf("Peers() = %+v, want one who is not confirmed", p)
	}
	// Later keys are of the slot of the first, too.
	e, f := fixed(t, 1), fixed(t, 2)
	connect(t, e, f)
	other := keyState{slot: 3, generation: generation{gen: 1, base: newSecret(keysOf(3).base)}}
	m := e.box(e.peers[f.hash], other.append(nil))
	if out, err := f.Handle(epoch, m); !errors.Is(err, ErrMalformed) || len(out.Pair) > 0 {
		t.Errorf("key of slot 3 from the member in slot 1: %+v, %v", out, err)
	}
	if n := len(f.openers[1].gens); n != 1 || len(f.openers) != 1 {
		t.Errorf("%d generations of slot 1, %d members: the key of another slot was taken", n, len(f.openers))
	}
}

// TestSlotOfBoxPassphrase is TestSlotOfBox with a passphrase, where it counts
// as a guess: who knows the passphrase does not do that.
func TestSlotOfBoxPassphrase(t *testing.T) {
	a, b := started(t, 1, phrase), started(t, 2, phrase)
	if err := b.Meet(epoch, 7, verified(t, a)); err != nil {
		t.Fatal(err)
	}
	m1, err := a.Welcome(epoch, 2, verified(t, b))
	if err != nil {
		t.Fatal(err)
	}
	m2 := take(t, b, m1).Pair[0]
	m3 := take(t, a, m2).Pair[0]
	if _, err := b.Handle(epoch, m3); !errors.Is(err, ErrMalformed) || isConfirmed(b, a) {
		t.Errorf("M3 of slot 1 from a member in slot 7: %v", err)
	}
	out, _ := b.Due(epoch.Add(answerTime))
	if len(out.Events) == 0 || out.Events[0].Kind != GuessFailed {
		t.Errorf("later: %+v", out.Events)
	}
}

// TestGlare has both welcome each other, in every order of delivery.
func TestGlare(t *testing.T) {
	bothKinds(t, func(t *testing.T, passphrase string) {
		for order := range 4 {
			a, b := started(t, 1, passphrase), started(t, 2, passphrase)
			if bytes.Compare(a.hash[:], b.hash[:]) > 0 {
				a, b = b, a
			}
			ma, err := a.Welcome(epoch, b.slot, verified(t, b))
			if err != nil {
				t.Fatal(err)
			}
			mb, err := b.Welcome(epoch, a.slot, verified(t, a))
			if err != nil {
				t.Fatal(err)
			}
			loser := func(at int, want error) {
				t.Helper()
				if order != at {
					return
				}
				if out, err := a.Handle(epoch, mb); !errors.Is(err, want) || len(out.Pair)+len(out.Events) > 0 {
					t.Errorf("M1 of the larger hash: %+v, %v, want %v", out, err, want)
				}
			}
			loser(0, ErrUnknownKey)
			m2 := take(t, b, ma).Pair[0]
			loser(1, ErrUnknownKey)
			out := take(t, a, m2)
			loser(2, ErrReplay)
			if passphrase != "" {
				take(t, b, out.Pair[0])
			}
			loser(3, ErrReplay)
			if out := take(t, b, ma); len(out.Pair) != 1 || !bytes.Equal(out.Pair[0], m2) {
				t.Errorf("M1 again after glare: %+v", out)
			}
			checkHears(t, a, b)
			checkHears(t, b, a)
			if n := len(b.Peers()); n != 1 || !isConfirmed(a, b) || !isConfirmed(b, a) {
				t.Errorf("order %d: b has %d peers", order, n)
			}
		}
	})
}

// TestSecondKey has a confirmed peer begin again, or tell its first key again,
// however well it is sealed.
func TestSecondKey(t *testing.T) {
	bothKinds(t, func(t *testing.T, passphrase string) {
		a, b := started(t, 1, passphrase), started(t, 2, passphrase)
		connect(t, a, b)
		for typ := byte(pairFirst); typ <= pairThird; typ++ {
			for _, s := range [][2]*Session{{a, b}, {b, a}} {
				p := s[0].peers[s[1].hash]
				m := s[0].sealState(p, typ, s[0].head(p, typ))
				if out, err := s[1].Handle(epoch, m); !errors.Is(err, ErrReplay) || len(out.Pair) > 0 {
					t.Errorf("second key in message %d from slot %d: %+v, %v", typ, s[0].slot, out, err)
				}
			}
		}
		for _, p := range []*peer{a.peers[b.hash], b.peers[a.hash]} {
			if p.run.dh.bytes() != nil || p.run.ss.bytes() != nil || p.outer.key.bytes() != nil || p.pake != nil {
				t.Error("secrets of the handshake are kept after it")
			}
		}
		checkHears(t, a, b)
		checkHears(t, b, a)
	})
}

// TestRunOfBothSides checks that both sides have the same keys, and that
// each of them depends on everything that went into the run.
func TestRunOfBothSides(t *testing.T) {
	base := func() *run {
		return &run{
			i: [32]byte{1}, r: [32]byte{2}, enc: bytes.Repeat([]byte{3}, encLen),
			ss: newSecret(bytes.Repeat([]byte{4}, ssLen)), dh: newSecret(bytes.Repeat([]byte{5}, 32)),
		}
	}
	ya, yb, isk := bytes.Repeat([]byte{6}, cpace.ShareSize), bytes.Repeat([]byte{7}, cpace.ShareSize), bytes.Repeat([]byte{8}, cpace.KeySize)
	other := bytes.Repeat([]byte{9}, encLen)
	seen := make(map[string]string)
	note := func(name string, u *run, ya, yb, isk []byte) {
		there, back := u.chains(ya, yb, isk)
		for d, c := range map[string]chain{"i>r": there, "r>i": back} {
			k := string(c.key.bytes())
			if old, ok := seen[k]; ok || len(k) != 32 {
				t.Errorf("%s %s has the key of %s", name, d, old)
			}
			seen[k] = name + d
		}
	}
	note("base", base(), ya, yb, isk)
	note("no passphrase", base(), nil, nil, nil)
	for name, change := range map[string]func(*run){
		"i": func(u *run) { u.i[31]++ }, "r": func(u *run) { u.r[31]++ }, "swapped": func(u *run) { u.i, u.r = u.r, u.i },
		"enc": func(u *run) { u.enc = other }, "ss": func(u *run) { u.ss = newSecret(other[:ssLen]) }, "dh": func(u *run) { u.dh = newSecret(other[:32]) },
	} {
		u := base()
		change(u)
		note(name, u, ya, yb, isk)
	}
	note("ya", base(), other[:32], yb, isk)
	note("yb", base(), ya, other[:32], isk)
	note("isk", base(), ya, yb, other[:64])
	note("shares swapped", base(), yb, ya, isk)
}
