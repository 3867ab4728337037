package cipher

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"testing"
	"testing/cryptotest"

	"github.com/sanix-darker/s2c/cipher/cpace"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/lab/person"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

const vectorFile = "testdata/vectors.json"

// A vectorSet is what vectors.json holds. README.md beside it says what it
// means.
type vectorSet struct {
	Members    []*vectorMember    `json:"members"`
	Handshakes []*vectorHandshake `json:"handshakes"`
	Packets    []*vectorPacket    `json:"packets"`
	Codes      []*vectorCode      `json:"codes"`
	Malformed  struct {
		Messages []*badMessage `json:"messages"`
		Packets  []*badPacket  `json:"packets"`
		Payloads []*badPayload `json:"payloads"`
	} `json:"malformed"`
}

type vectorMember struct {
	X          hexBytes `json:"x"`
	KEM        hexBytes `json:"kem"`
	Base       hexBytes `json:"base"`
	Binding    hexBytes `json:"binding"`
	Person     int      `json:"person"`
	Session    string   `json:"session"`
	Name       string   `json:"name"`
	Passphrase string   `json:"passphrase,omitempty"`
	Slot       uint16   `json:"slot"`
	Hello      hexBytes `json:"hello"`
	Hash       hexBytes `json:"hash"`
}

type vectorHandshake struct {
	I     int      `json:"initiator"`
	R     int      `json:"responder"`
	SS    hexBytes `json:"ss"`
	DH    hexBytes `json:"dh"`
	Seed  uint64   `json:"seed,omitempty"` // of the scalars, with testing/cryptotest
	YI    hexBytes `json:"scalar_i,omitempty"`
	YR    hexBytes `json:"scalar_r,omitempty"`
	YA    hexBytes `json:"ya,omitempty"`
	YB    hexBytes `json:"yb,omitempty"`
	ISK   hexBytes `json:"isk,omitempty"`
	There hexBytes `json:"chain_ir"`
	Back  hexBytes `json:"chain_ri"`
	// The chains that need the passphrase.
	InnerThere hexBytes    `json:"inner_ir,omitempty"`
	InnerBack  hexBytes    `json:"inner_ri,omitempty"`
	M1         hexBytes    `json:"m1"`
	M2         hexBytes    `json:"m2"`
	M3         hexBytes    `json:"m3,omitempty"`
	Boxes      []vectorBox `json:"boxes,omitempty"`
}

// A vectorBox is a message after the handshake.
type vectorBox struct {
	From    string   `json:"from"` // "i" or "r"
	Payload hexBytes `json:"payload"`
	Message hexBytes `json:"message"`
}

type vectorPacket struct {
	Base   hexBytes      `json:"base"` // of step 0
	Slot   uint16        `json:"slot"`
	Gen    uint32        `json:"gen"`
	Step   uint32        `json:"step"`
	Stream sframe.Stream `json:"stream"`
	CTR    uint64        `json:"ctr"`
	Clear  byte          `json:"clear"`
	Plain  hexBytes      `json:"plain"`
	Packet hexBytes      `json:"packet"`
}

type vectorCode struct {
	Members     []int      `json:"members"`
	Nonces      []hexBytes `json:"nonces"`
	Roster      hexBytes   `json:"roster"`
	Commitments []hexBytes `json:"commitments"`
	Words       [4]string  `json:"words"`
}

// The states of a session that gets a malformed message.
const (
	atMet       = "met"       // the responder has not got M1
	atWelcomed  = "welcomed"  // the initiator has sent M1
	atAnswered  = "answered"  // the responder has sent M2, with a passphrase
	atConnected = "connected" // the responder is connected
)

type badMessage struct {
	What      string   `json:"what"`
	Handshake int      `json:"handshake"`
	At        string   `json:"at"`
	Message   hexBytes `json:"message"`
	Error     string   `json:"error"`
}

type badPacket struct {
	What   string   `json:"what"`
	Base   hexBytes `json:"base"` // of generation 0, step 0 of the member in slot 5
	Packet hexBytes `json:"packet"`
	Error  string   `json:"error"`
}

