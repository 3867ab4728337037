package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"time"

	"github.com/sanix-darker/s2c/internal/file"
)

const (
	hubKeyType    = "PRIVATE KEY" // PKCS #8
	maxHubKeyFile = 16 << 10      // bytes; a P-256 key has about 250
)

// A HubKey is what members know a hub by: an ECDSA P-256 key, with a
// self-signed certificate for 10 years that TLS asks for and nobody checks.
// It may be used by any goroutine. Printing it shows the fingerprint only.
type HubKey struct {
	cert        tls.Certificate
	fingerprint string
}

// NewHubKey makes a key that lives in memory only.
func NewHubKey() (*HubKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a hub key: %w", err)
	}
	return newHubKey(key)
}

// LoadHubKey reads the key in the PEM file at path. If there is no file it
// makes a key and the file, readable by the owner alone; of several processes
// that do so at once, all get the same key. It refuses a file that others can
// read, that is not a regular file or that is damaged.
func LoadHubKey(path string) (*HubKey, error) {
	key, err := readHubKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = createHubKey(path); err == nil {
			key, err = readHubKey(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("hub key %s: %w", path, err)
	}
	return newHubKey(key)
}

// Fingerprint returns "SHA256:" and the unpadded base64 of the SHA-256 of the
// public key (SubjectPublicKeyInfo).
func (k *HubKey) Fingerprint() string { return k.fingerprint }

// String returns the fingerprint, so that no log ever holds the key.
func (k *HubKey) String() string { return k.fingerprint }

// GoString does what String does.
func (k *HubKey) GoString() string { return k.fingerprint }

// newHubKey adds the certificate, which is made anew at each start: nobody
// looks at it, and so it cannot expire or be damaged in a file.
func newHubKey(key *ecdsa.PrivateKey) (*HubKey, error) {
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "s2c hub"},
		NotBefore:    now.AddDate(0, 0, -1),
		NotAfter:     now.AddDate(10, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the hub's certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make the hub's certificate: %w", err)
	}
	return &HubKey{
		cert:        tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		fingerprint: fingerprint(leaf),
	}, nil
}

// fingerprint returns what a hub with that certificate is known by.
func fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return fingerprintPrefix + base64.RawStdEncoding.EncodeToString(sum[:])
}

// readHubKey returns the key in the file at path.
func readHubKey(path string) (*ecdsa.PrivateKey, error) {
	// A symbolic link may lead to a place where others can put files.
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Type() == fs.ModeSymlink {
		return nil, fmt.Errorf("%w but a symbolic link", file.ErrNotRegular)
	}
	b, err := file.Read(path, maxHubKeyFile, file.OwnerOnly)
	if errors.Is(err, file.ErrTooBig) {
		return nil, fmt.Errorf("the file is damaged: %w", err)
	}
	if err != nil {
		return nil, err
	}
	defer clear(b)
	return parseHubKey(b)
}

// parseHubKey returns the key in the text of a file.
func parseHubKey(b []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil || block.Type != hubKeyType {
		return nil, fmt.Errorf("the file is damaged: no PEM block %q", hubKeyType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the file is damaged: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, errors.New("the file holds another kind of key than ECDSA P-256")
	}
	return key, nil
}

// createHubKey makes the file at path with a new key, unless another process
// does so first: a file with that name is never replaced.
func createHubKey(path string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	defer clear(der)
	text := pem.EncodeToMemory(&pem.Block{Type: hubKeyType, Bytes: der})
	defer clear(text)

	_, err = file.Create(path, text)
	return err
}
