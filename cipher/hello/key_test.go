package hello

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"hash"
	"math/big"
	"os"
	"testing"
)

// A testKey is an RSA key of testdata/keys.json. The weak ones are real too:
// what they sign verifies, so that only a check of the key itself refuses it.
type testKey struct {
	pub rsa.PublicKey
	d   *big.Int
}

func readKeys(tb testing.TB) map[string]*testKey {
	tb.Helper()
	b, err := os.ReadFile("testdata/keys.json")
	if err != nil {
		tb.Fatal(err)
	}
	var file map[string]struct {
		N string `json:"n"`
		E int    `json:"e"`
		D string `json:"d"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		tb.Fatal(err)
	}
	keys := map[string]*testKey{}
	for name, k := range file {
		n, ok1 := new(big.Int).SetString(k.N, 16)
		d, ok2 := new(big.Int).SetString(k.D, 16)
		if !ok1 || !ok2 {
			tb.Fatalf("testdata/keys.json: key %q", name)
		}
		keys[name] = &testKey{pub: rsa.PublicKey{N: n, E: k.E}, d: d}
	}
	return keys
}

// spki returns the key's encoding in a Cert.
func (k *testKey) spki(tb testing.TB) []byte {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(&k.pub)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// hello returns an encoded Hello of the key's owner.
func (k *testKey) hello(session string) []byte {
	h := sample(session)
	h.Fingerprint = FingerprintOf(&k.pub)
	return h.Append(nil)
}

// sign makes an RSA-PSS signature (RFC 8017, sections 8.1.1 and 9.1.1) with
// keys that crypto/rsa would not use, and always the same one.
func (k *testKey) sign(digest []byte, newHash func() hash.Hash, saltLen int) []byte {
	bits := k.pub.N.BitLen() - 1
	em := make([]byte, (bits+7)/8)
	salt := bytes.Repeat([]byte{0x5a}, saltLen)
	w := newHash()
	w.Write(make([]byte, 8))
	w.Write(digest)
	w.Write(salt)
	h := w.Sum(nil)
	db := em[:len(em)-len(h)-1]
	db[len(db)-saltLen-1] = 1
	copy(db[len(db)-saltLen:], salt)
	for i := 0; i*len(h) < len(db); i++ { // MGF1
		w := newHash()
		w.Write(h)
		w.Write([]byte{0, 0, 0, byte(i)})
		for j, b := range w.Sum(nil) {
			if at := i*len(h) + j; at < len(db) {
				db[at] ^= b
			}
		}
	}
	db[0] &= 0xff >> (8*len(em) - bits)
	copy(em[len(db):], h)
	em[len(em)-1] = 0xbc
	s := new(big.Int).SetBytes(em)
	return s.Exp(s, k.d, k.pub.N).FillBytes(make([]byte, k.pub.Size()))
}

// certify returns the Cert of a Hello, with any encoding of the key in it.
func (k *testKey) certify(hello, spki []byte) []byte {
	digest := CertDigest(Sum(hello), spki)
	return AppendCert(nil, spki, k.sign(digest[:], sha256.New, 32))
}

// privateKey finds the primes of a key (NIST SP 800-56B, appendix C).
func privateKey(k *testKey) (*rsa.PrivateKey, error) {
	one := big.NewInt(1)
	r := new(big.Int).Mul(k.d, big.NewInt(int64(k.pub.E)))
	r.Sub(r, one)
	s := r.TrailingZeroBits()
	r.Rsh(r, s)
	for g := int64(2); ; g++ {
		y := new(big.Int).Exp(big.NewInt(g), r, k.pub.N)
		for range s {
			x := new(big.Int).Mul(y, y)
			x.Mod(x, k.pub.N)
			minus1 := new(big.Int).Sub(k.pub.N, one)
			if x.Cmp(one) == 0 && y.Cmp(one) != 0 && y.Cmp(minus1) != 0 {
				p := new(big.Int).GCD(nil, nil, y.Sub(y, one), k.pub.N)
				q := new(big.Int).Div(k.pub.N, p)
				key := &rsa.PrivateKey{PublicKey: k.pub, D: k.d, Primes: []*big.Int{p, q}}
				key.Precompute()
				return key, key.Validate()
			}
			y = x
		}
	}
}
