package sound

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/pulse"
)

// EchoOptions says how to measure echo.
type EchoOptions struct {
	Server  string        // its address, as PULSE_SERVER takes it
	Speaker string        // where the far voice plays; "" means Room, which the microphone hears at once. For Speaker see Server.Leak
	Settle  time.Duration // how long the far voice speaks before it is measured; 0 means 3 s
	Time    time.Duration // how long each measurement takes; 0 means 3 s
}

// An EchoReport says what the microphone hears without and with cancellation.
// Levels are in dBFS, of the whole time measured.
type EchoReport struct {
	Off       EchoLevels `json:"off"`
	On        EchoLevels `json:"on"`
	Reduction float64    `json:"reduction_db"`    // of the far voice, settled
	First     float64    `json:"first_second_db"` // of the far voice in its first second
	Near      float64    `json:"near_db"`         // what became of the near voice; 0 means untouched
}

// EchoLevels are what the microphone hears of either voice.
type EchoLevels struct {
	First float64 `json:"first_second_dbfs"` // of the far voice in its first second
	Far   float64 `json:"far_dbfs"`          // of the far voice, which comes out of the speaker
	Near  float64 `json:"near_dbfs"`         // of the voice in the room, nobody else speaking
}

// silent is the level of no sound at all, in dBFS: the last of 16 bits.
const silent = -96

// echoDelay is how long sound takes from speaker to microphone in an EchoRoom.
const echoDelay = 40 * time.Millisecond

// EchoRoom returns options for this server, after making it a room in which the
// microphone hears the speaker.
//
// PulseAudio hears it late, as through common buffers: a canceller between a sink
// and its own monitor would make it wait for itself for ever. The loop that does
// this stutters with PipeWire on a busy machine; there the room itself is the
// speaker.
func (s *Server) EchoRoom() (EchoOptions, error) {
	if s.kind == PipeWire {
		return EchoOptions{Server: s.Address()}, nil
	}
	return EchoOptions{Server: s.Address(), Speaker: Speaker}, s.Leak(echoDelay)
}

// MeasureEcho lets a voice speak out of the speaker and then another in the
// room, first without and then with the server's echo canceller.
func MeasureEcho(ctx context.Context, o EchoOptions) (*EchoReport, error) {
	if o.Speaker == "" {
		o.Speaker = Room
	}
	if o.Settle <= 0 {
		o.Settle = 3 * time.Second
	}
	if o.Time <= 0 {
		o.Time = 3 * time.Second
	}
	r := &EchoReport{}
	var err error
	if r.Off, err = o.levels(ctx, nil); err != nil {
		return nil, fmt.Errorf("measure echo: %w", err)
	}
	e, err := pulse.OpenEcho(ctx, pulse.EchoConfig{Server: o.Server, Speaker: o.Speaker})
	if err != nil {
		return nil, fmt.Errorf("measure echo: %w", err)
	}
	defer e.Close()
	if r.On, err = o.levels(ctx, e); err != nil {
		return nil, fmt.Errorf("measure echo: %w", err)
	}
	r.Reduction = round(r.Off.Far - r.On.Far)
	r.First = round(r.Off.First - r.On.First)
	r.Near = round(r.On.Near - r.Off.Near)
	return r, nil
}

// levels measures with the given canceller, or none.
func (o EchoOptions) levels(ctx context.Context, e *pulse.Echo) (EchoLevels, error) {
	var l EchoLevels
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	far, err := pulse.OpenSpeaker(ctx, pulse.Config{Server: o.Server, Device: o.Speaker, Echo: e})
	if err != nil {
		return l, err
	}
	defer far.Close()
	near, err := pulse.OpenSpeaker(ctx, pulse.Config{Server: o.Server, Device: Room, Buffer: playerBuffer})
	if err != nil {
		return l, err
	}
	defer near.Close()
	mic, err := pulse.OpenMic(ctx, pulse.Config{Server: o.Server, Echo: e})
	if err != nil {
		return l, err
	}
	defer mic.Close()
	defer context.AfterFunc(ctx, func() {
		far.Close()
		near.Close()
		mic.Close()
	})()

	var farTalks, nearTalks atomic.Bool
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { talk(far, newBabble(1), &farTalks) })
	wg.Go(func() { talk(near, newBabble(2), &nearTalks) })
	err = errors.Join(listenFor(mic, time.Second, nil)) // silence
	farTalks.Store(true)
	settle, settleNear := o.Settle, 2*time.Second
	if e == nil { // there is nothing that would have to learn
		settle, settleNear = 0, echoDelay+time.Second/2
	}
	err = errors.Join(err, listenFor(mic, time.Second, &l.First), listenFor(mic, settle, nil), listenFor(mic, o.Time, &l.Far))
	farTalks.Store(false)
	err = errors.Join(err, listenFor(mic, time.Second, nil)) // what is on its way
	nearTalks.Store(true)
	err = errors.Join(err, listenFor(mic, settleNear, nil), listenFor(mic, o.Time, &l.Near))
	return l, err
}