type badPayload struct {
	What    string   `json:"what"`
	Payload hexBytes `json:"payload"`
}

// vectorErrors are the errors by their names.
var vectorErrors = map[string]error{"malformed": ErrMalformed, "unknown key": ErrUnknownKey, "auth": ErrAuth, "replay": ErrReplay}

// nameOf is the name of an error.
func nameOf(err error) string {
	for name, e := range vectorErrors {
		if errors.Is(err, e) {
			return name
		}
	}
	return "none"
}

// session makes the session of a member.
func (m *vectorMember) session(t *testing.T) *Session {
	t.Helper()
	x, err := ecdh.X25519().NewPrivateKey(m.X)
	if err != nil {
		t.Fatal(err)
	}
	kem, err := hpke.MLKEM768X25519().NewPrivateKey(m.KEM)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Identity: person.Identity(t, m.Person), Binding: [32]byte(m.Binding), Session: m.Session, Name: m.Name, Passphrase: m.Passphrase,
	}
	s, err := newSession(c, x, kem, bytes.Clone(m.Base))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(m.Slot); err != nil {
		t.Fatal(err)
	}
	return s
}

// run returns the run of a handshake, whose ciphertext begins the body of M1.
func (h *vectorHandshake) run(v *vectorSet) *run {
	return &run{
		i: hello.Hash(v.Members[h.I].Hash), r: hello.Hash(v.Members[h.R].Hash), enc: h.M1[pairHead : pairHead+encLen],
		ss: newSecret(bytes.Clone(h.SS)), dh: newSecret(bytes.Clone(h.DH)),
	}
}

// readVectors returns the vectors of the file.
func readVectors(tb testing.TB) *vectorSet {
	tb.Helper()
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		tb.Fatal(err)
	}
	v := new(vectorSet)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// TestVectors checks the implementation against the stored bytes.
func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	v := readVectors(t)
	bad := v.Malformed
	if len(v.Handshakes) < 40 || len(v.Packets) < 100 || len(bad.Messages)+len(bad.Packets)+len(bad.Payloads) < 100 {
		t.Fatal("vectors are missing")
	}
	for i, m := range v.Members {
		s := m.session(t)
		if !bytes.Equal(s.hello, m.Hello) || !bytes.Equal(s.hash[:], m.Hash) {
			t.Errorf("member %d has the Hello %x", i, s.hello)
		}
	}
	for n, h := range v.Handshakes {
		checkHandshake(t, v, n, h)
	}
	for n, p := range v.Packets {
		checkPacket(t, n, p)
	}
	for n, c := range v.Codes {
		checkCode(t, v, n, c)
	}
	checkMalformed(t, v)
	t.Logf("%d handshakes, %d packets, %d codes, %d malformed messages, %d packets, %d payloads",
		len(v.Handshakes), len(v.Packets), len(v.Codes), len(bad.Messages), len(bad.Packets), len(bad.Payloads))
}

// checkHandshake makes everything anew from the stored secrets, and gives the
// stored messages to sessions.
func checkHandshake(t *testing.T, v *vectorSet, n int, h *vectorHandshake) {
	t.Helper()
	again := *h
	again.Boxes = slices.Clone(h.Boxes)
	again.build(v, h.M1[pairHead:pairHead+encLen])
	want, _ := json.Marshal(h)
	if got, _ := json.Marshal(again); !bytes.Equal(got, want) {
		t.Errorf("handshake %d: %s, want %s", n, got, want)
	}
	i, r := v.at(t, n, atWelcomed), v.at(t, n, atMet)
	out := take(t, r, h.M1)
	if v.Members[h.I].Passphrase == "" {
		if !bytes.Equal(out.Pair[0], h.M2) || !isConfirmed(r, i) {
			t.Errorf("handshake %d: M2 is %x, want %x", n, out.Pair[0], h.M2)
		}
		if out := take(t, i, h.M2); len(out.Pair) != 0 || !isConfirmed(i, r) {
			t.Errorf("handshake %d: M2 was answered: %+v", n, out)
		}
	} else {
		checkShares(t, v, n, h)
		r = v.at(t, n, atAnswered)
		if take(t, r, h.M3); !isConfirmed(r, i) {
			t.Errorf("handshake %d: not confirmed after M3", n)
		}
		checkAnswer(t, v, n, h)
	}
	r = v.at(t, n, atConnected)
	for k, b := range h.Boxes {
		if b.From != "i" {
			continue
		}
		p := r.peers[hello.Hash(v.Members[h.I].Hash)]
		if plain, err := p.recv.open(pairBox, b.Message[pairHead:]); err != nil || !bytes.Equal(plain, b.Payload) {
			t.Errorf("handshake %d: box %d is %x, %v, want %x", n, k, plain, err, b.Payload)
		}
	}
}

