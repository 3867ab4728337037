package metric

import "math"

// A field is a picture of one channel in rows.
type field struct {
	w, h int
	v    []float64
}

// newField returns a field of zeros.
func newField(w, h int) field { return field{w, h, make([]float64, w*h)} }

// shrink returns the means of boxes of step x step.
func (f field) shrink(step int) field {
	to := newField(f.w/step, f.h/step)
	for y := range to.h * step {
		row := f.v[y*f.w:][:to.w*step]
		out := to.v[y/step*to.w:][:to.w]
		for x, v := range row {
			out[x/step] += v
		}
	}
	for i := range to.v {
		to.v[i] /= float64(step * step)
	}
	return to
}

// fit stretches and shifts f so that it is as near to g as can be, but never
// turns it into a negative. A picture of letters covers a quarter of the
// screen at most: it is darker than what it shows, and eyes do not mind.
func (f field) fit(g field) {
	n := float64(len(f.v))
	mf, mg := 0.0, 0.0
	for i, v := range f.v {
		mf += v / n
		mg += g.v[i] / n
	}
	both, own := 0.0, 0.0
	for i, v := range f.v {
		both += (v - mf) * (g.v[i] - mg) / n
		own += (v - mf) * (v - mf) / n
	}
	gain := 0.0
	if own >= 1e-9 {
		gain = max(both/own, 0.05)
	}
	for i, v := range f.v {
		f.v[i] = min(max(gain*(v-mf)+mg, 0), 255)
	}
}

// mirror returns the place in 0 to n-1 that stands for i, which may be outside
// by less than n: the picture is continued by its mirror image.
func mirror(i, n int) int {
	if i < 0 {
		i = -1 - i
	}
	if i >= n {
		i = 2*n - 1 - i
	}
	return i
}

// filter returns f filtered with the odd number of weights across, and with
// those of down from top to bottom.
func (f field) filter(across, down []float64) field {
	mid, to := newField(f.w, f.h), newField(f.w, f.h)
	edge := len(across) / 2
	padded := make([]float64, f.w+2*edge)
	for y := range f.h {
		for i := range padded {
			padded[i] = f.v[y*f.w+mirror(i-edge, f.w)]
		}
		out := mid.v[y*f.w:][:f.w]
		for k, c := range across {
			for x, v := range padded[k:][:len(out)] {
				out[x] += c * v
			}
		}
	}
	for y := range f.h {
		out := to.v[y*f.w:][:f.w]
		for k, c := range down {
			row := mid.v[mirror(y+k-len(down)/2, f.h)*f.w:][:f.w]
			for x, v := range row {
				out[x] += c * v
			}
		}
	}
	return to
}

// slopes returns how steep f is everywhere, after Sobel.
func (f field) slopes() field {
	step, mean := []float64{-1, 0, 1}, []float64{1, 2, 1}
	x, y := f.filter(step, mean), f.filter(mean, step)
	for i, v := range x.v {
		x.v[i] = math.Hypot(v, y.v[i])
	}
	return x
}

// times returns the products of two fields.
func (f field) times(g field) field {
	to := newField(f.w, f.h)
	for i, v := range f.v {
		to.v[i] = v * g.v[i]
	}
	return to
}

// window are the weights of SSIM: a Gaussian with a deviation of 1.5.
var window = func() (w []float64) {
	const half = 5 // 3.5 deviations
	sum := 0.0
	for i := -half; i <= half; i++ {
		v := math.Exp(-float64(i*i) / (2 * 1.5 * 1.5))
		w = append(w, v)
		sum += v
	}
	for i := range w {
		w[i] /= sum
	}
	return w
}()

// ssim returns the mean structural similarity of two pictures with levels up
// to top (Wang, Bovik, Sheikh and Simoncelli, 2004), without a border of half
// a window.
func ssim(a, b field, top float64) float64 {
	blur := func(f field) field { return f.filter(window, window) }
	ma, mb := blur(a), blur(b)
	aa, bb, ab := blur(a.times(a)), blur(b.times(b)), blur(a.times(b))
	c1, c2 := 0.01*top*0.01*top, 0.03*top*0.03*top
	sum, n := 0.0, 0
	edge := len(window) / 2
	for y := edge; y < a.h-edge; y++ {
		for x := edge; x < a.w-edge; x++ {
			i := y*a.w + x
			p, q := ma.v[i], mb.v[i]
			va, vb, cov := aa.v[i]-p*p, bb.v[i]-q*q, ab.v[i]-p*q
			sum += (2*p*q + c1) * (2*cov + c2) / ((p*p + q*q + c1) * (va + vb + c2))
			n++
		}
	}
	return sum / float64(n)
}
