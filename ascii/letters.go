package ascii

import (
	"encoding/binary"
	"math"
	"sync"
)

// letterTables makes the table when it is first needed.
var letterTables = sync.OnceValue(newLetterTable)

// candidates is how many letters are tried for a cell.
const candidates = 6

// A letterTable finds letters in two colours for 4x8 samples.
//
// The samples of a cell, in 2x4 boxes, are each lighter, darker or about the
// mean of the cell: 3^8 patterns, for each of which the letters are known that
// come nearest. Of those the best for all samples is taken, with the colours
// that fit best (least squares).
type letterTable struct {
	near   [6561][candidates]uint8
	cover  [95][32]int16 // less its mean, in 1/1024
	mean   [95]float32   // in cells
	square [95]float32   // the sums of the squares of cover
}

// coarseWeight is the weight of what 2x4 boxes are off as a whole, beside that
// of each sample: letters that fit from near may be cluttered from afar.
const coarseWeight = 2

// faint is the least square of a letter that can be told from an even cell.
const faint = 0.02 * 1024 * 1024

// newLetterTable returns the table for letterCover.
func newLetterTable() *letterTable {
	t := &letterTable{}
	var boxes [95][8]float64 // cover of 2x4 boxes, less its mean
	var usable []uint8
	for c := range letterCover {
		sum := 0.0
		for _, v := range letterCover[c] {
			sum += float64(v) / 255
		}
		t.mean[c] = float32(sum / 32)
		for k, v := range letterCover[c] {
			off := float64(v)/255 - sum/32
			boxes[c][k/4/2*2+k%4/2] += off / 4
			t.cover[c][k] = int16(math.Round(1024 * off))
		}
		for k := range letterCover[c] {
			off := float64(letterCover[c][k])/255 - sum/32
			w := off + coarseWeight*boxes[c][k/4/2*2+k%4/2]
			t.square[c] += float32(1024 * 1024 * off * w)
			t.cover[c][k] = int16(math.Round(1024 * w))
		}
		if t.square[c] >= faint {
			usable = append(usable, uint8(c))
		}
	}
	// What each letter has in common with the halves of a pattern.
	var upper, lower [95][81]float64
	for _, c := range usable {
		for half := range 81 {
			for k, p := 0, half; k < 4; k, p = k+1, p/3 {
				upper[c][half] += boxes[c][k] * float64(p%3-1)
				lower[c][half] += boxes[c][k+4] * float64(p%3-1)
			}
			upper[c][half] /= math.Sqrt(float64(t.square[c]))
			lower[c][half] /= math.Sqrt(float64(t.square[c]))
		}
	}
	order := make([]uint8, len(usable))
	var like [95]float64
	for pattern := range t.near {
		for _, c := range usable {
			// A letter in exchanged colours is as good.
			like[c] = math.Abs(upper[c][pattern%81] + lower[c][pattern/81])
		}
		copy(order, usable)
		for k := range candidates {
			best := k
			for i := k + 1; i < len(order); i++ {
				if like[order[i]] > like[order[best]] {
					best = i
				}
			}
			order[k], order[best] = order[best], order[k]
			t.near[pattern][k] = order[k]
		}
	}
	return t
}

// A block is the 4x8 samples of a cell.
type block struct {
	own     [4]uint64 // two rows each
	samples [32]int16 // the same
}

// read stores the samples of the cell at the start of p, of which rows are
// pitch long.
func (b *block) read(p []uint8, pitch int) {
	for k := range b.own {
		upper, lower := p[2*k*pitch:], p[(2*k+1)*pitch:]
		b.own[k] = uint64(binary.LittleEndian.Uint32(upper)) | uint64(binary.LittleEndian.Uint32(lower))<<32
	}
}

// sums prepares the samples for dot, and returns the sums of 2x4 boxes of them.
func (b *block) sums() (sums [8]int32) {
	for k, v := range b.own {
		row := b.samples[8*k:][:8]
		for x := range row {
			row[x] = int16(v >> (8 * x) & 0xff)
		}
		sums[2*k] = int32(row[0] + row[1] + row[4] + row[5])
		sums[2*k+1] = int32(row[2] + row[3] + row[6] + row[7])
	}
	return sums
}

