package cipher

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/lab/person"
)

func TestRefusedMembers(t *testing.T) {
	for _, passphrase := range []string{"", phrase} {
		s, known, left := started(t, 1, passphrase), started(t, 2, passphrase), started(t, 3, passphrase)
		if err := s.Meet(epoch, 2, verified(t, known)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Welcome(epoch, 3, verified(t, left)); err != nil {
			t.Fatal(err)
		}
		if !s.Forget(epoch, left.hash) {
			t.Fatal("Forget of a member = false")
		}
		other := phrase
		if passphrase != "" {
			other = ""
		}
		fresh := verified(t, started(t, 4, passphrase))
		tests := []struct {
			name string
			slot uint16
			v    hello.Verified
			want error
		}{
			{"other session", 4, verified(t, unstarted(t, 4, "session2", passphrase)), errSession},
			{"passphrase of one alone", 4, verified(t, started(t, 4, other)), ErrPolicy},
			{"mine", 4, verified(t, s), errOwnHello},
			{"known", 4, verified(t, known), errKnown},
			{"left", 4, verified(t, left), errSpent},
			{"slot of another", 2, fresh, errSlotTaken},
			{"my slot", 1, fresh, errSlotTaken},
			{"slot out of range", sframe.MaxSlot + 1, fresh, errSlotRange},
			{"zero result", 4, lowOrder(t, passphrase), nil},
			{"not verified", 4, hello.Verified{}, errSession},
		}
		for _, test := range tests {
			errMeet := s.Meet(epoch, test.slot, test.v)
			m1, errWelcome := s.Welcome(epoch, test.slot, test.v)
			for _, err := range []error{errMeet, errWelcome} {
				if err == nil || test.want != nil && !errors.Is(err, test.want) {
					t.Errorf("%s: %v, want %v", test.name, err, test.want)
				}
			}
			if m1 != nil {
				t.Errorf("%s: a key was sealed", test.name)
			}
			if len(s.peers) != 1 || len(s.Peers()) != 0 {
				t.Fatalf("%s: a refused member was added", test.name)
			}
		}
		if _, err := s.Welcome(epoch, 3, fresh); err != nil {
			t.Errorf("slot of a member who has left: %v", err)
		}
	}
}

// lowOrder returns the Hello of somebody whose X25519 key is a point of low
// order, with which every shared secret is zero.
func lowOrder(t *testing.T, passphrase string) hello.Verified {
	t.Helper()
	s := started(t, 4, passphrase)
	h, err := hello.Parse(s.hello)
	if err != nil {
		t.Fatal(err)
	}
	h.X = [hello.XLen]byte{}
	return certified(t, h.Append(nil), 4)
}

// certified returns a Hello with a new certificate of person i.
func certified(t *testing.T, raw []byte, i int) hello.Verified {
	t.Helper()
	cert, err := person.Identity(t, i).Certify(hello.Sum(raw))
	if err != nil {
		t.Fatal(err)
	}
	v, err := hello.Verify(raw, cert)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestMisbinding has one person certify the Hello of another: nobody can say
// that another's keys are theirs.
func TestMisbinding(t *testing.T) {
	a := fixed(t, 1)
	for i := range person.Count {
		cert, err := person.Identity(t, i).Certify(a.hash)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := hello.Verify(a.hello, cert); (err == nil) != (i == 1) || i != 1 && !errors.Is(err, hello.ErrCert) {
			t.Errorf("Hello of person 1 certified by person %d: %v", i, err)
		}
	}
	// With the fingerprint exchanged it is another Hello, and so are all keys:
	// what is sealed for one does not open for the other.
	b, victim := fixed(t, 2), fixed(t, 1)
	h, err := hello.Parse(victim.hello)
	if err != nil {
		t.Fatal(err)
	}
	h.Fingerprint = person.Identity(t, 5).Fingerprint()
	stolen := certified(t, h.Append(nil), 5)
	if err := victim.Meet(epoch, 2, verified(t, b)); err != nil {
		t.Fatal(err)
	}
	m1, err := b.Welcome(epoch, 1, stolen)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := victim.Handle(epoch, m1); !errors.Is(err, ErrMalformed) {
		t.Errorf("M1 for the thief of a Hello: %v, want %v", err, ErrMalformed)
	}
	copy(m1[33:], victim.hash[:])
	if _, err := victim.Handle(epoch, m1); !errors.Is(err, ErrAuth) {
		t.Errorf("M1 for the thief of a Hello, readdressed: %v, want %v", err, ErrAuth)
	}
	if len(victim.Peers()) != 0 {
		t.Error("a key was sealed because of a stolen Hello")
	}
}

// TestDowngrade has the hub change the flag in a Hello, or show the two of them
// two different ones: nobody with a passphrase gives away a key without it.
func TestDowngrade(t *testing.T) {
	a, b := started(t, 1, phrase), started(t, 2, phrase)
	h, err := hello.Parse(b.hello)
	if err != nil {
		t.Fatal(err)
	}
	h.Passphrase = false
	raw := h.Append(nil)
	if _, err := hello.Verify(raw, b.cert); !errors.Is(err, hello.ErrCert) {
		t.Errorf("Hello whose flag was changed: %v, want %v", err, hello.ErrCert)
	}
	// Even if it were certified.
	if _, err := a.Welcome(epoch, 2, certified(t, raw, 2)); !errors.Is(err, ErrPolicy) {
		t.Errorf("Welcome of a Hello without the flag: %v, want %v", err, ErrPolicy)
	}
	plain := fixed(t, 3)
	for _, s := range []*Session{a, plain} {
		other := verified(t, plain)
		if s == plain {
			other = verified(t, a)
		}
		if err := s.Meet(epoch, 9, other); !errors.Is(err, ErrPolicy) {
			t.Errorf("Meet of somebody with another policy: %v, want %v", err, ErrPolicy)
		}
		if m, err := s.Welcome(epoch, 9, other); !errors.Is(err, ErrPolicy) || m != nil {
			t.Errorf("Welcome of somebody with another policy: %x, %v, want %v", m, err, ErrPolicy)
		}
	}
	// A message of the handshake without a passphrase, sealed with all keys
	// that there are without it, is no message of the other.
	d, e := started(t, 4, phrase), started(t, 5, phrase)
	if err := e.Meet(epoch, 4, verified(t, d)); err != nil {
		t.Fatal(err)
	}
	d.password.clear()
	d.password = secret{}
	v := verified(t, e)
	v.Hello().Passphrase = false // what a member would do who ignores the flag
	m1, err := d.Welcome(epoch, 5, v)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := e.Handle(epoch, m1); !errors.Is(err, ErrMalformed) || len(out.Pair) > 0 || len(e.Peers()) > 0 {
		t.Errorf("M1 without a passphrase: %+v, %v, want %v", out, err, ErrMalformed)
	}
	if n, _ := e.Guesses(epoch); n != 0 {
		t.Errorf("it was counted as %d guesses", n)
	}
}

func TestTooMany(t *testing.T) {
	s, peer := fixed(t, 1), verified(t, fixed(t, 2))
	for i := range maxGone {
		s.gone[hello.Hash{0: byte(i), 1: byte(i >> 8), 2: 1}] = struct{}{}
	}
	if err := s.Meet(epoch, 2, peer); !errors.Is(err, errTooMany) {
		t.Errorf("Meet after %d members have left: %v", maxGone, err)
	}
	s = fixed(t, 1)
	for i := range maxUnconfirmed {
		if _, err := s.Welcome(epoch, uint16(100+i), verified(t, inSlot(t, 100+i, 0, ""))); err != nil {
			t.Fatalf("member %d who joins at once: %v", i, err)
		}
	}
	if _, err := s.Welcome(epoch, 2, peer); !errors.Is(err, errBusy) {
		t.Errorf("Welcome while %d are joining: %v, want %v", maxUnconfirmed, err, errBusy)
	}
	if err := s.Meet(epoch, 2, peer); err != nil {
		t.Errorf("Meet while %d are joining: %v", maxUnconfirmed, err)
	}
	out, _ := s.Due(epoch.Add(answerTime))
	if len(out.Events) != maxUnconfirmed || len(s.Peers()) != 0 {
		t.Errorf("%d expired, %d are left, want %d and none", len(out.Events), len(s.Peers()), maxUnconfirmed)
	}
	if _, err := s.Welcome(epoch, 3, verified(t, fixed(t, 3))); err != nil {
		t.Errorf("Welcome after they have expired: %v", err)
	}
}

// checkCleared fails the test unless all keys are overwritten. They were taken
// before what is said to have cleared them.
func checkCleared(t *testing.T, after string, keys map[string][]byte) {
	t.Helper()
	for name, k := range keys {
		if len(k) == 0 || !bytes.Equal(k, make([]byte, len(k))) {
			t.Errorf("after %s the %s is %x", after, name, k)
		}
	}
}

func TestClose(t *testing.T) {
	for _, passphrase := range []string{"", phrase} {
		a, b, c, d := started(t, 1, passphrase), started(t, 2, passphrase), started(t, 3, passphrase), started(t, 4, passphrase)
		connect(t, a, b)
		checkHears(t, b, a)
		checkHears(t, a, b)
		meet(t, a, c)
		m := meet(t, d, a)
		take(t, a, m)
		packet := mustSeal(t, b, "late")
		p, q, r := a.peers[b.hash], a.peers[c.hash], a.peers[d.hash]
		a.Forget(epoch, hello.Hash{})
		a.replaceKey(epoch)
		a.Due(epoch.Add(turnDelay))
		if !a.turn.pending {
			t.Fatal("no generation is on its way")
		}
		keys := map[string][]byte{
			"base key": a.own.base.bytes(), "next base key": a.turn.next.base.bytes(), "peer's base key": a.openers[2].gens[0].base.bytes(),
			"chain to b": p.send.key.bytes(), "chain from b": p.recv.key.bytes(), "chain to d": r.send.key.bytes(), "chain from d": r.recv.key.bytes(),
			"dh with c": q.run.dh.bytes(), "secret for c": q.run.ss.bytes(),
		}
		if passphrase != "" {
			keys["passphrase"], keys["outer chain"] = a.password.bytes(), q.outer.key.bytes()
		} else {
			keys["chain to c"], keys["chain from c"] = q.send.key.bytes(), q.recv.key.bytes()
		}
		a.Close()
		a.Close()
		checkCleared(t, "Close", keys)
		if err := a.Start(1); !errors.Is(err, errNoKeys) {
			t.Errorf("Start after Close: %v", err)
		}
		if _, err := a.Seal(nil, sframe.StreamVoice, 0, nil); !errors.Is(err, errNoKeys) {
			t.Errorf("Seal after Close: %v", err)
		}
		checkCannot(t, a, packet, ErrUnknownKey)
		if _, err := a.Welcome(epoch, 3, verified(t, c)); !errors.Is(err, errNoKeys) {
			t.Errorf("Welcome after Close: %v", err)
		}
		if _, err := a.Handle(epoch, m); !errors.Is(err, errNoKeys) {
			t.Errorf("Handle after Close: %v", err)
		}
		if out, next := a.Due(epoch.Add(time.Hour)); len(out.Pair)+len(out.Events) > 0 || !next.IsZero() {
			t.Errorf("Due after Close: %+v, %v", out, next)
		}
		if _, ok := a.Code(); ok || len(a.Peers()) != 0 || len(a.openers) != 0 || len(a.Bye()) != 0 || a.Forget(epoch, b.hash) {
			t.Error("members are left after Close")
		}
	}
}

func TestForget(t *testing.T) {
	a, b, c := fixed(t, 1), fixed(t, 2), fixed(t, 3)
	m1 := connect(t, b, a)[0]
	connect(t, a, c)
	old := mustSeal(t, b, "recorded")
	if _, _, err := a.Open(nil, old); err != nil {
		t.Fatal(err)
	}
	p, o := a.peers[b.hash], a.openers[2]
	keys := map[string][]byte{"base key": o.gens[0].base.bytes(), "send": p.send.key.bytes(), "recv": p.recv.key.bytes()}
	a.Forget(epoch, b.hash)
	checkCleared(t, "Forget", keys)
	for _, packet := range [][]byte{old, mustSeal(t, b, "still here")} {
		checkCannot(t, a, packet, ErrUnknownKey)
	}
	// Open may have looked the member up just before.
	if _, err := o.open(nil, old, sframe.NewKID(2, sframe.StreamVoice, 0, 0), 0, 4); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("open after Forget, looked up before: %v, want %v", err, ErrUnknownKey)
	}
	if a.openers[2] != nil || !isEmpty(o) {
		t.Error("Forget leaves keys of the member's streams")
	}
	if _, err := a.Handle(epoch, m1); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("Handle of an ex-member's message: %v, want %v", err, ErrUnknownKey)
	}
	// A hub that lists the ex-member anew could play back the whole call.
	if err := a.Meet(epoch, 2, verified(t, b)); !errors.Is(err, errSpent) {
		t.Errorf("Meet of an ex-member: %v, want %v", err, errSpent)
	}
	checkHears(t, a, c)
	// Somebody else in the same slot is heard, the ex-member is not.
	d := inSlot(t, 4, 2, "")
	connect(t, a, d)
	checkCannot(t, a, mustSeal(t, b, "a ghost"), ErrAuth)
	checkHears(t, a, d)
}

