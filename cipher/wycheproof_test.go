package cipher_test

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/aes"
	stdcipher "crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// The tests of this file run the vectors of Project Wycheproof against the
// calls of the standard library that s2c makes, with the parameters that it
// uses. They are about the toolchain that built it: a release of Go, or a
// cryptographic module of it, that gets one wrong must not build s2c. X-Wing of
// crypto/hpke is on the same ML-KEM and X25519 as the packages tested here.

// A verdict is the part that all cases have.
type verdict struct {
	ID     int    `json:"id"`
	Result string `json:"result"`
}

func (v verdict) valid() bool { return v.Result == "valid" }

// A tally counts the cases of one algorithm.
type tally struct{ right, refused int }

// check fails unless there were as many cases as the file is known to hold.
func (n tally) check(t *testing.T, want tally) {
	t.Helper()
	t.Logf("%d vectors: %d valid ones right, %d invalid ones refused", n.right+n.refused, n.right, n.refused)
	if n != want {
		t.Errorf("%+v, want %+v", n, want)
	}
}

// readVectors returns the cases of a file in testdata/wycheproof.
func readVectors[T any](t *testing.T, name string) (cases []T) {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "wycheproof", name+".json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := json.NewDecoder(r).Decode(&cases); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return cases
}

func TestWycheproofAES256GCM(t *testing.T) {
	var n tally
	for _, c := range readVectors[struct {
		verdict
		Key       []byte `json:"key"`
		Nonce     []byte `json:"nonce"`
		AAD       []byte `json:"aad"`
		Plaintext []byte `json:"plaintext"`
		Sealed    []byte `json:"sealed"`
		Tag       []byte `json:"tag"`
	}](t, "aes256gcm") {
		block, err := aes.NewCipher(c.Key)
		if err != nil {
			t.Fatalf("case %d: %v", c.ID, err)
		}
		aead, err := stdcipher.NewGCM(block)
		if err != nil {
			t.Fatalf("case %d: %v", c.ID, err)
		}
		sealed := append(bytes.Clone(c.Sealed), c.Tag...)
		plaintext, err := aead.Open(nil, c.Nonce, sealed, c.AAD)
		if !c.valid() {
			if err == nil {
				t.Errorf("case %d: opened as %x", c.ID, plaintext)
				continue
			}
			n.refused++
			continue
		}
		if err != nil || !bytes.Equal(plaintext, c.Plaintext) {
			t.Errorf("case %d: opened as %x, %v, want %x", c.ID, plaintext, err, c.Plaintext)
			continue
		}
		if got := aead.Seal(nil, c.Nonce, c.Plaintext, c.AAD); !bytes.Equal(got, sealed) {
			t.Errorf("case %d: sealed as %x, want %x", c.ID, got, sealed)
			continue
		}
		n.right++
	}
	n.check(t, tally{right: 39, refused: 27})
}

func TestWycheproofRSAPSS(t *testing.T) {
	var n tally
	var key *rsa.PublicKey
	for _, c := range readVectors[struct {
		verdict
		SPKI      []byte `json:"spki"` // in the first case of those with the key
		Message   []byte `json:"message"`
		Signature []byte `json:"signature"`
	}](t, "rsapss3072") {
		if c.SPKI != nil {
			public, err := x509.ParsePKIXPublicKey(c.SPKI)
			if err != nil {
				t.Fatalf("case %d: %v", c.ID, err)
			}
			key = public.(*rsa.PublicKey)
			if err := hello.CheckKey(key); err != nil {
				t.Fatalf("case %d: %v", c.ID, err)
			}
		}
		digest := sha256.Sum256(c.Message)
		err := rsa.VerifyPSS(key, crypto.SHA256, digest[:], c.Signature, &hello.PSS)
		switch {
		case (err == nil) != c.valid():
			t.Errorf("case %d, %s: %v", c.ID, c.Result, err)
		case c.valid():
			n.right++
		default:
			n.refused++
		}
	}
	n.check(t, tally{right: 63, refused: 45})
}

// TestWycheproofX25519 expects the product of every share but those of low
// order, where Wycheproof leaves a choice: they are refused.
func TestWycheproofX25519(t *testing.T) {
	var n tally
	for _, c := range readVectors[struct {
		verdict
		Private []byte `json:"private"`
		Public  []byte `json:"public"`
		Shared  []byte `json:"shared"`
	}](t, "x25519") {
		private, err := ecdh.X25519().NewPrivateKey(c.Private)
		if err != nil {
			t.Fatalf("case %d: %v", c.ID, err)
		}
		public, err := ecdh.X25519().NewPublicKey(c.Public)
		if err != nil {
			t.Fatalf("case %d: %v", c.ID, err)
		}
		shared, err := private.ECDH(public)
		switch lowOrder := bytes.Equal(c.Shared, make([]byte, 32)); {
		case lowOrder && c.valid():
			t.Errorf("case %d is valid and gives zero", c.ID)
		case lowOrder && err == nil:
			t.Errorf("case %d: %x times %x = %x, want an error", c.ID, c.Private, c.Public, shared)
		case lowOrder:
			n.refused++
		case err != nil || !bytes.Equal(shared, c.Shared):
			t.Errorf("case %d: %x times %x = %x, %v, want %x", c.ID, c.Private, c.Public, shared, err, c.Shared)
		default:
			n.right++
		}
	}
	n.check(t, tally{right: 487, refused: 31})
}

