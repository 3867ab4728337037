package hello

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
)

// TestEncodings gives Verify other encodings of a good key, each of them
// signed as it is: one key must have one Cert.
func TestEncodings(t *testing.T) {
	k := readKeys(t)["alice"]
	n := k.pub.N.Bytes()
	signedN := append([]byte{0}, n...)
	e := []byte{1, 0, 1}
	algorithm := tlv(0x30, tlv(0x06, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1}), tlv(0x05))
	bitString := func(content ...[]byte) []byte { return tlv(0x03, append([][]byte{{0}}, content...)...) }
	key := tlv(0x30, tlv(0x02, signedN), tlv(0x02, e))
	if got := tlv(0x30, algorithm, bitString(key)); !bytes.Equal(got, k.spki(t)) {
		t.Fatalf("SPKI by hand = %x, want %x", got, k.spki(t))
	}
	long := func(der []byte, octets int) []byte { // one more octet in the length
		header := len(der) - derContent(t, der)
		size := big.NewInt(int64(len(der) - header)).FillBytes(make([]byte, octets))
		return slices.Concat([]byte{der[0], 0x80 | byte(octets)}, size, der[header:])
	}
	shifted := new(big.Int).Lsh(new(big.Int).SetBytes(key), 1).Bytes()
	withOID := func(oid []byte, params ...[]byte) []byte {
		return tlv(0x30, tlv(0x30, append([][]byte{tlv(0x06, oid)}, params...)...), bitString(key))
	}
	null := tlv(0x05)
	spki := k.spki(t)
	const notCanonical, invalid = "not in canonical form", "asn1"
	tests := []struct {
		name string
		spki []byte
		want string
	}{
		{"trailing byte", append(bytes.Clone(spki), 0), "trailing data"},
		{"key twice", append(bytes.Clone(spki), spki...), "trailing data"},
		{"long length outside", long(spki, 3), invalid},
		{"very long length outside", long(spki, 8), invalid},
		{"long length of the algorithm", tlv(0x30, long(algorithm, 1), bitString(key)), invalid},
		{"long length of the bit string", tlv(0x30, algorithm, long(bitString(key), 3)), invalid},
		{"long length of the key", tlv(0x30, algorithm, bitString(long(key, 3))), "invalid RSA public key"},
		{"long length of the modulus", tlv(0x30, algorithm, bitString(tlv(0x30, long(tlv(0x02, signedN), 3), tlv(0x02, e)))), "invalid RSA modulus"},
		{"indefinite length", slices.Concat([]byte{0x30, 0x80}, algorithm, bitString(key), []byte{0, 0}), invalid},
		{"zero before the modulus", tlv(0x30, algorithm, bitString(tlv(0x30, tlv(0x02, []byte{0}, signedN), tlv(0x02, e)))), "invalid RSA modulus"},
		{"zero before the exponent", tlv(0x30, algorithm, bitString(tlv(0x30, tlv(0x02, signedN), tlv(0x02, []byte{0}, e)))), "invalid RSA public exponent"},
		{"negative modulus", tlv(0x30, algorithm, bitString(tlv(0x30, tlv(0x02, n), tlv(0x02, e)))), "not a positive number"},
		{"negative exponent", tlv(0x30, algorithm, bitString(tlv(0x30, tlv(0x02, signedN), tlv(0x02, []byte{0xff})))), "not a positive number"},
		{"exponent of 9 bytes", tlv(0x30, algorithm, bitString(tlv(0x30, tlv(0x02, signedN), tlv(0x02, append([]byte{1}, make([]byte, 8)...))))), "invalid RSA public exponent"},
		{"no exponent", tlv(0x30, algorithm, bitString(tlv(0x30, tlv(0x02, signedN)))), "invalid RSA public exponent"},
		{"a third number", tlv(0x30, algorithm, bitString(tlv(0x30, tlv(0x02, signedN), tlv(0x02, e), tlv(0x02, e)))), notCanonical},
		{"bytes behind the key", tlv(0x30, algorithm, bitString(key, []byte("more"))), notCanonical},
		{"a third element", tlv(0x30, algorithm, bitString(key), null), notCanonical},
		{"a third element in the algorithm", withOID([]byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1}, null, null), notCanonical},
		{"bit string shifted by one", tlv(0x30, algorithm, tlv(0x03, []byte{1}, shifted)), notCanonical},
		{"bit string with unused bits set", tlv(0x30, algorithm, tlv(0x03, []byte{1}, key)), invalid},
		{"octet string", tlv(0x30, algorithm, tlv(0x04, key)), invalid},
		{"no NULL in the algorithm", withOID([]byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1}), "NULL"},
		{"other parameters in the algorithm", withOID([]byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1}, tlv(0x30)), "NULL"},
		{"algorithm RSASSA-PSS", withOID([]byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10}, null), "unknown public key algorithm"},
		{"algorithm RSAES-OAEP", withOID([]byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7}, null), "unknown public key algorithm"},
		{"PKCS #1", key, ""},
		{"empty", nil, invalid},
		{"text", []byte("-----BEGIN PUBLIC KEY-----"), invalid},
	}
	for _, tt := range tests {
		b := k.hello("session1")
		_, err := Verify(b, k.certify(b, tt.spki))
		if !errors.Is(err, ErrCert) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Verify: %v, want %v with %q", tt.name, err, ErrCert, tt.want)
		}
	}
	t.Logf("%d encodings of one key refused", len(tests))
}

// tlv encodes one element in DER.
func tlv(tag byte, content ...[]byte) []byte {
	b := slices.Concat(content...)
	der := []byte{tag}
	switch n := len(b); {
	case n < 0x80:
		der = append(der, byte(n))
	case n < 0x100:
		der = append(der, 0x81, byte(n))
	default:
		der = append(der, 0x82, byte(n>>8), byte(n))
	}
	return append(der, b...)
}

// derContent returns the size of the content of an element.
func derContent(t *testing.T, der []byte) int {
	t.Helper()
	var v asn1.RawValue
	if _, err := asn1.Unmarshal(der, &v); err != nil {
		t.Fatal(err)
	}
	return len(v.Bytes)
}
