// Package identity is who a person is: an RSA key, kept in a file, that
// certifies the Hello of each connection and does nothing else. It does no I/O.
package identity

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// bits is the size of the keys that Generate makes.
const bits = 3072

// An Identity is a person's RSA key. It is not modified after it was made, and
// any goroutine may use it. Printing it shows the fingerprint only.
type Identity struct {
	key  func() *rsa.PrivateKey // a function, so that no printer can look into it, however it is held
	spki []byte
	fp   hello.Fingerprint
}

// Generate makes an Identity: RSA-3072 with the exponent 65,537. It takes some
// tenths of a second.
func Generate() (*Identity, error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("make identity: %w", err)
	}
	return newIdentity(key)
}

// newIdentity returns the Identity of a key whose numbers fit together.
func newIdentity(key *rsa.PrivateKey) (*Identity, error) {
	if err := hello.CheckKey(&key.PublicKey); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	if len(key.Primes) != 2 { // OpenSSH's form, which Protect writes, has room for two
		return nil, fmt.Errorf("%w: an RSA key of %d primes; it must have 2", ErrUnfit, len(key.Primes))
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	return &Identity{key: func() *rsa.PrivateKey { return key }, spki: spki, fp: hello.FingerprintOf(&key.PublicKey)}, nil
}

// Fingerprint returns the name of the identity, as "ssh-keygen -lf" prints it.
func (id *Identity) Fingerprint() hello.Fingerprint { return id.fp }

// PublicLine returns the public key as a line of OpenSSH, "ssh-rsa AAAA...
// comment", without a line break. Control characters in the comment are left
// out: a line break would begin another key.
func (id *Identity) PublicLine(comment string) string {
	line := "ssh-rsa " + base64.StdEncoding.EncodeToString(hello.AppendSSHKey(nil, &id.key().PublicKey))
	comment = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, comment)
	if comment != "" {
		line += " " + comment
	}
	return line
}

// Certify returns a Cert for the Hello named h. It takes some milliseconds.
func (id *Identity) Certify(h hello.Hash) ([]byte, error) {
	digest := hello.CertDigest(h, id.spki)
	signature, err := rsa.SignPSS(rand.Reader, id.key(), crypto.SHA256, digest[:], &hello.PSS)
	if err != nil {
		return nil, fmt.Errorf("certify hello: %w", err)
	}
	return hello.AppendCert(nil, id.spki, signature), nil
}

// String returns "identity SHA256:...".
func (id *Identity) String() string {
	if id == nil {
		return "no identity"
	}
	return "identity " + id.fp.String()
}

// Format implements fmt.Formatter: every verb prints what String returns.
func (id *Identity) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, id.String()) }

// LogValue implements slog.LogValuer: a log has what String returns.
func (id *Identity) LogValue() slog.Value { return slog.StringValue(id.String()) }