// checkShares checks the shares of CPace, if the random numbers of this version
// of Go for a seed are those of the one that made the file.
func checkShares(t *testing.T, v *vectorSet, n int, h *vectorHandshake) {
	t.Helper()
	yi, yr := scalars(t, h.Seed)
	if !bytes.Equal(yi, h.YI) || !bytes.Equal(yr, h.YR) {
		t.Logf("handshake %d: this version of Go has other random numbers; shares are not checked", n)
		return
	}
	again := *h
	again.shares(t, v, h.run(v))
	if !bytes.Equal(again.YA, h.YA) || !bytes.Equal(again.YB, h.YB) || !bytes.Equal(again.ISK, h.ISK) {
		t.Errorf("handshake %d: shares %x, %x and key %x", n, again.YA, again.YB, again.ISK)
	}
}

// checkAnswer gives M2 to an initiator that has the scalar of the vector, if
// this version of Go can make it so.
func checkAnswer(t *testing.T, v *vectorSet, n int, h *vectorHandshake) {
	t.Helper()
	i := v.at(t, n, atWelcomed)
	p := i.peers[hello.Hash(v.Members[h.R].Hash)]
	if share := p.pake.Share(); !bytes.Equal(share[:], h.YA) {
		return
	}
	out := take(t, i, h.M2)
	if len(out.Pair) != 1 || !bytes.Equal(out.Pair[0], h.M3) {
		t.Errorf("handshake %d: M3 is %x, want %x", n, out.Pair, h.M3)
	}
}

// at returns a session of a handshake in one of its states.
func (v *vectorSet) at(t *testing.T, n int, state string) *Session {
	t.Helper()
	h := v.Handshakes[n]
	mine, theirs, side := v.Members[h.R], v.Members[h.I], responder
	if state == atWelcomed {
		mine, theirs, side = theirs, mine, initiator
	}
	s, o := mine.session(t), theirs.session(t)
	other := verified(t, o)
	p, err := s.admit(epoch, theirs.Slot, &other, side)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.run.dh.bytes(), h.DH) {
		t.Errorf("handshake %d: X25519 gives %x, want %x", n, p.run.dh.bytes(), h.DH)
	}
	u := h.run(v)
	there, back := u.chains(nil, nil, nil)
	if mine.Passphrase != "" && state != atWelcomed && state != atMet {
		there, back = u.chains(h.YA, h.YB, h.ISK)
	}
	switch state {
	case atWelcomed:
		p.run.i, p.run.r, p.run.enc, p.run.ss = u.i, u.r, u.enc, u.ss
		s.await(epoch, p)
		if mine.Passphrase == "" {
			p.send, p.recv, p.sealed = there, back, true
			s.sealState(p, pairFirst, nil)
			break
		}
		ci, sid := u.cpaceIDs()
		cryptotest.SetGlobalRandom(t, h.Seed)
		if p.pake, _, err = cpace.Start([]byte(mine.Passphrase), ci, sid); err != nil {
			t.Fatal(err)
		}
		p.outer = back
	case atAnswered, atConnected:
		p.recv, p.send, p.sealed, p.guessing = there, back, true, mine.Passphrase != ""
		s.sealState(p, pairSecond, nil)
		if state == atAnswered {
			break
		}
		typ, box := byte(pairFirst), []byte(h.M1[pairHead+encLen:])
		if p.guessing {
			typ, box = pairThird, h.M3[pairHead:]
		}
		plain, err := p.recv.open(typ, box)
		if err != nil {
			t.Fatal(err)
		}
		first, err := stateOf(p, plain)
		if err != nil {
			t.Fatal(err)
		}
		p.guessing = false
		s.confirm(epoch, p, first, new(Out))
	}
	return s
}

