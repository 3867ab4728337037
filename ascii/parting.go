package ascii

import (
	"math"
	"math/bits"
)

const (
	// A cell in which all samples are this near together is one colour, and
	// stays so until they are stayFlat apart.
	flat     = 1
	stayFlat = 6

	// A new division must be better by this, in squares of levels summed over
	// the eight samples of a cell: an eighth of it for every sample, and so much
	// for each level that the two colours are apart, as if a sample in the
	// middle of them were off by half of that.
	maskSlack     = 64
	contrastSlack = 7
)

// A parting is a division of the samples of a cell in those that are shown in
// the foreground and the others, which look like their means. How good it is
// is how much it explains of the squares of the samples.
type parting struct {
	mask   uint8  // the samples in the foreground, or a name of them
	fg, bg uint8  // the colours
	count  int    // how many samples are in the foreground
	score  uint64 // how good the division is
	spread uint64 // how far samples are apart
}

// inverse is 1/n, times one.
var inverse = func() (t [17]uint64) {
	for n := uint64(1); n < uint64(len(t)); n++ {
		t[n] = one / n
	}
	return t
}()

const one = 1 << 24

// contrasts are, for each number of samples, one over the roots of how many
// pairs of a sample in the foreground and one in the background there are when
// so many are in the foreground, times 1<<40.
var contrasts = func() (t [17][17]uint64) {
	for n := range t {
		for k := 1; k < n; k++ {
			t[n][k] = uint64(math.Round((1 << 40) / math.Sqrt(float64(k*(n-k)))))
		}
	}
	return t
}()

// masks have all bits of the samples of which they are the mask.
var masks = func() (t [256]uint64) {
	for mask := range t {
		for k := range 8 {
			t[mask] |= uint64(mask>>k&1) * 0xff << (8 * k)
		}
	}
	return t
}()

// divide makes p the best division of n samples, four, six or eight, in lighter
// and darker ones.
//
// In order of brightness only n-1 divisions come into question. With k samples
// and their sum p on the lighter side, and t the sum of all, a division
// explains (n*p-k*t)^2 / (n*k*(n-k)): the root of it is as good to compare, and
// no numerator is negative.
func (p *parting) divide(s uint64, n int) {
	a, b, c, d, e, f, g, h := sorted(s)
	total, size, weights := addBytes(s), uint64(n), &contrasts[n]
	darkest := h
	switch n {
	case 4:
		darkest = d
	case 6:
		darkest = f
	}
	if p.spread = a - darkest; p.spread <= flat {
		p.flatten(total, n)
		return
	}
	off := size*a - total
	best := off*weights[1]<<8 | a // with the darkest of the lighter side
	off += size*b - total
	best = max(best, off*weights[2]<<8|b)
	off += size*c - total
	best = max(best, off*weights[3]<<8|c)
	if n > 4 {
		off += size*d - total
		best = max(best, off*weights[4]<<8|d)
		off += size*e - total
		best = max(best, off*weights[5]<<8|e)
	}
	if n > 6 {
		off += size*f - total
		best = max(best, off*weights[6]<<8|f)
		off += size*g - total
		best = max(best, off*weights[7]<<8|g)
	}
	p.mask = atLeast(s, uint8(best)) & (1<<n - 1)
	p.count = bits.OnesCount8(p.mask)
	p.measure(addBytes(s&masks[p.mask]), total, n)
}

// measure sets the score and the colours for the sum of the samples in the
// foreground and the total of all n.
func (p *parting) measure(sum, total uint64, n int) {
	rest, others := total-sum, n-p.count
	p.score = sum*sum*inverse[p.count] + rest*rest*inverse[others]
	p.fg = uint8((sum*inverse[p.count] + one/2) / one)
	p.bg = uint8((rest*inverse[others] + one/2) / one)
}

// flatten makes p one colour.
func (p *parting) flatten(total uint64, n int) {
	p.mask, p.count = 0, 0
	p.bg = uint8((total*inverse[n] + one/2) / one)
	p.fg = p.bg
}

