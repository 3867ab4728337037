package cipher

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/lab/person"
)

// epoch is when the tests begin.
var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// phrase is the passphrase of the sessions that have one.
const phrase = "zebra-oven-jolly"

// fixed returns the session of member i of "session1", without a passphrase,
// in slot i.
func fixed(tb testing.TB, i int) *Session {
	tb.Helper()
	return started(tb, i, "")
}

// started is fixed with a passphrase.
func started(tb testing.TB, i int, passphrase string) *Session {
	tb.Helper()
	return inSlot(tb, i, uint16(i), passphrase)
}

// inSlot is started for any slot.
func inSlot(tb testing.TB, i int, slot uint16, passphrase string) *Session {
	tb.Helper()
	s := unstarted(tb, i, "session1", passphrase)
	if err := s.Start(slot); err != nil {
		tb.Fatal(err)
	}
	return s
}

var (
	templatesMu sync.Mutex
	templates   = make(map[string]*Session)
)

// unstarted returns the session of member i, of a session of any name, without
// a slot. Its keys and its Hello are the same in every process, as the workers
// of a fuzz test must agree on them; its certificate is made once.
func unstarted(tb testing.TB, i int, session, passphrase string) *Session {
	tb.Helper()
	templatesMu.Lock()
	defer templatesMu.Unlock()
	k, name := keysOf(i), fmt.Sprintf("%d %t %s", i, passphrase != "", session)
	if templates[name] == nil {
		x, err := ecdh.X25519().NewPrivateKey(k.x)
		if err != nil {
			tb.Fatal(err)
		}
		kem, err := hpke.MLKEM768X25519().NewPrivateKey(k.kem)
		if err != nil {
			tb.Fatal(err)
		}
		c := Config{
			Identity: person.Identity(tb, i), Binding: k.binding, Session: session,
			Name: fmt.Sprintf("member %d", i), Passphrase: passphrase,
		}
		if templates[name], err = newSession(c, x, kem, bytes.Clone(k.base)); err != nil {
			tb.Fatal(err)
		}
	}
	t := templates[name]
	s := &Session{
		name: t.name, session: t.session, hello: t.hello, cert: t.cert, hash: t.hash, guard: new(Guard),
		agree: t.agree, decap: t.decap, own: generation{base: newSecret(k.base)},
		peers: make(map[hello.Hash]*peer), gone: make(map[hello.Hash]struct{}), openers: make(map[uint16]*opener),
	}
	if passphrase != "" {
		s.password = newSecret([]byte(passphrase))
	}
	for i := range s.sealers {
		s.sealers[i] = new(sealer)
	}
	return s
}

// A keyring holds the keys of a member of the tests.
type keyring struct {
	x, kem, base []byte
	binding      [32]byte
}

// keysOf returns the keys of member i.
func keysOf(i int) keyring {
	of := func(what string) []byte {
		sum := sha512.Sum512(binary.BigEndian.AppendUint32([]byte(what), uint32(i)))
		return sum[:]
	}
	return keyring{x: of("x")[:32], kem: of("kem")[:32], base: of("base"), binding: [32]byte(of("binding"))}
}

