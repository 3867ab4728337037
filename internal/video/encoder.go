package video

import (
	"errors"
	"fmt"
	"image"
)

// minMaxBytes is the smallest limit that every picture can be made to fit. One
// without any detail has a header of at most 6 bytes and one kind of bit, in 3
// contexts. To learn a context takes at most 14 bytes and a learnt bit 0.0113
// bit: 6 + 3*14 + 4800*0.0113/8 + 4 = 59 bytes at the largest size.
const minMaxBytes = 128

// An Encoder compresses the pictures of one camera. It is not safe for use by
// several goroutines.
type Encoder struct {
	// Set by NewEncoder.
	width, height int
	maxBytes      int

	// What the next picture is.
	id       uint16
	forceKey bool
	refer    bool // to referID, not to the last
	referID  uint16

	shelf  shelf
	state  state
	out    rangeEncoder
	rate   rate
	source plane
	scaled image.YCbCr
	seeds  []vector // of each block in the picture coded last: where to search

	// Owned by decide, for one macroblock.
	bx, by int   // its first block
	heed   int64 // what an error in it weighs, in 1/256
	bare   bool  // spend nothing on it, because nothing else fits
	trials [2]trial
}

// NewEncoder returns an Encoder whose first picture will be a key picture with
// the id 0. The error says which field of c is out of its range.
func NewEncoder(c Config) (*Encoder, error) {
	switch {
	case !validSize(c.Width, c.Height):
		return nil, fmt.Errorf("video size %dx%d: not from %dx%d to %dx%d",
			c.Width, c.Height, minSide, minSide, MaxWidth, MaxHeight)
	case c.Bitrate < 0:
		return nil, fmt.Errorf("video bitrate %d bit/s: negative", c.Bitrate)
	case c.FPS < 0:
		return nil, fmt.Errorf("video rate of %d pictures per second: negative", c.FPS)
	case c.MaxBytes != 0 && c.MaxBytes < minMaxBytes:
		return nil, fmt.Errorf("limit of %d bytes per picture: less than %d", c.MaxBytes, minMaxBytes)
	}
	e := &Encoder{width: c.Width, height: c.Height, maxBytes: c.MaxBytes, rate: newRate(c.Bitrate, c.FPS)}
	e.source.resize((c.Width+15)&^15, (c.Height+15)&^15)
	e.seeds = make([]vector, e.source.w/8*e.source.h/8)
	e.scaled = image.YCbCr{
		Y:              make([]byte, c.Width*c.Height),
		YStride:        c.Width,
		SubsampleRatio: image.YCbCrSubsampleRatio420,
		Rect:           image.Rect(0, 0, c.Width, c.Height),
	}
	return e, nil
}

// Refer makes the next picture be predicted from the picture id, which a
// receiver has, if the Encoder still holds it, which it does for the last 16;
// else a key picture. ForceKey overrules it.
func (e *Encoder) Refer(id uint16) { e.refer, e.referID = true, id }

// ForceKey makes the next picture a key picture.
func (e *Encoder) ForceKey() { e.forceKey = true }

// Encode compresses the luma of src, scaled to the Encoder's size when it
// differs, and appends the result to dst. It allocates nothing once warm when
// dst has room. It fails only if src has no pixels; dst is then returned as it
// was and the next picture is what this one would have been.
func (e *Encoder) Encode(dst []byte, src *image.YCbCr) ([]byte, Picture, error) {
	if err := e.load(src); err != nil {
		return dst, Picture{}, err
	}
	ref := e.reference()
	p := Picture{ID: e.id, Ref: e.id}
	h := header{key: ref == nil, width: e.width, height: e.height, qp: e.rate.qp()}
	if ref != nil {
		p.Ref = ref.id
		h.weight, h.weighted = findWeight(&e.source, &ref.luma)
	}
	start := len(dst)
	dst, qp := e.fit(dst, ref, h)
	e.rate.sent(len(dst)-start, qp)
	e.remember()
	e.shelf.put()
	e.id++
	e.forceKey, e.refer = false, false
	return dst, p, nil
}

// load copies src to the source plane.
func (e *Encoder) load(src *image.YCbCr) error {
	if src == nil || src.Rect.Empty() {
		return errors.New("encode picture: no pixels")
	}
	if w, h := src.Rect.Dx(), src.Rect.Dy(); len(src.Y) < (h-1)*src.YStride+w || src.YStride < w {
		return fmt.Errorf("encode picture of %dx%d: %d bytes in rows of %d", w, h, len(src.Y), src.YStride)
	}
	if src.Rect.Size() != e.scaled.Rect.Size() {
		Scale(&e.scaled, src)
		src = &e.scaled
	}
	e.source.load(src.Y, src.YStride, e.width, e.height)
	return nil
}

// reference returns the picture that the next is predicted from, nil for a key
// picture.
func (e *Encoder) reference() *picture {
	switch {
	case e.forceKey:
		return nil
	case e.refer:
		return e.shelf.find(e.referID)
	default:
		return e.shelf.newest()
	}
}

// fit appends the picture to dst, coded anew at a coarser qp as long as it is
// longer than the Encoder's limit. It returns the qp that fitted.
func (e *Encoder) fit(dst []byte, ref *picture, h header) ([]byte, int) {
	start := len(dst)
	e.bare = false
	for try := 0; ; try++ {
		dst = e.code(h.append(dst[:start]), ref, h)
		n := len(dst) - start
		if e.maxBytes == 0 || n <= e.maxBytes || e.bare {
			return dst, h.qp
		}
		// A picture that is too long even at maxQP is sent without any detail.
		e.bare = h.qp == maxQP || try == maxTries
		h.qp = coarser(h.qp, n, e.maxBytes, try)
	}
}

// code appends the picture to dst behind its header and leaves what a decoder
// will see in the spare picture.
func (e *Encoder) code(dst []byte, ref *picture, h header) []byte {
	cur := e.shelf.next()
	cur.id = e.id
	e.state.begin(cur, ref, h)
	e.out.reset()
	for by := 0; by < cur.luma.h/8; by += 2 {
		for bx := 0; bx < cur.luma.w/8; bx += 2 {
			e.macroblock(bx, by)
		}
	}
	e.state.end()
	return append(dst, e.out.finish()...)
}

// remember keeps the vectors of the picture as hints for the next.
func (e *Encoder) remember() {
	wide := e.source.w / 8
	for i := range e.seeds {
		e.seeds[i] = e.state.cells[e.state.cell(i%wide, i/wide)].vector
	}
}
