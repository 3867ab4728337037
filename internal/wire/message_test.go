package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/lab/person"
)

// count returns the n bytes from, from + 1, and so on.
func count(from byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = from + byte(i)
	}
	return b
}

// messages has each message, with the bytes that are part of the protocol.
var messages = []struct {
	m    Message
	hex  string
	open bool // takes whatever follows, so that a shorter one is good too
}{
	{Join{Hello: []byte{1, 2}, Cert: []byte{3}, Door: []byte{}, Caps: 0x01020304}, "01" + "00020102" + "000103" + "0000" + "01020304", false},
	{Join{Hello: []byte{}, Cert: []byte{}, Door: []byte{9, 8, 7}}, "01" + "0000" + "0000" + "0003090807" + "00000000", false},
	{Forward{Pair: []byte{5, 6}}, "02" + "0506", true},
	{Leave{}, "03", false},
	{Joined{Slot: 0x0102, Token: [32]byte(count(0, 32)), Peers: 0xfffe}, "81" + "0102" + hex.EncodeToString(count(0, 32)) + "fffe", false},
	{Peer{Slot: 7, Hello: []byte{1}, Cert: []byte{}}, "82" + "0007" + "000101" + "0000", false},
	{Peer{Slot: 4095, Hello: []byte{}, Cert: []byte{2, 3}}, "82" + "0fff" + "0000" + "00020203", false},
	{Gone{Slot: 1, Hash: hello.Hash(count(0x80, 32))}, "83" + "0001" + hex.EncodeToString(count(0x80, 32)), false},
	{From{Pair: []byte{}}, "84", true},
	{From{Pair: []byte("pair")}, "84" + "70616972", true},
	{Sealed{Packet: []byte{}}, "40", true},
	{Sealed{Packet: []byte{0x00, 0x90, 0x14, 0x00, 0x07, 0xaa}}, "40" + "0090140007aa", true},
	{Sealed{Packet: count(0, MaxDatagram)}, "40" + hex.EncodeToString(count(0, MaxDatagram)), true},
	{Watch{}, "0500", false},
	{
		Watch{Views: []View{{Slot: 0x0102, Size: Size{Width: 0x0304, Height: 0x0506, FPS: 7, Colour: true, Tall: true}}, {Slot: 4095}}},
		"0502" + "0102" + "0304" + "0506" + "07" + "05" + "0fff" + "0000" + "0000" + "00" + "00", false,
	},
	{Layers{}, "8600", false},
	{
		Layers{Layers: []Layer{{Size{Width: 160, Height: 96, FPS: 15, Colour: true}, true}, {Size{Width: 80, Height: 48}, true}, {Size: Size{}}}},
		"8603" + "00a0" + "0060" + "0f" + "03" + "0050" + "0030" + "00" + "02" + "0000" + "0000" + "00" + "00", false,
	},
	{Resume{Token: [32]byte(count(7, 32)), Received: 0x0102030405060708}, "04" + hex.EncodeToString(count(7, 32)) + "0102030405060708", false},
	{Resumed{Received: 1}, "87" + "0000000000000001", false},
	{Ack{Received: 1<<64 - 1}, "41" + "ffffffffffffffff", false},
	{Away{Slot: 0x0102, Hash: hello.Hash(count(0x40, 32)), Away: true}, "88" + "0102" + hex.EncodeToString(count(0x40, 32)) + "01", false},
	{Away{Slot: 4095, Hash: hello.Hash(count(0x41, 32))}, "88" + "0fff" + hex.EncodeToString(count(0x41, 32)) + "00", false},
	{Join{Hello: []byte{1}, Cert: []byte{2}, Door: []byte{}, Caps: CapResume}, "01" + "000101" + "000102" + "0000" + "00000001", false},
	{Error{Code: CodeDenied, Text: ""}, "8507", true},
	{Error{Code: 255, Text: "bye\x1b\xff"}, "85ff" + "6279651bff", true},
}

