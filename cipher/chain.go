package cipher

import (
	"crypto/aes"
	stdcipher "crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// tagLen is the size in bytes of what AES-GCM appends.
const tagLen = 16

// A box is what a chain seals: seq u32 | sealed payload | tag.
const boxOverhead = 4 + tagLen

// boxNonce is the nonce of every box: its key seals nothing else.
var boxNonce [12]byte

// A chain seals, or opens, the boxes of one direction between two members.
// Each box has a key of its own, and the chain moves on: what it holds now
// does not open the boxes before.
type chain struct {
	key secret
	seq uint32   // of the next box
	id  [32]byte // of the direction, in what each box authenticates
}

// schedule returns the chains between initiator i and responder r, who share
// dh: from i to r, and back.
func schedule(dh secret, i, r hello.Hash) (there, back chain) {
	th := labelled("s2c/1 th", i[:], r[:])
	k := newSecret(must(hkdf.Extract(sha512.New, dh.bytes(), th[:])))
	defer k.clear()
	direction := func(d string) chain {
		return chain{
			key: newSecret(must(hkdf.Expand(sha512.New, k.bytes(), "s2c/1 chain "+d, 32))),
			id:  labelled("s2c/1 ch "+d, th[:]),
		}
	}
	return direction("i>r"), direction("r>i")
}

// seal appends to dst the next box, holding plain, of a message of type t.
func (c *chain) seal(dst []byte, t byte, plain []byte) []byte {
	aead, next := c.step()
	dst = binary.BigEndian.AppendUint32(dst, c.seq)
	dst = aead.Seal(dst, boxNonce[:], plain, c.aad(t))
	c.key.clear()
	*c = next
	return dst
}

// open opens the next box, of a message of type t, and returns what it holds
// and the chain after it. c stays as it is: the caller replaces it once it has
// accepted the payload, so that junk cannot spoil a chain.
func (c *chain) open(t byte, box []byte) (plain []byte, next chain, err error) {
	if len(box) < boxOverhead {
		return nil, chain{}, ErrMalformed
	}
	switch seq := binary.BigEndian.Uint32(box); {
	case seq < c.seq:
		return nil, chain{}, ErrReplay
	case seq > c.seq:
		return nil, chain{}, ErrAuth
	}
	aead, next := c.step()
	plain, err = aead.Open(nil, boxNonce[:], box[4:], c.aad(t))
	if err != nil {
		next.key.clear()
		return nil, chain{}, ErrAuth
	}
	return plain, next, nil
}

// step returns what seals or opens the next box, and the chain after it.
func (c *chain) step() (stdcipher.AEAD, chain) {
	key := keyed(c.key, 1)
	defer clear(key)
	return newGCM(key), chain{key: newSecret(keyed(c.key, 2)), seq: c.seq + 1, id: c.id}
}

// aad returns what a box authenticates besides its payload. Without the type
// of its message, one kind could be taken for another.
func (c *chain) aad(t byte) []byte {
	b := append(make([]byte, 0, len(c.id)+5), c.id[:]...)
	return append(binary.BigEndian.AppendUint32(b, c.seq), t)
}

// keyed returns the HMAC-SHA256 of one byte.
func keyed(key secret, b byte) []byte {
	m := hmac.New(sha256.New, key.bytes())
	m.Write([]byte{b})
	return m.Sum(nil)
}

// labelled returns SHA-256(label || 0 || parts).
func labelled(label string, parts ...[]byte) (sum [32]byte) {
	h := sha256.New()
	h.Write([]byte(label))
	h.Write([]byte{0})
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

// newGCM returns AES-GCM with a key of 16 or 32 bytes.
func newGCM(key []byte) stdcipher.AEAD {
	return must(stdcipher.NewGCM(must(aes.NewCipher(key))))
}

// must returns v. The functions it is used with fail only for lengths and
// hashes that are fixed in this package.
func must[T any](v T, err error) T {
	if err != nil {
		panic("cipher: internal error: " + err.Error())
	}
	return v
}
