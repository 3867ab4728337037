package cipher

import (
	"bytes"
	"crypto/ecdh"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// hexBytes is written in hexadecimal in JSON.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// TestKnownAnswers compares a handshake and packets with fixed keys to what
// another implementation, written in another language from the description of
// the protocol, made of them.
func TestKnownAnswers(t *testing.T) {
	var want struct {
		HelloI  hexBytes `json:"hello_i"`
		HelloR  hexBytes `json:"hello_r"`
		M1, M2  hexBytes
		Boxes   []hexBytes // from I to R, of messages of type 9, each holding its number
		Packets []struct {
			From          string
			Stream        sframe.Stream
			CTR           uint64
			Clear         byte
			Plain, Packet hexBytes
		}
	}
	b, err := os.ReadFile("testdata/suite0.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	count := func(from, n int) []byte { // from, from + 1, ...
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(from + i)
		}
		return b
	}
	make1 := func(bind byte, name string, slot uint16, x, base []byte) *Session {
		key, err := ecdh.X25519().NewPrivateKey(x)
		if err != nil {
			t.Fatal(err)
		}
		c := Config{Binding: [32]byte(bytes.Repeat([]byte{bind}, 32)), Session: "session1", Name: name}
		s, err := newSession(c, key, base)
		if err != nil {
			t.Fatal(err)
		}
		s.Start(slot)
		return s
	}
	i := make1(0xaa, "ann", 3, count(0, 32), count(0, 64))
	r := make1(0xbb, "bób", 300, count(32, 32), count(64, 64))
	m1, m2 := connect(t, i, r)
	for _, c := range []struct {
		what      string
		got, want []byte
	}{{"Hello of I", helloOf(i), want.HelloI}, {"Hello of R", helloOf(r), want.HelloR}, {"M1", m1, want.M1}, {"M2", m2, want.M2}} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s = %x, want %x", c.what, c.got, c.want)
		}
	}
	if len(want.Packets) == 0 || len(want.Boxes) == 0 {
		t.Error("the file holds no packets or no boxes")
	}
	send := i.peers[r.hash].send // which M1 has moved on
	for n, want := range want.Boxes {
		if got := send.seal(nil, 9, []byte{byte(n)}); !bytes.Equal(got, want) {
			t.Errorf("box %d after M1 = %x, want %x", n, got, want)
		}
	}
	for _, p := range want.Packets {
		from, to := i, r
		if p.From == "r" {
			from, to = r, i
		}
		from.sealers[p.Stream].next = p.CTR
		got, err := from.Seal(nil, p.Stream, p.Clear, p.Plain)
		if err != nil || !bytes.Equal(got, p.Packet) {
			t.Errorf("Seal(%+v) = %x, %v", p, got, err)
		}
		plain, origin, err := to.Open(nil, p.Packet)
		if err != nil || !bytes.Equal(plain, p.Plain) || origin != (Origin{Slot: from.slot, Stream: p.Stream, CTR: p.CTR}) {
			t.Errorf("Open(%+v) = %x, %+v, %v", p, plain, origin, err)
		}
	}
}

// TestAlteredPairMessages flips every bit of M1 and M2, and cuts and extends
// them. All that is refused, and the true message is accepted afterwards, once.
func TestAlteredPairMessages(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	m1 := meet(t, a, b)
	m2 := checkAltered(t, b, m1)
	if checkAltered(t, a, m2) != nil {
		t.Error("M2 was answered")
	}
	checkHears(t, a, b)
	checkHears(t, b, a)
}

// checkAltered gives s every altered form of m, and then m twice.
func checkAltered(t *testing.T, s *Session, m []byte) (answer []byte) {
	t.Helper()
	n := 0
	refuse := func(bad []byte) {
		t.Helper()
		n++
		if answer, _, err := s.Handle(bad); err == nil || answer != nil {
			t.Fatalf("Handle(%x) = %x, %v, want an error", bad, answer, err)
		}
	}
	for bit := range len(m) * 8 {
		bad := bytes.Clone(m)
		bad[bit/8] ^= 1 << (bit % 8)
		refuse(bad)
	}
	for cut := range m {
		refuse(m[:cut])
	}
	refuse(append(bytes.Clone(m), 0))
	for _, typ := range []byte{0, 1, 2, 3, 255} {
		if typ != m[0] {
			refuse(append([]byte{typ}, m[1:]...))
		}
	}
	t.Logf("%d altered forms of message %d refused", n, m[0])
	answer, p, err := s.Handle(m)
	if err != nil || !p.Confirmed {
		t.Fatalf("Handle of the true message = %+v, %v", p, err)
	}
	if _, _, err := s.Handle(m); !errors.Is(err, ErrReplay) {
		t.Errorf("Handle of a repeated message: %v, want %v", err, ErrReplay)
	}
	return answer
}

