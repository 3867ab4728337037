package cipher

import (
	"bytes"
	"testing"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// The keys of the members in these tests are fixed: the workers of a fuzz test
// are processes of their own, and would refuse each other's packets otherwise.

// FuzzOpen looks for a packet that is accepted and was not sealed, or that
// leaves a trace although it is refused.
func FuzzOpen(f *testing.F) {
	a, b := fixed(f, 1), fixed(f, 2)
	connect(f, a, b)
	a.sealers[sframe.StreamVoice].next = 9 // a header of more than two bytes
	packet := mustSeal(f, a, "hello")
	f.Add(packet)
	f.Add(packet[:5])
	f.Add(mustSeal(f, b, "not for b"))
	f.Add(sframe.AppendHeader([]byte{0}, uint64(sframe.NewKID(1, sframe.StreamVideo, 0, 0)), 1<<24-1))
	f.Fuzz(func(t *testing.T, p []byte) {
		fresh := &opener{slot: 1, generation: a.own}
		b.openers[1] = fresh
		plain, from, err := b.Open(nil, p)
		switch {
		case bytes.Equal(p, packet):
			if err != nil || string(plain) != "hello" || from != (Origin{1, sframe.StreamVoice, 9}) {
				t.Fatalf("Open of the true packet = %q, %+v, %v", plain, from, err)
			}
		case err == nil:
			t.Fatalf("Open(%x) = %x, %+v", p, plain, from)
		case fresh.streams != [sframe.Streams]*received{}:
			t.Fatalf("Open(%x) = %v and left a trace", p, err)
		}
	})
}

// FuzzHandle looks for a pair message that is accepted and was not sent, in
// each state of the handshake.
func FuzzHandle(f *testing.F) {
	a, b, c := fixed(f, 1), fixed(f, 2), fixed(f, 3)
	m1, m2 := connect(f, a, b)
	other, answer := connect(f, a, c)
	for _, m := range [][]byte{m1, m2, other, answer, m1[:pairHead], m1[:pairHead+boxOverhead], nil} {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		met, welcomed := fixed(t, 2), fixed(t, 1)
		if got := meet(t, welcomed, met); !bytes.Equal(got, m1) {
			t.Fatalf("M1 is %x, was %x", got, m1)
		}
		answer, p, err := met.Handle(m)
		if ok := bytes.Equal(m, m1); (err == nil) != ok || ok != bytes.Equal(answer, m2) || p.Confirmed != ok {
			t.Fatalf("who has met: Handle(%x) = %x, %+v, %v", m, answer, p, err)
		}
		answer, p, err = welcomed.Handle(m)
		if ok := bytes.Equal(m, m2); (err == nil) != ok || answer != nil || p.Confirmed != ok {
			t.Fatalf("who has welcomed: Handle(%x) = %x, %+v, %v", m, answer, p, err)
		}
		if bytes.Equal(m, m1) || bytes.Equal(m, m2) {
			return
		}
		// Whatever it was, it has not spoilt the handshake.
		m2, _, err := met.Handle(m1)
		if err != nil {
			t.Fatalf("M1 after %x: %v", m, err)
		}
		if _, _, err := welcomed.Handle(m2); err != nil {
			t.Fatalf("M2 after %x: %v", m, err)
		}
	})
}

// FuzzKeyState checks that what is accepted is encoded the same way again.
func FuzzKeyState(f *testing.F) {
	s := fixed(f, 1)
	f.Add((&keyState{slot: 1, generation: s.own, name: "ann"}).append(nil))
	f.Add((&keyState{slot: 4095, generation: generation{7, 9, s.own.base}}).append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseKeyState(b)
		if err != nil {
			return
		}
		if got := k.append(nil); !bytes.Equal(got, b) {
			t.Errorf("parseKeyState(%x) encodes to %x", b, got)
		}
	})
}