func TestMessages(t *testing.T) {
	for _, test := range messages {
		b := test.m.Append([]byte("x"))[1:]
		if got := hex.EncodeToString(b); got != test.hex {
			t.Errorf("%+v is encoded as %s, want %s", test.m, got, test.hex)
		}
		got, err := ParseMessage(b)
		if err != nil || !reflect.DeepEqual(got, test.m) {
			t.Errorf("ParseMessage(%x) = %#v, %v, want %#v", b, got, err, test.m)
		}
		least := len(b) // how many bytes it takes at least
		if test.open {
			least = 1
			if _, ok := test.m.(Error); ok {
				least = 2
			}
		} else if _, err := ParseMessage(append(bytes.Clone(b), 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%T with a trailing byte: %v", test.m, err)
		}
		for cut := range least {
			if got, err := ParseMessage(b[:cut]); !errors.Is(err, ErrMalformed) || got != nil {
				t.Errorf("ParseMessage(%x) = %+v, %v, want %v", b[:cut], got, err, ErrMalformed)
			}
		}
	}
}

func TestMessageRefused(t *testing.T) {
	tests := []struct {
		name string
		b    []byte
	}{
		{"empty", nil},
		{"type 0", []byte{0}},
		{"type 6", []byte{6}},
		{"type 80", []byte{0x80}},
		{"type 89", []byte{0x89}},
		{"away and something else", append(append([]byte{typeAway}, make([]byte, 34)...), 2)},
		{"65 views", append([]byte{typeWatch, MaxViews + 1}, make([]byte, (MaxViews+1)*8)...)},
		{"a view wide and not high", []byte{typeWatch, 1, 0, 0, 0, 9, 0, 0, 0, 0}},
		{"a view that is fresh", []byte{typeWatch, 1, 0, 0, 0, 9, 0, 9, 0, flagFresh}},
		{"4 layers", append([]byte{typeLayers, MaxLayers + 1}, make([]byte, (MaxLayers+1)*6)...)},
		{"a layer with flags 8", []byte{typeLayers, 1, 0, 9, 0, 9, 0, 8}},
		{"vector longer than the message", []byte{typePeer, 0, 1, 0xff, 0xff, 1}},
		{"second vector longer than the message", []byte{typePeer, 0, 1, 0, 1, 1, 0, 2, 1}},
		{"type 3f", []byte{0x3f}},
		{"type 42", []byte{0x42}},
		{"packet larger than a datagram", append([]byte{typeSealed}, make([]byte, MaxDatagram+1)...)},
		{"text of 201 bytes", append([]byte{typeError, 1}, strings.Repeat("x", 201)...)},
		{"4,097 bytes", append([]byte{typeForward}, make([]byte, MaxMessage)...)},
	}
	for _, test := range tests {
		if m, err := ParseMessage(test.b); !errors.Is(err, ErrMalformed) || m != nil {
			t.Errorf("%s: %+v, %v, want %v", test.name, m, err, ErrMalformed)
		}
	}
	if _, err := ParseMessage(append([]byte{typeForward}, make([]byte, MaxMessage-1)...)); err != nil {
		t.Errorf("a message of MaxMessage bytes: %v", err)
	}
	long := Error{Code: CodeSlow, Text: strings.Repeat("x", 300)}
	if got := len(long.Append(nil)); got != 2+maxText {
		t.Errorf("an Error with 300 bytes of text takes %d, want %d", got, 2+maxText)
	}
}

// TestAliasing checks that a part of a message cannot grow over the next one.
func TestAliasing(t *testing.T) {
	b := Peer{Slot: 1, Hello: []byte("hello"), Cert: []byte("cert")}.Append(nil)
	m, err := ParseMessage(b)
	if err != nil {
		t.Fatal(err)
	}
	p := m.(Peer)
	if _ = append(p.Hello, "overwritten"...); string(p.Cert) != "cert" {
		t.Errorf("appending to Hello made Cert %q", p.Cert)
	}
}

// TestPair holds against package cipher what a hub reads of a pair message.
func TestPair(t *testing.T) {
	a, join := session(t, 1)
	_, joinB := session(t, 2)
	v, err := hello.Verify(joinB.Hello, joinB.Cert)
	if err != nil {
		t.Fatal(err)
	}
	m1, err := a.Welcome(time.Now(), 2, v)
	if err != nil {
		t.Fatal(err)
	}
	idA, idB := hello.Sum(join.Hello), v.Hash()
	from, to, err := ParsePair(m1)
	if err != nil || from != idA || to != idB {
		t.Errorf("ParsePair(%x) = %x, %x, %v, want %x, %x", m1, from, to, err, idA, idB)
	}
	for cut := range PairHead {
		if _, _, err := ParsePair(m1[:cut]); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParsePair of %d bytes: %v, want %v", cut, err, ErrMalformed)
		}
	}
	if _, _, err := ParsePair(m1[:PairHead]); err != nil {
		t.Errorf("ParsePair of the head alone: %v", err)
	}
	for _, m := range []Message{Forward{m1}, From{m1}} {
		if n := len(m.Append(nil)); n > MaxMessage {
			t.Errorf("%T takes %d bytes, more than %d", m, n, MaxMessage)
		}
	}
}

// session returns a session of package cipher that has started in a slot, and
// what it joins with.
func session(t *testing.T, slot uint16) (*cipher.Session, Join) {
	t.Helper()
	s, err := cipher.NewSession(cipher.Config{Identity: person.Identity(t, int(slot)), Session: "session1", Name: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(slot); err != nil {
		t.Fatal(err)
	}
	raw, cert, _ := s.Hello()
	return s, Join{Hello: raw, Cert: cert}
}

// FuzzMessage checks that what is accepted is encoded the same way again.
func FuzzMessage(f *testing.F) {
	for _, test := range messages {
		f.Add(test.m.Append(nil))
	}
	f.Add([]byte{typePeer, 0, 1, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMessage(b)
		if err != nil {
			if m != nil {
				t.Errorf("ParseMessage(%x) = %+v beside %v", b, m, err)
			}
			return
		}
		if got := m.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("ParseMessage(%x) = %+v, which is encoded as %x", b, m, got)
		}
	})
}
