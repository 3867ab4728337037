package device

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// fileSilence is how long a file or an address may take until its first picture.
	fileSilence = 15 * time.Second

	// cameraSilence is that time for a camera: one that may not be used gives
	// nothing and no error.
	cameraSilence = 5 * time.Second
)

// A capture is something that FFmpeg reads.
type capture struct {
	args    []string      // input options and the input
	silence time.Duration // how long the first picture may take

	// retry, if not nil, returns other arguments after args have failed with
	// the given messages, or nil.
	retry func(messages string) []string
}

// ffmpegArgs returns the whole command line, which makes pictures of c's size
// out of in: cut to the shape, then scaled with the noise averaged away, full
// range, planes without padding on standard output.
func ffmpegArgs(in []string, c VideoConfig) []string {
	format := "gray"
	if c.Chroma {
		format = "yuv420p"
	}
	filter := fmt.Sprintf("fps=%[3]d,crop='min(iw,ih*%[1]d/%[2]d)':'min(ih,iw*%[2]d/%[1]d)',"+
		"scale=%[1]d:%[2]d:flags=area:out_range=pc,format=%[4]s", c.Width, c.Height, c.FPS, format)
	return slices.Concat(
		[]string{"-nostdin", "-hide_banner", "-loglevel", "error"},
		in,
		[]string{"-an", "-sn", "-dn", "-vf", filter, "-f", "rawvideo", "pipe:1"},
	)
}

// fileCapture repeats the file at path at its own rate.
func fileCapture(path string) capture {
	// "file:" keeps a name with a colon from being a protocol's.
	return capture{args: []string{"-re", "-stream_loop", "-1", "-i", "file:" + path}, silence: fileSilence}
}

// urlCapture reads an address: a file on a web server at its own rate, anything
// else as it comes.
func urlCapture(url string) capture {
	how := capture{args: []string{"-i", url}, silence: fileSilence}
	for _, scheme := range []string{"http://", "https://", "file://"} {
		if strings.HasPrefix(strings.ToLower(url), scheme) {
			how.args = append([]string{"-re"}, how.args...)
		}
	}
	return how
}

// splitArgs splits a command line at spaces. Single and double quotes keep what
// is between them together; there is no other way to escape, since backslashes
// belong to the paths of Windows.
func splitArgs(s string) ([]string, error) {
	var args []string
	var arg strings.Builder
	var quote rune // that is open, or 0
	inArg := false
	for _, r := range s {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			quote, inArg = r, true
		case quote == 0 && r == ' ':
			if inArg {
				args = append(args, arg.String())
				arg.Reset()
				inArg = false
			}
		default:
			arg.WriteRune(r)
			inArg = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("%w: %c is never closed", ErrFormat, quote)
	}
	if inArg {
		args = append(args, arg.String())
	}
	return args, nil
}

// size returns c's size as FFmpeg takes it.
func (c VideoConfig) size() string { return fmt.Sprintf("%dx%d", c.Width, c.Height) }

// v4l2Capture reads a Video4Linux2 camera.
func v4l2Capture(path string, c VideoConfig) capture {
	return capture{
		args: []string{
			"-f", "v4l2", "-video_size", c.size(), "-framerate", strconv.Itoa(c.FPS), "-i", path,
		},
		silence: cameraSilence,
		retry:   func(string) []string { return []string{"-f", "v4l2", "-i", path} },
	}
}

// avfoundationCapture reads a camera of macOS by its name or number, or the
// default one. The rate is always given: the default of 29.97 is one that many
// cameras refuse.
func avfoundationCapture(name string, c VideoConfig) capture {
	if name == Auto {
		name = "default"
	}
	args := func(rate, size string) []string {
		return []string{
			"-f", "avfoundation", "-framerate", rate, "-video_size", size,
			"-pixel_format", "uyvy422", "-i", name + ":none",
		}
	}
	return capture{
		args:    args(strconv.Itoa(c.FPS), c.size()),
		silence: cameraSilence,
		retry: func(messages string) []string {
			rate, size, ok := avfoundationMode(messages, c)
			if !ok {
				return nil
			}
			return args(rate, size)
		},
	}
}

