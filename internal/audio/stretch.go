package audio

import (
	"math"

	"github.com/sanix-darker/s2c/internal/media"
)

// How sound is made shorter or longer, in samples: a piece of it goes over into
// what comes some periods of the voice later (shorter), or earlier (longer).
// Where one period fits onto the other the pitch stays and nothing is heard.
const (
	overlay = 320 // samples of the overlap, 6.7 ms
	minLag  = 120 // 2.5 ms, a voice of 400 Hz
	maxLag  = 640 // 13.3 ms, a voice of 75 Hz

	// enough is how much sound is needed to shorten it by any period.
	enough = maxLag + overlay

	// coarse is the step of the search before it is refined.
	coarse = 8

	// slowdown is how many times a change must pass in sound before the next
	// one, while somebody speaks: 20 % faster or slower.
	slowdown = 5
)

// What two pieces must have in common, -1 to 1, to be laid over each other.
const (
	likeness     = 0.9
	likenessFast = 0.7 // when there is a lot to catch up with
)

// A track is the sound that is decoded and not yet played, and after what it
// comes. The zero track is empty.
type track struct {
	// pcm is maxLag samples that were played, and n that will be: less than two
	// chunks, a packet, and what that is made longer by.
	pcm  [maxLag + 2*media.ChunkSamples + longSamples + maxLag]int16
	n    int
	rest int // samples that must pass before a voice is changed again

	small [enough / coarse]float32 // scratch of lag
}

// add appends sound.
func (t *track) add(pcm []int16) {
	t.n += copy(t.pcm[maxLag+t.n:], pcm)
	t.rest = max(t.rest-len(pcm), 0)
}

// skip appends n samples of silence.
func (t *track) skip(n int) {
	end := maxLag + t.n
	clear(t.pcm[end : end+n])
	t.n += n
	t.rest = max(t.rest-n, 0)
}

// take moves the next chunk to pcm, with silence for what is missing.
func (t *track) take(pcm *[media.ChunkSamples]int16) {
	if t.n < len(pcm) {
		t.skip(len(pcm) - t.n)
	}
	copy(pcm[:], t.pcm[maxLag:])
	copy(t.pcm[:], t.pcm[len(pcm):maxLag+t.n])
	t.n -= len(pcm)
}

// forget makes silence of what was played, which is long ago.
func (t *track) forget() { clear(t.pcm[:maxLag]) }

// short reports whether sound should become shorter, and could if there were
// more of it.
func (t *track) short(want int, quiet bool) bool {
	return want > 0 && !quiet && t.rest == 0 && t.n < enough
}

// stretch shortens the sound that was added last, of so many samples, by up to
// want samples, or lengthens it by about -want, and returns by how many it became
// shorter. How long a period of the voice is decides how many; in sound that is
// quiet any number will do. A voice is shortened together with what is before
// it on the track.
func (t *track) stretch(want, last int, quiet bool, like float64) int {
	if want == 0 || !quiet && t.rest > 0 {
		return 0
	}
	var lag int
	if want > 0 {
		lag = t.shorten(want, last, quiet, like)
	} else {
		lag = -t.lengthen(-want, last, quiet, like)
	}
	if !quiet {
		t.rest = slowdown * max(lag, -lag)
	}
	t.n -= lag
	return lag
}

// shorten lets the sound go over into what comes later.
func (t *track) shorten(want, last int, quiet bool, like float64) int {
	if !quiet {
		last = min(t.n, enough)
	}
	x := t.pcm[maxLag+t.n-last : maxLag+t.n]
	lag := min(want, len(x)-overlay)
	if !quiet {
		lag = t.lag(x, 0, lag, like)
	}
	if lag <= 0 {
		return 0
	}
	crossfade(x, x, x[lag:])
	copy(x[overlay:], x[overlay+lag:])
	return lag
}

// lengthen lets the sound go over into what came before it.
func (t *track) lengthen(want, last int, quiet bool, like float64) int {
	at := maxLag + t.n - last // where it begins
	lag := min(want, maxLag)
	if !quiet {
		// Longer by more than asked for is fine: that waits for the next pause.
		lag = t.lag(t.pcm[at-maxLag:at+overlay], maxLag, maxLag, like)
	}
	if lag == 0 {
		return 0
	}
	var before [overlay]int16 // it may be written over
	copy(before[:], t.pcm[at-lag:])
	copy(t.pcm[at+overlay:], t.pcm[at+overlay-lag:maxLag+t.n])
	crossfade(t.pcm[at:], t.pcm[at:], before[:])
	return lag
}

// crossfade stores in dst what begins like from and ends like to.
func crossfade(dst, from, to []int16) {
	for i := range overlay {
		w := float32(i+1) / (overlay + 1)
		dst[i] = int16(math.Round(float64(float32(from[i])*(1-w) + float32(to[i])*w)))
	}
}

// lag returns by how many samples, at most that many, what is most like the
// sound at x[at] is away from it: before it, when at is the end of x less the
// overlap, else after it. It returns 0 when that is less than like.
func (t *track) lag(x []int16, at, most int, like float64) int {
	way := 1
	if at > 0 {
		way = -1
	}
	small := t.small[:len(x)/coarse]
	for i := range small {
		var sum int32
		for _, s := range x[i*coarse : (i+1)*coarse] {
			sum += int32(s)
		}
		small[i] = float32(sum)
	}
	best, rough := float32(-1), 0
	for l := minLag / coarse; l <= most/coarse; l++ {
		a, b := at/coarse, at/coarse+way*l
		if c := likenessOf(small[a:a+overlay/coarse], small[b:b+overlay/coarse]); c > best {
			best, rough = c, l*coarse
		}
	}
	if rough == 0 {
		return 0
	}
	best, lag := -1, 0
	for l := max(rough-coarse, minLag); l <= min(rough+coarse, most); l++ {
		b := at + way*l
		if c := likenessOf(x[at:at+overlay], x[b:b+overlay]); c > best {
			best, lag = c, l
		}
	}
	if float64(best) < like {
		return 0
	}
	return lag
}

// likenessOf returns the correlation of a and b, -1 to 1; silence is like
// silence.
func likenessOf[T int16 | float32](a, b []T) float32 {
	var ab, aa, bb float32
	for i, x := range a {
		x, y := float32(x), float32(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa*bb == 0 {
		if aa == bb {
			return 1
		}
		return 0
	}
	return ab / float32(math.Sqrt(float64(aa)*float64(bb)))
}
