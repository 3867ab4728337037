// Package cipher seals what members send each other and opens what they
// receive. It does no I/O and reads no clock: bytes and instants in, bytes out.
//
// Each member seals with a key of their own (SFrame, RFC 9605, suite 5:
// AES-256-GCM), and tells it to each other member through a channel that only
// the two can read. A channel comes from a handshake of two or three messages:
//
//	who      RSA-PSS over the Hello of this connection (package hello)
//	keys     HPKE with X-Wing (ML-KEM-768 and X25519), and X25519 between the
//	         two Hellos, which authenticates the one who encapsulates
//	session  with a passphrase: CPace, so that nobody can guess it offline
//
// The hub forwards all of it and can open nothing. A Session gives its key only
// to those whom its caller lets in with Meet and Welcome; they are its Peers
// from that moment on, so that nobody listens unseen. Its key moves on before
// somebody is let in and is replaced after somebody has left.
package cipher

import (
	"bytes"
	"cmp"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// Overhead is how many bytes Seal adds at most: the clear byte, the SFrame
// header of a packet that s2c sends, and the tag.
const Overhead = 1 + 8 + 16

// What Open and Handle return. None of them changes any state.
var (
	ErrMalformed  = errors.New("malformed packet")
	ErrUnknownKey = errors.New("packet sealed with an unknown key")
	ErrAuth       = errors.New("packet is not authentic")
	ErrReplay     = errors.New("packet was received before")
	ErrExhausted  = errors.New("key has sealed all it may")
)

// ErrPolicy is wrapped by the errors of Meet and Welcome for a member with whom
// this session cannot deal: one of the two has a passphrase and the other has
// none. ErrGuessing is wrapped while too many have failed to know it.
var (
	ErrPolicy   = errors.New("one has a passphrase and the other has none")
	ErrGuessing = errors.New("somebody is guessing the passphrase")
)

// errNoKeys is returned by a Session that has no slot yet, or no keys any more.
var errNoKeys = errors.New("session has not started or is closed")

// maxName is the size in bytes of the longest name of a member.
const maxName = 32

// A Peer is another member as this session knows them.
type Peer struct {
	ID          hello.Hash        // of the peer's Hello: one connection of one member
	Fingerprint hello.Fingerprint // of the peer's identity
	Slot        uint16
	Name        string // as the peer sent it; empty until known; not cleaned for a terminal
	Confirmed   bool   // the peer holds my key and I hold theirs
}

// An EventKind says what has happened in a Session.
type EventKind uint8

// The kinds of events.
const (
	Confirmed   EventKind = iota // Peer and I hold each other's keys: they are present
	Expired                      // Peer did not answer in time and was forgotten, as one who has left
	Departed                     // Peer said goodbye and was forgotten
	Removed                      // Peer has removed me: they hear and show me no more, and I them
	GuessFailed                  // Peer does not know the passphrase and was forgotten; see Guard
	Rekeyed                      // I seal with a new key from now on; whoever joined needs a key picture
	CodeChanged                  // Code has another result than before
	GivenUp                      // Peer has waited for an answer of mine in vain, and was forgotten
)

// An Event is something that a Session has found out.
type Event struct {
	Kind EventKind
	Peer Peer // as it was; the zero Peer for Rekeyed and CodeChanged
}

// Out is what a step of a Session asks of its caller: pair messages to forward
// to other members, in this order, and events to take note of.
type Out struct {
	Pair   [][]byte
	Events []Event
}

// event appends an event.
func (o *Out) event(k EventKind, p Peer) { o.Events = append(o.Events, Event{Kind: k, Peer: p}) }

// send appends a pair message, unless it is nil.
func (o *Out) send(m []byte) {
	if m != nil {
		o.Pair = append(o.Pair, m)
	}
}

// Config is what a Session needs.
type Config struct {
	Identity   *identity.Identity // who I am; must not be nil
	Binding    [32]byte           // see transport.Info
	Session    string             // must pass hello.CheckSession
	Name       string             // my name, at most 32 bytes; told to members, never to the hub
	Passphrase string             // "" means a session without one; else I deal only with those who know it
	Guard      *Guard             // counts wrong passphrases over several connections; nil for this one alone
}

// A Session holds one member's keys in a session, for one connection: the
// channels with each other member and the sender keys. It is safe for use by
// several goroutines.
type Session struct {
	// Set by NewSession.
	name     string
	session  string
	hello    []byte
	cert     []byte
	hash     hello.Hash
	password secret // of the session; nothing without one
	guard    *Guard
	sealers  [sframe.Streams]*sealer

	// Guarded by mu, which is held for a whole handshake step. Private keys are
	// functions, so that they do not print; nil once closed.
	mu      sync.Mutex
	agree   func(*ecdh.PublicKey) ([]byte, error)  // X25519
	decap   func(enc, info []byte) (secret, error) // X-Wing
	slot    uint16                                 // mine, once started
	started bool
	peers   map[hello.Hash]*peer
	gone    map[hello.Hash]struct{} // peers of before; their Hello is not taken again
	own     generation              // what I seal with
	turn    turn                    // the change of own
	last    time.Time               // when Due was called
	code    code

	// Guarded by rx, which is held for a look-up only, so that a handshake
	// does not delay a packet. Taken after mu.
	rx      sync.RWMutex
	openers map[uint16]*opener // by slot
}

// NewSession makes the keys of a session. It fails for a Config that breaks
// the rules stated there. It takes some milliseconds, for the one signature of
// a session.
func NewSession(c Config) (*Session, error) {
	x, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make session key: %w", err)
	}
	kem, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("make session key: %w", err)
	}
	base := make([]byte, baseLen)
	if _, err := rand.Read(base); err != nil {
		return nil, fmt.Errorf("make sender key: %w", err)
	}
	return newSession(c, x, kem, base)
}

