package ascii

import (
	"image/color"
	"math"
	"sync"
)

// With 16 colours a cell shows two of a ramp of four, each sample the nearer
// one. Which two is chosen for the whole cell, so that its samples are between
// them: what is lighter or darker than both is lost, what is between is only
// coarse. Levels are automatic and edges sharp, as in looks without colours.

// ramps are the colours that a cell may have by its hue, dark to light. The
// first is for cells of next to no hue.
var ramps = [7][4]uint8{
	{0, 8, 7, 15},
	{0, 1, 9, 15},
	{0, 2, 10, 15},
	{0, 3, 11, 15},
	{0, 4, 12, 15},
	{0, 5, 13, 15},
	{0, 6, 14, 15},
}

// pairs are the places in a ramp of the two colours of a cell.
var pairs = [6][2]uint8{{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}}

// shadeSharpness is how much edges are sharpened, in 1/16.
const shadeSharpness = 24

// A shadeTable tells what pairs of colours are worth.
type shadeTable struct {
	ramp [32][32]uint8                       // by Cb/8 and Cr/8
	cost [len(ramps)][len(pairs)][256]uint32 // of a luma
	edge [len(ramps)][len(pairs)]uint8       // from this luma on a sample is shown in the lighter colour
	show [len(ramps)][len(pairs)][2]Color    // the darker and the lighter colour
}

// shadeTables makes the table when it is first needed.
var shadeTables = sync.OnceValue(newShadeTable)

// newShadeTable returns the table for palette.
func newShadeTable() *shadeTable {
	t := &shadeTable{}
	for i, ramp := range ramps {
		for k, pair := range pairs {
			dark, light := ramp[pair[0]], ramp[pair[1]]
			lo, hi := brightness(palette[dark]), brightness(palette[light])
			t.show[i][k] = [2]Color{kindIndexed | Color(dark), kindIndexed | Color(light)}
			t.edge[i][k] = uint8((lo + hi + 1) / 2)
			for v := range t.cost[i][k] {
				t.cost[i][k][v] = uint32(shadeCost(v, lo, hi))
			}
		}
	}
	for cb := range t.ramp {
		for cr := range t.ramp[cb] {
			t.ramp[cb][cr] = nearestRamp(8*cb+4-128, 8*cr+4-128)
		}
	}
	return t
}

// brightness returns the luma of a colour.
func brightness(c Color) int {
	r, g, b, _ := c.RGB()
	y, _, _ := color.RGBToYCbCr(r, g, b)
	return int(y)
}

// shadeCost is how bad it is to show a luma in one of two colours: the square
// of what it is off where it is beyond both, which counts twice, or what a
// mixture of both would be off in the mean of squares.
func shadeCost(v, lo, hi int) int {
	switch {
	case v < lo:
		return 2 * (lo - v) * (lo - v)
	case v > hi:
		return 2 * (v - hi) * (v - hi)
	default:
		return (v - lo) * (hi - v)
	}
}

// tinted is from how much chroma on, off the middle, a cell has a hue.
const tinted = 36

// nearestRamp returns the ramp for a chroma less its middle.
func nearestRamp(cb, cr int) uint8 {
	if cb*cb+cr*cr < tinted*tinted {
		return 0
	}
	best, most := 0, math.Inf(-1)
	for i := 1; i < len(ramps); i++ {
		r, g, b, _ := palette[ramps[i][2]].RGB()
		_, hb, hr := color.RGBToYCbCr(r, g, b)
		x, y := float64(hb)-128, float64(hr)-128
		if like := (x*float64(cb) + y*float64(cr)) / math.Hypot(x, y); like > most {
			best, most = i, like
		}
	}
	return uint8(best)
}

const (
	// pairSlack is how much worse the colours of a cell may be than others
	// before they change, in squares of levels for each sample.
	pairSlack = 400

	// A sample changes its colour when it has gone this far beyond the middle.
	shadeSlack = 6
)

// drawShades fills dst with blocks in two of 16 colours.
func (r *Renderer) drawShades(dst []Cell) {
	m, t := &mosaics[r.setup.look], shadeTables()
	cols := r.setup.cols
	for y := range r.setup.rows {
		a, b, c, d := r.lines(y)
		row, shown := dst[y*cols:][:cols], r.shown[y*cols:][:cols]
		for x := range row {
			s := gather(a, b, c, d, x)
			cell := shown[x]
			if i := y*cols + x; !r.stays(i, s) {
				cell = r.shadeCell(m, t, i, s)
				shown[x] = cell
			}
			row[x] = cell
		}
	}
}

// shadeCell returns the cell for the samples s of cell i.
func (r *Renderer) shadeCell(m *mosaic, t *shadeTable, i int, s uint64) Cell {
	hue := uint8(0)
	if r.setup.chroma {
		hue = t.ramp[r.tintCb[i]>>3][r.tintCr[i]>>3]
	}
	var prices [len(pairs)]uint32
	best := uint8(0)
	for k := range prices {
		cost := &t.cost[hue][k]
		for v, n := s, m.blocks; n > 0; v, n = v>>8, n-1 {
			prices[k] += cost[v&0xff]
		}
		if prices[k] < prices[best] {
			best = uint8(k)
		}
	}
	state, mask := r.shades[2*i:][:2], uint8(0)
	edge := int(t.edge[hue][best])
	if old := state[0]; !r.fresh && state[1] == hue && prices[old] <= prices[best]+pairSlack*uint32(m.blocks) {
		best, edge = old, int(t.edge[hue][old])
		mask = r.glyphs[i] & atLeast(s, uint8(edge-shadeSlack))
		edge += shadeSlack
	}
	mask |= atLeast(s, uint8(edge))
	mask &= 1<<m.blocks - 1
	r.glyphs[i], state[0], state[1] = mask, best, hue
	c := Cell{R: m.chars[mask], Bg: t.show[hue][best][0], Fg: t.show[hue][best][1]}
	if mask == 0 {
		c.Fg = c.Bg
	}
	return c
}
