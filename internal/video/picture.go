package video

// shelfSize is how many pictures both sides keep to predict from: at 30 a
// second half a second, more than a report of a lost picture takes.
const shelfSize = 16

// picture is a decoded picture and what others need to be predicted from it.
type picture struct {
	id            uint16
	width, height int // what is seen of luma, pixels
	luma          plane
	colour        bool
	chroma        [2]plane // Cb and Cr, only with colour
	model         model    // as the picture left it
}

// alike reports whether p and q are of one size, and both with colour or both
// without.
func (p *picture) alike(q *picture) bool {
	return p.width == q.width && p.height == q.height && p.colour == q.colour
}

// shelf holds the newest pictures, all alike. It owns them and one spare, and reuses the
// oldest for the next.
type shelf struct {
	held  []*picture // oldest first, at most shelfSize
	spare *picture
}

// next returns the picture to fill; it is not on the shelf until put is called.
func (s *shelf) next() *picture {
	if s.spare == nil {
		s.spare = new(picture)
	}
	return s.spare
}

// put adds the picture that next returned, in place of one with the same id,
// or else of the oldest when there are too many. It takes all others away if
// they are not like it: they are another encoder's.
func (s *shelf) put() {
	p := s.spare
	s.spare = nil
	if q := s.newest(); q != nil && !p.alike(q) {
		clear(s.held)
		s.held = s.held[:0]
	}
	gone := -1
	for i, q := range s.held {
		if q.id == p.id {
			gone = i
		}
	}
	if gone < 0 && len(s.held) == shelfSize {
		gone = 0
	}
	if gone >= 0 {
		s.spare = s.held[gone]
		s.held = append(s.held[:gone], s.held[gone+1:]...)
	}
	s.held = append(s.held, p)
}

// find returns the picture id, nil if it is not held.
func (s *shelf) find(id uint16) *picture {
	for _, p := range s.held {
		if p.id == id {
			return p
		}
	}
	return nil
}

// newest returns the picture put last, nil if there is none.
func (s *shelf) newest() *picture {
	if len(s.held) == 0 {
		return nil
	}
	return s.held[len(s.held)-1]
}

// cell is what the neighbours of a block of 8x8 may know of it.
type cell struct {
	vector vector
	known  bool  // it is coded before whoever asks
	skip   bool  // and its macroblock is left as it was
	intra  bool  // and it is predicted from its surroundings
	coded  bool  // and it has coefficients
	tint   uint8 // and its macroblock has some in colour plane 0 (bit 0) or 1
}

// state is where the encoder or decoder is in a picture; the two move alike.
type state struct {
	cur    *picture
	ref    *picture // nil in a key picture
	past   *plane   // what to predict from: ref's luma, or a weighted copy
	toned  plane    // the weighted copy
	model  model
	qp     int
	stride int    // of cells
	cells  []cell // with an unknown column on each side and an unknown row above
}

// begin prepares to code the picture cur, predicted from ref if it is not nil.
func (s *state) begin(cur, ref *picture, h header) {
	s.cur, s.ref, s.qp = cur, ref, h.qp
	if ref == nil {
		cur.width, cur.height, cur.colour = h.width, h.height, h.colour
		s.past = nil
		s.model.reset()
	} else {
		cur.width, cur.height, cur.colour = ref.width, ref.height, ref.colour
		s.past = &ref.luma
		if h.weighted {
			s.toned.weigh(&ref.luma, h.weight)
			s.past = &s.toned
		}
		s.model = ref.model
	}
	cur.luma.resize((cur.width+15)&^15, (cur.height+15)&^15)
	for n := range cur.tints() {
		cur.chroma[n].resize(cur.luma.w/2, cur.luma.h/2)
	}
	s.stride = cur.luma.w/8 + 2
	n := s.stride * (cur.luma.h/8 + 1)
	if cap(s.cells) < n {
		s.cells = make([]cell, n)
	}
	s.cells = s.cells[:n]
	clear(s.cells)
}

// end completes the picture.
func (s *state) end() {
	s.deblock()
	s.cur.luma.extend()
	for n := range s.cur.tints() {
		s.cur.chroma[n].extend()
	}
	s.cur.model = s.model
}

// cell returns where the cell of the block bx, by is.
func (s *state) cell(bx, by int) int { return (by+1)*s.stride + bx + 1 }

// quarter returns the coordinates of block k of the macroblock at bx, by, in
// blocks of 8x8, and where it is in the macroblock's samples.
func quarter(bx, by, k int) (x, y, o int) {
	return bx + k&1, by + k>>1, (k>>1)*8*blockStride + (k&1)*8
}

// guess predicts the vector of an area that begins at the block bx, by and is
// wide blocks wide: the median of those to the left, above, and above right.
func (s *state) guess(bx, by, wide int) vector {
	i := s.cell(bx, by)
	left, above, corner := &s.cells[i-1], &s.cells[i-s.stride], &s.cells[i-s.stride+wide]
	if !corner.known {
		corner = &s.cells[i-s.stride-1]
	}
	if !above.known && !corner.known {
		return left.vector
	}
	return vector{
		median(left.vector.x, above.vector.x, corner.vector.x),
		median(left.vector.y, above.vector.y, corner.vector.y),
	}
}

func median(a, b, c int16) int16 { return max(min(a, b), min(max(a, b), c)) }

// skipsAround counts how many of the neighbours to the left of and above the
// block whose cell is i are skipped.
func (s *state) skipsAround(i int) int {
	return count(s.cells[i-1].skip, s.cells[i-s.stride].skip)
}

// intraAround counts how many of them are intra.
func (s *state) intraAround(i int) int {
	return count(s.cells[i-1].intra, s.cells[i-s.stride].intra)
}

// codedAround counts how many of them have coefficients.
func (s *state) codedAround(i int) int {
	return count(s.cells[i-1].coded, s.cells[i-s.stride].coded)
}

func count(a, b bool) int {
	n := 0
	if a {
		n++
	}
	if b {
		n++
	}
	return n
}

// step returns the quantiser's step of a block: by its prediction, so that it
// need not be sent, or in an intra block, whose prediction is flat, that of the
// picture.
func (s *state) step(class int, pred []byte) int32 {
	if class == classIntra {
		return steps[s.qp]
	}
	return steps[max(0, min(s.qp+finer(pred), maxQP))]
}
