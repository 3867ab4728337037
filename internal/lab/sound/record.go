package sound

import (
	"math"
	"slices"
	"time"
)

// Comparing is done at 8 kHz, which holds all of a click and a sixth of the work.
const (
	decimation   = 6
	slowRate     = rate / decimation
	chunkSamples = rate / 100 // what is read at a time: 10 ms
	chunkSlow    = chunkSamples / decimation
	filterTaps   = 8 * decimation
)

// A decimator turns 48 kHz into 8 kHz. One goroutine uses it.
type decimator struct {
	taps [filterTaps]float32
	past [filterTaps]float32 // the last samples, oldest first
}

func newDecimator() *decimator {
	d := &decimator{}
	sum := 0.0
	var taps [filterTaps]float64
	for i := range taps {
		x := float64(i) - float64(filterTaps-1)/2
		window := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(i)+0.5)/filterTaps)
		const cut = 3800.0 / rate // of what is left, all that is below 4 kHz
		taps[i] = window * math.Sin(2*math.Pi*cut*x) / (math.Pi * x)
		sum += taps[i]
	}
	for i := range taps {
		d.taps[i] = float32(taps[i] / sum)
	}
	return d
}

// append appends what pcm, of a length that decimation divides, becomes.
func (d *decimator) append(slow, pcm []int16) []int16 {
	for ; len(pcm) >= decimation; pcm = pcm[decimation:] {
		copy(d.past[:], d.past[decimation:])
		for i, v := range pcm[:decimation] {
			d.past[filterTaps-decimation+i] = float32(v)
		}
		var sum float32
		for i, v := range d.past {
			sum += v * d.taps[i]
		}
		slow = append(slow, int16(max(math.MinInt16, min(math.MaxInt16, sum))))
	}
	return slow
}

// template returns click number k as a recording has it.
func template(seed, k uint64) []float32 {
	slow := newDecimator().append(nil, clickWave(seed, k))
	return floats(nil, slow)
}

func floats(dst []float32, pcm []int16) []float32 {
	dst = slices.Grow(dst[:0], len(pcm))
	for _, v := range pcm {
		dst = append(dst, float32(v))
	}
	return dst
}

// A recording is sound at 8 kHz and when each 10 ms of it happened.
type recording struct {
	dec   *decimator
	pcm   []int16
	at    []time.Time // of sample i*chunkSlow
	holes []int       // the chunks before which sound is missing
	seg   []float32   // scratch of find
}

const (
	chunkTime    = 10 * time.Millisecond
	smoothChunks = 100                   // 1 s
	holeTime     = 20 * time.Millisecond // less cannot be told from a chunk that came late
)

func newRecording(length time.Duration) *recording {
	n := int(length/chunkTime) + 1
	return &recording{
		dec: newDecimator(),
		pcm: make([]int16, 0, n*chunkSlow),
		at:  make([]time.Time, 0, n),
	}
}

// add appends 10 ms that began at the given time.
func (r *recording) add(pcm []int16, at time.Time) {
	r.pcm = r.dec.append(r.pcm, pcm)
	r.at = append(r.at, at)
}

// smooth takes out of the chunks' times what they came late by, and finds where
// sound is missing. Nothing comes early, so the earliest of the chunks around
// tells; after a hole, a new reckoning starts.
func (r *recording) smooth() {
	if len(r.at) == 0 {
		return
	}
	base := make([]time.Duration, len(r.at)) // when the recording would have begun
	for i, t := range r.at {
		base[i] = t.Sub(r.at[0]) - time.Duration(i)*chunkTime
	}
	least := func(lo, hi int) time.Duration { return slices.Min(base[max(0, lo):min(len(base), hi)]) }
	for i := 1; i < len(base); i++ {
		// A stall makes one chunk late, a hole all that follow.
		if base[i]-base[i-1] > holeTime && least(i, i+smoothChunks)-least(i-smoothChunks, i) > holeTime {
			r.holes = append(r.holes, i)
		}
	}
	start, from := r.at[0], 0
	for _, to := range append(r.holes, len(base)) {
		for i := from; i < to; i++ {
			b := least(max(from, i-smoothChunks), min(to, i+smoothChunks))
			r.at[i] = start.Add(b + time.Duration(i)*chunkTime)
		}
		from = to
	}
}

// hole reports whether sound is missing in the time from t on for as long as d says.
func (r *recording) hole(t time.Time, d time.Duration) bool {
	for _, i := range r.holes {
		if r.at[i].After(t) && r.at[i-1].Before(t.Add(d)) {
			return true
		}
	}
	return false
}

// timeOf returns when the sample at that index happened.
func (r *recording) timeOf(index float64) time.Time {
	i := min(max(0, int(index)/chunkSlow), len(r.at)-1)
	return r.at[i].Add(time.Duration((index - float64(i*chunkSlow)) / slowRate * float64(time.Second)))
}

// indexOf returns the sample that happened at time t, or the first or last one.
func (r *recording) indexOf(t time.Time) int {
	i, _ := slices.BinarySearchFunc(r.at, t, time.Time.Compare)
	i = max(0, i-1)
	off := int(t.Sub(r.at[i]).Seconds() * slowRate)
	return i*chunkSlow + min(max(0, off), chunkSlow)
}

// A match is where a click was found: when it began, and how alike the two are,
// 0 to 1.
type match struct {
	at   time.Time
	like float64
}

// find looks for the click whose template is given among those that begin
// between two times, and returns the best place.
func (r *recording) find(tmpl []float32, from, to time.Time) match {
	if len(r.at) == 0 {
		return match{}
	}
	lo := r.indexOf(from)
	hi := min(r.indexOf(to)+len(tmpl), len(r.pcm))
	if hi-lo < len(tmpl)+2 {
		return match{}
	}
	r.seg = floats(r.seg, r.pcm[lo:hi])
	like := likeness(tmpl, r.seg)
	best := 0
	for i, v := range like {
		if v > like[best] {
			best = i
		}
	}
	pos := float64(best)
	if best > 0 && best < len(like)-1 {
		// the peak of the parabola through the three best
		a, b, c := like[best-1], like[best], like[best+1]
		if curve := a - 2*b + c; curve < 0 {
			pos += 0.5 * (a - c) / curve
		}
	}
	return match{r.timeOf(float64(lo) + pos), like[best]}
}

// likeness returns the normalised correlation of tmpl with every stretch of seg
// of its length: 1 where they are the same but for loudness. Next to silence
// nothing is alike.
func likeness(tmpl, seg []float32) []float64 {
	own := energy(tmpl)
	floor := own * 1e-5 // 50 dB below the click
	under := energy(seg[:len(tmpl)])
	like := make([]float64, len(seg)-len(tmpl)+1)
	for i := range like {
		if i > 0 {
			in, out := float64(seg[i+len(tmpl)-1]), float64(seg[i-1])
			under += in*in - out*out
		}
		window := seg[i:][:len(tmpl)]
		var a, b, c, d float32 // four sums keep the processor's units busy
		for j := 0; j+3 < len(tmpl); j += 4 {
			a += tmpl[j] * window[j]
			b += tmpl[j+1] * window[j+1]
			c += tmpl[j+2] * window[j+2]
			d += tmpl[j+3] * window[j+3]
		}
		like[i] = float64(a+b+c+d) / math.Sqrt(own*max(under, floor))
	}
	return like
}

func energy(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}
