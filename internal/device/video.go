package device

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/v4l2"
)

// VideoConfig is what is wanted of a camera. Sources may give other sizes.
type VideoConfig struct {
	Width, Height int  // pixels; 0 means 640x480
	FPS           int  // 0 means 30
	Chroma        bool // fill the colour planes too

	// Log is told which camera was opened, how, and which were left out; nil
	// means nobody.
	Log *slog.Logger
}

// log returns a logger that can be used.
func (c VideoConfig) log() *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log
}

func (c VideoConfig) withDefaults() VideoConfig {
	if c.Width <= 0 || c.Height <= 0 {
		c.Width, c.Height = 640, 480
	}
	if c.FPS <= 0 {
		c.FPS = 30
	}
	// Whatever makes a picture of this size itself makes whole 4:2:0 samples.
	c.Width, c.Height = (c.Width+1)&^1, (c.Height+1)&^1
	return c
}

// OpenCamera opens the camera with the given name. ctx bounds the opening only.
// Errors are of type *Error.
//
// Names, in the order in which they are tried:
//
//	auto         the first camera that works
//	test         a moving test card; test:2, test:3 ... look different
//	ffmpeg:ARGS  what FFmpeg reads with these input arguments, "-i" included
//	URL          what FFmpeg reads from an address with "://" in it
//	FILE.y4m     a clip, repeated at its own rate
//	/dev/video0  that camera; a link to it, as in /dev/v4l/by-id, does too
//	FILE         what FFmpeg reads of a file, repeated
//	0            the camera /dev/video0, or number 0 of the system
//	NAME         the first camera that works of those with this in their name,
//	             their stable name or the place where they are plugged in
//
// Who opens a camera again after it was lost uses an Opener.
func OpenCamera(ctx context.Context, name string, c VideoConfig) (media.VideoSource, error) {
	return NewOpener(name, c).Open(ctx)
}

// An Opener opens the camera of one name again and again: it remembers which
// camera that was, and finds it where the system has put it since it was
// unplugged and plugged in, /dev/video2 instead of /dev/video0. Any goroutine
// may use it.
type Opener struct {
	name string
	c    VideoConfig
	list func() ([]v4l2.Info, error)

	// Guarded by mu.
	mu   sync.Mutex
	last v4l2.Info // the camera opened last; zero before and for what is none
}

// NewOpener returns an Opener for the camera with the given name, which is as
// OpenCamera takes it.
func NewOpener(name string, c VideoConfig) *Opener {
	return &Opener{name: name, c: c.withDefaults(), list: v4l2.List}
}

// Open opens the camera. ctx bounds the opening only. Errors are of type *Error.
func (o *Opener) Open(ctx context.Context) (media.VideoSource, error) {
	src, err := o.open(ctx)
	if err != nil {
		return nil, &Error{"open camera", o.name, withoutName(err, o.name)}
	}
	return &namedSource{src, o.name}, nil
}

// open is Open with plain errors.
func (o *Opener) open(ctx context.Context) (media.VideoSource, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	name, c := o.name, o.c
	variant, isTest := strings.CutPrefix(name, Test+":")
	args, isFFmpeg := strings.CutPrefix(name, "ffmpeg:")
	switch {
	case name == None || name == "":
		return nil, ErrNotFound
	case name == Auto:
		return o.openSystem(ctx)
	case name == Test:
		return newCard(0, c), nil
	case isTest:
		n, err := strconv.ParseUint(variant, 10, 16)
		if err != nil {
			return nil, ErrNotFound
		}
		return newCard(int(n), c), nil
	case isFFmpeg:
		return openFFmpegArgs(ctx, args, c)
	case strings.Contains(name, "://"):
		return openFFmpeg(ctx, urlCapture(name), c)
	case strings.EqualFold(filepath.Ext(name), ".y4m"):
		return openY4M(name, c)
	}
	st, err := os.Stat(name)
	if isCameraNode(name, st) {
		return o.openNode(ctx, name)
	}
	if err == nil && st.Mode().IsRegular() {
		return openFFmpeg(ctx, fileCapture(name), c)
	}
	return o.openSystem(ctx)
}

// isCameraNode reports whether path is a camera's: a device, or video and a
// number, be it there or not. (In a laboratory it is no device.) st may be nil.
func isCameraNode(path string, st fs.FileInfo) bool {
	if st != nil && st.Mode()&fs.ModeCharDevice != 0 {
		return true
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	dir, base := filepath.Split(path)
	number, ok := strings.CutPrefix(base, "video")
	_, err := strconv.ParseUint(number, 10, 16)
	return dir != "" && ok && err == nil
}

// withoutName returns err without the path that repeats what the user typed.
func withoutName(err error, name string) error {
	p, ok := errors.AsType[*fs.PathError](err)
	switch {
	case !ok:
		return err
	case p.Path == name:
		return p.Err
	}
	return &pathError{p}
}

// A pathError says which path is meant, and leaves out what was tried: the
// Error around it says that.
type pathError struct{ *fs.PathError }

func (e *pathError) Error() string { return e.Path + ": " + e.Err.Error() }

// A namedSource is a source whose errors tell the name that the user typed.
type namedSource struct {
	media.VideoSource
	name string
}

func (s *namedSource) ReadFrame(f *media.Frame) error {
	if err := s.VideoSource.ReadFrame(f); err != nil {
		return &Error{"read camera", s.name, withoutName(err, s.name)}
	}
	return nil
}

// A pacer is the clock of sources that have none: test cards and clips.
type pacer struct {
	period time.Duration
	done   chan struct{} // closed by close
	once   sync.Once

	// Owned by the reader.
	start time.Time // of tick 0; zero before it
	next  int64     // the tick to wait for
	timer *time.Timer
}

func newPacer(period time.Duration) *pacer {
	return &pacer{period: period, done: make(chan struct{})}
}

// wait waits for the next tick and returns its number and its instant. Ticks
// that passed while nobody waited are left out, except for the newest.
func (p *pacer) wait() (n int64, at time.Time, err error) {
	select {
	case <-p.done:
		return 0, time.Time{}, os.ErrClosed
	default:
	}
	now := time.Now()
	if p.timer == nil {
		p.start, p.timer = now, time.NewTimer(0)
	}
	if due := int64(now.Sub(p.start) / p.period); due >= p.next {
		n = due
	} else {
		n = p.next
		p.timer.Reset(p.start.Add(time.Duration(n) * p.period).Sub(now))
		select {
		case <-p.done:
			return 0, time.Time{}, os.ErrClosed
		case <-p.timer.C:
		}
	}
	p.next = n + 1
	return n, p.start.Add(time.Duration(n) * p.period), nil
}

// close unblocks wait.
func (p *pacer) close() { p.once.Do(func() { close(p.done) }) }
