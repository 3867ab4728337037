package hello

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// sample returns a Hello whose fields are all different.
func sample(session string) Hello {
	h := Hello{Passphrase: true, Session: session}
	for i := range 32 {
		h.Binding[i], h.Fingerprint[i], h.X[i] = byte(i), byte(0x40+i), byte(0x80+i)
	}
	for i := range h.KEM {
		h.KEM[i] = byte(i*7 + i>>8)
	}
	return h
}

func TestRoundTrip(t *testing.T) {
	for _, session := range []string{"s", "session1", "café.42_x-y", "日本", strings.Repeat("é", 32), strings.Repeat("z", MaxSession)} {
		for _, passphrase := range []bool{false, true} {
			h := sample(session)
			h.Passphrase = passphrase
			b := h.Append([]byte("x"))[1:]
			if want := 1320 + len(session); len(b) != want || len(b) > MaxLen {
				t.Errorf("the Hello for %q has %d bytes, want %d", session, len(b), want)
			}
			got, err := Parse(b)
			if err != nil || got != h {
				t.Errorf("Parse(%x) = %+v, %v, want %+v", b, got, err, h)
			}
			clear(b)
			if got != h {
				t.Errorf("what Parse returned for %q changes with the bytes", session)
			}
		}
	}
}

// TestLayout holds the bytes, which are part of the protocol.
func TestLayout(t *testing.T) {
	h := sample("ab")
	want := "53324301" + "0001" + "01" +
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f" +
		"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f" +
		"808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f" +
		hex.EncodeToString(h.KEM[:]) + "02" + "6162"
	b := h.Append(nil)
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("Append = %s, want %s", got, want)
	}
	// SHA-256 of "s2c/1 hello", a zero byte and the above.
	const known = "8b2af35dbc9c7933e7da287d7481b1c12f3358e951bc290b33bb7563cf102d54"
	if got := Sum(b); hex.EncodeToString(got[:]) != known {
		t.Errorf("Sum = %x, want %s", got, known)
	}
}

func TestParseRefuses(t *testing.T) {
	h := sample("session1")
	good := h.Append(nil)
	with := func(at int, v ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[at:], v)
		return b
	}
	tests := []struct {
		name string
		b    []byte
		want error
	}{
		{"empty", nil, ErrMalformed},
		{"other protocol", []byte("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n" + strings.Repeat("x", 60)), ErrMalformed},
		{"lower case", with(0, 's'), ErrMalformed},
		{"version 0", with(3, 0), ErrVersion},
		{"version 2", with(3, 2), ErrVersion},
		{"version 2, unknown size", []byte("S2C\x02"), ErrVersion},
		{"version 1, nothing else", []byte("S2C\x01"), ErrMalformed},
		{"suite 0", with(4, 0, 0), ErrVersion},
		{"suite 2", with(4, 0, 2), ErrVersion},
		{"suite 256", with(4, 1, 0), ErrVersion},
		{"suite 257", with(4, 1, 1), ErrVersion},
		{"suite 2, unknown size", []byte("S2C\x01\x00\x02"), ErrVersion},
		{"half a suite", []byte("S2C\x01\x00"), ErrMalformed},
		{"flag 2", with(6, 3), ErrMalformed},
		{"all flags", with(6, 0xff), ErrMalformed},
		{"longer name told", with(headLen-1, 9), ErrMalformed},
		{"shorter name told", with(headLen-1, 7), ErrMalformed},
		{"trailing byte", append(bytes.Clone(good), 'x'), ErrMalformed},
		{"no name", with(headLen-1, 0)[:headLen], ErrMalformed},
		{"name with a space", with(headLen, ' '), ErrMalformed},
		{"name with a control character", with(headLen, 0x1b), ErrMalformed},
		{"name that is not UTF-8", with(headLen, 0xff), ErrMalformed},
		{"name of 65 bytes", append(with(headLen-1, 65)[:headLen], strings.Repeat("z", 65)...), ErrMalformed},
		{"name of 255 bytes", append(with(headLen-1, 255)[:headLen], strings.Repeat("z", 255)...), ErrMalformed},
	}
	for _, test := range tests {
		if got, err := Parse(test.b); !errors.Is(err, test.want) {
			t.Errorf("%s: Parse(%x) = %+v, %v, want %v", test.name, test.b, got, err, test.want)
		}
	}
	for cut := range good {
		if _, err := Parse(good[:cut]); err == nil {
			t.Errorf("Parse accepted %d of %d bytes", cut, len(good))
		}
	}
}

