// Package cipher seals what members send each other and opens what they
// receive. It does no I/O and reads no clock: bytes in, bytes out.
//
// The packets are SFrame (RFC 9605) with suite 5, AES-256-GCM-SHA512-128. The
// keys come from a first handshake (suite 0): X25519 between each pair of
// members, authenticated by nothing but the hub's honesty. The hub never holds
// a key of it.
package cipher

import (
	"errors"

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
type Session struct{}

// NewSession makes the keys of a session.
func NewSession(Config) (*Session, error) { return nil, errors.New("not built yet") }

// Hello returns the encoded hello.Hello to join with, and its Hash.
func (s *Session) Hello() ([]byte, hello.Hash) { panic("not built yet") }

// Start sets the slot that the hub assigned. Nothing can be sealed before.
func (s *Session) Start(slot uint16) { panic("not built yet") }

// Meet takes the Hello of a member who was there before this one; their first
// pair message will come. It returns the peer's Hash.
func (s *Session) Meet(slot uint16, peer []byte) (hello.Hash, error) { panic("not built yet") }

// Welcome takes the Hello of a member who joins after this one, and returns
// the pair message (M1) to forward to them.
func (s *Session) Welcome(slot uint16, peer []byte) (pair []byte, err error) {
	panic("not built yet")
}

// Handle takes a pair message. It returns the answer to forward, or nil, and
// the peer as known afterwards.
func (s *Session) Handle(pair []byte) (answer []byte, p Peer, err error) { panic("not built yet") }

// Forget drops the keys shared with a member who is gone. It reports whether
// there was such a member.
func (s *Session) Forget(id hello.Hash) bool { panic("not built yet") }

// Peers returns every member that this session has sealed its key to.
func (s *Session) Peers() []Peer { panic("not built yet") }

// Seal seals plain as the next packet of a stream and appends the packet to
// dst: clear byte, SFrame header, sealed payload. It allocates nothing when
// dst has room for len(plain) + Overhead bytes.
func (s *Session) Seal(dst []byte, stream sframe.Stream, clear byte, plain []byte) ([]byte, error) {
	panic("not built yet")
}

// Origin says which packet was opened.
type Origin struct {
	Slot   uint16 // of the member who sealed it
	Stream sframe.Stream
	CTR    uint64 // counts the packets of that stream and key
}

// Open opens a packet and appends its payload to dst.
func (s *Session) Open(dst, packet []byte) (plain []byte, from Origin, err error) {
	panic("not built yet")
}

// Close overwrites the keys. The Session must not be used afterwards.
func (s *Session) Close() { panic("not built yet") }
