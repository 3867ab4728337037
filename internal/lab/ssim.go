package lab

import "image"

// SSIM returns the structural similarity of the luma of two pictures of one size,
// 1 for equal ones: the mean over windows of 8x8 at every fourth sample, as x264
// does it.
func SSIM(a, b *image.YCbCr) float64 {
	const c1, c2 = 0.01 * 255 * 0.01 * 255, 0.03 * 255 * 0.03 * 255
	total, n := 0.0, 0
	for y := 0; y+8 <= a.Rect.Dy(); y += 4 {
		for x := 0; x+8 <= a.Rect.Dx(); x += 4 {
			var sa, sb, saa, sbb, sab int
			for j := range 8 {
				p, q := a.Y[(y+j)*a.YStride+x:][:8], b.Y[(y+j)*b.YStride+x:][:8]
				for i, v := range p {
					s, t := int(v), int(q[i])
					sa, sb, saa, sbb, sab = sa+s, sb+t, saa+s*s, sbb+t*t, sab+s*t
				}
			}
			ma, mb := float64(sa)/64, float64(sb)/64
			va, vb, cov := float64(saa)/64-ma*ma, float64(sbb)/64-mb*mb, float64(sab)/64-ma*mb
			total += (2*ma*mb + c1) * (2*cov + c2) / ((ma*ma + mb*mb + c1) * (va + vb + c2))
			n++
		}
	}
	return total / float64(n)
}
