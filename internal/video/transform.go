package video

// The transform is the 8x8 one of H.265 (an integer DCT whose rows all have
// nearly the same norm, 64*sqrt(8)), with coefficients kept at 16 times the
// orthonormal ones so that the quantiser can be finer than a sample value.
//
// Forward gains 2^15 in two passes and keeps 2^4: a shift by 11. Backward gains
// 2^15 again and loses the 2^4 too: shifts by 7 and 12. A residual of +-255
// stays below 2^27 in the sums, a coefficient of +-maxCoefficient below 2^26.
const maxCoefficient = 1<<15 - 1

// fdct transforms the residual r in place, rows of 8, into coefficients.
func fdct(r *[64]int32) {
	var t [64]int32
	for y := range 8 {
		fdct8((*[8]int32)(r[y*8:]), &t, y, 0, 0)
	}
	for x := range 8 {
		fdct8((*[8]int32)(t[x*8:]), r, x, 1<<10, 11)
	}
}

// fdct8 transforms v into column i of out, rounded and shifted.
func fdct8(v *[8]int32, out *[64]int32, i int, round int32, shift uint) {
	a0, a1, a2, a3 := v[0]+v[7], v[1]+v[6], v[2]+v[5], v[3]+v[4]
	b0, b1, b2, b3 := v[0]-v[7], v[1]-v[6], v[2]-v[5], v[3]-v[4]
	o := out[i : i+57 : i+57]
	o[0] = (64*(a0+a1+a2+a3) + round) >> shift
	o[16] = (83*(a0-a3) + 36*(a1-a2) + round) >> shift
	o[32] = (64*(a0-a1-a2+a3) + round) >> shift
	o[48] = (36*(a0-a3) - 83*(a1-a2) + round) >> shift
	o[8] = (89*b0 + 75*b1 + 50*b2 + 18*b3 + round) >> shift
	o[24] = (75*b0 - 18*b1 - 89*b2 - 50*b3 + round) >> shift
	o[40] = (50*b0 - 89*b1 + 18*b2 + 75*b3 + round) >> shift
	o[56] = (18*b0 - 50*b1 + 75*b2 - 89*b3 + round) >> shift
}

// idct transforms the coefficients r in place, rows of 8, into a residual.
func idct(r *[64]int32) {
	var t [64]int32
	for y := range 8 {
		v := (*[8]int32)(r[y*8:])
		if v[0]|v[1]|v[2]|v[3]|v[4]|v[5]|v[6]|v[7] != 0 {
			idct8(v, &t, y, 1<<6, 7)
		}
	}
	for x := range 8 {
		idct8((*[8]int32)(t[x*8:]), r, x, 1<<11, 12)
	}
}

// idct8 transforms v back into column i of out, rounded and shifted.
func idct8(v *[8]int32, out *[64]int32, i int, round int32, shift uint) {
	s, d := 64*(v[0]+v[4])+round, 64*(v[0]-v[4])+round
	p, q := 83*v[2]+36*v[6], 36*v[2]-83*v[6]
	e0, e1, e2, e3 := s+p, d+q, d-q, s-p
	o0 := 89*v[1] + 75*v[3] + 50*v[5] + 18*v[7]
	o1 := 75*v[1] - 18*v[3] - 89*v[5] - 50*v[7]
	o2 := 50*v[1] - 89*v[3] + 18*v[5] + 75*v[7]
	o3 := 18*v[1] - 50*v[3] + 75*v[5] - 89*v[7]
	o := out[i : i+57 : i+57]
	o[0], o[56] = (e0+o0)>>shift, (e0-o0)>>shift
	o[8], o[48] = (e1+o1)>>shift, (e1-o1)>>shift
	o[16], o[40] = (e2+o2)>>shift, (e2-o2)>>shift
	o[24], o[32] = (e3+o3)>>shift, (e3-o3)>>shift
}

// steps holds the quantiser's step for each qp in units of a coefficient,
// 16 * 0.625 * 2^(qp/6).
var steps = [maxQP + 1]int32{
	10, 11, 13, 14, 16, 18, 20, 22, 25, 28, 32, 36,
	40, 45, 50, 57, 63, 71, 80, 90, 101, 113, 127, 143,
	160, 180, 202, 226, 254, 285, 320, 359, 403, 453, 508, 570,
	640, 718, 806, 905, 1016, 1140, 1280, 1437, 1613, 1810, 2032, 2281,
	2560, 2874, 3225, 3620, 4064, 4561, 5120, 5747, 6451, 7241, 8127, 9123,
	10240, 11494, 12902, 14482,
}

// scan lists the coefficients from the lowest frequency to the highest.
var scan = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// quantise writes the levels of the coefficients r to level in scan order and
// replaces r by what a decoder will make of them. A coefficient is rounded up
// when it lacks no more than round of a level. It reports whether any level is
// not zero.
func quantise(r *[64]int32, level *[64]int16, step, round int32) bool {
	return quantiseAs(r[:], level[:], scan[:], step, round)
}

// quantise4 is quantise for four quarters, one after another.
func quantise4(r *[64]int32, level *[64]int16, step, round int32) bool {
	some := false
	for k := range 4 {
		if quantiseAs(r[quarterOf(k):], level[k*16:k*16+16], scan4[:], step, round) {
			some = true
		}
	}
	return some
}

func quantiseAs(r []int32, level []int16, scan []uint8, step, round int32) bool {
	some := false
	for i, z := range scan {
		c := r[z]
		m := abs(c) + round
		if m < step {
			level[i], r[z] = 0, 0
			continue
		}
		some = true
		l := m / step
		if c < 0 {
			l = -l
		}
		level[i] = int16(l)
		r[z] = dequantise(l, step)
	}
	return some
}

// dequantise returns the coefficient that a level stands for. Levels are below
// 2^13 (model.go) and steps below 2^14.
func dequantise(level, step int32) int32 {
	return max(-maxCoefficient, min(level*step, maxCoefficient))
}

func abs[T int | int32 | int64](v T) T {
	if v < 0 {
		return -v
	}
	return v
}

// clamp8 returns the sample value nearest to v.
func clamp8(v int32) byte {
	if uint32(v) <= 255 {
		return byte(v)
	}
	if v < 0 {
		return 0
	}
	return 255
}
