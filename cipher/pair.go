package cipher

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/sanix-darker/s2c/cipher/cpace"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// The handshake between two members. One was there before (the initiator, who
// calls Welcome); the other has joined (the responder, who called Meet). Each
// has checked the other's certificate before.
//
//	initiator                                         responder
//	Welcome  -- M1: enc, box(key of the initiator) -->  Handle
//	Handle   <-- M2: box(key of the responder) -------
//
// With a passphrase, nobody tells their key before the other has shown to know
// it. The outer boxes show who speaks, so that nobody can guess in the name of
// another, and a damaged message is not taken for a guess:
//
//	Welcome  -- M1: enc, box(ya) ---------------------->  Handle
//	Handle   <-- M2: box(yb, box'(key of responder)) --
//	Handle   -- M3: box'(key of the initiator) ------->  Handle
//
// enc is the X-Wing ciphertext, ya and yb are the shares of CPace; box' is a
// box of the chains that need the passphrase. Everything later is a box.
//
// A pair message is type u8 | from [32] | to [32] | body.

// The types of pair messages. The values are part of the protocol.
const (
	pairFirst  = 1 // M1
	pairSecond = 2 // M2
	pairThird  = 3 // M3
	pairBox    = 4
)

// pairHead is the size in bytes of what comes before the body.
const pairHead = 1 + 32 + 32

// maxGone bounds how many spent Hellos are remembered, 32 bytes each. A
// session that has seen so many people go is being flooded, and takes no more.
const maxGone = 1 << 16

// maxUnconfirmed is how many handshakes may be under way that this side began.
const maxUnconfirmed = 64

// Why a member is refused.
var (
	errOwnHello  = errors.New("hello is my own")
	errSession   = errors.New("hello for another session")
	errKnown     = errors.New("member is known already")
	errSpent     = errors.New("hello of a member who has left")
	errSlotRange = errors.New("slot is too large")
	errSlotTaken = errors.New("slot is taken")
	errTooMany   = errors.New("too many members have come and gone")
	errBusy      = errors.New("too many members are joining at once")
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
	fp   hello.Fingerprint
	slot uint16
	role role // mine, towards this peer

	// Of the handshake.
	run      run          // until confirmed
	outer    chain        // that opens the answer to my M1, with a passphrase
	pake     *cpace.State // of my M1, with a passphrase
	mine     []byte       // my last message
	heard    [32]byte     // SHA-256 of the message that mine answers
	deadline time.Time    // for the answer to mine; zero for none
	repeat   time.Time    // when to say mine again
	guessing bool         // could test one passphrase with my M2, and has not shown to know it

	// The chains, once both sides can have them.
	send, recv chain

	name      string
	sealed    bool // my key was sealed to this peer
	confirmed bool // the peer's key was opened

	asked, told, said time.Time // for a key; my key; my part of the code again
	sayings           sayings
}

// public returns p as others may see it.
func (p *peer) public() Peer {
	return Peer{ID: p.hash, Fingerprint: p.fp, Slot: p.slot, Name: p.name, Confirmed: p.confirmed}
}

// clear overwrites the keys of p.
func (p *peer) clear() {
	p.run.clear()
	p.outer.clear()
	if p.pake != nil {
		p.pake.Close()
		p.pake = nil
	}
	p.send.clear()
	p.recv.clear()
}

// Meet takes the Hello of a member who was there before this one; their first
// pair message will come. It fails for a Hello of another session, known or of
// a member who has left, for a slot that another member has (the later one is
// refused), and with ErrPolicy or ErrGuessing.
func (s *Session) Meet(now time.Time, slot uint16, v hello.Verified) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.admit(now, slot, &v, responder); err != nil {
		return fmt.Errorf("meet member in slot %d: %w", slot, err)
	}
	return nil
}

// Welcome takes the Hello of a member who joins after this one, and returns
// the pair message (M1) to forward to them. Without a passphrase they are among
// Peers from then on, as they may be able to open what this session seals. It
// fails as Meet does, and while 64 members are joining.
func (s *Session) Welcome(now time.Time, slot uint16, v hello.Verified) (pair []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.admit(now, slot, &v, initiator)
	if err != nil {
		return nil, fmt.Errorf("welcome member in slot %d: %w", slot, err)
	}
	if err := s.first(now, p, v.Hello()); err != nil {
		s.drop(p)
		return nil, fmt.Errorf("welcome member in slot %d: %w", slot, err)
	}
	return p.mine, nil
}

