package pulse_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/sound"
	"github.com/sanix-darker/s2c/pulse"
)

// echoes returns the tags of the cancellers that the server has of ours.
func echoes(t *testing.T, s *sound.Server) (tags []string) {
	t.Helper()
	list, err := s.Modules()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if _, rest, ok := strings.Cut(m, "source_name=s2c_mic_"); ok {
			tag, _, _ := strings.Cut(rest, " ")
			tags = append(tags, tag)
		}
	}
	return tags
}

func openEcho(t *testing.T, s *sound.Server) *pulse.Echo {
	t.Helper()
	e, err := pulse.OpenEcho(t.Context(), pulse.EchoConfig{Server: s.Address()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// TestEcho makes sure that a canceller comes and goes, is not taken for a device,
// and does not disturb another.
func TestEcho(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		start := time.Now()
		e := openEcho(t, s)
		t.Logf("loaded within %v", time.Since(start).Round(time.Millisecond))
		other := openEcho(t, s)
		if tags := echoes(t, s); len(tags) != 2 || tags[0] == tags[1] {
			t.Errorf("the cancellers are %q, want two", tags)
		}
		m := openMic(t, pulse.Config{Echo: e})
		p := openSpeaker(t, pulse.Config{Echo: e})
		if _, err := m.Read(make([]int16, 4800)); err != nil {
			t.Error(err)
		}
		if err := p.Write(make([]int16, 4800)); err != nil {
			t.Error(err)
		}
		t.Setenv("PULSE_SERVER", s.Address())
		mics, err := pulse.Mics(t.Context())
		if ours := func(i pulse.Info) bool { return strings.HasPrefix(i.Name, "s2c_") }; err != nil || slices.ContainsFunc(mics, ours) {
			t.Errorf("Mics() = %v, %v, want no canceller among them", mics, err)
		}
		if err := errors.Join(m.Close(), p.Close(), e.Close(), e.Close()); err != nil {
			t.Error(err)
		}
		if err := other.Err(); err != nil {
			t.Errorf("the other canceller: %v", err)
		}
		other.Close()
		if tags := echoes(t, s); len(tags) != 0 {
			t.Errorf("%q are left", tags)
		}
	})
}

// TestEchoEnds makes sure that a canceller ends, and those who use it are told,
// when it is not for the right devices any more.
func TestEchoEnds(t *testing.T) {
	tests := []struct {
		name string
		do   func(s *sound.Server) error
		want error
	}{
		{"another default", func(s *sound.Server) error { return s.SetDefault("usb", "") }, pulse.ErrMoved},
		{"microphone unplugged", func(s *sound.Server) error { return s.UnloadMic() }, pulse.ErrGone},
		{"server killed", func(s *sound.Server) error { s.Kill(); return nil }, pulse.ErrGone},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *sound.Server) {
				if err := s.AddMic("usb"); err != nil {
					t.Fatal(err)
				}
				e := openEcho(t, s)
				m := openMic(t, pulse.Config{Echo: e})
				p := openSpeaker(t, pulse.Config{Echo: e})
				if err := tt.do(s); err != nil {
					t.Fatal(err)
				}
				if err := within(t, 2*time.Second, func() error { return untilError(m) }); !errors.Is(err, pulse.ErrGone) {
					t.Errorf("Read = %v, want ErrGone", err)
				}
				if err := within(t, 2*time.Second, func() error { return playUntilError(p) }); !errors.Is(err, pulse.ErrGone) {
					t.Errorf("Write = %v, want ErrGone", err)
				}
				err := within(t, time.Second, func() error {
					for e.Err() == nil {
						time.Sleep(time.Millisecond)
					}
					return e.Err()
				})
				if !errors.Is(err, tt.want) {
					t.Errorf("Err() = %v, want %v", err, tt.want)
				}
				e.Close()
			})
		})
	}
}

// TestEchoRefused makes sure that PulseAudio is not asked for what would make it
// wait for itself, and that two cancellers are not put in a row.
func TestEchoRefused(t *testing.T) {
	s := sound.ForTest(t, sound.Pulse)
	_, err := pulse.OpenEcho(t.Context(), pulse.EchoConfig{Server: s.Address(), Speaker: sound.Room})
	if !errors.Is(err, pulse.ErrNoEcho) {
		t.Errorf("a canceller between a speaker and its own monitor: %v, want ErrNoEcho", err)
	}
	_, err = pulse.OpenEcho(t.Context(), pulse.EchoConfig{Server: s.Address(), Mic: sound.RoomMonitor})
	if !errors.Is(err, pulse.ErrNoEcho) {
		t.Errorf("a canceller of a monitor: %v, want ErrNoEcho", err)
	}
	_, err = pulse.OpenEcho(t.Context(), pulse.EchoConfig{Server: s.Address(), Mic: "webcam"})
	if !errors.Is(err, pulse.ErrNotFound) {
		t.Errorf("a canceller of no microphone: %v, want ErrNotFound", err)
	}
	if err := s.AddCanceller("theirs"); err != nil {
		t.Fatal(err)
	}
	_, err = pulse.OpenEcho(t.Context(), pulse.EchoConfig{Server: s.Address(), Mic: "theirs"})
	if !errors.Is(err, pulse.ErrHasEcho) {
		t.Errorf("a canceller after another: %v, want ErrHasEcho", err)
	}
}

// victim is the environment variable that makes this program load a canceller
// and wait to be killed.
const victim = "S2C_TEST_VICTIM"

// TestVictim is no test but the program that TestKilled kills.
func TestVictim(t *testing.T) {
	server, ok := os.LookupEnv(victim)
	if !ok {
		t.Skip("for TestKilled")
	}
	if _, err := pulse.OpenEcho(context.Background(), pulse.EchoConfig{Server: server}); err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString("loaded\n")
	select {}
}

// TestKilled makes sure that what a killed process leaves behind is removed by
// the next, and that of a living one is not.
func TestKilled(t *testing.T) {
	each(t, func(t *testing.T, s *sound.Server) {
		alive := openEcho(t, s)
		tag := echoes(t, s)
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestVictim$")
		cmd.Env = append(os.Environ(), victim+"="+s.Address())
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len("loaded\n"))); err != nil {
			t.Fatal(err)
		}
		cmd.Process.Kill()
		cmd.Wait()
		if left := echoes(t, s); len(left) != 2 {
			t.Errorf("after the kill there are %q, want two: the test shows nothing", left)
		}
		next := openEcho(t, s)
		if left := echoes(t, s); len(left) != 2 || !slices.Contains(left, tag[0]) {
			t.Errorf("the next leaves %q, want %q and its own", left, tag)
		}
		if err := errors.Join(alive.Err(), next.Err(), alive.Close(), next.Close()); err != nil {
			t.Error(err)
		}
		if left := echoes(t, s); len(left) != 0 {
			t.Errorf("%q are left", left)
		}
	})
}
