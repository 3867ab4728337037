// Package v4l2 reads Video4Linux2 cameras without cgo: YUYV with the luma
// plane straight out, NV12 and MJPEG. On other systems every call fails with
// ErrUnsupported.
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

// An Info names a camera of this machine.
type Info struct {
	Path string // /dev/video0
	Name string // as the driver calls it
	Bus  string // where it is plugged in
}

// List returns the cameras of this machine that can be opened, in order of
// their paths.
func List() ([]Info, error) { return list() }

// A Camera yields pictures. One goroutine reads; any goroutine may close.
type Camera struct{ camera }

// Open opens the camera at path and starts it.
func Open(path string, c Config) (*Camera, error) { return open(path, c) }

// Size returns the size of the pictures in pixels, and the name of the format
// that the camera sends them in.
func (c *Camera) Size() (w, h int, format string) { return c.size() }

// Read waits for the newest picture and stores it in img, reusing its planes:
// full-range luma, 4:2:0 chroma or none. It returns when the picture was
// taken off the driver. Close unblocks it; it then returns an error wrapping
// os.ErrClosed.
func (c *Camera) Read(img *image.YCbCr) (time.Time, error) { return c.read(img) }

// Close stops the camera.
func (c *Camera) Close() error { return c.close() }
