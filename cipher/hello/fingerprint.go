package hello

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// A Fingerprint names an identity: SHA-256 of its public key in SSH wire form,
// the same that "ssh-keygen -lf" prints.
type Fingerprint [32]byte

// The text of a Fingerprint is a prefix and base64 without padding.
const (
	fingerprintPrefix = "SHA256:"
	fingerprintDigits = 43
)

// maxQuote is how many bytes of somebody's text an error repeats.
const maxQuote = 80

// FingerprintOf returns the Fingerprint of a key.
func FingerprintOf(key *rsa.PublicKey) Fingerprint {
	return sha256.Sum256(AppendSSHKey(nil, key))
}

// String returns "SHA256:" and 43 characters of base64, as OpenSSH prints it.
func (f Fingerprint) String() string {
	return fingerprintPrefix + base64.RawStdEncoding.EncodeToString(f[:])
}

// ParseFingerprint decodes what String returns, and nothing else.
func ParseFingerprint(s string) (Fingerprint, error) {
	digits, ok := strings.CutPrefix(s, fingerprintPrefix)
	if !ok {
		return Fingerprint{}, fmt.Errorf("%s is no fingerprint: it does not begin with %s", quote(s), fingerprintPrefix)
	}
	// The length of the text counts too: package base64 skips line breaks.
	sum, err := base64.RawStdEncoding.Strict().DecodeString(digits)
	if err != nil || len(digits) != fingerprintDigits || len(sum) != len(Fingerprint{}) {
		return Fingerprint{}, fmt.Errorf("%s is no fingerprint: %d characters of base64 follow %s", quote(s), fingerprintDigits, fingerprintPrefix)
	}
	return Fingerprint(sum), nil
}

// quote returns s, or its beginning, in quotes and fit for a terminal.
func quote(s string) string {
	if len(s) > maxQuote {
		return fmt.Sprintf("%q...", s[:maxQuote])
	}
	return fmt.Sprintf("%q", s)
}
