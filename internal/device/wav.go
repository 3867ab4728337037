package device

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/sanix-darker/s2c/internal/media"
)

const (
	maxWAVSamples  = 600 * media.SampleRate // of a file, which is kept in memory: 10 minutes, 58 MB
	minWAVRate     = 8000                   // samples per second
	maxWAVRate     = 192000                 // samples per second
	maxWAVChannels = 8
	wavPCM         = 1 // format codes
	wavFloat       = 3
	wavExtensible  = 0xfffe // the code follows later
	wavHeaderSize  = 44     // of the files that we write
)

// A wavFormat says how the samples of a file are stored.
type wavFormat struct {
	code, channels, bits int
	rate                 int // Hz
}

// frameSize returns how many bytes a sample of all channels takes.
func (f wavFormat) frameSize() int { return f.channels * f.bits / 8 }

// check returns why the format is not understood.
func (f wavFormat) check() error {
	bits := fmt.Sprintf("%d/%d", f.code, f.bits)
	switch {
	case bits != "1/16" && bits != "1/24" && bits != "1/32" && bits != "3/32":
		return fmt.Errorf("%w: WAV code %d with %d bits", ErrFormat, f.code, f.bits)
	case f.channels < 1 || f.channels > maxWAVChannels:
		return fmt.Errorf("%w: WAV with %d channels", ErrFormat, f.channels)
	case f.rate < minWAVRate || f.rate > maxWAVRate:
		return fmt.Errorf("%w: WAV of %d Hz", ErrFormat, f.rate)
	}
	return nil
}

// parseWAV reads a WAV file and returns its sound, mixed to one channel and
// brought to 48 kHz. It accepts what a recorder that was killed leaves behind: a
// length that is missing or too long. It never returns silence for an empty
// file, but an error.
func parseWAV(r io.Reader) ([]int16, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, fmt.Errorf("%w: no WAV", ErrFormat)
	}
	var format wavFormat
	for {
		id, length, err := wavChunk(r)
		if err != nil {
			return nil, fmt.Errorf("%w: WAV without sound", ErrFormat)
		}
		body := io.LimitReader(r, length)
		switch id {
		case "fmt ":
			format, err = parseWAVFormat(body)
		case "data":
			if err := format.check(); err != nil {
				return nil, err
			}
			if length == 0 || length == math.MaxUint32 {
				body = r // written by one who could not go back
			}
			return readWAVData(body, format)
		}
		if err != nil {
			return nil, err
		}
		// chunks are padded to even lengths
		if _, err := io.CopyN(io.Discard, body, length); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if _, err := io.CopyN(io.Discard, r, length&1); err != nil {
			return nil, fmt.Errorf("%w: WAV without sound", ErrFormat)
		}
	}
}

// wavChunk reads the header of a chunk.
func wavChunk(r io.Reader) (id string, length int64, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", 0, err
	}
	return string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:])), nil
}

// parseWAVFormat reads the chunk that says how samples are stored.
func parseWAVFormat(r io.Reader) (wavFormat, error) {
	var b [26]byte
	n, err := io.ReadFull(r, b[:])
	if n < 16 {
		return wavFormat{}, fmt.Errorf("%w: WAV with a format of %d bytes", ErrFormat, n)
	}
	f := wavFormat{
		code:     int(binary.LittleEndian.Uint16(b[0:])),
		channels: int(binary.LittleEndian.Uint16(b[2:])),
		rate:     int(min(binary.LittleEndian.Uint32(b[4:]), math.MaxInt32)),
		bits:     int(binary.LittleEndian.Uint16(b[14:])),
	}
	if f.code == wavExtensible && err == nil {
		f.code = int(binary.LittleEndian.Uint16(b[24:]))
	}
	return f, nil
}

// readWAVData reads samples to the end of r.
func readWAVData(r io.Reader, f wavFormat) ([]int16, error) {
	in := bufio.NewReader(r)
	frame := make([]byte, f.frameSize())
	var mono []int16
	for {
		_, err := io.ReadFull(in, frame)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(mono) == maxWAVSamples {
			return nil, fmt.Errorf("%w: WAV with more than %d samples", ErrFormat, maxWAVSamples)
		}
		mono = append(mono, mixFrame(frame, f))
	}
	if len(mono) == 0 {
		return nil, fmt.Errorf("%w: WAV without sound", ErrFormat)
	}
	return resample(mono, f.rate), nil
}

