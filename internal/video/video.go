// Package video compresses pictures for a call: luma, predicted from an
// earlier picture, entropy coded, without delay.
package video

import (
	"errors"
	"image"
)

// The largest picture that is coded, in pixels.
const (
	MaxWidth  = 640
	MaxHeight = 480
)

// What Decode returns. ErrReference means that the picture is predicted from
// one that this Decoder does not hold; it says nothing about later pictures.
var (
	ErrMalformed = errors.New("malformed picture")
	ErrReference = errors.New("picture needs one that was lost")
)

// Config is what an Encoder needs.
type Config struct {
	Width, Height int // pixels, from 16 up to MaxWidth and MaxHeight
	Bitrate       int // bit/s to aim for; 0 means constant quality
	FPS           int // pictures per second, for the rate control; 0 means 15
	MaxBytes      int // bytes that no picture exceeds, key pictures included; 0 means no limit
}

// A Picture names a compressed picture.
type Picture struct {
	ID  uint16 // counts pictures modulo 2^16
	Ref uint16 // the picture it is predicted from; equal to ID in a key picture
}

// Key reports whether the picture stands alone.
func (p Picture) Key() bool { return p.ID == p.Ref }

// An Encoder compresses the pictures of one camera. It is not safe for use by
// several goroutines.
type Encoder struct{}

// NewEncoder returns an Encoder whose first picture will be a key picture.
func NewEncoder(Config) (*Encoder, error) { return nil, errors.New("not built yet") }

// Encode compresses the luma of src, scaled to the Encoder's size when it
// differs, and appends the result to dst. It allocates nothing once warm when
// dst has room.
func (e *Encoder) Encode(dst []byte, src *image.YCbCr) ([]byte, Picture, error) {
	panic("not built yet")
}

// Refer makes the next picture be predicted from the picture id, which a
// receiver has, if the Encoder still holds it; else a key picture.
func (e *Encoder) Refer(id uint16) { panic("not built yet") }

// ForceKey makes the next picture a key picture.
func (e *Encoder) ForceKey() { panic("not built yet") }

// A Decoder decompresses the pictures of one member. It is not safe for use by
// several goroutines. Hostile input costs it bounded time and memory.
type Decoder struct{}

// NewDecoder returns a Decoder that holds no picture.
func NewDecoder() *Decoder { return new(Decoder) }

// Decode decompresses the picture p from b into dst, reusing dst's planes.
// dst is gray and of the size the sender chose.
func (d *Decoder) Decode(b []byte, p Picture, dst *image.YCbCr) error { panic("not built yet") }

// Newest returns the id of the picture decoded last; false when there is none.
func (d *Decoder) Newest() (id uint16, ok bool) { panic("not built yet") }

// Scale fills dst, whose size is set, with src scaled by area average (or
// bilinear when it grows), cropped to dst's shape around the middle. Only luma
// is scaled; dst's chroma becomes empty.
func Scale(dst, src *image.YCbCr) { panic("not built yet") }
