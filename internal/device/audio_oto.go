//go:build darwin || windows

// oto is for these systems alone. On Linux it would make the binary need a
// dynamic linker, and use the same PulseAudio as we do.

package device

import (
	"context"
	"sync"
	"time"

	"github.com/ebitengine/oto/v3"

	"github.com/sanix-darker/s2c/internal/media"
)

const (
	otoDeviceBuffer = 40 * time.Millisecond
	otoPlayerBytes  = 4 * media.ChunkSamples // 20 ms; oto's own choice is half a second
)

// otoContext returns the one context that a process may have. It lives as long
// as the process.
var otoContext = sync.OnceValues(func() (otoReady, error) {
	c, ready, err := oto.NewContext(&oto.NewContextOptions{
		SampleRate:      media.SampleRate,
		ChannelCount:    1,
		Format:          oto.FormatSignedInt16LE,
		BufferSize:      otoDeviceBuffer,
		ApplicationName: "s2c",
	})
	return otoReady{c, ready}, err
})

// An otoReady is a context that may be used when ready is closed.
type otoReady struct {
	*oto.Context
	ready <-chan struct{}
}

// An otoSpeaker is the system's speaker.
type otoSpeaker struct {
	context *oto.Context
	player  *oto.Player
	pull    *pull
}

// openSystemSpeaker opens the system's choice. It knows no other.
func openSystemSpeaker(ctx context.Context, name string) (media.AudioSink, error) {
	if name != Auto {
		return nil, ErrNotFound
	}
	c, err := otoContext()
	if err != nil {
		return nil, err
	}
	select {
	case <-c.ready:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	s := &otoSpeaker{context: c.Context, pull: newPull()}
	s.player = c.NewPlayer(s.pull)
	s.player.SetBufferSize(otoPlayerBytes)
	s.player.Play()
	return s, nil
}

// Wait waits until the player has taken the last chunk.
func (s *otoSpeaker) Wait() error {
	if err := s.context.Err(); err != nil {
		return err
	}
	return s.pull.wait()
}

// WriteChunk waits until the player has taken the last chunk.
func (s *otoSpeaker) WriteChunk(c *media.Chunk) error {
	if err := s.context.Err(); err != nil {
		return err
	}
	return s.pull.write(c)
}

// Latency counts the two buffers; what the hardware adds is not told.
func (s *otoSpeaker) Latency() time.Duration {
	n := s.player.BufferedSize()/2 + s.pull.waiting()
	return otoDeviceBuffer + time.Duration(n)*time.Second/media.SampleRate
}

// Close unblocks WriteChunk and lets the player end.
func (s *otoSpeaker) Close() error {
	s.pull.close()
	s.player.Pause()
	return nil
}
