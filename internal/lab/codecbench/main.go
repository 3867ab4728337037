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
//	go run ./internal/lab/codecbench -camera         any of these on what a camera sees of the clips: needs root and /dev/fuse
//
// Each clip is scaled by area average to luma of each size and played to and
// fro at 30 pictures a second, or at 15 every other one of them. With -camera
// it is played to a virtual camera (internal/lab/cam) of 640x480 YUYV that
// package v4l2 reads in real time, and its pictures are cropped and scaled as
// in a call: the same pictures for every codec. Quality is the mean SSIM (windows of 8x8 at
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
	"strconv"
	"strings"
)

// options are what the flags say.
type options struct {
	media    string
	sizes    string
	with     string
	bitrates string
	finest   int
	pictures int
	fps      int
	ssim     float64
	fast     bool
	rate     bool
	denoise  bool
	colour   bool
	camera   bool
}

// fullRate is how many pictures a second the clips are taken to have.
const fullRate = 30

func main() {
	var o options
	flag.StringVar(&o.media, "media", "internal/lab/media", "directory of the clips")
	flag.StringVar(&o.sizes, "sizes", "60x20,120x40,160x96,240x128,320x192", "sizes of the pictures")
	flag.StringVar(&o.with, "with", "x264-veryfast,x264-ultrafast,vp8-realtime", "codecs to compare with")
	flag.StringVar(&o.bitrates, "bitrates", "15,30,60,120", "kbit/s that -rate asks for")
	flag.IntVar(&o.finest, "quantiser", 0, "finest quantiser that -rate allows; 0 is the codec's own choice")
	flag.IntVar(&o.fps, "fps", fullRate, "pictures a second, 30 or 15")
	flag.IntVar(&o.pictures, "pictures", 300, "pictures of each clip")
	flag.Float64Var(&o.ssim, "ssim", 0.98, "quality at which rates are compared")
	flag.BoolVar(&o.fast, "fast", false, "60x20 and 160x96 with 90 pictures alone")
	flag.BoolVar(&o.rate, "rate", false, "measure the rate control")
	flag.BoolVar(&o.denoise, "denoise", false, "measure the denoiser")
	flag.BoolVar(&o.colour, "colour", false, "measure what colour costs")
	flag.BoolVar(&o.camera, "camera", false, "take the pictures from a virtual camera")
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
	sizes, err := parseSizes(o.sizes)
	if err != nil {
		return err
	}
	bitrates, err := parseNumbers(o.bitrates)
	if err != nil {
		return err
	}
	if o.fps != fullRate && o.fps != fullRate/2 {
		return fmt.Errorf("%d pictures a second: neither %d nor %d", o.fps, fullRate, fullRate/2)
	}
	dir, err := os.MkdirTemp("", "codecbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l := bench{ctx: ctx, dir: dir, fps: o.fps}
	if o.camera {
		if err := l.filmAll(films, sizes, o.pictures); err != nil {
			return err
		}
	}
	switch {
	case o.rate:
		return l.rates(films, sizes, bitrates, o)
	case o.denoise:
		return l.denoisers(films, sizes, o.pictures)
	case o.colour:
		return l.colours(films, sizes, o.pictures)
	default:
		return l.compare(films, sizes, o)
	}
}

// parseSizes reads "60x20,120x40".
func parseSizes(list string) ([][2]int, error) {
	var sizes [][2]int
	for s := range strings.SplitSeq(list, ",") {
		var w, h int
		if _, err := fmt.Sscanf(s, "%dx%d", &w, &h); err != nil {
			return nil, fmt.Errorf("size %q: %w", s, err)
		}
		sizes = append(sizes, [2]int{w, h})
	}
	return sizes, nil
}

// parseNumbers reads "15,30,60".
func parseNumbers(list string) ([]int, error) {
	var numbers []int
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}