// TestEveryBitOfHello flips each bit of a Hello: it is refused, or it is the
// Hello of somebody else.
func TestEveryBitOfHello(t *testing.T) {
	h := sample("session1")
	good := h.Append(nil)
	for bit := range len(good) * 8 {
		b := flip(good, bit)
		if got, err := Parse(b); err == nil && got == h {
			t.Errorf("bit %d changes nothing", bit)
		}
		if Sum(b) == Sum(good) {
			t.Errorf("bit %d does not change the Hash", bit)
		}
	}
}

// flip returns a copy of b with one bit changed.
func flip(b []byte, bit int) []byte {
	b = bytes.Clone(b)
	b[bit/8] ^= 1 << (bit % 8)
	return b
}

func TestCheck(t *testing.T) {
	h := sample("session1")
	if err := h.Check(h.Binding); err != nil {
		t.Errorf("Check of its own connection: %v", err)
	}
	for bit := range 256 {
		other := [32]byte(flip(h.Binding[:], bit))
		if err := h.Check(other); !errors.Is(err, ErrBinding) {
			t.Errorf("Check(%x) = %v, want %v", other, err, ErrBinding)
		}
	}
}

func TestCheckSession(t *testing.T) {
	tests := []struct {
		name string
		ok   bool
	}{
		{"session1", true},
		{"a", true},
		{"A-b_c.9", true},
		{"-", true},
		{"..", true}, // never a path
		{"réunion", true},
		{"日本語", true},
		{"한글", true},
		{"٣", true}, // a digit of another script
		{strings.Repeat("a", 64), true},
		{strings.Repeat("é", 32), true},
		{"", false},
		{strings.Repeat("a", 65), false},
		{strings.Repeat("é", 32) + "a", false},
		{"a b", false},
		{" a", false},
		{"a\n", false},
		{"a\x00", false},
		{"a/b", false},
		{"a\\b", false},
		{"a:b", false},
		{"a#b", false},
		{"a\"b", false},
		{"a,b", false},
		{"\x1b[2J", false},
		{"a\x9bb", false},
		{"\xff", false},
		{"a\xc3", false},
		{"\ufffd", false},
		{"e\u0301", false},            // not in normal form C: a letter and an accent
		{"\u212b", false},             // Angstrom sign, for the letter A with a ring
		{"\u2126", false},             // Ohm sign, for omega
		{"\uf900", false},             // a letter that exists twice
		{"\u1112\u1161\u11ab", false}, // Hangul in parts
		{"a\u200bb", false},           // zero width space
		{"a\u200db", false},           // zero width joiner
		{"a\u202eb", false},           // right-to-left override
		{"a\u00adb", false},           // soft hyphen
		{"\ufeffa", false},            // byte order mark
		{"a\U000e0041", false},
		{"\u3164", false}, // Hangul fillers: letters that are drawn as nothing
		{"a\u115f", false},
		{"a\u1160", false},
		{"a\uffa0", false},
		{"👋", false},
	}
	for _, test := range tests {
		err := CheckSession(test.name)
		if (err == nil) != test.ok {
			t.Errorf("CheckSession(%q) = %v, want ok %v", test.name, err, test.ok)
		}
		if err != nil && !printable(err.Error()) {
			t.Errorf("CheckSession(%q) quotes what a terminal must not see: %q", test.name, err)
		}
		h := sample(test.name)
		if _, err := Parse(h.Append(nil)); (err == nil) != test.ok {
			t.Errorf("Parse of a Hello for %q: %v, want ok %v", test.name, err, test.ok)
		}
	}
}

// printable tells whether an error may reach a terminal as it is.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x200b || r == 0xfeff
	})
}
