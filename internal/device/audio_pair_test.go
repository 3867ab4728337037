//go:build linux || freebsd || netbsd || openbsd

package device

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/sound"
	"github.com/sanix-darker/s2c/internal/media"
)

// cancellers returns how many echo cancellers the server has.
func cancellers(t *testing.T, s *sound.Server) int {
	t.Helper()
	list, err := s.Modules()
	if err != nil {
		t.Fatal(err)
	}
	return len(slices.DeleteFunc(list, func(m string) bool { return !strings.HasPrefix(m, "module-echo-cancel ") }))
}

func TestPairReasons(t *testing.T) {
	tests := []struct {
		c    PairConfig
		want error
	}{
		{PairConfig{Mic: Auto, Speaker: Auto}, nil},
		{PairConfig{Mic: "Yeti", Speaker: "Built-in"}, nil},
		{PairConfig{Mic: Auto, Speaker: Auto, NoAEC: true}, ErrNoAEC},
		{PairConfig{Mic: Test, Speaker: Auto}, ErrNoAEC},
		{PairConfig{Mic: "test:2", Speaker: Auto}, ErrNoAEC},
		{PairConfig{Mic: "a.wav", Speaker: Auto}, ErrNoAEC},
		{PairConfig{Mic: "http://a/b", Speaker: Auto}, ErrNoAEC},
		{PairConfig{Mic: "ffmpeg:-i x", Speaker: Auto}, ErrNoAEC},
		{PairConfig{Mic: "audio_pair_test.go", Speaker: Auto}, ErrNoAEC},
		{PairConfig{Mic: Auto, Speaker: None}, ErrNoAEC},
		{PairConfig{Mic: Auto}, ErrNoAEC},
	}
	for _, tt := range tests {
		if err := NewPair(tt.c).AEC(); !errors.Is(err, tt.want) {
			t.Errorf("NewPair(%+v).AEC() = %v, want %v", tt.c, err, tt.want)
		}
	}
}

// TestPair makes sure that the canceller is there while one of the two is open,
// once, and no longer.
func TestPair(t *testing.T) {
	for _, kind := range sound.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			server := sound.ForTest(t, kind)
			t.Setenv("PULSE_SERVER", server.Address())
			for _, noAEC := range []bool{false, true} {
				p := NewPair(PairConfig{Mic: Auto, Speaker: "LabSpeaker", NoAEC: noAEC})
				want := 1
				if noAEC {
					want = 0
				}
				m, err := p.OpenMic(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				s, err := p.OpenSpeaker(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if n := cancellers(t, server); n != want || errors.Is(p.AEC(), ErrNoAEC) != noAEC {
					t.Errorf("NoAEC %v: both are open with %d cancellers, want %d, and AEC() = %v", noAEC, n, want, p.AEC())
				}
				var c media.Chunk
				if err := errors.Join(m.ReadChunk(&c), s.Wait(), s.WriteChunk(&c), m.Close()); err != nil {
					t.Error(err)
				}
				if n := cancellers(t, server); n != want {
					t.Errorf("NoAEC %v: one is open with %d cancellers, want %d", noAEC, n, want)
				}
				if m, err = p.OpenMic(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(m.ReadChunk(&c), m.Close(), s.Close(), s.Close()); err != nil {
					t.Error(err)
				}
				if n := cancellers(t, server); n != 0 {
					t.Errorf("NoAEC %v: both are closed and %d cancellers are left", noAEC, n)
				}
			}
		})
	}
}

