package pulse_test

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/sound"
	"github.com/sanix-darker/s2c/pulse"
)

// These tests run with real servers, which have no sound card but the lab's
// virtual devices: what is played into "room", "mic" records.

// each runs a test with each sort of server.
func each(t *testing.T, test func(t *testing.T, s *sound.Server)) {
	for _, kind := range sound.Kinds {
		t.Run(string(kind), func(t *testing.T) { test(t, sound.ForTest(t, kind)) })
	}
}

func openMic(t *testing.T, c pulse.Config) *pulse.Mic {
	t.Helper()
	m, err := pulse.OpenMic(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func openSpeaker(t *testing.T, c pulse.Config) *pulse.Speaker {
	t.Helper()
	s, err := pulse.OpenSpeaker(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// within returns what f returns, or fails the test when it takes too long.
func within(t *testing.T, d time.Duration, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(d):
		t.Fatalf("still waiting after %v", d)
		return nil
	}
}

// untilError reads from m until that fails, and returns why.
func untilError(m *pulse.Mic) error {
	pcm := make([]int16, 480)
	for {
		if _, err := m.Read(pcm); err != nil {
			return err
		}
	}
}

// playUntilError is untilError for a Speaker.
func playUntilError(s *pulse.Speaker) error {
	pcm := make([]int16, 480)
	for {
		if err := s.Write(pcm); err != nil {
			return err
		}
	}
}

func TestLists(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		t.Setenv("PULSE_SERVER", s.Address())
		t.Setenv("HOME", "/nonexistent") // no cookie either
		t.Setenv("XDG_CONFIG_HOME", "/nonexistent")
		mics, err := pulse.Mics(t.Context())
		if want := []pulse.Info{{Name: sound.Mic, Description: sound.MicDescription, Default: true}}; err != nil || !slices.Equal(mics, want) {
			t.Errorf("Mics() = %v, %v, want %v", mics, err, want)
		}
		speakers, err := pulse.Speakers(t.Context())
		if want := (pulse.Info{Name: sound.Speaker, Description: sound.SpeakerDescription, Default: true}); err != nil || !slices.Contains(speakers, want) {
			t.Errorf("Speakers() = %v, %v, want %v among them", speakers, err, want)
		}
	})
}

func TestNotFound(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		c := pulse.Config{Server: s.Address(), Device: "webcam"}
		if _, err := pulse.OpenMic(t.Context(), c); !errors.Is(err, pulse.ErrNotFound) {
			t.Errorf("OpenMic(%q) = %v, want ErrNotFound", c.Device, err)
		}
		if _, err := pulse.OpenSpeaker(t.Context(), c); !errors.Is(err, pulse.ErrNotFound) {
			t.Errorf("OpenSpeaker(%q) = %v, want ErrNotFound", c.Device, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := pulse.OpenMic(ctx, pulse.Config{Server: s.Address()}); !errors.Is(err, context.Canceled) {
			t.Errorf("OpenMic with a cancelled context = %v, want that", err)
		}
	})
}

// TestTone plays a tone into the room and expects the microphone to hear it,
// whole and in time.
func TestTone(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		m := openMic(t, pulse.Config{Server: s.Address(), Device: "labmicro"})
		p := openSpeaker(t, pulse.Config{Server: s.Address(), Device: sound.Room})
		const hz = 440.0
		var wg sync.WaitGroup
		wg.Go(func() {
			pcm, phase := make([]int16, 960), 0
			for {
				for i := range pcm {
					pcm[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(phase)/pulse.Rate))
					phase++
				}
				if p.Write(pcm) != nil {
					return
				}
			}
		})
		best := 0.0
		var last time.Time
		for range 100 { // 2 s
			pcm := make([]int16, 960)
			at, err := m.Read(pcm)
			if err != nil {
				t.Fatal(err)
			}
			best = max(best, amplitude(pcm, hz))
			if age := time.Since(at); age < 0 || age > time.Second || !at.After(last) {
				t.Errorf("sound is said to be %v old, and %v younger than what came before", age, at.Sub(last))
			}
			last = at
		}
		p.Close()
		wg.Wait()
		if best < 7000 || best > 8500 {
			t.Errorf("the tone comes with an amplitude of %.0f, want 8000", best)
		}
		if l := p.Latency(); l <= 0 || l > time.Second {
			t.Errorf("Latency() = %v", l)
		}
	})
}

// amplitude returns how much of a sine wave of that frequency is in pcm.
func amplitude(pcm []int16, hz float64) float64 {
	var re, im float64
	for i, v := range pcm {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / pulse.Rate)
		re += float64(v) * cos
		im += float64(v) * sin
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm))
}

// TestPace makes sure that the server's clock paces the writer, also after the
// writer stood still.
func TestPace(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		p := openSpeaker(t, pulse.Config{Server: s.Address()})
		pcm := make([]int16, 960)
		write := func(n int) time.Duration {
			start := time.Now()
			for range n {
				if err := p.Write(pcm); err != nil {
					t.Fatal(err)
				}
			}
			return time.Since(start)
		}
		write(20)
		before := p.Underruns()
		time.Sleep(500 * time.Millisecond)
		if took := write(50); took < 800*time.Millisecond {
			t.Errorf("after a break, a second of sound was taken within %v", took)
		}
		if n := p.Underruns() - before; n == 0 {
			t.Error("half a second without sound counted as no underrun")
		}
	})
}

