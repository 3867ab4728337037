package ascii

// findMoved notes the cells of which at least a quarter moved. Their chroma
// must not be averaged with what was there before: hands would have coloured
// edges. A single sample of many may be noise.
func (r *Renderer) findMoved() {
	s := &r.setup
	pitch := r.luma.pitch
	clear(r.moved)
	for y := range s.rows {
		cells := r.moved[y*s.cols:][:s.cols]
		for x := 0; x < pitch; x += wordSize {
			sums := uint64(0) // of the samples below each other
			for k := range s.down {
				sums += load(r.still.moved[(y*s.down+k)*pitch+x:])
			}
			for cell := x / s.across; sums != 0 && cell < s.cols; cell++ {
				if n := int(addBytes(sums & (1<<(8*s.across) - 1))); 4*n >= s.across*s.down {
					cells[cell] = 1
				}
				sums >>= 8 * s.across
			}
		}
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
		moved[i] = 0
		if b != tintCb[i] || c != tintCr[i] {
			moved[i] = 1
		}
		tintCb[i], tintCr[i] = b, c
	}
}

// stays reports whether cell i shows samples that are off by no more than a
// level from those that it was drawn with, and remembers them if it does not.
// Where nothing moves most cells stay, which is most of the work.
func (r *Renderer) stays(i int, s uint64) bool {
	if !r.fresh && alike(s, r.drawn[i]) && (!r.setup.chroma || r.moved[i] == 0) {
		return true
	}
	r.drawn[i] = s
	return false
}

// staysAll does the same for more samples.
func (r *Renderer) staysAll(i int, samples []uint64) bool {
	drawn := r.drawn[i*len(samples):][:len(samples)]
	same := !r.fresh && (!r.setup.chroma || r.moved[i] == 0)
	for k, v := range samples {
		same = same && alike(v, drawn[k])
	}
	if !same {
		copy(drawn, samples)
	}
	return same
}
