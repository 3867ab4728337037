package ascii

// LookQuadrant draws the blocks that every terminal has: quadrants and, where a
// picture has the pixels and the screen the colours to tell them from quadrants,
// eighths of a cell from below. Then it takes 2x8 samples, else 2x2.

const (
	// blockRows is how many samples quadrants and eighths have below each other.
	blockRows = 8

	// leastForEighths is how many pixels below each other a cell must have for
	// them. With two, which is what quadrants are sent, they are nowhere but in
	// the middle, and samples between them would only be blurred.
	leastForEighths = 3
)

// eighths are the characters by their names: 1 to 7 fill as many eighths from
// below, the others are quadrants, each of them one way round: what is in the
// background is shown as well.
var eighths = [14]rune{' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '▘', '▝', '▖', '▗', '▌', '▚'}

// inEighths is how many samples of 16 each of them fills.
var inEighths = [14]int{0, 2, 4, 6, 8, 10, 12, 14, 4, 4, 4, 4, 8, 8}

// eighthContrasts are the contrasts of them.
var eighthContrasts = func() (t [14]int64) {
	for name, n := range inEighths {
		t[name] = int64(contrasts[2*blockRows][n])
	}
	return t
}()

// eighthsGain is the gain of the two colours.
const eighthsGain = 16

// drawBlocks fills dst with quadrants and eighths in two colours.
func (r *Renderer) drawBlocks(dst []Cell) {
	cols, pitch := r.setup.cols, r.luma.pitch
	var own [2]uint64
	for i := range dst {
		p := r.luma.out[i/cols*blockRows*pitch+i%cols*2:]
		for half := range own {
			q := p[half*4*pitch:]
			own[half] = gather(q, q[pitch:], q[2*pitch:], q[3*pitch:], 0)
		}
		c := r.shown[i]
		if !r.staysAll(i, own[:]) {
			c = r.blockCell(i, own[0], own[1])
			r.shown[i] = c
		}
		dst[i] = c
	}
}

// blockCell returns the cell for the upper and the lower samples of cell i.
func (r *Renderer) blockCell(i int, upper, lower uint64) Cell {
	const n = 2 * blockRows
	sums, total := inBlocks(upper, lower)
	var p parting
	best := int64(0)
	for name, sum := range sums {
		// As in divide, but the foreground may be the darker side.
		off := n*int64(sum) - int64(inEighths[name])*int64(total)
		best = max(best, max(off, -off)*eighthContrasts[name]<<8|int64(name))
	}
	p.mask = uint8(best)
	p.count = inEighths[p.mask]
	p.measure(sums[p.mask], total, n)
	if p.spread = uint64(abs(int(p.fg) - int(p.bg))); p.spread <= flat {
		p.flatten(total, n)
	}
	if old := r.glyphs[i]; !r.fresh && old != p.mask {
		if old == 0 {
			p.stayFlat(total, n)
		} else {
			was := parting{mask: old, count: inEighths[old], spread: p.spread}
			was.measure(sums[old], total, n)
			if was.stays(&p, n/8, r.shades[2*i:]) {
				p.become(&was)
			}
		}
	}
	r.glyphs[i] = p.mask
	r.holdShades(&p, i)
	p.widen(n, eighthsGain)
	return r.inTwo(eighths[p.mask], &p, i)
}

// inBlocks returns the sums of the samples in each of eighths, and of all.
func inBlocks(upper, lower uint64) (sums [14]uint64, total uint64) {
	ul, ur := lanes(upper)
	ll, lr := lanes(lower)
	// Sums of the first one to four rows, in lanes.
	top, bottom := (ul+ur)*eachLane, (ll+lr)*eachLane
	half := top >> 48
	total = half + bottom>>48
	sums[7] = total - top&0xffff
	sums[6] = total - top>>16&0xffff
	sums[5] = total - top>>32&0xffff
	sums[4] = total - half
	sums[3] = sums[4] - bottom&0xffff
	sums[2] = sums[4] - bottom>>16&0xffff
	sums[1] = sums[4] - bottom>>32&0xffff
	sums[8], sums[9] = ul*eachLane>>48, ur*eachLane>>48
	sums[10], sums[11] = ll*eachLane>>48, lr*eachLane>>48
	sums[12], sums[13] = sums[8]+sums[10], sums[8]+sums[11]
	return sums, total
}