// newSession is NewSession with given keys. It takes over base.
func newSession(c Config, x *ecdh.PrivateKey, kem hpke.PrivateKey, base []byte) (*Session, error) {
	if err := hello.CheckSession(c.Session); err != nil {
		return nil, err
	}
	if len(c.Name) > maxName {
		return nil, fmt.Errorf("a member's name has at most %d bytes, not %d", maxName, len(c.Name))
	}
	h := hello.Hello{
		Passphrase: c.Passphrase != "",
		Binding:    c.Binding, Fingerprint: c.Identity.Fingerprint(),
		X: [hello.XLen]byte(x.PublicKey().Bytes()), KEM: [hello.KEMLen]byte(kem.PublicKey().Bytes()),
		Session: c.Session,
	}
	s := &Session{
		name:    c.Name,
		session: c.Session,
		hello:   h.Append(nil),
		guard:   c.Guard,
		agree:   x.ECDH,
		decap:   func(enc, info []byte) (secret, error) { return decapsulate(kem, enc, info) },
		own:     generation{base: newSecret(base)},
		peers:   make(map[hello.Hash]*peer),
		gone:    make(map[hello.Hash]struct{}),
		openers: make(map[uint16]*opener),
	}
	if c.Passphrase != "" {
		s.password = newSecret([]byte(c.Passphrase))
	}
	if s.guard == nil {
		s.guard = new(Guard)
	}
	s.hash = hello.Sum(s.hello)
	var err error
	if s.cert, err = c.Identity.Certify(s.hash); err != nil {
		return nil, err
	}
	for i := range s.sealers {
		s.sealers[i] = new(sealer)
	}
	return s, nil
}

// Hello returns the encoded hello.Hello to join with, its certificate, and its
// Hash.
func (s *Session) Hello() (raw, cert []byte, h hello.Hash) {
	return bytes.Clone(s.hello), bytes.Clone(s.cert), s.hash
}

// Start sets the slot that the hub assigned. Nothing can be sealed before, and
// nobody met or welcomed. It fails for a slot above sframe.MaxSlot, which no
// honest hub assigns, when it was called before, and after Close.
func (s *Session) Start(slot uint16) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.agree == nil || slot > sframe.MaxSlot {
		return errNoKeys
	}
	s.slot, s.started = slot, true
	s.startSealers()
	return nil
}

// Peers returns every member that this session has sealed its key to, in the
// order of their slots. These are the people who can open what it seals.
func (s *Session) Peers() []Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Peer
	for _, p := range s.peers {
		if p.sealed {
			list = append(list, p.public())
		}
	}
	slices.SortFunc(list, func(a, b Peer) int { return cmp.Compare(a.Slot, b.Slot) })
	return list
}

// Forget drops the keys shared with a member who is gone: no packet of theirs
// is opened from now on. It reports whether there was such a member. Their
// Hello is spent: to come back they need a new one, so that a hub cannot make
// this session take recorded packets a second time.
//
// What this session seals is sealed with a new key soon afterwards: see Due.
func (s *Session) Forget(now time.Time, id hello.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[id]
	if p == nil {
		return false
	}
	s.forget(now, p)
	return true
}

// forget does what Forget does. s.mu is held.
func (s *Session) forget(now time.Time, p *peer) {
	if p.guessing {
		s.guard.fail(now, p.fp) // it took an answer to test one passphrase, and went
	}
	s.drop(p)
	s.gone[p.hash] = struct{}{}
	if p.sealed {
		s.replaceKey(now)
	}
	if p.confirmed {
		s.code.without(p.hash)
		s.rosterChanged(now)
	}
}

// Remove is Forget for a member who does not leave but is sent away. It returns
// the pair message that tells them so, or nil when there is nothing that they
// could be told. It reports whether there was such a member.
func (s *Session) Remove(now time.Time, id hello.Hash) (pair []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[id]
	if p == nil {
		return nil, false
	}
	if p.sealed {
		pair = s.box(p, bye{byeRemoved}.encode())
	}
	s.forget(now, p)
	return pair, true
}

// Bye returns the pair messages that tell everybody that I leave.
func (s *Session) Bye() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out Out
	for _, p := range s.sorted() {
		if p.sealed {
			out.send(s.box(p, bye{byeLeaving}.encode()))
		}
	}
	return out.Pair
}

// drop clears what is held for p. s.mu is held.
func (s *Session) drop(p *peer) {
	delete(s.peers, p.hash)
	p.clear()
	s.rx.Lock()
	o := s.openers[p.slot]
	if p.confirmed {
		delete(s.openers, p.slot)
	}
	s.rx.Unlock()
	if o != nil && p.confirmed {
		o.close()
	}
}

// sorted returns the peers in the order of their slots, so that a Session does
// the same things for the same input. s.mu is held.
func (s *Session) sorted() []*peer {
	list := make([]*peer, 0, len(s.peers))
	for _, p := range s.peers {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *peer) int { return cmp.Compare(a.slot, b.slot) })
	return list
}

// Close overwrites the keys. The Session must not be used afterwards: what
// needs a key fails, and there are no peers. The key schedules inside the
// standard library cannot be overwritten and are left to the garbage collector.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.sealers {
		t.close()
	}
	for _, p := range s.sorted() {
		s.drop(p)
	}
	s.own.base.clear()
	s.turn.next.base.clear()
	s.password.clear()
	s.code.clear()
	s.agree, s.decap = nil, nil
	s.started = false
}
