// Command codecbench prints what internal/video needs for pictures of one
// quality, beside x264 and libvpx where FFmpeg has them.
//
//	go run ./internal/lab/codecbench                 every size, 300 pictures a clip: minutes
//	go run ./internal/lab/codecbench -fast           two sizes, 90 pictures
//	go run ./internal/lab/codecbench -with ""        ours alone
//	go run ./internal/lab/codecbench -media DIR      the clips (*.mkv, *.mp4) of another directory
//	go run ./internal/lab/codecbench -rate           the rate control instead: bitrates, and pictures in a datagram
//	go run ./internal/lab/codecbench -denoise        the denoiser instead: a noisy clip against its clean twin
//	go run ./internal/lab/codecbench -colour         what colour costs instead
//
// Each clip is scaled by area average to luma of each size and played to and
// fro at 30 pictures a second. Quality is the mean SSIM (windows of 8x8 at
// every fourth sample) of what a decoder shows. The rate at the wanted SSIM
// lies between those of two quantisers, the logarithm of the rate linear in that
// of 1-SSIM. The first picture, which is a key picture, is not counted. A
// picture counts as it leaves the encoder, packet headers not included; those
// of x264 include 4 bytes for each unit's length.
//
// Times are CPU of this process for a picture; they need an idle machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

// options are what the flags say.
type options struct {
	media    string
	sizes    string
	with     string
	pictures int
	ssim     float64
	fast     bool
	rate     bool
	denoise  bool
	colour   bool
}

func main() {
	var o options
	flag.StringVar(&o.media, "media", "internal/lab/media", "directory of the clips")
	flag.StringVar(&o.sizes, "sizes", "60x20,120x40,160x96,240x128,320x192", "sizes of the pictures")
	flag.StringVar(&o.with, "with", "x264-veryfast,x264-ultrafast,vp8-realtime", "codecs to compare with")
	flag.IntVar(&o.pictures, "pictures", 300, "pictures of each clip")
	flag.Float64Var(&o.ssim, "ssim", 0.98, "quality at which rates are compared")
	flag.BoolVar(&o.fast, "fast", false, "60x20 and 160x96 with 90 pictures alone")
	flag.BoolVar(&o.rate, "rate", false, "measure the rate control")
	flag.BoolVar(&o.denoise, "denoise", false, "measure the denoiser")
	flag.BoolVar(&o.colour, "colour", false, "measure what colour costs")
	flag.Parse()
	if o.fast {
		o.sizes, o.pictures = "60x20,160x96", 90
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "codecbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	var films []string
	for _, kind := range []string{"*.mkv", "*.mp4"} {
		found, err := filepath.Glob(filepath.Join(o.media, kind))
		if err != nil {
			return err
		}
		films = append(films, found...)
	}
	if len(films) == 0 {
		return fmt.Errorf("no clips (*.mkv, *.mp4) in %q", o.media)
	}
	slices.Sort(films)
	var sizes [][2]int
	for s := range strings.SplitSeq(o.sizes, ",") {
		var w, h int
		if _, err := fmt.Sscanf(s, "%dx%d", &w, &h); err != nil {
			return fmt.Errorf("size %q: %w", s, err)
		}
		sizes = append(sizes, [2]int{w, h})
	}
	dir, err := os.MkdirTemp("", "codecbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l := lab{ctx: ctx, dir: dir}
	switch {
	case o.rate:
		return l.rates(films, sizes, o.pictures)
	case o.denoise:
		return l.denoisers(films, sizes, o.pictures)
	case o.colour:
		return l.colours(films, sizes, o.pictures)
	default:
		return l.compare(films, sizes, o)
	}
}