// TestGrow makes sure that a writer that cannot keep up gets a longer buffer.
func TestGrow(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		p := openSpeaker(t, pulse.Config{Server: s.Address()})
		before, start := pulse.Held(p), time.Now()
		for pulse.Held(p) <= before && time.Since(start) < 10*time.Second {
			if err := p.Write(make([]int16, 2400)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(150 * time.Millisecond)
		}
		if after := pulse.Held(p); after <= before {
			t.Errorf("after %d underruns the server holds %d bytes, want more than %d", p.Underruns(), after, before)
		}
	})
}

// TestGone makes sure that nothing waits for a server that has crashed.
func TestGone(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		m := openMic(t, pulse.Config{Server: s.Address()})
		p := openSpeaker(t, pulse.Config{Server: s.Address()})
		if err := p.Write(make([]int16, 4800)); err != nil {
			t.Fatal(err)
		}
		s.Kill()
		if err := within(t, time.Second, func() error { return untilError(m) }); !errors.Is(err, pulse.ErrGone) {
			t.Errorf("Read after the server's death = %v, want ErrGone", err)
		}
		if err := within(t, time.Second, func() error { return playUntilError(p) }); !errors.Is(err, pulse.ErrGone) {
			t.Errorf("Write after the server's death = %v, want ErrGone", err)
		}
		if _, err := pulse.OpenMic(t.Context(), pulse.Config{Server: s.Address()}); !errors.Is(err, pulse.ErrNoServer) {
			t.Errorf("OpenMic after the server's death = %v, want ErrNoServer", err)
		}
	})
}

// TestUnplugged makes sure that a microphone that goes away ends, and is not
// replaced by a monitor; that a speaker that goes away is replaced.
func TestUnplugged(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		m := openMic(t, pulse.Config{Server: s.Address()})
		p := openSpeaker(t, pulse.Config{Server: s.Address()})
		if err := errors.Join(s.UnloadMic(), s.Unload(sound.Speaker)); err != nil {
			t.Fatal(err)
		}
		if err := within(t, time.Second, func() error { return untilError(m) }); !errors.Is(err, pulse.ErrGone) {
			t.Errorf("Read after the microphone was unplugged = %v, want ErrGone", err)
		}
		if _, err := pulse.OpenMic(t.Context(), pulse.Config{Server: s.Address()}); !errors.Is(err, pulse.ErrNotFound) {
			t.Errorf("OpenMic where there are only monitors = %v, want ErrNotFound", err)
		}
		if err := within(t, 5*time.Second, func() error { return p.Write(make([]int16, pulse.Rate)) }); err != nil {
			t.Errorf("Write after the speaker was unplugged = %v, want another to play on", err)
		}
	})
}

// TestFollow makes sure that a microphone that was opened as the default ends
// when another is, and one that was named does not.
func TestFollow(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		if err := s.AddMic("usb"); err != nil {
			t.Fatal(err)
		}
		follows := openMic(t, pulse.Config{Server: s.Address()})
		named := openMic(t, pulse.Config{Server: s.Address(), Device: sound.Mic})
		if err := s.SetDefault("usb", ""); err != nil {
			t.Fatal(err)
		}
		if err := within(t, time.Second, func() error { return untilError(follows) }); !errors.Is(err, pulse.ErrMoved) {
			t.Errorf("Read after another became the default = %v, want ErrMoved", err)
		}
		if _, err := named.Read(make([]int16, pulse.Rate/2)); err != nil {
			t.Errorf("Read from the one that was named = %v", err)
		}
	})
}

// TestSuspend makes sure that a suspended microphone is waited for. PipeWire
// takes the request and lets a virtual device run, which is just as well.
func TestSuspend(t *testing.T) {
	s := sound.ForTest(t, sound.Pulse)
	m := openMic(t, pulse.Config{Server: s.Address()})
	pcm := make([]int16, 480)
	if _, err := m.Read(pcm); err != nil {
		t.Fatal(err)
	}
	if err := s.SuspendMic(true); err != nil {
		t.Fatal(err)
	}
	woken := make(chan error, 1)
	go func() {
		time.Sleep(1500 * time.Millisecond) // longer than quietAfter and a poll
		woken <- s.SuspendMic(false)
	}()
	err := within(t, 5*time.Second, func() error {
		_, err := m.Read(make([]int16, pulse.Rate/2))
		return err
	})
	if err := errors.Join(err, <-woken); err != nil {
		t.Errorf("Read while the microphone was suspended = %v", err)
	}
}

// TestCloseUnblocks closes a Mic that a Read waits for.
func TestCloseUnblocks(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		m := openMic(t, pulse.Config{Server: s.Address()})
		ended := make(chan error, 1)
		go func() { ended <- untilError(m) }()
		time.Sleep(50 * time.Millisecond)
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read after Close = %v, want os.ErrClosed", err)
		}
	})
}

// BenchmarkSpeaker plays to a real server: what is allocated for each 20 ms is
// the library's, for the server's requests.
func BenchmarkSpeaker(b *testing.B) {
	s := sound.ForTest(b, sound.Pulse)
	p, err := pulse.OpenSpeaker(b.Context(), pulse.Config{Server: s.Address()})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	pcm := make([]int16, 960)
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Write(pcm); err != nil {
			b.Fatal(err)
		}
	}
}
