package ascii

import "math"

// A sampler takes the means of a grid of boxes of a plane.
//
// The pixels that a row of boxes covers are first made one row, of the means of
// columns. Boxes that are one or two whole pixels wide are then read off it;
// others are differences of its running total. The cost is one pass over the
// plane, whatever the size of the boxes.
//
// Means are those of luma, which is done eight pixels at a time, or those of
// light, as of a picture that is seen from so far away that boxes are dots.
type sampler struct {
	light  bool     // means are those of light
	xs     []span   // the boxes across, from column left on
	scales []uint64 // one over their widths, times 1<<40
	whole  int      // how many pixels wide boxes are, if they all are one or two whole ones side by side; else 0
	pairs  []rowPair
	ends   []int // of pairs for each row of boxes
	left   int   // first column of the plane that any box touches
	width  int   // columns from left on that boxes touch

	even, odd []uint64 // the means of columns, in lanes, in 1/256 level
	sums      []uint32 // the same of light, in 1/256
	totals    []uint32 // totals[i] is the sum of the first i means

	pitch int     // samples from one row to the next
	out   []uint8 // the means, in rows, the last of each repeated up to pitch; and some bytes more
}

// A rowPair is two rows of pixels and their weights, in 1/256, in the mean of a
// column. The second may have none.
type rowPair struct {
	rows    [2]int
	weights [2]uint64
}

// mostRows bounds the rows of pixels that are looked at for a box: of more, not
// all are.
const mostRows = 64

// prepare makes s sample a cols x rows grid of the box b of planes like p, with
// pitch samples from one row to the next: cols, or that many in whole words.
func (s *sampler) prepare(p plane, b box, cols, rows, pitch int, light bool) {
	s.light = light
	s.xs = appendSpans(s.xs[:0], b.x0, b.x1, p.w, cols)
	s.left = int(s.xs[0].a >> 8)
	s.width = int((s.xs[cols-1].b+255)>>8) - s.left
	s.scales = grow(s.scales, cols)
	s.whole = int(s.xs[0].b-s.xs[0].a) >> 8
	for i := range s.xs {
		x := &s.xs[i]
		x.a -= uint32(s.left) << 8
		x.b -= uint32(s.left) << 8
		s.scales[i] = (1<<40 + uint64(x.b-x.a)/2) / uint64(x.b-x.a)
		if x.a != uint32(i*s.whole)<<8 || x.b-x.a != uint32(s.whole)<<8 || s.whole > 2 {
			s.whole = 0
		}
	}
	s.pairs, s.ends = s.pairs[:0], s.ends[:0]
	for _, y := range appendSpans(nil, b.y0, b.y1, p.h, rows) {
		s.pairs = appendPairs(s.pairs, y)
		s.ends = append(s.ends, len(s.pairs))
	}
	words := padded(s.width) / wordSize
	s.even, s.odd = grow(s.even, words), grow(s.odd, words)
	s.sums = grow(s.sums, s.width)
	// The last box may end behind the last column.
	s.totals = grow(s.totals, words*wordSize+2)
	s.pitch = pitch
	s.out = grow(s.out, padded((rows-1)*pitch+padded(cols)))
}

// appendPairs appends the rows of pixels in y. Their weights sum to 256.
func appendPairs(pairs []rowPair, y span) []rowPair {
	first, count := y.a>>8, (y.b-1)>>8-y.a>>8+1
	looked := min(count, mostRows)
	height := uint64(y.b - y.a)
	// The share of what is above the end of a row, rounded: none gets lost.
	share := func(end uint32) uint64 {
		if count > mostRows {
			return uint64(end-first<<8) / mostRows
		}
		return (uint64(max(min(end, y.b), y.a)-y.a)*256 + height/2) / height
	}
	for i := range looked {
		row := first + i
		weight := share((row+1)<<8) - share(row<<8)
		if i&1 == 0 {
			pairs = append(pairs, rowPair{})
		}
		p := &pairs[len(pairs)-1]
		p.rows[i&1], p.weights[i&1] = int(first+i*count/looked), weight
		if i&1 == 0 {
			p.rows[1] = p.rows[0]
		}
	}
	return pairs
}

