package doctor

import (
	"math"
	"slices"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// An Echo is what the microphone hears of the tune that the speaker plays.
type Echo struct {
	Heard bool // the tune is in there; otherwise the rest is the most that may hide in the noise

	// Delay is from when the speaker was to be heard until the microphone heard
	// it. It is as exact as what the devices tell of themselves.
	Delay time.Duration

	Level    float64 // of the tune in the microphone, dBFS
	Loss     float64 // dB from the tune as played to the tune as heard
	Likeness float64 // of the microphone's sound to the tune, 0 to 1
}

const (
	slow     = 8                       // samples of ours in one of those that are compared
	slowRate = media.SampleRate / slow // 6 kHz: the tune stays below 2 kHz
	early    = 30 * time.Millisecond   // what the devices may be wrong by
	maxEcho  = 500 * time.Millisecond  // the latest that is looked for: a Bluetooth speaker that does not tell
	tuneLen  = 1200 * time.Millisecond
	tunePeak = 9000 // -11 dBFS, as somebody who speaks

	// likeHeard is how alike the tune and the sound must be. Noise reaches
	// 0.07: it is 4.5 times 1/sqrt(4000), with 1.2 s of 1.7 kHz and 3000 places
	// to look at. Speech reaches 0.1.
	likeHeard = 0.12
)

// drops are the notes of the tune: when each falls, and where it begins to rise.
// The times are uneven, so that the tune is like itself at one place alone.
var drops = [...]struct {
	at time.Duration
	hz float64
}{
	{0, 523.25},
	{170 * time.Millisecond, 659.26},
	{410 * time.Millisecond, 783.99},
	{560 * time.Millisecond, 1046.50},
	{870 * time.Millisecond, 880},
}

// Tune returns the sound for Bench.Echo: five drops of water that make a chord,
// 1.2 s. Each rises by a fifth while it fades, so that no two moments of it are
// alike.
func Tune() []int16 {
	const (
		rise = 130 * time.Millisecond
		fade = 70 * time.Millisecond // to 37 %
	)
	sum := make([]float64, samples(tuneLen))
	for _, d := range drops {
		phase := 0.0
		for i, at := 0, samples(d.at); at+i < len(sum); i++ {
			t := float64(i) / media.SampleRate
			x := min(1, t/rise.Seconds())
			phase += 2 * math.Pi * d.hz * (1 + x/2) / media.SampleRate
			// 5 ms to begin, and 20 ms to end with the tune
			swell := min(1, t/0.005, float64(len(sum)-at-i)/(0.02*media.SampleRate))
			sum[at+i] += swell * math.Exp(-t/fade.Seconds()) * math.Sin(phase)
		}
	}
	pcm := make([]int16, len(sum))
	for i, v := range sum {
		pcm[i] = int16(max(-1, min(1, v)) * tunePeak)
	}
	return pcm
}

func samples(d time.Duration) int { return int(d * media.SampleRate / time.Second) }

// find looks for the tune in what was heard. start is the sample at which the
// tune would come without any way between speaker and microphone; it may be
// outside.
func find(tune, heard []int16, start int) Echo {
	ref := decimate(tune)
	lo := max(0, start-samples(early))
	hi := min(len(heard), start+samples(maxEcho)+len(tune))
	if hi-lo < len(tune)+slow {
		return Echo{Level: Silence, Loss: decibels(rms(ref)/(1<<15)) - Silence}
	}
	seg := decimate(heard[lo:hi])
	best, like, gain := 0, 0.0, 0.0
	own := energy(ref)
	places := len(seg) - len(ref) + 1
	under := energy(seg[:len(ref)])
	for i := range places {
		if i > 0 {
			in, out := float64(seg[i+len(ref)-1]), float64(seg[i-1])
			under += in*in - out*out
		}
		dot := 0.0
		for j, v := range ref {
			dot += float64(v) * float64(seg[i+j])
		}
		// Next to silence nothing is alike: 80 dB below the tune.
		l := math.Abs(dot) / math.Sqrt(own*max(under, own*1e-8))
		if l > like {
			best, like, gain = i, l, math.Abs(dot)/own
		}
	}
	at := lo + best*slow - start
	e := Echo{
		Heard:    like >= likeHeard,
		Delay:    max(0, time.Duration(at)*time.Second/media.SampleRate),
		Level:    decibels(gain * rms(ref) / (1 << 15)),
		Likeness: like,
	}
	e.Loss = decibels(rms(ref)/(1<<15)) - e.Level
	return e
}

// filter is a low pass at 2.2 kHz, for decimate.
var filter = func() (f [6*slow + 1]float32) {
	const edge = 2 * 2200.0 / media.SampleRate // of half the rate
	sum := 0.0
	var taps [len(f)]float64
	for i := range taps {
		x := float64(i - len(f)/2)
		taps[i] = edge * (0.5 + 0.5*math.Cos(2*math.Pi*x/float64(len(f)+1)))
		if x != 0 {
			taps[i] *= math.Sin(math.Pi*edge*x) / (math.Pi * edge * x)
		}
		sum += taps[i]
	}
	for i, v := range taps {
		f[i] = float32(v / sum)
	}
	return f
}()

// decimate returns one sample for each slow of pcm, without what is too high for
// that. Sample i is the sound at slow*i.
func decimate(pcm []int16) []float32 {
	out := make([]float32, len(pcm)/slow)
	for i := range out {
		for j, k := range filter {
			if at := i*slow + j - len(filter)/2; at >= 0 && at < len(pcm) {
				out[i] += k * float32(pcm[at])
			}
		}
	}
	return out
}

func energy(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return sum
}

func rms(x []float32) float64 { return math.Sqrt(energy(x) / float64(len(x))) }

// median returns the middle of some times, of which there is at least one. It
// sorts them.
func median(t []time.Time) time.Time {
	slices.SortFunc(t, time.Time.Compare)
	return t[len(t)/2]
}
