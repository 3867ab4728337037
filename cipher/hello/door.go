package hello

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
)

// A Token opens the door of a hub: 16 random bytes that the hub made and its
// owner hands out. It has nothing to do with a session's passphrase.
//
// It is shown to its owner on purpose and nowhere by accident: String returns
// it, while package fmt prints [redacted] for every verb, and so does log/slog.
type Token [16]byte

// tokenText is base32 of RFC 4648 in lower case: letters, and the digits 2 to
// 7, so that nothing is taken for a 0 or a 1.
var tokenText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

const (
	tokenGroup   = 5  // characters between two hyphens; the last group has one more
	maxTokenText = 64 // bytes, with room for spaces
)

// ErrToken is returned by ParseToken. It does not repeat what it was given,
// which may be a token but for one character.
var ErrToken = errors.New("not a door token: it has 26 letters and digits from 2 to 7")

// String returns the token for its owner to hand out, 26 letters and digits in
// five groups: "abcde-fghij-klmno-pqrst-uvwxya".
func (t Token) String() string {
	digits := tokenText.EncodeToString(t[:])
	var b strings.Builder
	for len(digits) > 2*tokenGroup {
		b.WriteString(digits[:tokenGroup])
		b.WriteByte('-')
		digits = digits[tokenGroup:]
	}
	b.WriteString(digits)
	return b.String()
}

// ParseToken decodes what String returns. Case, hyphens and white space do not
// count, because people type what they heard. The error is ErrToken.
func ParseToken(s string) (Token, error) {
	if len(s) > maxTokenText {
		return Token{}, ErrToken
	}
	digits := strings.Map(func(r rune) rune {
		switch {
		case r == '-' || unicode.IsSpace(r):
			return -1
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}, s)
	b, err := tokenText.DecodeString(digits)
	if err != nil || len(b) != len(Token{}) {
		return Token{}, ErrToken
	}
	// 26 characters have room for two bits more, which must be 0.
	if tokenText.EncodeToString(b) != digits {
		return Token{}, ErrToken
	}
	return Token(b), nil
}

// Format implements fmt.Formatter for every verb.
func (Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// LogValue implements slog.LogValuer.
func (Token) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Door returns the proof of knowing a token, for the connection whose TLS
// exporter is bind. It opens no other connection, so that whoever reads it
// learns nothing of use.
func (t Token) Door(bind [32]byte) [32]byte {
	m := hmac.New(sha256.New, t[:])
	m.Write([]byte("s2c/1 door\x00"))
	m.Write(bind[:])
	return [32]byte(m.Sum(nil))
}

// CheckDoor reports whether proof is the one for this connection.
func (t Token) CheckDoor(proof []byte, bind [32]byte) bool {
	want := t.Door(bind)
	return hmac.Equal(proof, want[:])
}
