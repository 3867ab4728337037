package doctor

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// A room is a speaker and a microphone that hears it, in the time of a bubble.
type room struct {
	begun   time.Time
	latency time.Duration // of the speaker
	delay   time.Duration // of the air
	deaf    bool          // the microphone hears nothing
	stuck   bool          // the microphone never yields anything
	fails   error         // of the speaker, after a second

	mu   sync.Mutex
	air  map[int64]int16 // by the sample since the beginning
	done chan struct{}
}

func newRoom() *room {
	return &room{begun: time.Now(), air: make(map[int64]int16), done: make(chan struct{})}
}

// tick waits for chunk n.
func (r *room) tick(n int64) error {
	select {
	case <-time.After(time.Until(r.begun.Add(time.Duration(n) * media.ChunkTime))):
		return nil
	case <-r.done:
		return os.ErrClosed
	}
}

type roomMic struct {
	*room
	n int64
}

func (m *roomMic) ReadChunk(c *media.Chunk) error {
	if m.stuck {
		<-m.done
		return os.ErrClosed
	}
	if err := m.tick(m.n + 1); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range c.PCM {
		at := m.n*media.ChunkSamples + int64(i)
		c.PCM[i] = int16(at % 7) // a little noise
		if !m.deaf {
			c.PCM[i] += m.air[at-int64(samples(m.delay))] / 4
		}
	}
	c.At = m.begun.Add(time.Duration(m.n) * media.ChunkTime)
	m.n++
	return nil
}

func (m *roomMic) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.done:
	default:
		close(m.done)
	}
	return nil
}

type roomSpeaker struct {
	*room
	n int64
}

func (s *roomSpeaker) Wait() error {
	if s.fails != nil && s.n*media.ChunkSamples > media.SampleRate {
		return s.fails
	}
	return s.tick(s.n)
}

func (s *roomSpeaker) WriteChunk(c *media.Chunk) error {
	if err := s.Wait(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, v := range c.PCM {
		s.air[s.n*media.ChunkSamples+int64(i)+int64(samples(s.latency))] = v
	}
	s.n++
	return nil
}

func (s *roomSpeaker) Latency() time.Duration { return s.latency }
func (s *roomSpeaker) Close() error           { return (&roomMic{room: s.room}).Close() }

func (r *room) bench() *Bench { return New(&roomMic{room: r}, &roomSpeaker{room: r}) }

func TestBench(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		r.latency, r.delay = 35*time.Millisecond, 40*time.Millisecond
		b := r.bench()
		pcm, err := b.Listen(t.Context(), 3*time.Second)
		if took := time.Since(r.begun); len(pcm) != 3*media.SampleRate || err != nil || took != 3*time.Second {
			t.Errorf("Listen heard %d samples, %v, in %v", len(pcm), err, took)
		}
		for range 2 { // the second time is like the first
			start := time.Now()
			e, err := b.Echo(t.Context(), Tune())
			if err != nil || !e.Heard || e.Delay < 39*time.Millisecond || e.Delay > 41*time.Millisecond || e.Loss < 11 || e.Loss > 13 {
				t.Errorf("Echo = %+v, %v, want 12 dB less after 40 ms", e, err)
			}
			if took := time.Since(start); took > tuneLen+maxEcho+100*time.Millisecond {
				t.Errorf("Echo took %v", took)
			}
		}
		if err := errors.Join(b.Play(t.Context(), Tune()), b.SpeakerErr(), b.Close()); err != nil {
			t.Error(err)
		}
		if _, err := b.Listen(t.Context(), time.Second); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Listen after Close = %v, want os.ErrClosed", err)
		}
	})
}

func TestBenchHeadset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		r.deaf = true
		b := r.bench()
		defer b.Close()
		if e, err := b.Echo(t.Context(), Tune()); e.Heard || e.Level > -60 || err != nil {
			t.Errorf("Echo = %+v, %v, want none", e, err)
		}
	})
}

// TestBenchFails breaks the devices one after the other.
func TestBenchFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(enough) })
		broken := errors.New("broken")
		stuck, fails := newRoom(), newRoom()
		stuck.stuck, fails.fails = true, broken
		for _, tt := range []struct {
			name string
			room *room
			ctx  context.Context
			want error
			most time.Duration
		}{
			{"interrupted", newRoom(), ctx, enough, time.Second},
			{"stuck", stuck, t.Context(), ErrStalled, tuneLen + maxEcho + patience},
			{"speaker fails", fails, t.Context(), broken, 1100 * time.Millisecond},
		} {
			b := tt.room.bench()
			start := time.Now()
			if _, err := b.Echo(tt.ctx, Tune()); !errors.Is(err, tt.want) || time.Since(start) > tt.most {
				t.Errorf("%s: Echo = %v after %v, want %v", tt.name, err, time.Since(start), tt.want)
			}
			b.Close()
		}
		b := stuck.bench() // closed already
		if pcm, err := b.Listen(ctx, time.Second); err == nil || len(pcm) != 0 {
			t.Errorf("Listen = %d samples, %v", len(pcm), err)
		}
		b.Close()
		none := New(nil, nil)
		if pcm, err := none.Listen(t.Context(), time.Second); pcm != nil || err != nil {
			t.Errorf("Listen without devices = %d samples, %v", len(pcm), err)
		}
		if _, err := none.Listen(ctx, time.Second); !errors.Is(err, enough) {
			t.Errorf("Listen without devices = %v, want %v", err, enough)
		}
		if err := none.Close(); err != nil {
			t.Error(err)
		}
	})
}
