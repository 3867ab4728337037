package cipher

import (
	"bytes"
	"crypto/ecdh"
	"errors"
	"fmt"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// The handshake between two members. One was there before (the initiator, who
// calls Welcome); the other has joined (the responder, who called Meet):
//
//	initiator                                    responder
//	Welcome  -- M1: box(key of the initiator) -->  Handle
//	Handle   <-- M2: box(key of the responder) --
//
// A pair message is type u8 | from [32] | to [32] | body; here the body is a box.

// The types of pair messages. The values are part of the protocol.
const (
	pairFirst  = 1 // M1
	pairSecond = 2 // M2
)

// pairHead is the size in bytes of what comes before the body.
const pairHead = 1 + 32 + 32

// maxGone bounds how many spent Hellos are remembered, 32 bytes each. A
// session that has seen so many people go is being flooded, and takes no more.
const maxGone = 1 << 16

// Why a member is refused.
var (
	errOwnHello  = errors.New("hello is my own")
	errSession   = errors.New("hello for another session")
	errKnown     = errors.New("member is known already")
	errSpent     = errors.New("hello of a member who has left")
	errSlotRange = errors.New("slot is too large")
	errSlotTaken = errors.New("slot is taken")
	errTooMany   = errors.New("too many members have come and gone")
)

// A role is a side of the handshake.
type role uint8

const (
	responder role = iota
	initiator
)

// A peer is a member whom this session has met or welcomed. Guarded by
// Session.mu.
type peer struct {
	hash hello.Hash
	slot uint16
	role role // mine, towards this peer
	dh   secret

	// The chains, from my own first box on.
	send, recv chain

	name      string
	sealed    bool // my key was sealed to this peer
	confirmed bool // the peer's key was opened
}

// public returns p as others may see it.
func (p *peer) public() Peer {
	return Peer{ID: p.hash, Slot: p.slot, Name: p.name, Confirmed: p.confirmed}
}

// clear overwrites the keys of p.
func (p *peer) clear() {
	p.dh.clear()
	p.send.key.clear()
	p.recv.key.clear()
}

// Meet takes the Hello of a member who was there before this one; their first
// pair message will come. It returns the peer's Hash. It fails for a Hello that
// is malformed, of another session, known or of a member who has left, and for
// a slot that another member has: the later one is refused.
func (s *Session) Meet(slot uint16, peer []byte) (hello.Hash, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.admit(slot, peer, responder)
	if err != nil {
		return hello.Hash{}, fmt.Errorf("meet member in slot %d: %w", slot, err)
	}
	return p.hash, nil
}

// Welcome takes the Hello of a member who joins after this one, and returns
// the pair message (M1) to forward to them. From then on they are among Peers,
// as they may be able to open what this session seals. It fails as Meet does.
func (s *Session) Welcome(slot uint16, peer []byte) (pair []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.admit(slot, peer, initiator)
	if err != nil {
		return nil, fmt.Errorf("welcome member in slot %d: %w", slot, err)
	}
	p.send, p.recv = schedule(p.dh, s.hash, p.hash)
	return s.sealKey(p, pairFirst), nil
}

// admit adds the member whose Hello is raw. s.mu is held.
func (s *Session) admit(slot uint16, raw []byte, mine role) (*peer, error) {
	h, err := hello.Parse(raw)
	if err != nil {
		return nil, err
	}
	p := &peer{hash: hello.Sum(raw), slot: slot, role: mine}
	if err := s.check(p, h.Session); err != nil {
		return nil, err
	}
	pub, err := ecdh.X25519().NewPublicKey(h.X[:])
	if err != nil {
		return nil, err
	}
	dh, err := s.agree(pub) // fails for an all-zero result
	if err != nil {
		return nil, err
	}
	p.dh = newSecret(dh)
	s.peers[p.hash] = p
	return p, nil
}

// check says why p, whose Hello names a session, cannot be added. s.mu is held.
func (s *Session) check(p *peer, session string) error {
	_, spent := s.gone[p.hash]
	switch {
	case !s.started:
		return errNoKeys
	case p.hash == s.hash:
		return errOwnHello
	case session != s.session:
		return errSession
	case spent:
		return errSpent
	case s.peers[p.hash] != nil:
		return errKnown
	case p.slot > sframe.MaxSlot:
		return errSlotRange
	case len(s.gone) >= maxGone:
		return errTooMany
	case p.slot == s.slot:
		return errSlotTaken
	}
	for _, q := range s.peers {
		if q.slot == p.slot {
			return errSlotTaken
		}
	}
	return nil
}

// sealKey seals my key to p in a message of type t. s.mu is held.
func (s *Session) sealKey(p *peer, t byte) []byte {
	state := keyState{slot: s.slot, generation: s.own, name: s.name}
	plain := state.append(make([]byte, 0, maxKeyState))
	defer clear(plain)
	m := make([]byte, 0, pairHead+boxOverhead+len(plain))
	m = append(append(append(m, t), s.hash[:]...), p.hash[:]...)
	p.sealed = true
	return p.send.seal(m, t, plain)
}

// Handle takes a pair message. It returns the answer to forward, or nil, and
// the peer as known afterwards.
//
// A message that it refuses changes nothing: the true one is still accepted
// afterwards, once. The error wraps ErrMalformed for what no member sends me,
// ErrUnknownKey for a member who was not met, ErrReplay or ErrAuth.
func (s *Session) Handle(pair []byte) (answer []byte, p Peer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		return nil, Peer{}, errNoKeys
	}
	if len(pair) < pairHead {
		return nil, Peer{}, ErrMalformed
	}
	t, from, to, body := pair[0], hello.Hash(pair[1:33]), hello.Hash(pair[33:65]), pair[pairHead:]
	if to != s.hash || from == s.hash {
		return nil, Peer{}, fmt.Errorf("pair message for another member: %w", ErrMalformed)
	}
	q := s.peers[from]
	if q == nil {
		return nil, Peer{}, fmt.Errorf("pair message of a stranger: %w", ErrUnknownKey)
	}
	switch t {
	case pairFirst:
		answer, err = s.handleFirst(q, body)
	case pairSecond:
		err = s.handleSecond(q, body)
	default:
		err = ErrMalformed
	}
	if err != nil {
		return nil, Peer{}, fmt.Errorf("pair message %d of slot %d: %w", t, q.slot, err)
	}
	return answer, q.public(), nil
}

