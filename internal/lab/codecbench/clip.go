package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"math"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
)

// bench is where the measurements are made.
type bench struct {
	ctx    context.Context
	dir    string                      // for temporary files
	fps    int                         // of all clips
	filmed map[string]map[[2]int]*clip // by film and size, what a camera saw of it; nil without one
}

// clip is a film at one size.
type clip struct {
	name     string
	w, h     int
	fps      int
	pictures []*image.YCbCr
}

// ffmpeg runs FFmpeg with what it is fed on its standard input and returns
// what it writes to its standard output.
func (l *bench) ffmpeg(in []byte, args ...string) ([]byte, error) {
	args = append([]string{"-nostdin", "-hide_banner", "-loglevel", "error", "-y"}, args...)
	if in != nil {
		args = args[1:]
	}
	cmd := exec.CommandContext(l.ctx, "ffmpeg", args...)
	cmd.Stdin = bytes.NewReader(in)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out, nil
}

// load returns n pictures of a film in a size, with colour: as a camera saw
// them, or else scaled from the film, whose own rate is taken for 30 a second,
// and played to and fro.
func (l *bench) load(film string, w, h, n int) (*clip, error) {
	if l.filmed != nil {
		return l.filmed[film][[2]int{w, h}], nil
	}
	every := max(fullRate/l.fps, 1)
	filter := fmt.Sprintf("scale=%d:%d:flags=area:out_range=pc,format=yuv420p", w, h)
	raw, err := l.ffmpeg(nil, "-i", film, "-vf", filter, "-frames:v", fmt.Sprint(n*every), "-f", "rawvideo", "-")
	if err != nil {
		return nil, err
	}
	tint := (w + 1) / 2 * ((h + 1) / 2)
	size := w*h + 2*tint
	have := len(raw) / size
	if have < 2 {
		return nil, fmt.Errorf("clip %q: %d pictures", film, have)
	}
	c := &clip{name: nameOf(film), w: w, h: h, fps: l.fps}
	for i := range n {
		i *= every
		if i %= 2 * (have - 1); i >= have {
			i = 2*(have-1) - i
		}
		b := raw[i*size : (i+1)*size]
		p := gray(b[:w*h], w, h)
		p.Cb, p.Cr, p.CStride = b[w*h:w*h+tint], b[w*h+tint:], (w+1)/2
		c.pictures = append(c.pictures, p)
	}
	return c, nil
}

// nameOf returns what a film is called in the tables.
func nameOf(film string) string {
	name, _, _ := strings.Cut(filepath.Base(film), ".")
	if parts := strings.Split(name, "_"); len(parts) > 2 {
		name = parts[0] + "_" + parts[1]
	}
	return name
}

// gray wraps luma.
func gray(y []byte, w, h int) *image.YCbCr {
	return &image.YCbCr{Y: y, YStride: w, Rect: image.Rect(0, 0, w, h), SubsampleRatio: image.YCbCrSubsampleRatio420}
}

// raw returns the luma of all pictures.
func (c *clip) raw() []byte {
	var b []byte
	for _, p := range c.pictures {
		b = append(b, p.Y...)
	}
	return b
}

// noisy returns the clip with the noise of a camera in dim light: each sample
// errs by deviation (root of the mean square), neighbours a little alike.
func (c *clip) noisy(deviation float64) *clip {
	rng := rand.New(rand.NewPCG(1, 2))
	out := &clip{name: c.name + " noisy", w: c.w, h: c.h, fps: c.fps}
	grain := make([]float64, c.w*c.h)
	for _, p := range c.pictures {
		for i := range grain {
			grain[i] = rng.NormFloat64()
		}
		y := make([]byte, len(p.Y))
		for i, v := range p.Y {
			g := grain[i]
			if i > c.w {
				g = (g + 0.4*grain[i-1] + 0.4*grain[i-c.w]) / math.Sqrt(1+2*0.4*0.4)
			}
			y[i] = byte(max(0, min(math.Round(float64(v)+g*deviation), 255)))
		}
		out.pictures = append(out.pictures, gray(y, c.w, c.h))
	}
	return out
}
