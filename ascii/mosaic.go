package ascii

import "encoding/binary"

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

// A mosaic is a look of 2x2 to 2x4 blocks in two colours.
type mosaic struct {
	chars  []rune // by their masks
	blocks int
	gain   int  // of the colours, see parting.widen
	dotted bool // blocks are dots
}

// mosaics are those of the looks that drawMosaic and drawShades draw. Sextants
// need more gain: their rows cut across what is seen from afar as halves.
var mosaics = [EveryLook]mosaic{
	LookQuadrant: {chars: quadrants[:], blocks: 4, gain: 8},
	LookSextant:  {chars: sextants[:], blocks: 6, gain: 40},
	LookOctant:   {chars: octants[:], blocks: 8, gain: 16},
	LookBraille:  {chars: brailles[:], blocks: 8, dotted: true},
}

// drawMosaic fills dst with blocks in two colours.
func (r *Renderer) drawMosaic(dst []Cell) {
	m := &mosaics[r.setup.look]
	cols := r.setup.cols
	for y := range r.setup.rows {
		a, b, c, d := r.lines(y)
		row, shown := dst[y*cols:][:cols], r.shown[y*cols:][:cols]
		for x := range row {
			s := gather(a, b, c, d, x)
			cell := shown[x]
			if i := y*cols + x; !r.stays(i, s) {
				cell = r.mosaicCell(m, i, s)
				shown[x] = cell
			}
			row[x] = cell
		}
	}
}

// mosaicCell returns the cell for the samples s of cell i.
func (r *Renderer) mosaicCell(m *mosaic, i int, s uint64) Cell {
	var p parting
	p.divide(s, m.blocks)
	if !r.fresh && p.mask != r.glyphs[i] {
		p.keep(s, m.blocks, r.glyphs[i], r.shades[2*i:])
	}
	r.glyphs[i] = p.mask
	r.holdShades(&p, i)
	if m.dotted {
		p.dot(m.blocks)
	} else {
		p.widen(m.blocks, m.gain)
	}
	c := r.inTwo(m.chars[p.mask], &p, i)
	if r.setup.look == LookOctant && isLate(p.mask) {
		c.R, c.Fg, c.Bg = m.chars[^p.mask], c.Bg, c.Fg
	}
	return c
}

// isLate reports whether the character of a mask of octants came to fonts and
// terminals later than the others: foot 1.20 and kitty 0.40 do not draw these.
// In two colours that of the other samples shows the same.
func isLate(mask uint8) bool {
	switch mask {
	case 0b00000001, 0b00000010, 0b01000000, 0b10000000, 0b00010100, 0b00101000:
		return true
	}
	return false
}

// holdShades keeps the colours of cell i where those of p are hardly others.
func (r *Renderer) holdShades(p *parting, i int) {
	shade := r.shades[2*i:][:2]
	if !r.fresh {
		p.fg, p.bg = held(shade[0], p.fg, deadBand), held(shade[1], p.bg, deadBand)
	}
	shade[0], shade[1] = p.fg, p.bg
}

// inTwo returns the cell for a character of p in its colours.
func (r *Renderer) inTwo(char rune, p *parting, i int) Cell {
	c := Cell{R: char, Bg: r.paint(p.bg, i)}
	if c.Fg = c.Bg; p.count != 0 {
		c.Fg = r.paint(p.fg, i)
	}
	return c
}

// lines returns the rows of two samples a cell for row y of cells, those that a
// look has no more of being black.
func (r *Renderer) lines(y int) (a, b, c, d []uint8) {
	down, pitch := r.setup.down, r.luma.pitch
	var rows [4][]uint8
	for k := range rows {
		rows[k] = r.none[:pitch]
		if k < down {
			rows[k] = r.luma.out[(y*down+k)*pitch:][:pitch]
		}
	}
	return rows[0], rows[1], rows[2], rows[3]
}

// gather returns the samples of cell x of four rows, row by row from the
// lowest byte on.
func gather(a, b, c, d []uint8, x int) uint64 {
	return uint64(binary.LittleEndian.Uint16(a[2*x:])) | uint64(binary.LittleEndian.Uint16(b[2*x:]))<<16 |
		uint64(binary.LittleEndian.Uint16(c[2*x:]))<<32 | uint64(binary.LittleEndian.Uint16(d[2*x:]))<<48
}
