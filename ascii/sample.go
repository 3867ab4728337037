package ascii

import "encoding/binary"

// A sampler takes the means of a grid of boxes of a plane.
//
// For each row of the grid it adds up the columns of the plane, eight pixels
// at a time, then takes differences of the sums' running total: the cost is
// one pass over the plane, whatever the size of the boxes.
type sampler struct {
	xs, ys  []span    // the boxes are xs x ys; xs counts from column left
	widths  []float64 // of xs, inverted
	aligned bool      // boxes are whole pixels wide and side by side
	left    int       // first column of the plane that any box touches
	width   int       // columns from left that boxes touch

	lo, hi []uint64 // even and odd columns: sums of rows in four 16-bit lanes
	parts  []uint64 // the same of rows that count in part, by turns
	sums   []uint32 // sums of columns over one row of the grid, times 256
	totals []uint64 // totals[i] is the sum of sums[:i]

	out []uint8 // the means, in rows
}

// prepare makes s sample a cols x rows grid of the box b of planes like p.
func (s *sampler) prepare(p plane, b box, cols, rows int) {
	s.xs = appendSpans(s.xs[:0], b.x0, b.x1, p.w, cols)
	s.ys = appendSpans(s.ys[:0], b.y0, b.y1, p.h, rows)
	s.left = int(s.xs[0].a >> 8)
	s.width = int((s.xs[cols-1].b+255)>>8) - s.left
	for i := range s.xs {
		s.xs[i].a -= uint32(s.left) << 8
		s.xs[i].b -= uint32(s.left) << 8
	}
	s.widths = grow(s.widths, cols)
	s.aligned = s.xs[0].a == 0
	for i, x := range s.xs {
		s.widths[i] = 1 / float64(x.b-x.a)
		s.aligned = s.aligned && x.b&255 == 0 && (i == 0 || x.a == s.xs[i-1].b)
	}
	s.lo, s.hi = grow(s.lo, s.width/8), grow(s.hi, s.width/8)
	s.parts = grow(s.parts, 2*(s.width/8))
	s.sums = grow(s.sums, s.width)
	// The last box may end behind the last column.
	s.totals = grow(s.totals, s.width+2)
	s.out = grow(s.out, cols*rows)
}

// run samples p into s.out.
func (s *sampler) run(p plane) {
	cols := len(s.xs)
	for i, y := range s.ys {
		if !s.addLanes(p, y) {
			s.addSpan(p, y)
			s.addUp()
		}
		s.divide(s.out[i*cols:(i+1)*cols], y.b-y.a)
	}
}

// addUp stores the totals of s.sums.
func (s *sampler) addUp() {
	total := uint64(0)
	sums := s.sums[:s.width]
	totals := s.totals[:len(sums)+2]
	for x, v := range sums {
		totals[x] = total
		total += uint64(v)
	}
	totals[len(sums)] = total
	totals[len(sums)+1] = total
}

// addLanes stores the totals of the columns over the rows of y, as addSpan and
// addUp do, for a span of several rows of which all sums fit 16 bits; ok is
// false for others.
func (s *sampler) addLanes(p plane, y span) (ok bool) {
	first, last := int(y.a>>8), int((y.b-1)>>8)
	above, below := 256-y.a&255, (y.b-1)&255+1 // of the first and of the last row
	if first == last || last-first > 256 {
		return false
	}
	above, below = above&255, below&255
	if above+below > 256 {
		return false // 257 * 255 is the most that a lane holds
	}
	lo, hi := s.lo, s.hi[:len(s.lo)]
	parts := s.parts[:2*len(lo)]
	clear(parts)
	if above > 0 {
		s.addLaneRow(parts, p, first, uint64(above))
		first++
	}
	if below > 0 {
		s.addLaneRow(parts, p, last, uint64(below))
		last--
	}
	clear(lo)
	clear(hi)
	for k := first; k <= last; k++ {
		row := s.row(p, k)[:8*len(lo)]
		for i := range lo {
			v := binary.LittleEndian.Uint64(row[8*i:])
			lo[i] += v & evenLanes
			hi[i] += v >> 8 & evenLanes
		}
	}
	total := uint64(0)
	totals := s.totals
	totals[0] = 0
	// Each lane of 16 bits times 256, and what counts in part, in 32 bits.
	const low = 0x0000ffff0000ffff
	for i, l := range lo {
		h, a, b := hi[i], parts[2*i], parts[2*i+1]
		v04, v26 := l&low<<8+a&low, l>>16&low<<8+a>>16&low
		v15, v37 := h&low<<8+b&low, h>>16&low<<8+b>>16&low
		t := totals[8*i+1:][:8]
		total += v04 & (1<<32 - 1)
		t[0] = total
		total += v15 & (1<<32 - 1)
		t[1] = total
		total += v26 & (1<<32 - 1)
		t[2] = total
		total += v37 & (1<<32 - 1)
		t[3] = total
		total += v04 >> 32
		t[4] = total
		total += v15 >> 32
		t[5] = total
		total += v26 >> 32
		t[6] = total
		total += v37 >> 32
		t[7] = total
	}
	// What is left of the row's end.
	for x := 8 * len(lo); x < s.width; x++ {
		sum := uint64(0)
		for k := first; k <= last; k++ {
			sum += uint64(s.row(p, k)[x]) << 8
		}
		if above > 0 {
			sum += uint64(s.row(p, first-1)[x]) * uint64(above)
		}
		if below > 0 {
			sum += uint64(s.row(p, last+1)[x]) * uint64(below)
		}
		total += sum
		totals[x+1] = total
	}
	totals[s.width+1] = total
	return true
}

