package identity

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/crypto/ssh"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// MaxFile is the size in bytes of the longest private key that Parse reads; an
// RSA key of 4,096 bits has about 3,300. It also bounds the work: checking the
// longest number that fits takes a tenth of a second.
const MaxFile = 16 << 10

// maxRounds is how often a file of OpenSSH may ask to apply bcrypt to the
// passphrase: 8 ms each, so 8 s. ssh-keygen's own choice is 16, and the
// file can ask for 2^32, which takes a year.
const maxRounds = 1024

// The reasons why Parse refuses a key.
var (
	ErrLocked     = errors.New("the key is protected by a passphrase")
	ErrPassphrase = errors.New("wrong passphrase for the key")
	ErrDamaged    = errors.New("no private key, or a damaged one")
	ErrPublic     = errors.New("a public key, not the private one")
	ErrUnfit      = errors.New("not usable as an identity")
	ErrEncryption = errors.New("protected in a way that s2c cannot undo") // ssh-keygen -p can rewrite it
)

// The types of PEM blocks that matter here; ssh.ParseRawPrivateKey knows more.
const (
	typePKCS8          = "PRIVATE KEY"
	typePKCS8Encrypted = "ENCRYPTED PRIVATE KEY"
	typeOpenSSH        = "OPENSSH PRIVATE KEY"
)

// Parse decodes a private key: PKCS#8, PKCS#1 or OpenSSH's own form, in PEM.
// The error wraps ErrLocked when passphrase is nil and one is needed, and
// ErrPassphrase when it is the wrong one; else it wraps another of the errors
// above and says what is wrong. The key must be RSA of 2,048 to 4,096 bits with
// the exponent 65,537. A passphrase that is not needed is not looked at. Parse
// takes some milliseconds, and up to 9 s where the passphrase is well protected.
func Parse(b, passphrase []byte) (*Identity, error) {
	if len(b) > MaxFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrDamaged, MaxFile)
	}
	if err := checkForm(b); err != nil {
		return nil, err
	}
	raw, err := ssh.ParseRawPrivateKey(b)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if raw, err = unlock(b, passphrase, missing.PublicKey); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, printable(err))
	}
	key, ok := raw.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: a key of type %T; it must be RSA", ErrUnfit, raw)
	}
	return newIdentity(key)
}

// checkForm refuses what package ssh has no good words for, and what would
// keep it busy for long.
func checkForm(b []byte) error {
	block, _ := pem.Decode(b)
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return fmt.Errorf("%w: the file is empty", ErrDamaged)
	case block == nil && bytes.HasPrefix(b, []byte("ssh-")), block != nil && block.Type == "PUBLIC KEY":
		return ErrPublic
	case block == nil:
		return fmt.Errorf("%w: no whole PEM block", ErrDamaged)
	case block.Type == typePKCS8Encrypted:
		return fmt.Errorf("%w: encrypted PKCS #8", ErrEncryption)
	case block.Type == typeOpenSSH:
		if n := rounds(block.Bytes); n > maxRounds {
			return fmt.Errorf("%w: %d rounds of bcrypt; at most %d", ErrEncryption, n, maxRounds)
		}
	}
	return nil
}

// rounds returns how many rounds of bcrypt a key in OpenSSH's form asks for; 0
// for none, and where ssh.ParseRawPrivateKey will find the mistake.
func rounds(der []byte) uint32 {
	rest, ok := bytes.CutPrefix(der, []byte("openssh-key-v1\x00"))
	if !ok {
		return 0
	}
	var head struct {
		Cipher, KDF, Options string
		Rest                 []byte `ssh:"rest"`
	}
	var options struct {
		Salt   string
		Rounds uint32
	}
	if ssh.Unmarshal(rest, &head) != nil || head.KDF != "bcrypt" || ssh.Unmarshal([]byte(head.Options), &options) != nil {
		return 0
	}
	return options.Rounds
}

// unlock decodes a key that is protected. public is nil where the form does not
// show it.
func unlock(b, passphrase []byte, public ssh.PublicKey) (raw any, err error) {
	if err := checkPublic(public); err != nil {
		return nil, err // rather than after asking for the passphrase
	}
	switch {
	case passphrase == nil:
		return nil, ErrLocked
	case len(passphrase) == 0:
		return nil, ErrPassphrase // bcrypt takes none that is empty
	}
	raw, err = ssh.ParseRawPrivateKeyWithPassphrase(b, passphrase)
	if err == nil {
		return raw, nil
	}
	// The PEM form has no checksum: a wrong passphrase may also give noise.
	_, syntax := errors.AsType[asn1.SyntaxError](err)
	_, structure := errors.AsType[asn1.StructuralError](err)
	if syntax || structure || errors.Is(err, x509.IncorrectPasswordError) {
		return nil, ErrPassphrase
	}
	return nil, fmt.Errorf("%w: %s", ErrEncryption, printable(err))
}

// printable returns what err says without what a terminal must not see: package
// ssh quotes a file's words as they are.
func printable(err error) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, err.Error())
}

// checkPublic returns nil when a key whose public half is visible may be an
// identity, or when it is not visible.
func checkPublic(public ssh.PublicKey) error {
	if public == nil {
		return nil
	}
	visible, ok := public.(ssh.CryptoPublicKey)
	if !ok {
		return fmt.Errorf("%w: a key of type %q; it must be RSA", ErrUnfit, public.Type())
	}
	key, ok := visible.CryptoPublicKey().(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("%w: a key of type %q; it must be RSA", ErrUnfit, public.Type())
	}
	if err := hello.CheckKey(key); err != nil {
		return fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	return nil
}

// Marshal returns the private key in PEM: PKCS#8, or with a passphrase
// OpenSSH's encrypted form. The caller clears it.
func (id *Identity) Marshal(passphrase []byte) ([]byte, error) {
	if len(passphrase) > 0 {
		block, err := ssh.MarshalPrivateKeyWithPassphrase(id.key(), "", passphrase)
		if err != nil {
			return nil, fmt.Errorf("encrypt identity: %w", err)
		}
		return pem.EncodeToMemory(block), nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(id.key())
	if err != nil {
		return nil, fmt.Errorf("encode identity: %w", err)
	}
	defer clear(der)
	return pem.EncodeToMemory(&pem.Block{Type: typePKCS8, Bytes: der}), nil
}
