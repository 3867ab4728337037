package ascii

// findMoved notes the cells of which at least a quarter moved. Their chroma
// must not be averaged with what was there before: hands would have coloured
// edges. A single sample of many may be noise.
func (r *Renderer) findMoved() {
	s := &r.setup
	t := &traits[s.look]
	w := s.cols * t.across
	for i := range r.moved {
		at := i/s.cols*t.down*w + i%s.cols*t.across
		n := 0
		for y := range t.down {
			for _, m := range r.still.moved[at+y*w:][:t.across] {
				if m {
					n++
				}
			}
		}
		r.moved[i] = 4*n >= t.across*t.down
	}
}

// holdTint takes over the chroma of the cells where it is off by more than the
// dead band, and notes where.
func (r *Renderer) holdTint() {
	if r.fresh {
		copy(r.tintCb, r.cb.out)
		copy(r.tintCr, r.cr.out)
		return
	}
	cb, cr, moved := r.cb.out, r.cr.out[:len(r.cb.out)], r.moved[:len(r.cb.out)]
	tintCb, tintCr := r.tintCb[:len(cb)], r.tintCr[:len(cb)]
	for i, b := range cb {
		b, c := held(tintCb[i], b, deadBand), held(tintCr[i], cr[i], deadBand)
		moved[i] = b != tintCb[i] || c != tintCr[i]
		tintCb[i], tintCr[i] = b, c
	}
}

// stays reports whether cell i shows samples that are off by no more than a
// level from those that it was drawn with, and remembers them if it does not.
// Where nothing moves most cells stay, which is most of the work.
func (r *Renderer) stays(i int, samples []uint8) bool {
	drawn := r.drawn[i*len(samples):][:len(samples)]
	if r.fresh || r.setup.chroma && r.moved[i] {
		copy(drawn, samples)
		return false
	}
	off := uint8(0)
	for k, v := range samples {
		off = max(off, v-drawn[k]+1)
	}
	if off <= 2 {
		return true
	}
	copy(drawn, samples)
	return false
}