// modeLine is a line of avfoundation's list of modes:
// "  1280x720@[15.000000 30.000000]fps".
var modeLine = regexp.MustCompile(`(\d+)x(\d+)@\[([\d.]+) ([\d.]+)\]fps`)

// avfoundationMode picks the mode nearest to c out of the list that FFmpeg
// prints when it cannot have the one asked for.
func avfoundationMode(messages string, c VideoConfig) (rate, size string, ok bool) {
	best := -1
	for _, m := range modeLine.FindAllStringSubmatch(messages, -1) {
		w, errW := strconv.Atoi(m[1])
		h, errH := strconv.Atoi(m[2])
		low, errL := strconv.ParseFloat(m[3], 64)
		high, errR := strconv.ParseFloat(m[4], 64)
		if errW != nil || errH != nil || errL != nil || errR != nil {
			continue
		}
		far := max(w-c.Width, c.Width-w) + max(h-c.Height, c.Height-h)
		if best < 0 || far < best {
			best = far
			rate = strconv.FormatFloat(min(max(float64(c.FPS), low), high), 'f', -1, 64)
			size = m[1] + "x" + m[2]
		}
	}
	return rate, size, best >= 0
}

// dshowBuffer holds 26 pictures of 640x480 in YUYV; the default holds 5 and
// loses some at every stall.
const dshowBuffer = "16M"

// dshowCapture reads the camera of Windows with exactly this name.
func dshowCapture(name string, c VideoConfig) capture {
	return capture{
		args: []string{
			"-f", "dshow", "-rtbufsize", dshowBuffer, "-video_size", c.size(),
			"-framerate", strconv.Itoa(c.FPS), "-i", "video=" + name,
		},
		silence: cameraSilence,
		// It fails if size and rate are no mode of the camera.
		retry: func(string) []string {
			return []string{"-f", "dshow", "-rtbufsize", dshowBuffer, "-i", "video=" + name}
		},
	}
}

// dshowLine is a line of that list: `[dshow @ 0x1] "Integrated Camera" (video)`.
// FFmpeg before 5.0 leaves the kind out and has a heading for each instead.
var dshowLine = regexp.MustCompile(`\] +"([^"]+)"(?: \((\w+)[^)]*\))?`)

// dshowNames returns the names of the devices of a kind, "video" or "audio", in
// the list that FFmpeg has printed.
func dshowNames(list, kind string) []string {
	var names []string
	heading := ""
	for line := range strings.Lines(list) {
		switch {
		case strings.Contains(line, "DirectShow video devices"):
			heading = "video"
		case strings.Contains(line, "DirectShow audio devices"):
			heading = "audio"
		}
		m := dshowLine.FindStringSubmatch(line)
		if m == nil || strings.Contains(line, "Alternative name") {
			continue
		}
		if m[2] == kind || m[2] == "" && heading == kind {
			names = append(names, m[1])
		}
	}
	return names
}

// dshowFind returns how to read the first camera that has name in its own, or
// the first of all for "auto".
func dshowFind(list, name string, c VideoConfig) (capture, error) {
	names := dshowNames(list, "video")
	if len(names) == 0 {
		return capture{}, ErrNoDevice
	}
	for _, n := range names {
		if name == Auto || strings.Contains(strings.ToLower(n), strings.ToLower(name)) {
			return dshowCapture(n, c), nil
		}
	}
	return capture{}, ErrNotFound
}

// bsdNode returns the file of the camera called name on systems that have
// cameras as files.
func bsdNode(name string) string {
	if name == Auto {
		name = "video0"
	}
	return filepath.Join("/dev", filepath.Base(name))
}
