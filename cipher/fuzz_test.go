package cipher

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// The keys in these tests, and the messages of handshakes, are fixed: the
// workers of a fuzz test are processes of their own, and would refuse each
// other's packets otherwise.

// FuzzOpen looks for a packet that is accepted and was not sealed, or that
// leaves a trace although it is refused.
func FuzzOpen(f *testing.F) {
	a, b := fixed(f, 1), fixed(f, 2)
	connect(f, a, b)
	a.sealers[sframe.StreamVoice].next = 9 // a header of more than two bytes
	packet := mustSeal(f, a, "hello")
	a.own.ratchet()
	a.startSealers()
	next := mustSeal(f, a, "next")
	for range maxAhead - 1 {
		a.own.ratchet()
	}
	a.startSealers()
	last := mustSeal(f, a, "last")
	for _, p := range [][]byte{packet, packet[:5], next, last, mustSeal(f, b, "not for b"), append(bytes.Clone(packet), 0), nil} {
		f.Add(p)
	}
	f.Add(sframe.AppendHeader([]byte{0}, uint64(sframe.NewKID(1, sframe.StreamVideo, 0, 0)), 1<<24-1))
	f.Add(append(sframe.AppendHeader([]byte{0}, uint64(sframe.NewKID(1, sframe.StreamVideo, 0, 7)), 0), make([]byte, 40)...))
	base := keysOf(1).base
	f.Fuzz(func(t *testing.T, p []byte) {
		o := newOpener(1, generation{base: newSecret(bytes.Clone(base))})
		b.openers[1] = o
		before := bytes.Clone(p)
		plain, from, err := b.Open(nil, p)
		if !bytes.Equal(p, before) {
			t.Fatalf("Open(%x) has changed the packet", before)
		}
		want := slices.IndexFunc([][]byte{packet, next, last}, func(good []byte) bool { return bytes.Equal(p, good) })
		switch {
		case want >= 0:
			text := []string{"hello", "next", "last"}[want]
			if err != nil || string(plain) != text || from.Slot != 1 || from.Stream != sframe.StreamVoice {
				t.Fatalf("Open of a true packet = %q, %+v, %v", plain, from, err)
			}
		case err == nil:
			t.Fatalf("Open(%x) = %x, %+v", p, plain, from)
		case !isEmpty(o) || o.gens[0].step != 0 || o.gens[0].used || !bytes.Equal(o.gens[0].base.bytes(), base):
			t.Fatalf("Open(%x) = %v and left a trace", p, err)
		}
	})
}

// A fuzzState is a session in one state of a handshake, and what it takes then.
type fuzzState struct {
	handshake int
	at        string
	good      [][]byte
	s         *Session
	before    string // its snapshot
}

