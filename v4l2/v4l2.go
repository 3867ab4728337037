// Package v4l2 reads Video4Linux2 cameras without cgo: YUYV with the luma
// plane straight out, NV12 and its like, and MJPEG. On other systems every call
// fails with ErrUnsupported.
//
// While a camera is open two of its controls may stand differently:
//
//   - exposure_dynamic_framerate, which lets a camera halve its rate in dim
//     light, is off: a darker picture is better than a jerky one.
//   - power_line_frequency, the filter against bands that run through the
//     picture under lamps, is automatic if it was disabled and the camera can
//     tell by itself. A camera set to 50 or 60 Hz keeps it: whoever set it knows
//     the mains better than a program does.
//
// Close puts both back, unless somebody else has set them in the meantime.
package v4l2

import (
	"errors"
	"image"
	"time"
)

// What Open and Read return, besides errors of the system such as EBUSY (in
// use), EACCES (denied) and ENODEV (unplugged).
var (
	ErrUnsupported = errors.New("V4L2 cameras exist on Linux only")
	ErrNotCamera   = errors.New("not a camera")
	ErrNoFormat    = errors.New("camera offers no format that is understood")
	ErrStalled     = errors.New("camera gives no pictures")
)

// Config is what is wanted of a camera. The zero Config asks for 640x480 at
// 30 pictures a second without colour.
type Config struct {
	Width, Height int
	FPS           int
	Chroma        bool // fill Cb and Cr too
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

// An Info names a camera of this machine.
type Info struct {
	Path string // /dev/video0
	Name string // as the driver calls it
	Bus  string // where it is plugged in

	// ID is the name that the camera keeps wherever it is plugged in, from
	// /dev/v4l/by-id, such as usb-046d_HD_Pro_Webcam_C920_1B2C3D4E-video-index0;
	// "" if the system gives it none.
	ID string
}

// List returns the cameras of this machine that can be opened, in order of
// their paths. The nodes that some cameras have for metadata are left out.
func List() ([]Info, error) { return list() }

// A Camera yields pictures. One goroutine reads; any goroutine may close.
type Camera struct{ camera }

// Open opens the camera at path, starts it and waits for its first picture,
// some 100 to 500 ms. A format that the camera lists and then refuses, or gives
// no picture in within 3 s, is left for the next best; a camera that gives none
// in two formats fails with ErrStalled.
func Open(path string, c Config) (*Camera, error) { return open(path, c) }

// Size returns the size of the pictures in pixels that the driver has set, and
// the name of the format that the camera sends them in. It is nearest to what
// was asked for; MJPEG pictures may be of another size all the same.
func (c *Camera) Size() (w, h int, format string) { return c.size() }

// Rate returns the pictures a second that the driver has set, 0 if it does not
// say, and those that came in the last second or so, 0 in the first. Read gives
// fewer where the camera is much faster than was asked for.
func (c *Camera) Rate() (agreed, measured float64) { return c.rate() }

// Read waits for the newest picture and stores it in img, reusing its planes:
// full-range luma, 4:2:0 chroma or none. It returns when the picture was taken:
// by the driver's clock if that makes sense, else when it was taken off the
// driver. Close unblocks it; it then returns an error wrapping os.ErrClosed.
func (c *Camera) Read(img *image.YCbCr) (time.Time, error) { return c.read(img) }

// Close stops the camera and puts its controls back.
func (c *Camera) Close() error { return c.close() }
