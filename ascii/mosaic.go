package ascii

import "math/bits"

// quadrants, sextants and octants are the characters of 2x2, 2x3 and 2x4
// blocks: a bit of the index for each block that is filled, row by row from
// the upper left on.
var (
	quadrants = [16]rune{' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛', '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█'}
	sextants  = makeSextants()
	octants   = makeOctants()
)

// makeSextants numbers the sextants of Unicode 13: in the order of their masks
// from U+1FB00 on, without those that existed before.
func makeSextants() (t [64]rune) {
	next := rune(0x1fb00)
	for mask := range t {
		switch mask {
		case 0b000000:
			t[mask] = ' '
		case 0b010101:
			t[mask] = '▌'
		case 0b101010:
			t[mask] = '▐'
		case 0b111111:
			t[mask] = '█'
		default:
			t[mask] = next
			next++
		}
	}
	return t
}

// makeOctants numbers the octants of Unicode 16: in the order of their masks
// from U+1CD00 on, without those that existed before.
func makeOctants() (t [256]rune) {
	for q, c := range quadrants {
		t[q&1*0b101|q>>1&1*0b1010|q>>2&1*0b1010000|q>>3&1*0b10100000] = c
	}
	for mask, c := range map[int]rune{
		0b11000000: '▂', 0b11111100: '▆', 0b00000011: 0x1fb82, 0b00111111: 0x1fb85,
		0b00000001: 0x1cea8, 0b00000010: 0x1ceab, 0b01000000: 0x1cea3, 0b10000000: 0x1cea0,
		0b00010100: 0x1fbe6, 0b00101000: 0x1fbe7,
	} {
		t[mask] = c
	}
	next := rune(0x1cd00)
	for mask, c := range t {
		if c == 0 {
			t[mask] = next
			next++
		}
	}
	return t
}

// mosaicOf returns the characters of a look, and of how many blocks they are.
func mosaicOf(l Look) (chars []rune, blocks int) {
	switch l {
	case LookQuadrant:
		return quadrants[:], 4
	case LookSextant:
		return sextants[:], 6
	case LookBraille:
		return brailles[:], 8
	default:
		return octants[:], 8
	}
}

const (
	// A cell in which all samples are this near together is one colour, and
	// stays so until they are stayFlat apart.
	flat     = 1
	stayFlat = 6

	// A new mask must be better by this, in squares of levels summed over the
	// samples of a cell: an eighth of it for every sample, and so much for each
	// level that the two colours are apart, as if a sample in the middle of
	// them were off by half of that.
	maskSlack     = 64
	contrastSlack = 7
)

// drawMosaic fills dst with blocks in two colours.
//
// The samples of a cell are divided in lighter and darker ones so that the sum
// of the squares of what each is off from the mean of its part is least. In
// order of brightness only as many divisions as there are samples less one
// come into question: the best is exact.
func (r *Renderer) drawMosaic(dst []Cell) {
	chars, blocks := mosaicOf(r.setup.look)
	dotted, gain := false, float32(1)
	switch r.setup.look {
	case LookBraille:
		dotted = true
	case LookSextant:
		gain = sextantGain
	case LookOctant:
		gain = octantGain
	default:
	}
	cols := r.setup.cols
	w := 2 * cols
	var own [8]uint8 // samples of a cell
	var s [8]uint32  // the same in the upper bits, the block in the lower 3
	for y := range r.setup.rows {
		lines := r.luma.out[y*blocks*cols:][:blocks*cols]
		for x := range cols {
			i := y*cols + x
			for k := 0; k < blocks; k += 2 {
				pair := lines[k/2*w+2*x:][:2]
				own[k&7], own[(k+1)&7] = pair[0], pair[1]
			}
			if r.stays(i, own[:blocks]) {
				dst[i] = r.shown[i]
				continue
			}
			for k, v := range own {
				s[k] = uint32(v)<<3 | uint32(k)
			}
			shade := r.shades[2*i:][:2]
			p := divide(&s, blocks)
			if !r.fresh {
				p.keep(&s, blocks, r.glyphs[i], shade)
			}
			r.glyphs[i] = p.mask
			if !r.fresh {
				p.fg, p.bg = held(shade[0], p.fg, deadBand), held(shade[1], p.bg, deadBand)
			}
			shade[0], shade[1] = p.fg, p.bg
			if dotted {
				p.dot(blocks)
			} else {
				p.widen(blocks, gain)
			}
			dst[i] = Cell{R: chars[p.mask], Bg: r.paint(p.bg, i)}
			if dst[i].Fg = dst[i].Bg; p.mask != 0 {
				dst[i].Fg = r.paint(p.fg, i)
			}
			r.shown[i] = dst[i]
		}
	}
}

// A parting is a division of the samples of a cell.
type parting struct {
	mask   uint8  // the lighter ones
	fg, bg uint8  // the mean of the lighter and of the darker ones
	score  uint64 // how well it divides
	spread uint32 // the lightest less the darkest sample
}

// inverse is 1/n, times one.
var inverse = [9]uint64{0, one, one / 2, one / 3, one / 4, one / 5, one / 6, one / 7, one / 8}