// TestCrossDelivery gives every pair message to everybody it is not for, and
// back to whoever sent it.
func TestCrossDelivery(t *testing.T) {
	const n = 4
	var s [n]*Session
	for i := range s {
		s[i] = fixed(t, i)
	}
	type message struct {
		to int
		b  []byte
	}
	var first, second []message
	for i := range n {
		for j := i + 1; j < n; j++ {
			first = append(first, message{j, meet(t, s[i], s[j])})
		}
	}
	refused := 0
	scatter := func(list []message) {
		for _, m := range list {
			for k := range s {
				if k == m.to {
					continue
				}
				if _, _, err := s[k].Handle(m.b); !errors.Is(err, ErrMalformed) {
					t.Errorf("message for %d at %d: %v, want %v", m.to, k, err, ErrMalformed)
				}
				refused++
			}
		}
	}
	scatter(first)
	for _, m := range first {
		answer, p, err := s[m.to].Handle(m.b)
		if err != nil {
			t.Fatal(err)
		}
		second = append(second, message{int(p.Slot), answer})
	}
	scatter(first)
	scatter(second)
	for _, m := range second {
		if _, _, err := s[m.to].Handle(m.b); err != nil {
			t.Fatal(err)
		}
	}
	for i := range s {
		for j := range s {
			if i != j {
				checkHears(t, s[i], s[j])
			}
		}
	}
	t.Logf("%d messages refused", refused)
}

// TestReaddressed changes the addresses of a message so that it seems to be
// somebody else's, for somebody else, or my own thrown back at me.
func TestReaddressed(t *testing.T) {
	a, b, c := fixed(t, 1), fixed(t, 2), fixed(t, 3)
	m1 := meet(t, a, b)
	meet(t, a, c)
	meet(t, b, c)
	stranger := fixed(t, 4)
	address := func(typ byte, from, to *Session) []byte {
		m := append([]byte{typ}, from.hash[:]...)
		return append(append(m, to.hash[:]...), m1[pairHead:]...)
	}
	tests := []struct {
		name    string
		at      *Session
		message []byte
		want    error
	}{
		{"other recipient", c, address(1, a, c), ErrAuth},
		{"other sender", b, address(1, c, b), ErrUnknownKey}, // b is the initiator towards c
		{"reflected", a, m1, ErrMalformed},
		{"reflected as the peer's M1", a, address(1, b, a), ErrUnknownKey},
		{"reflected as the peer's M2", a, address(2, b, a), ErrAuth},
		{"from itself to itself", a, address(1, a, a), ErrMalformed},
		{"stranger", b, address(1, stranger, b), ErrUnknownKey},
		{"M2 before M1", b, address(2, a, b), ErrUnknownKey},
		{"unknown type", b, address(3, a, b), ErrMalformed},
		{"short", b, m1[:pairHead-1], ErrMalformed},
		{"no box", b, m1[:pairHead], ErrMalformed},
	}
	if bytes.Compare(a.hash[:], b.hash[:]) > 0 {
		// Then b's M1 would stand, and the reflected one is not authentic.
		tests[3].want = ErrAuth
	}
	if bytes.Compare(b.hash[:], c.hash[:]) > 0 {
		tests[1].want = ErrAuth
	}
	for _, test := range tests {
		answer, _, err := test.at.Handle(test.message)
		if !errors.Is(err, test.want) || answer != nil {
			t.Errorf("%s: %x, %v, want %v", test.name, answer, err, test.want)
		}
	}
	m2, _, err := b.Handle(m1)
	if err != nil {
		t.Fatalf("true message: %v", err)
	}
	if _, _, err := a.Handle(m2); err != nil {
		t.Fatalf("true answer: %v", err)
	}
}

