package hello

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestVerify(t *testing.T) {
	keys := readKeys(t)
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		k := keys[name]
		b := k.hello("session1")
		cert := k.certify(b, k.spki(t))
		v, err := Verify(b, cert)
		if err != nil {
			t.Fatalf("%s, %d bits: %v", name, k.pub.N.BitLen(), err)
		}
		if v.Hash() != Sum(b) || !bytes.Equal(v.Hello().Append(nil), b) || v.Hello().Fingerprint != FingerprintOf(&k.pub) {
			t.Errorf("%s: Verify gave hash %x and %+v", name, v.Hash(), v.Hello())
		}
		if len(cert) > MaxCert {
			t.Errorf("%s: a Cert of %d bytes, more than %d", name, len(cert), MaxCert)
		}
		t.Logf("%s: RSA-%d, Cert of %d bytes", name, k.pub.N.BitLen(), len(cert))
	}
}

// TestVerifyOfStandardLibrary checks a signature that crypto/rsa made.
func TestVerifyOfStandardLibrary(t *testing.T) {
	k := readKeys(t)["alice"]
	b, spki := k.hello("session1"), k.spki(t)
	private, err := privateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	digest := CertDigest(Sum(b), spki)
	signature, err := rsa.SignPSS(rand.Reader, private, crypto.SHA256, digest[:], &PSS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(b, AppendCert(nil, spki, signature)); err != nil {
		t.Error(err)
	}
}

// TestCertLayout holds the bytes, which are part of the protocol.
func TestCertLayout(t *testing.T) {
	if got, want := hex.EncodeToString(AppendCert([]byte{9}, []byte("key"), []byte("sig!"))), "09"+"01"+"0003"+"6b6579"+"0004"+"73696721"; got != want {
		t.Errorf("AppendCert = %s, want %s", got, want)
	}
	key := sha256.Sum256([]byte("key"))
	want := sha256.Sum256(slices.Concat([]byte("s2c/1 cert\x00"), bytes.Repeat([]byte{7}, 32), key[:]))
	if got := CertDigest(Hash(bytes.Repeat([]byte{7}, 32)), []byte("key")); got != want {
		t.Errorf("CertDigest = %x, want %x", got, want)
	}
}

// TestEveryAlteration changes a Hello and its Cert in every bit and every
// length.
func TestEveryAlteration(t *testing.T) {
	keys := readKeys(t)
	for _, tt := range []struct {
		key   string
		hello bool // or the Cert
	}{{"alice", true}, {"carol", false}, {"alice", false}} {
		k := keys[tt.key]
		b := k.hello("session1")
		cert := k.certify(b, k.spki(t))
		verify := func(part []byte) error {
			if tt.hello {
				_, err := Verify(part, cert)
				return err
			}
			_, err := Verify(b, part)
			return err
		}
		part, name := cert, "Cert"
		if tt.hello {
			part, name = b, "Hello"
		}
		if err := verify(part); err != nil {
			t.Fatal(err)
		}
		bits, cuts, extensions := 0, 0, 0
		refused := func(what string, at int, err error) int {
			switch {
			case err == nil:
				t.Errorf("%s of %s: %s %d is accepted", name, tt.key, what, at)
				return 0
			case !tt.hello && !errors.Is(err, ErrCert),
				tt.hello && !errors.Is(err, ErrCert) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrVersion):
				t.Errorf("%s of %s: %s %d: %v", name, tt.key, what, at, err)
			}
			return 1
		}
		for bit := range 8 * len(part) {
			bits += refused("bit", bit, verify(flip(part, bit)))
		}
		for n := range part {
			cuts += refused("cut before byte", n, verify(part[:n]))
			cuts += refused("cut after byte", n, verify(part[n+1:]))
			cuts += refused("cut of byte", n, verify(slices.Delete(bytes.Clone(part), n, n+1)))
			extensions += refused("byte twice", n, verify(slices.Insert(bytes.Clone(part), n, part[n])))
		}
		for v := range 256 {
			extensions += refused("at the end, byte", v, verify(append(bytes.Clone(part), byte(v))))
			extensions += refused("at the start, byte", v, verify(append([]byte{byte(v)}, part...)))
		}
		for _, n := range []int{2, 100, 1000, 70000} {
			extensions += refused("zeros at the end", n, verify(append(bytes.Clone(part), make([]byte, n)...)))
		}
		t.Logf("%s of %d bytes, RSA-%d: %d changed bits, %d cuts and %d extensions refused",
			name, len(part), k.pub.N.BitLen(), bits, cuts, extensions)
	}
}

