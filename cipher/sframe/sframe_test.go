package sframe

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"testing"
)

// A vector is a header of RFC 9605, appendix C.1.
type vector struct {
	KID     uint64 `json:"kid"`
	CTR     uint64 `json:"ctr"`
	Encoded string `json:"encoded"`
	bytes   []byte
}

// vectors returns all headers of the appendix. Where they come from and their
// licence stand beside them.
func vectors(tb testing.TB) []vector {
	tb.Helper()
	b, err := os.ReadFile("testdata/sframe-test-vectors.json")
	if err != nil {
		tb.Fatal(err)
	}
	var file struct{ Header []vector }
	if err := json.Unmarshal(b, &file); err != nil {
		tb.Fatal(err)
	}
	if len(file.Header) != 289 {
		tb.Fatalf("%d headers in the file, want 289", len(file.Header))
	}
	for i := range file.Header {
		v := &file.Header[i]
		if v.bytes, err = hex.DecodeString(v.Encoded); err != nil {
			tb.Fatal(err)
		}
	}
	return file.Header
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		if got := AppendHeader([]byte("x"), v.KID, v.CTR); string(got) != "x"+string(v.bytes) {
			t.Errorf("AppendHeader(%#x, %#x) = %x, want %x", v.KID, v.CTR, got[1:], v.bytes)
		}
		kid, ctr, n, err := Parse(append(bytes.Clone(v.bytes), "rest"...))
		if err != nil || kid != v.KID || ctr != v.CTR || n != len(v.bytes) {
			t.Errorf("Parse(%x) = %#x, %#x, %d, %v, want %#x, %#x, %d", v.bytes, kid, ctr, n, err, v.KID, v.CTR, len(v.bytes))
		}
		for cut := range v.bytes {
			if _, _, _, err := Parse(v.bytes[:cut]); !errors.Is(err, ErrHeader) {
				t.Errorf("Parse(%x) = %v, want %v", v.bytes[:cut], err, ErrHeader)
			}
		}
		k, c, n, err := ParseHeader(v.bytes)
		if v.KID >= 1<<24 {
			if !errors.Is(err, ErrHeader) {
				t.Errorf("ParseHeader(%x) = %v, want %v", v.bytes, err, ErrHeader)
			}
		} else if err != nil || uint64(k) != v.KID || c != v.CTR || n != len(v.bytes) {
			t.Errorf("ParseHeader(%x) = %#x, %#x, %d, %v", v.bytes, k, c, n, err)
		}
	}
}

// TestNotShortest gives Parse every encoding of small numbers that has too many
// bytes, in both fields.
func TestNotShortest(t *testing.T) {
	numbers := []uint64{0, 1, 7, 8, 255, 256, 65535, 65536, 1<<24 - 1, 1 << 24, math.MaxUint32, 1 << 32, 1<<56 - 1}
	for _, v := range numbers {
		for n := 1; n <= 8; n++ {
			if v >= 8 && n == size(v) || n < size(v) {
				continue
			}
			var field []byte
			for i := n - 1; i >= 0; i-- {
				field = append(field, byte(v>>(8*i)))
			}
			for _, b := range [][]byte{append([]byte{(8 | byte(n-1)) << 4}, field...), append([]byte{8 | byte(n-1)}, field...)} {
				if kid, ctr, _, err := Parse(b); !errors.Is(err, ErrHeader) {
					t.Errorf("Parse(%x) = %#x, %#x, %v, want %v", b, kid, ctr, err, ErrHeader)
				}
			}
		}
	}
}

func TestKID(t *testing.T) {
	tests := []struct {
		slot      uint16
		stream    Stream
		gen, step uint32
		want      KID
		bytes     int // of the header with a counter of 0
	}{
		{0, StreamControl, 0, 0, 0, 1},
		{0, StreamVoice, 0, 0, 0x100, 3},
		{1, StreamVideo, 0, 0, 0x1200, 3},
		{15, StreamChat, 15, 15, 0xf4ff, 3},
		{16, StreamControl, 0, 0, 0x10000, 4},
		{MaxSlot, StreamScreen, 0x12345678, 0xfffffff9, 0xfff389, 4},
	}
	for _, test := range tests {
		k := NewKID(test.slot, test.stream, test.gen, test.step)
		if k != test.want {
			t.Errorf("NewKID(%d, %d, %d, %d) = %#x, want %#x", test.slot, test.stream, test.gen, test.step, k, test.want)
		}
		if k.Slot() != test.slot || k.Stream() != test.stream || k.Gen() != test.gen&15 || k.Step() != test.step&15 {
			t.Errorf("KID %#x has slot %d, stream %d, gen %d, step %d, not those of %+v",
				k, k.Slot(), k.Stream(), k.Gen(), k.Step(), test)
		}
		if b := AppendHeader(nil, uint64(k), 0); len(b) != test.bytes {
			t.Errorf("the header of KID %#x has %d bytes, want %d", k, len(b), test.bytes)
		}
	}
	if top := NewKID(MaxSlot, 15, 15, 15); top != maxKID {
		t.Errorf("the largest KID is %#x, want %#x", top, maxKID)
	}
}

func TestMaxHeader(t *testing.T) {
	if n := len(AppendHeader(nil, math.MaxUint64, math.MaxUint64)); n != MaxHeader {
		t.Errorf("the longest header has %d bytes, want %d", n, MaxHeader)
	}
}

func TestAllocs(t *testing.T) {
	b := make([]byte, 0, MaxHeader)
	if n := testing.AllocsPerRun(100, func() {
		b = AppendHeader(b[:0], 0x123456, 70000)
		if _, _, _, err := ParseHeader(b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("AppendHeader and ParseHeader allocate %v times", n)
	}
}

// FuzzParse checks that what is accepted is what AppendHeader writes.
func FuzzParse(f *testing.F) {
	for i, v := range vectors(f) {
		if i%16 == 0 {
			f.Add(v.bytes)
		}
	}
	f.Add([]byte{0xff, 1, 2, 3})
	f.Add([]byte{0x88, 8, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		kid, ctr, n, err := Parse(b)
		if err != nil {
			return
		}
		if got := AppendHeader(nil, kid, ctr); !bytes.Equal(got, b[:n]) {
			t.Errorf("Parse(%x) = %#x, %#x, which is encoded as %x", b, kid, ctr, got)
		}
		k, c, m, err := ParseHeader(b)
		if ok := kid <= maxKID; (err == nil) != ok || ok && (uint64(k) != kid || c != ctr || m != n) {
			t.Errorf("ParseHeader(%x) = %#x, %#x, %d, %v", b, k, c, m, err)
		}
	})
}

func BenchmarkParseHeader(b *testing.B) {
	h := AppendHeader(nil, 0x123456, 70000)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, err := ParseHeader(h); err != nil {
			b.Fatal(err)
		}
	}
}
