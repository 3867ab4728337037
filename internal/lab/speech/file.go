package speech

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/sanix-darker/s2c/internal/media"
)

// WAVHeader is how many bytes of a WAV file are before its samples, as WriteWAV
// and s2c write it.
const WAVHeader = 44

// Load returns the sound of a file that FFmpeg reads: 48 kHz, mono.
func Load(ctx context.Context, name string) ([]int16, error) {
	b, err := output(exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-i", name,
		"-f", "s16le", "-ar", strconv.Itoa(media.SampleRate), "-ac", "1", "-"))
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	return samples(b), nil
}

// Resample returns sound of 48 kHz at another rate, in Hz, by FFmpeg.
func Resample(ctx context.Context, pcm []int16, rate int) ([]int16, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-f", "s16le", "-ar", strconv.Itoa(media.SampleRate), "-ac", "1", "-i", "-",
		"-f", "s16le", "-ar", strconv.Itoa(rate), "-")
	cmd.Stdin = bytes.NewReader(appendSamples(nil, pcm))
	b, err := output(cmd)
	if err != nil {
		return nil, fmt.Errorf("resample to %d Hz: %w", rate, err)
	}
	return samples(b), nil
}

// WriteWAV writes 16 bits, mono, 48 kHz.
func WriteWAV(name string, pcm []int16) error {
	le := binary.LittleEndian
	size := uint32(2 * len(pcm))
	b := le.AppendUint32([]byte("RIFF"), WAVHeader-8+size)
	b = le.AppendUint32(append(b, "WAVEfmt "...), 16)
	b = append(b, 1, 0, 1, 0) // PCM, one channel
	b = le.AppendUint32(le.AppendUint32(b, media.SampleRate), 2*media.SampleRate)
	b = le.AppendUint32(append(b, 2, 0, 16, 0, 'd', 'a', 't', 'a'), size)
	return os.WriteFile(name, appendSamples(b, pcm), 0o644)
}

// ReadWAV returns the samples of a file that WriteWAV or s2c wrote, however much
// of it there is.
func ReadWAV(name string) ([]int16, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if len(b) < WAVHeader {
		return nil, fmt.Errorf("read %q: %d bytes", name, len(b))
	}
	return samples(b[WAVHeader:]), nil
}

// samples returns what bytes are, least byte first.
func samples(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

// appendSamples appends samples, least byte first.
func appendSamples(b []byte, pcm []int16) []byte {
	for _, x := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(x))
	}
	return b
}

// output runs a command and adds what it complains of to the error of it.
func output(cmd *exec.Cmd) ([]byte, error) {
	b, err := cmd.Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok && len(e.Stderr) > 0 {
		err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(e.Stderr))
	}
	return b, err
}