// TestWeakKeys gives Verify keys that must not be identities. Their owners
// signed as they should, where that can be.
func TestWeakKeys(t *testing.T) {
	keys := readKeys(t)
	odd := func(bits uint) *testKey { // of no known factors, but nobody gets to see that
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return &testKey{pub: rsa.PublicKey{N: n.SetBit(n, 0, 1), E: exponent}}
	}
	with := func(name string, e int, change int64) *testKey {
		n := new(big.Int).Add(keys[name].pub.N, big.NewInt(change))
		return &testKey{pub: rsa.PublicKey{N: n, E: e}}
	}
	tests := []struct {
		name string
		key  *testKey
		want string
	}{
		{"512 bits", keys["512 bits"], "an RSA key of 512 bits"},
		{"1024 bits", keys["1024 bits"], "an RSA key of 1024 bits"},
		{"2047 bits", keys["2047 bits"], "an RSA key of 2047 bits"},
		{"4097 bits", keys["4097 bits"], "an RSA key of 4097 bits"},
		{"8192 bits", odd(8192), "an RSA key of 8192 bits"},
		{"16384 bits", odd(16384), "malformed"}, // over MaxCert
		{"e = 1", keys["e = 1"], "the exponent 1;"},
		{"e = 2", with("alice", 2, 0), "the exponent 2;"},
		{"e = 3", keys["e = 3"], "the exponent 3;"},
		{"e = 65536", with("alice", 65536, 0), "the exponent 65536;"},
		{"e = 65539", with("alice", 65539, 0), "the exponent 65539;"},
		{"e = 2^31-1", keys["e = 2^31-1"], "the exponent 2147483647;"},
		{"even modulus", with("alice", exponent, 1), "an even modulus"},
		{"even modulus, e = 2", with("alice", 2, 1), "the exponent 2;"},
	}
	signed := 0
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, spki := tt.key.hello("session1"), tt.key.spki(t)
			signature := []byte("?")
			// A modulus of 512 bits has no room for a salt of 32 bytes.
			if tt.key.d != nil && tt.key.pub.N.BitLen() >= 1024 {
				digest := CertDigest(Sum(b), spki)
				signature = tt.key.sign(digest[:], sha256.New, 32)
				if !verifiesPSS(tt.key, digest[:], signature) {
					t.Fatal("the signature is no good, and the test would show nothing")
				}
				signed++
			}
			_, err := Verify(b, AppendCert(nil, spki, signature))
			if !errors.Is(err, ErrCert) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Verify: %v, want %v with %q", err, ErrCert, tt.want)
			}
			if err := CheckKey(&tt.key.pub); err == nil {
				t.Error("CheckKey accepts it")
			}
		})
	}
	t.Logf("%d weak keys refused, %d of them with signatures that are right", len(tests), signed)
}

// verifiesPSS checks a signature of sign without any check of the key: signing
// is deterministic, so the encoded message must come back.
func verifiesPSS(k *testKey, digest, signature []byte) bool {
	public := &testKey{pub: k.pub, d: big.NewInt(1)} // s^1 is the encoded message
	em := new(big.Int).SetBytes(public.sign(digest, sha256.New, 32))
	s := new(big.Int).SetBytes(signature)
	return s.Exp(s, big.NewInt(int64(k.pub.E)), k.pub.N).Cmp(em) == 0
}

func TestCheckKey(t *testing.T) {
	for _, tt := range []struct {
		bits uint
		e    int
		ok   bool
	}{
		{2047, exponent, false},
		{2048, exponent, true},
		{2049, exponent, true},
		{3072, exponent, true},
		{4095, exponent, true},
		{4096, exponent, true},
		{4097, exponent, false},
		{16384, exponent, false},
		{1, exponent, false},
		{2048, 0, false},
		{2048, -65537, false},
		{2048, 17, false},
	} {
		n := new(big.Int).Lsh(big.NewInt(1), tt.bits-1)
		key := &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: tt.e}
		if err := CheckKey(key); (err == nil) != tt.ok {
			t.Errorf("CheckKey of %d bits with e = %d: %v, want ok %v", tt.bits, tt.e, err, tt.ok)
		}
	}
	if err := CheckKey(&rsa.PublicKey{N: new(big.Int), E: exponent}); err == nil {
		t.Error("CheckKey accepts the modulus 0")
	}
}

