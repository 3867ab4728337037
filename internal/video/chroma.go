package video

// Colour, where there is any, is two planes of half the size (4:2:0). A
// macroblock has one block of 8x8 in each. It takes the kind and the vectors
// from luma, is always transformed whole, quantised by the qp of the picture
// and tintCoarser more, and neither weighted nor deblocked.

// tintCoarser is by how much colour is quantised more coarsely than luma: errors
// in it are hard to see. It makes a step 1.8 times as large and its errors weigh
// a third.
const (
	tintCoarser = 5
	tintWeight  = 3
)

// tintStep returns the quantiser's step of colour.
func (s *state) tintStep() int32 { return steps[min(s.qp+tintCoarser, maxQP)] }

// tints returns the colour planes of the picture, none without colour.
func (p *picture) tints() []plane {
	if p.colour {
		return p.chroma[:]
	}
	return nil
}

// moveTint writes to dst the prediction of colour plane n for the macroblock at
// the block bx, by, whose cells are known.
func (s *state) moveTint(dst []byte, n, bx, by int) {
	i := s.cell(bx, by)
	if s.cells[i].intra {
		s.cur.chroma[n].surround(dst, bx*4, by*4)
		return
	}
	past := &s.ref.chroma[n]
	first := s.cells[i].vector
	if s.cells[i+1].vector == first && s.cells[i+s.stride].vector == first && s.cells[i+s.stride+1].vector == first {
		past.move(dst, bx*4, by*4, half(first), 8)
		return
	}
	for k := range 4 {
		v := s.cells[i+k&1+k>>1*s.stride].vector
		past.move(dst[(k>>1)*4*blockStride+(k&1)*4:], bx*4+(k&1)*4, by*4+(k>>1)*4, half(v), 4)
	}
}

// half returns the vector of luma for planes of half the size.
func half(v vector) vector { return vector{v.x >> 1, v.y >> 1} }

// tintAround counts how many of the macroblocks to the left of and above the
// one whose first cell is i have levels in colour plane n.
func (s *state) tintAround(i, n int) int {
	return count(s.cells[i-1].tint>>n&1 != 0, s.cells[i-s.stride].tint>>n&1 != 0)
}

// setTint says of the macroblock at the block bx, by that its colour plane n
// has levels.
func (s *state) setTint(bx, by, n int) {
	i := s.cell(bx, by)
	for k := range 4 {
		s.cells[i+k&1+k>>1*s.stride].tint |= 1 << n
	}
}

// tintTrial is the part of a trial in one colour plane.
type tintTrial struct {
	coded  bool
	levels [64]int16
	result [8 * blockStride]byte
}

// tryTints tries to code the colour of the trial, which was placed.
func (e *Encoder) tryTints(t *trial) {
	t.tintErrors = 0
	for n := range e.state.cur.tints() {
		tint, source := &t.tints[n], &e.tints[n]
		e.state.moveTint(tint.result[:], n, e.bx, e.by)
		tint.coded = false
		original := source.pix[source.at(e.bx*4, e.by*4):]
		if t.kind != kindSkip && !e.bare {
			var r [64]int32
			residual(&r, original, source.stride, tint.result[:])
			fdct(&r)
			step := e.state.tintStep()
			if quantise(&r, &tint.levels, step, e.round(t, step)) {
				tint.coded = true
				idct(&r)
				add(tint.result[:], &r)
				e.state.setTint(e.bx, e.by, n)
			}
		}
		t.tintErrors += squares(original, source.stride, tint.result[:]) / tintWeight
	}
}

// tintsVanish is vanishes for the colour of a skipped macroblock.
func (e *Encoder) tintsVanish(t *trial) bool {
	for n := range e.state.cur.tints() {
		source := &e.tints[n]
		if !e.vanish(source.pix[source.at(e.bx*4, e.by*4):], source.stride, t.tints[n].result[:], e.state.tintStep()) {
			return false
		}
	}
	return true
}

// writeTints writes the colour of a macroblock that is not skipped.
func (e *Encoder) writeTints(t *trial) {
	s := &e.state
	for n := range s.cur.tints() {
		tint := &t.tints[n]
		e.out.bit(&s.model[ctxTint+n*3+s.tintAround(s.cell(e.bx, e.by), n)], tint.coded)
		if tint.coded {
			e.writeLevels(tint.levels[:], classTint)
		}
	}
}

// tints reads the colour of the macroblock at the block bx, by, whose cells are
// known, and puts it into the picture.
func (d *Decoder) tints(bx, by int, skip bool) {
	s := &d.state
	for n := range s.cur.tints() {
		s.moveTint(d.pred[:], n, bx, by)
		if !skip && d.in.bit(&s.model[ctxTint+n*3+s.tintAround(s.cell(bx, by), n)]) {
			s.setTint(bx, by, n)
			clear(d.coefs[:])
			d.levels(classTint, d.coefs[:], scan[:], s.tintStep())
			idct(&d.coefs)
			add(d.pred[:], &d.coefs)
		}
		s.cur.chroma[n].set(bx*4, by*4, 8, d.pred[:])
	}
}
