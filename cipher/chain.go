package cipher

import (
	"crypto/aes"
	stdcipher "crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// tagLen is the size in bytes of what AES-GCM appends.
const tagLen = 16

// A box is what a chain seals: seq u32 | sealed payload | tag.
const boxOverhead = 4 + tagLen

// boxNonce is the nonce of every box: its key seals nothing else.
var boxNonce [12]byte

// maxSkip is how many boxes of a direction may be missing while later ones are
// opened. The hub delivers in order; what is missing was held back.
const maxSkip = 64

// A chain seals, or opens, the boxes of one direction between two members.
// Each box has a key of its own, and the chain moves on: what it holds now
// does not open the boxes before, but for those that are missing.
type chain struct {
	key  secret
	seq  uint32            // of the next box
	id   [32]byte          // of the direction, in what each box authenticates
	late map[uint32]secret // the keys of boxes that are missing
}

// live reports whether there is a chain.
func (c *chain) live() bool { return c.key.bytes() != nil }

// clear overwrites the keys of c.
func (c *chain) clear() {
	c.key.clear()
	for _, k := range c.late {
		k.clear()
	}
	c.late = nil
}

// seal appends to dst the next box, holding plain, of a message of type t.
func (c *chain) seal(dst []byte, t byte, plain []byte) []byte {
	key := c.step()
	defer clear(key)
	dst = binary.BigEndian.AppendUint32(dst, c.seq-1)
	return newGCM(key).Seal(dst, boxNonce[:], plain, c.aad(c.seq-1, t))
}

// open opens a box of a message of type t: the next one, or within limits one
// that is missing or one after some that are. A box that is refused leaves c as
// it is, so that junk cannot spoil a chain.
func (c *chain) open(t byte, box []byte) (plain []byte, err error) {
	if len(box) < boxOverhead {
		return nil, ErrMalformed
	}
	seq := binary.BigEndian.Uint32(box)
	if seq < c.seq {
		return c.openLate(seq, t, box)
	}
	if seq-c.seq > maxSkip || len(c.late)+int(seq-c.seq) > maxSkip {
		return nil, ErrAuth
	}
	trial := chain{key: newSecret(slices.Clone(c.key.bytes())), seq: c.seq, id: c.id}
	var skipped []secret
	for trial.seq < seq {
		skipped = append(skipped, newSecret(trial.step()))
	}
	key := trial.step()
	defer clear(key)
	plain, err = newGCM(key).Open(nil, boxNonce[:], box[4:], c.aad(seq, t))
	if err != nil {
		trial.key.clear()
		for _, k := range skipped {
			k.clear()
		}
		return nil, ErrAuth
	}
	for i, k := range skipped {
		if c.late == nil {
			c.late = make(map[uint32]secret)
		}
		c.late[c.seq+uint32(i)] = k
	}
	c.key.clear()
	c.key, c.seq = trial.key, trial.seq
	return plain, nil
}

// openLate opens a box that others have overtaken.
func (c *chain) openLate(seq uint32, t byte, box []byte) (plain []byte, err error) {
	key, ok := c.late[seq]
	if !ok {
		return nil, ErrReplay
	}
	plain, err = newGCM(key.bytes()).Open(nil, boxNonce[:], box[4:], c.aad(seq, t))
	if err != nil {
		return nil, ErrAuth
	}
	key.clear()
	delete(c.late, seq)
	return plain, nil
}

// step returns the key of the next box and moves c on.
func (c *chain) step() []byte {
	key, next := keyed(c.key, 1), keyed(c.key, 2)
	c.key.clear()
	c.key = newSecret(next)
	c.seq++
	return key
}

// aad returns what box seq authenticates besides its payload. Without the type
// of its message, one kind could be taken for another.
func (c *chain) aad(seq uint32, t byte) []byte {
	b := append(make([]byte, 0, len(c.id)+5), c.id[:]...)
	return append(binary.BigEndian.AppendUint32(b, seq), t)
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
