package device

import (
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// A pacedMic yields sound that is there already, or is computed, as fast as a
// microphone would. One goroutine reads; any goroutine may close.
type pacedMic struct {
	*pacer
	tape tape
}

// A tape is what a pacedMic plays.
type tape interface {
	// chunk stores chunk number n in pcm. n never decreases.
	chunk(n int64, pcm *[media.ChunkSamples]int16)
}

func newPacedMic(t tape) *pacedMic { return &pacedMic{newPacer(media.ChunkTime), t} }

// ReadChunk waits for the next chunk. As with a microphone, a chunk is there when
// its last sample is.
func (m *pacedMic) ReadChunk(c *media.Chunk) error {
	n, at, err := m.wait()
	if err != nil {
		return err
	}
	m.tape.chunk(n, &c.PCM)
	c.At = at.Add(-media.ChunkTime)
	return nil
}

// Close unblocks ReadChunk.
func (m *pacedMic) Close() error {
	m.close()
	return nil
}

// A pacedSpeaker takes sound as fast as a speaker would. What its writer was too
// late for is silence, as with a speaker. One goroutine writes; any goroutine
// may close.
type pacedSpeaker struct {
	*pacer

	// Owned by the writer.
	next int64 // the chunk that is due
	due  int64 // the chunk that Wait waited for
	held bool  // Wait has, and nothing was written since

	// Guarded by mu.
	mu     sync.Mutex
	to     recorder
	closed bool
}

// recorder is what becomes of the sound of a pacedSpeaker.
type recorder interface {
	write(pcm *[media.ChunkSamples]int16) error
	close() error
}

// discard forgets the sound.
type discard struct{}

func (discard) write(*[media.ChunkSamples]int16) error { return nil }
func (discard) close() error                           { return nil }

func newPacedSpeaker(to recorder) *pacedSpeaker {
	return &pacedSpeaker{pacer: newPacer(media.ChunkTime), to: to}
}

// silence is what nobody has said anything in.
var silence [media.ChunkSamples]int16

// Wait waits until the last chunk would have been heard.
func (s *pacedSpeaker) Wait() error {
	if s.held {
		return nil
	}
	n, _, err := s.wait()
	if err != nil {
		return err
	}
	s.due, s.held = n, true
	return nil
}

// WriteChunk waits until the last chunk would have been heard.
func (s *pacedSpeaker) WriteChunk(c *media.Chunk) error {
	if err := s.Wait(); err != nil {
		return err
	}
	n := s.due
	s.held = false
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil // the next one is told
	}
	for ; s.next < n; s.next++ {
		if err := s.to.write(&silence); err != nil {
			return err
		}
	}
	s.next = n + 1
	return s.to.write(&c.PCM)
}

// Latency is nothing: there is no device.
func (s *pacedSpeaker) Latency() time.Duration { return 0 }

// Close unblocks WriteChunk and ends the recording.
func (s *pacedSpeaker) Close() error {
	s.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.to.close()
}
