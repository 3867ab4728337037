package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// errSilent says that FFmpeg runs and gives no picture.
var errSilent = errors.New("no picture arrives")

// errFFmpeg says that FFmpeg ended; its own words follow.
var errFFmpeg = errors.New("ffmpeg ended")

const (
	// killWait is how long a killed FFmpeg may keep its pipes open, which a
	// child of it might hold.
	killWait = time.Second

	// tailBytes of FFmpeg's messages are kept: the newest, which say why it ended.
	tailBytes = 4096
)

// An ffmpeg is a source that runs FFmpeg. One goroutine takes pictures off its
// output as they come, so that the pipe never blocks, and keeps the newest.
type ffmpeg struct {
	// Set by start.
	c      VideoConfig
	cancel context.CancelFunc // kills the process
	done   chan struct{}      // closed by Close
	once   sync.Once
	ended  chan struct{} // closed when pump has ended and the process is gone
	ready  chan struct{} // holds a token while there may be an unread picture; never closed

	// Owned by pump until ended is closed.
	back     *media.Frame
	err      error // why it ended
	messages tail

	// Owned by the reader.
	front *media.Frame

	// Guarded by mu.
	mu    sync.Mutex
	mid   *media.Frame
	fresh bool
}

// openFFmpegArgs reads what input arguments of FFmpeg say, as one string.
func openFFmpegArgs(ctx context.Context, args string, c VideoConfig) (media.VideoSource, error) {
	split, err := splitArgs(args)
	if err != nil {
		return nil, err
	}
	return openFFmpeg(ctx, capture{args: split, silence: fileSilence}, c)
}

// openFFmpeg starts FFmpeg and waits for the first picture.
func openFFmpeg(ctx context.Context, how capture, c VideoConfig) (media.VideoSource, error) {
	path, err := findFFmpeg()
	if err != nil {
		return nil, err
	}
	s, err := tryFFmpeg(ctx, path, how.args, how.silence, c)
	if err == nil {
		return s, nil
	}
	if !errors.Is(err, errFFmpeg) || how.retry == nil {
		return nil, err
	}
	args := how.retry(s.messages.String())
	if args == nil {
		return nil, err
	}
	if s, err = tryFFmpeg(ctx, path, args, how.silence, c); err != nil {
		return nil, err
	}
	return s, nil
}

// findFFmpeg returns the path of the program.
func findFFmpeg() (string, error) {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return "", ErrNoFFmpeg
	}
	return path, nil
}

// startFFmpeg starts the program at path. What it prints is in the reader, which
// ends with life; what it complains about goes to messages.
func startFFmpeg(life context.Context, path string, args []string, messages io.Writer) (*exec.Cmd, io.Reader, error) {
	cmd := exec.CommandContext(life, path, args...)
	cmd.WaitDelay = killWait
	cmd.Stderr = messages
	hideWindow(cmd)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, nil, err
	}
	// Should a child of the process hold the pipe, a kill would not end the reading.
	context.AfterFunc(life, func() { _ = out.Close() })
	return cmd, out, nil
}

// tryFFmpeg starts FFmpeg with the given input and waits for the first
// picture. On error it has ended, and its messages can be read.
func tryFFmpeg(ctx context.Context, path string, in []string, silence time.Duration, c VideoConfig) (*ffmpeg, error) {
	// The process outlives the opening, which is what ctx is about.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &ffmpeg{
		c: c, cancel: cancel, done: make(chan struct{}), ended: make(chan struct{}), ready: make(chan struct{}, 1),
		back: new(media.Frame), mid: new(media.Frame), front: new(media.Frame),
	}
	cmd, out, err := startFFmpeg(life, path, ffmpegArgs(in, c), &s.messages)
	if err != nil {
		cancel()
		return s, err
	}
	go s.pump(cmd, out)

	timer := time.NewTimer(silence)
	defer timer.Stop()
	select {
	case <-s.ready:
		s.wake() // the picture is still unread
		return s, nil
	case <-s.ended:
		err = s.err
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-timer.C:
		err = fmt.Errorf("%w within %v", errSilent, silence)
	}
	_ = s.Close() // has no error
	if message := s.messages.last(); message != "" && errors.Is(err, errSilent) {
		err = fmt.Errorf("%w: %s", err, message)
	}
	return s, err
}

