// Package video compresses pictures for a call: luma and if wanted colour,
// predicted from an earlier picture, entropy coded, without delay.
//
// A picture is cut into macroblocks of 16x16 samples, each of four blocks of
// 8x8. What is sent of a macroblock is how to predict it (leave it, move it,
// move its blocks one by one, or continue its surroundings) and, per block,
// the quantised transform, in one piece or in quarters, of what the prediction
// misses:
//
//	Encode  source > Scale > denoise > decide(skip, motion, split, intra) > fdct > quantise > range coder > bytes
//	Decode  bytes > range decoder > dequantise > idct > + prediction > deblock > picture
//	                                both sides keep the last 16 pictures < picture
//
// Smooth blocks are quantised more finely than rough ones, by the variance of
// their prediction, which the decoder has too.
//
// A compressed picture is a header (header.go) and one run of the range coder
// (rangecoder.go). The probabilities of the range coder continue from those
// that the reference picture ended with, so a picture depends on its reference
// and on nothing else. Everything the decoder computes, and everything the
// encoder decides, is integer arithmetic: the same bytes give the same picture
// on every machine.
package video

import "errors"

// The largest picture that is coded, in pixels.
const (
	MaxWidth  = 640
	MaxHeight = 480
)

// MinSide is the smallest width and height that is coded, in pixels.
const MinSide = 16

// What Decode returns. ErrReference means that the picture is predicted from
// one that this Decoder does not hold; it says nothing about later pictures.
var (
	ErrMalformed = errors.New("malformed picture")
	ErrReference = errors.New("picture needs one that was lost")
)

// Config is what an Encoder needs.
type Config struct {
	Width, Height int // pixels, from 16 up to MaxWidth and MaxHeight
	Bitrate       int // bit/s that are not exceeded for long; 0 means no limit
	FPS           int // pictures per second, for the rate control; 0 means 15
	MaxBytes      int // bytes that no picture exceeds, key pictures included, at least 128; 0 means no limit
	Quantiser     int // the quality where Bitrate allows it, from 1 (finest) to 63; 0 means 22, an SSIM of about 0.98

	// FirstID is the id of the first picture. An Encoder that takes the place
	// of another goes on from the id after the last one of that, or receivers
	// would take its pictures for those.
	FirstID uint16

	// Denoise filters noise out of the pictures before they are compressed:
	// what a camera needs, and nothing else does.
	Denoise bool

	// Chroma codes colour too, at half the size of luma (4:2:0).
	Chroma bool
}

// A Picture names a compressed picture.
type Picture struct {
	ID  uint16 // counts pictures modulo 2^16
	Ref uint16 // the picture it is predicted from; equal to ID in a key picture
}

// Key reports whether the picture stands alone.
func (p Picture) Key() bool { return p.ID == p.Ref }
