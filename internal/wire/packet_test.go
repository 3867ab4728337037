package wire

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// TestSizes holds the constants of three packages against each other.
func TestSizes(t *testing.T) {
	if got := MaxPlain + cipher.Overhead; got != MaxDatagram {
		t.Errorf("MaxPlain + cipher.Overhead = %d, want MaxDatagram = %d", got, MaxDatagram)
	}
	s, join := session(t, sframe.MaxSlot)
	part := Part{Parts: 1, Data: make([]byte, MaxPart)}
	plain := part.Append(nil)
	if len(plain) != MaxPlain {
		t.Errorf("the largest Part takes %d bytes, want MaxPlain = %d", len(plain), MaxPlain)
	}
	b, err := s.Seal(nil, sframe.StreamVideo, byte(NewClear(KindKey, 7)), plain)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePacket(b)
	if want := (Packet{NewClear(KindKey, 7), sframe.NewKID(sframe.MaxSlot, sframe.StreamVideo, 0, 0), 0, 5}); err != nil || p != want {
		t.Errorf("ParsePacket of the largest packet, %d bytes = %+v, %v, want %+v", len(b), p, err, want)
	}
	chat := Chat{Text: strings.Repeat("x", MaxChat)}
	b, err = s.Seal(nil, sframe.StreamChat, byte(NewClear(KindControl, 0)), chat.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := ParseMessage((Sealed{Packet: b}).Append(nil)); err != nil || !bytes.Equal(m.(Sealed).Packet, b) {
		t.Errorf("the longest line, sealed in %d bytes: %v, %v", len(b), m, err)
	}
	if p, err := ParsePacket(b); err != nil || p.KID.Slot() != sframe.MaxSlot || p.KID.Stream() != sframe.StreamChat {
		t.Errorf("ParsePacket of the longest line, sealed = %+v, %v", p, err)
	}
	// The longest messages that carry a Hello and a Cert.
	if want := 4 + 2 + 1 + 32 + 32 + 32 + 1216 + 1 + len("session1"); len(join.Hello) != want {
		t.Errorf("a Hello has %d bytes, want %d", len(join.Hello), want)
	}
	longest, cert := make([]byte, hello.MaxLen), make([]byte, hello.MaxCert)
	for _, m := range []Message{Join{Hello: longest, Cert: cert, Door: make([]byte, 32)}, Peer{Hello: longest, Cert: cert}} {
		if b := m.Append(nil); len(b) > MaxMessage {
			t.Errorf("the longest %T has %d bytes, more than %d", m, len(b), MaxMessage)
		} else if got, err := ParseMessage(b); err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("ParseMessage of the longest %T: %v", m, err)
		}
	}
}

func TestClear(t *testing.T) {
	seen := make(map[Clear]bool)
	for k := range kinds {
		for layer := range uint8(8) {
			c := NewClear(k, layer)
			if c.Kind() != k || c.Layer() != layer || c>>6 != 0 || seen[c] {
				t.Errorf("NewClear(%d, %d) = %#x, which is kind %d, layer %d", k, layer, c, c.Kind(), c.Layer())
			}
			seen[c] = true
		}
	}
	for _, test := range []struct {
		kind  Kind
		layer uint8
		want  Clear
	}{{KindControl, 0, 0x00}, {KindVoice, 0, 0x08}, {KindVideo, 2, 0x12}, {KindKey, 7, 0x1f}} {
		if got := NewClear(test.kind, test.layer); got != test.want {
			t.Errorf("NewClear(%d, %d) = %#x, want %#x", test.kind, test.layer, got, test.want)
		}
	}
}

// packet returns a clear byte, a header and n bytes.
func packet(clear byte, kid, ctr uint64, n int) []byte {
	return append(sframe.AppendHeader([]byte{clear}, kid, ctr), make([]byte, n)...)
}

func TestParsePacket(t *testing.T) {
	tests := []struct {
		name string
		b    []byte
		want Packet // the zero Packet if it is refused
	}{
		{"control of slot 0", packet(0, 7, 3, 20), Packet{0, 7, 3, 2}},
		{"voice", packet(0x08, 0x1100, 70000, 20), Packet{0x08, 0x1100, 70000, 7}},
		{"the largest KID and CTR", packet(0x1f, 1<<24-1, 1<<64-1, 20), Packet{0x1f, 1<<24 - 1, 1<<64 - 1, 13}},
		{"header alone", packet(0x08, 0x1100, 1, 0), Packet{0x08, 0x1100, 1, 4}},
		{"the longest packet", packet(0x10, 7, 3, MaxDatagram-2), Packet{0x10, 7, 3, 2}},
		{"too long", packet(0x10, 7, 3, MaxDatagram-1), Packet{}},
		{"empty", nil, Packet{}},
		{"clear byte alone", []byte{0x08}, Packet{}},
		{"version 1", packet(0x48, 7, 3, 20), Packet{}},
		{"version 2", packet(0x88, 7, 3, 20), Packet{}},
		{"kind 4", packet(0x20, 7, 3, 20), Packet{}},
		{"kind 7", packet(0x38, 7, 3, 20), Packet{}},
		{"KID of 25 bits", packet(0x08, 1<<24, 3, 20), Packet{}},
		{"header cut short", packet(0x08, 0x1100, 70000, 0)[:6], Packet{}},
		{"counter that is not the shortest", []byte{0x08, 0x08, 0x07, 0, 0}, Packet{}},
	}
	for _, test := range tests {
		got, err := ParsePacket(test.b)
		if test.want == (Packet{}) {
			if !errors.Is(err, ErrMalformed) || got != (Packet{}) {
				t.Errorf("%s: ParsePacket = %+v, %v, want %v", test.name, got, err, ErrMalformed)
			}
		} else if err != nil || got != test.want {
			t.Errorf("%s: ParsePacket = %+v, %v, want %+v", test.name, got, err, test.want)
		}
	}
}

// FuzzPacket checks that the clear part of what is accepted is encoded the same
// way again.
func FuzzPacket(f *testing.F) {
	f.Add(packet(0x08, 0x1100, 70000, 20))
	f.Add(packet(0x1f, 1<<24-1, 1<<64-1, 0))
	f.Add(packet(0x48, 7, 3, 20))
	f.Add([]byte{0x08, 0x08, 0x07, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePacket(b)
		if err != nil {
			return
		}
		head := sframe.AppendHeader([]byte{byte(NewClear(p.Clear.Kind(), p.Clear.Layer()))}, uint64(p.KID), p.CTR)
		if len(head) != p.Header || !bytes.HasPrefix(b, head) || p.KID.Slot() > sframe.MaxSlot {
			t.Errorf("ParsePacket(%x) = %+v, which is encoded as %x", b, p, head)
		}
	})
}