// evenLanes are the even bytes of eight, each in 16 bits.
const evenLanes = 0x00ff00ff00ff00ff

// addLaneRow adds a row of p, times w/256, to lanes: those of even and of odd
// columns by turns.
func (s *sampler) addLaneRow(parts []uint64, p plane, y int, w uint64) {
	row := s.row(p, y)[:4*len(parts)]
	for i := 0; i < len(parts); i += 2 {
		v := binary.LittleEndian.Uint64(row[4*i:])
		parts[i] += (v & evenLanes) * w
		parts[i+1] += (v >> 8 & evenLanes) * w
	}
}

// addSpan stores the sums of the columns over the rows of y in s.sums. They
// stay below 255 * 256 * maxSide < 1<<31.
func (s *sampler) addSpan(p plane, y span) {
	clear(s.sums)
	first, last := int(y.a>>8), int((y.b-1)>>8)
	if first == last {
		s.addPart(p, first, y.b-y.a)
		return
	}
	if w := 256 - y.a&255; w < 256 {
		s.addPart(p, first, w)
		first++
	}
	if w := (y.b-1)&255 + 1; w < 256 {
		s.addPart(p, last, w)
		last--
	}
	// 257 rows of 255 are the most that a 16-bit lane holds.
	for first <= last {
		n := min(last-first+1, 257)
		s.addWhole(p, first, n)
		first += n
	}
}

// row returns the part of row y of p that the boxes touch.
func (s *sampler) row(p plane, y int) []byte {
	from := y*p.stride + s.left
	return p.pix[from : from+s.width]
}

// addPart adds a row of p, times w/256.
func (s *sampler) addPart(p plane, y int, w uint32) {
	row := s.row(p, y)
	sums := s.sums[:len(row)]
	for i, v := range row {
		sums[i] += uint32(v) * w
	}
}

// addWhole adds n rows of p from row y on.
func (s *sampler) addWhole(p plane, y, n int) {
	lo := s.lo
	hi := s.hi[:len(lo)]
	clear(lo)
	clear(hi)
	for k := range n {
		row := s.row(p, y+k)
		for i := range lo {
			v := binary.LittleEndian.Uint64(row[8*i:])
			lo[i] += v & evenLanes
			hi[i] += v >> 8 & evenLanes
		}
		for i := 8 * len(lo); i < len(row); i++ {
			s.sums[i] += uint32(row[i]) << 8
		}
	}
	for i, l := range lo {
		h := hi[i]
		o := s.sums[8*i : 8*i+8 : 8*i+8]
		o[0] += uint32(l&0xffff) << 8
		o[1] += uint32(h&0xffff) << 8
		o[2] += uint32(l>>16&0xffff) << 8
		o[3] += uint32(h>>16&0xffff) << 8
		o[4] += uint32(l>>32&0xffff) << 8
		o[5] += uint32(h>>32&0xffff) << 8
		o[6] += uint32(l>>48) << 8
		o[7] += uint32(h>>48) << 8
	}
}

// divide stores the means of one row of boxes, which are height/256 pixels
// high, in out.
func (s *sampler) divide(out []uint8, height uint32) {
	// As the quotient of the integers, rounded, but without dividing: for a
	// half the float may be a little too small.
	const half = 0.5 + 1e-9
	inverse := 1 / float64(height)
	widths := s.widths[:len(out)]
	if s.aligned {
		inverse *= 256
		before := s.totals[0]
		for i, x := range s.xs[:len(out)] {
			after := s.totals[x.b>>8]
			out[i] = uint8(int64(float64(int64(after-before))*(widths[i]*inverse) + half))
			before = after
		}
		return
	}
	at, before := s.xs[0].a, s.upTo(s.xs[0].a)
	for i, x := range s.xs[:len(out)] {
		if x.a != at { // boxes that overlap
			before = s.upTo(x.a)
		}
		after := s.upTo(x.b)
		out[i] = uint8(int64(float64(int64(after-before))*(widths[i]*inverse) + half))
		at, before = x.b, after
	}
}

// upTo returns the sum of the columns left of x, which is in 1/256 pixel,
// times 65536.
func (s *sampler) upTo(x uint32) uint64 {
	i := x >> 8
	t := s.totals[i : i+2 : i+2]
	return t[0]<<8 + uint64(x&255)*(t[1]-t[0])
}
