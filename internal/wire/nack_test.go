package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// nacks has Nacks, with the bytes that are part of the protocol.
var nacks = []struct {
	n     Nack
	count int
	hex   string
}{
	{Nack{KID: sframe.NewKID(0x123, sframe.StreamVideo, 4, 5), First: 0x0102, Bits: 1}, 1, "40" + "123245" + "0000000000000102" + "0000000000000001"},
	{Nack{KID: sframe.NewKID(4095, sframe.StreamVideo, 15, 15), First: math.MaxUint64 - 64, Bits: math.MaxUint64}, 64, "40" + "fff2ff" + "ffffffffffffffbf" + "ffffffffffffffff"},
	{Nack{KID: sframe.NewKID(0, sframe.StreamVideo, 0, 0), Bits: 0x8001}, 2, "40" + "000200" + "0000000000000000" + "0000000000008001"},
}

func TestNack(t *testing.T) {
	for _, test := range nacks {
		b := test.n.Append([]byte("x"))[1:]
		if got := hex.EncodeToString(b); got != test.hex {
			t.Errorf("%+v is encoded as %s, want %s", test.n, got, test.hex)
		}
		if got, err := ParseNack(b); err != nil || got != test.n || !IsNack(b) || got.Count() != test.count {
			t.Errorf("ParseNack(%x) = %+v of %d, %v, want %+v of %d", b, got, got.Count(), err, test.n, test.count)
		}
		if _, err := ParsePacket(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParsePacket(%x) = %v, want %v", b, err, ErrMalformed)
		}
		for cut := range b {
			refuseNack(t, b[:cut])
		}
		refuseNack(t, append(bytes.Clone(b), 0))
		for i, bad := range map[int]byte{
			0:  0x41,          // of a later version
			2:  b[2]&0xf0 | 1, // of the voice
			19: b[19] &^ 1,    // not the first
		} {
			x := bytes.Clone(b)
			x[i] = bad
			refuseNack(t, x)
		}
		far := test.n
		far.First = math.MaxUint64 - NackPackets + 1 // the last of 64 would be 2^64
		refuseNack(t, far.Append(nil))
	}
	for _, b := range [][]byte{nil, {0}, {0x08, 0}, {0x80}, {0xff}} {
		if IsNack(b) {
			t.Errorf("IsNack(%x)", b)
		}
	}
}

func refuseNack(t *testing.T, b []byte) {
	t.Helper()
	if got, err := ParseNack(b); !errors.Is(err, ErrMalformed) || got != (Nack{}) {
		t.Errorf("ParseNack(%x) = %+v, %v, want %v", b, got, err, ErrMalformed)
	}
}

// FuzzNack checks that what is accepted is encoded the same way again, and is
// no sealed packet.
func FuzzNack(f *testing.F) {
	for _, test := range nacks {
		f.Add(test.n.Append(nil))
	}
	f.Add([]byte{typeNack})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := ParseNack(b)
		if err != nil {
			return
		}
		if got := n.Append(nil); !bytes.Equal(got, b) || n.Count() < 1 || !IsNack(b) {
			t.Errorf("ParseNack(%x) = %+v, which is encoded as %x", b, n, got)
		}
		if _, err := ParsePacket(b); err == nil {
			t.Errorf("%x is a sealed packet as well", b)
		}
	})
}
