package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// skips has Skips, with the bytes that are part of the protocol.
var skips = []struct {
	s   Skip
	hex string
}{
	{Skip{KID: sframe.NewKID(0x123, sframe.StreamVideo, 4, 5), First: 0x0102, Count: 3}, "41" + "123245" + "0000000000000102" + "0003"},
	{Skip{KID: sframe.NewKID(4095, sframe.StreamVideo, 15, 15), First: math.MaxUint64 - math.MaxUint16, Count: math.MaxUint16}, "41" + "fff2ff" + "ffffffffffff0000" + "ffff"},
	{Skip{KID: sframe.NewKID(0x123, sframe.StreamVoice, 4, 5), First: 7, Count: 1}, "41" + "123145" + "0000000000000007" + "0001"},
}

func TestSkip(t *testing.T) {
	refuse := func(b []byte) {
		t.Helper()
		if got, err := ParseSkip(b); !errors.Is(err, ErrMalformed) || got != (Skip{}) {
			t.Errorf("ParseSkip(%x) = %+v, %v, want %v", b, got, err, ErrMalformed)
		}
	}
	for _, test := range skips {
		b := test.s.Append([]byte("x"))[1:]
		if got := hex.EncodeToString(b); got != test.hex || len(b) != SkipSize {
			t.Errorf("%+v is encoded as %s, want %s", test.s, got, test.hex)
		}
		if got, err := ParseSkip(b); err != nil || got != test.s || !IsSkip(b) {
			t.Errorf("ParseSkip(%x) = %+v, %v, want %+v", b, got, err, test.s)
		}
		if _, err := ParsePacket(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParsePacket(%x) = %v, want %v", b, err, ErrMalformed)
		}
		if _, err := ParseNack(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParseNack(%x) = %v, want %v", b, err, ErrMalformed)
		}
		for cut := range b {
			refuse(b[:cut])
		}
		refuse(append(bytes.Clone(b), 0))
		x := bytes.Clone(b)
		x[2] = b[2]&0xf0 | byte(sframe.StreamControl)
		refuse(x)
		none := test.s
		none.Count = 0
		refuse(none.Append(nil))
		far := test.s
		far.First = math.MaxUint64 - math.MaxUint16 + 1
		refuse(far.Append(nil))
	}
	for _, b := range [][]byte{nil, {0}, {0x40}, {0x08, 0}, {0xff}} {
		if IsSkip(b) {
			t.Errorf("IsSkip(%x)", b)
		}
	}
}

// FuzzSkip checks that what is accepted is encoded the same way again, and is no
// other datagram.
func FuzzSkip(f *testing.F) {
	for _, test := range skips {
		f.Add(test.s.Append(nil))
	}
	f.Add([]byte{typeSkip})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSkip(b)
		if err != nil {
			return
		}
		if got := s.Append(nil); !bytes.Equal(got, b) || s.Count < 1 || !IsSkip(b) {
			t.Errorf("ParseSkip(%x) = %+v, which is encoded as %x", b, s, got)
		}
		if _, err := ParsePacket(b); err == nil {
			t.Errorf("%x is a sealed packet as well", b)
		}
	})
}