// TestSlotOfBox has the hub tell one slot and the member another.
func TestSlotOfBox(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	if _, err := b.Meet(7, helloOf(a)); err != nil {
		t.Fatal(err)
	}
	m1, err := a.Welcome(8, helloOf(b))
	if err != nil {
		t.Fatal(err)
	}
	if answer, _, err := b.Handle(m1); !errors.Is(err, ErrMalformed) || answer != nil {
		t.Errorf("M1 of slot 1 from a member in slot 7: %x, %v", answer, err)
	}
	if len(b.Peers()) != 0 {
		t.Error("a key was sealed to a member whose slot is wrong")
	}
	c := fixed(t, 2)
	d := fixed(t, 1)
	if _, err := c.Meet(1, helloOf(d)); err != nil {
		t.Fatal(err)
	}
	if m1, err = d.Welcome(9, helloOf(c)); err != nil {
		t.Fatal(err)
	}
	m2, _, err := c.Handle(m1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Handle(m2); !errors.Is(err, ErrMalformed) {
		t.Errorf("M2 of slot 2 from a member in slot 9: %v", err)
	}
	if p := d.Peers(); len(p) != 1 || p[0].Confirmed {
		t.Errorf("Peers() = %+v, want one who is not confirmed", p)
	}
}

// TestGlare has both welcome each other, in every order of delivery.
func TestGlare(t *testing.T) {
	for order := range 2 {
		a, b := fixed(t, 1), fixed(t, 2)
		if bytes.Compare(a.hash[:], b.hash[:]) > 0 {
			a, b = b, a
		}
		ma, err := a.Welcome(b.slot, helloOf(b))
		if err != nil {
			t.Fatal(err)
		}
		mb, err := b.Welcome(a.slot, helloOf(a))
		if err != nil {
			t.Fatal(err)
		}
		loser := func(want error) {
			t.Helper()
			if answer, _, err := a.Handle(mb); !errors.Is(err, want) || answer != nil {
				t.Errorf("M1 of the larger hash: %x, %v, want %v", answer, err, want)
			}
		}
		if order == 0 {
			loser(ErrUnknownKey)
		}
		m2 := checkAltered(t, b, ma)
		if order == 1 {
			loser(ErrUnknownKey)
		}
		if _, p, err := a.Handle(m2); err != nil || !p.Confirmed {
			t.Fatalf("M2 after glare: %+v, %v", p, err)
		}
		loser(ErrReplay)
		if _, _, err := b.Handle(ma); !errors.Is(err, ErrReplay) {
			t.Errorf("M1 again after glare: %v", err)
		}
		checkHears(t, a, b)
		checkHears(t, b, a)
	}
}

// TestSecondKey has a confirmed peer tell another key. This suite has no such
// message, however well it is sealed.
func TestSecondKey(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	for _, typ := range []byte{pairFirst, pairSecond} {
		for _, s := range [][2]*Session{{a, b}, {b, a}} {
			m := s[0].sealKey(s[0].peers[s[1].hash], typ)
			if answer, _, err := s[1].Handle(m); !errors.Is(err, ErrReplay) || answer != nil {
				t.Errorf("second key in message %d from slot %d: %x, %v", typ, s[0].slot, answer, err)
			}
		}
	}
	for _, p := range []*peer{a.peers[b.hash], b.peers[a.hash]} {
		if p.dh.bytes() != nil {
			t.Error("the common secret is kept after the handshake")
		}
	}
	checkHears(t, a, b)
	checkHears(t, b, a)
}

// TestChain checks the order of boxes, and that a chain forgets.
func TestChain(t *testing.T) {
	dh := newSecret(bytes.Repeat([]byte{7}, 32))
	send, other := schedule(dh, [32]byte{1}, [32]byte{2})
	recv, _ := schedule(dh, [32]byte{1}, [32]byte{2})
	var boxes [4][]byte
	for i := range boxes {
		old := send.key.bytes()
		boxes[i] = send.seal(nil, 9, []byte{byte(i)})
		if !bytes.Equal(old, make([]byte, 32)) {
			t.Fatalf("the key of box %d is still there: %x", i, old)
		}
	}
	if _, _, err := other.open(9, boxes[0]); !errors.Is(err, ErrAuth) {
		t.Errorf("box opened by the chain of the other direction: %v", err)
	}
	for i := range boxes {
		for j, b := range boxes {
			var want error
			if j < i {
				want = ErrReplay
			} else if j > i {
				want = ErrAuth
			}
			if _, _, err := recv.open(9, b); !errors.Is(err, want) {
				t.Errorf("box %d when %d is next: %v, want %v", j, i, err, want)
			}
		}
		if _, _, err := recv.open(8, boxes[i]); !errors.Is(err, ErrAuth) {
			t.Errorf("box %d in a message of another type: %v", i, err)
		}
		plain, next, err := recv.open(9, boxes[i])
		if err != nil || !bytes.Equal(plain, []byte{byte(i)}) {
			t.Fatalf("box %d: %x, %v", i, plain, err)
		}
		recv = next
	}
}

func TestKeyState(t *testing.T) {
	base := bytes.Repeat([]byte{0xb5}, baseLen)
	tests := []struct {
		slot      uint16
		gen, step uint32
		name      string
	}{
		{0, 0, 0, ""},
		{4095, 1<<32 - 1, 17, "ann"},
		{65535, 1, 1<<32 - 1, "a name of exactly 32 bytes ......"[:32]},
		{7, 0, 0, "\x1b]0;pwned\x07\xff"}, // whoever shows it cleans it
	}
	for _, test := range tests {
		k := keyState{slot: test.slot, generation: generation{test.gen, test.step, newSecret(base)}, name: test.name}
		b := k.append(nil)
		got, err := parseKeyState(b)
		if err != nil || got.slot != test.slot || got.gen != test.gen || got.step != test.step || got.name != test.name ||
			!bytes.Equal(got.base.bytes(), base) {
			t.Errorf("parseKeyState(%x) = %+v, %v", b, got, err)
		}
		clear(b[11 : 11+baseLen])
		if !bytes.Equal(got.base.bytes(), base) {
			t.Error("a parsed base key aliases the message")
		}
		for cut := range b {
			if _, err := parseKeyState(b[:cut]); err == nil {
				t.Errorf("parseKeyState(%x) accepted %d of %d bytes", b[:cut], cut, len(b))
			}
		}
	}
	good := (&keyState{generation: generation{base: newSecret(base)}, name: "ann"}).append(nil)
	for name, bad := range map[string][]byte{
		"other type":    append([]byte{2}, good[1:]...),
		"trailing byte": append(bytes.Clone(good), 0),
		"long name":     append(append(bytes.Clone(good[:keyStateHead-1]), 33), make([]byte, 33)...),
	} {
		if _, err := parseKeyState(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want %v", name, err, ErrMalformed)
		}
	}
}
