package video

// deblock smooths the edges between blocks of 8x8 in the complete picture,
// where the quantiser or a motion may have torn them. Later pictures are
// predicted from the result.
func (s *state) deblock() {
	limit := min((steps[s.qp]+8)>>4, 60)
	if limit < 3 {
		return // nothing to be seen
	}
	p := &s.cur.luma
	for by := range p.h / 8 {
		for bx := range p.w / 8 {
			i := s.cell(bx, by)
			o := p.at(bx*8, by*8)
			if bx > 0 && torn(&s.cells[i], &s.cells[i-1]) {
				for k := range 8 {
					mend(p.pix, o+k*p.stride, 1, limit)
				}
			}
			if by > 0 && torn(&s.cells[i], &s.cells[i-s.stride]) {
				for k := range 8 {
					mend(p.pix, o+k, p.stride, limit)
				}
			}
		}
	}
}

// torn reports whether the edge between two blocks may be an artefact.
func torn(a, b *cell) bool {
	return a.coded || b.coded || a.intra || b.intra || a.vector != b.vector
}

// mend brings the samples on both sides of an edge closer together, the second
// of them at o, unless the edge is too sharp to be one that limit explains.
func mend(pix []byte, o, stride int, limit int32) {
	p1, p0, q0, q1 := int32(pix[o-2*stride]), int32(pix[o-stride]), int32(pix[o]), int32(pix[o+stride])
	d := q0 - p0
	if d == 0 || abs(d)*2+abs(p1-q1)/2 > limit*2 {
		return
	}
	a := (4*d + (p1 - q1) + 4) >> 3
	a = max(-limit/4, min(a, limit/4))
	pix[o-stride], pix[o] = clamp8(p0+a), clamp8(q0-a)
}