// keep makes p the division of the mask that is on the screen in two colours,
// if it is hardly worse.
func (p *parting) keep(s uint64, n int, old uint8, colours []uint8) {
	total := addBytes(s)
	was := parting{mask: old, count: bits.OnesCount8(old), spread: p.spread}
	if was.count == 0 || was.count == n {
		p.stayFlat(total, n)
		return
	}
	was.measure(addBytes(s&masks[old]), total, n)
	if was.stays(p, 1, colours) {
		p.become(&was)
	}
}

// become makes p another division of the same samples. Its fields are copied one
// by one: they have just been written so, and all at once would wait for that.
func (p *parting) become(other *parting) {
	p.mask, p.count, p.score = other.mask, other.count, other.score
	p.fg, p.bg = other.fg, other.bg
}

// stayFlat makes p one colour, as the cell is on the screen, if two would
// hardly show.
func (p *parting) stayFlat(total uint64, n int) {
	if p.spread <= stayFlat {
		p.flatten(total, n)
	}
}

// stays reports whether p, which is on the screen in two colours, should stay
// rather than become next. There are as many eights of samples as told.
func (p *parting) stays(next *parting, eights uint64, colours []uint8) bool {
	if next.count == 0 {
		// It was two colours and need not be: one will do when they change.
		return held(colours[0], p.fg, deadBand) == colours[0] && held(colours[1], p.bg, deadBand) == colours[1]
	}
	slack := maskSlack + contrastSlack*uint64(abs(int(next.fg)-int(next.bg)))
	return p.score+slack*eights*one >= next.score
}

// widen moves the colours away from their mean by gain/256: two colours for a
// cell are nearer to each other than its samples are.
func (p *parting) widen(n, gain int) {
	if p.count == 0 || gain == 0 {
		return
	}
	// What each is moved by, times 256*one.
	step := (int64(p.fg) - int64(p.bg)) * int64(gain) * int64(inverse[n])
	fg := int64(p.fg) + (step*int64(n-p.count)+128*one)>>32
	bg := int64(p.bg) + (128*one-step*int64(p.count))>>32
	p.fg, p.bg = uint8(min(max(fg, 0), 255)), uint8(min(max(bg, 0), 255))
}

// dotCover is how much of its eighth of a cell a braille dot covers, as much as
// it changes how light that looks: a quarter of the light looks like a half,
// beside black; much less, beside what is nearly as light.
const dotCover = 0.35

// dot turns the means into the colours of dots and of what is between them
// that look like them, as far as there are such colours.
func (p *parting) dot(n int) {
	if p.count == 0 {
		return
	}
	share := dotCover * float32(p.count) / float32(n)
	lighter := float32(int(p.fg)-int(p.bg)) / dotCover
	mean := float32(p.bg) + share*lighter
	lighter = min(lighter, mean/share, (255-mean)/(1-share))
	bg := mean - share*lighter
	p.fg, p.bg = uint8(min(bg+lighter+0.5, 255)), uint8(max(bg+0.5, 0))
}

// sorted returns the bytes of s, the lightest first, by Batcher's network of
// 19 comparisons, none of which is a branch.
func sorted(s uint64) (a, b, c, d, e, f, g, h uint64) {
	a, b, c, d = s&0xff, s>>8&0xff, s>>16&0xff, s>>24&0xff
	e, f, g, h = s>>32&0xff, s>>40&0xff, s>>48&0xff, s>>56
	a, b = order(a, b)
	c, d = order(c, d)
	e, f = order(e, f)
	g, h = order(g, h)
	a, c = order(a, c)
	b, d = order(b, d)
	e, g = order(e, g)
	f, h = order(f, h)
	b, c = order(b, c)
	f, g = order(f, g)
	a, e = order(a, e)
	b, f = order(b, f)
	c, g = order(c, g)
	d, h = order(d, h)
	c, e = order(c, e)
	d, f = order(d, f)
	b, c = order(b, c)
	d, e = order(d, e)
	f, g = order(f, g)
	return a, b, c, d, e, f, g, h
}

// order returns two samples, the lighter first.
func order(a, b uint64) (lighter, darker uint64) { return max(a, b), min(a, b) }
