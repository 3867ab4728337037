package video

import (
	"errors"
	"fmt"
	"image"
)

// minMaxBytes is the smallest limit that every picture can be made to fit. One
// without any detail has a header of at most 6 bytes and one kind of bit, in 3
// contexts, or in a key picture with colour 9, of which 3 start untaught. To
// learn a context anew takes at most 14 bytes, a first time 2, and a learnt bit
// 0.0113 bit: 6 + 3*14 + 1200*0.0113/8 + 4 = 54 bytes at the largest size, and
// 6 + 9*2 + 7200*0.0113/8 + 4 = 39 for a key picture.
const minMaxBytes = 128

// An Encoder compresses the pictures of one camera. It is not safe for use by
// several goroutines.
type Encoder struct {
	// Set by NewEncoder.
	width, height int
	maxBytes      int
	colour        bool

	// What the next picture is.
	id       uint16
	forceKey bool
	refer    bool // to referID, not to the last
	referID  uint16

	shelf   shelf
	state   state
	out     rangeEncoder
	rate    rate
	source  plane
	tints   [2]plane  // the source's colour
	filter  *denoiser // nil without
	scaled  image.YCbCr
	seeds   []vector  // of each block in the picture coded last: where to search
	history []history // of each macroblock

	// Owned by decide, for one macroblock.
	bx, by int   // its first block
	heed   int64 // what an error in it weighs, in 1/256
	bare   bool  // spend nothing on it, because nothing else fits
	rough  bool  // it was coded much more coarsely before
	trials [2]trial
}

// NewEncoder returns an Encoder whose first picture will be a key picture with
// the id c.FirstID. The error says which field of c is out of its range.
func NewEncoder(c Config) (*Encoder, error) {
	switch {
	case !validSize(c.Width, c.Height):
		return nil, fmt.Errorf("video size %dx%d: not from %dx%d to %dx%d",
			c.Width, c.Height, MinSide, MinSide, MaxWidth, MaxHeight)
	case c.Bitrate < 0:
		return nil, fmt.Errorf("video bitrate %d bit/s: negative", c.Bitrate)
	case c.FPS < 0:
		return nil, fmt.Errorf("video rate of %d pictures per second: negative", c.FPS)
	case c.MaxBytes != 0 && c.MaxBytes < minMaxBytes:
		return nil, fmt.Errorf("limit of %d bytes per picture: less than %d", c.MaxBytes, minMaxBytes)
	case c.Quantiser < 0 || c.Quantiser > maxQP:
		return nil, fmt.Errorf("video quantiser %d: not from 0 to %d", c.Quantiser, maxQP)
	}
	e := &Encoder{
		width: c.Width, height: c.Height, maxBytes: c.MaxBytes, colour: c.Chroma,
		id: c.FirstID, rate: newRate(c.Bitrate, c.FPS, c.Quantiser),
	}
	e.source.resize((c.Width+15)&^15, (c.Height+15)&^15)
	e.seeds = make([]vector, e.source.w/8*e.source.h/8)
	e.history = make([]history, e.source.w/16*e.source.h/16)
	e.scaled = image.YCbCr{
		Y:              make([]byte, c.Width*c.Height),
		YStride:        c.Width,
		SubsampleRatio: image.YCbCrSubsampleRatio420,
		Rect:           image.Rect(0, 0, c.Width, c.Height),
	}
	if c.Chroma {
		w, h := (c.Width+1)/2, (c.Height+1)/2
		e.scaled.Cb, e.scaled.Cr, e.scaled.CStride = make([]byte, w*h), make([]byte, w*h), w
		for n := range e.tints {
			e.tints[n].resize(e.source.w/2, e.source.h/2)
		}
	}
	if c.Denoise {
		e.filter = new(denoiser)
	}
	return e, nil
}

// Refer makes the next picture be predicted from the picture id, which a
// receiver has, if the Encoder still holds it, which it does for the last 16;
// else a key picture. ForceKey overrules it.
func (e *Encoder) Refer(id uint16) { e.refer, e.referID = true, id }

// ForceKey makes the next picture a key picture.
func (e *Encoder) ForceKey() { e.forceKey = true }

// SetBitrate changes Config.Bitrate, in bit/s and not negative, for the pictures
// that follow.
func (e *Encoder) SetBitrate(bitrate int) { e.rate.limit(bitrate) }

// Encode compresses src, scaled to the Encoder's size when it differs, and
// appends the result to dst. Only the luma of src is used unless the Encoder was
// made for Chroma; a src that is not 4:2:0 then counts as gray. It allocates nothing once warm when
// dst has room. It fails only if src has no pixels; dst is then returned as it
// was and the next picture is what this one would have been.
func (e *Encoder) Encode(dst []byte, src *image.YCbCr) ([]byte, Picture, error) {
	if err := e.load(src); err != nil {
		return dst, Picture{}, err
	}
	ref := e.reference()
	p := Picture{ID: e.id, Ref: e.id}
	h := header{key: ref == nil, width: e.width, height: e.height, colour: e.colour, qp: e.rate.qp()}
	if ref != nil {
		p.Ref = ref.id
		h.weight, h.weighted = findWeight(&e.source, &ref.luma)
	}
	start := len(dst)
	dst, qp := e.fit(dst, ref, h)
	e.rate.sent(len(dst)-start, qp, ref == nil)
	e.remember(qp)
	e.shelf.put()
	e.id++
	e.forceKey, e.refer = false, false
	return dst, p, nil
}

// load copies src to the source planes.
func (e *Encoder) load(src *image.YCbCr) error {
	if src == nil || src.Rect.Empty() {
		return errors.New("encode picture: no pixels")
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	if len(src.Y) < (h-1)*src.YStride+w || src.YStride < w {
		return fmt.Errorf("encode picture of %dx%d: %d bytes in rows of %d", w, h, len(src.Y), src.YStride)
	}
	switch {
	case src.Rect.Size() == e.scaled.Rect.Size():
	case e.colour:
		ScaleColour(&e.scaled, src)
		src = &e.scaled
	default:
		Scale(&e.scaled, src)
		src = &e.scaled
	}
	e.source.load(src.Y, src.YStride, e.width, e.height)
	if e.filter != nil {
		e.filter.run(&e.source)
	}
	if !e.colour {
		return nil
	}
	w, h = (e.width+1)/2, (e.height+1)/2
	for n, pix := range [2][]byte{src.Cb, src.Cr} {
		if hasColour(src) {
			e.tints[n].load(pix, src.CStride, w, h)
		} else {
			fill(e.tints[n].pix, neutral)
		}
	}
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

// remember keeps what the next picture wants to know of this one, coded with qp.
func (e *Encoder) remember(qp int) {
	wide := e.source.w / 8
	for i := range e.seeds {
		e.seeds[i] = e.state.cells[e.state.cell(i%wide, i/wide)].vector
	}
	for i := range e.history {
		if h := &e.history[i]; h.now {
			h.qp = uint8(qp)
		}
	}
}
