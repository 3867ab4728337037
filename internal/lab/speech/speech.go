// Package speech is what the measurements of the voice share: recordings of
// people, sound in files, and PESQ.
package speech

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sanix-darker/s2c/internal/media"
)

// words is where Debian's alsa-utils keeps a speaker test by a human voice.
const words = "/usr/share/sounds/alsa/*_*.wav"

// Flag is what a command says of its flag for files.
const Flag = "`files` with speech that FFmpeg reads, separated by commas (default the words of Debian's alsa-utils)"

// gap is the pause after each file, in samples.
const gap = media.SampleRate / 3

// Read returns so many seconds of files at 48 kHz, one after the other, again
// and again. Files are separated by commas and may be anything that FFmpeg
// reads; "" stands for the words of Debian's alsa-utils.
func Read(ctx context.Context, files string, seconds int) ([]int16, error) {
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
		pcm, err := Load(ctx, name)
		if err != nil {
			return nil, err
		}
		once = append(append(once, pcm...), make([]int16, gap)...)
	}
	n := seconds * media.SampleRate
	return slices.Repeat(once, n/len(once)+1)[:n], nil
}
