package ascii

import (
	"math"
	"sync"
)

//go:generate go test -run ^TestGlyphs$ -update .

// A shapeTable chooses the character whose shape is most like 2x4 samples.
//
// Each sample is reduced to one of four levels, which makes a cell a number of
// 16 bits. Finer levels, more boxes and whole bitmaps measure no better: thin
// strokes fit nothing exactly, and what counts is where in a cell there is
// more ink.
type shapeTable struct {
	level [256]uint16 // of a luma: 0 to 3
	pick  [1 << 16]uint8

	// How far each character is from the upper and the lower half of a key.
	upper, lower [2 * 95][256]float32
	slack        float32 // more than this a new character must be better
}

// reversed is the bit of a character in reverse video; the others are its
// code less that of the space.
const reversed = 0x80

// The levels of samples, as shares of the ink that the lightest asks for. Dark
// ones are nearer together, as they are to the eye.
var inkLevels = [4]float64{0, math.Pow(1./3, 1/0.7), math.Pow(2./3, 1/0.7), 1}

const (
	// fullInk is the ink that the lightest samples of light letters ask for,
	// in cells. Dense characters have more of it in their densest boxes, so
	// that the lightest parts of a picture still have shapes.
	fullInk = 0.27

	// lumaPower turns luma into light, as gamma does. It is higher because
	// shapes without ink around them show dark tones too.
	lumaPower = 2.0

	// Ink is compared as its power of this: between light and what eyes make
	// of it.
	inkPower = 0.75

	// halfWeight is the weight of what the upper and the lower half of a cell
	// are off as a whole, which is seen from further away.
	halfWeight = 0.3
)

// shapeTables are those of LookASCII, for dark and for light terminals. They
// are made from glyphs.go when they are first needed: that takes less time
// (BenchmarkTables) than a picture is shown, costs nothing at the start of the
// program, and saves files of 64 KiB.
var shapeTables = [2]func() *shapeTable{
	sync.OnceValue(func() *shapeTable {
		return newShapeTable(lightInk[:], nil, fullInk, halfWeight, func(v float64) float64 {
			return math.Pow(v, lumaPower)
		})
	}),
	sync.OnceValue(func() *shapeTable {
		// Brightness is spread evenly, to the eye, over what ink leaves.
		darkest := math.Pow(1-fullInk, 1/lumaPower)
		return newShapeTable(darkInk[:], nil, fullInk, halfWeight, func(v float64) float64 {
			return (1 - math.Pow(darkest+(1-darkest)*v, lumaPower)) / fullInk
		})
	}),
}

// reverseTables are those of LookReverse.
var reverseTables = [2]func() *shapeTable{
	sync.OnceValue(func() *shapeTable {
		return newShapeTable(lightInk[:], darkInk[:], 1, 0, func(v float64) float64 { return math.Pow(v, gamma) })
	}),
	sync.OnceValue(func() *shapeTable {
		return newShapeTable(darkInk[:], lightInk[:], 1, 0, func(v float64) float64 { return 1 - math.Pow(v, gamma) })
	}),
}

// newShapeTable returns the table of characters with some ink, in 1/10000, and
// of those in reverse video if their ink is given. wish tells which share of
// full a luma of 0 to 1 asks for.
func newShapeTable(plain, reverse [][8]uint16, full, halfWeight float64, wish func(luma float64) float64) *shapeTable {
	t := &shapeTable{slack: float32(0.11 * math.Pow(full, 2*inkPower))}
	for v := range t.level {
		want := wish(float64(v) / 255)
		for t.level[v] < 3 && want > (inkLevels[t.level[v]]+inkLevels[t.level[v]+1])/2 {
			t.level[v]++
		}
	}
	var wants [4]float64
	for i := range wants {
		wants[i] = math.Pow(full*inkLevels[i], inkPower)
	}
	var codes []uint8
	for i, ink := range plain {
		var v [8]float64
		for box := range v {
			v[box] = math.Pow(float64(ink[box])/10000, inkPower)
		}
		t.addMisses(uint8(i), &v, &wants, halfWeight)
		codes = append(codes, uint8(i))
	}
	for i, ink := range reverse {
		var v [8]float64
		for box := range v {
			v[box] = math.Pow(1-float64(ink[box])/10000, inkPower)
		}
		t.addMisses(uint8(i)|reversed, &v, &wants, halfWeight)
		codes = append(codes, uint8(i)|reversed)
	}
	var least [1 << 8]float32
	for key := range 256 {
		for i := range least {
			least[i] = math.MaxFloat32
		}
		pick := t.pick[key<<8:][:256]
		for _, code := range codes {
			place := slot(code)
			lower, upper := t.lower[place][key], &t.upper[place]
			for i, u := range upper {
				if e := u + lower; e < least[i] {
					least[i] = e
					pick[i] = code
				}
			}
		}
	}
	return t
}

// addMisses notes how far a character with some ink in its boxes is from the
// halves of all keys.
func (t *shapeTable) addMisses(code uint8, ink *[8]float64, wants *[4]float64, halfWeight float64) {
	for half, misses := range [2]*[256]float32{&t.upper[slot(code)], &t.lower[slot(code)]} {
		for key := range misses {
			sum, squares := 0.0, 0.0
			for box, v := range ink[4*half:][:4] {
				off := wants[key>>(2*box)&3] - v
				sum += off
				squares += off * off
			}
			misses[key] = float32(squares + halfWeight*sum*sum)
		}
	}
}

// slot returns the place of a character in upper and lower.
func slot(code uint8) int { return int(code&^reversed) + int(code>>7)*95 }

// miss returns how far a character is from a key.
func (t *shapeTable) miss(code uint8, key uint16) float32 {
	place := slot(code)
	return t.upper[place][key&255] + t.lower[place][key>>8]
}

// keep is how much further from the samples a character on the screen may be
// than a new one: what is hardly better only flickers.
const keep = 1.3

// drawShapes fills dst with characters by their shape.
func (r *Renderer) drawShapes(dst []Cell, t *shapeTable) {
	cols, pitch := r.setup.cols, r.luma.pitch
	w := 2 * cols
	level := &t.level
	for y := range r.setup.rows {
		four := r.luma.out[4*y*pitch:][:4*pitch]
		a, b, c, d := four[:w], four[pitch:][:w], four[2*pitch:][:w], four[3*pitch:][:w]
		row, held := dst[y*cols:][:cols], r.glyphs[y*cols:][:cols]
		for x := range row {
			i := 2 * x
			key := level[a[i]] | level[a[i+1]]<<2 | level[b[i]]<<4 | level[b[i+1]]<<6 |
				level[c[i]]<<8 | level[c[i+1]]<<10 | level[d[i]]<<12 | level[d[i+1]]<<14
			code := t.pick[key]
			if old := held[x]; !r.fresh && old != code && t.miss(old, key) <= keep*t.miss(code, key)+t.slack {
				code = old
			}
			held[x] = code
			row[x] = Cell{R: ' ' + rune(code&^reversed), Reverse: code&reversed != 0}
		}
	}
}