func TestWycheproofMLKEMDecapsulation(t *testing.T) {
	var n tally
	for _, c := range readVectors[struct {
		verdict
		Seed       []byte `json:"seed"`
		Ciphertext []byte `json:"ciphertext"`
		Shared     []byte `json:"shared"`
		KeySum     []byte `json:"encapsulation_key_sha256"`
	}](t, "mlkem768decaps") {
		var shared []byte
		key, err := mlkem.NewDecapsulationKey768(c.Seed)
		if err == nil {
			if sum := sha256.Sum256(key.EncapsulationKey().Bytes()); !bytes.Equal(sum[:], c.KeySum) {
				t.Errorf("case %d: encapsulation key with the sum %x, want %x", c.ID, sum, c.KeySum)
			}
			shared, err = key.Decapsulate(c.Ciphertext)
		}
		switch {
		case (err == nil) != c.valid():
			t.Errorf("case %d, %s: %x, %v", c.ID, c.Result, shared, err)
		case !c.valid():
			n.refused++
		case !bytes.Equal(shared, c.Shared):
			t.Errorf("case %d: %x, want %x", c.ID, shared, c.Shared)
		default:
			n.right++
		}
	}
	n.check(t, tally{right: 153, refused: 40})
}

func TestWycheproofMLKEMKeys(t *testing.T) {
	var n tally
	for _, c := range readVectors[struct {
		verdict
		Seed   []byte `json:"seed"`
		KeySum []byte `json:"encapsulation_key_sha256"`
	}](t, "mlkem768keygen") {
		key, err := mlkem.NewDecapsulationKey768(c.Seed)
		if err != nil || !c.valid() {
			t.Errorf("case %d, %s: %v", c.ID, c.Result, err)
			continue
		}
		if sum := sha256.Sum256(key.EncapsulationKey().Bytes()); !bytes.Equal(sum[:], c.KeySum) {
			t.Errorf("case %d: encapsulation key with the sum %x, want %x", c.ID, sum, c.KeySum)
			continue
		}
		n.right++
	}
	n.check(t, tally{right: 100})
}

func TestWycheproofMLKEMEncapsulation(t *testing.T) {
	var n tally
	for _, c := range readVectors[struct {
		verdict
		Key    []byte `json:"encapsulation_key"`
		Seed   []byte `json:"seed"` // in place of the key
		Random []byte `json:"random"`
		Shared []byte `json:"shared"`
		Sum    []byte `json:"ciphertext_sha256"`
	}](t, "mlkem768encaps") {
		if c.Seed != nil {
			key, err := mlkem.NewDecapsulationKey768(c.Seed)
			if err != nil {
				t.Fatalf("case %d: %v", c.ID, err)
			}
			c.Key = key.EncapsulationKey().Bytes()
		}
		key, err := mlkem.NewEncapsulationKey768(c.Key)
		if !c.valid() {
			if err == nil {
				t.Errorf("case %d: key %x is accepted", c.ID, c.Key)
				continue
			}
			n.refused++
			continue
		}
		if err != nil {
			t.Errorf("case %d: %v", c.ID, err)
			continue
		}
		shared, ciphertext, err := mlkemtest.Encapsulate768(key, c.Random)
		if err != nil {
			t.Fatalf("case %d: %v", c.ID, err)
		}
		if sum := sha256.Sum256(ciphertext); !bytes.Equal(shared, c.Shared) || !bytes.Equal(sum[:], c.Sum) {
			t.Errorf("case %d: %x with the sum %x, want %x with %x", c.ID, shared, sum, c.Shared, c.Sum)
			continue
		}
		n.right++
	}
	n.check(t, tally{right: 133, refused: 132})
}

func TestWycheproofHKDF(t *testing.T) {
	var n tally
	for _, c := range readVectors[struct {
		verdict
		Secret []byte `json:"secret"`
		Salt   []byte `json:"salt"`
		Info   []byte `json:"info"`
		Size   int    `json:"size"`
		Key    []byte `json:"key"`
	}](t, "hkdfsha512") {
		prk, err := hkdf.Extract(sha512.New, c.Secret, c.Salt)
		if err != nil {
			t.Fatalf("case %d: %v", c.ID, err)
		}
		key, err := hkdf.Expand(sha512.New, prk, string(c.Info), c.Size)
		switch {
		case (err == nil) != c.valid():
			t.Errorf("case %d, %s: %x, %v", c.ID, c.Result, key, err)
		case !c.valid():
			n.refused++
		case !bytes.Equal(key, c.Key):
			t.Errorf("case %d: %x, want %x", c.ID, key, c.Key)
		default:
			n.right++
		}
	}
	n.check(t, tally{right: 80, refused: 3})
}

func TestWycheproofHMAC(t *testing.T) {
	var n tally
	for _, c := range readVectors[struct {
		verdict
		Key     []byte `json:"key"`
		Message []byte `json:"message"`
		Tag     []byte `json:"tag"`
	}](t, "hmacsha256") {
		m := hmac.New(sha256.New, c.Key)
		m.Write(c.Message)
		switch got := m.Sum(nil); {
		case hmac.Equal(got, c.Tag) != c.valid():
			t.Errorf("case %d, %s: %x, the vector has %x", c.ID, c.Result, got, c.Tag)
		case c.valid():
			n.right++
		default:
			n.refused++
		}
	}
	n.check(t, tally{right: 33, refused: 54})
}
