package main

import (
	"bufio"
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sanix-darker/s2c/internal/lab"
)

// theirs are the codecs to compare with, each with the settings of a call:
// no delay, no key picture but the first, one thread (more would cost bits).
var theirs = []struct {
	name, library string
	first, last   int
	args          []string // %d is the quantiser
}{
	{"x264-veryfast", "libx264", 8, 48, x264("veryfast")},
	{"x264-ultrafast", "libx264", 8, 48, x264("ultrafast")},
	{"vp8-realtime", "libvpx", 2, 60, []string{
		"-pix_fmt", "yuv420p", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "4", "-lag-in-frames", "0",
		"-auto-alt-ref", "0", "-g", "9999", "-b:v", "20M", "-qmin", "%d", "-qmax", "%[1]d", "-threads", "1",
	}},
}

func x264(preset string) []string {
	return []string{
		"-pix_fmt", "gray", "-c:v", "libx264", "-preset", preset, "-tune", "zerolatency", "-threads", "1",
		"-crf", "%d", "-x264-params", "keyint=infinite:scenecut=0",
	}
}

// find returns the codecs named that this machine's FFmpeg has.
func (l *bench) find(names string) []codec {
	encoders, err := l.ffmpeg(nil, "-encoders")
	if err != nil {
		return nil
	}
	var found []codec
	for name := range strings.SplitSeq(names, ",") {
		for _, t := range theirs {
			if t.name != name || !bytes.Contains(encoders, []byte(" "+t.library+" ")) {
				continue
			}
			found = append(found, codec{name, t.first, t.last, func(c *clip, quantiser int) (point, error) {
				return l.theirs(c, quantiser, t.args)
			}})
		}
	}
	return found
}

// theirs codes a clip with FFmpeg.
func (l *bench) theirs(c *clip, quantiser int, args []string) (p point, err error) {
	coded := filepath.Join(l.dir, "coded.nut")
	full := []string{
		"-f", "rawvideo", "-pix_fmt", "gray", "-color_range", "pc", "-s", fmt.Sprintf("%dx%d", c.w, c.h), "-r", strconv.Itoa(c.fps), "-i", "-",
		"-vf", "scale=in_range=pc:out_range=pc", "-color_range", "pc",
	}
	for _, a := range args {
		if strings.Contains(a, "%") {
			a = fmt.Sprintf(a, quantiser)
		}
		full = append(full, a)
	}
	if _, err = l.ffmpeg(c.raw(), append(full, "-f", "nut", coded)...); err != nil {
		return p, err
	}
	list, err := l.ffmpeg(nil, "-i", coded, "-c", "copy", "-f", "framecrc", "-")
	if err != nil {
		return p, err
	}
	sizes, err := packetSizes(list)
	if err != nil {
		return p, err
	}
	raw, err := l.ffmpeg(nil, "-i", coded, "-vf", "extractplanes=y", "-f", "rawvideo", "-pix_fmt", "gray", "-")
	if err != nil {
		return p, err
	}
	n, area := len(c.pictures), c.w*c.h
	if len(sizes) != n || len(raw) != n*area {
		return p, fmt.Errorf("%s: %d pictures became %d packets and %d bytes", c.name, n, len(sizes), len(raw))
	}
	total := 0
	for i, src := range c.pictures {
		p.ssim += lab.SSIM(src, gray(raw[i*area:(i+1)*area], c.w, c.h)) / float64(n)
		if i > 0 {
			total += sizes[i]
			p.largest = max(p.largest, sizes[i])
		}
	}
	p.key, p.kbps = sizes[0], kbps(total, n-1, c.fps)
	return p, nil
}

// packetSizes reads the sizes from FFmpeg's list of packets, whose lines are
// "stream, dts, pts, duration, size, checksum".
func packetSizes(list []byte) ([]int, error) {
	var sizes []int
	for s := bufio.NewScanner(bytes.NewReader(list)); s.Scan(); {
		fields := strings.Split(s.Text(), ",")
		if strings.HasPrefix(s.Text(), "#") || len(fields) < 6 {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(fields[4]))
		if err != nil {
			return nil, fmt.Errorf("packet list %q: %w", s.Text(), err)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}
