package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/blackjack/webcam"
	"golang.org/x/sys/unix"
)

const (
	// buffers is what the driver may fill ahead. With one being copied and one
	// being filled two are left for a reader that is late by 66 ms. The
	// library's own choice is 256.
	buffers = 4

	// defaultStall is how long a camera may give nothing that can be used.
	defaultStall = 5 * time.Second

	// emptyPause is waited after the driver said "ready" and had nothing: a
	// condition that it reports forever must not keep a core busy.
	emptyPause = 10 * time.Millisecond

	// pollSeconds bounds one wait for a frame; the library counts in whole
	// seconds. It is also how long Close takes on a camera that hangs.
	pollSeconds = 1

	// exposureDynamicFramerate is V4L2_CID_EXPOSURE_AUTO_PRIORITY: 1 lets the
	// camera halve its rate in dim light, 0 makes it keep the rate.
	exposureDynamicFramerate = 0x009a0903
)

// A camera is read by two goroutines. pump, its own, takes frames off the
// driver as they come, so that they are stamped in time and never old, and
// copies them, so that no one else touches the driver's memory: the library
// unmaps it on closing, and a late access would be a fault that nothing can
// recover. The caller of read turns the newest copy into a picture.
type camera struct {
	// Set by open.
	path    string
	m       mode
	chroma  bool
	stall   time.Duration
	done    chan struct{} // closed by close
	ended   chan struct{} // closed when pump has ended
	ready   chan struct{} // holds a token while there may be an unread shot; never closed
	closing sync.Once

	// Owned by pump until ended is closed; then by close and read.
	dev  *webcam.Webcam
	err  error // why pump ended
	back *shot

	// Owned by the reader.
	front  *shot
	levels levels
	jpeg   jpegDecoder

	// Guarded by mu.
	mu    sync.Mutex
	mid   *shot
	fresh bool
}

// A shot is a frame as the camera sent it.
type shot struct {
	b  []byte
	at time.Time // when it was taken off the driver
}

func open(path string, c Config) (*Camera, error) { return openStall(path, c, defaultStall) }

// openStall is Open with a choice of how long the camera may give nothing.
func openStall(path string, c Config, stall time.Duration) (*Camera, error) {
	dev, err := webcam.Open(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open camera", Path: path, Err: openCause(err)}
	}
	c = c.withDefaults()
	m, err := start(dev, c)
	if err != nil {
		_ = dev.Close() // nothing was read: only the first error counts
		return nil, &fs.PathError{Op: "open camera", Path: path, Err: err}
	}
	cam := &Camera{camera{
		path: path, m: m, chroma: c.Chroma, stall: stall, dev: dev,
		done: make(chan struct{}), ended: make(chan struct{}), ready: make(chan struct{}, 1),
		back: new(shot), mid: new(shot), front: new(shot),
	}}
	go cam.pump()
	return cam, nil
}

// withDefaults replaces the zeros of c.
func (c Config) withDefaults() Config {
	if c.Width <= 0 || c.Height <= 0 {
		c.Width, c.Height = 640, 480
	}
	if c.FPS <= 0 {
		c.FPS = 30
	}
	return c
}

// openCause returns what an error of webcam.Open means.
func openCause(err error) error {
	errno, ok := errors.AsType[unix.Errno](err)
	switch {
	case !ok: // the library's own words: an output, or a device that cannot stream
		return fmt.Errorf("%w: %w", ErrNotCamera, err)
	case errno == unix.ENOTTY || errno == unix.EINVAL: // not a V4L2 device
		return ErrNotCamera
	}
	return errno
}

// start sets the best mode that the camera accepts and starts it.
func start(dev *webcam.Webcam, c Config) (mode, error) {
	modes, err := modesOf(dev, c)
	if err != nil {
		return mode{}, err
	}
	last := ErrNoFormat
	for _, m := range modes {
		got, _, _, err := dev.SetImageFormat(webcam.PixelFormat(m.format), uint32(m.w), uint32(m.h))
		switch {
		case errors.Is(err, unix.EBUSY) || errors.Is(err, unix.ENODEV):
			return mode{}, err
		case err != nil:
			last = fmt.Errorf("set format %v %dx%d: %w", m.format, m.w, m.h, err)
			continue
		case fourCC(got) != m.format:
			continue
		}
		// A camera without the control keeps its rate, and one that does not
		// take the rate gives another: pictures come either way. The
		// frequency of the mains stays as the user's system has set it.
		_ = dev.SetControl(exposureDynamicFramerate, 0)
		_ = dev.SetFramerate(float32(c.FPS))
		if err := dev.SetBufferCount(buffers); err != nil {
			return mode{}, err
		}
		if err := dev.StartStreaming(); err != nil {
			return mode{}, startCause(err)
		}
		return m, nil
	}
	return mode{}, last
}

// startCause returns an error of webcam.StartStreaming as one of the system.
// The library keeps only the words of it.
func startCause(err error) error {
	for _, errno := range []unix.Errno{unix.EBUSY, unix.ENODEV, unix.ENOSPC, unix.ENOMEM, unix.EIO, unix.EINVAL} {
		if strings.HasSuffix(err.Error(), errno.Error()) {
			return errno
		}
	}
	return err
}

