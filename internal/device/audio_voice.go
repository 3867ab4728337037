package device

import (
	"math"
	"math/rand/v2"

	"github.com/sanix-darker/s2c/internal/media"
)

// A voice is somebody who babbles: phrases of two to four seconds made of
// syllables, with longer pauses in which others may speak. It has the pitch, the
// formants and the gaps of speech, so that meters and detectors take it for
// speech, and is soft. Its sound is a function of its seed alone.
type voice struct {
	rnd   *rand.Rand
	pitch float64 // Hz, of this person
	sound syllable
	left  int // syllables until the phrase ends

	// Scratch: one period of the syllable's vowel.
	wave  []float64
	table []int16
}

// A syllable is a hiss and a vowel, or a pause.
type syllable struct {
	start, end int64 // samples since the beginning
	hiss       int64 // samples of it, at the beginning
	table      []int16
	noise      uint64 // seed of the hiss
}

const (
	voiceLevel = 6000 // the loudest sample: -15 dBFS
	hissLevel  = 800
	voiceTop   = 4000 // Hz, above which there is nothing
)

// vowels are the first three formants of some vowels in Hz.
var vowels = [...][3]float64{
	{270, 2290, 3010}, // see
	{390, 1990, 2550}, // sit
	{530, 1840, 2480}, // set
	{660, 1720, 2410}, // sat
	{730, 1090, 2440}, // father
	{570, 840, 2410},  // saw
	{300, 870, 2240},  // soon
}

func newTestMic(seed uint64) *pacedMic { return newPacedMic(newVoice(seed)) }

func newVoice(seed uint64) *voice {
	v := &voice{rnd: rand.New(rand.NewPCG(seed, 20))} //nolint:gosec // it has to be repeatable, not secret
	v.pitch = v.between(95, 230)
	// nobody starts at the same moment
	v.sound = syllable{end: int64(v.between(0.2, 2) * media.SampleRate)}
	const longest = media.SampleRate / 60 // a period of a pitch below all voices
	v.wave, v.table = make([]float64, longest), make([]int16, longest)
	return v
}

// between returns a number between the two.
func (v *voice) between(lo, hi float64) float64 { return lo + (hi-lo)*v.rnd.Float64() }

// chunk is how a pacedMic asks for sound.
func (v *voice) chunk(n int64, pcm *[media.ChunkSamples]int16) {
	at := n * media.ChunkSamples
	for i := range pcm {
		for at >= v.sound.end {
			v.advance()
		}
		pcm[i] = v.sound.sample(at)
		at++
	}
}

// advance goes on to the next syllable or pause.
func (v *voice) advance() {
	s := syllable{start: v.sound.end}
	switch {
	case v.left > 0:
		v.left--
		s.end = s.start + int64(v.between(0.12, 0.3)*media.SampleRate)
		s.hiss = int64(v.between(0.01, 0.06) * media.SampleRate)
		s.noise = v.rnd.Uint64()
		s.table = v.vowel()
	case v.sound.table != nil: // a phrase has ended
		s.end = s.start + int64(v.between(4, 9)*media.SampleRate)
	default: // a pause has ended
		v.left = 10 + v.rnd.IntN(9) // of 0.21 s each: 2 to 4 s
		s.end = s.start
	}
	v.sound = s
}

// vowel fills the table with one period of a vowel: the harmonics of the pitch,
// each as strong as the formants make it.
func (v *voice) vowel() []int16 {
	formants := vowels[v.rnd.IntN(len(vowels))]
	period := int(media.SampleRate / (v.pitch * v.between(0.9, 1.15)))
	wave, table := v.wave[:period], v.table[:period]
	clear(wave)
	peak := 0.0
	for h := 1; h*media.SampleRate/period < voiceTop; h++ {
		hz := float64(h) * media.SampleRate / float64(period)
		amp := 0.0
		for i, f := range formants {
			width := 60 + 40*float64(i) // Hz
			off := (hz - f) / width
			amp += 1 / (1 + off*off) / float64(i+1)
		}
		amp += 0.3 / float64(h) // the voice itself
		for i := range wave {
			wave[i] += amp * math.Sin(2*math.Pi*float64(h*i)/float64(period)+float64(h*h))
			peak = max(peak, math.Abs(wave[i]))
		}
	}
	for i, x := range wave {
		table[i] = int16(voiceLevel * x / peak)
	}
	return table
}

// sample returns the sample of the syllable at that time.
func (s *syllable) sample(at int64) int16 {
	if s.table == nil {
		return 0
	}
	i := at - s.start
	if i < s.hiss {
		return int16(int64(mix(s.noise+uint64(i))>>32)*(2*hissLevel)>>32 - hissLevel)
	}
	// it swells and fades, so that syllables are told apart
	x := float64(i-s.hiss) / float64(s.end-s.start-s.hiss)
	swell := min(1, 6*x, 3*(1-x))
	return int16(swell * float64(s.table[(i-s.hiss)%int64(len(s.table))]))
}

// mix is the finalizer of SplitMix64, which makes noise of a counter.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
