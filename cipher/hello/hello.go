// Package hello is the part of the handshake that a hub may read and check:
// who wants to join which session over this connection, and that the Hello was
// made by the owner of the identity that it names. It holds no key.
package hello

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MaxSession is the longest name of a session, in bytes.
const MaxSession = 64

// Suite1 is the only suite: RSA-PSS says who a member is; HPKE with X-Wing and
// X25519 agree on keys.
const Suite1 = 1

// The sizes in bytes of the public keys in a Hello.
const (
	XLen   = 32   // X25519
	KEMLen = 1216 // X-Wing: ML-KEM-768 and X25519
)

// headLen is the size of a Hello without the session's name: "S2C" version(1)
// suite(2) flags(1) bind(32) fp(32) x(32) epk(1216) length(1).
const headLen = 4 + 2 + 1 + 32 + 32 + XLen + KEMLen + 1

// MaxLen is the size in bytes of the longest Hello.
const MaxLen = headLen + MaxSession

// flagPassphrase is the only flag; the others must be 0.
const flagPassphrase = 1

// The errors of Parse, Check and Verify. ErrVersion means that the other side
// runs another version of s2c.
var (
	ErrMalformed = errors.New("malformed hello")
	ErrVersion   = errors.New("hello of another version of s2c")
	ErrBinding   = errors.New("hello made for another connection")
	ErrCert      = errors.New("certificate does not prove the identity in the hello")
)

// A Hash names one Hello, and so one member for the time of one connection.
type Hash [32]byte

// A Hello asks to join a session.
type Hello struct {
	Passphrase  bool        // the member deals only with those who know the session's passphrase
	Binding     [32]byte    // TLS exporter of the connection it was made for
	Fingerprint Fingerprint // of the identity that certifies it
	X           [XLen]byte  // X25519 public key of this connection
	KEM         [KEMLen]byte
	Session     string // 1 to MaxSession bytes
}

// Append appends the encoding of h to b. The session's name must have passed
// CheckSession.
func (h *Hello) Append(b []byte) []byte {
	var flags byte
	if h.Passphrase {
		flags |= flagPassphrase
	}
	b = append(b, 'S', '2', 'C', 1, 0, Suite1, flags)
	b = append(b, h.Binding[:]...)
	b = append(b, h.Fingerprint[:]...)
	b = append(b, h.X[:]...)
	b = append(b, h.KEM[:]...)
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
	if len(b) < 6 {
		return h, ErrMalformed
	}
	if b[4] != 0 || b[5] != Suite1 {
		return h, ErrVersion
	}
	if len(b) < headLen || b[6]&^flagPassphrase != 0 || len(b) != headLen+int(b[headLen-1]) {
		return h, ErrMalformed
	}
	h.Passphrase = b[6]&flagPassphrase != 0
	rest := b[7:]
	for _, field := range [][]byte{h.Binding[:], h.Fingerprint[:], h.X[:], h.KEM[:]} {
		rest = rest[copy(field, rest):]
	}
	h.Session = string(rest[1:])
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

// A Verified is a Hello whose certificate was checked. Verify alone makes one.
type Verified struct {
	hello Hello
	hash  Hash
}

// Verify decodes a Hello and checks the Cert that came with it. The error is
// that of Parse, or wraps ErrCert.
func Verify(hello, cert []byte) (Verified, error) {
	h, err := Parse(hello)
	if err != nil {
		return Verified{}, err
	}
	hash := Sum(hello)
	if err := checkCert(cert, hash, h.Fingerprint); err != nil {
		return Verified{}, err
	}
	return Verified{hello: h, hash: hash}, nil
}

// Hello returns what was verified.
func (v *Verified) Hello() *Hello { return &v.hello }

// Hash returns the Hash of the Hello.
func (v *Verified) Hash() Hash { return v.hash }

// CheckSession returns nil when s can name a session: 1 to 64 bytes of
// letters, digits, '-', '_' and '.', in Unicode normal form C. The error says
// what is wrong. Letters that are drawn as nothing do not count: two names that
// look the same would differ.
func CheckSession(s string) error {
	switch {
	case s == "":
		return errors.New("the name of a session needs at least one character")
	case len(s) > MaxSession:
		return fmt.Errorf("the name of a session has at most %d bytes", MaxSession)
	case !utf8.ValidString(s):
		return errors.New("the name of a session is not valid UTF-8")
	case !norm.NFC.IsNormalString(s):
		return errors.New("the name of a session is not in Unicode normal form C")
	}
	for _, r := range s {
		letter := unicode.IsLetter(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
		if !letter && !unicode.IsDigit(r) && r != '-' && r != '_' && r != '.' {
			return fmt.Errorf("the name of a session has letters, digits, '-', '_' and '.', not %q", r)
		}
	}
	return nil
}