// TestOtherKeys gives Verify keys that are not RSA.
func TestOtherKeys(t *testing.T) {
	b, err := os.ReadFile("testdata/otherkeys.json")
	if err != nil {
		t.Fatal(err)
	}
	var tests []struct {
		Name  string `json:"name"`
		SPKI  string `json:"spki"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(b, &tests); err != nil {
		t.Fatal(err)
	}
	if len(tests) != 7 {
		t.Fatalf("%d keys in testdata/otherkeys.json, want 7", len(tests))
	}
	h := sample("session1")
	for _, tt := range tests {
		spki, err := hex.DecodeString(tt.SPKI)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Verify(h.Append(nil), AppendCert(nil, spki, make([]byte, 64)))
		if !errors.Is(err, ErrCert) || !strings.Contains(err.Error(), tt.Error) {
			t.Errorf("%s: Verify: %v, want %v with %q", tt.Name, err, ErrCert, tt.Error)
		}
	}
}

func TestMalformedCerts(t *testing.T) {
	k := readKeys(t)["alice"]
	b := k.hello("session1")
	good := k.certify(b, k.spki(t))
	with := func(at int, v byte) []byte {
		c := bytes.Clone(good)
		c[at] = v
		return c
	}
	tests := []struct {
		name string
		cert []byte
	}{
		{"nothing", nil},
		{"one byte", []byte{1}},
		{"empty vectors but for one byte", []byte{1, 0, 0, 0}},
		{"alg 0", with(0, 0)},
		{"alg 2", with(0, 2)},
		{"alg 255", with(0, 255)},
		{"key of 65,535 bytes", []byte{1, 0xff, 0xff, 0, 0}},
		{"key longer by 1", with(2, good[2]+1)},
		{"key shorter by 2", with(2, good[2]-2)},
		{"key without a signature", good[:3+294]},
		{"longer than MaxCert", AppendCert(nil, k.spki(t), make([]byte, MaxCert-5-294+1))},
		{"a megabyte", make([]byte, 1<<20)},
	}
	for _, tt := range tests {
		if _, err := Verify(b, tt.cert); !errors.Is(err, ErrCert) || !strings.Contains(err.Error(), "malformed") {
			t.Errorf("%s: Verify: %v, want %v, malformed", tt.name, err, ErrCert)
		}
	}
}

// TestSignatures gives Verify what is not a signature of this Hello with this
// key in the one form that is accepted.
func TestSignatures(t *testing.T) {
	keys := readKeys(t)
	alice, bob := keys["alice"], keys["bob"]
	private, err := privateKey(alice)
	if err != nil {
		t.Fatal(err)
	}
	b, spki := alice.hello("session1"), alice.spki(t)
	hh := Sum(b)
	digest := CertDigest(hh, spki)
	right := alice.sign(digest[:], sha256.New, 32)
	number := new(big.Int).SetBytes(right)
	bytesOf := func(n *big.Int) []byte { return n.FillBytes(make([]byte, 256+1)) }

	pkcs1, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	wide := sha512.Sum512(digest[:])
	other := sha256.Sum256(slices.Concat([]byte("s2c/1 door\x00"), hh[:], digest[:]))
	bobs := CertDigest(hh, bob.spki(t))
	tests := []struct {
		name      string
		signature []byte
	}{
		{"empty", nil},
		{"zero", make([]byte, 256)},
		{"one", append(make([]byte, 255), 1)},
		{"modulus", alice.pub.N.Bytes()},
		{"modulus less one", new(big.Int).Sub(alice.pub.N, big.NewInt(1)).Bytes()},
		{"all ones", bytes.Repeat([]byte{0xff}, 256)},
		{"zero byte before it", append([]byte{0}, right...)},
		{"zero byte behind it", append(bytes.Clone(right), 0)},
		{"plus the modulus", bytesOf(new(big.Int).Add(number, alice.pub.N))},
		{"negated", new(big.Int).Sub(alice.pub.N, number).FillBytes(make([]byte, 256))},
		{"PKCS #1 v1.5", pkcs1},
		{"no salt", alice.sign(digest[:], sha256.New, 0)},
		{"salt of 20 bytes", alice.sign(digest[:], sha256.New, 20)},
		{"salt of 33 bytes", alice.sign(digest[:], sha256.New, 33)},
		{"longest salt", alice.sign(digest[:], sha256.New, 256-2-32)},
		{"SHA-512", alice.sign(wide[:], sha512.New, 32)},
		{"the Hash of the Hello alone", alice.sign(hh[:], sha256.New, 32)},
		{"another label", alice.sign(other[:], sha256.New, 32)},
		{"Bob's digest", alice.sign(bobs[:], sha256.New, 32)},
		{"Bob's signature", bob.sign(digest[:], sha256.New, 32)},
	}
	for _, tt := range tests {
		_, err := Verify(b, AppendCert(nil, spki, tt.signature))
		if !errors.Is(err, ErrCert) || !strings.Contains(err.Error(), "wrong signature") {
			t.Errorf("%s: Verify: %v, want %v, wrong signature", tt.name, err, ErrCert)
		}
	}
	if _, err := Verify(b, AppendCert(nil, spki, right)); err != nil {
		t.Errorf("the right signature: %v", err)
	}
}

// TestMisbinding certifies Hellos that belong to somebody else.
func TestMisbinding(t *testing.T) {
	keys := readKeys(t)
	alice, mallory := keys["alice"], keys["bob"]
	b := alice.hello("session1")
	spki := alice.spki(t)
	cert := alice.certify(b, spki)

	elsewhere := sample("session1")
	elsewhere.Fingerprint = FingerprintOf(&alice.pub)
	elsewhere.Binding[0]++
	malloryX := sample("session1")
	malloryX.Fingerprint = FingerprintOf(&alice.pub)
	malloryX.X[5]++
	noPassphrase := sample("session1")
	noPassphrase.Fingerprint = FingerprintOf(&alice.pub)
	noPassphrase.Passphrase = false

	const anotherIdentity, wrongSignature = "of another identity", "wrong signature"
	tests := []struct {
		name        string
		hello, cert []byte
		want        string
	}{
		{"Mallory certifies Alice's Hello as it is", b, mallory.certify(b, mallory.spki(t)), anotherIdentity},
		{"Mallory signs, with Alice's key beside it", b, mallory.certify(b, spki), wrongSignature},
		{"Alice's signature, with Mallory's key beside it", b, AppendCert(nil, mallory.spki(t), cert[5+len(spki):]), anotherIdentity},
		{"Mallory names himself, with Alice's Cert", mallory.hello("session1"), cert, anotherIdentity},
		{"Alice's Cert of another session", alice.hello("session2"), cert, wrongSignature},
		{"Alice's Cert of another connection", elsewhere.Append(nil), cert, wrongSignature},
		{"Alice's Cert with Mallory's public key", malloryX.Append(nil), cert, wrongSignature},
		{"Alice's Cert without her passphrase", noPassphrase.Append(nil), cert, wrongSignature},
		{"Alice's Cert of her bigger key", b, keys["carol"].certify(b, keys["carol"].spki(t)), anotherIdentity},
	}
	for _, tt := range tests {
		_, err := Verify(tt.hello, tt.cert)
		if !errors.Is(err, ErrCert) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Verify: %v, want %v with %q", tt.name, err, ErrCert, tt.want)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	keys := readKeys(b)
	for _, name := range []string{"alice", "carol", "dave"} {
		k := keys[name]
		hello := k.hello("session1")
		cert := k.certify(hello, k.spki(b))
		b.Run(fmt.Sprintf("RSA-%d", k.pub.N.BitLen()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Verify(hello, cert); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRefuse measures what a bad Cert costs a hub.
func BenchmarkRefuse(b *testing.B) {
	big8192 := new(big.Int).Lsh(big.NewInt(1), 8191)
	k := &testKey{pub: rsa.PublicKey{N: big8192.SetBit(big8192, 0, 1), E: exponent}}
	hello := k.hello("session1")
	huge := new(big.Int).Lsh(big.NewInt(1), 16383)
	k16384 := &testKey{pub: rsa.PublicKey{N: huge.SetBit(huge, 0, 1), E: exponent}}
	alice := readKeys(b)["alice"]
	good := alice.hello("session1")
	for _, bb := range []struct {
		name        string
		hello, cert []byte
	}{
		{"8192 bits", hello, AppendCert(nil, k.spki(b), make([]byte, 100))},
		{"16384 bits", hello, AppendCert(nil, k16384.spki(b), make([]byte, 2048))},
		{"wrong signature", good, flip(alice.certify(good, alice.spki(b)), 8*400)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Verify(bb.hello, bb.cert); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
	b.Run("16384 bits in x509 alone", func(b *testing.B) {
		spki := k16384.spki(b)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := x509.ParsePKIXPublicKey(spki); err != nil {
				b.Fatal(err)
			}
		}
	})
}
