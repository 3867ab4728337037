//go:build linux || freebsd || netbsd || openbsd

package device

import (
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/sound"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// TestSystemDevices opens the defaults of real sound servers: what is played
// into the room is heard by the microphone, and the end of the server is told.
func TestSystemDevices(t *testing.T) {
	for _, kind := range sound.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			server := sound.ForTest(t, kind)
			t.Setenv("PULSE_SERVER", server.Address())
			m, err := OpenMic(t.Context(), Auto)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			s, err := OpenSpeaker(t.Context(), sound.Room)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var wg sync.WaitGroup
			defer wg.Wait()
			written := make(chan error, 1)
			wg.Go(func() {
				var c media.Chunk
				for n := 0; ; {
					for i := range c.PCM {
						c.PCM[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(n)/media.SampleRate))
						n++
					}
					if err := s.WriteChunk(&c); err != nil {
						written <- err
						return
					}
				}
			})
			var c media.Chunk
			best := 0.0
			for range 75 {
				if err := m.ReadChunk(&c); err != nil {
					t.Fatal(err)
				}
				best = max(best, amplitude(c.PCM[:], 440))
			}
			if best < 7000 || best > 8500 {
				t.Errorf("the tone comes with an amplitude of %.0f, want 8000", best)
			}
			if l := s.Latency(); l <= 0 || l > time.Second {
				t.Errorf("Latency() = %v", l)
			}

			killed := time.Now()
			server.Kill()
			for err = nil; err == nil; err = m.ReadChunk(&c) {
			}
			if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, pulse.ErrGone) || e.Op != "read microphone" {
				t.Errorf("ReadChunk after the server's death = %v, want ErrGone", err)
			}
			if err := <-written; !errors.Is(err, pulse.ErrGone) {
				t.Errorf("WriteChunk after the server's death = %v, want ErrGone", err)
			}
			if took := time.Since(killed); took > 2*time.Second {
				t.Errorf("the server's death was told after %v", took)
			}
		})
	}
}

func TestSystemErrors(t *testing.T) {
	server := sound.ForTest(t, sound.Pulse)
	t.Setenv("PULSE_SERVER", server.Address())
	if _, err := OpenMic(t.Context(), "webcam"); !errors.Is(err, ErrNotFound) {
		t.Errorf("OpenMic(webcam) = %v, want ErrNotFound", err)
	}
	if _, err := OpenSpeaker(t.Context(), "headset"); !errors.Is(err, ErrNotFound) {
		t.Errorf("OpenSpeaker(headset) = %v, want ErrNotFound", err)
	}
	if err := server.UnloadMic(); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenMic(t.Context(), Auto); !errors.Is(err, ErrNoDevice) {
		t.Errorf("OpenMic(auto) without a microphone = %v, want ErrNoDevice", err)
	}
	server.Kill()
	_, err := OpenMic(t.Context(), Auto)
	if e, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, pulse.ErrNoServer) || e.Hint() == "" {
		t.Errorf("OpenMic without a server = %v, want ErrNoServer and a hint", err)
	}
}
