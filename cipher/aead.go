//go:build !s2c_test_unsealed

package cipher

import stdcipher "crypto/cipher"

// newPacketAEAD returns what seals the packets of a stream.
func newPacketAEAD(key []byte) stdcipher.AEAD { return newGCM(key) }