// talk plays the voice while it talks and silence while not, until s is closed.
func talk(s *pulse.Speaker, b *babble, talks *atomic.Bool) {
	var pcm [chunkSamples]int16
	for {
		clear(pcm[:])
		if talks.Load() {
			b.read(pcm[:])
		}
		if s.Write(pcm[:]) != nil {
			return // told by the microphone, which is of the same server
		}
	}
}

// listenFor reads sound that lasts d and stores its level, unless that is nil.
func listenFor(m *pulse.Mic, d time.Duration, level *float64) error {
	var pcm [chunkSamples]int16
	sum, n := 0.0, 0
	for ; d > 0; d -= chunkTime {
		if _, err := m.Read(pcm[:]); err != nil {
			return err
		}
		for _, v := range pcm {
			sum += float64(v) * float64(v)
		}
		n += len(pcm)
	}
	if level != nil && n > 0 {
		*level = round(max(silent, 10*math.Log10(sum/float64(n)/(1<<30))))
	}
	return nil
}

// A babble is somebody who speaks without a pause worth its name: syllables of a
// wandering pitch with the slope of a voice's spectrum, and hisses between them.
// Its sound is a function of its seed alone. One goroutine uses it.
type babble struct {
	rnd    *rand.Rand
	phase  float64
	hz     float64 // now
	to     float64 // where the pitch wanders
	vowel  [babbleHarmonics]float64
	left   int // samples of the syllable
	length int
	hiss   int // samples at the syllable's end
}

const (
	babbleHarmonics = 24
	babbleLevel     = 5000
)

func newBabble(seed uint64) *babble {
	b := &babble{rnd: rand.New(rand.NewPCG(seed, 7))} //nolint:gosec // it has to be repeatable, not secret
	b.hz = 110 + 90*b.rnd.Float64()
	return b
}

// read fills pcm with what comes next.
func (b *babble) read(pcm []int16) {
	for i := range pcm {
		if b.left == 0 {
			b.syllable()
		}
		at := float64(b.length-b.left) / float64(b.length)
		b.left--
		b.hz += (b.to - b.hz) / (rate / 10)
		b.phase += 2 * math.Pi * b.hz / rate
		sum := 0.0
		for h, amp := range b.vowel {
			sum += amp * math.Sin(float64(h+1)*b.phase)
		}
		sum *= math.Sin(math.Pi * at)
		if b.left < b.hiss {
			sum = 0.3 * (2*b.rnd.Float64() - 1)
		}
		pcm[i] = int16(max(-2.5, min(2.5, sum)) * babbleLevel)
	}
}

// syllable begins the next one.
func (b *babble) syllable() {
	b.length = rate/8 + b.rnd.IntN(rate/8) // 125 to 250 ms
	b.left, b.hiss = b.length, b.rnd.IntN(rate/20)
	b.to = 110 + 90*b.rnd.Float64()
	f1, f2 := 300+500*b.rnd.Float64(), 900+1500*b.rnd.Float64() // formants in Hz
	for h := range b.vowel {
		hz := float64(h+1) * b.to
		near := func(f, width float64) float64 { x := (hz - f) / width; return 1 / (1 + x*x) }
		b.vowel[h] = near(f1, 120) + 0.5*near(f2, 200) + 0.2/float64(h+1)
	}
}
