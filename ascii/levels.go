package ascii

import "math"

// levels gives the samples of a picture their contrast. Automatic levels
// stretch them to the whole range, so that a face in a dark room is not all
// spaces.
type levels struct {
	automatic bool
	low, high float32 // the samples that become 0 and 255, smoothed over time
	started   bool
	column    []uint16 // samples blurred vertically, times 4
}

const (
	minSpread  = 48   // levels between low and high: less would show only noise
	levelSpeed = 0.05 // share of a change of low and high that a picture follows
)

// reset makes l forget all pictures and expect n samples.
func (l *levels) reset(n int) {
	l.started = false
	l.column = grow(l.column, n)
}

// apply stretches the w x h samples in place, by steps of contrast and
// automatically, and sharpens them by the share of sharpness/256.
func (l *levels) apply(samples []uint8, w, h, contrast, sharpness int) {
	if !l.automatic {
		l.low, l.high, l.started = 0, 255, false
		if contrast == 0 {
			return
		}
	} else {
		l.follow(samples)
	}
	var table [256]uint8
	scale := 255 / (l.high - l.low)
	gain := float32(math.Exp2(float64(min(max(contrast, -MaxContrast), MaxContrast)) / 4))
	for i := range table {
		v := (float32(i) - l.low) * scale
		if contrast != 0 {
			v = (v-127.5)*gain + 127.5
		}
		table[i] = uint8(min(max(v+0.5, 0), 255))
	}
	for i, v := range samples {
		samples[i] = table[v]
	}
	if sharpness > 0 {
		l.sharpen(samples, w, h, sharpness)
	}
}

// follow moves low and high towards what they should be.
func (l *levels) follow(samples []uint8) {
	low, high := spread(samples)
	if !l.started {
		l.low, l.high, l.started = low, high, true
	}
	l.low += (low - l.low) * levelSpeed
	l.high += (high - l.high) * levelSpeed
}

// enough is how many samples tell how dark and how light a picture is.
const enough = 1 << 13

// spread returns the samples that 1 % of all samples are below and above, at
// least minSpread apart.
func spread(samples []uint8) (low, high float32) {
	var count [256]int
	step := len(samples)/enough | 1 // odd, so that not only some columns count
	n := 0
	for i := 0; i < len(samples); i += step {
		count[samples[i]]++
		n++
	}
	few := n / 100
	a, b := 0, 255
	for n := count[a]; n <= few; n += count[a] {
		a++
	}
	for n := count[b]; n <= few; n += count[b] {
		b--
	}
	if b-a < minSpread {
		// In the middle, moved inside the range where it does not fit.
		a = min(max((a+b-minSpread)/2, 0), 255-minSpread)
		b = a + minSpread
	}
	return float32(a), float32(b)
}

// sharpen adds to each sample a share of its difference to a 3x3 binomial
// blur, in 1/256.
func (l *levels) sharpen(samples []uint8, w, h, share int) {
	for y := range h {
		mid := samples[y*w:][:w]
		up := samples[max(0, y-1)*w:][:len(mid)]
		down := samples[min(h-1, y+1)*w:][:len(mid)]
		column := l.column[y*w:][:len(mid)]
		for x, v := range mid {
			column[x] = uint16(up[x]) + 2*uint16(v) + uint16(down[x])
		}
	}
	for y := range h {
		row := samples[y*w:][:w]
		column := l.column[y*w:][:w]
		left, here := int32(column[0]), int32(column[0])
		next := column[1:]
		for x, c := range next {
			right := int32(c)
			row[x] = sharper(row[x], left+2*here+right, int32(share))
			left, here = here, right
		}
		row[w-1] = sharper(row[w-1], left+2*here+here, int32(share))
	}
}

// sharper returns v plus a share, in 1/256, of its difference to a sixteenth
// of blur.
func sharper(v uint8, blur, share int32) uint8 {
	s := int32(v) + (16*int32(v)-blur)*share/(16*256)
	if uint32(s) > 255 {
		return uint8(^(s >> 31)) // 0 below, 255 above
	}
	return uint8(s)
}
