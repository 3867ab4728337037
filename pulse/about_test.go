package pulse_test

import (
	"errors"
	"regexp"
	"testing"

	"github.com/sanix-darker/s2c/internal/lab/sound"
	"github.com/sanix-darker/s2c/pulse"
)

// TestAbout asks real servers who they are.
func TestAbout(t *testing.T) {
	for kind, want := range map[sound.Kind]string{
		sound.Pulse:    `^PulseAudio \d+\.\d`,
		sound.PipeWire: `^PipeWire \d+\.\d+\.\d`,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Setenv("PULSE_SERVER", sound.ForTest(t, kind).Address())
			if got, err := pulse.About(t.Context()); err != nil || !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("About() = %q, %v, want %s", got, err, want)
			}
		})
	}
	t.Setenv("PULSE_SERVER", "unix:"+t.TempDir()+"/none")
	if _, err := pulse.About(t.Context()); !errors.Is(err, pulse.ErrNoServer) {
		t.Errorf("About() without a server = %v, want ErrNoServer", err)
	}
}
