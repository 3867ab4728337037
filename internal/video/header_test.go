package video

import (
	"bytes"
	"errors"
	"testing"
)

func TestParseHeader(t *testing.T) {
	tests := []struct {
		in   []byte
		want header
		rest int
		ok   bool
	}{
		{in: nil},
		{in: []byte{0x18}, want: header{qp: 24}, ok: true},
		{in: []byte{0x18, 1, 2}, want: header{qp: 24}, rest: 2, ok: true},
		{in: []byte{0x40 | 63, 130, 0xFF, 9}, want: header{qp: 63, weighted: true, weight: weight{130, -1}}, rest: 1, ok: true},
		{in: []byte{0x40, 130}},
		{in: []byte{0xC0, 1, 0, 160, 0, 96}}, // weighted key
		{in: []byte{0x98, 1, 0, 160, 0, 96}, want: header{key: true, qp: 24, width: 160, height: 96}, ok: true},
		{in: []byte{0x98, 1, 0, 160, 0}},
		{in: []byte{0x98, 2, 0, 160, 0, 96}, want: header{key: true, qp: 24, width: 160, height: 96, colour: true}, ok: true},
		{in: []byte{0x98, 0, 0, 160, 0, 96}}, // a format of the past
		{in: []byte{0x98, 3, 0, 160, 0, 96}}, // unknown format
		{in: []byte{0x80, 1, 0, 16, 0, 16}, want: header{key: true, width: 16, height: 16}, ok: true},
		{in: []byte{0x80, 1, 0, 15, 0, 16}},
		{in: []byte{0x80, 1, 0, 16, 0, 15}},
		{in: []byte{0x80, 1, 0x02, 0x80, 0x01, 0xE0}, want: header{key: true, width: 640, height: 480}, ok: true},
		{in: []byte{0x80, 1, 0x02, 0x81, 0x01, 0xE0}},
		{in: []byte{0x80, 1, 0x02, 0x80, 0x01, 0xE1}},
		{in: []byte{0x80, 1, 0xFF, 0xFF, 0xFF, 0xFF}},
	}
	for _, tt := range tests {
		h, rest, err := parseHeader(tt.in)
		if tt.ok != (err == nil) || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("parseHeader(%x) = %v, want success %t or ErrMalformed", tt.in, err, tt.ok)
			continue
		}
		if err == nil && (h != tt.want || len(rest) != tt.rest) {
			t.Errorf("parseHeader(%x) = %+v and %d bytes, want %+v and %d", tt.in, h, len(rest), tt.want, tt.rest)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte{0x98, 2, 0, 160, 0, 96})
	f.Add([]byte{0x98, 1, 0, 160, 0, 96, 1, 2, 3})
	f.Add([]byte{0x58, 130, 0xFF, 1, 2, 3})
	f.Add([]byte{0x18, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, rest, err := parseHeader(b)
		if err != nil {
			return
		}
		if got := append(h.append(nil), rest...); !bytes.Equal(got, b) {
			t.Errorf("parseHeader(%x) = %+v, which is written as %x", b, h, got)
		}
	})
}
