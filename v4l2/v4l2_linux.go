package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// buffers is what the driver may fill ahead. With one being copied and one
	// being filled two are left for a reader that is late by 66 ms, or by 33 ms
	// at 60 pictures a second.
	buffers = 4

	// errorPause is waited after the driver said "ready" and had nothing, or
	// had an error: a condition that it reports forever must not keep a core
	// busy.
	errorPause = 10 * time.Millisecond

	// errorGrace is how long the driver may answer EIO, which is what it says
	// of a loss of signal too, before the camera is taken for broken.
	errorGrace = 500 * time.Millisecond

	// waitLimit bounds one wait for a frame, and so how late it is noticed that
	// none comes.
	waitLimit = 250 * time.Millisecond
)

// A camera is read by two goroutines. pump, its own, takes frames off the
// driver as they come, so that they are never old, and copies them, so that no
// one else touches the driver's memory: closing unmaps it, and a late access
// would be a fault that nothing can recover. The caller of read turns the
// newest copy into a picture.
type camera struct {
	// Set by open.
	path    string
	m       mode
	stride  int // bytes from row to row, as the driver says; 0 if it does not
	chroma  bool
	stall   time.Duration
	agreed  float64       // pictures a second, as the driver says
	done    chan struct{} // closed by close
	ended   chan struct{} // closed when pump has ended
	ready   chan struct{} // holds a token while there may be an unread shot; never closed
	closing sync.Once

	// Owned by pump until ended is closed; then by close and read.
	dev  *device // but for dev.wake
	err  error   // why pump ended
	back *shot
	thin thinner

	// Owned by the reader.
	front  *shot
	levels levels
	jpeg   jpegDecoder

	// Guarded by mu.
	mu    sync.Mutex
	mid   *shot
	fresh bool
	meter meter
}

// A shot is a frame as the camera sent it.
type shot struct {
	b      []byte
	layout layout // of a frame that is not compressed
	at     time.Time
}

// pump takes frames off the driver until the camera fails or is closed. The
// first must come within the time first.
func (c *camera) pump(first time.Duration) {
	defer close(c.ended)
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	patience := first
	last := time.Now()    // when the newest usable frame came
	var failing time.Time // since when the driver answers EIO; zero if it does not
	var odd error         // the newest reason why a frame was none
	for !isClosed(c.done) {
		ok, err := c.take()
		switch {
		case err == nil && ok:
			last, failing, odd, patience = time.Now(), time.Time{}, nil, c.stall
			continue
		case err == nil:
		case errors.Is(err, errFrame):
			odd = err
		case errors.Is(err, unix.EAGAIN):
			c.rest(pause)
		case errors.Is(err, unix.EIO) && (failing.IsZero() || time.Since(failing) < errorGrace):
			if odd = err; failing.IsZero() {
				failing = time.Now()
			}
			c.rest(pause)
		default:
			c.err = err
			return
		}
		if time.Since(last) > patience {
			c.err = stalled(odd)
			return
		}
	}
}

func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// rest waits for errorPause or for close.
func (c *camera) rest(timer *time.Timer) {
	timer.Reset(errorPause)
	select {
	case <-c.done:
	case <-timer.C:
	}
}

// stalled returns ErrStalled with the reason, if there is one.
func stalled(reason error) error {
	if reason == nil {
		return ErrStalled
	}
	return fmt.Errorf("%w: %w", ErrStalled, reason)
}

// take waits for frames and publishes the newest whole one. ok is false if
// none came in time; it is true for one that is left out because the camera is
// faster than wanted.
func (c *camera) take() (ok bool, err error) {
	ready, err := c.dev.wait(waitLimit)
	if err != nil || !ready {
		return false, err
	}
	kept := false
	for range buffers { // no more, lest a fast driver keeps us here
		f, ferr := c.dev.dequeue()
		if ferr != nil {
			// EAGAIN after a frame: that was all. Anything else shows again next time.
			if !ok && err == nil {
				err = ferr
			}
			break
		}
		l, damage := c.check(f)
		switch {
		case damage != nil:
			err = damage
		case c.count(f.at):
			c.back.b = append(c.back.b[:0], f.b...)
			c.back.layout, c.back.at = l, f.at
			ok, kept = true, true
		default:
			ok = true
		}
		if err := c.dev.queue(f.index); err != nil {
			return false, err
		}
	}
	if kept {
		c.publish()
	}
	if ok {
		return true, nil
	}
	return false, err
}

// check returns the layout of f, or errFrame if f is no whole frame.
func (c *camera) check(f filled) (layout, error) {
	switch {
	case f.bad:
		return layout{}, fmt.Errorf("%w: %d bytes, marked so by the driver", errFrame, len(f.b))
	case !c.m.format.compressed():
		return layoutOf(c.m, c.stride, len(f.b))
	case !isJPEG(f.b):
		return layout{}, fmt.Errorf("%w: %d bytes that are no JPEG picture", errFrame, len(f.b))
	}
	return layout{}, nil // the decoder will see about the rest
}

// count counts a frame, and reports whether it is wanted.
func (c *camera) count(at time.Time) bool {
	c.mu.Lock()
	c.meter.add(at)
	c.mu.Unlock()
	return c.thin.pass(at)
}

// publish trades the shot that pump has filled for one that it may fill.
func (c *camera) publish() {
	c.mu.Lock()
	c.back, c.mid = c.mid, c.back
	c.fresh = true
	c.mu.Unlock()
	c.wakeReader()
}

// wakeReader tells the reader of a shot, unless it is told already.
func (c *camera) wakeReader() {
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// takeShot makes the newest shot the front one. It reports false if that one
// has been read already.
func (c *camera) takeShot() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.fresh {
		return false
	}
	c.fresh = false
	c.front, c.mid = c.mid, c.front
	return true
}

func (c *camera) size() (w, h int, format string) { return c.m.w, c.m.h, c.m.format.String() }

func (c *camera) rate() (agreed, measured float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.agreed, c.meter.rate
}

func (c *camera) read(img *image.YCbCr) (time.Time, error) {
	var since time.Time // of the first damaged frame in a row
	for {
		if isClosed(c.done) { // rather than a picture that is ready too
			return time.Time{}, c.fail(os.ErrClosed)
		}
		select {
		case <-c.done:
			continue
		case <-c.ended:
			if isClosed(c.done) {
				continue // which is why it ended
			}
			return time.Time{}, c.fail(cmp.Or(c.err, os.ErrClosed))
		case <-c.ready:
		}
		if !c.takeShot() {
			continue
		}
		if !c.m.format.compressed() {
			convert(img, c.front.b, c.front.layout, c.chroma, &c.levels)
			return c.front.at, nil
		}
		err := c.jpeg.decode(img, c.front.b, c.m, c.chroma)
		switch {
		case err == nil:
			return c.front.at, nil
		case since.IsZero():
			since = c.front.at
		case c.front.at.Sub(since) > c.stall:
			return time.Time{}, c.fail(stalled(err))
		}
	}
}

// fail names the camera in an error of read.
func (c *camera) fail(err error) error {
	return &fs.PathError{Op: "read camera", Path: c.path, Err: err}
}

func (c *camera) close() (err error) {
	c.closing.Do(func() {
		close(c.done)
		c.dev.wake()
		<-c.ended // before what pump reads is unmapped
		err = c.dev.close()
	})
	return err
}