// FuzzHandle looks for a pair message that is accepted and was not sent, or
// that leaves a trace although it is refused, in each state of a handshake
// without a passphrase and of one with it. The handshakes are those of
// vectors.json.
func FuzzHandle(f *testing.F) {
	v := readVectors(f)
	var states []*fuzzState
	for _, n := range []int{5, 25} {
		h := v.Handshakes[n]
		states = append(states, &fuzzState{handshake: n, at: atMet, good: [][]byte{h.M1}})
		if h.M3 == nil { // else the initiator has a random scalar
			states = append(states, &fuzzState{handshake: n, at: atWelcomed, good: [][]byte{h.M2}})
		} else {
			states = append(states, &fuzzState{handshake: n, at: atWelcomed}, &fuzzState{handshake: n, at: atAnswered, good: [][]byte{h.M3}})
		}
		connected := &fuzzState{handshake: n, at: atConnected}
		for _, b := range h.Boxes {
			if b.From == "i" && b.Payload[0] != payloadKeyState { // that is of another slot
				connected.good = append(connected.good, b.Message)
			}
		}
		states = append(states, connected)
		for k := range states {
			for _, m := range [][]byte{h.M1, h.M2, h.M3, h.Boxes[0].Message, h.Boxes[1].Message, h.M1[:pairHead+encLen], h.M2[:pairHead+3], nil} {
				f.Add(uint8(k), m)
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, m []byte) {
		st := states[int(which)%len(states)]
		if st.s == nil {
			st.s = v.at(t, st.handshake, st.at)
			st.before = snapshot(st.s)
		}
		if st.at == atWelcomed && st.good == nil && bytes.Equal(m, v.Handshakes[st.handshake].M2) {
			return // opens in any case, and shows that this is not its initiator
		}
		if st.at == atConnected && len(m) > pairHead && isKeyState(v, st.handshake, m) {
			return
		}
		out, err := st.s.Handle(epoch, m)
		good := slices.ContainsFunc(st.good, func(g []byte) bool { return bytes.Equal(g, m) })
		if (err == nil) != good {
			t.Fatalf("%s: Handle(%x) = %+v, %v, want accepted %v", st.at, m, out, err, good)
		}
		if good {
			st.s = nil // the next one begins anew
			return
		}
		if len(out.Pair)+len(out.Events) > 0 || snapshot(st.s) != st.before {
			t.Fatalf("%s: Handle(%x) = %v has changed something", st.at, m, err)
		}
	})
}

// isKeyState reports whether m is the message of a handshake that is sealed
// well and refused for what it holds.
func isKeyState(v *vectorSet, n int, m []byte) bool {
	return slices.ContainsFunc(v.Handshakes[n].Boxes, func(b vectorBox) bool {
		return b.Payload[0] == payloadKeyState && bytes.Equal(b.Message, m)
	})
}

// FuzzPayload checks that what is accepted is encoded the same way again.
func FuzzPayload(f *testing.F) {
	for _, b := range payloads() {
		f.Add(b)
	}
	f.Add([]byte{})
	f.Add([]byte{payloadShare})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parsePayload(b)
		if err != nil {
			return
		}
		if got := encode(v); !bytes.Equal(got, b) {
			t.Errorf("parsePayload(%x) encodes to %x", b, got)
		}
	})
}

// FuzzKeyState checks that what is accepted is encoded the same way again.
func FuzzKeyState(f *testing.F) {
	base := newSecret(keysOf(1).base)
	f.Add((&keyState{slot: 1, generation: generation{base: base}, name: "ann"}).append(nil))
	f.Add((&keyState{slot: 4095, generation: generation{7, 9, base}}).append(nil))
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

// FuzzBox gives a chain any two boxes in a row: what was not sealed is refused,
// and does not spoil it.
func FuzzBox(f *testing.F) {
	send, _, _ := newChains()
	boxes := sealBoxes(&send, maxSkip+3)
	f.Add(boxes[0], boxes[1])
	f.Add(boxes[2], boxes[0])
	f.Add(boxes[maxSkip], boxes[maxSkip+1])
	f.Add(boxes[maxSkip+1], boxes[0][:boxOverhead])
	f.Fuzz(func(t *testing.T, a, b []byte) {
		_, recv, _ := newChains()
		next, missing := 0, make(map[int]bool)
		for _, box := range [][]byte{a, b, boxes[1], boxes[0]} {
			i := slices.IndexFunc(boxes, func(g []byte) bool { return bytes.Equal(g, box) })
			want := i >= 0 && (i < next && missing[i] || i >= next && len(missing)+i-next <= maxSkip)
			plain, err := recv.open(9, box)
			if (err == nil) != want || want && !bytes.Equal(plain, boxOf(i)) {
				t.Fatalf("box %x (%d) after %d: %x, %v, want opened %v", box, i, next, plain, err, want)
			}
			if !want {
				continue
			}
			for ; next <= i; next++ {
				missing[next] = true
			}
			delete(missing, i)
		}
	})
}

// FuzzHello checks that a Hello that was verified is one that can be met or is
// refused, and never more than that.
func FuzzHello(f *testing.F) {
	a, b := fixed(f, 1), fixed(f, 2)
	f.Add(b.hello)
	f.Add(a.hello)
	f.Add(unstarted(f, 2, "session2", "").hello)
	f.Add(started(f, 2, phrase).hello)
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := hello.Verify(raw, b.cert)
		if ok := bytes.Equal(raw, b.hello); (err == nil) != ok {
			t.Fatalf("Verify(%x) = %v", raw, err)
		}
		if err != nil {
			return
		}
		s := fixed(t, 1)
		if err := s.Meet(epoch, 2, v); err != nil {
			t.Fatalf("Meet(%x) = %v", raw, err)
		}
	})
}