// isEmpty reports whether an opener knows of no packet.
func isEmpty(o *opener) bool {
	for _, g := range o.gens {
		if g.streams != [sframe.Streams][2]*received{} {
			return false
		}
	}
	return true
}

// TestBye has a member leave with a goodbye, and one sent away: the other side
// forgets them at once, and nobody else hears of it.
func TestBye(t *testing.T) {
	for _, passphrase := range []string{"", phrase} {
		a, b, c, d := started(t, 1, passphrase), started(t, 2, passphrase), started(t, 3, passphrase), started(t, 4, passphrase)
		connect(t, a, b)
		connect(t, a, c)
		connect(t, b, c)
		meet(t, a, d) // who has not answered yet
		pair, ok := a.Remove(epoch, b.hash)
		if !ok || pair == nil {
			t.Fatalf("Remove = %x, %v", pair, ok)
		}
		if _, ok := a.Remove(epoch, b.hash); ok {
			t.Error("Remove of one who was removed = true")
		}
		if _, err := c.Handle(epoch, pair); err == nil {
			t.Error("a goodbye was taken by somebody else")
		}
		out := take(t, b, pair)
		if len(out.Pair) != 0 || len(out.Events) != 1 || out.Events[0].Kind != Removed || out.Events[0].Peer.ID != a.hash {
			t.Errorf("goodbye of who removes me: %+v", out)
		}
		if isConfirmed(b, a) || isConfirmed(a, b) {
			t.Error("the two have each other still")
		}
		checkCannot(t, b, mustSeal(t, a, "x"), ErrUnknownKey)
		checkCannot(t, a, mustSeal(t, b, "x"), ErrUnknownKey)
		checkHears(t, c, b)

		byes := a.Bye()
		want := 1 // c; with a passphrase d has no key of a
		if passphrase == "" {
			want = 2
		}
		if len(byes) != want {
			t.Fatalf("Bye returns %d messages, want %d", len(byes), want)
		}
		out = take(t, c, byes[0])
		if len(out.Events) != 1 || out.Events[0].Kind != Departed || out.Events[0].Peer.Name != a.name {
			t.Errorf("goodbye: %+v", out)
		}
		if _, err := c.Handle(epoch, byes[0]); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("goodbye of one who has left: %v", err)
		}
	}
}
