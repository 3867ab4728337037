package cipher

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// fixed returns the session of member i of "session1", in slot i. Its keys are
// the same in every process, as the workers of a fuzz test must agree on them.
func fixed(tb testing.TB, i int) *Session {
	tb.Helper()
	s := unstarted(tb, i, "session1")
	s.Start(uint16(i))
	return s
}

// unstarted is fixed for a session of any name, without a slot.
func unstarted(tb testing.TB, i int, session string) *Session {
	tb.Helper()
	seed := seedOf(i)
	base := sha512.Sum512(binary.BigEndian.AppendUint32([]byte("base"), uint32(i)))
	x, err := ecdh.X25519().NewPrivateKey(seed[:32])
	if err != nil {
		tb.Fatal(err)
	}
	c := Config{Binding: [32]byte(seed[32:]), Session: session, Name: fmt.Sprintf("member %d", i)}
	s, err := newSession(c, x, base[:])
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// seedOf returns the X25519 key and the binding of member i.
func seedOf(i int) [64]byte {
	return sha512.Sum512(binary.BigEndian.AppendUint32([]byte("x"), uint32(i)))
}

// helloOf returns the Hello of s.
func helloOf(s *Session) []byte {
	h, _ := s.Hello()
	return h
}

// meet makes b, who joins, meet a, and returns M1.
func meet(tb testing.TB, a, b *Session) (m1 []byte) {
	tb.Helper()
	if _, err := b.Meet(a.slot, helloOf(a)); err != nil {
		tb.Fatal(err)
	}
	m1, err := a.Welcome(b.slot, helloOf(b))
	if err != nil {
		tb.Fatal(err)
	}
	return m1
}

// connect runs the whole handshake between a, who was there, and b.
func connect(tb testing.TB, a, b *Session) (m1, m2 []byte) {
	tb.Helper()
	m1 = meet(tb, a, b)
	m2, _, err := b.Handle(m1)
	if err != nil {
		tb.Fatal(err)
	}
	if answer, _, err := a.Handle(m2); err != nil || answer != nil {
		tb.Fatalf("Handle(M2) = %x, %v, want no answer and no error", answer, err)
	}
	return m1, m2
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

func TestNewSession(t *testing.T) {
	tests := []struct {
		config Config
		ok     bool
	}{
		{Config{Session: "session1", Name: "ann"}, true},
		{Config{Session: "s", Name: ""}, true},
		{Config{Session: strings.Repeat("s", 64), Name: strings.Repeat("n", 32)}, true},
		{Config{Session: "", Name: "ann"}, false},
		{Config{Session: "a b", Name: "ann"}, false},
		{Config{Session: strings.Repeat("s", 65), Name: "ann"}, false},
		{Config{Session: "session1", Name: strings.Repeat("n", 33)}, false},
	}
	for _, test := range tests {
		s, err := NewSession(test.config)
		if (err == nil) != test.ok {
			t.Errorf("NewSession(%+v) = %v, want ok %v", test.config, err, test.ok)
		}
		if err != nil {
			continue
		}
		raw, id := s.Hello()
		h, err := hello.Parse(raw)
		if err != nil || h.Session != test.config.Session || h.Binding != test.config.Binding || hello.Sum(raw) != id {
			t.Errorf("NewSession(%+v).Hello() = %+v, %x, %v", test.config, h, id, err)
		}
	}
}

// TestSessionsDiffer checks that no two sessions share a key or a Hello.
func TestSessionsDiffer(t *testing.T) {
	config := Config{Session: "session1", Name: "ann"}
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
	ha, errA := hello.Parse(a.hello)
	hb, errB := hello.Parse(b.hello)
	if errA != nil || errB != nil || ha.X == hb.X {
		t.Errorf("two sessions have one X25519 key: %v, %v", errA, errB)
	}
	if k := a.own.base.bytes(); len(k) != baseLen || bytes.Count(k, []byte{0}) > 8 {
		t.Errorf("base key %x is not random", k)
	}
	raw, _ := a.Hello()
	clear(raw)
	if bytes.Equal(raw, helloOf(a)) {
		t.Error("Hello gives away the session's own bytes")
	}
}

func TestStart(t *testing.T) {
	s := unstarted(t, 1, "session1")
	if _, err := s.Seal(nil, sframe.StreamVoice, 0, nil); !errors.Is(err, errNoKeys) {
		t.Errorf("Seal before Start: %v", err)
	}
	if _, err := s.Meet(2, helloOf(fixed(t, 2))); !errors.Is(err, errNoKeys) {
		t.Errorf("Meet before Start: %v", err)
	}
	if _, _, err := s.Handle(make([]byte, 200)); !errors.Is(err, errNoKeys) {
		t.Errorf("Handle before Start: %v", err)
	}
	s.Start(sframe.MaxSlot + 1)
	if _, err := s.Seal(nil, sframe.StreamVoice, 0, nil); !errors.Is(err, errNoKeys) {
		t.Errorf("Seal after Start with a slot out of range: %v", err)
	}
	for _, slot := range []uint16{sframe.MaxSlot, 5} { // the second call does not count
		s.Start(slot)
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

func TestRefusedMembers(t *testing.T) {
	s := fixed(t, 1)
	known := fixed(t, 2)
	if _, err := s.Meet(2, helloOf(known)); err != nil {
		t.Fatal(err)
	}
	left := fixed(t, 3)
	if _, err := s.Welcome(3, helloOf(left)); err != nil {
		t.Fatal(err)
	}
	if !s.Forget(left.hash) {
		t.Fatal("Forget of a member = false")
	}
	fresh := helloOf(fixed(t, 4))
	lowOrder := bytes.Clone(fresh)
	clear(lowOrder[39:71])
	tests := []struct {
		name  string
		slot  uint16
		hello []byte
		want  error
	}{
		{"empty", 4, nil, hello.ErrMalformed},
		{"cut", 4, fresh[:len(fresh)-1], hello.ErrMalformed},
		{"version", 4, append([]byte("S2C\x02"), fresh[4:]...), hello.ErrVersion},
		{"other session", 4, helloOf(unstarted(t, 4, "session2")), errSession},
		{"mine", 4, helloOf(s), errOwnHello},
		{"known", 4, helloOf(known), errKnown},
		{"left", 4, helloOf(left), errSpent},
		{"slot of another", 2, fresh, errSlotTaken},
		{"my slot", 1, fresh, errSlotTaken},
		{"slot out of range", sframe.MaxSlot + 1, fresh, errSlotRange},
		{"zero result", 4, lowOrder, nil},
	}
	for _, test := range tests {
		_, errMeet := s.Meet(test.slot, test.hello)
		m1, errWelcome := s.Welcome(test.slot, test.hello)
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
	if _, err := s.Welcome(3, fresh); err != nil {
		t.Errorf("slot of a member who has left: %v", err)
	}
}

func TestTooManyGone(t *testing.T) {
	s, peer := fixed(t, 1), fixed(t, 2)
	for i := range maxGone {
		s.gone[hello.Hash{0: byte(i), 1: byte(i >> 8), 2: 1}] = struct{}{}
	}
	if _, err := s.Meet(2, helloOf(peer)); !errors.Is(err, errTooMany) {
		t.Errorf("Meet after %d members have left: %v", maxGone, err)
	}
}

func TestPeers(t *testing.T) {
	a, b, c := fixed(t, 1), fixed(t, 9), fixed(t, 5)
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
	m1 := meet(t, a, b)
	check("b was welcomed", a, Peer{ID: b.hash, Slot: 9})
	check("b has met a", b)
	m2, p, err := b.Handle(m1)
	if want := (Peer{ID: a.hash, Slot: 1, Name: "member 1", Confirmed: true}); err != nil || p != want {
		t.Errorf("Handle(M1) = %+v, %v, want %+v", p, err, want)
	}
	check("b has answered", b, p)
	_, p, err = a.Handle(m2)
	if want := (Peer{ID: b.hash, Slot: 9, Name: "member 9", Confirmed: true}); err != nil || p != want {
		t.Errorf("Handle(M2) = %+v, %v, want %+v", p, err, want)
	}
	check("b is confirmed", a, p)
	connect(t, a, c)
	check("by slot", a, Peer{ID: c.hash, Slot: 5, Name: "member 5", Confirmed: true}, p)
	if !a.Forget(b.hash) || a.Forget(b.hash) || a.Forget(hello.Hash{}) {
		t.Error("Forget reports the wrong thing")
	}
	check("b is forgotten", a, Peer{ID: c.hash, Slot: 5, Name: "member 5", Confirmed: true})
}

func TestClose(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	checkHears(t, b, a)
	checkHears(t, a, b)
	packet := mustSeal(t, b, "late")
	p, o := a.peers[b.hash], a.openers[2]
	base, theirs, send, recv := a.own.base.bytes(), o.base.bytes(), p.send.key.bytes(), p.recv.key.bytes()
	a.Close()
	a.Close()
	for i, k := range [][]byte{base, theirs, send, recv} {
		if len(k) == 0 || !bytes.Equal(k, make([]byte, len(k))) {
			t.Errorf("after Close key %d is %x", i, k)
		}
	}
	a.Start(1)
	if _, err := a.Seal(nil, sframe.StreamVoice, 0, nil); !errors.Is(err, errNoKeys) {
		t.Errorf("Seal after Close: %v", err)
	}
	if _, _, err := a.Open(nil, packet); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("Open after Close: %v", err)
	}
	if _, err := a.Welcome(3, helloOf(fixed(t, 3))); !errors.Is(err, errNoKeys) {
		t.Errorf("Welcome after Close: %v", err)
	}
	if len(a.Peers()) != 0 || len(a.openers) != 0 || a.Forget(b.hash) {
		t.Error("members are left after Close")
	}
}

func TestForget(t *testing.T) {
	a, b, c := fixed(t, 1), fixed(t, 2), fixed(t, 3)
	m1, _ := connect(t, b, a)
	connect(t, a, c)
	old := mustSeal(t, b, "recorded")
	if _, _, err := a.Open(nil, old); err != nil {
		t.Fatal(err)
	}
	p, o := a.peers[b.hash], a.openers[2]
	keys := [][]byte{o.base.bytes(), p.send.key.bytes(), p.recv.key.bytes()}
	a.Forget(b.hash)
	for i, k := range keys {
		if len(k) == 0 || !bytes.Equal(k, make([]byte, len(k))) {
			t.Errorf("after Forget key %d is %x", i, k)
		}
	}
	for _, packet := range [][]byte{old, mustSeal(t, b, "still here")} {
		if _, _, err := a.Open(nil, packet); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("Open of an ex-member's packet: %v, want %v", err, ErrUnknownKey)
		}
	}
	// Open may have looked the member up just before.
	if _, err := o.open(nil, old, sframe.NewKID(2, sframe.StreamVoice, 0, 0), 0, 4); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("open after Forget, looked up before: %v, want %v", err, ErrUnknownKey)
	}
	if a.openers[2] != nil || o.streams != [sframe.Streams]*received{} {
		t.Error("Forget leaves keys of the member's streams")
	}
	if _, _, err := a.Handle(m1); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("Handle of an ex-member's message: %v, want %v", err, ErrUnknownKey)
	}
	// A hub that lists the ex-member anew could play back the whole call.
	if _, err := a.Meet(2, helloOf(b)); !errors.Is(err, errSpent) {
		t.Errorf("Meet of an ex-member: %v, want %v", err, errSpent)
	}
	checkHears(t, a, c)
	// Somebody else in the same slot is heard, the ex-member is not.
	d := unstarted(t, 4, "session1")
	d.Start(2)
	connect(t, a, d)
	if _, _, err := a.Open(nil, mustSeal(t, b, "a ghost")); !errors.Is(err, ErrAuth) {
		t.Errorf("Open of an ex-member's packet, slot in use: %v, want %v", err, ErrAuth)
	}
	checkHears(t, a, d)
}
