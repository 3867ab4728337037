package cipher

import (
	"bytes"
	stdcipher "crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// hexBytes is written in hexadecimal in JSON.
type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// TestRFC9605 checks the derivation and the sealing of suite 5 against the
// vectors of RFC 9605, appendix C, and what suite 4 shares with it: nonce,
// authenticated data and order of the bytes.
func TestRFC9605(t *testing.T) {
	b, err := os.ReadFile("sframe/testdata/sframe-test-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		SFrame []struct {
			Suite    int      `json:"cipher_suite"`
			KID      uint64   `json:"kid"`
			CTR      uint64   `json:"ctr"`
			Base     hexBytes `json:"base_key"`
			Key      hexBytes `json:"sframe_key"`
			Salt     hexBytes `json:"sframe_salt"`
			Metadata hexBytes
			Nonce    hexBytes
			AAD      hexBytes `json:"aad"`
			Plain    hexBytes `json:"pt"`
			Sealed   hexBytes `json:"ct"`
		} `json:"sframe"`
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, v := range vectors.SFrame {
		var k *streamKey
		switch v.Suite {
		case 4:
			k = &streamKey{aead: newGCM(v.Key), salt: [12]byte(v.Salt)}
		case suite5:
			k = newStreamKey(v.Base, v.KID)
			// The derived key is that of the vector if each opens what
			// the other has sealed.
			if other := newGCM(v.Key); !sameKey(k.aead, other) || k.salt != [12]byte(v.Salt) {
				t.Errorf("suite %d: derived another key, salt %x, want %x", v.Suite, k.salt, v.Salt)
			}
		default:
			continue
		}
		done++
		head := sframe.AppendHeader(nil, v.KID, v.CTR)
		if nonce := k.at(v.CTR); !bytes.Equal(nonce, v.Nonce) {
			t.Errorf("suite %d: nonce %x, want %x", v.Suite, nonce, v.Nonce)
		}
		// The vector's metadata is longer than the one clear byte of s2c.
		aad := append(k.authenticated(head, v.Metadata[0]), v.Metadata[1:]...)
		if !bytes.Equal(aad, v.AAD) {
			t.Errorf("suite %d: authenticates %x, want %x", v.Suite, aad, v.AAD)
		}
		if got := k.aead.Seal(head, k.at(v.CTR), v.Plain, aad); !bytes.Equal(got, v.Sealed) {
			t.Errorf("suite %d: sealed %x, want %x", v.Suite, got, v.Sealed)
		}
	}
	if done != 2 {
		t.Errorf("checked %d suites, want 2", done)
	}
}

// sameKey reports whether a and b have one key.
func sameKey(a, b stdcipher.AEAD) bool {
	nonce := make([]byte, 12)
	return bytes.Equal(a.Seal(nil, nonce, []byte("x"), nil), b.Seal(nil, nonce, []byte("x"), nil))
}

// TestAlteredPackets flips every bit of packets of seven sizes, cuts them at
// every byte and exchanges the clear byte. All that is refused, and the true
// packet is accepted afterwards, once.
func TestAlteredPackets(t *testing.T) {
	total := 0
	for _, size := range []int{0, 1, 15, 16, 17, 110, 1100} {
		a, b := fixed(t, 300), fixed(t, 2)
		connect(t, a, b)
		a.sealers[sframe.StreamVideo].next = 70000 // three bytes of KID and CTR each
		plain := bytes.Repeat([]byte{0x5a}, size)
		packet, err := a.Seal(nil, sframe.StreamVideo, 0x12, plain)
		if err != nil {
			t.Fatal(err)
		}
		if want := 1 + 1 + 3 + 3 + size + 16; len(packet) != want {
			t.Errorf("%d bytes were sealed to %d, want %d", size, len(packet), want)
		}
		before, n := snapshot(b), 0
		refuse := func(bad []byte) {
			t.Helper()
			n++
			dst := []byte("before")
			got, from, err := b.Open(dst, bad)
			if err == nil || string(got) != "before" || from != (Origin{}) {
				t.Fatalf("Open(%x) = %x, %+v, %v, want an error", bad, got, from, err)
			}
		}
		for bit := range len(packet) * 8 {
			bad := bytes.Clone(packet)
			bad[bit/8] ^= 1 << (bit % 8)
			refuse(bad)
		}
		for cut := range packet {
			refuse(packet[:cut])
		}
		for c := range 256 {
			if byte(c) != packet[0] {
				refuse(append([]byte{byte(c)}, packet[1:]...))
			}
		}
		refuse(append(bytes.Clone(packet), 0))
		if !isEmpty(b.openers[300]) || snapshot(b) != before {
			t.Error("a forged packet left a trace")
		}
		got, from, err := b.Open([]byte("before"), packet)
		if want := (Origin{Slot: 300, Stream: sframe.StreamVideo, CTR: 70000}); err != nil || from != want ||
			!bytes.Equal(got, append([]byte("before"), plain...)) {
			t.Fatalf("Open of the true packet = %x, %+v, %v", got, from, err)
		}
		checkCannot(t, b, packet, ErrReplay)
		t.Logf("%d bytes: %d altered forms refused", size, n)
		total += n
	}
	t.Logf("%d altered packets refused in all", total)
}

func TestOpenErrors(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	packet := mustSeal(t, a, "hello")
	with := func(kid sframe.KID, ctr uint64) []byte {
		p := sframe.AppendHeader([]byte{0x08}, uint64(kid), ctr)
		return append(p, make([]byte, 30)...)
	}
	mine := mustSeal(t, b, "mine")
	tests := []struct {
		name   string
		packet []byte
		want   error
	}{
		{"empty", nil, ErrMalformed},
		{"clear byte alone", packet[:1], ErrMalformed},
		{"no tag", packet[:len(packet)-len("hello")-1], ErrMalformed},
		{"nobody's slot", with(sframe.NewKID(9, sframe.StreamVoice, 0, 0), 0), ErrUnknownKey},
		{"my own", mine, ErrUnknownKey},
		{"another generation", with(sframe.NewKID(1, sframe.StreamVoice, 1, 0), 0), ErrUnknownKey},
		{"a step before the first", with(sframe.NewKID(1, sframe.StreamVoice, 0, 15), 0), ErrUnknownKey},
		{"eight steps ahead", with(sframe.NewKID(1, sframe.StreamVoice, 0, 8), 0), ErrUnknownKey},
		{"seven steps ahead, forged", with(sframe.NewKID(1, sframe.StreamVoice, 0, 7), 0), ErrAuth},
		{"no such stream", with(sframe.NewKID(1, sframe.Streams, 0, 0), 0), ErrMalformed},
		{"KID of 25 bits", with(1<<24, 0), ErrMalformed},
		{"CTR of 2^24", with(sframe.NewKID(1, sframe.StreamVoice, 0, 0), 1<<24), ErrMalformed},
		{"forged", with(sframe.NewKID(1, sframe.StreamVoice, 0, 0), 1<<24-1), ErrAuth},
	}
	for _, test := range tests {
		if _, _, err := b.Open(nil, test.packet); !errors.Is(err, test.want) {
			t.Errorf("%s: Open(%x) = %v, want %v", test.name, test.packet, err, test.want)
		}
	}
	if _, _, err := b.Open(nil, packet); err != nil {
		t.Errorf("true packet: %v", err)
	}
}

// TestStreamsApart checks that a packet is good in its own stream only.
func TestStreamsApart(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	for stream := range sframe.Stream(sframe.Streams) {
		for ctr := range uint64(3) {
			p, err := a.Seal(nil, stream, 0, []byte{byte(stream)})
			if err != nil {
				t.Fatal(err)
			}
			for other := range sframe.Stream(sframe.Streams) {
				if other == stream {
					continue
				}
				_, _, n, err := sframe.ParseHeader(p[1:])
				if err != nil {
					t.Fatal(err)
				}
				moved := sframe.AppendHeader([]byte{0}, uint64(sframe.NewKID(1, other, 0, 0)), ctr)
				moved = append(moved, p[1+n:]...)
				if _, _, err := b.Open(nil, moved); err == nil {
					t.Errorf("packet %d of stream %d was accepted in stream %d", ctr, stream, other)
				}
			}
			plain, from, err := b.Open(nil, p)
			if err != nil || !bytes.Equal(plain, []byte{byte(stream)}) || from != (Origin{1, stream, ctr}) {
				t.Errorf("stream %d: %x, %+v, %v", stream, plain, from, err)
			}
		}
	}
}

func TestExhausted(t *testing.T) {
	a, b := fixed(t, 4095), fixed(t, 2)
	connect(t, a, b)
	a.sealers[sframe.StreamVoice].next = maxCTR - 1
	packet := mustSeal(t, a, "last")
	if got, limit := len(packet), len("last")+Overhead; got > limit {
		t.Errorf("the packet with the longest header has %d bytes, more than %d", got, limit)
	}
	if _, from, err := b.Open(nil, packet); err != nil || from.CTR != maxCTR-1 {
		t.Errorf("Open of the last packet: %+v, %v", from, err)
	}
	for range 3 {
		if got, err := a.Seal([]byte("x"), sframe.StreamVoice, 0, nil); !errors.Is(err, ErrExhausted) || string(got) != "x" {
			t.Errorf("Seal after 2^24 packets = %q, %v, want %v", got, err, ErrExhausted)
		}
	}
	if _, err := a.Seal(nil, sframe.StreamVideo, 0, nil); err != nil {
		t.Errorf("Seal in another stream: %v", err)
	}
	// A new generation counts from zero.
	out, _ := a.Due(epoch)
	for range 5 {
		for _, m := range out.Pair {
			for _, answer := range take(t, b, m).Pair {
				take(t, a, answer)
			}
		}
		out, _ = a.Due(epoch)
	}
	checkHears(t, b, a)
}

// TestOpenInPlace opens a packet where it lies.
func TestOpenInPlace(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	packet := mustSeal(t, a, "in place")
	_, _, n, err := sframe.ParseHeader(packet[1:])
	if err != nil {
		t.Fatal(err)
	}
	n++
	plain, _, err := b.Open(packet[n:n], packet)
	if err != nil || string(plain) != "in place" || &plain[0] != &packet[n] {
		t.Errorf("Open in place = %q, %v", plain, err)
	}
}