// run samples p into s.out.
func (s *sampler) run(p plane) {
	cols, from := len(s.xs), 0
	for y, end := range s.ends {
		s.sampleRow(p, s.pairs[from:end], s.out[y*s.pitch:])
		from = end
		for i := cols; i < s.pitch; i++ {
			s.out[y*s.pitch+i] = s.out[y*s.pitch+cols-1]
		}
	}
}

// sampleRow stores the means of a row of boxes.
func (s *sampler) sampleRow(p plane, pairs []rowPair, out []uint8) {
	one := pairs[0].weights[1] == 0 // row of pixels, which is both rows then
	even := len(pairs) == 1 && (one || pairs[0].weights[0] == pairs[0].weights[1])
	switch {
	case s.whole == 1 && (one || !s.light):
		s.addLuma(p, pairs)
		s.readColumns(out)
	case s.light && s.whole == 2 && even:
		s.readSquares(p, pairs[0].rows, out)
	case s.light:
		s.addLight(p, pairs)
		s.divide(out)
	case s.whole == 2:
		s.addLuma(p, pairs)
		s.readPairs(out)
	default:
		s.addLuma(p, pairs)
		s.total()
		s.divide(out)
	}
}

// row returns the part of row y of p that the boxes touch.
func (s *sampler) row(p plane, y int) []byte {
	from := y*p.stride + s.left
	return p.pix[from : from+s.width]
}

// addLuma stores the means of columns.
func (s *sampler) addLuma(p plane, pairs []rowPair) {
	clear(s.even)
	clear(s.odd)
	for i := range pairs {
		above, below, w := s.row(p, pairs[i].rows[0]), s.row(p, pairs[i].rows[1]), &pairs[i].weights
		n := len(above) / wordSize
		addLanes(s.even[:n], s.odd[:n], above, below, w)
		if n < len(s.even) { // what is left of the rows' ends
			var ends [2][wordSize]uint8
			copy(ends[0][:], above[wordSize*n:])
			copy(ends[1][:], below[wordSize*n:])
			addLanes(s.even[n:], s.odd[n:], ends[0][:], ends[1][:], w)
		}
	}
}

// addLanes adds two rows of pixels times their weights to lanes.
func addLanes(even, odd []uint64, above, below []uint8, w *[2]uint64) {
	odd = odd[:len(even)]
	for x := range even {
		ae, ao := lanes(load(above[wordSize*x:]))
		be, bo := lanes(load(below[wordSize*x:]))
		even[x] += ae*w[0] + be*w[1]
		odd[x] += ao*w[0] + bo*w[1]
	}
}

// readColumns stores the means of boxes that are columns.
func (s *sampler) readColumns(out []uint8) {
	odd := s.odd[:len(s.even)]
	for x, e := range s.even {
		store(out[wordSize*x:], (e+0x80*eachLane)>>8&evenBytes|(odd[x]+0x80*eachLane)&^evenBytes)
	}
}

// readPairs stores the means of boxes that are pairs of columns.
func (s *sampler) readPairs(out []uint8) {
	even, odd := s.even, s.odd[:len(s.even)]
	for x := 0; x < len(even); x += 2 {
		v := pairMeans(even[x], odd[x])
		if x+1 < len(even) {
			v |= pairMeans(even[x+1], odd[x+1]) << 32
		}
		store(out[wordSize/2*x:], v)
	}
}

// pairMeans returns the means of four pairs of columns, in the lower four bytes.
func pairMeans(even, odd uint64) uint64 {
	const low = 0x7fff * eachLane
	v := (even>>1&low + odd>>1&low + 0x80*eachLane) >> 8 & evenBytes
	v = (v | v>>8) & 0x0000ffff0000ffff
	return (v | v>>16) & 0xffffffff
}

