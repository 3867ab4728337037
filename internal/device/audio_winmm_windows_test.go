package device

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/media"
)

// openWave opens the system's choice.
func openWave(t *testing.T) *waveMic {
	t.Helper()
	m, err := openWaveMic(t.Context(), Auto)
	lab.Need(t, err)
	return m
}

// TestWaveRead reads a second of sound, in about that time and without allocations.
func TestWaveRead(t *testing.T) {
	m := openWave(t)
	defer m.Close()
	const second = int(time.Second / media.ChunkTime)
	var c media.Chunk
	var before, after runtime.MemStats
	for range second / 2 { // of which the first come together
		if err := m.ReadChunk(&c); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	runtime.ReadMemStats(&before)
	for range second {
		if err := m.ReadChunk(&c); err != nil {
			t.Fatal(err)
		}
		if age := time.Since(c.At); age < media.ChunkTime || age > time.Second {
			t.Errorf("a chunk was heard %v ago", age)
		}
	}
	runtime.ReadMemStats(&after)
	took := time.Since(start)
	t.Logf("a second of sound took %v and %d allocations", took, after.Mallocs-before.Mallocs)
	if took < 700*time.Millisecond || took > 1500*time.Millisecond {
		t.Errorf("a second of sound took %v", took)
	}
	if n := after.Mallocs - before.Mallocs; n > uint64(second)/4 { // some are of the runtime itself
		t.Errorf("%d chunks took %d allocations", second, n)
	}
}

// TestWaveClose closes microphones that are read, and has others after them.
func TestWaveClose(t *testing.T) {
	for range 5 {
		m := openWave(t)
		ended := make(chan error, 1)
		go func() {
			var c media.Chunk
			for {
				if err := m.ReadChunk(&c); err != nil {
					ended <- err
					return
				}
			}
		}()
		if err := errors.Join(m.Close(), m.Close()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-ended; !errors.Is(err, os.ErrClosed) {
			t.Errorf("ReadChunk while it is closed: %v, want %v", err, os.ErrClosed)
		}
		if m.kept {
			t.Error("the device did not close")
		}
	}
}

// TestWaveNotFound makes sure that a name that no device has opens none.
func TestWaveNotFound(t *testing.T) {
	_, err := OpenMic(t.Context(), "no microphone is called so")
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("OpenMic = %v, want %v", err, ErrNotFound)
	}
}
