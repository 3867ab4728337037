package ascii

import (
	"math"
	"slices"
)

// A ramp maps luma to characters.
type ramp struct {
	chars []rune
	pick  [256]uint8 // the index in chars for a luma

	// The luma for which a character that is already on the screen stays.
	// This is wider than where it is picked.
	keepFrom, keepTo []uint8
}

// side returns the index of a ramp's variant: 0 for light letters on a dark
// terminal, 1 for dark letters on a light one.
func side(light bool) int {
	if light {
		return 1
	}
	return 0
}

// classicChars is the ramp of fifteen characters, from nothing to K.
const classicChars = ` .',;:clodxkO0K`

// rampChars are the characters of LookRamp: their inks are spread about evenly
// to the eye, and rise in this order in both Go Mono, which ink was measured
// from, and DejaVu Sans Mono. More characters would not show more: neighbours
// would change places from font to font.
const rampChars = " `.~+=ctoSE8B"

// The ramps, each for both sides.
var (
	classic    = [2]ramp{classicRamp(classicChars, false), classicRamp(classicChars, true)}
	calibrated = [2]ramp{inkRamp(rampChars, false), inkRamp(rampChars, true)}
)

// classicRamp returns the ramp that divides luma evenly among chars.
func classicRamp(chars string, light bool) ramp {
	r := ramp{chars: []rune(chars)}
	for v := range r.pick {
		r.pick[v] = uint8(v * len(r.chars) / len(r.pick))
	}
	if light {
		slices.Reverse(r.pick[:])
	}
	r.setKeep()
	return r
}

// The powers that turn luma into light.
const (
	gamma = 1.8 // of screens: rather than 2.2, as fonts differ in weight

	// Of light letters. Lower than gamma, which makes dark tones lighter than
	// they are: between no ink and the full stop's there is next to nothing,
	// and a face against a window would be lost there.
	letterGamma = 1.5
)

// inkRamp returns the ramp in which each luma gets the character of chars,
// which are sorted by ink, whose ink makes the cell look most like it.
//
// Light letters cover at most the share k of a cell, the densest character's
// ink, so the terminal shows light from 0 to k, where luma is (light/k)^(1/letterGamma).
// Dark letters leave light from 1-k to 1. There the lightest luma is light 1
// and luma is spread evenly, to the eye, over what is left.
func inkRamp(chars string, light bool) ramp {
	r := ramp{chars: []rune(chars)}
	k := inkOf(r.chars[len(r.chars)-1])
	for v := range r.pick {
		luma := float64(v) / 255
		want := k * math.Pow(luma, letterGamma)
		if light {
			darkest := math.Pow(1-k, 1/gamma)
			want = 1 - math.Pow(darkest+(1-darkest)*luma, gamma)
		}
		best := 0
		for i, c := range r.chars {
			if math.Abs(inkOf(c)-want) < math.Abs(inkOf(r.chars[best])-want) {
				best = i
			}
		}
		r.pick[v] = uint8(best)
	}
	r.setKeep()
	return r
}

// inkOf returns the share of light that a printable ASCII character adds to
// its cell.
func inkOf(c rune) float64 { return float64(ink[c-' ']) / 10000 }

// A character stays on the screen until luma has left its range by this share
// of the distance to the next character's middle, and by at least deadBand.
const keepShare = 0.3

// setKeep derives keepFrom and keepTo from pick, in which each character has
// one range of luma.
func (r *ramp) setKeep() {
	n := len(r.chars)
	r.keepFrom, r.keepTo = make([]uint8, n), make([]uint8, n)
	for i := range n {
		from := slices.Index(r.pick[:], uint8(i))
		if from < 0 {
			continue // never picked: another character has the same ink
		}
		to := from
		for to < 255 && r.pick[to+1] == uint8(i) {
			to++
		}
		// Half of the two ranges is the distance between their middles; a
		// neighbour is about as wide.
		margin := max(deadBand, int(keepShare*float64(to-from+1)+0.5))
		r.keepFrom[i] = uint8(max(from-margin, 0))
		r.keepTo[i] = uint8(min(to+margin, 255))
	}
}

// drawRamp fills dst with the characters of the ramp p, one sample a cell.
func (r *Renderer) drawRamp(dst []Cell, p *ramp) {
	cols := r.setup.cols
	for y := range r.setup.rows {
		samples := r.luma.out[y*r.luma.pitch:][:cols]
		row, held := dst[y*cols:][:cols], r.glyphs[y*cols:][:cols]
		for x, v := range samples {
			g := held[x]
			if r.fresh || v < p.keepFrom[g] || v > p.keepTo[g] {
				g = p.pick[v]
				held[x] = g
			}
			row[x] = Cell{R: p.chars[g]}
		}
	}
}
