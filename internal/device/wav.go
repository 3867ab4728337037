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
	maxWAVTime     = 600    // seconds of a file, which is kept in memory: 58 MB at 48 kHz
	minWAVRate     = 8000   // samples per second
	maxWAVRate     = 192000 // samples per second
	maxWAVChannels = 8
	wavPCM         = 1 // format codes
	wavFloat       = 3
	wavExtensible  = 0xfffe // the code follows later
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
	switch {
	case f.code == wavPCM && (f.bits == 8 || f.bits == 16 || f.bits == 24 || f.bits == 32):
	case f.code == wavFloat && (f.bits == 32 || f.bits == 64):
	default:
		return fmt.Errorf("%w: WAV code %d with %d bits", ErrFormat, f.code, f.bits)
	}
	switch {
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

// maxSamples returns how many samples of each channel a file may have. At rates
// above ours it may be shorter: what counts is the memory.
func (f wavFormat) maxSamples() int { return maxWAVTime * min(f.rate, media.SampleRate) }

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
		if len(mono) == f.maxSamples() {
			return nil, fmt.Errorf("%w: WAV of more than %d minutes", ErrFormat, maxWAVTime/60)
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
		sum += f.sample(frame)
	}
	return int16(max(math.MinInt16, min(math.Round(sum/float64(f.channels)), math.MaxInt16)))
}

// sample returns the first sample of b in our units, -32768 to 32768, and 0 for
// what is not a number.
func (f wavFormat) sample(b []byte) float64 {
	const full = -math.MinInt16
	v := 0.0
	switch {
	case f.code == wavFloat && f.bits == 64:
		v = math.Float64frombits(binary.LittleEndian.Uint64(b)) * full
	case f.code == wavFloat:
		v = float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) * full
	case f.bits == 8: // the only ones without a sign
		return (float64(b[0]) - 128) * 256
	case f.bits == 24:
		return float64(int32(b[0])<<8|int32(b[1])<<16|int32(b[2])<<24) / (1 << 16)
	case f.bits == 32:
		return float64(int32(binary.LittleEndian.Uint32(b))) / (1 << 16)
	default:
		return float64(int16(binary.LittleEndian.Uint16(b)))
	}
	if math.IsNaN(v) {
		return 0
	}
	return max(-full, min(v, full))
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
