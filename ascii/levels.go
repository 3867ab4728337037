package ascii

// levels stretches the samples of a picture to the whole range, so that a face
// in a dark room is not all spaces, and sharpens them.
type levels struct {
	low, high float32 // the samples that become 0 and 255, smoothed over time
	started   bool
	column    []uint16 // samples blurred vertically, times 4
}

const (
	minSpread  = 48   // levels between low and high: less would show only noise
	levelSpeed = 0.05 // share of a change of low and high that a picture follows
	sharpness  = 160  // share of the difference to the blurred picture that is added, in 1/256
)

// reset makes l forget all pictures and expect n samples.
func (l *levels) reset(n int) {
	l.started = false
	l.column = grow(l.column, n)
}

// apply stretches and sharpens the w x h samples in place.
func (l *levels) apply(samples []uint8, w, h int) {
	low, high := spread(samples)
	if !l.started {
		l.low, l.high, l.started = low, high, true
	}
	l.low += (low - l.low) * levelSpeed
	l.high += (high - l.high) * levelSpeed

	var table [256]uint8
	scale := 255 / (l.high - l.low)
	for i := range table {
		v := (float32(i)-l.low)*scale + 0.5
		table[i] = uint8(min(max(v, 0), 255))
	}
	for i, v := range samples {
		samples[i] = table[v]
	}
	l.sharpen(samples, w, h)
}

// spread returns the samples that 1 % of all samples are below and above, at
// least minSpread apart.
func spread(samples []uint8) (low, high float32) {
	var count [256]int
	for _, v := range samples {
		count[v]++
	}
	few := len(samples) / 100
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

// sharpen adds to each sample some of its difference to a 3x3 binomial blur.
func (l *levels) sharpen(samples []uint8, w, h int) {
	for y := range h {
		up := samples[max(0, y-1)*w:][:w]
		mid := samples[y*w:][:w]
		down := samples[min(h-1, y+1)*w:][:w]
		column := l.column[y*w:][:w]
		for x := range column {
			column[x] = uint16(up[x]) + 2*uint16(mid[x]) + uint16(down[x])
		}
	}
	for y := range h {
		row := samples[y*w:][:w]
		column := l.column[y*w:][:w]
		left := int(column[0])
		for x, c := range column {
			here, right := int(c), int(column[min(x+1, w-1)])
			v := int(row[x])
			v += (16*v - left - 2*here - right) * sharpness / (16 * 256)
			row[x] = uint8(min(max(v, 0), 255))
			left = here
		}
	}
}
