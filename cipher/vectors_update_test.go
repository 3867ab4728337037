package cipher

import (
	"bytes"
	"cmp"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"

	"github.com/sanix-darker/s2c/cipher/cpace"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/cipher/words"
)

// writeVectors makes vectors.json, the same each time with one version of Go.
func writeVectors(t *testing.T) {
	t.Helper()
	v, rng := new(vectorSet), mathrand.New(mathrand.NewChaCha8([32]byte([]byte("s2c: vectors of package cipher 1"))))
	bytesOf := func(n int) hexBytes {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	v.members(t, bytesOf)
	v.handshakes(t)
	v.packets(t, bytesOf)
	v.codes(t, bytesOf)
	v.badMessages(t)
	v.badPackets(t, bytesOf)
	v.badPayloads()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorFile, append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// members makes four members without a passphrase and two each with one of
// three.
func (v *vectorSet) members(t *testing.T, bytesOf func(int) hexBytes) {
	t.Helper()
	phrases := []string{"", "", "", "", phrase, phrase, "x", "x", "lärm  und\tLicht", "lärm  und\tLicht"}
	for i, p := range phrases {
		m := &vectorMember{
			X: bytesOf(32), KEM: bytesOf(32), Base: bytesOf(baseLen), Binding: bytesOf(32), Person: i, Session: "session1",
			Name: fmt.Sprintf("member %d", i), Passphrase: p, Slot: []uint16{0, 1, 15, 4095, 2, 16, 3, 255, 4, 256}[i],
		}
		switch i {
		case 1:
			m.Name = ""
		case 2:
			m.Name = "a name of exactly 32 bytes ......"[:32]
		case 9:
			m.Name = "bób"
		case 6, 7:
			m.Session = strings.Repeat("s", hello.MaxSession)
		}
		s := m.session(t)
		m.Hello, m.Hash = s.hello, s.hash[:]
		v.Members = append(v.Members, m)
	}
}

func (v *vectorSet) handshakes(t *testing.T) {
	t.Helper()
	type pair struct{ i, r int }
	var pairs []pair
	for n := range 20 {
		i := n % 4
		pairs = append(pairs, pair{i, (i + 1 + n/4%3) % 4})
	}
	for n := range 20 {
		i := 4 + n%6
		pairs = append(pairs, pair{i, i ^ 1})
	}
	for n, p := range pairs {
		h := &vectorHandshake{I: p.i, R: p.r}
		cryptotest.SetGlobalRandom(t, uint64(1000+n))
		i, r := v.Members[p.i], v.Members[p.r]
		other, err := hello.Parse(r.Hello)
		if err != nil {
			t.Fatal(err)
		}
		enc, ss, err := encapsulate(other.KEM[:], pairInfo(hello.Hash(i.Hash), hello.Hash(r.Hash)))
		if err != nil {
			t.Fatal(err)
		}
		h.SS = bytes.Clone(ss.bytes())
		s := i.session(t)
		vr := verified(t, r.session(t))
		admitted, err := s.admit(epoch, r.Slot, &vr, initiator)
		if err != nil {
			t.Fatal(err)
		}
		h.DH = bytes.Clone(admitted.run.dh.bytes())
		if i.Passphrase != "" {
			h.Seed = uint64(2000 + 2*n)
			h.YI, h.YR = scalars(t, h.Seed)
			h.shares(t, v, &run{i: hello.Hash(i.Hash), r: hello.Hash(r.Hash), enc: enc})
		}
		if n%5 == 0 {
			h.Boxes = []vectorBox{
				{From: "i", Payload: keyRequest{}.encode()},
				{From: "r", Payload: keyAck{uint32(n)}.encode()},
				{From: "i", Payload: commit{[32]byte{1}, [32]byte{2}}.encode()},
				{From: "r", Payload: reveal{[32]byte{3}, [32]byte{4}}.encode()},
				{From: "i", Payload: r.state()},
				{From: "r", Payload: bye{byeLeaving}.encode()},
				{From: "i", Payload: bye{byeExpired}.encode()},
			}
		}
		h.build(v, enc)
		v.Handshakes = append(v.Handshakes, h)
	}
}

func (v *vectorSet) packets(t *testing.T, bytesOf func(int) hexBytes) {
	t.Helper()
	slots := []uint16{0, 1, 15, 16, 255, 4095}
	gens := []uint32{0, 1, 15, 16, 17, 1 << 20}
	steps := []uint32{0, 1, 7, 8, 15, 16, 17, 40}
	ctrs := []uint64{0, 1, 7, 8, 255, 256, 65535, 65536, maxCTR - 1}
	lengths := []int{0, 1, 15, 16, 17, 60, 160}
	var bases []hexBytes
	for range 5 {
		bases = append(bases, bytesOf(baseLen))
	}
	for n := range 100 {
		p := &vectorPacket{
			Base: bases[n%len(bases)], Slot: slots[n%len(slots)], Gen: gens[n/6%len(gens)], Step: steps[n%len(steps)],
			Stream: sframe.Stream(n / 3 % sframe.Streams), CTR: ctrs[n%len(ctrs)], Clear: byte(n * 7), Plain: bytesOf(lengths[n%len(lengths)]),
		}
		if n == 99 {
			p.Plain = bytesOf(1100)
		}
		p.build(t)
		v.Packets = append(v.Packets, p)
	}
}

func (v *vectorSet) codes(t *testing.T, bytesOf func(int) hexBytes) {
	t.Helper()
	for _, members := range [][]int{{0, 1}, {2, 3}, {0, 1, 2}, {0, 1, 2, 3}, {4, 5}, {8, 9}} {
		c := &vectorCode{Members: members}
		order := slices.Clone(members)
		v.byHelloOrder(order)
		var hashes [][]byte
		for _, i := range order {
			hashes = append(hashes, v.Members[i].Hash)
		}
		roster := labelled("s2c/1 roster", hashes...)
		c.Roster = roster[:]
		nonces := make(map[int][]byte)
		for _, i := range members {
			nonce := bytesOf(32)
			sum := commitment(roster, hello.Hash(v.Members[i].Hash), [32]byte(nonce))
			c.Nonces, c.Commitments = append(c.Nonces, nonce), append(c.Commitments, sum[:])
			nonces[i] = nonce
		}
		parts := [][]byte{c.Roster}
		for _, i := range order {
			parts = append(parts, nonces[i])
		}
		sum := labelled("s2c/1 sas", parts...)
		c.Words = words.Four([5]byte(sum[:5]))
		v.Codes = append(v.Codes, c)
	}
}

// badMessages makes malformed messages for each state of a handshake without a
// passphrase and of one with it.
func (v *vectorSet) badMessages(t *testing.T) {
	t.Helper()
	add := func(what string, n int, at string, m []byte, want string) {
		v.Malformed.Messages = append(v.Malformed.Messages, &badMessage{what, n, at, m, want})
	}
	flip := func(m []byte, i int) []byte {
		m = bytes.Clone(m)
		m[(i+len(m))%len(m)] ^= 1
		return m
	}
	address := func(m []byte, t byte, from, to hexBytes) []byte {
		return slices.Concat([]byte{t}, from, to, m[pairHead:])
	}
	for _, n := range []int{5, 25} { // both have boxes
		h := v.Handshakes[n]
		i, r, stranger := v.Members[h.I].Hash, v.Members[h.R].Hash, v.Members[0].Hash
		type state struct {
			at   string
			good []byte
		}
		states := []state{{atMet, h.M1}, {atWelcomed, h.M2}}
		if h.M3 != nil {
			states = append(states, state{atAnswered, h.M3})
		}
		states = append(states, state{atConnected, h.Boxes[2].Message})
		for _, s := range states {
			from, to := i, r
			if s.at == atWelcomed {
				from, to = r, i
			}
			m := s.good
			add("empty", n, s.at, nil, "malformed")
			add("no body", n, s.at, m[:pairHead-1], "malformed")
			add("for another member", n, s.at, address(m, m[0], from, stranger), "malformed")
			add("of a stranger", n, s.at, address(m, m[0], stranger, to), "unknown key")
			add("reflected", n, s.at, address(m, m[0], to, from), "malformed")
			add("type 0", n, s.at, address(m, 0, from, to), "malformed")
			add("type 5", n, s.at, address(m, 5, from, to), "malformed")
			add("box cut to its overhead less one", n, s.at, m[:pairHead+boxOverhead-1], "malformed")
			add("last byte flipped", n, s.at, flip(m, -1), "auth")
			add("extended", n, s.at, append(bytes.Clone(m), 0), "auth")
			if s.at == atMet {
				add("ciphertext flipped", n, s.at, flip(m, pairHead), "auth")
				add("X25519 part of the ciphertext flipped", n, s.at, flip(m, pairHead+encLen-1), "auth")
				add("number of the box", n, s.at, flip(m, pairHead+encLen+3), "auth")
				add("ciphertext alone", n, s.at, m[:pairHead+encLen], "malformed")
				add("as M2", n, s.at, address(m, pairSecond, from, to), "unknown key")
			} else {
				add("number of the box flipped high", n, s.at, flip(m, pairHead), "auth")
				add("tag missing", n, s.at, m[:len(m)-tagLen], "auth")
				add("cut by one", n, s.at, m[:len(m)-1], "auth")
			}
			if s.at != atConnected {
				add("as box", n, s.at, address(m, pairBox, from, to), "unknown key")
			}
		}
		if h.M3 != nil {
			add("M3 as M1", n, atAnswered, address(h.M3, pairFirst, i, r), "replay")
			add("M3 again", n, atConnected, h.M3, "replay")
		} else {
			add("M2 as M1's answer by the wrong side", n, atConnected, address(h.M2, pairSecond, i, r), "replay")
		}
		for k, b := range h.Boxes {
			if b.From == "r" {
				add(fmt.Sprintf("box %d of the other direction", k), n, atConnected, address(b.Message, pairBox, i, r), "auth")
			}
		}
	}
}

func (v *vectorSet) badPackets(t *testing.T, bytesOf func(int) hexBytes) {
	t.Helper()
	base := bytesOf(baseLen)
	p := &vectorPacket{Base: base, Slot: 5, Stream: sframe.StreamVoice, CTR: 300, Clear: 0x08, Plain: []byte("hello")}
	p.build(t)
	good := []byte(p.Packet)
	add := func(what string, packet []byte, want string) {
		v.Malformed.Packets = append(v.Malformed.Packets, &badPacket{what, base, packet, want})
	}
	flip := func(i int) []byte {
		b := bytes.Clone(good)
		b[(i+len(b))%len(b)] ^= 1
		return b
	}
	head := func(kid sframe.KID, ctr uint64) []byte {
		return append(sframe.AppendHeader([]byte{0x08}, uint64(kid), ctr), good[6:]...)
	}
	add("empty", nil, "malformed")
	add("clear byte alone", good[:1], "malformed")
	add("header cut", good[:4], "malformed")
	add("header alone", good[:6], "malformed")
	add("no tag", good[:6+tagLen-1], "malformed")
	add("tag cut", good[:len(good)-1], "auth")
	add("extended", append(bytes.Clone(good), 0), "auth")
	add("last byte flipped", flip(-1), "auth")
	add("first byte of the payload flipped", flip(6), "auth")
	add("clear byte flipped", flip(0), "auth")
	add("KID not the shortest", slices.Concat([]byte{0x08, 0xa9, 0}, good[2:]), "malformed")
	add("CTR not the shortest", slices.Concat([]byte{0x08, 0x9a, good[2], good[3], 0}, good[4:]), "malformed")
	add("KID of 25 bits", append(sframe.AppendHeader([]byte{0x08}, 1<<24|5<<12|1<<8, 300), good[6:]...), "malformed")
	add("CTR of 2^24", head(sframe.NewKID(5, sframe.StreamVoice, 0, 0), maxCTR), "malformed")
	add("stream 7", head(sframe.NewKID(5, sframe.Streams, 0, 0), 300), "malformed")
	add("stream 15", head(sframe.NewKID(5, 15, 0, 0), 300), "malformed")
	add("other slot", head(sframe.NewKID(6, sframe.StreamVoice, 0, 0), 300), "unknown key")
	add("other generation", head(sframe.NewKID(5, sframe.StreamVoice, 1, 0), 300), "unknown key")
	add("8 steps ahead", head(sframe.NewKID(5, sframe.StreamVoice, 0, 8), 300), "unknown key")
	add("other step", head(sframe.NewKID(5, sframe.StreamVoice, 0, 1), 300), "auth")
	add("7 steps ahead", head(sframe.NewKID(5, sframe.StreamVoice, 0, 7), 300), "auth")
	add("other stream", head(sframe.NewKID(5, sframe.StreamVideo, 0, 0), 300), "auth")
	add("other counter", head(sframe.NewKID(5, sframe.StreamVoice, 0, 0), 301), "auth")
	add("largest counter", head(sframe.NewKID(5, sframe.StreamVoice, 0, 0), maxCTR-1), "auth")
}

func (v *vectorSet) badPayloads() {
	add := func(what string, b []byte) {
		v.Malformed.Payloads = append(v.Malformed.Payloads, &badPayload{what, b})
	}
	add("empty", nil)
	for _, kind := range []byte{0, 6, 8, 9, 255} {
		add(fmt.Sprintf("kind %d", kind), []byte{kind})
	}
	all := payloads()
	for _, name := range []string{"keyState", "keyAck", "keyRequest", "commit", "reveal", "bye"} {
		b := all[name]
		add(name+" extended", append(bytes.Clone(b), 0))
		if len(b) > 1 {
			add(name+" cut", b[:len(b)-1])
			add(name+" alone", b[:1])
		}
	}
	long := slices.Concat(all["keyState"][:keyStateHead-1], []byte{maxName + 1}, make([]byte, maxName+1))
	add("keyState with a name of 33 bytes", long)
	add("bye for reason 3", []byte{payloadBye, 3})
	add("share", append([]byte{payloadShare}, make([]byte, 32)...))
}

// build makes chains, messages and boxes of a handshake from its secrets, in
// the words of the description of the protocol.
func (h *vectorHandshake) build(v *vectorSet, enc []byte) {
	i, r := v.Members[h.I], v.Members[h.R]
	u := &run{i: hello.Hash(i.Hash), r: hello.Hash(r.Hash), enc: enc, ss: newSecret(bytes.Clone(h.SS)), dh: newSecret(bytes.Clone(h.DH))}
	head := func(t byte, from, to *vectorMember) []byte { return slices.Concat([]byte{t}, from.Hash, to.Hash) }
	there, back := u.chains(nil, nil, nil)
	h.There, h.Back = bytes.Clone(there.key.bytes()), bytes.Clone(back.key.bytes())
	if i.Passphrase == "" {
		h.M1 = there.seal(append(head(pairFirst, i, r), enc...), pairFirst, i.state())
		h.M2 = back.seal(head(pairSecond, r, i), pairSecond, r.state())
	} else {
		h.M1 = there.seal(append(head(pairFirst, i, r), enc...), pairFirst, append([]byte{payloadShare}, h.YA...))
		outer := back
		there, back = u.chains(h.YA, h.YB, h.ISK)
		h.InnerThere, h.InnerBack = bytes.Clone(there.key.bytes()), bytes.Clone(back.key.bytes())
		inner := back.seal(append([]byte{payloadShare}, h.YB...), pairSecond, r.state())
		h.M2 = outer.seal(head(pairSecond, r, i), pairSecond, inner)
		h.M3 = there.seal(head(pairThird, i, r), pairThird, i.state())
	}
	for n := range h.Boxes {
		b := &h.Boxes[n]
		if b.From == "i" {
			b.Message = there.seal(head(pairBox, i, r), pairBox, b.Payload)
		} else {
			b.Message = back.seal(head(pairBox, r, i), pairBox, b.Payload)
		}
	}
}

// build seals a packet.
func (p *vectorPacket) build(t *testing.T) {
	t.Helper()
	g := generation{gen: p.Gen, base: newSecret(bytes.Clone(p.Base))}
	for range p.Step {
		g.ratchet()
	}
	s := &Session{slot: p.Slot, own: g}
	for i := range s.sealers {
		s.sealers[i] = new(sealer)
	}
	s.startSealers()
	s.sealers[p.Stream].next = p.CTR
	var err error
	if p.Packet, err = s.Seal(nil, p.Stream, p.Clear, p.Plain); err != nil {
		t.Fatal(err)
	}
}

// scalars returns the two scalars of CPace that follow from a seed.
func scalars(t *testing.T, seed uint64) (yi, yr []byte) {
	t.Helper()
	for k, y := range []*[]byte{&yi, &yr} {
		cryptotest.SetGlobalRandom(t, seed+uint64(k))
		key, err := ecdh.X25519().GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		*y = key.Bytes()
	}
	return yi, yr
}

// shares runs CPace.
func (h *vectorHandshake) shares(t *testing.T, v *vectorSet, u *run) {
	t.Helper()
	password := []byte(v.Members[h.I].Passphrase)
	ci, sid := u.cpaceIDs()
	cryptotest.SetGlobalRandom(t, h.Seed)
	state, ya, err := cpace.Start(password, ci, sid)
	if err != nil {
		t.Fatal(err)
	}
	cryptotest.SetGlobalRandom(t, h.Seed+1)
	yb, isk, err := cpace.Respond(password, ci, sid, ya[:])
	if err != nil {
		t.Fatal(err)
	}
	if other, err := state.Finish(yb[:]); err != nil || other != isk {
		t.Fatalf("the two sides have different keys: %v", err)
	}
	h.YA, h.YB, h.ISK = ya[:], yb[:], isk[:]
}

// state is what the member tells of its key at first.
func (m *vectorMember) state() []byte {
	k := keyState{slot: m.Slot, generation: generation{base: newSecret(bytes.Clone(m.Base))}, name: m.Name}
	return k.append(nil)
}

// byHelloOrder puts members into the order of their hashes.
func (v *vectorSet) byHelloOrder(members []int) {
	slices.SortFunc(members, func(a, b int) int {
		return cmp.Compare(string(v.Members[a].Hash), string(v.Members[b].Hash))
	})
}
