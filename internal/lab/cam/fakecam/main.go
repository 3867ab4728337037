// Command fakecam is a webcam for programs on a machine that has none.
//
//	fakecam -dev /dev/video0 -src clip.y4m
//
// plugs it in and prints "ready"; SIGINT or SIGTERM take it away. Each line on
// its standard input is a command, answered with "ok" or the error:
//
//	unplug | plug      the camera goes (ENODEV, POLLHUP, no file) and returns
//	freeze | resume    it hangs: no pictures come
//	bad                the next picture is cut short
//	busy | free        another program has it (EBUSY)
//	fail               streaming fails with EIO until it is started anew
//	hiccup             it fails so once
//	hollow | resume    poll says that there are pictures, but none can be had
//	stats              pictures given, starved, times asked
//
// Package cam says what it takes and what differs from a real camera.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"image"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/sanix-darker/s2c/internal/lab/cam"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fakecam: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	camera, err := cam.Start(c)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "ready", camera.Path())
	// Ends with the process: a read of standard input cannot be interrupted,
	// and the end of the input is not the end of the camera.
	go obey(camera, in, out)
	<-ctx.Done()
	return camera.Close()
}

// parse turns the command line into a camera.
func parse(args []string) (cam.Config, error) {
	var c cam.Config
	fs := flag.NewFlagSet("fakecam", flag.ContinueOnError)
	fs.StringVar(&c.Path, "dev", "", "where the camera appears (default: a new directory)")
	fs.StringVar(&c.Name, "name", "Lab Camera", "what the driver calls it")
	fs.BoolVar(&c.Stamp, "stamp", false, "draw the machine-readable time strip")
	src := fs.String("src", "bars", "what it sees: bars, or a y4m `clip` (4:2:0), repeated")
	formats := fs.String("formats", "YUYV", "formats offered: YUYV, UYVY, NV12, NV21, YU12, GREY, MJPG")
	sizes := fs.String("sizes", "", "sizes offered, as 640x480,320x240 (default: the source's)")
	fps := fs.Int("fps", 30, "pictures a second")
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	if *fps < 1 || *fps > 120 {
		return c, fmt.Errorf("rate %d is not within 1 to 120", *fps)
	}
	c.Rates = []int{*fps}
	for f := range strings.SplitSeq(*formats, ",") {
		switch f := cam.Format(f); f {
		case cam.YUYV, cam.UYVY, cam.NV12, cam.NV21, cam.YU12, cam.GREY, cam.MJPEG:
			c.Formats = append(c.Formats, f)
		default:
			return c, fmt.Errorf("unknown format %q", f)
		}
	}
	if *sizes != "" {
		for s := range strings.SplitSeq(*sizes, ",") {
			var p image.Point
			if _, err := fmt.Sscanf(s, "%dx%d", &p.X, &p.Y); err != nil {
				return c, fmt.Errorf("size %q: %w", s, err)
			}
			c.Sizes = append(c.Sizes, p)
		}
	}
	if *src == "bars" {
		return c, nil
	}
	clip, err := cam.LoadClip(*src)
	c.Source = clip
	return c, err
}

// obey carries out the commands of in until it ends.
func obey(camera *cam.Camera, in io.Reader, out io.Writer) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		switch command := strings.TrimSpace(lines.Text()); command {
		case "":
		case "stats":
			s := camera.Stats()
			fmt.Fprintln(out, "frames", s.Frames, "starved", s.Starved, "dequeues", s.Dequeues)
		default:
			if err := camera.Do(command); err != nil {
				fmt.Fprintln(out, "error:", err)
				continue
			}
			fmt.Fprintln(out, "ok")
		}
	}
}