const one = 1 << 24

// score returns, times one, what a division into n samples with the sum p
// and others with the sum q explains of the squares of the samples.
func score(p, q uint32, n, others int) uint64 {
	return uint64(p)*uint64(p)*inverse[n] + uint64(q)*uint64(q)*inverse[others]
}

// divide returns the best division of n samples: 4, 6 or 8.
func divide(s *[8]uint32, n int) (p parting) {
	sorted := *s
	if n == 8 {
		sort8(&sorted)
	} else {
		sortFew(sorted[:n])
	}
	total := uint32(0)
	for _, v := range sorted[:n] {
		total += v >> 3
	}
	p.spread = sorted[0]>>3 - sorted[n-1]>>3
	if p.spread <= flat {
		p.flatten(total, n)
		return p
	}
	sum, best, count := uint32(0), uint32(0), 0
	for k := 1; k < n; k++ {
		sum += sorted[k-1] >> 3
		if sc := score(sum, total-sum, k, n-k); sc > p.score {
			p.score, best, count = sc, sum, k
		}
	}
	for _, v := range sorted[:count] {
		p.mask |= 1 << (v & 7)
	}
	p.means(best, total-best, count, n-count)
	return p
}

// means sets the colours to the means of two sums.
func (p *parting) means(sum, rest uint32, n, others int) {
	p.fg = uint8((uint64(sum)*inverse[n] + one/2) / one)
	p.bg = uint8((uint64(rest)*inverse[others] + one/2) / one)
}

// Two colours for a cell are nearer to each other than its samples are, and
// the rows of sextants cut across what is seen from afar as halves. This much
// further apart they come nearer to the picture.
const (
	sextantGain = 1.1
	octantGain  = 1.04
)

// widen moves the colours away from their mean.
func (p *parting) widen(n int, gain float32) {
	if p.mask == 0 || gain == 1 {
		return
	}
	fg, bg := float32(p.fg), float32(p.bg)
	mean := bg + (fg-bg)*float32(bits.OnesCount8(p.mask))/float32(n)
	p.fg = uint8(min(mean+(fg-mean)*gain+0.5, 255))
	p.bg = uint8(max(mean+(bg-mean)*gain+0.5, 0))
}

// dotCover is how much of its eighth of a cell a braille dot covers, as much as
// it changes how light that looks: a quarter of the light looks like a half,
// beside black; much less, beside what is nearly as light.
const dotCover = 0.35

// dot turns the means into the colours of dots and of what is between them
// that look like them, as far as there are such colours.
func (p *parting) dot(n int) {
	if p.mask == 0 {
		return
	}
	share := dotCover * float32(bits.OnesCount8(p.mask)) / float32(n)
	lighter := float32(int(p.fg)-int(p.bg)) / dotCover
	mean := float32(p.bg) + share*lighter
	lighter = min(lighter, mean/share, (255-mean)/(1-share))
	bg := mean - share*lighter
	p.fg, p.bg = uint8(min(bg+lighter+0.5, 255)), uint8(max(bg+0.5, 0))
}

// flatten makes p one colour.
func (p *parting) flatten(total uint32, n int) {
	p.mask = 0
	p.bg = uint8((uint64(total)*inverse[n] + one/2) / one)
	p.fg = p.bg
}

// keep makes p the division of the mask that is on the screen, in two colours,
// if it is hardly worse.
func (p *parting) keep(s *[8]uint32, n int, old uint8, colours []uint8) {
	if p.mask == old {
		return
	}
	sum, total, count := uint32(0), uint32(0), 0
	for k, v := range s[:n] {
		v >>= 3
		total += v
		if old>>k&1 != 0 {
			sum += v
			count++
		}
	}
	switch {
	case count == 0 || count == n: // one colour
		if p.spread <= stayFlat {
			p.flatten(total, n)
		}
	case p.mask == 0:
		// It was two colours and need not be: one will do when they change.
		was := parting{mask: old, spread: p.spread}
		was.means(sum, total-sum, count, n-count)
		if held(colours[0], was.fg, deadBand) == colours[0] && held(colours[1], was.bg, deadBand) == colours[1] {
			*p = was
		}
	case score(sum, total-sum, count, n-count)+(maskSlack+contrastSlack*uint64(p.fg-p.bg))*one >= p.score:
		p.mask = old
		p.means(sum, total-sum, count, n-count)
	}
}

// sortFew sorts samples, the lightest first.
func sortFew(s []uint32) {
	for i := 1; i < len(s); i++ {
		v, k := s[i], i
		for ; k > 0 && s[k-1] < v; k-- {
			s[k] = s[k-1]
		}
		s[k] = v
	}
}

// sort8 does the same for eight, with Batcher's network of 19 comparisons,
// none of which is a branch.
func sort8(s *[8]uint32) {
	a, b, c, d, e, f, g, h := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
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
	*s = [8]uint32{a, b, c, d, e, f, g, h}
}

// order returns two samples, the lighter first.
func order(a, b uint32) (lighter, darker uint32) { return max(a, b), min(a, b) }
