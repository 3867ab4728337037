package device

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sanix-darker/s2c/internal/media"
)

func TestWAVWriteAllocs(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "a.wav"))
	if err != nil {
		t.Fatal(err)
	}
	w := newWAVFile(f)
	defer w.close()
	if n := testing.AllocsPerRun(100, func() {
		if err := w.write(&silence); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("writing a chunk allocates %v times", n)
	}
}

// TestWAVAgain makes sure that a call which opens its speaker again goes on with
// the recording, and another file of that name is begun anew.
func TestWAVAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.wav")
	if err := os.WriteFile(path, bytes.Repeat([]byte("old"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	var c media.Chunk
	for i := range c.PCM {
		c.PCM[i] = int16(i + 1)
	}
	record := func() []int16 {
		t.Helper()
		s, err := OpenSpeaker(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.WriteChunk(&c), s.Close()); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pcm, err := parseWAV(bytes.NewReader(b))
		if size := wavHeaderSize + 2*len(pcm); err != nil || len(b) != size {
			t.Fatalf("a file of %d bytes holds %d samples, %v", len(b), len(pcm), err)
		}
		return pcm
	}
	once := c.PCM[:]
	if got := record(); !slices.Equal(got, once) {
		t.Errorf("the first time there are %d samples, want the %d said", len(got), len(once))
	}
	if got, want := record(), slices.Concat(once, silence[:], once); !slices.Equal(got, want) {
		t.Errorf("the second time there are %d samples, want %d", len(got), len(want))
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got := record(); !slices.Equal(got, once) {
		t.Errorf("after the file was removed there are %d samples, want the %d said", len(got), len(once))
	}
}

// TestWAVFull makes sure that a full disk is told in a sentence, and costs
// nothing of what was recorded before.
func TestWAVFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	path := filepath.Join(t.TempDir(), "full.wav")
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	_, err := OpenSpeaker(t.Context(), path)
	if !errors.Is(err, syscall.ENOSPC) || err.Error() != `open speaker "`+path+`": no space left on device` {
		t.Errorf("OpenSpeaker = %v", err)
	}
	// The disk fills up after the beginning.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSpeaker(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var c media.Chunk
	if err := s.WriteChunk(&c); err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := s.(*namedSpeaker).AudioSink.(*pacedSpeaker).to.(*wavFile)
	kept := w.f
	w.f = full
	err = s.WriteChunk(&c)
	if e, ok := errors.AsType[*Error](err); !ok || e.Op != "use speaker" || !strings.HasSuffix(e.Error(), "/dev/full: no space left on device") {
		t.Errorf("WriteChunk = %v", err)
	}
	if err := errors.Join(s.Close(), kept.Close()); err != nil {
		t.Error(err)
	}
	// Still full: the device stays away, and the recording as it was.
	if err := os.Rename(path, path+".kept"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", path); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSpeaker(t.Context(), path); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("OpenSpeaker of a full disk = %v, want ENOSPC", err)
	}
	b, err := os.ReadFile(path + ".kept")
	if pcm, err2 := parseWAV(bytes.NewReader(b)); err != nil || err2 != nil || len(pcm) != media.ChunkSamples {
		t.Errorf("the recording has %d samples, %v, %v, want %d", len(pcm), err, err2, media.ChunkSamples)
	}
}
