//go:build s2c_test_unsealed

package cipher

import (
	stdcipher "crypto/cipher"
	"sync"
)

// This file is for one measurement: what sealing costs a call. A program that
// is built with its tag seals no packet, and says so at every start. CI checks
// that the program without the tag does not hold it.

var warn = sync.OnceFunc(func() { println("s2c: THIS IS A TEST BUILD: PACKETS ARE NOT SEALED") })

// newPacketAEAD returns an AEAD that does nothing but make room for a tag.
func newPacketAEAD([]byte) stdcipher.AEAD {
	warn()
	return unsealed{}
}

type unsealed struct{}

func (unsealed) NonceSize() int { return 12 }
func (unsealed) Overhead() int  { return tagLen }

func (unsealed) Seal(dst, _, plain, _ []byte) []byte {
	return append(append(dst, plain...), make([]byte, tagLen)...)
}

func (unsealed) Open(dst, _, sealed, _ []byte) ([]byte, error) {
	return append(dst, sealed[:len(sealed)-tagLen]...), nil
}
