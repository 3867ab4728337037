package video

import "math/bits"

// searchRange is how far motion is searched, in samples.
const searchRange = 16

// search finds where the area of size x size samples at the block bx, by comes
// from: from the best of a few guesses downhill in whole samples, then in
// halves and quarters.
func (e *Encoder) search(bx, by, size int, guess, a, b vector) vector {
	s := searcher{
		src:    e.source.pix[e.source.at(bx*8, by*8):],
		stride: e.source.stride,
		past:   e.state.past,
		x:      bx * 8,
		y:      by * 8,
		size:   size,
		guess:  guess,
		step:   int(steps[e.state.qp]),
	}
	s.least = s.whole(vector{})
	for _, v := range [4]vector{guess, a, b, e.seeds[by*(e.source.w/8)+bx]} {
		s.try(vector{(v.x + 2) &^ 3, (v.y + 2) &^ 3})
	}
	s.descend(8)
	s.descend(4)
	s.least = s.fit(s.best)
	s.refine(2)
	s.refine(1)
	return s.best
}

// searchSplit finds a vector for each block of the macroblock, a and b being
// vectors of the whole. It reports whether they differ.
func (e *Encoder) searchSplit(a, b vector) (vs [4]vector, differ bool) {
	for k := range 4 {
		x, y, _ := quarter(e.bx, e.by, k)
		vs[k] = a
		if e.seen(k) {
			vs[k] = e.search(x, y, 8, e.state.guess(x, y, 1), a, b)
		}
		// The next block's guess looks here.
		e.state.cells[e.state.cell(x, y)] = cell{known: true, vector: vs[k]}
		differ = differ || vs[k] != vs[0]
	}
	return vs, differ
}

// searcher looks for one area of the source in the past.
type searcher struct {
	src        []byte
	stride     int
	past       *plane
	x, y, size int
	guess      vector
	step       int

	best  vector
	least int // the cost of best, in 1/16 of a sample value
	block [16 * blockStride]byte
}

// outside is the cost of a vector that may not be used.
const outside = 1 << 30

// vectorCost estimates the bits of v, each as 0.44 of a step (the root of the
// fifth that price takes).
func (s *searcher) vectorCost(v vector) int {
	n := 2 + 2*bits.Len(uint(abs(int(v.x-s.guess.x)))) + 2*bits.Len(uint(abs(int(v.y-s.guess.y))))
	return n * s.step * 7 / 16
}

// whole returns the cost of a vector in whole samples.
func (s *searcher) whole(v vector) int {
	if max(abs(int(v.x)), abs(int(v.y))) > searchRange*4 {
		return outside
	}
	x, y := s.x+int(v.x>>2), s.y+int(v.y>>2)
	if min(x, y) < reach-border || x > s.past.w+border-reach-s.size || y > s.past.h+border-reach-s.size {
		return outside
	}
	return distance(s.src, s.stride, s.past.pix[s.past.at(x, y):], s.past.stride, s.size)*16 + s.vectorCost(v)
}

// try makes v, in whole samples, the best if it is.
func (s *searcher) try(v vector) {
	if v == s.best {
		return
	}
	if c := s.whole(v); c < s.least {
		s.best, s.least = v, c
	}
}

// descend goes to the best of the four vectors at a distance as long as it
// gets better, but not for long.
func (s *searcher) descend(by int16) {
	for range 8 {
		c := s.best
		s.try(vector{c.x + by, c.y})
		s.try(vector{c.x - by, c.y})
		s.try(vector{c.x, c.y + by})
		s.try(vector{c.x, c.y - by})
		if s.best == c {
			return
		}
	}
}

// refine tries the four vectors at a distance in quarter samples, and between
// the better two of them.
func (s *searcher) refine(by int16) {
	c := s.best
	left, right := s.part(vector{c.x - by, c.y}), s.part(vector{c.x + by, c.y})
	up, down := s.part(vector{c.x, c.y - by}), s.part(vector{c.x, c.y + by})
	d := vector{c.x + by, c.y + by}
	if left < right {
		d.x = c.x - by
	}
	if up < down {
		d.y = c.y - by
	}
	s.part(d)
}

// part makes v, in quarter samples, the best if it is, and returns its cost.
func (s *searcher) part(v vector) int {
	c := s.fit(v)
	if c < s.least {
		s.best, s.least = v, c
	}
	return c
}

// fit returns the cost of a vector in quarter samples: more exactly than whole
// does, for what is to be transformed.
func (s *searcher) fit(v vector) int {
	s.past.move(s.block[:], s.x, s.y, v, s.size)
	sum := 0
	for y := 0; y < s.size; y += 8 {
		for x := 0; x < s.size; x += 8 {
			sum += unlikeness(s.src[y*s.stride+x:], s.stride, s.block[y*blockStride+x:])
		}
	}
	return sum*16 + s.vectorCost(v)
}
