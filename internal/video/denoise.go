package video

// denoiser filters the noise of a camera out of pictures before they are
// compressed: what stands still is averaged over time, what moves passes as it
// is. Nothing that decoding depends on happens here.
//
// A sample moves towards the new one by a weight between that of what stands
// still and fullWeight. To tell what moves, the differences in the 3x3 samples
// around it are compared with the noise, which is estimated from the median
// difference in the whole picture. Noise differs up and down, motion in one
// direction: the sum of the differences, with their signs, counts too.
type denoiser struct {
	noise int     // standard deviation in time, in 1/64 of a sample value; 0 before the first picture
	w, h  int     // of the last picture
	last  []int16 // the filtered picture, in 1/16 of a sample value
	diff  []int16 // of the new picture to it, likewise
	sizes []int32 // of the differences, summed over three rows, a column each
	sums  []int32 // of the differences, likewise
}

const (
	fullWeight = 16     // the new sample alone
	noiseStart = 64     // a guess
	noiseLeast = 32     // half a sample value: what rounding makes
	noiseMost  = 6 * 64 // whatever is more is no noise
	noiseHigh  = 3 * 64 // filter as hard as possible from here on
	tremble    = 5      // quarters of the noise that the differences reach without motion
	motion     = 3 * 4  // quarters of the noise that they reach only with motion
	medians    = 95     // 64*1.48: the deviation of noise to its median size, in 1/64
)

// run filters p in place.
func (n *denoiser) run(p *plane) {
	if n.noise == 0 || n.w != p.w || n.h != p.h {
		n.start(p)
		return
	}
	n.estimate(n.compare(p))
	// Averaging over 4 pictures costs little sharpness in time where something
	// changes slowly, over 8 a little more: only where the noise asks for it.
	still := int32(4)
	if n.noise > noiseHigh/2 {
		still = 3
	}
	if n.noise > noiseHigh {
		still = 2
	}
	for y := range p.h {
		n.gather(y)
		n.blend(p.row(y), y, still)
	}
}

// start takes p as it is.
func (n *denoiser) start(p *plane) {
	n.noise, n.w, n.h = noiseStart, p.w, p.h
	if len(n.last) != p.w*p.h {
		n.last, n.diff = make([]int16, p.w*p.h), make([]int16, p.w*p.h)
		n.sizes, n.sums = make([]int32, p.w), make([]int32, p.w)
	}
	for y := range p.h {
		for x, v := range p.row(y) {
			n.last[y*p.w+x] = int16(v) << 4
		}
	}
}

// compare finds the differences, and returns the median of their sizes in 1/64
// of a sample value.
func (n *denoiser) compare(p *plane) int {
	var counts [256]int
	for y := range p.h {
		last, diff := n.last[y*n.w:][:n.w], n.diff[y*n.w:][:n.w]
		for x, v := range p.row(y) {
			d := int16(v)<<4 - last[x]
			diff[x] = d
			counts[min((max(d, -d)+8)>>4, 255)]++
		}
	}
	middle := len(n.diff) / 2
	for size, c := range counts {
		if middle < c {
			return max(0, 64*size-32+64*middle/c) // as if evenly spread within size
		}
		middle -= c
	}
	return 255 * 64
}

// estimate lets the estimate of the noise follow that of one picture slowly:
// a hand before the camera is none.
func (n *denoiser) estimate(median int) {
	now := max(noiseLeast, min(median*medians/64, noiseMost))
	n.noise = (n.noise*15 + now + 8) / 16
}

// gather sums the differences of row y and its neighbours in each column.
func (n *denoiser) gather(y int) {
	a, b, c := n.diff[max(y-1, 0)*n.w:][:n.w], n.diff[y*n.w:][:n.w], n.diff[min(y+1, n.h-1)*n.w:][:n.w]
	sizes, sums := n.sizes[:n.w], n.sums[:n.w]
	for x := range sizes {
		p, q, r := int32(a[x]), int32(b[x]), int32(c[x])
		sums[x] = p + q + r
		sizes[x] = abs(p) + abs(q) + abs(r)
	}
}

// blend filters row y, whose samples are pix, by what was gathered.
func (n *denoiser) blend(pix []byte, y int, still int32) {
	from, to := int32(n.noise)*tremble/4, int32(n.noise)*motion/4
	last, diff := n.last[y*n.w:][:n.w], n.diff[y*n.w:][:n.w]
	sizes, sums := n.sizes[:n.w], n.sums[:n.w]
	for x := range pix {
		l, r := max(x-1, 0), min(x+1, len(pix)-1)
		size, sum := sizes[l]+sizes[x]+sizes[r], sums[l]+sums[x]+sums[r]
		// The mean size in 1/32 and the size of the mean in 1/64 of a sample
		// value, differences being in 1/16.
		moved := (2*size + 4*abs(sum)) / 9
		weight := still
		switch {
		case moved >= to:
			weight = fullWeight
		case moved > from:
			weight += (fullWeight - still) * (moved - from) / (to - from)
		}
		last[x] += int16((int32(diff[x])*weight + fullWeight/2) >> 4)
		pix[x] = byte((last[x] + 8) >> 4)
	}
}
