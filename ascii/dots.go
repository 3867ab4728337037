package ascii

// dotSharpness makes edges of what is only dots, in 1/16.
const dotSharpness = 32

const (
	// A quarter of what a dot is too dark or too light is made good by its
	// neighbours: all of it would hide shapes behind a pattern that crawls.
	diffusion = 64 // in 1/256

	// A dot changes when its sample has gone this far beyond the middle.
	dotSlack = 14
)

// drawDots fills dst with blocks or braille in the terminal's own colours.
func (r *Renderer) drawDots(dst []Cell) {
	s := &r.setup
	w, h := s.cols*s.across, s.rows*s.down
	clear(r.debts)
	now, next := r.debts[:w+2], r.debts[w+2:]
	if r.fresh {
		clear(r.glyphs)
	}
	for y := range h {
		masks := r.glyphs[y/s.down*s.cols:][:s.cols]
		clear(next)
		debt := 0
		for x, v := range r.luma.out[y*r.luma.pitch:][:w] {
			bit := uint8(1) << (y%s.down*s.across + x%s.across)
			mask := &masks[x/s.across]
			level := int(v) + (debt*7+int(now[x+1]))>>4
			if s.light {
				level = int(255-v) + (debt*7+int(now[x+1]))>>4
			}
			limit := 127
			if !r.fresh {
				limit += dotSlack
				if *mask&bit != 0 {
					limit -= 2 * dotSlack
				}
			}
			debt = level
			if *mask &^= bit; level > limit {
				*mask |= bit
				debt -= 255
			}
			debt = debt * diffusion >> 8
			next[x] += int16(3 * debt)
			next[x+1] += int16(5 * debt)
			next[x+2] += int16(debt)
		}
		now, next = next, now
	}
	chars := dotChars(s.look)
	for i := range dst {
		dst[i] = Cell{R: chars[r.glyphs[i]]}
	}
}

var halves = [4]rune{' ', '▀', '▄', '█'}

// brailles are the characters of 2x4 dots by their masks, row by row.
var brailles = func() (t [256]rune) {
	for mask := range t {
		t[mask] = 0x2800
		// The seventh and eighth dots were added below the other six.
		for k, bit := range [8]int{0, 3, 1, 4, 2, 5, 6, 7} {
			t[mask] |= rune(mask >> k & 1 << bit)
		}
	}
	return t
}()

// dotChars returns the characters of a look by their masks.
func dotChars(l Look) []rune {
	switch l {
	case LookHalf:
		return halves[:]
	default:
		return mosaics[l].chars
	}
}