func checkPacket(t *testing.T, n int, p *vectorPacket) {
	t.Helper()
	again := *p
	if again.build(t); !bytes.Equal(again.Packet, p.Packet) {
		t.Errorf("packet %d is %x, want %x", n, again.Packet, p.Packet)
	}
	g := generation{gen: p.Gen, base: newSecret(bytes.Clone(p.Base))}
	for g.step+maxAhead < p.Step {
		g.ratchet()
	}
	s := &Session{openers: map[uint16]*opener{p.Slot: newOpener(p.Slot, g)}}
	plain, from, err := s.Open(nil, p.Packet)
	if err != nil || !bytes.Equal(plain, p.Plain) || from != (Origin{p.Slot, p.Stream, p.CTR}) {
		t.Errorf("packet %d: Open = %x, %+v, %v", n, plain, from, err)
	}
}

// checkCode has the first member of a code get what the others say.
func checkCode(t *testing.T, v *vectorSet, n int, c *vectorCode) {
	t.Helper()
	s := v.Members[c.Members[0]].session(t)
	for _, k := range c.Members[1:] {
		o := v.Members[k].session(t)
		connect(t, s, o)
	}
	digest, members := s.roster()
	if !bytes.Equal(digest[:], c.Roster) {
		t.Errorf("code %d: roster %x, want %x", n, digest, c.Roster)
	}
	s.code.rounds = map[[32]byte]*round{digest: {members: members, nonce: [32]byte(c.Nonces[0])}}
	var out Out
	for k, i := range c.Members {
		id := hello.Hash(v.Members[i].Hash)
		sum := commitment(digest, id, [32]byte(c.Nonces[k]))
		if !bytes.Equal(sum[:], c.Commitments[k]) {
			t.Errorf("code %d: commitment %d is %x, want %x", n, k, sum, c.Commitments[k])
		}
		if k > 0 {
			s.committed(epoch, s.peers[id], commit{digest, [32]byte(c.Commitments[k])}, &out)
			s.revealed(s.peers[id], reveal{digest, [32]byte(c.Nonces[k])}, &out)
		}
	}
	if got, ok := s.Code(); !ok || got != c.Words {
		t.Errorf("code %d is %v, %v, want %v", n, got, ok, c.Words)
	}
}

func checkMalformed(t *testing.T, v *vectorSet) {
	t.Helper()
	states := make(map[string]*Session) // nothing changes in them
	for n, m := range v.Malformed.Messages {
		key := m.At + string(rune(m.Handshake))
		if states[key] == nil {
			states[key] = v.at(t, m.Handshake, m.At)
		}
		s := states[key]
		before := snapshot(s)
		out, err := s.Handle(epoch, m.Message)
		if nameOf(err) != m.Error || len(out.Pair)+len(out.Events) > 0 || snapshot(s) != before {
			t.Errorf("malformed message %d (%s): %+v, %v, want %s and nothing changed", n, m.What, out, err, m.Error)
		}
	}
	for n, p := range v.Malformed.Packets {
		s := &Session{openers: map[uint16]*opener{5: newOpener(5, generation{base: newSecret(bytes.Clone(p.Base))})}}
		if plain, _, err := s.Open(nil, p.Packet); nameOf(err) != p.Error {
			t.Errorf("malformed packet %d (%s): %x, %v, want %s", n, p.What, plain, err, p.Error)
		}
	}
	for n, p := range v.Malformed.Payloads {
		if got, err := parsePayload(p.Payload); !errors.Is(err, ErrMalformed) {
			t.Errorf("malformed payload %d (%s): %+v, %v", n, p.What, got, err)
		}
	}
}
