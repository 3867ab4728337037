// Package hello is the part of the handshake that a hub may read and check:
// who wants to join which session over this connection. It holds no key.
//
// This is suite 0, a first handshake: it agrees on keys but does not yet prove
// who a member is.
package hello

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// MaxSession is the longest name of a session, in bytes.
const MaxSession = 64

// Suite0 agrees on keys with X25519 alone and authenticates nobody.
const Suite0 = 0

// headLen is the size of a Hello without the session's name:
// "S2C" version(1) suite(2) flags(1) bind(32) x(32) length(1).
const headLen = 4 + 2 + 1 + 32 + 32 + 1

// MaxLen is the size in bytes of the longest Hello.
const MaxLen = headLen + MaxSession

// The errors of Parse and Check. ErrVersion means that the other side runs
// another version of s2c.
var (
	ErrMalformed = errors.New("malformed hello")
	ErrVersion   = errors.New("hello of another version of s2c")
	ErrBinding   = errors.New("hello made for another connection")
)

// A Hash names one Hello, and so one member for the time of one connection.
type Hash [32]byte

// A Hello asks to join a session.
type Hello struct {
	Binding [32]byte // TLS exporter of the connection it was made for
	X       [32]byte // X25519 public key of this session
	Session string   // 1 to MaxSession bytes
}

// Append appends the encoding of h to b. The session's name must have passed
// CheckSession.
func (h *Hello) Append(b []byte) []byte {
	b = append(b, 'S', '2', 'C', 1, 0, Suite0, 0)
	b = append(b, h.Binding[:]...)
	b = append(b, h.X[:]...)
	b = append(b, byte(len(h.Session)))
	return append(b, h.Session...)
}

// Parse decodes a Hello. It accepts only what Append writes.
func Parse(b []byte) (Hello, error) {
	var h Hello
	if len(b) < 4 || string(b[:3]) != "S2C" {
		return h, ErrMalformed
	}
	if b[3] != 1 {
		return h, ErrVersion
	}
	if len(b) < headLen {
		return h, ErrMalformed
	}
	if b[4] != 0 || b[5] != Suite0 {
		return h, ErrVersion
	}
	if b[6] != 0 || len(b) != headLen+int(b[headLen-1]) {
		return h, ErrMalformed
	}
	copy(h.Binding[:], b[7:])
	copy(h.X[:], b[39:])
	h.Session = string(b[headLen:])
	if CheckSession(h.Session) != nil {
		return h, ErrMalformed
	}
	return h, nil
}

// Check returns ErrBinding unless h was made for the connection whose TLS
// exporter is bind.
func (h *Hello) Check(bind [32]byte) error {
	if subtle.ConstantTimeCompare(h.Binding[:], bind[:]) != 1 {
		return ErrBinding
	}
	return nil
}

// Sum returns the Hash of an encoded Hello.
func Sum(b []byte) Hash {
	s := sha256.New()
	s.Write([]byte("s2c/1 hello\x00"))
	s.Write(b)
	return Hash(s.Sum(nil))
}

// CheckSession returns nil when s can name a session: 1 to 64 bytes of
// letters, digits, '-', '_' and '.'. The error says what is wrong. Letters that
// are drawn as nothing do not count: two names that look the same would differ.
func CheckSession(s string) error {
	switch {
	case s == "":
		return errors.New("the name of a session needs at least one character")
	case len(s) > MaxSession:
		return fmt.Errorf("the name of a session has at most %d bytes", MaxSession)
	case !utf8.ValidString(s):
		return errors.New("the name of a session is not valid UTF-8")
	}
	for _, r := range s {
		letter := unicode.IsLetter(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
		if !letter && !unicode.IsDigit(r) && r != '-' && r != '_' && r != '.' {
			return fmt.Errorf("the name of a session has letters, digits, '-', '_' and '.', not %q", r)
		}
	}
	return nil
}