// mixFrame returns the mean of a frame's channels.
func mixFrame(frame []byte, f wavFormat) int16 {
	sum := 0.0
	for size := f.bits / 8; len(frame) >= size; frame = frame[size:] {
		switch {
		case f.code == wavFloat:
			v := float64(math.Float32frombits(binary.LittleEndian.Uint32(frame)))
			if !math.IsNaN(v) {
				sum += max(-1, min(1, v)) * -math.MinInt16
			}
		case f.bits == 16:
			sum += float64(int16(binary.LittleEndian.Uint16(frame)))
		default: // the top 16 of 24 or 32 bits
			sum += float64(int16(binary.LittleEndian.Uint16(frame[size-2:])))
		}
	}
	return int16(min(math.Round(sum/float64(f.channels)), math.MaxInt16))
}

// resample brings sound to 48 kHz: lower rates by straight lines between the
// samples, higher ones by the mean of what falls into a sample. That is good
// enough for a clip; microphones come with the right rate.
func resample(pcm []int16, rate int) []int16 {
	if rate == media.SampleRate {
		return pcm
	}
	n := max(1, int(int64(len(pcm))*media.SampleRate/int64(rate)))
	out := make([]int16, n)
	step := float64(rate) / media.SampleRate
	for i := range out {
		pos := float64(i) * step
		at := int(pos)
		if step > 1 {
			out[i] = mean(pcm[min(at, len(pcm)-1):min(max(at+1, int(pos+step)), len(pcm))])
			continue
		}
		a, b := pcm[min(at, len(pcm)-1)], pcm[min(at+1, len(pcm)-1)]
		out[i] = int16(math.Round(float64(a) + (pos-float64(at))*(float64(b)-float64(a))))
	}
	return out
}

// mean returns the mean of some samples, of which there is at least one.
func mean(pcm []int16) int16 {
	sum := 0
	for _, v := range pcm {
		sum += int(v)
	}
	return int16(sum / len(pcm))
}

// A soundClip is sound that repeats.
type soundClip []int16

// chunk is how a pacedMic asks for sound.
func (c soundClip) chunk(n int64, pcm *[media.ChunkSamples]int16) {
	at := int(n * media.ChunkSamples % int64(len(c)))
	for i := range pcm {
		pcm[i] = c[at]
		if at++; at == len(c) {
			at = 0
		}
	}
}

func openWAVMic(path string) (media.AudioSource, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pcm, err := parseWAV(bufio.NewReader(f))
	if err != nil {
		return nil, err
	}
	return newPacedMic(soundClip(pcm)), nil
}

// A wavFile is a WAV file that is being written: 48 kHz, mono, 16 bits. It is
// valid after every chunk, so that nothing is lost when the program is killed.
type wavFile struct {
	f    *os.File
	size int64 // bytes of sound
	raw  [2 * media.ChunkSamples]byte
}

func openWAVSpeaker(path string) (media.AudioSink, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	w := &wavFile{f: f}
	if err := w.writeHeader(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return newPacedSpeaker(w), nil
}

// writeHeader writes the header for what there is so far.
func (w *wavFile) writeHeader() error {
	const byteRate, frame, bits = 2 * media.SampleRate, 2, 16
	b := make([]byte, 0, wavHeaderSize)
	size := uint32(min(w.size, math.MaxUint32-wavHeaderSize)) // 12 hours; a longer file says that it is one
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, size+wavHeaderSize-8)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, wavPCM)
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint32(b, media.SampleRate)
	b = binary.LittleEndian.AppendUint32(b, byteRate)
	b = binary.LittleEndian.AppendUint16(b, frame)
	b = binary.LittleEndian.AppendUint16(b, bits)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	_, err := w.f.WriteAt(b, 0)
	return err
}

// write is how a pacedSpeaker hands over sound.
func (w *wavFile) write(pcm *[media.ChunkSamples]int16) error {
	for i, v := range pcm {
		binary.LittleEndian.PutUint16(w.raw[2*i:], uint16(v))
	}
	if _, err := w.f.WriteAt(w.raw[:], wavHeaderSize+w.size); err != nil {
		return err
	}
	w.size += int64(len(w.raw))
	return w.writeHeader()
}

func (w *wavFile) close() error { return w.f.Close() }