// verified returns the Hello of s as others take it.
func verified(tb testing.TB, s *Session) hello.Verified {
	tb.Helper()
	v, err := hello.Verify(s.hello, s.cert)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// meet makes b, who joins, meet a, and returns M1.
func meet(tb testing.TB, a, b *Session) (m1 []byte) {
	tb.Helper()
	if err := b.Meet(epoch, a.slot, verified(tb, a)); err != nil {
		tb.Fatal(err)
	}
	m1, err := a.Welcome(epoch, b.slot, verified(tb, b))
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.Clone(m1)
}

// take makes s take a message and returns what s asks for.
func take(tb testing.TB, s *Session, m []byte) Out {
	tb.Helper()
	out, err := s.Handle(epoch, m)
	if err != nil {
		tb.Fatalf("slot %d: Handle(message %d): %v", s.slot, m[0], err)
	}
	return out
}

// connect runs the whole handshake between a, who was there, and b, and returns
// its messages: two, or three with a passphrase.
func connect(tb testing.TB, a, b *Session) (messages [][]byte) {
	tb.Helper()
	queue := [][]byte{meet(tb, a, b)}
	for len(queue) > 0 {
		m := queue[0]
		to := a
		if bytes.Equal(m[33:65], b.hash[:]) {
			to = b
		}
		if m[0] != pairBox { // a key that is not in use yet may follow
			messages = append(messages, m)
		}
		queue = append(queue[1:], take(tb, to, m).Pair...)
	}
	want := 2
	if a.password.bytes() != nil {
		want = 3
	}
	if len(messages) != want || !isConfirmed(a, b) || !isConfirmed(b, a) {
		tb.Fatalf("the handshake of slots %d and %d took %d messages, want %d", a.slot, b.slot, len(messages), want)
	}
	return messages
}

// isConfirmed reports whether b is a confirmed peer of a.
func isConfirmed(a, b *Session) bool {
	for _, p := range a.Peers() {
		if p.ID == b.hash && p.Confirmed {
			return true
		}
	}
	return false
}

// mustSeal seals plain in the voice stream of s.
func mustSeal(tb testing.TB, s *Session, plain string) []byte {
	tb.Helper()
	b, err := s.Seal(nil, sframe.StreamVoice, 0x08, []byte(plain))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// checkHears fails the test unless b opens what a seals.
func checkHears(tb testing.TB, b, a *Session) {
	tb.Helper()
	packet := mustSeal(tb, a, "are you there")
	plain, from, err := b.Open(nil, packet)
	if err != nil || string(plain) != "are you there" || from.Slot != a.slot || from.Stream != sframe.StreamVoice {
		tb.Errorf("slot %d opens a packet of slot %d: %q, %+v, %v", b.slot, a.slot, plain, from, err)
	}
}

// checkCannot fails the test if b opens a packet.
func checkCannot(tb testing.TB, b *Session, packet []byte, want error) {
	tb.Helper()
	if plain, from, err := b.Open(nil, packet); !errors.Is(err, want) {
		tb.Errorf("slot %d opens a packet: %q, %+v, %v, want %v", b.slot, plain, from, err, want)
	}
}

func TestNewSession(t *testing.T) {
	tests := []struct {
		session, name, passphrase string
		ok                        bool
	}{
		{"session1", "ann", "", true},
		{"session1", "ann", "x", true},
		{"s", "", "", true},
		{strings.Repeat("s", 64), strings.Repeat("n", 32), strings.Repeat("p", 1000), true},
		{"", "ann", "", false},
		{"a b", "ann", "", false},
		{strings.Repeat("s", 65), "ann", "", false},
		{"session1", strings.Repeat("n", 33), "", false},
	}
	for _, test := range tests {
		c := Config{Identity: person.Identity(t, 3), Binding: [32]byte{1, 2}, Session: test.session, Name: test.name, Passphrase: test.passphrase}
		s, err := NewSession(c)
		if (err == nil) != test.ok {
			t.Errorf("NewSession(%+v) = %v, want ok %v", test, err, test.ok)
		}
		if err != nil {
			continue
		}
		raw, cert, id := s.Hello()
		v, err := hello.Verify(raw, cert)
		if err != nil {
			t.Fatalf("Hello of %+v: %v", test, err)
		}
		h := v.Hello()
		if v.Hash() != id || h.Session != c.Session || h.Binding != c.Binding || h.Fingerprint != c.Identity.Fingerprint() ||
			h.Passphrase != (c.Passphrase != "") {
			t.Errorf("NewSession(%+v).Hello() = %+v, %x", test, h, id)
		}
	}
}

// TestSessionsDiffer checks that no two sessions share a key or a Hello.
func TestSessionsDiffer(t *testing.T) {
	config := Config{Identity: person.Identity(t, 1), Session: "session1", Name: "ann"}
	a, err := NewSession(config)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewSession(config)
	if err != nil {
		t.Fatal(err)
	}
	if a.hash == b.hash || bytes.Equal(a.own.base.bytes(), b.own.base.bytes()) {
		t.Error("two sessions have a key in common")
	}
	va, vb := verified(t, a), verified(t, b)
	if ha, hb := va.Hello(), vb.Hello(); ha.X == hb.X || ha.KEM == hb.KEM {
		t.Error("two sessions have one public key")
	}
	if k := a.own.base.bytes(); len(k) != baseLen || bytes.Count(k, []byte{0}) > 8 {
		t.Errorf("base key %x is not random", k)
	}
	raw, cert, _ := a.Hello()
	clear(raw)
	clear(cert)
	if again, cert2, _ := a.Hello(); bytes.Equal(raw, again) || bytes.Equal(cert, cert2) {
		t.Error("Hello gives away the session's own bytes")
	}
}

// TestFixed checks that the sessions of the tests are what NewSession makes.
func TestFixed(t *testing.T) {
	for _, passphrase := range []string{"", phrase} {
		a, b := started(t, 1, passphrase), started(t, 1, passphrase)
		if a == b || a.hash != b.hash || !bytes.Equal(a.own.base.bytes(), b.own.base.bytes()) {
			t.Error("a fixed session is not the same each time")
		}
		made, err := NewSession(Config{Identity: person.Identity(t, 1), Session: "session1", Passphrase: passphrase})
		if err != nil {
			t.Fatal(err)
		}
		if err := made.Start(7); err != nil {
			t.Fatal(err)
		}
		connect(t, made, a)
		connect(t, started(t, 2, passphrase), made)
	}
}

func TestStart(t *testing.T) {
	s, other := unstarted(t, 1, "session1", ""), verified(t, fixed(t, 2))
	if _, err := s.Seal(nil, sframe.StreamVoice, 0, nil); !errors.Is(err, errNoKeys) {
		t.Errorf("Seal before Start: %v", err)
	}
	if err := s.Meet(epoch, 2, other); !errors.Is(err, errNoKeys) {
		t.Errorf("Meet before Start: %v", err)
	}
	if _, err := s.Welcome(epoch, 2, other); !errors.Is(err, errNoKeys) {
		t.Errorf("Welcome before Start: %v", err)
	}
	if _, err := s.Handle(epoch, make([]byte, 200)); !errors.Is(err, errNoKeys) {
		t.Errorf("Handle before Start: %v", err)
	}
	if out, next := s.Due(epoch); len(out.Pair)+len(out.Events) > 0 || !next.IsZero() {
		t.Errorf("Due before Start: %+v, %v", out, next)
	}
	if err := s.Start(sframe.MaxSlot + 1); !errors.Is(err, errNoKeys) {
		t.Errorf("Start with a slot out of range: %v", err)
	}
	if _, err := s.Seal(nil, sframe.StreamVoice, 0, nil); !errors.Is(err, errNoKeys) {
		t.Errorf("Seal after Start with a slot out of range: %v", err)
	}
	for i, slot := range []uint16{sframe.MaxSlot, 5} { // the second call does not count
		if err := s.Start(slot); (err == nil) != (i == 0) {
			t.Errorf("Start(%d), call %d: %v", slot, i, err)
		}
		b, err := s.Seal(nil, sframe.StreamVoice, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		kid, _, _, err := sframe.ParseHeader(b[1:])
		if want := sframe.NewKID(sframe.MaxSlot, sframe.StreamVoice, 0, 0); err != nil || kid != want {
			t.Errorf("after Start(%d) packets have KID %x, %v, want %x", slot, kid, err, want)
		}
	}
	if b, err := s.Seal([]byte("x"), sframe.Streams, 0, nil); err == nil || string(b) != "x" {
		t.Errorf("Seal of a stream that does not exist = %q, %v", b, err)
	}
}

func TestPeers(t *testing.T) {
	a, b, c := fixed(t, 1), fixed(t, 9), fixed(t, 5)
	who := func(s *Session, confirmed bool) Peer {
		v := verified(t, s)
		p := Peer{ID: s.hash, Fingerprint: v.Hello().Fingerprint, Slot: s.slot, Confirmed: confirmed}
		if confirmed {
			p.Name = s.name
		}
		return p
	}
	check := func(when string, s *Session, want ...Peer) {
		t.Helper()
		got := s.Peers()
		if len(got) != len(want) {
			t.Fatalf("%s: Peers() = %+v, want %+v", when, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: Peers()[%d] = %+v, want %+v", when, i, got[i], want[i])
			}
		}
	}
	event := func(when string, out Out, want Peer) {
		t.Helper()
		if len(out.Events) != 1 || out.Events[0] != (Event{Confirmed, want}) {
			t.Errorf("%s: %+v, want %+v", when, out.Events, want)
		}
	}
	m1 := meet(t, a, b)
	check("b was welcomed", a, who(b, false))
	check("b has met a", b)
	out := take(t, b, m1)
	event("M1", out, who(a, true))
	check("b has answered", b, who(a, true))
	event("M2", take(t, a, out.Pair[0]), who(b, true))
	check("b is confirmed", a, who(b, true))
	connect(t, a, c)
	check("by slot", a, who(c, true), who(b, true))
	if !a.Forget(epoch, b.hash) || a.Forget(epoch, b.hash) || a.Forget(epoch, hello.Hash{}) {
		t.Error("Forget reports the wrong thing")
	}
	check("b is forgotten", a, who(c, true))
}

// TestPeersPassphrase checks when each side lists the other in a session with a
// passphrase: from the message on that holds its key.
func TestPeersPassphrase(t *testing.T) {
	a, b := started(t, 1, phrase), started(t, 9, phrase)
	count := func(s *Session) (listed, confirmed int) {
		for _, p := range s.Peers() {
			listed++
			if p.Confirmed {
				confirmed++
			}
		}
		return listed, confirmed
	}
	check := func(when string, want ...int) {
		t.Helper()
		la, ca := count(a)
		lb, cb := count(b)
		for i, got := range []int{la, ca, lb, cb} {
			if got != want[i] {
				t.Errorf("%s: a lists %d (%d confirmed), b lists %d (%d confirmed), want %v", when, la, ca, lb, cb, want)
				return
			}
		}
	}
	m1 := meet(t, a, b)
	check("M1", 0, 0, 0, 0)
	m2 := take(t, b, m1).Pair[0]
	check("M2", 0, 0, 1, 0)
	m3 := take(t, a, m2).Pair[0]
	check("M3", 1, 1, 1, 0)
	take(t, b, m3)
	check("after M3", 1, 1, 1, 1)
	checkHears(t, a, b)
	checkHears(t, b, a)
}
