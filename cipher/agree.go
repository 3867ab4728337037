package cipher

import (
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha512"
	"fmt"
	"slices"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// encLen is the size in bytes of an X-Wing ciphertext.
const encLen = 1120

// ssLen is the size in bytes of what HPKE exports.
const ssLen = 32

// pairInfo ties an encapsulation to the two Hellos.
func pairInfo(i, r hello.Hash) []byte {
	return slices.Concat([]byte("s2c/1 pair\x00"), r[:], i[:])
}

// encapsulate makes a secret for the owner of an X-Wing key (RFC 9180, base
// mode, export only), and what they need to learn it.
func encapsulate(key []byte, info []byte) (enc []byte, ss secret, err error) {
	pub, err := hpke.MLKEM768X25519().NewPublicKey(key)
	if err != nil {
		return nil, secret{}, fmt.Errorf("public key in hello: %w", err)
	}
	enc, sender, err := hpke.NewSender(pub, hpke.HKDFSHA512(), hpke.ExportOnly(), info)
	if err != nil {
		return nil, secret{}, err
	}
	b, err := sender.Export("s2c/1 ss", ssLen)
	if err != nil {
		return nil, secret{}, err
	}
	return enc, newSecret(b), nil
}

// decapsulate learns the secret that somebody made with encapsulate.
func decapsulate(key hpke.PrivateKey, enc, info []byte) (secret, error) {
	r, err := hpke.NewRecipient(enc, key, hpke.HKDFSHA512(), hpke.ExportOnly(), info)
	if err != nil {
		return secret{}, err
	}
	b, err := r.Export("s2c/1 ss", ssLen)
	if err != nil {
		return secret{}, err
	}
	return newSecret(b), nil
}

// A run is one handshake between an initiator and a responder, as far as both
// know it: what all its keys come from.
type run struct {
	i, r hello.Hash
	enc  []byte
	ss   secret // encapsulated
	dh   secret // X25519 between the two Hellos
}

// chains returns the chains of a run, from i to r and back. With a passphrase
// there are two pairs of them: a first one, without isk, that shows who speaks,
// and then the one that only those can have who know the passphrase.
func (u *run) chains(ya, yb, isk []byte) (there, back chain) {
	th := labelled("s2c/1 th", u.i[:], u.r[:], u.enc, ya, yb)
	ikm := slices.Concat(u.ss.bytes(), u.dh.bytes(), isk)
	defer clear(ikm)
	k := newSecret(must(hkdf.Extract(sha512.New, ikm, th[:])))
	defer k.clear()
	direction := func(d string) chain {
		return chain{
			key: newSecret(must(hkdf.Expand(sha512.New, k.bytes(), "s2c/1 chain "+d, 32))),
			id:  labelled("s2c/1 ch "+d, th[:]),
		}
	}
	return direction("i>r"), direction("r>i")
}

// clear overwrites the secrets of a run.
func (u *run) clear() {
	u.ss.clear()
	u.dh.clear()
}

// cpaceIDs returns the channel identifier and the session identifier of CPace
// in this run.
func (u *run) cpaceIDs() (ci, sid []byte) {
	s := labelled("s2c/1 sid", u.enc)
	return slices.Concat([]byte("s2c/1"), u.i[:], u.r[:]), s[:]
}
