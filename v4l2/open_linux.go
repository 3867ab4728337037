package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/blackjack/webcam"
	"golang.org/x/sys/unix"
)

// patience is how long a camera may give nothing that can be used.
type patience struct {
	first time.Duration // until the first picture
	stall time.Duration // later
}

var defaultPatience = patience{first: 3 * time.Second, stall: 5 * time.Second}

// maxSilent is in how many formats a camera may give no picture before it is
// given up: with 3 s each, more would be too long to wait for.
const maxSilent = 2

func open(path string, c Config) (*Camera, error) { return openPatient(path, c, defaultPatience) }

// openPatient is Open with a choice of how long the camera may give nothing.
func openPatient(path string, c Config, p patience) (*Camera, error) {
	c = c.withDefaults()
	offers, err := offersAt(path, c)
	if err != nil {
		return nil, &fs.PathError{Op: "open camera", Path: path, Err: err}
	}
	cam, err := openBest(path, offers, c, p)
	if err != nil {
		return nil, &fs.PathError{Op: "open camera", Path: path, Err: err}
	}
	return cam, nil
}

// openBest starts the camera with the best offer that it keeps. If it keeps
// none the error is that of the best.
func openBest(path string, offers []offer, c Config, p patience) (*Camera, error) {
	var first error
	var silent []fourCC
	for _, o := range offers {
		if slices.Contains(silent, o.format) {
			continue
		}
		cam, err := openOffer(path, o, c, p)
		switch {
		case err == nil:
			return cam, nil
		case errors.Is(err, unix.EBUSY): // whatever the step: another format would not help
			return nil, unix.EBUSY
		case errors.Is(err, unix.ENODEV):
			return nil, unix.ENODEV
		case errors.Is(err, ErrStalled):
			silent = append(silent, o.format)
		}
		first = cmp.Or(first, err)
		if len(silent) == maxSilent {
			break
		}
	}
	return nil, cmp.Or(first, ErrNoFormat)
}

// openOffer starts the camera in one mode and waits for its first picture.
func openOffer(path string, o offer, c Config, p patience) (*Camera, error) {
	dev, err := openDevice(path)
	if err != nil {
		return nil, err
	}
	m, stride, agreed, err := dev.prepare(o)
	if err != nil {
		return nil, errors.Join(err, dev.close())
	}
	cam := &Camera{camera{
		path: path, m: m, stride: stride, chroma: c.Chroma, stall: p.stall, agreed: agreed.rate(), dev: dev,
		thin: newThinner(agreed.rate(), c.FPS),
		done: make(chan struct{}), ended: make(chan struct{}), ready: make(chan struct{}, 1),
		back: new(shot), mid: new(shot), front: new(shot),
	}}
	go cam.pump(p.first)
	select {
	case <-cam.ready:
		cam.wakeReader() // the picture is still unread
		return cam, nil
	case <-cam.ended:
		err := cam.err
		return nil, errors.Join(err, cam.close())
	}
}

// prepare sets mode and rate and starts the stream. It returns what the driver
// has set.
func (d *device) prepare(o offer) (m mode, stride int, agreed interval, err error) {
	m, stride, err = d.setFormat(o.mode)
	switch {
	case err != nil:
		return m, 0, agreed, fmt.Errorf("set format %v %dx%d: %w", o.format, o.w, o.h, err)
	case m.format != o.format || !m.sane():
		return m, 0, agreed, fmt.Errorf("set format %v %dx%d: %w: the driver sets %v %dx%d",
			o.format, o.w, o.h, ErrNoFormat, m.format, m.w, m.h)
	}
	agreed = d.setInterval(o.interval)
	d.tame()
	return m, stride, agreed, d.start(buffers)
}

// offersAt returns what the camera at path offers, the best first.
func offersAt(path string, c Config) ([]offer, error) {
	dev, err := webcam.Open(path)
	if err != nil {
		return nil, openCause(err)
	}
	defer dev.Close()
	return offersOf(dev, c)
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

// offersOf returns what the camera offers, the best first. It fails with
// ErrNotCamera for a node without formats, such as the one for a UVC camera's
// metadata, and with ErrNoFormat if none is understood.
func offersOf(dev *webcam.Webcam, c Config) ([]offer, error) {
	formats := dev.GetSupportedFormats()
	if len(formats) == 0 {
		return nil, ErrNotCamera
	}
	var offers []offer
	for pf := range formats {
		f := fourCC(pf)
		if _, ok := f.rank(c.Chroma); !ok {
			continue
		}
		sizes := dev.GetSupportedFrameSizes(pf)
		if len(sizes) == 0 { // a driver without the list: it will say what it sets
			sizes = append(sizes, webcam.FrameSize{})
		}
		for _, s := range sizes {
			r := sizeRange{
				int(s.MinWidth), int(s.MaxWidth), int(s.StepWidth),
				int(s.MinHeight), int(s.MaxHeight), int(s.StepHeight),
			}
			if m, ok := modeOf(f, r, c.Width, c.Height); ok {
				i := chooseInterval(intervalsOf(dev, m), c.FPS)
				offers = append(offers, offer{m, i, tooSlow(i, c.FPS)})
			}
		}
	}
	if len(offers) == 0 {
		return nil, ErrNoFormat
	}
	slices.SortFunc(offers, func(a, b offer) int { return compareOffers(a, b, c) })
	return slices.Compact(offers), nil
}

// intervalsOf returns the camera's list of rates for mode m.
func intervalsOf(dev *webcam.Webcam, m mode) []intervalRange {
	var list []intervalRange
	for _, r := range dev.GetSupportedFramerates(webcam.PixelFormat(m.format), uint32(m.w), uint32(m.h)) {
		list = append(list, intervalRange{
			short: interval{r.MinNumerator, r.MinDenominator},
			long:  interval{r.MaxNumerator, r.MaxDenominator},
		})
	}
	return list
}
