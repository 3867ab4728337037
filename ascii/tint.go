package ascii

import (
	"math"
	"sync"
)

// tinters makes the tinter when it is first needed.
var tinters = sync.OnceValue(newTinter)

// exposures are how many times lighter than it is a cell is taken to be when
// a character is looked for that then gets a darker colour.
var exposures = [5]float64{1, 1.5, 2.4, 4, 8}

// tintSlack is how much nearer to the samples a new character must be, in
// squares of ink.
const tintSlack = 0.0025

// A tinter chooses a character and the brightness of its colour.
type tinter struct {
	shapes *shapeTable
	levels [len(exposures)][256]uint16 // as shapeTable.level, of a luma so much lighter
	ink    [95][8]float32              // of the characters
	square [95]float32                 // the sums of the squares of ink
	light  [256]float32                // the ink that a luma wants
	luma   [1025]uint8                 // the luma of light of 0 to 1
}

// newTinter returns the tinter for light letters on dark.
func newTinter() *tinter {
	t := &tinter{shapes: shapeTables[0]()}
	for v := range t.light {
		l := math.Pow(float64(v)/255, lumaPower)
		t.light[v] = float32(fullInk * l)
		for k, e := range exposures {
			t.levels[k][v] = t.shapes.level[int(255*math.Pow(min(l*e, 1), 1/lumaPower)+0.5)]
		}
	}
	for i := range t.ink {
		for k, v := range lightInk[i] {
			t.ink[i][k] = float32(v) / 10000
			t.square[i] += t.ink[i][k] * t.ink[i][k]
		}
	}
	for i := range t.luma {
		t.luma[i] = uint8(255*math.Pow(float64(i)/1024, 1/lumaPower) + 0.5)
	}
	return t
}

// fit returns how light character c best is for samples that want some ink,
// and how far it is from them then, but for what no character can change.
func (t *tinter) fit(c uint8, want *[8]float32) (light, miss float32) {
	ink := &t.ink[c]
	sum := want[0]*ink[0] + want[1]*ink[1] + want[2]*ink[2] + want[3]*ink[3] +
		want[4]*ink[4] + want[5]*ink[5] + want[6]*ink[6] + want[7]*ink[7]
	if c == 0 {
		return 0, 0
	}
	light = min(sum/t.square[c], 1)
	return light, light * (light*t.square[c] - 2*sum)
}

// drawColour fills dst with characters, each in a colour, on the terminal's
// own background.
func (r *Renderer) drawColour(dst []Cell) {
	t := tinters()
	cols := r.setup.cols
	for y := range r.setup.rows {
		a, b, c, d := r.lines(y)
		row, shown := dst[y*cols:][:cols], r.shown[y*cols:][:cols]
		for x := range row {
			s := gather(a, b, c, d, x)
			cell := shown[x]
			if i := y*cols + x; !r.stays(i, s) {
				cell = r.colourCell(t, i, s)
				shown[x] = cell
			}
			row[x] = cell
		}
	}
}

// colourCell returns the cell for the samples of cell i.
func (r *Renderer) colourCell(t *tinter, i int, samples uint64) Cell {
	var s [8]uint8
	store(s[:], samples)
	code, luma := t.choose(&s, r.glyphs[i], r.fresh)
	if !r.fresh && code == r.glyphs[i] {
		luma = held(r.shades[i], luma, 2*deadBand) // ink is thin: noise counts double
	}
	r.glyphs[i], r.shades[i] = code, luma
	c := Cell{R: ' ' + rune(code)}
	if code != 0 {
		c.Fg = r.paint(luma, i)
	}
	return c
}

// choose returns the character for 2x4 samples and its luma, staying with old
// if it is hardly worse, unless fresh.
func (t *tinter) choose(s *[8]uint8, old uint8, fresh bool) (code, luma uint8) {
	var want [8]float32
	var all float32
	for k, v := range s {
		want[k] = t.light[v]
		all += want[k] * want[k]
	}
	last, least, light := uint8(255), float32(math.MaxFloat32), float32(0)
	for k := range t.levels {
		level := &t.levels[k]
		key := level[s[0]] | level[s[1]]<<2 | level[s[2]]<<4 | level[s[3]]<<6 |
			level[s[4]]<<8 | level[s[5]]<<10 | level[s[6]]<<12 | level[s[7]]<<14
		c := t.shapes.pick[key]
		if c == last {
			continue
		}
		last = c
		if l, miss := t.fit(c, &want); miss < least {
			code, light, least = c, l, miss
		}
	}
	if !fresh && code != old {
		l, miss := t.fit(old, &want)
		if all+miss <= keep*(all+least)+tintSlack {
			code, light = old, l
		}
	}
	return code, t.luma[int(light*1024)]
}
