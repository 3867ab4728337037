package transport

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestLoadHubKeyMakesOne(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state", "s2c", "hub.key")
	first, err := LoadHubKey(path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadHubKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if first.Fingerprint() != again.Fingerprint() {
		t.Errorf("fingerprint %s, then %s", first.Fingerprint(), again.Fingerprint())
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(names) != 1 {
		t.Errorf("the directory holds %v, %v; want the key alone", names, err)
	}
}

// Many first starts at once end with one key.
func TestLoadHubKeyTogether(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "hub.key")
		var wg sync.WaitGroup
		got := make([]string, 8)
		for i := range got {
			wg.Go(func() {
				key, err := LoadHubKey(path)
				if err != nil {
					t.Error(err)
					return
				}
				got[i] = key.Fingerprint()
			})
		}
		wg.Wait()
		for _, fp := range got {
			if fp != got[0] {
				t.Fatalf("keys %v, want one", got)
			}
		}
		if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
			t.Errorf("the directory holds %v, %v; want the key alone", names, err)
		}
	}
}

func TestFingerprint(t *testing.T) {
	key := testKey(t)
	cert := key.cert.Leaf
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	if want := "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]); key.Fingerprint() != want {
		t.Errorf("fingerprint %q, want %q", key.Fingerprint(), want)
	}
	if years := cert.NotAfter.Sub(cert.NotBefore) / (365 * 24 * time.Hour); years != 10 {
		t.Errorf("the certificate is valid for %d years, want 10", years)
	}
	if other := testKey(t); other.Fingerprint() == key.Fingerprint() {
		t.Error("two keys are the same")
	}
	secret, err := key.cert.PrivateKey.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	private := new(big.Int).SetBytes(secret).String()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, key); strings.Contains(got, private) || got != key.Fingerprint() {
			t.Errorf("%s prints %q, want the fingerprint", format, got)
		}
	}
}

func TestLoadHubKeyRefuses(t *testing.T) {
	good := filepath.Join(t.TempDir(), "good.key")
	if _, err := LoadHubKey(good); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte, mode os.FileMode) func(string) error {
		return func(path string) error {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				return err
			}
			return os.Chmod(path, mode)
		}
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, want string
		unixOnly   bool
		prepare    func(path string) error
	}{
		{"group may read", "others may read", true, write(text, 0o640)},
		{"world may read", "others may read", true, write(text, 0o604)},
		{"symbolic link", "not a regular file", true, func(path string) error { return os.Symlink(good, path) }},
		{"directory", "not a regular file", false, func(path string) error { return os.Mkdir(path, 0o700) }},
		{"empty", "damaged", false, write(nil, 0o600)},
		{"half", "damaged", false, write(text[:len(text)/2], 0o600)},
		{"junk", "damaged", false, write([]byte("junk\n"), 0o600)},
		{"huge", "damaged", false, write(bytes.Repeat([]byte("x"), maxHubKeyFile+1), 0o600)},
		{"bad key", "damaged", false, write(pem.EncodeToMemory(&pem.Block{Type: hubKeyType, Bytes: der[:50]}), 0o600)},
		{"other type", "damaged", false, write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)},
		{"other curve", "another kind of key", false, write(pem.EncodeToMemory(&pem.Block{Type: hubKeyType, Bytes: der}), 0o600)},
	}
	for _, tt := range tests {
		if tt.unixOnly && runtime.GOOS == "windows" {
			continue
		}
		path := filepath.Join(t.TempDir(), "hub.key")
		if err := tt.prepare(path); err != nil {
			t.Fatal(err)
		}
		_, err := LoadHubKey(path)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one with %q and the path", tt.name, err, tt.want)
		}
	}
}
