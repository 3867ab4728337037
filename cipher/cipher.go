// Package cipher seals what members send each other and opens what they
// receive. It does no I/O and reads no clock: bytes in, bytes out.
//
// The packets are SFrame (RFC 9605) with suite 5, AES-256-GCM-SHA512-128. The
// keys come from a first handshake (suite 0): X25519 between each pair of
// members, authenticated by nothing but the hub's honesty. The hub never holds
// a key of it.
//
// Each member seals with one key, told to every other member in a pair message
// that only the two of them can open. Suite 0 never changes that key: a member
// who has left could still open what is sealed later, if a hub forwarded it.
package cipher

import (
	"bytes"
	"cmp"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sanix-darker/s2c/cipher/hello"
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

// errNoKeys is returned by a Session that has no slot yet, or no keys any more.
var errNoKeys = errors.New("session has not started or is closed")

// maxName is the size in bytes of the longest name of a member.
const maxName = 32

// A Peer is another member as this session knows them.
type Peer struct {
	ID        hello.Hash
	Slot      uint16
	Name      string // as the peer sent it; empty until known; not cleaned for a terminal
	Confirmed bool   // the peer holds my key and I hold theirs
}

// Config is what a Session needs.
type Config struct {
	Binding [32]byte // see transport.Info
	Session string   // must pass hello.CheckSession
	Name    string   // my name, at most 32 bytes; told to members, never to the hub
}

// A Session holds one member's keys in a session: the pair keys with each
// other member and the sender keys. It is safe for use by several goroutines.
type Session struct {
	// Set by NewSession.
	name    string
	session string
	hello   []byte
	hash    hello.Hash
	sealers [sframe.Streams]*sealer

	// Guarded by mu, which is held for a whole handshake step.
	mu      sync.Mutex
	agree   func(*ecdh.PublicKey) ([]byte, error) // my X25519 key, as a function so that it does not print; nil once closed
	own     generation                            // what I seal with
	slot    uint16                                // mine, once started
	started bool
	peers   map[hello.Hash]*peer
	gone    map[hello.Hash]struct{} // peers of before; their Hello is not taken again

	// Guarded by rx, which is held for a look-up only, so that a handshake
	// does not delay a packet. Taken after mu.
	rx      sync.RWMutex
	openers map[uint16]*opener // by slot
}

// NewSession makes the keys of a session. It fails for a Config that breaks
// the rules stated there.
func NewSession(c Config) (*Session, error) {
	x, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make session key: %w", err)
	}
	base := make([]byte, baseLen)
	if _, err := rand.Read(base); err != nil {
		return nil, fmt.Errorf("make sender key: %w", err)
	}
	return newSession(c, x, base)
}

// newSession is NewSession with given keys. It takes over base.
func newSession(c Config, x *ecdh.PrivateKey, base []byte) (*Session, error) {
	if err := hello.CheckSession(c.Session); err != nil {
		return nil, err
	}
	if len(c.Name) > maxName {
		return nil, fmt.Errorf("a member's name has at most %d bytes, not %d", maxName, len(c.Name))
	}
	h := hello.Hello{Binding: c.Binding, X: [32]byte(x.PublicKey().Bytes()), Session: c.Session}
	s := &Session{
		name:    c.Name,
		session: c.Session,
		hello:   h.Append(nil),
		agree:   x.ECDH,
		own:     generation{base: newSecret(base)},
		peers:   make(map[hello.Hash]*peer),
		gone:    make(map[hello.Hash]struct{}),
		openers: make(map[uint16]*opener),
	}
	s.hash = hello.Sum(s.hello)
	for i := range s.sealers {
		s.sealers[i] = new(sealer)
	}
	return s, nil
}

// Hello returns the encoded hello.Hello to join with, and its Hash.
func (s *Session) Hello() ([]byte, hello.Hash) { return bytes.Clone(s.hello), s.hash }

// Start sets the slot that the hub assigned. Nothing can be sealed before, and
// nobody met or welcomed. Only the first call counts. A slot above
// sframe.MaxSlot, which no honest hub assigns, leaves the session unstarted.
func (s *Session) Start(slot uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started || s.agree == nil || slot > sframe.MaxSlot {
		return
	}
	s.slot, s.started = slot, true
	for i, t := range s.sealers {
		t.start(s.own.kid(slot, sframe.Stream(i)), s.own.base)
	}
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
func (s *Session) Forget(id hello.Hash) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peers[id]
	if p == nil {
		return false
	}
	s.drop(p)
	s.gone[id] = struct{}{}
	return true
}

// drop clears what is held for p. s.mu is held.
func (s *Session) drop(p *peer) {
	delete(s.peers, p.hash)
	p.clear()
	s.rx.Lock()
	o := s.openers[p.slot]
	delete(s.openers, p.slot)
	s.rx.Unlock()
	if o != nil {
		o.close()
	}
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
	for _, p := range s.peers {
		s.drop(p)
	}
	s.own.base.clear()
	s.agree = nil
	s.started = false
}