// TestPairLate opens the speaker when there is no microphone yet, and then plugs
// one in: the speaker has to be played through the canceller as well.
func TestPairLate(t *testing.T) {
	server := sound.ForTest(t, sound.Pulse)
	t.Setenv("PULSE_SERVER", server.Address())
	if err := server.UnloadMic(); err != nil {
		t.Fatal(err)
	}
	p := NewPair(PairConfig{Mic: Auto, Speaker: Auto})
	s, err := p.OpenSpeaker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AEC(); err == nil {
		t.Error("AEC() = nil without a microphone")
	}
	if _, err := p.OpenMic(t.Context()); !errors.Is(err, ErrNoDevice) {
		t.Errorf("OpenMic without a microphone = %v, want ErrNoDevice", err)
	}
	if err := server.AddMic("usb"); err != nil {
		t.Fatal(err)
	}
	m, err := p.OpenMic(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var c media.Chunk
	if err := errors.Join(m.ReadChunk(&c), s.Wait(), s.WriteChunk(&c)); err != nil {
		t.Error(err)
	}
	if err := p.AEC(); err != nil {
		t.Errorf("AEC() = %v", err)
	}
	sinks, err := server.Streams(sound.ToSpeakers)
	if err != nil || !slices.ContainsFunc(sinks, func(s sound.Stream) bool { return s.Client == "s2c" && strings.HasPrefix(s.Device, "s2c_speaker_") }) {
		t.Errorf("the speaker plays to %+v, %v, want the canceller", sinks, err)
	}
	if err := errors.Join(m.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if n := cancellers(t, server); n != 0 {
		t.Errorf("%d cancellers are left", n)
	}
}

// TestPairHeadphones makes sure that nothing is cancelled while the speaker is a
// headset, and that the pair follows when it is not any more, and when it is
// again.
func TestPairHeadphones(t *testing.T) {
	for _, kind := range sound.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			server := sound.ForTest(t, kind)
			t.Setenv("PULSE_SERVER", server.Address())
			if err := errors.Join(server.AddHeadset("ears"), server.SetDefault("", "ears")); err != nil {
				t.Fatal(err)
			}
			p := NewPair(PairConfig{Mic: Auto, Speaker: Auto, LowLatency: true})
			m, err := p.OpenMic(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			s, err := p.OpenSpeaker(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for _, step := range []struct {
				speaker    string
				cancellers int
			}{{"ears", 0}, {sound.Speaker, 1}, {"ears", 0}} {
				if err := server.SetDefault("", step.speaker); err != nil {
					t.Fatal(err)
				}
				// the change is an event, which takes its time
				for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
					var c media.Chunk
					if err := errors.Join(m.ReadChunk(&c), s.WriteChunk(&c)); err != nil {
						t.Fatal(err)
					}
					if cancellers(t, server) == step.cancellers && errors.Is(p.AEC(), ErrNoAEC) == (step.cancellers == 0) &&
						uses(t, server, sound.FromMics, sound.Mic) && uses(t, server, sound.ToSpeakers, step.speaker) {
						break
					}
				}
				if n, err := cancellers(t, server), p.AEC(); n != step.cancellers || errors.Is(err, ErrNoAEC) != (n == 0) {
					t.Errorf("with %q there are %d cancellers, want %d, and AEC() = %v", step.speaker, n, step.cancellers, err)
				}
				checkStreams(t, server, step.speaker, sound.Mic, step.speaker)
			}
		})
	}
}

// A use keeps a device busy as a call does, opening it again when it fails, and
// finds the longest time without sound.
type use struct {
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
	fails   int
	sounds  time.Duration // of what went through
}

// sound notes that a chunk went through.
func (u *use) sound() {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if !u.last.IsZero() {
		u.longest = max(u.longest, now.Sub(u.last))
	}
	u.last = now
	u.sounds += media.ChunkTime
}

// since forgets what was, and returns a function that waits until sound has come
// for some time, and returns the longest gap and how often the device failed.
func (u *use) since(t *testing.T) func() (time.Duration, int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.longest, u.fails = 0, 0
	return func() (time.Duration, int) {
		t.Helper()
		u.mu.Lock()
		u.sounds = 0
		u.mu.Unlock()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			u.mu.Lock()
			longest, fails, sounds := u.longest, u.fails, u.sounds
			u.mu.Unlock()
			if sounds >= 150*time.Millisecond {
				return longest, fails
			}
			if time.Now().After(end) {
				t.Error("no sound comes any more")
				return longest, fails
			}
		}
	}
}

// keep opens and uses a device until stop is closed, as a call does, but tries
// again after that pause.
func (u *use) keep(stop <-chan struct{}, pause time.Duration, open func() (func() error, func() error, error)) {
	for {
		work, closeIt, err := open()
		if err == nil {
			done := make(chan struct{})
			go func() {
				select {
				case <-stop:
				case <-done:
				}
				closeIt()
			}()
			for err = work(); err == nil; err = work() {
				u.sound()
			}
			close(done)
		}
		u.mu.Lock()
		u.fails++
		u.mu.Unlock()
		select {
		case <-stop:
			return
		case <-time.After(pause):
		}
	}
}

// retryAfter is how long this test waits before it opens a device again.
const retryAfter = 200 * time.Millisecond

// TestGaps changes the default devices, unplugs them, and restarts the server,
// and measures what is missing of the sound.
func TestGaps(t *testing.T) {
	for _, kind := range sound.Kinds {
		for _, noAEC := range []bool{true, false} {
			name := string(kind) + "/aec"
			if noAEC {
				name = string(kind) + "/plain"
			}
			t.Run(name, func(t *testing.T) {
				for again := 2; testGaps(t, kind, noAEC); again-- {
					if again == 0 {
						t.Fatal("the server crashes each time")
					}
				}
			})
		}
	}
}

