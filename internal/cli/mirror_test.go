package cli

import (
	"context"
	"errors"
	"math"
	"os"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// A steadyMic says the same sample for ever, and now and then one at full scale.
type steadyMic struct {
	full   int // samples of each chunk that are at full scale
	closed bool
}

func (m *steadyMic) ReadChunk(c *media.Chunk) error {
	if m.closed {
		return os.ErrClosed
	}
	for i := range c.PCM {
		c.PCM[i] = 1000
		if i < m.full {
			c.PCM[i] = math.MinInt16
		}
	}
	return nil
}

func (m *steadyMic) Close() error {
	m.closed = true
	return nil
}

func (m *steadyMic) Delay() (pulse.Delay, bool) {
	return pulse.Delay{Device: 4 * time.Millisecond, Buffer: 8 * time.Millisecond}, true
}

func TestMirrorMicrophone(t *testing.T) {
	now := time.Unix(1, 0)
	m := mirror{hears: hears{now: func() time.Time { return now }}}
	if m.hears.through(nil) != nil {
		t.Error("no microphone becomes one")
	}
	mic := &steadyMic{}
	says := func(when, want string) {
		t.Helper()
		if got := m.microphone(); got != want {
			t.Errorf("%s the mirror says %q, want %q", when, got, want)
		}
	}
	const delay = "takes 12 ms (device 4, server 8)"
	says("before it is open", "")
	src, err := m.hears.through(func(context.Context) (media.AudioSource, error) { return mic, nil })(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var c media.Chunk
	read := func(full int) {
		t.Helper()
		mic.full = full
		if err := src.ReadChunk(&c); err != nil || c.PCM[len(c.PCM)-1] != 1000 {
			t.Fatalf("ReadChunk = %v, with %d at the end", err, c.PCM[len(c.PCM)-1])
		}
	}
	read(loudSamples - 1)
	says("after a spike", "microphone: "+delay)
	read(media.ChunkSamples / 4)
	now = now.Add(loudFor)
	says("after a shout", "microphone: TOO LOUD, 25 % is cut off: turn it down; "+delay)
	read(media.ChunkSamples / 10)
	says("after a softer one", "microphone: TOO LOUD, 25 % is cut off: turn it down; "+delay)
	now = now.Add(loudFor + 1)
	says("a while later", "microphone: "+delay)
	read(media.ChunkSamples / 10)
	says("after the next", "microphone: TOO LOUD, 10 % is cut off: turn it down; "+delay)
	now = now.Add(loudFor + 1)
	aec := "echo is cancelled in a call"
	m.aec.Store(&aec)
	says("when that is known", "microphone: "+delay+"; "+aec)
	if n := testing.AllocsPerRun(100, func() { read(media.ChunkSamples / 10) }); n != 0 {
		t.Errorf("hearing a chunk allocates %v times", n)
	}
	now = now.Add(loudFor + 1)
	if err := src.Close(); err != nil || !mic.closed {
		t.Errorf("Close = %v, closed: %v", err, mic.closed)
	}
	says("after it was closed", "microphone: "+aec)
	broken := errors.New("broken")
	if _, err := m.hears.through(func(context.Context) (media.AudioSource, error) { return nil, broken })(t.Context()); !errors.Is(err, broken) {
		t.Errorf("opening = %v, want %v", err, broken)
	}
}
