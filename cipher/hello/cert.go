package hello

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
)

// A Cert proves that the owner of an RSA key made a Hello:
//
//	alg u8 = 1 | SPKI u16 length, DER | signature u16 length, bytes
//
// alg 1 is RSA-PSS with SHA-256 and a salt of 32 bytes (RFC 8017, section 8.1).
const algPSS = 1

// MaxCert is the size in bytes of the longest Cert.
const MaxCert = 1200

// The sizes of RSA keys that are accepted, in bits, and their exponent.
const (
	MinBits  = 2048
	MaxBits  = 4096
	exponent = 65537
)

// PSS is how a Cert is signed.
var PSS = rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}

// CertDigest returns what the signature of a Cert covers: the Hello named h,
// and the key, so that nobody can certify another's Hello as their own.
func CertDigest(h Hash, spki []byte) [32]byte {
	key := sha256.Sum256(spki)
	s := sha256.New()
	s.Write([]byte("s2c/1 cert\x00"))
	s.Write(h[:])
	s.Write(key[:])
	return [32]byte(s.Sum(nil))
}

// AppendCert appends a Cert to b.
func AppendCert(b, spki, signature []byte) []byte {
	b = binary.BigEndian.AppendUint16(append(b, algPSS), uint16(len(spki)))
	b = binary.BigEndian.AppendUint16(append(b, spki...), uint16(len(signature)))
	return append(b, signature...)
}

// CheckKey returns nil for an RSA key that may be an identity: 2,048 to 4,096
// bits, an odd modulus, and the exponent 65,537. The error says what is wrong.
func CheckKey(key *rsa.PublicKey) error {
	switch n := key.N.BitLen(); {
	case n < MinBits || n > MaxBits:
		return fmt.Errorf("an RSA key of %d bits; it must have %d to %d", n, MinBits, MaxBits)
	case key.E != exponent:
		return fmt.Errorf("an RSA key with the exponent %d; it must be %d", key.E, exponent)
	case key.N.Bit(0) == 0:
		return errors.New("an RSA key with an even modulus")
	}
	return nil
}

// checkCert returns nil when cert proves that the owner of the identity fp made
// the Hello named h. Sizes are checked before anything is computed.
func checkCert(cert []byte, h Hash, fp Fingerprint) error {
	spki, signature, err := parseCert(cert)
	if err != nil {
		return err
	}
	pub, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCert, err)
	}
	key, ok := pub.(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("%w: not an RSA key", ErrCert)
	}
	if err := CheckKey(key); err != nil {
		return fmt.Errorf("%w: %w", ErrCert, err)
	}
	// One key has one encoding, or one person could have many.
	if canonical, err := x509.MarshalPKIXPublicKey(key); err != nil || !bytes.Equal(canonical, spki) {
		return fmt.Errorf("%w: its key is not in canonical form", ErrCert)
	}
	if FingerprintOf(key) != fp {
		return fmt.Errorf("%w: it is of another identity", ErrCert)
	}
	digest := CertDigest(h, spki)
	if rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, &PSS) != nil {
		return fmt.Errorf("%w: wrong signature", ErrCert)
	}
	return nil
}

// parseCert takes a Cert apart.
func parseCert(b []byte) (spki, signature []byte, err error) {
	if len(b) < 5 || len(b) > MaxCert || b[0] != algPSS {
		return nil, nil, fmt.Errorf("%w: malformed", ErrCert)
	}
	n := int(binary.BigEndian.Uint16(b[1:]))
	if len(b) < 5+n {
		return nil, nil, fmt.Errorf("%w: malformed", ErrCert)
	}
	spki, b = b[3:3+n], b[3+n:]
	if len(b) != 2+int(binary.BigEndian.Uint16(b)) {
		return nil, nil, fmt.Errorf("%w: malformed", ErrCert)
	}
	return spki, b[2:], nil
}

// sshRSA is the name of RSA keys in SSH.
const sshRSA = "ssh-rsa"

// AppendSSHKey appends the SSH wire form of a key to b (RFC 4253, section 6.6).
func AppendSSHKey(b []byte, key *rsa.PublicKey) []byte {
	field := func(p []byte) {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
	}
	// A positive mpint whose first bit is set has a zero byte before it.
	mpint := func(n *big.Int) {
		p := n.Bytes()
		if len(p) > 0 && p[0]&0x80 != 0 {
			p = append([]byte{0}, p...)
		}
		field(p)
	}
	field([]byte(sshRSA))
	mpint(big.NewInt(int64(key.E)))
	mpint(key.N)
	return b
}