// testGaps reports whether the server has crashed, which says nothing about us.
func testGaps(t *testing.T, kind sound.Kind, noAEC bool) (crashed bool) {
	server := sound.ForTest(t, kind)
	t.Setenv("PULSE_SERVER", server.Address())
	if err := errors.Join(server.AddMic("usb"), server.AddSpeaker("headset")); err != nil {
		t.Fatal(err)
	}
	p := NewPair(PairConfig{Mic: Auto, Speaker: Auto, NoAEC: noAEC})
	var mic, speaker use
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	wg.Go(func() {
		mic.keep(stop, retryAfter, func() (work, closeIt func() error, err error) {
			m, err := p.OpenMic(t.Context())
			if err != nil {
				return nil, nil, err
			}
			var c media.Chunk
			return func() error { return m.ReadChunk(&c) }, m.Close, nil
		})
	})
	wg.Go(func() {
		speaker.keep(stop, retryAfter, func() (work, closeIt func() error, err error) {
			s, err := p.OpenSpeaker(t.Context())
			if err != nil {
				return nil, nil, err
			}
			var c media.Chunk
			return func() error { return s.WriteChunk(&c) }, s.Close, nil
		})
	})
	steps := []struct {
		name         string
		do           func() error
		most         time.Duration // a loose bound; 0 means none
		mic, speaker string        // where they are then; "" means not to be looked at
	}{
		{"start", func() error { return nil }, 0, sound.Mic, sound.Speaker},
		{"another default", func() error { return server.SetDefault("usb", "headset") }, 2 * time.Second, "usb", "headset"},
		{"unplugged", func() error { return server.Unload("headset") }, 2 * time.Second, "", sound.Speaker},
		{"microphone unplugged", func() error { return server.UnloadSource("usb") }, 2 * time.Second, sound.Mic, ""},
		{"server restarted", func() error {
			server.Kill()
			start := time.Now()
			err := server.Restart()
			t.Logf("the server takes %v to start", time.Since(start).Round(time.Millisecond))
			return err
		}, 0, sound.Mic, sound.Speaker},
	}
	// Longer than a device opens itself again: its user is told and tries.
	slow := steps[len(steps)-1]
	slow.name, slow.do = "server gone for a second", func() error {
		server.Kill()
		time.Sleep(2 * reviveWithin)
		return server.Restart()
	}
	steps = append(steps, slow)
	for _, step := range steps {
		micGap, speakerGap := mic.since(t), speaker.since(t)
		if err := step.do(); errors.Is(err, sound.ErrEnded) {
			t.Logf("%s: %v; starting over", step.name, err)
			return true
		} else if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		at := time.Now()
		time.Sleep(200 * time.Millisecond) // for the first failure
		a, failsA := micGap()
		b, failsB := speakerGap()
		t.Logf("%s: microphone silent for %v (%d failures), speaker for %v (%d); whole after %v", step.name,
			a.Round(time.Millisecond), failsA, b.Round(time.Millisecond), failsB, time.Since(at).Round(time.Millisecond))
		if step.most > 0 && max(a, b) > step.most {
			t.Errorf("%s: silent for %v and %v, want %v at most", step.name, a, b, step.most)
		}
		checkStreams(t, server, step.name, step.mic, step.speaker)
		if n := cancellers(t, server); n != map[bool]int{true: 0, false: 1}[noAEC] {
			t.Errorf("%s: there are %d cancellers", step.name, n)
		}
		if err := p.AEC(); (err != nil) != noAEC {
			t.Errorf("%s: AEC() = %v", step.name, err)
		}
	}
	return false
}

// checkStreams makes sure that somebody records mic and plays to speaker: we, or
// the canceller for us.
func checkStreams(t *testing.T, server *sound.Server, step, mic, speaker string) {
	t.Helper()
	for from, want := range map[sound.Direction]string{sound.FromMics: mic, sound.ToSpeakers: speaker} {
		if want != "" && !uses(t, server, from, want) {
			list, err := server.Streams(from)
			t.Errorf("%s: the streams are %+v, %v, want one with %s", step, list, err, want)
		}
	}
}

// uses reports whether somebody records or plays to the device of that name.
func uses(t *testing.T, server *sound.Server, from sound.Direction, device string) bool {
	t.Helper()
	list, err := server.Streams(from)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(list, func(s sound.Stream) bool { return s.Device == device })
}