// pump reads pictures until FFmpeg ends.
func (s *ffmpeg) pump(cmd *exec.Cmd, out io.Reader) {
	defer close(s.ended)
	err := s.readPicture(out)
	for err == nil {
		s.publish()
		err = s.readPicture(out)
	}
	// It ends by itself and says why, or it has closed its output and lives on.
	kill := time.AfterFunc(killWait, s.cancel)
	exit := cmd.Wait()
	kill.Stop()
	s.cancel()
	s.err = s.reason(err, exit)
}

// readPicture fills back.
func (s *ffmpeg) readPicture(out io.Reader) error {
	s.back.Resize(s.c.Width, s.c.Height, s.c.Chroma)
	for _, plane := range [][]byte{s.back.Y, s.back.Cb, s.back.Cr} {
		if _, err := io.ReadFull(out, plane); err != nil {
			return err
		}
	}
	s.back.At = time.Now()
	return nil
}

// reason says why FFmpeg ended, after its output ended with err and the process
// with exit.
func (s *ffmpeg) reason(err, exit error) error {
	message := s.messages.last()
	switch {
	case message != "":
		return fmt.Errorf("%w: %s", errFFmpeg, message)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: the input has come to its end", errFFmpeg)
	case exit != nil:
		return fmt.Errorf("%w: %w", errFFmpeg, exit)
	}
	return fmt.Errorf("%w: %w", errFFmpeg, err)
}

// publish trades the picture that pump has filled for one that it may fill.
func (s *ffmpeg) publish() {
	s.mu.Lock()
	s.back, s.mid = s.mid, s.back
	s.fresh = true
	s.mu.Unlock()
	s.wake()
}

// wake tells the reader of a picture, unless it is told already.
func (s *ffmpeg) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// take makes the newest picture the front one. It reports false if that one has
// been read already.
func (s *ffmpeg) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fresh {
		return false
	}
	s.fresh = false
	s.front, s.mid = s.mid, s.front
	return true
}

// ReadFrame waits for a picture newer than the last.
func (s *ffmpeg) ReadFrame(f *media.Frame) error {
	for {
		select {
		case <-s.done:
			return os.ErrClosed
		default: // rather than a picture that is ready too
		}
		select {
		case <-s.done:
			return os.ErrClosed
		case <-s.ready:
			if s.take() {
				f.CopyFrom(s.front)
				return nil
			}
		case <-s.ended:
			select {
			case <-s.done:
				return os.ErrClosed // which is why it ended
			default:
				return s.err
			}
		}
	}
}

// Close kills FFmpeg and waits for its end.
func (s *ffmpeg) Close() error {
	s.once.Do(func() {
		close(s.done)
		s.cancel()
	})
	<-s.ended
	return nil
}

// A tail keeps the newest bytes written to it. Its owner reads it after the
// writing has ended.
type tail struct{ b []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	if n := len(t.b) - tailBytes; n > 0 {
		t.b = append(t.b[:0], t.b[n:]...)
	}
	return len(b), nil
}

func (t *tail) String() string { return string(t.b) }

// last returns the last line that says something, without control characters:
// FFmpeg quotes what a server or a file has told it.
func (t *tail) last() string {
	last := ""
	for line := range strings.Lines(t.String()) {
		line = strings.Map(func(r rune) rune {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\ufffd' {
				return -1
			}
			return r
		}, line)
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "Did you mean ") { // follows what is wrong
			last = line
		}
	}
	return last
}
