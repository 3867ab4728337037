package cipher

import (
	"bytes"
	stdcipher "crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

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
			k = newStreamKey(newSecret(v.Base), v.KID)
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
		n := 0
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
		if b.openers[300].streams != [sframe.Streams]*received{} {
			t.Error("a forged packet left a trace")
		}
		got, from, err := b.Open([]byte("before"), packet)
		if want := (Origin{Slot: 300, Stream: sframe.StreamVideo, CTR: 70000}); err != nil || from != want ||
			!bytes.Equal(got, append([]byte("before"), plain...)) {
			t.Fatalf("Open of the true packet = %x, %+v, %v", got, from, err)
		}
		if _, _, err := b.Open(nil, packet); !errors.Is(err, ErrReplay) {
			t.Errorf("Open of a repeated packet: %v, want %v", err, ErrReplay)
		}
		t.Logf("%d bytes: %d altered forms refused", size, n)
	}
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
		{"another step", with(sframe.NewKID(1, sframe.StreamVoice, 0, 1), 0), ErrUnknownKey},
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

// TestNonces seals from eight goroutines: no counter of a stream is used twice,
// and none is left out.
func TestNonces(t *testing.T) {
	const workers, each = 8, 5000
	s := fixed(t, 1)
	var got [workers][]uint64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 0))
			var b []byte
			for range each {
				var err error
				if b, err = s.Seal(b[:0], sframe.Stream(rng.IntN(sframe.Streams)), 0, []byte("x")); err != nil {
					t.Error(err)
					return
				}
				kid, ctr, _, err := sframe.ParseHeader(b[1:])
				if err != nil {
					t.Error(err)
					return
				}
				got[w] = append(got[w], uint64(kid)<<32|ctr)
			}
		})
	}
	wg.Wait()
	all := slices.Sorted(slices.Values(slices.Concat(got[:]...)))
	if len(all) != workers*each {
		t.Fatalf("%d packets, want %d", len(all), workers*each)
	}
	for i := 1; i < len(all); i++ {
		if all[i] != all[i-1]+1 && uint32(all[i]) != 0 {
			t.Fatalf("KID and CTR %x follow %x", all[i], all[i-1])
		}
	}
}

// TestConcurrentUse opens and seals while members come and go.
func TestConcurrentUse(t *testing.T) {
	const rounds = 40
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	done := make(chan struct{})
	var wg sync.WaitGroup
	// b's packets stay readable throughout. Each goroutine has its own stream:
	// in a common one the packets of the slower one grow too old.
	for _, stream := range []sframe.Stream{sframe.StreamVoice, sframe.StreamVideo} {
		wg.Go(func() {
			var packet, plain []byte
			for {
				select {
				case <-done:
					return
				default:
				}
				var err error
				if packet, err = b.Seal(packet[:0], stream, 0, []byte("x")); err != nil {
					t.Error(err)
					return
				}
				if plain, _, err = a.Open(plain[:0], packet); err != nil {
					t.Error(err)
					return
				}
				if _, err = a.Seal(packet[:0], sframe.StreamChat, 0, plain); err != nil {
					t.Error(err)
					return
				}
				a.Peers()
			}
		})
	}
	for i := range rounds {
		c := unstarted(t, 10+i, "session1")
		c.Start(3)
		connect(t, a, c)
		packets := make([][]byte, 100)
		for i := range packets {
			packets[i] = mustSeal(t, c, "x")
		}
		var opening sync.WaitGroup
		opening.Go(func() {
			for _, p := range packets {
				// Forget may come in between; then all that follow fail.
				_, _, err := a.Open(nil, p)
				if err != nil && !errors.Is(err, ErrUnknownKey) {
					t.Errorf("Open while Forget runs: %v", err)
				}
			}
		})
		a.Forget(c.hash)
		opening.Wait()
		if _, _, err := a.Open(nil, mustSeal(t, c, "x")); !errors.Is(err, ErrUnknownKey) {
			t.Errorf("Open after Forget: %v", err)
		}
	}
	close(done)
	wg.Wait()
}

// TestAllocs checks that the hot path allocates nothing.
func TestAllocs(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	plain := make([]byte, 1100)
	packet := make([]byte, 0, len(plain)+Overhead)
	opened := make([]byte, 0, len(plain))
	forged := append(mustSeal(t, a, "x"), 0)
	checkHears(t, b, a) // the first packet of the stream
	for _, test := range []struct {
		name string
		run  func() error
	}{
		{"Seal and Open", func() (err error) {
			if packet, err = a.Seal(packet[:0], sframe.StreamVoice, 0x08, plain); err == nil {
				opened, _, err = b.Open(opened[:0], packet)
			}
			return err
		}},
		{"Open of a repeated packet", func() error {
			_, _, err := b.Open(opened[:0], packet)
			return ignore(err, ErrReplay)
		}},
		{"Open of a forged packet", func() error {
			forged[len(forged)-1]++
			_, _, err := b.Open(opened[:0], forged)
			return ignore(err, ErrAuth)
		}},
	} {
		if n := testing.AllocsPerRun(200, func() {
			if err := test.run(); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", test.name, n)
		}
	}
}

// ignore returns an error unless err is the expected one.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return fmt.Errorf("got %w, want %w", err, expected)
}

func BenchmarkSeal(b *testing.B) {
	for _, size := range []int{110, 1100} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := fixed(b, 1)
			t := s.sealers[sframe.StreamVideo]
			plain, packet := make([]byte, size), make([]byte, 0, size+Overhead)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				t.next = 70000 // more than 2^24 rounds may be asked for
				if _, err := s.Seal(packet, sframe.StreamVideo, 0x12, plain); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, size := range []int{110, 1100} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, peer := fixed(b, 1), fixed(b, 2)
			connect(b, s, peer)
			checkHears(b, s, peer)
			packet, err := peer.Seal(nil, sframe.StreamVoice, 0x08, make([]byte, size))
			if err != nil {
				b.Fatal(err)
			}
			r := s.openers[2].streams[sframe.StreamVoice]
			dst := make([]byte, 0, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				r.seen = window{}
				if _, _, err := s.Open(dst, packet); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHandshake(b *testing.B) {
	x, y := fixed(b, 1), fixed(b, 2)
	b.ReportAllocs()
	for b.Loop() {
		connect(b, x, y)
		for _, s := range []*Session{x, y} {
			s.Forget(x.hash)
			s.Forget(y.hash)
			clear(s.gone)
		}
	}
}