// TestPairUse changes the microphone and the speaker while both are in use, and
// measures what is missing of the sound of the other.
func TestPairUse(t *testing.T) {
	for _, kind := range sound.Kinds {
		for _, noAEC := range []bool{true, false} {
			name := string(kind) + "/aec"
			if noAEC {
				name = string(kind) + "/plain"
			}
			t.Run(name, func(t *testing.T) { testPairUse(t, kind, noAEC) })
		}
	}
}

func testPairUse(t *testing.T, kind sound.Kind, noAEC bool) {
	server := sound.ForTest(t, kind)
	t.Setenv("PULSE_SERVER", server.Address())
	if err := errors.Join(server.AddMic("usb"), server.AddSpeaker("box")); err != nil {
		t.Fatal(err)
	}
	p := NewPair(PairConfig{Mic: Auto, Speaker: Auto, NoAEC: noAEC})
	var mic, speaker use
	var openMic, openSpeaker atomic.Pointer[func() error] // closes it
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	const again = time.Millisecond
	wg.Go(func() {
		mic.keep(stop, again, func() (work, closeIt func() error, err error) {
			m, err := p.OpenMic(t.Context())
			if err != nil {
				return nil, nil, err
			}
			openMic.Store(new(m.Close))
			var c media.Chunk
			return func() error { return m.ReadChunk(&c) }, m.Close, nil
		})
	})
	wg.Go(func() {
		speaker.keep(stop, again, func() (work, closeIt func() error, err error) {
			s, err := p.OpenSpeaker(t.Context())
			if err != nil {
				return nil, nil, err
			}
			openSpeaker.Store(new(s.Close))
			var c media.Chunk
			return func() error { return s.WriteChunk(&c) }, s.Close, nil
		})
	})
	useMic := func(name string) error {
		_, err := p.UseMic(t.Context(), name)
		if err == nil {
			_ = (*openMic.Load())()
		}
		return err
	}
	useSpeaker := func(name string) error {
		_, err := p.UseSpeaker(t.Context(), name)
		if err == nil {
			_ = (*openSpeaker.Load())()
		}
		return err
	}
	undone := func() error {
		undo, err := p.UseMic(t.Context(), "usb")
		if err == nil {
			undo()
			_ = (*openMic.Load())()
		}
		return err
	}
	mics, speakers := mic.since(t), speaker.since(t)
	mics()
	speakers()
	cancelled := 1
	if noAEC {
		cancelled = 0
	}
	for _, step := range []struct {
		name         string
		do           func() error
		err          error
		mic, speaker string
		cancellers   int
	}{
		{"another microphone", func() error { return useMic("usb") }, nil, "usb", sound.Speaker, cancelled},
		{"another speaker", func() error { return useSpeaker("box") }, nil, "usb", "box", cancelled},
		{"no such microphone", func() error { return useMic("webcam") }, ErrNotFound, "usb", "box", cancelled},
		{"no such speaker", func() error { return useSpeaker("webcam") }, ErrNotFound, "usb", "box", cancelled},
		{"the test microphone", func() error { return useMic(Test) }, nil, "", "box", 0},
		{"back", func() error { return useMic(sound.Mic) }, nil, sound.Mic, "box", cancelled},
		{"taken back", undone, nil, sound.Mic, "box", cancelled},
		{"the usual", func() error { return useSpeaker(Auto) }, nil, sound.Mic, sound.Speaker, cancelled},
	} {
		micGap, speakerGap := mic.since(t), speaker.since(t)
		start := time.Now()
		if err := step.do(); !errors.Is(err, step.err) || (step.err == nil) != (err == nil) {
			t.Fatalf("%s: %v, want %v", step.name, err, step.err)
		}
		took := time.Since(start)
		a, _ := micGap()
		b, _ := speakerGap()
		t.Logf("%s: microphone silent for %v, speaker for %v; changed after %v", step.name,
			a.Round(time.Millisecond), b.Round(time.Millisecond), took.Round(time.Millisecond))
		if max(a, b) > time.Second {
			t.Errorf("%s: silent for %v and %v, want less than a second", step.name, a, b)
		}
		// What is not used any more goes in its own time.
		for end := time.Now().Add(5 * time.Second); cancellers(t, server) != step.cancellers; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: there are %d cancellers, want %d", step.name, cancellers(t, server), step.cancellers)
			}
		}
		checkStreams(t, server, step.name, step.mic, step.speaker)
		if err := p.AEC(); (err != nil) != (step.cancellers == 0) {
			t.Errorf("%s: AEC() = %v", step.name, err)
		}
	}
}
