package device

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"sync"

	"github.com/sanix-darker/s2c/internal/media"
)

// The header of the files that we write.
const (
	wavHeaderSize = 44
	wavRIFFSize   = 4  // where the size of the file is, less these 8 bytes
	wavDataSize   = 40 // where the size of the sound is
)

// recordings has the paths of the recordings that this process has begun. A call
// opens its speaker again after a fault, such as a full disk, and that must not
// cost what was recorded before.
var recordings sync.Map

// A wavFile is a WAV file that is being written: 48 kHz, mono, 16 bits. It is
// valid after every chunk, so that nothing is lost when the program is killed.
type wavFile struct {
	f    *os.File
	size int64 // bytes of sound
	head [wavHeaderSize]byte
	raw  [2 * media.ChunkSamples]byte
}

// openWAVSpeaker begins a recording, or goes on with one that this process has
// begun, after a chunk of silence.
func openWAVSpeaker(path string) (media.AudioSink, error) {
	w, err := resumeWAV(path)
	if w == nil && err == nil {
		w, err = createWAV(path)
	}
	if err != nil {
		return nil, err
	}
	return newPacedSpeaker(w), nil
}

// createWAV begins a recording.
func createWAV(path string) (*wavFile, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	w := newWAVFile(f)
	if err := w.writeHeader(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	recordings.Store(path, nil)
	return w, nil
}

// resumeWAV goes on with a recording. It returns nil without an error when there
// is none. Writing some silence also finds out whether the disk has room again.
func resumeWAV(path string) (*wavFile, error) {
	if _, ok := recordings.Load(path); !ok {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // somebody took it away
	}
	if err != nil {
		return nil, err
	}
	w := newWAVFile(f)
	st, err := f.Stat()
	if err == nil {
		w.size = max(0, st.Size()-wavHeaderSize) &^ 1
		err = w.write(&silence)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

func newWAVFile(f *os.File) *wavFile {
	const byteRate, frame, bits = 2 * media.SampleRate, 2, 16
	w := &wavFile{f: f}
	b := append(w.head[:0], "RIFF\x00\x00\x00\x00WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, wavPCM)
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint32(b, media.SampleRate)
	b = binary.LittleEndian.AppendUint32(b, byteRate)
	b = binary.LittleEndian.AppendUint16(b, frame)
	b = binary.LittleEndian.AppendUint16(b, bits)
	_ = append(b, "data\x00\x00\x00\x00"...) // into head, which has room for it
	return w
}

// writeHeader writes the header for what there is so far.
func (w *wavFile) writeHeader() error {
	size := uint32(min(w.size, math.MaxUint32-wavHeaderSize)) // 12 hours; a longer file says that it is one
	binary.LittleEndian.PutUint32(w.head[wavRIFFSize:], size+wavHeaderSize-8)
	binary.LittleEndian.PutUint32(w.head[wavDataSize:], size)
	_, err := w.f.WriteAt(w.head[:], 0)
	return err
}

// write is how a pacedSpeaker hands over sound.
func (w *wavFile) write(pcm *[media.ChunkSamples]int16) error {
	for i, v := range pcm {
		binary.LittleEndian.PutUint16(w.raw[2*i:], uint16(v))
	}
	if _, err := w.f.WriteAt(w.raw[:], wavHeaderSize+w.size); err != nil {
		_ = w.f.Truncate(wavHeaderSize + w.size) // a part of a chunk says nothing
		return err
	}
	w.size += int64(len(w.raw))
	return w.writeHeader()
}

func (w *wavFile) close() error { return w.f.Close() }