// lightOf is the light of a luma, 0 to 65535, and lumaOf the luma of light, in
// steps of 8.
var (
	lightOf = func() (t [256]uint32) {
		for v := range t {
			t[v] = uint32(65535*math.Pow(float64(v)/255, gamma) + 0.5)
		}
		return t
	}()
	lumaOf = func() (t [8192]uint8) {
		for i := 1; i < len(t); i++ {
			t[i] = uint8(255*math.Pow((float64(i)+0.5)/float64(len(t)), 1/gamma) + 0.5)
		}
		return t
	}()
)

// readSquares stores the means of the light of boxes of 2x2 pixels, or of 2x1
// if the rows are the same.
func (s *sampler) readSquares(p plane, rows [2]int, out []uint8) {
	out = out[:len(s.xs)]
	above, below := s.row(p, rows[0])[:2*len(out)], s.row(p, rows[1])[:2*len(out)]
	for i := range out {
		a, b := above[2*i:][:2], below[2*i:][:2]
		sum := lightOf[a[0]] + lightOf[a[1]] + lightOf[b[0]] + lightOf[b[1]]
		out[i] = lumaOf[sum/(4*8)%uint32(len(lumaOf))]
	}
}

// addLight stores the running total of the means of the light of columns.
func (s *sampler) addLight(p plane, pairs []rowPair) {
	clear(s.sums)
	last := len(pairs) - 1
	for i := range pairs[:last] {
		above, below, wa, wb := s.lightRows(p, &pairs[i])
		sums := s.sums[:len(above)]
		for x, v := range above {
			sums[x] += lightOf[v]*wa + lightOf[below[x]]*wb
		}
	}
	above, below, wa, wb := s.lightRows(p, &pairs[last])
	sums, totals := s.sums[:len(above)], s.totals[:len(above)+2]
	total := uint32(0)
	for x, v := range above {
		totals[x] = total
		total += (sums[x] + lightOf[v]*wa + lightOf[below[x]]*wb) >> 8
	}
	totals[len(above)], totals[len(above)+1] = total, total
}

// lightRows returns two rows of pixels, of the same length, and their weights.
func (s *sampler) lightRows(p plane, pair *rowPair) (above, below []byte, wa, wb uint32) {
	above, below = s.row(p, pair.rows[0]), s.row(p, pair.rows[1])
	return above, below[:len(above)], uint32(pair.weights[0]), uint32(pair.weights[1])
}

// total stores the running total of the means of columns.
func (s *sampler) total() {
	odd := s.odd[:len(s.even)]
	sum := uint32(0)
	for x, e := range s.even {
		o := odd[x]
		t := s.totals[wordSize*x:][:wordSize]
		for k := 0; k < wordSize; k += 2 {
			t[k] = sum
			sum += uint32(e & 0xffff)
			t[k+1] = sum
			sum += uint32(o & 0xffff)
			e, o = e>>16, o>>16
		}
	}
	n := wordSize * len(s.even)
	s.totals[n], s.totals[n+1] = sum, sum
}

// divide stores the means of boxes of any width.
func (s *sampler) divide(out []uint8) {
	scales := s.scales[:len(s.xs)]
	out = out[:len(s.xs)]
	at, before := s.xs[0].a, s.upTo(s.xs[0].a)
	for i, x := range s.xs {
		if x.a != at { // boxes that overlap
			before = s.upTo(x.a)
		}
		after := s.upTo(x.b)
		mean := (after - before) * scales[i] // times 1<<40
		if s.light {
			out[i] = lumaOf[mean>>43%uint64(len(lumaOf))]
		} else {
			out[i] = uint8((mean + 1<<47) >> 48)
		}
		at, before = x.b, after
	}
}

// upTo returns the sum of the columns left of x, which is in 1/256 pixel, times
// 256.
func (s *sampler) upTo(x uint32) uint64 {
	i := x >> 8
	t := s.totals[i : i+2 : i+2]
	return uint64(t[0])<<8 + uint64(x&255)*uint64(t[1]-t[0])
}