// first makes M1. s.mu is held.
func (s *Session) first(now time.Time, p *peer, h *hello.Hello) error {
	enc, ss, err := encapsulate(h.KEM[:], pairInfo(s.hash, p.hash))
	if err != nil {
		return err
	}
	p.run.i, p.run.r, p.run.enc, p.run.ss = s.hash, p.hash, enc, ss
	there, back := p.run.chains(nil, nil, nil)
	m := append(s.head(p, pairFirst), enc...)
	if s.password.bytes() == nil {
		s.advance()
		p.send, p.recv, p.sealed = there, back, true
		p.mine = s.sealState(p, pairFirst, m)
	} else {
		defer there.clear()
		ci, sid := p.run.cpaceIDs()
		pake, share, err := cpace.Start(s.password.bytes(), ci, sid)
		if err != nil {
			return err
		}
		p.pake, p.outer = pake, back
		p.mine = there.seal(m, pairFirst, append([]byte{payloadShare}, share[:]...))
	}
	s.await(now, p)
	return nil
}

// await gives p time to answer my message. s.mu is held.
func (s *Session) await(now time.Time, p *peer) {
	p.deadline, p.repeat = now.Add(answerTime), now.Add(repeatEvery)
}

// admit adds a member. s.mu is held.
func (s *Session) admit(now time.Time, slot uint16, v *hello.Verified, mine role) (*peer, error) {
	h := v.Hello()
	p := &peer{hash: v.Hash(), fp: h.Fingerprint, slot: slot, role: mine}
	if err := s.check(now, p, h); err != nil {
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
	p.run.dh = newSecret(dh)
	s.peers[p.hash] = p
	return p, nil
}

// check says why p, whose Hello is h, cannot be added. s.mu is held.
func (s *Session) check(now time.Time, p *peer, h *hello.Hello) error {
	_, spent := s.gone[p.hash]
	switch {
	case !s.started:
		return errNoKeys
	case p.hash == s.hash:
		return errOwnHello
	case h.Session != s.session:
		return errSession
	case h.Passphrase != (s.password.bytes() != nil):
		return ErrPolicy
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
	begun, same := 0, 0
	for _, q := range s.peers {
		if q.slot == p.slot {
			return errSlotTaken
		}
		if q.role == initiator && !q.confirmed {
			begun++
		}
		if q.fp == p.fp && !q.confirmed {
			same++
		}
	}
	switch {
	case h.Passphrase && s.guard.refuses(now, p.fp, same):
		return ErrGuessing
	case p.role == initiator && begun >= maxUnconfirmed:
		return errBusy
	}
	return nil
}

// mayTest reports whether p may have an answer to M1, with which it can test
// one passphrase. It counts when it is wrong, and until then as under way: many
// who were met at once could else test as many before the first is found out.
func (s *Session) mayTest(now time.Time, p *peer) bool {
	underway := 0
	for _, q := range s.peers {
		if q.guessing {
			underway++
		}
	}
	return underway < maxUnconfirmed && !s.guard.refuses(now, p.fp, 0)
}

// head returns the start of a message to p.
func (s *Session) head(p *peer, t byte) []byte {
	m := make([]byte, 0, pairHead+encLen+cpace.ShareSize+3*boxOverhead+maxKeyState)
	return append(append(append(m, t), s.hash[:]...), p.hash[:]...)
}

// sealState appends to m a box for p with the key that I seal with. s.mu is held.
func (s *Session) sealState(p *peer, t byte, m []byte) []byte {
	plain := s.state(&s.own)
	defer clear(plain)
	return p.send.seal(m, t, plain)
}

// box returns a message to p that holds plain, which it clears. It returns nil
// while there is no channel. s.mu is held.
func (s *Session) box(p *peer, plain []byte) []byte {
	defer clear(plain)
	if !p.send.live() {
		return nil
	}
	return p.send.seal(s.head(p, pairBox), pairBox, plain)
}

// Handle takes a pair message.
//
// A message that it refuses changes nothing: the true one is still accepted
// afterwards, once. The error wraps ErrMalformed for what no member sends me,
// ErrUnknownKey for a member who was not met, ErrReplay, ErrAuth or ErrGuessing.
// That a peer does not know the passphrase is an Event, not an error.
func (s *Session) Handle(now time.Time, pair []byte) (Out, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out Out
	if !s.started {
		return out, errNoKeys
	}
	if len(pair) < pairHead {
		return out, ErrMalformed
	}
	t, from, to, body := pair[0], hello.Hash(pair[1:33]), hello.Hash(pair[33:65]), pair[pairHead:]
	if to != s.hash || from == s.hash {
		return out, fmt.Errorf("pair message for another member: %w", ErrMalformed)
	}
	p := s.peers[from]
	if p == nil {
		return out, fmt.Errorf("pair message of a stranger: %w", ErrUnknownKey)
	}
	var err error
	switch t {
	case pairFirst:
		err = s.handleFirst(now, p, body, &out)
	case pairSecond:
		err = s.handleSecond(now, p, body, &out)
	case pairThird:
		err = s.handleThird(now, p, body, &out)
	case pairBox:
		err = s.handleBox(now, p, body, &out)
	default:
		err = ErrMalformed
	}
	if err != nil {
		return Out{}, fmt.Errorf("pair message %d of slot %d: %w", t, p.slot, err)
	}
	return out, nil
}

// again reports whether p has sent a message before, whose answer got lost, and
// answers as before.
func (p *peer) again(body []byte, out *Out) bool {
	if p.heard != sha256.Sum256(body) {
		return false
	}
	out.send(p.mine)
	return true
}

// handleFirst takes M1 and answers with M2. s.mu is held.
//
// When each of the two has welcomed the other, which takes a hub that told both
// of a joiner, there are two M1. That of the smaller hash stands; whoever sent
// the other one becomes the responder. The two runs differ in who is first in
// the transcript, and so in all keys.
func (s *Session) handleFirst(now time.Time, p *peer, body []byte, out *Out) error {
	switch {
	case p.confirmed || p.guessing:
		if p.role == responder && p.again(body, out) {
			return nil
		}
		return ErrReplay
	case p.role == initiator && bytes.Compare(s.hash[:], p.hash[:]) < 0:
		return ErrUnknownKey // my own M1 stands
	case len(body) < encLen+boxOverhead:
		return ErrMalformed
	case s.password.bytes() != nil && !s.mayTest(now, p):
		return ErrGuessing // it says M1 again in a second
	}
	enc := bytes.Clone(body[:encLen])
	ss, err := s.decap(enc, pairInfo(p.hash, s.hash))
	if err != nil {
		return ErrAuth
	}
	theirs := run{i: p.hash, r: s.hash, enc: enc, ss: ss, dh: p.run.dh}
	there, back := theirs.chains(nil, nil, nil)
	plain, err := there.open(pairFirst, body[encLen:])
	defer clear(plain)
	if err == nil {
		if s.password.bytes() == nil {
			err = s.answer(now, p, there, back, plain, out)
		} else {
			err = s.answerShare(now, p, &theirs, &back, plain)
			there.clear()
			back.clear()
		}
	}
	ss.clear()
	if err != nil {
		there.clear()
		back.clear()
		return err
	}
	p.heard = sha256.Sum256(body)
	out.Pair = append([][]byte{p.mine}, out.Pair...) // before what follows it
	return nil
}

// respond makes p the one who began, whatever I have begun. s.mu is held.
func (s *Session) respond(p *peer, send, recv chain) {
	p.outer.clear()
	if p.pake != nil {
		p.pake.Close()
		p.pake = nil
	}
	p.send.clear()
	p.recv.clear()
	p.role, p.send, p.recv = responder, send, recv
}

// answer makes M2 without a passphrase. s.mu is held.
func (s *Session) answer(now time.Time, p *peer, recv, send chain, plain []byte, out *Out) error {
	state, err := stateOf(p, plain)
	if err != nil {
		return err
	}
	s.respond(p, send, recv)
	s.advance()
	p.sealed = true
	p.mine = s.sealState(p, pairSecond, s.head(p, pairSecond))
	s.confirm(now, p, state, out)
	return nil
}

// answerShare makes M2 with a passphrase. outer seals it. s.mu is held.
func (s *Session) answerShare(now time.Time, p *peer, theirs *run, outer *chain, plain []byte) error {
	ya, rest, err := parseShare(plain)
	if err != nil || len(rest) > 0 {
		return ErrMalformed
	}
	ci, sid := theirs.cpaceIDs()
	yb, isk, err := cpace.Respond(s.password.bytes(), ci, sid, ya)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	defer clear(isk[:])
	recv, send := theirs.chains(ya, yb[:], isk[:])
	s.respond(p, send, recv)
	s.advance()
	p.sealed, p.guessing = true, true
	inner := s.sealState(p, pairSecond, append([]byte{payloadShare}, yb[:]...))
	p.mine = outer.seal(s.head(p, pairSecond), pairSecond, inner)
	s.await(now, p)
	return nil
}

// handleSecond takes M2. s.mu is held.
func (s *Session) handleSecond(now time.Time, p *peer, body []byte, out *Out) error {
	switch {
	case p.confirmed:
		if p.role == initiator && p.mine != nil && p.again(body, out) {
			return nil
		}
		return ErrReplay
	case p.role != initiator:
		return ErrUnknownKey // M2 answers what I never sent
	case p.pake != nil:
		return s.finish(now, p, body, out)
	}
	plain, err := p.recv.open(pairSecond, body)
	if err != nil {
		return err
	}
	defer clear(plain)
	state, err := stateOf(p, plain)
	if err != nil {
		return err
	}
	p.mine = nil // M1 is answered
	s.confirm(now, p, state, out)
	return nil
}

// finish takes M2 with a passphrase and answers with M3. s.mu is held.
func (s *Session) finish(now time.Time, p *peer, body []byte, out *Out) error {
	plain, err := p.outer.open(pairSecond, body)
	if err != nil {
		return err
	}
	// From here on it is the peer who speaks, once: no second guess.
	yb, inner, err := parseShare(plain)
	var isk [64]byte
	if err == nil {
		isk, err = p.pake.Finish(yb)
	}
	var state keyState
	if err == nil {
		defer clear(isk[:])
		share := p.pake.Share()
		send, recv := p.run.chains(share[:], yb, isk[:])
		var told []byte
		if told, err = recv.open(pairSecond, inner); err == nil {
			defer clear(told)
			state, err = stateOf(p, told)
		}
		p.send, p.recv = send, recv
	}
	if err != nil {
		s.guard.fail(now, p.fp)
		was := p.public()
		s.forget(now, p)
		out.event(GuessFailed, was)
		return nil
	}
	s.advance()
	p.sealed = true
	p.mine = s.sealState(p, pairThird, s.head(p, pairThird))
	p.heard = sha256.Sum256(body)
	out.send(p.mine)
	s.confirm(now, p, state, out)
	return nil
}

// handleThird takes M3. s.mu is held.
func (s *Session) handleThird(now time.Time, p *peer, body []byte, out *Out) error {
	switch {
	case p.confirmed:
		return ErrReplay
	case !p.guessing:
		return ErrUnknownKey // M3 answers what I never sent
	}
	plain, err := p.recv.open(pairThird, body)
	if err != nil {
		return err
	}
	defer clear(plain)
	state, err := stateOf(p, plain)
	if err != nil {
		return err
	}
	p.guessing = false
	s.confirm(now, p, state, out)
	return nil
}

// stateOf decodes the first keyState of p.
func stateOf(p *peer, plain []byte) (keyState, error) {
	state, err := parseKeyState(plain)
	if err == nil && state.slot != p.slot {
		state.base.clear()
		err = fmt.Errorf("the member says slot %d: %w", state.slot, ErrMalformed)
	}
	return state, err
}

// confirm takes p's key, and tells p the one that I am about to use. s.mu is
// held.
func (s *Session) confirm(now time.Time, p *peer, state keyState, out *Out) {
	p.run.clear()
	p.outer.clear()
	if p.pake != nil {
		p.pake.Close()
		p.pake = nil
	}
	p.deadline, p.repeat = time.Time{}, time.Time{}
	p.name, p.confirmed = state.name, true
	s.rx.Lock()
	s.openers[p.slot] = newOpener(p.slot, state.generation)
	s.rx.Unlock()
	if s.turn.pending {
		out.send(s.box(p, s.state(&s.turn.next)))
	}
	s.rosterChanged(now)
	out.event(Confirmed, p.public())
}

// handleBox takes a message of a peer after the handshake. s.mu is held.
func (s *Session) handleBox(now time.Time, p *peer, body []byte, out *Out) error {
	if !p.confirmed {
		return ErrUnknownKey
	}
	plain, err := p.recv.open(pairBox, body)
	if err != nil {
		return err
	}
	defer clear(plain)
	payload, err := parsePayload(plain)
	if err != nil {
		return err
	}
	switch payload := payload.(type) {
	case keyState:
		return s.learn(p, payload, out)
	case keyAck:
		s.acked(p, payload.gen, out)
	case keyRequest:
		if now.Sub(p.told) >= tellEvery {
			p.told = now
			out.send(s.box(p, s.state(&s.own)))
			if s.turn.pending {
				out.send(s.box(p, s.state(&s.turn.next)))
			}
		}
	case commit:
		s.committed(now, p, payload, out)
	case reveal:
		s.revealed(p, payload, out)
	case bye:
		kind := Departed
		switch payload.reason {
		case byeRemoved:
			kind = Removed
		case byeExpired:
			kind = GivenUp
		default:
		}
		was := p.public()
		s.forget(now, p)
		out.event(kind, was)
	}
	return nil
}

// learn takes a new key of p and says that it is there. s.mu is held.
func (s *Session) learn(p *peer, state keyState, out *Out) error {
	if state.slot != p.slot {
		state.base.clear()
		return fmt.Errorf("the member says slot %d: %w", state.slot, ErrMalformed)
	}
	s.rx.RLock()
	o := s.openers[p.slot]
	s.rx.RUnlock()
	o.learn(state.generation)
	out.send(s.box(p, keyAck{state.gen}.encode()))
	return nil
}
