package audio

import (
	"math"

	"github.com/sanix-darker/s2c/internal/media"
)

// How sound is made shorter or longer, in samples: a piece of it goes over into
// what comes some periods of the voice later (shorter), or earlier (longer).
// Where one period fits onto the other the pitch stays and nothing is heard.
const (
	fade   = 320 // of the overlap, 6.7 ms
	minLag = 120 // 2.5 ms, a voice of 400 Hz
	maxLag = media.ChunkSamples - fade

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

// A track is the sound that is decoded and not yet played. The zero track is
// empty.
type track struct {
	pcm  [4 * media.ChunkSamples]int16
	n    int // samples of it
	rest int // samples that must pass before a voice is changed again

	small [media.ChunkSamples / coarse]float32 // scratch of lag
}

// add appends a chunk.
func (t *track) add(pcm *samples) {
	t.n += copy(t.pcm[t.n:], pcm[:])
	t.rest = max(t.rest-len(pcm), 0)
}

// take moves the next chunk to pcm, with silence for what is missing.
func (t *track) take(pcm *samples) {
	n := copy(pcm[:], t.pcm[:t.n])
	clear(pcm[n:])
	t.n = copy(t.pcm[:], t.pcm[n:t.n])
}

// stretch shortens the chunk that was added last by up to want samples, or
// lengthens it by about -want, and returns by how many it became shorter. How
// long a period of the voice is decides how many; in a chunk that is quiet any
// number will do.
func (t *track) stretch(want int, quiet bool, like float64) int {
	if want == 0 || !quiet && t.rest > 0 || t.n < media.ChunkSamples {
		return 0
	}
	x := t.pcm[t.n-media.ChunkSamples : t.n]
	most := min(max(want, -want), maxLag)
	lag := most
	if !quiet {
		// Longer by more than asked for is fine: that waits for the next pause.
		if want < 0 {
			most = maxLag
		}
		if lag = t.lag(x, most, like); lag == 0 {
			return 0
		}
		t.rest = slowdown * lag
	}
	if want > 0 {
		crossfade(x, x, x[lag:])
		copy(x[fade:], x[fade+lag:])
		t.n -= lag
		return lag
	}
	var head [fade]int16 // it is written over
	copy(head[:], x)
	x = t.pcm[t.n-media.ChunkSamples : t.n+lag]
	copy(x[fade+lag:], x[fade:media.ChunkSamples])
	crossfade(x[lag:], x[lag:], head[:])
	t.n += lag
	return -lag
}

// crossfade stores in dst what begins like from and ends like to.
func crossfade(dst, from, to []int16) {
	for i := range fade {
		w := float32(i+1) / (fade + 1)
		dst[i] = int16(math.Round(float64(float32(from[i])*(1-w) + float32(to[i])*w)))
	}
}

// lag returns after how many samples, at most that many, x is most like its
// beginning; 0 when that is less than like.
func (t *track) lag(x []int16, most int, like float64) int {
	for i := range t.small {
		var sum int32
		for _, s := range x[i*coarse : (i+1)*coarse] {
			sum += int32(s)
		}
		t.small[i] = float32(sum)
	}
	best, at := float32(-1), 0
	for l := minLag / coarse; l <= most/coarse; l++ {
		a := t.small[:fade/coarse]
		if c := likenessOf(a, t.small[l:l+len(a)]); c > best {
			best, at = c, l
		}
	}
	if at == 0 {
		return 0
	}
	rough := at * coarse
	best, at = -1, 0
	for l := max(rough-coarse, minLag); l <= min(rough+coarse, most); l++ {
		if c := likenessOf(x[:fade], x[l:l+fade]); c > best {
			best, at = c, l
		}
	}
	if float64(best) < like {
		return 0
	}
	return at
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