// modesOf returns what the camera offers, the best first. It fails with
// ErrNotCamera for a node without formats, such as the one for a UVC camera's
// metadata, and with ErrNoFormat if none is understood.
func modesOf(dev *webcam.Webcam, c Config) ([]mode, error) {
	formats := dev.GetSupportedFormats()
	if len(formats) == 0 {
		return nil, ErrNotCamera
	}
	var modes []mode
	for pf := range formats {
		f := fourCC(pf)
		if _, ok := f.rank(c.Chroma); !ok {
			continue
		}
		sizes := dev.GetSupportedFrameSizes(pf)
		if len(sizes) == 0 { // a driver without the list: the frames' length will tell
			sizes = append(sizes, webcam.FrameSize{})
		}
		for _, s := range sizes {
			r := sizeRange{
				int(s.MinWidth), int(s.MaxWidth), int(s.StepWidth),
				int(s.MinHeight), int(s.MaxHeight), int(s.StepHeight),
			}
			if m, ok := modeOf(f, r, c.Width, c.Height); ok {
				modes = append(modes, m)
			}
		}
	}
	if len(modes) == 0 {
		return nil, ErrNoFormat
	}
	slices.SortFunc(modes, func(a, b mode) int { return compareModes(a, b, c.Width, c.Height, c.Chroma) })
	return slices.Compact(modes), nil
}

// pump takes frames off the driver until the camera fails or is closed.
func (c *camera) pump() {
	defer close(c.ended)
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	last := time.Now() // when the newest usable frame came
	var odd error      // the newest reason why a frame was none
	for {
		select {
		case <-c.done:
			return
		default:
		}
		ok, err := c.take()
		switch {
		case err == nil && ok:
			last, odd = time.Now(), nil
			continue
		case err == nil:
		case errors.Is(err, errFrame):
			odd = err
		case errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR):
			pause.Reset(emptyPause)
			select {
			case <-c.done:
				return
			case <-pause.C:
			}
		default:
			c.err = err
			return
		}
		if time.Since(last) > c.stall {
			c.err = stalled(odd)
			return
		}
	}
}

// stalled returns ErrStalled with the reason, if there is one.
func stalled(reason error) error {
	if reason == nil {
		return ErrStalled
	}
	return fmt.Errorf("%w: %w", ErrStalled, reason)
}

// take waits for frames and publishes the newest. ok is false if none came in
// time.
func (c *camera) take() (ok bool, err error) {
	if err := c.dev.WaitForFrame(pollSeconds); err != nil {
		if _, late := errors.AsType[*webcam.Timeout](err); late {
			return false, nil
		}
		return false, err
	}
	b, i, err := c.dequeue()
	if err != nil {
		return false, err
	}
	c.back.at = time.Now()
	want := c.m.format.frameLen(c.m.w, c.m.h)
	whole := want == 0 || len(b) == want
	if whole {
		c.back.b = append(c.back.b[:0], b...)
	}
	if err := c.dev.ReleaseFrame(i); err != nil {
		return false, err
	}
	if !whole {
		return false, fmt.Errorf("%w: %d bytes instead of %d", errFrame, len(b), want)
	}
	c.publish()
	return true, nil
}

// dequeue returns the newest frame that the driver has, and its buffer, and
// gives the older ones back.
func (c *camera) dequeue() ([]byte, uint32, error) {
	b, i, err := c.dev.GetFrame()
	if err != nil {
		return nil, 0, err
	}
	for range buffers { // no more, lest a fast driver keeps us here
		nb, ni, last := c.dev.GetFrame()
		if last != nil {
			break // EAGAIN: that was all. Anything else shows again next time.
		}
		if err := c.dev.ReleaseFrame(i); err != nil {
			return nil, 0, err
		}
		b, i = nb, ni
	}
	return b, i, nil //nolint:nilerr // see above
}

// publish trades the shot that pump has filled for one that it may fill.
func (c *camera) publish() {
	c.mu.Lock()
	c.back, c.mid = c.mid, c.back
	c.fresh = true
	c.mu.Unlock()
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

func (c *camera) read(img *image.YCbCr) (time.Time, error) {
	var since time.Time // of the first damaged frame in a row
	for {
		select {
		case <-c.done:
			return time.Time{}, c.fail(os.ErrClosed)
		default: // rather than a picture that is ready too
		}
		select {
		case <-c.done:
			continue
		case <-c.ended:
			return time.Time{}, c.fail(cmp.Or(c.err, os.ErrClosed))
		case <-c.ready:
		}
		if !c.takeShot() {
			continue
		}
		if !c.m.format.compressed() {
			convert(img, c.front.b, c.m, c.chroma, &c.levels)
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
		<-c.ended // before the library unmaps what pump reads
		err = c.dev.Close()
	})
	return err
}

func list() ([]Info, error) { return listGlob("/dev/video*") }

// listGlob lists the cameras among the files that match pattern.
func listGlob(pattern string) ([]Info, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	// video2 before video10
	slices.SortFunc(paths, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	var infos []Info
	for _, path := range paths {
		if info, err := probe(path); err == nil {
			infos = append(infos, info)
		}
	}
	return infos, nil
}

// probe returns what the camera at path is called.
func probe(path string) (Info, error) {
	dev, err := webcam.Open(path)
	if err != nil {
		return Info{}, err
	}
	defer dev.Close()
	if _, err := modesOf(dev, Config{}.withDefaults()); err != nil {
		return Info{}, err
	}
	info := Info{Path: path}
	if info.Name, err = dev.GetName(); err != nil {
		return Info{}, err
	}
	if info.Bus, err = dev.GetBusInfo(); err != nil {
		return Info{}, err
	}
	return info, nil
}
