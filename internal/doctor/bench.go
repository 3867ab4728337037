package doctor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// ErrStalled says that a device is open and does nothing.
var ErrStalled = errors.New("nothing comes from it")

// patience is how much longer than the sound itself a measurement may take.
// Bluetooth headsets take about a second to change to their microphone.
const patience = 2 * time.Second

// A Bench keeps a microphone and a speaker busy as a call does, and listens and
// plays when it is asked to. One goroutine uses it.
type Bench struct {
	// Set by New.
	mic     media.AudioSource // nil when there is none
	speaker media.AudioSink   // nil when there is none

	wg   sync.WaitGroup
	more chan struct{} // of length 1, never closed: something below has changed

	mu sync.Mutex

	// Guarded by mu.
	taking     bool // the microphone's sound is kept
	heard      []int16
	captured   []time.Time // when each chunk of heard was
	micErr     error       // final
	tune       []int16     // what is to be played
	at         int         // the next sample of it
	out        []time.Time // when each chunk of it comes out
	speakerErr error       // final
}

// New keeps a microphone and a speaker busy until Close, which closes them. Either
// may be nil.
func New(mic media.AudioSource, speaker media.AudioSink) *Bench {
	b := &Bench{mic: mic, speaker: speaker, more: make(chan struct{}, 1)}
	if mic != nil {
		b.wg.Go(b.record)
	}
	if speaker != nil {
		b.wg.Go(b.play)
	}
	return b
}

// Close closes the devices and returns when nothing runs any more.
func (b *Bench) Close() error {
	var errs []error
	if b.mic != nil {
		errs = append(errs, b.mic.Close())
	}
	if b.speaker != nil {
		errs = append(errs, b.speaker.Close())
	}
	b.wg.Wait()
	return errors.Join(errs...)
}

// SpeakerErr returns why the speaker plays no more, nil while it does.
func (b *Bench) SpeakerErr() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.speakerErr
}

// Listen returns what the microphone hears from now on, for that long. Without a
// microphone it only waits. The error is the microphone's, ErrStalled, or the
// cause of ctx; what was heard until then comes with it.
func (b *Bench) Listen(ctx context.Context, d time.Duration) ([]int16, error) {
	if b.mic == nil {
		return nil, wait(ctx, d)
	}
	b.begin(nil)
	defer b.end()
	err := b.until(ctx, d, func() (bool, error) { return len(b.heard) >= samples(d), b.micErr })
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.heard[:min(len(b.heard), samples(d))]), err
}

// Echo plays the tune and looks for it in what the microphone hears until half a
// second after its end. Both devices must be there. The error is that of one of
// them, ErrStalled, or the cause of ctx.
func (b *Bench) Echo(ctx context.Context, tune []int16) (Echo, error) {
	b.begin(tune)
	defer b.end()
	last := length(tune) + maxEcho
	if err := b.until(ctx, last, func() (bool, error) {
		done := b.at >= len(tune) && len(b.out) > 0 && len(b.captured) > 0 &&
			!b.captured[len(b.captured)-1].Before(b.out[0].Add(last))
		return done, errors.Join(b.micErr, b.speakerErr)
	}); err != nil {
		return Echo{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	start := origin(b.out).Sub(origin(b.captured))
	return find(tune, b.heard, samples(start)), nil
}

// Play plays the tune and returns when it is on its way. The error is as that of
// Echo.
func (b *Bench) Play(ctx context.Context, tune []int16) error {
	b.begin(tune)
	defer b.end()
	return b.until(ctx, length(tune), func() (bool, error) { return b.at >= len(tune), b.speakerErr })
}

// length returns how long sound lasts.
func length(pcm []int16) time.Duration {
	return time.Duration(len(pcm)) * time.Second / media.SampleRate
}

// origin returns when the first chunk was, by the times of all: each is a little
// off.
func origin(chunks []time.Time) time.Time {
	first := make([]time.Time, len(chunks))
	for i, t := range chunks {
		first[i] = t.Add(-time.Duration(i) * media.ChunkTime)
	}
	return median(first)
}

// begin starts to keep what is heard, and to play the tune, if any.
func (b *Bench) begin(tune []int16) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taking, b.heard, b.captured = true, b.heard[:0], b.captured[:0]
	b.tune, b.at, b.out = tune, 0, b.out[:0]
}

// end stops both.
func (b *Bench) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taking, b.tune = false, nil
}

// until waits until done, which is called with mu held, returns true or an error,
// or ctx is done, or limit is over and patience too.
func (b *Bench) until(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	timer := time.NewTimer(limit + patience)
	defer timer.Stop()
	for {
		b.mu.Lock()
		ok, err := done()
		b.mu.Unlock()
		if ok || err != nil {
			return err
		}
		select {
		case <-b.more:
		case <-timer.C:
			return ErrStalled
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// record reads the microphone until it fails or is closed.
func (b *Bench) record() {
	var c media.Chunk
	for {
		err := b.mic.ReadChunk(&c)
		b.mu.Lock()
		if err == nil && b.taking {
			b.heard = append(b.heard, c.PCM[:]...)
			b.captured = append(b.captured, c.At)
		}
		b.micErr = err
		b.mu.Unlock()
		b.wake()
		if err != nil {
			return
		}
	}
}

// play writes the tune, or silence, until the speaker fails or is closed.
func (b *Bench) play() {
	var c media.Chunk
	for {
		err := b.speaker.Wait()
		if err == nil {
			b.next(&c, time.Now().Add(b.speaker.Latency()))
			err = b.speaker.WriteChunk(&c)
		}
		if err != nil {
			b.mu.Lock()
			b.speakerErr = err
			b.mu.Unlock()
		}
		b.wake()
		if err != nil {
			return
		}
	}
}

// next fills c with what is to be heard at that time.
func (b *Bench) next(c *media.Chunk, out time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(c.PCM[:])
	if b.at < len(b.tune) {
		b.at += copy(c.PCM[:], b.tune[b.at:])
		b.out = append(b.out, out)
	}
}

// wake tells until to look.
func (b *Bench) wake() {
	select {
	case b.more <- struct{}{}:
	default:
	}
}

// wait waits for d, or for the end of ctx, whose cause it returns.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
