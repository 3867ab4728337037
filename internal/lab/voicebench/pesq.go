package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// PESQ scores pieces of 8 to 10 s, as P.862 was made for: it aligns a piece
// sentence by sentence and knows not many of them.
const (
	shortest = 8 * media.SampleRate
	longest  = 10 * media.SampleRate

	// pesqRate is that of P.862.2, in Hz, and pesqStep how many of our samples
	// make one of it.
	pesqRate = 16000
	pesqStep = media.SampleRate / pesqRate

	// A piece with fewer chunks of 20 ms over the level of speech is not scored:
	// PESQ refuses silence.
	leastSpeech = 50
)

// A ruler scores speech with a program for P.862.2.
type ruler struct {
	program string
	dir     string // for the pieces
	pcm     []int16
	ref     []int16 // pcm at 16 kHz
	cuts    []int   // where pieces begin and end, in samples of pcm
}

// newRuler returns a ruler that compares with pcm from some time on. The caller
// removes its dir.
func newRuler(ctx context.Context, program string, pcm []int16, settle time.Duration) (*ruler, error) {
	ref, err := resample(ctx, pcm)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "voicebench")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the pieces: %w", err)
	}
	from := min(int(settle.Seconds()*media.SampleRate), len(pcm))
	return &ruler{program: program, dir: dir, pcm: pcm, ref: ref, cuts: pieces(pcm, from)}, nil
}

// score returns the mean MOS-LQO of the pieces of what was heard.
func (r *ruler) score(ctx context.Context, h *heard) (float64, error) {
	deg, err := resample(ctx, h.pcm)
	if err != nil {
		return 0, err
	}
	var sum float64
	n := 0
	for i := range len(r.cuts) - 1 {
		from, to := r.cuts[i], r.cuts[i+1]
		// The last piece is not heard to its end.
		a, b := h.when(from), h.when(to)
		if b < 0 || !spoken(r.pcm[from:to]) {
			continue
		}
		mos, err := r.piece(ctx, r.ref[from/pesqStep:to/pesqStep], deg[a/pesqStep:b/pesqStep])
		if err != nil {
			return 0, err
		}
		sum += mos
		n++
	}
	if n == 0 {
		return 0, errors.New("no piece with speech for PESQ")
	}
	return sum / float64(n), nil
}

// piece scores one.
func (r *ruler) piece(ctx context.Context, ref, deg []int16) (float64, error) {
	a, b := filepath.Join(r.dir, "ref.raw"), filepath.Join(r.dir, "deg.raw")
	if err := errors.Join(os.WriteFile(a, raw(ref), 0o600), os.WriteFile(b, raw(deg), 0o600)); err != nil {
		return 0, fmt.Errorf("write a piece for PESQ: %w", err)
	}
	out, err := exec.CommandContext(ctx, r.program, a, b).Output()
	if err != nil {
		return 0, fmt.Errorf("run %q: %w", r.program, explain(err))
	}
	words := strings.Fields(string(out))
	if len(words) == 0 {
		return 0, fmt.Errorf("%q printed nothing", r.program)
	}
	mos, err := strconv.ParseFloat(words[len(words)-1], 64)
	if err != nil {
		return 0, fmt.Errorf("%q printed %q, not a number", r.program, out)
	}
	return mos, nil
}

// pieces cuts speech from some sample on where it is most quiet.
func pieces(pcm []int16, from int) []int {
	const step = media.SampleRate / 100
	var power []float64 // of 10 ms each
	for at := 0; at+step <= len(pcm); at += step {
		var sum float64
		for _, x := range pcm[at : at+step] {
			sum += float64(x) * float64(x)
		}
		power = append(power, sum)
	}
	cuts := []int{from}
	for from+longest <= len(power)*step {
		best, least := 0, math.Inf(1)
		const around = 10 // 100 ms on both sides
		for at := (from + shortest) / step; at+around <= (from+longest)/step; at++ {
			var sum float64
			for _, p := range power[at-around : at+around] {
				sum += p
			}
			if sum < least {
				best, least = at*step, sum
			}
		}
		from = best
		cuts = append(cuts, from)
	}
	return cuts
}

// spoken reports whether there is enough in a piece to be scored.
func spoken(pcm []int16) bool {
	n := 0
	for len(pcm) >= window {
		if _, loudest := spectrum(pcm[:window]); loudest > talking {
			n++
		}
		pcm = pcm[window:]
	}
	return n >= leastSpeech
}

// when returns the sample of h.pcm in which a sample of the speech is heard, or
// -1 if it never is.
func (h *heard) when(at int) int {
	for i, p := range h.points {
		if p.at >= at {
			return i * media.ChunkSamples
		}
	}
	return -1
}

// resample makes 16 kHz of 48 kHz.
func resample(ctx context.Context, pcm []int16) ([]int16, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-f", "s16le", "-ar", strconv.Itoa(media.SampleRate), "-ac", "1", "-i", "-",
		"-f", "s16le", "-ar", strconv.Itoa(pesqRate), "-")
	cmd.Stdin = bytes.NewReader(raw(pcm))
	b, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("resample for PESQ: %w", explain(err))
	}
	return unraw(b), nil
}

// explain adds what a program said to the error of it.
func explain(err error) error {
	if e, ok := errors.AsType[*exec.ExitError](err); ok && len(e.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(e.Stderr))
	}
	return err
}

func raw(pcm []int16) []byte {
	b := make([]byte, 0, 2*len(pcm))
	for _, x := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(x))
	}
	return b
}

func unraw(b []byte) []int16 {
	pcm := make([]int16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		pcm = append(pcm, int16(binary.LittleEndian.Uint16(b)))
	}
	return pcm
}
