package video

// sums gathers what a regression of y over x needs.
type sums struct{ n, x, y, xx, xy int64 }

// line returns the gain and the offset of y over x, both in 1/4096.
func (s *sums) line() (gain, offset int64, ok bool) {
	if s.n < 100 {
		return 0, 0, false
	}
	spread := s.xx - s.x*s.x/s.n
	if spread < s.n/4 {
		return 0, 0, false
	}
	gain = (s.xy - s.x*s.y/s.n) << 12 / spread
	return gain, (s.y<<12 - gain*s.x) / s.n, true
}

// findWeight returns the change of brightness from past to now, by a regression
// over the samples and a second one without those that it explains badly, for
// those have moved. It reports whether the change is worth being sent: the
// difference falls by a twentieth, and by an eighth of a sample value.
func findWeight(now, past *plane) (w weight, ok bool) {
	const outlier = 6 << 12
	gain, offset := int64(1<<12), int64(0)
	for _, limit := range [2]int64{1 << 40, outlier} {
		var s sums
		for y := range now.h {
			a, b := now.row(y), past.row(y)
			for i, v := range b {
				if v < 8 || v > 247 || abs(int64(a[i])<<12-gain*int64(v)-offset) > limit {
					continue // cut off, or moved
				}
				s.add(int64(v), int64(a[i]))
			}
		}
		if gain, offset, ok = s.line(); !ok {
			return w, false
		}
	}
	g, o := (gain*128+1<<11)>>12, (offset+1<<11)>>12
	if g < 64 || g > 255 || o < -100 || o > 100 || g == 128 && o == 0 {
		return w, false
	}
	w = weight{gain: uint8(g), offset: int8(o)}
	before, after := 0, 0
	for y := range now.h {
		a, b := now.row(y), past.row(y)
		for i, v := range b {
			before += abs(int(a[i]) - int(v))
			after += abs(int(a[i]) - int(w.apply(v)))
		}
	}
	return w, after*20 < before*19 && before-after > now.w*now.h/8
}

func (s *sums) add(x, y int64) {
	s.n++
	s.x += x
	s.y += y
	s.xx += x * x
	s.xy += x * y
}

// row returns the samples of row y without the border.
func (p *plane) row(y int) []byte { return p.pix[p.at(0, y):p.at(p.w, y)] }
