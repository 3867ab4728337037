package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sanix-darker/s2c/internal/lab/speech"
	"github.com/sanix-darker/s2c/internal/media"
)

const (
	rate = media.SampleRate

	// readers is where Debian's pocketsphinx-testdata keeps sentences that
	// somebody reads.
	readers = "/usr/share/pocketsphinx/test/data/librivox/*.wav"

	gap        = rate / 2   // between sentences
	mostSpeech = 120 * rate // kept in memory, and looked through
	loudness   = -26        // dBFS of speech with its pauses
)

// voices are those of flite.
var voices = []string{"slt", "rms", "awb", "kal16"}

// sentences are from the lists of IEEE's Recommended Practice for Speech Quality
// Measurements, 1969, that are known as Harvard's.
var sentences = []string{
	"The birch canoe slid on the smooth planks.",
	"Glue the sheet to the dark blue background.",
	"It's easy to tell the depth of a well.",
	"These days a chicken leg is a rare dish.",
	"Rice is often served in round bowls.",
	"The juice of lemons makes fine punch.",
	"The box was thrown beside the parked truck.",
	"The hogs were fed chopped corn and garbage.",
	"Four hours of steady work faced us.",
	"A large size in stockings is hard to sell.",
	"The boy was there when the sun rose.",
	"A rod is used to catch pink salmon.",
	"The source of the huge river is the clear spring.",
	"Kick the ball straight and follow through.",
	"Help the woman get back to her feet.",
	"A pot of tea helps to pass the evening.",
	"Smoky fires lack flame and heat.",
	"The soft cushion broke the man's fall.",
	"The salt breeze came across from the sea.",
	"The girl at the booth sold fifty bonds.",
}

// missing is the hint for whoever has no speech.
var errNoSpeech = errors.New("no speech: install pocketsphinx-testdata and flite, or name a file with -speech")

// readSpeech returns what is said: a file, or people and machines reading.
func readSpeech(ctx context.Context, file, dir string) ([]int16, error) {
	if file != "" {
		pcm, err := readSound(ctx, file)
		if err != nil {
			return nil, err
		}
		return level(pcm[:min(len(pcm), mostSpeech)]), nil
	}
	files, err := filepath.Glob(readers)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, errNoSpeech
	}
	var all []int16
	for _, name := range files {
		pcm, err := readSound(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(append(all, level(pcm)...), make([]int16, gap)...)
	}
	for i := range 3 {
		pcm, err := synthesize(ctx, dir, i, sentences[6*i:6*i+6])
		if err != nil {
			return nil, err
		}
		all = append(all, pcm...)
	}
	return all[:min(len(all), mostSpeech)], nil
}

// crowdSpeech returns what speaker number i of a crowd says: the sentences in an
// order, with a voice and at a speed of their own, so that no two sound alike.
func crowdSpeech(ctx context.Context, dir string, i int) ([]int16, error) {
	order := slices.Concat(sentences[2*i%len(sentences):], sentences[:2*i%len(sentences)])
	return synthesize(ctx, dir, i, order)
}

// synthesize lets a machine read.
func synthesize(ctx context.Context, dir string, i int, text []string) ([]int16, error) {
	name := filepath.Join(dir, fmt.Sprintf("flite-%d.wav", i))
	stretch := 0.9 + 0.1*float64(i/len(voices))
	cmd := exec.CommandContext(ctx, "flite", "-voice", voices[i%len(voices)],
		"--setf", fmt.Sprintf("duration_stretch=%.2f", stretch), "-t", strings.Join(text, " "), "-o", name)
	if out, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errNoSpeech
		}
		return nil, fmt.Errorf("flite: %w: %s", err, out)
	}
	pcm, err := readSound(ctx, name)
	if err != nil {
		return nil, err
	}
	return append(level(pcm), make([]int16, gap)...), nil
}

// readSound returns the sound of a file.
func readSound(ctx context.Context, name string) ([]int16, error) {
	pcm, err := speech.Load(ctx, name)
	if err == nil && len(pcm) < rate {
		err = fmt.Errorf("read %q: less than a second of sound", name)
	}
	return pcm, err
}

// level brings sound, in place, to the loudness of a voice.
func level(pcm []int16) []int16 {
	sum := 1.0
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	gain := 32768 * math.Pow(10, loudness/20.0) / math.Sqrt(sum/float64(len(pcm)))
	for i, x := range pcm {
		pcm[i] = int16(max(math.MinInt16, min(math.MaxInt16, math.Round(gain*float64(x)))))
	}
	return pcm
}
