package cipher

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is all that is ever printed of a secret.
const redacted = "[redacted]"

// A secret is a key that does not print. The zero secret holds nothing.
//
// The bytes are in a closure: package fmt cannot call Format on a field that
// is not exported, prints there what it finds, and follows even pointers when
// the verb does not suit them. It cannot look into a function.
type secret struct{ b func() *[]byte }

// newSecret makes a secret of b and takes b over.
func newSecret(b []byte) secret {
	return secret{b: func() *[]byte { return &b }}
}

// bytes returns the key itself, or nil once it is cleared. The caller keeps no
// copy.
func (s secret) bytes() []byte {
	if s.b == nil {
		return nil
	}
	return *s.b()
}

// clear overwrites the key, for every copy of s.
func (s secret) clear() {
	if s.b != nil {
		b := s.b()
		clear(*b)
		*b = nil
	}
}

// Format implements fmt.Formatter for every verb.
func (secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (secret) LogValue() slog.Value { return slog.StringValue(redacted) }