// handleFirst takes M1 and returns M2. s.mu is held.
//
// When each of the two has welcomed the other, which takes a hub that told both
// of a joiner, there are two M1. That of the smaller hash stands; whoever sent
// the other one becomes the responder. The two runs differ in who is first in
// the transcript, and so in all keys.
func (s *Session) handleFirst(p *peer, body []byte) ([]byte, error) {
	if p.confirmed {
		return nil, ErrReplay
	}
	if p.role == initiator && bytes.Compare(s.hash[:], p.hash[:]) < 0 {
		return nil, ErrUnknownKey // my own M1 stands
	}
	recv, send := schedule(p.dh, p.hash, s.hash)
	next, state, err := openKey(p, &recv, pairFirst, body)
	recv.key.clear()
	if err != nil {
		send.key.clear()
		return nil, err
	}
	p.send.key.clear() // of my own run, if there was one
	p.recv.key.clear()
	p.role, p.send, p.recv = responder, send, next
	s.confirm(p, state)
	return s.sealKey(p, pairSecond), nil
}

// handleSecond takes M2. s.mu is held.
func (s *Session) handleSecond(p *peer, body []byte) error {
	if p.confirmed {
		return ErrReplay
	}
	if p.role != initiator {
		return ErrUnknownKey // M2 answers what I never sent
	}
	next, state, err := openKey(p, &p.recv, pairSecond, body)
	if err != nil {
		return err
	}
	p.recv.key.clear()
	p.recv = next
	s.confirm(p, state)
	return nil
}

// openKey opens the box of a message of type t from p. It changes neither p
// nor c, and returns the chain after the box.
func openKey(p *peer, c *chain, t byte, body []byte) (chain, keyState, error) {
	plain, next, err := c.open(t, body)
	if err != nil {
		return chain{}, keyState{}, err
	}
	defer clear(plain)
	state, err := parseKeyState(plain)
	if err == nil && state.slot != p.slot {
		state.base.clear()
		err = fmt.Errorf("the member says slot %d: %w", state.slot, ErrMalformed)
	}
	if err != nil {
		next.key.clear()
		return chain{}, keyState{}, err
	}
	return next, state, nil
}

// confirm takes p's key. s.mu is held.
func (s *Session) confirm(p *peer, state keyState) {
	p.dh.clear()
	p.name, p.confirmed = state.name, true
	s.rx.Lock()
	s.openers[p.slot] = &opener{slot: p.slot, generation: state.generation}
	s.rx.Unlock()
}
