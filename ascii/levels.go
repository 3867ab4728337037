package ascii

import "math"

// levels gives the samples of a picture their contrast. Automatic levels
// stretch them to the whole range, so that a face in a dark room is not all
// spaces.
type levels struct {
	automatic bool
	low, high float32 // the samples that become 0 and 255, smoothed over time
	started   bool

	// Of a row of samples, even and odd ones by turns, in lanes.
	sums    []uint64 // with those of the row above
	columns []uint64 // blurred vertically, times 4
}

const (
	minSpread  = 48   // levels between low and high: less would show only noise
	levelSpeed = 0.05 // share of a change of low and high that a picture follows
)

// reset makes l forget all pictures and expect rows of pitch samples, which are
// whole words.
func (l *levels) reset(pitch int) {
	l.started = false
	l.columns = grow(l.columns, pitch/4+1)
	l.sums = grow(l.sums, pitch/4)
}

// apply stretches h rows of w samples, pitch apart, in place, by steps of
// contrast and automatically, and sharpens them by sharpness/16, which is 2 at
// most.
func (l *levels) apply(samples []uint8, w, h, pitch, contrast, sharpness int) {
	if l.automatic {
		l.follow(samples, w, h, pitch)
	} else {
		l.low, l.high, l.started = 0, 255, false
	}
	if l.automatic || contrast != 0 {
		l.stretch(samples, contrast)
	}
	if sharpness > 0 {
		l.sharpen(samples, h, pitch, sharpness)
	}
}

// stretch moves the samples from between low and high to 0 and 255, and by
// steps of contrast away from the middle.
func (l *levels) stretch(samples []uint8, contrast int) {
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
}

// follow moves low and high towards what they should be.
func (l *levels) follow(samples []uint8, w, h, pitch int) {
	low, high := spread(samples, w, h, pitch)
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
func spread(samples []uint8, w, h, pitch int) (low, high float32) {
	var count [256]int
	step := w*h/enough | 1 // odd, so that not only some columns count
	n := 0
	for y, x := 0, 0; y < h; x += step {
		for ; x >= w; x -= w {
			y++
		}
		if y < h {
			count[samples[y*pitch+x]]++
			n++
		}
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

// sharpen adds to each sample share/16 of its difference to a 3x3 binomial
// blur.
func (l *levels) sharpen(samples []uint8, h, pitch, share int) {
	words := pitch / wordSize
	sums, columns := l.sums[:2*words], l.columns[:2*words+1]
	for x := range words {
		e, o := lanes(load(samples[wordSize*x:]))
		sums[2*x], sums[2*x+1] = 2*e, 2*o // beyond its edges a picture is as it is there
	}
	for y := range h {
		row, below := samples[y*pitch:][:pitch], samples[min(h-1, y+1)*pitch:][:pitch]
		for x := range words {
			e, o := lanes(load(row[wordSize*x:]))
			be, bo := lanes(load(below[wordSize*x:]))
			columns[2*x], columns[2*x+1] = sums[2*x]+e+be, sums[2*x+1]+o+bo
			sums[2*x], sums[2*x+1] = e+be, o+bo
		}
		before := columns[0] << 48
		columns[2*words] = columns[2*words-1] >> 48
		for x := range words {
			e, o, after := columns[2*x], columns[2*x+1], columns[2*x+2]
			be := (o<<16 | before>>48) + 2*e + o
			bo := e + 2*o + (e>>16 | after<<48)
			before = o
			e, o = lanes(load(row[wordSize*x:]))
			store(row[wordSize*x:], merge(sharper(e, be, uint64(share)), sharper(o, bo, uint64(share))))
		}
	}
}

// sharper returns lanes of samples plus a share of their differences to
// sixteenths of blur.
func sharper(v, blur, share uint64) uint64 {
	// The difference in quarters of a level, and 0x400 so that it is not negative;
	// the result has topBits more for the same reason, until it is clipped.
	d := 4*v + 0x400*eachLane - (blur+2*eachLane)>>2&(0x3ff*eachLane)
	s := v + (d*share+0x20*eachLane)>>6&(0x3ff*eachLane) + topBits - 0x400*share>>6*eachLane
	below, beyond := ^s>>15&eachLane, (s-0x100*eachLane)>>15&eachLane&(s>>15)
	return (s | beyond*0xff) &^ (below * 0xff) & evenBytes
}
