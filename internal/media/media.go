// Package media defines the values that flow through s2c: pictures, chunks of
// sound, and the sources and sinks they pass between.
package media

import (
	"image"
	"time"
)

// The sound format used everywhere between the devices and the codec: mono,
// 16 bits, 48 kHz, 10 ms at a time.
const (
	SampleRate   = 48000                 // samples per second
	ChunkSamples = 480                   // samples in a Chunk
	ChunkTime    = 10 * time.Millisecond // duration of a Chunk
)

// A Frame is one picture and the instant it was captured.
//
// Luma is full range, 0 to 255. A frame without colour has empty Cb and Cr;
// one with colour is 4:2:0. The zero Frame is ready to be filled: a source
// grows its planes as needed and reuses them on the next call.
type Frame struct {
	image.YCbCr
	At   time.Time // when the picture was captured
	Tall bool      // its pixels are twice as high as wide
}

// Resize makes f a picture of w x h pixels, reusing its planes where they are
// large enough. Its pixels are square; the contents of the planes are undefined
// afterwards.
func (f *Frame) Resize(w, h int, chroma bool) {
	f.Rect, f.Tall = image.Rect(0, 0, w, h), false
	f.SubsampleRatio = image.YCbCrSubsampleRatio420
	f.YStride = w
	f.Y = grow(f.Y, w*h)
	f.CStride = 0
	n := 0
	if chroma {
		f.CStride = (w + 1) / 2
		n = f.CStride * ((h + 1) / 2)
	}
	f.Cb, f.Cr = grow(f.Cb, n), grow(f.Cr, n)
}

// CopyFrom makes f a deep copy of src, reusing f's planes.
func (f *Frame) CopyFrom(src *Frame) {
	f.At, f.Tall, f.Rect, f.SubsampleRatio = src.At, src.Tall, src.Rect, src.SubsampleRatio
	f.YStride, f.CStride = src.YStride, src.CStride
	f.Y = append(f.Y[:0], src.Y...)
	f.Cb = append(f.Cb[:0], src.Cb...)
	f.Cr = append(f.Cr[:0], src.Cr...)
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// A Chunk is 10 ms of mono sound.
type Chunk struct {
	PCM [ChunkSamples]int16
	At  time.Time // when PCM[0] was captured
}

// A VideoSource yields frames in capture order.
//
// One goroutine reads; any goroutine may close.
type VideoSource interface {
	// ReadFrame waits for a picture and stores it in f, reusing f's planes.
	// Close unblocks it; it then returns an error wrapping os.ErrClosed. Any
	// other error is final: the source is to be closed and opened again.
	ReadFrame(f *Frame) error

	// Close releases the device.
	Close() error
}

// An AudioSource yields sound, one Chunk every ChunkTime.
//
// One goroutine reads; any goroutine may close.
type AudioSource interface {
	// ReadChunk waits for the next chunk and stores it in c. Close unblocks
	// it; it then returns an error wrapping os.ErrClosed. A reader that falls
	// behind misses the oldest sound, never gets old sound late.
	ReadChunk(c *Chunk) error

	// Close releases the device.
	Close() error
}

// An AudioSink plays sound.
//
// One goroutine writes; any goroutine may close.
type AudioSink interface {
	// Wait waits until the device wants more. A caller that makes the next
	// chunk after Wait, not before, gives it the newest sound there is. Close
	// unblocks it; it then returns an error wrapping os.ErrClosed.
	Wait() error

	// WriteChunk waits until the device wants more and hands it c, so that the
	// device's clock paces its caller. Close unblocks it; it then returns an
	// error wrapping os.ErrClosed.
	WriteChunk(c *Chunk) error

	// Latency estimates how long a sample written now takes until it is heard.
	Latency() time.Duration

	// Close stops the sound and releases the device.
	Close() error
}
