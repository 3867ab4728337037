package cpace

import (
	"crypto/sha512"
	"encoding/binary"

	"filippo.io/edwards25519/field"
)

// generator hashes password, ci and sid to a point of Curve25519 and returns
// its u coordinate: calculate_generator of the draft, section 7.2.
func generator(password, ci, sid []byte) [32]byte {
	// Zeros fill the first block of SHA-512 behind the password, so that the
	// blocks with ci and sid, which others know, start from a state that only
	// the password decides.
	head := len(appendField(nil, []byte(dsi))) + len(appendField(nil, password))
	pad := max(0, sha512.BlockSize-1-head)
	b := appendFields(nil, []byte(dsi), password, make([]byte, pad), ci, sid)
	defer clear(b)
	h := sha512.Sum512(b)
	defer clear(h[:])
	return elligator2([32]byte(h[:32]))
}

// appendFields appends each field with its length before it: lv_cat of the
// draft.
func appendFields(b []byte, fields ...[]byte) []byte {
	// One allocation of the right size, as append would leave copies of a
	// password behind in the ones it outgrows.
	size := len(b)
	for _, f := range fields {
		size += binary.MaxVarintLen64 + len(f)
	}
	if cap(b) < size {
		b = append(make([]byte, 0, size), b...)
	}
	for _, f := range fields {
		b = appendField(b, f)
	}
	return b
}

// appendField appends the length of f as LEB128, which is Go's uvarint, and f.
func appendField(b, f []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(f))), f...)
}

// elligator2 maps r, a little-endian number of which the highest bit does not
// count, to the u coordinate of a point on Curve25519, and does the same work
// for every r: map_to_curve_elligator2 of RFC 9380, section 6.7.1, without the
// v coordinate, which X25519 has no use for.
func elligator2(r [32]byte) [32]byte {
	var (
		t, d, x1, x2, gx, unused field.Element

		one = new(field.Element).One()
		a   = new(field.Element).Mult32(one, 486662) // of v^2 = u^3 + A u^2 + u
	)
	if _, err := t.SetBytes(r[:]); err != nil { // takes numbers over 2^255-19 too
		panic("cpace: internal error: field element of 32 bytes: " + err.Error())
	}
	// x1 = -A / (1 + Z t^2) with Z = 2. The divisor is never 0 because -1/2
	// is not a square.
	d.Square(&t)
	d.Add(&d, &d)
	d.Add(&d, one)
	d.Invert(&d)
	x1.Multiply(a, &d)
	x1.Negate(&x1)
	// If x1 is on the curve, which is to say x1^3 + A x1^2 + x1 is a square,
	// it is the answer; else -A - x1 is on it.
	gx.Add(&x1, a)
	gx.Multiply(&gx, &x1)
	gx.Add(&gx, one)
	gx.Multiply(&gx, &x1)
	x2.Add(&x1, a)
	x2.Negate(&x2)
	_, square := unused.SqrtRatio(&gx, one)
	return [32]byte(x1.Select(&x1, &x2, square).Bytes())
}
