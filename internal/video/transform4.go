package video

// The transform of 4x4 is also that of H.265, whose rows have the norm 64*2,
// with coefficients at 16 times the orthonormal ones as those of 8x8 are.
// Forward gains 2^14 in two passes and keeps 2^4: a shift by 10. Backward gains
// 2^14 again and loses the 2^4 too: shifts by 7 and 11.

// fdct4 transforms the four residuals of 4x4 in r, rows of 8, in place.
func fdct4(r *[64]int32) {
	var t [16]int32
	for k := range 4 {
		q := r[quarterOf(k):]
		q = q[: 3*8+4 : 3*8+4]
		for y := range 4 {
			a0, a1 := q[y*8]+q[y*8+3], q[y*8+1]+q[y*8+2]
			b0, b1 := q[y*8]-q[y*8+3], q[y*8+1]-q[y*8+2]
			t[y], t[4+y], t[8+y], t[12+y] = 64*(a0+a1), 83*b0+36*b1, 64*(a0-a1), 36*b0-83*b1
		}
		for x := range 4 {
			v := t[x*4 : x*4+4 : x*4+4]
			a0, a1, b0, b1 := v[0]+v[3], v[1]+v[2], v[0]-v[3], v[1]-v[2]
			q[x] = (64*(a0+a1) + 1<<9) >> 10
			q[8+x] = (83*b0 + 36*b1 + 1<<9) >> 10
			q[16+x] = (64*(a0-a1) + 1<<9) >> 10
			q[24+x] = (36*b0 - 83*b1 + 1<<9) >> 10
		}
	}
}

// idct4 transforms the coefficients of four blocks of 4x4 in r back in place.
func idct4(r *[64]int32) {
	var t [16]int32
	for k := range 4 {
		q := r[quarterOf(k):]
		q = q[: 3*8+4 : 3*8+4]
		for y := range 4 {
			v := q[y*8 : y*8+4 : y*8+4]
			s, d := 64*(v[0]+v[2])+1<<6, 64*(v[0]-v[2])+1<<6
			o0, o1 := 83*v[1]+36*v[3], 36*v[1]-83*v[3]
			t[y], t[4+y], t[8+y], t[12+y] = (s+o0)>>7, (d+o1)>>7, (d-o1)>>7, (s-o0)>>7
		}
		for x := range 4 {
			v := t[x*4 : x*4+4 : x*4+4]
			s, d := 64*(v[0]+v[2])+1<<10, 64*(v[0]-v[2])+1<<10
			o0, o1 := 83*v[1]+36*v[3], 36*v[1]-83*v[3]
			q[x], q[8+x], q[16+x], q[24+x] = (s+o0)>>11, (d+o1)>>11, (d-o1)>>11, (s-o0)>>11
		}
	}
}

// quarterOf returns where in a block of 8x8 its quarter k begins.
func quarterOf(k int) int { return (k>>1)*32 + (k&1)*4 }

// scan4 lists the places of the coefficients of one quarter, from the lowest
// frequency to the highest.
var scan4 = [16]uint8{0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 25, 18, 11, 19, 26, 27}
