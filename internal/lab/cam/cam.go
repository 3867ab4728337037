// Package cam is a webcam for tests on machines that have none: one file,
// served through FUSE, that answers the V4L2 ioctls, poll and mmap as a USB
// camera does, in real time. Programs use it unmodified; no kernel module is
// needed, but root and /dev/fuse are.
//
// What differs from a real camera: the file is a plain file, no character
// device, so programs that insist on one (v4l2-ctl) refuse it; memory-mapped
// buffers only; no extended controls. The layouts are those of 64-bit Linux.
//
// # The time strip
//
// With Config.Stamp every picture says when it was drawn, so that whoever sees
// it, even as characters on a terminal, can tell how old it is. The lowest
// eighth of the picture is a row of 24 cells of equal width, each black or
// white:
//
//	cell   0      1      2 .. 17           18 .. 21       22     23
//	       black  white  milliseconds      CRC            white  black
//
// The milliseconds are those of the Unix epoch modulo 65536, in Gray code, the
// most significant bit first, white is 1: a picture that mixes two instants
// shows one of them. The CRC is that of the 16 bits before the Gray coding, by
// x^4+x+1. ReadStamp reads the strip.
package cam

import (
	"image"
	"time"
)

// A Format is what a camera sends its pictures in.
type Format string

// The formats, by their V4L2 names.
const (
	YUYV  Format = "YUYV"
	UYVY  Format = "UYVY"
	NV12  Format = "NV12"
	NV21  Format = "NV21"
	YU12  Format = "YU12"
	GREY  Format = "GREY"
	MJPEG Format = "MJPG" // without Huffman tables, as cameras send it
)

// A Source draws what a camera sees. One goroutine uses it.
type Source interface {
	// Size returns the size in pixels of the pictures, which never changes.
	Size() image.Point

	// Draw stores in img, which has that size and 4:2:0 chroma, the picture at
	// time t after the camera's start. Samples are sent as they are drawn.
	Draw(img *image.YCbCr, t time.Duration)
}

// Config describes a camera. The zero Config is one of 640x480 at 30 pictures
// a second that sees moving colour bars, in a temporary directory.
type Config struct {
	Path     string        // where the camera appears; "" means video0 in a directory of its own
	Name     string        // what the driver calls it; "" means "Lab Camera"
	Bus      string        // where it is plugged in; "" means "fuse:fakecam"
	Source   Source        // nil means Bars of 640x480
	Formats  []Format      // offered, in this order; nil means YUYV
	Sizes    []image.Point // offered, in this order; nil means the source's
	Rates    []int         // pictures a second, the first is the default; nil means 30, 15
	Controls []Control     // nil means exposure_dynamic_framerate, on
	Stamp    bool          // draw the time strip

	RatesOf  map[Format][]float64 // of a format with rates of its own, or with fractions
	Metadata bool                 // it is the node for metadata that some cameras have beside them
	Lies     Lies
}

// A Control is one that programs may read and set, by its V4L2 number.
type Control struct {
	ID    uint32
	Name  string
	Max   int32 // the smallest value is 0
	Value int32 // when it is plugged in, and what its default is
}

// The controls of many a camera.
const (
	PowerLineFrequency       = 0x00980918 // off, 50 Hz, 60 Hz, and automatic
	ExposureDynamicFramerate = 0x009a0903
)

// A Set is a control that a program has set.
type Set struct {
	ID    uint32
	Value int32
}

// Lies are what a camera does against what it says. The zero Lies is honest.
type Lies struct {
	Size     image.Point // what it sets and sends, whatever is asked for
	Mute     bool        // it does not say so: the answer repeats what was asked for
	Pad      int         // bytes after each row, of a planar format's first plane
	HidePad  bool        // it does not say so
	Slack    int         // bytes that it counts as the picture's and are not
	Rate     float64     // pictures a second, whatever was agreed; 0 for that
	Refuse   []Format    // those that cannot be set, with EINVAL
	NoStream []Format    // those that cannot be started, with ENOSPC
	Silent   []Format    // those that never give a picture
}

// withDefaults replaces the zeros of c, except Path.
func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "Lab Camera"
	}
	if c.Bus == "" {
		c.Bus = "fuse:fakecam"
	}
	if c.Source == nil {
		c.Source = Bars{W: 640, H: 480}
	}
	if c.Formats == nil {
		c.Formats = []Format{YUYV}
	}
	if c.Sizes == nil {
		c.Sizes = []image.Point{c.Source.Size()}
	}
	if c.Rates == nil {
		c.Rates = []int{30, 15}
	}
	if c.Controls == nil {
		c.Controls = []Control{{ExposureDynamicFramerate, "Exposure, Dynamic Framerate", 1, 1}}
	}
	return c
}

// rates returns the rates of format f.
func (c *Config) rates(f Format) []float64 {
	if r := c.RatesOf[f]; r != nil {
		return r
	}
	r := make([]float64, len(c.Rates))
	for i, fps := range c.Rates {
		r[i] = float64(fps)
	}
	return r
}

// Stats counts what programs did with a camera.
type Stats struct {
	Frames   int64 // pictures given
	Starved  int64 // pictures lost because the program had given no buffer
	Dequeues int64 // times that a program asked for a picture
}
