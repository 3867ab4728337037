package sound

import (
	"math"
	"math/rand/v2"
	"time"
)

// A click is a short chirp that wanders through the low frequencies of speech on
// a way of its own. It passes through a voice codec nearly unharmed (faster or
// higher ones do not pass Opus at a constant 24 kbit/s), is found again by
// correlation to a fraction of a millisecond, and no two are alike, so one that
// is lost is not mistaken for the next.
const (
	clickTime     = 200 * time.Millisecond
	clickSamples  = 9600 // at 48 kHz
	clickSegments = 8    // of the way, each a straight line
	clickLow      = 200  // Hz
	clickHigh     = 1200 // Hz
	clickPeak     = 12000

	// Clicks come at irregular times, so that no periodic fault hides between them.
	clickLead = 500 * time.Millisecond // before the first
	clickMin  = 350 * time.Millisecond // from one to the next, at least
	clickMax  = 750 * time.Millisecond // at most
)

const rate = 48000 // samples per second, of the devices

// clickWave returns the samples of click number k of the train with that seed.
func clickWave(seed, k uint64) []int16 {
	r := rand.New(rand.NewPCG(seed, k)) //nolint:gosec // it has to be repeatable, not secret
	var way [clickSegments + 1]float64
	for i := range way {
		way[i] = clickLow + (clickHigh-clickLow)*r.Float64()
	}
	pcm := make([]int16, clickSamples)
	phase := 0.0
	for i := range pcm {
		x := float64(i) / clickSamples
		seg, frac := math.Modf(x * clickSegments)
		hz := way[int(seg)] + (way[int(seg)+1]-way[int(seg)])*frac
		phase += 2 * math.Pi * hz / rate
		pcm[i] = int16(clickPeak * math.Sqrt(math.Sin(math.Pi*x)) * math.Sin(phase))
	}
	return pcm
}

// A train is an endless row of clicks with faint noise between them, so that
// nothing on the way takes it for a dead line. One goroutine uses it.
type train struct {
	seed   uint64
	noise  *rand.Rand
	pos    int64   // of the next sample
	starts []int64 // of every click so far and of the next one
	wave   []int16 // of the last click in starts
	gaps   *rand.Rand
}

func newTrain(seed uint64) *train {
	t := &train{
		seed:  seed,
		noise: rand.New(rand.NewPCG(seed, 1<<63)),   //nolint:gosec // repeatable
		gaps:  rand.New(rand.NewPCG(seed, 1<<63+1)), //nolint:gosec // repeatable
	}
	t.add(samplesIn(clickLead))
	return t
}

// add schedules the next click.
func (t *train) add(start int64) {
	t.wave = clickWave(t.seed, uint64(len(t.starts)))
	t.starts = append(t.starts, start)
}

// read fills pcm with what comes next.
func (t *train) read(pcm []int16) {
	for i := range pcm {
		last := t.starts[len(t.starts)-1]
		if t.pos >= last+clickSamples {
			gap := clickMin + time.Duration(t.gaps.Int64N(int64(clickMax-clickMin)))
			t.add(last + samplesIn(gap))
			last = t.starts[len(t.starts)-1]
		}
		pcm[i] = int16(t.noise.IntN(17) - 8)
		if t.pos >= last {
			pcm[i] = t.wave[t.pos-last]
		}
		t.pos++
	}
}

// begun returns how many clicks have begun.
func (t *train) begun() int {
	n := len(t.starts)
	if t.starts[n-1] >= t.pos {
		n--
	}
	return n
}

// clicks returns when the clicks that read has given out whole began, counted
// from the first sample.
func (t *train) clicks() []time.Duration {
	var list []time.Duration
	for _, s := range t.starts {
		if s+clickSamples <= t.pos {
			list = append(list, time.Duration(s)*time.Second/rate)
		}
	}
	return list
}

func samplesIn(d time.Duration) int64 { return int64(d * rate / time.Second) }
