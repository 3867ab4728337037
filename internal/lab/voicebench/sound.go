package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sanix-darker/s2c/internal/media"
)

// words is where Debian's alsa-utils keeps a speaker test by a human voice.
const words = "/usr/share/sounds/alsa/*_*.wav"

// gap is the pause after each file.
const gap = media.SampleRate / 3

// readSpeech returns so many seconds of the files, again and again.
func readSpeech(ctx context.Context, files string, seconds int) ([]int16, error) {
	list := strings.Split(files, ",")
	if files == "" {
		var err error
		if list, err = filepath.Glob(words); err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fmt.Errorf("no speech in %s: install alsa-utils, or name a file with -speech", words)
		}
	}
	var once []int16
	for _, name := range list {
		b, err := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-i", name, "-f", "s16le", "-ar", "48000", "-ac", "1", "-").Output()
		if err != nil {
			if e, ok := errors.AsType[*exec.ExitError](err); ok {
				err = fmt.Errorf("%w: %s", err, e.Stderr)
			}
			return nil, fmt.Errorf("read %q: %w", name, err)
		}
		for ; len(b) >= 2; b = b[2:] {
			once = append(once, int16(binary.LittleEndian.Uint16(b)))
		}
		once = append(once, make([]int16, gap)...)
	}
	n := seconds * media.SampleRate
	return slices.Repeat(once, n/len(once)+1)[:n], nil
}

// writeWAV writes 16 bits, mono, 48 kHz.
func writeWAV(name string, pcm []int16) error {
	le := binary.LittleEndian
	size := uint32(2 * len(pcm))
	b := append([]byte("RIFF"), le.AppendUint32(nil, 36+size)...)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1) // PCM
	b = le.AppendUint16(b, 1) // channel
	b = le.AppendUint32(b, media.SampleRate)
	b = le.AppendUint32(b, 2*media.SampleRate)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, size)
	for _, x := range pcm {
		b = le.AppendUint16(b, uint16(x))
	}
	return os.WriteFile(name, b, 0o644)
}
