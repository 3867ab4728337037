package ascii

import "encoding/binary"

// A sampler takes the means of a grid of boxes of a plane.
//
// For each row of the grid it adds up the columns of the plane, eight pixels
// at a time, then takes differences of the sums' running total: the cost is
// one pass over the plane, whatever the size of the boxes.
type sampler struct {
	xs, ys []span // the boxes are xs x ys; xs counts from column left
	left   int    // first column of the plane that any box touches
	width  int    // columns from left that boxes touch

	lo, hi []uint64 // even and odd columns: sums of rows in four 16-bit lanes
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
	s.lo, s.hi = grow(s.lo, s.width/8), grow(s.hi, s.width/8)
	// One more than there are columns: the last box ends in it.
	s.sums = grow(s.sums, s.width+1)
	s.totals = grow(s.totals, s.width+1)
	s.out = grow(s.out, cols*rows)
}

// run samples p into s.out.
func (s *sampler) run(p plane) {
	cols := len(s.xs)
	for i, y := range s.ys {
		s.addSpan(p, y)
		total := uint64(0)
		sums := s.sums[:s.width]
		totals := s.totals[:len(sums)+1]
		for x, v := range sums {
			totals[x] = total
			total += uint64(v)
		}
		totals[len(sums)] = total
		s.divide(s.out[i*cols:(i+1)*cols], y.b-y.a)
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
	const even = 0x00ff00ff00ff00ff
	lo := s.lo
	hi := s.hi[:len(lo)]
	clear(lo)
	clear(hi)
	for k := range n {
		row := s.row(p, y+k)
		for i := range lo {
			v := binary.LittleEndian.Uint64(row[8*i:])
			lo[i] += v & even
			hi[i] += v >> 8 & even
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
	xs := s.xs[:len(out)]
	for i, x := range xs {
		area := uint64(x.b-x.a) * uint64(height)
		out[i] = uint8((s.upTo(x.b) - s.upTo(x.a) + area/2) / area)
	}
}

// upTo returns the sum of the columns left of x, which is in 1/256 pixel,
// times 65536.
func (s *sampler) upTo(x uint32) uint64 {
	i := x >> 8
	return s.totals[i]<<8 + uint64(x&255)*uint64(s.sums[i])
}