// dot returns the sum of the products of samples with the cover of a letter.
func (b *block) dot(c *[32]int16) int32 {
	var s0, s1, s2, s3 int32
	p := &b.samples
	for i := 0; i < 32; i += 4 {
		s0 += int32(p[i]) * int32(c[i])
		s1 += int32(p[i+1]) * int32(c[i+1])
		s2 += int32(p[i+2]) * int32(c[i+2])
		s3 += int32(p[i+3]) * int32(c[i+3])
	}
	return s0 + s1 + s2 + s3
}

// pattern returns which of the sums of boxes are lighter or darker than the
// mean, as digits to the base of 3, and how far the furthest is from it, in
// levels.
func pattern(sums *[8]int32) (p, spread int) {
	total := int32(0)
	for _, v := range sums {
		total += v
	}
	var off [8]int32 // times 32
	far := int32(0)
	for k, v := range sums {
		off[k] = 8*v - total
		far = max(far, off[k], -off[k])
	}
	limit := far * 2 / 5
	for k := 7; k >= 0; k-- {
		p *= 3
		switch {
		case off[k] > limit:
			p += 2
		case off[k] >= -limit:
			p++
		}
	}
	return p, int(far / 32)
}

// drawLetters fills dst with letters in two colours.
func (r *Renderer) drawLetters(dst []Cell) {
	t := letterTables()
	cols := r.setup.cols
	pitch := r.luma.pitch
	var b block
	for i := range dst {
		b.read(r.luma.out[i/cols*8*pitch+i%cols*4:], pitch)
		if r.staysAll(i, b.own[:]) {
			dst[i] = r.shown[i]
			continue
		}
		sums := b.sums()
		total := int32(0)
		for _, v := range sums {
			total += v
		}
		mean := float32(total) / 32
		p, spread := pattern(&sums)
		limit := flat
		if !r.fresh && r.glyphs[i] == 0 {
			limit = stayFlat
		}
		code, fg, bg := uint8(0), mean, mean
		if spread > limit {
			code, fg, bg = t.choose(&b, p, r.glyphs[i], r.fresh, mean)
		}
		same := !r.fresh && code == r.glyphs[i]
		r.glyphs[i] = code
		shade := r.shades[2*i:][:2]
		for k, v := range [2]float32{fg, bg} {
			v := uint8(min(max(v+0.5, 0), 255))
			if same {
				// Strokes cover a fifth of a cell: noise counts double there.
				v = held(shade[k], v, (2-k)*deadBand)
			}
			shade[k] = v
		}
		dst[i] = Cell{R: ' ' + rune(code), Bg: r.paint(shade[1], i)}
		if dst[i].Fg = dst[i].Bg; code != 0 {
			dst[i].Fg = r.paint(shade[0], i)
		}
		r.shown[i] = dst[i]
	}
}

// choose returns the letter for the samples b of a pattern and its colours,
// staying with old if it is hardly worse, unless fresh.
func (t *letterTable) choose(b *block, pattern int, old uint8, fresh bool, mean float32) (code uint8, fg, bg float32) {
	var best, slope float32
	for _, c := range &t.near[pattern] {
		d := float32(b.dot(&t.cover[c]))
		a := t.clip(c, d/t.square[c], mean)
		if s := a * (2*d - a*t.square[c]); s > best {
			best, code, slope = s, c, a
		}
	}
	if !fresh && old != 0 && old != code {
		d := float32(b.dot(&t.cover[old]))
		a := t.clip(old, d/t.square[old], mean)
		if keep*(a*(2*d-a*t.square[old]))+letterSlack >= best {
			code, slope = old, a
		}
	}
	slope *= 1024 // levels from no cover to a whole one
	bg = mean - slope*t.mean[code]
	return code, bg + slope, bg
}

// letterSlack is how much better a new letter must be, in squares of levels
// summed over the samples of a cell.
const letterSlack = 128

// clip returns slope as far as both colours exist with it.
func (t *letterTable) clip(c uint8, slope, mean float32) float32 {
	const one = 1. / 1024
	m := t.mean[c]
	if slope > 0 {
		return min(slope, one*mean/m, one*(255-mean)/(1-m))
	}
	return max(slope, -one*(255-mean)/m, -one*mean/(1-m))
}
