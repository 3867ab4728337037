package cli

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// A slowMic is a microphone that knows how long it takes.
type slowMic struct{ media.AudioSource }

func (slowMic) Close() error { return os.ErrClosed }

func (slowMic) Delay() (pulse.Delay, bool) {
	return pulse.Delay{Device: 4 * time.Millisecond, Buffer: 8 * time.Millisecond}, true
}

func TestMirrorMicrophone(t *testing.T) {
	var m mirror
	if m.mic.through(nil) != nil {
		t.Error("no microphone becomes one")
	}
	says := func(when, want string) {
		t.Helper()
		if got := m.microphone(); got != want {
			t.Errorf("%s the mirror says %q, want %q", when, got, want)
		}
	}
	const delay = "takes 12 ms (device 4, server 8)"
	says("before it is open", "")
	src, err := m.mic.through(func(context.Context) (media.AudioSource, error) { return slowMic{}, nil })(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	says("when it is open", "microphone: "+delay)
	m.state.Self.TooLoud = true
	says("after a shout", "microphone: TOO LOUD: turn it down; "+delay)
	m.state.Self.TooLoud = false
	aec := "echo is cancelled in a call"
	m.aec.Store(&aec)
	says("when that is known", "microphone: "+delay+"; "+aec)
	if err := src.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Close = %v, want what the microphone says", err)
	}
	says("after it was closed", "microphone: "+aec)
	broken := errors.New("broken")
	if _, err := m.mic.through(func(context.Context) (media.AudioSource, error) { return nil, broken })(t.Context()); !errors.Is(err, broken) {
		t.Errorf("opening = %v, want %v", err, broken)
	}
}
