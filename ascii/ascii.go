// Package ascii turns pictures into character cells. It is pure computation:
// no terminal, no clock, no allocation once warm.
//
// A picture goes through these steps, each with its own file:
//
//	crop     the part of the picture that has the shape of the tile
//	sample   the mean of the boxes that a cell is divided in, the mean chroma of the cell
//	smooth   what is noise is averaged over time, what moves is followed
//	levels   contrast; automatic and with sharper edges where there are few colours or none
//	draw     samples to characters and colours, keeping the old ones where
//	         the new ones are hardly better
//
// What draws is in ramp (one character for a brightness), shape (for 2x4
// samples), tint (the same in a colour), letters (for 4x8, in two), half, mosaic
// (sextants, octants and braille, in two colours), blocks (quadrants and
// eighths), shades (blocks in two of 16 colours) and dots (blocks and braille
// without colours). Most of it works on many samples at a time: see lanes.
//
// Luma is full range, 0 to 255, as in JPEG.
package ascii

import (
	"image"
	"math"
)

// A Cell is one character of a picture.
type Cell struct {
	R       rune
	Fg, Bg  Color
	Reverse bool // in reverse video: with foreground and background swapped
}

// Blank fills dst with spaces in the terminal's own colours.
func Blank(dst []Cell) {
	for i := range dst {
		dst[i] = Cell{R: ' '}
	}
}

// MaxContrast bounds Renderer.Contrast.
const MaxContrast = 8

// A Renderer draws the pictures of one tile. Its zero value draws LookClassic.
// It keeps state between pictures to avoid flicker; one goroutine uses it.
type Renderer struct {
	// May be changed between pictures.
	Look   Look
	Colors Colors // what the terminal can show
	Light  bool   // what is drawn without colours is dark on a light terminal

	// Contrast stretches brightness around the middle, from -MaxContrast to
	// MaxContrast: four steps double it, 0 leaves it. Stretch adapts it to the
	// darkest and the lightest parts of the picture, as looks without colours or
	// with 16 always do, but LookClassic.
	Contrast int
	Stretch  bool

	// Set when the setup changes, kept until it changes again.
	setup  setup
	luma   sampler
	cb, cr sampler

	// The state between pictures. None of it survives a change of setup.
	fresh            bool // no picture has been drawn with this setup
	still            smoother
	stillCb, stillCr smoother
	levels           levels
	glyphs           []uint8  // each cell's character: its place in a ramp, a mask, or its code
	shades           []uint8  // the luma that each sample, or each cell's two colours, are shown with
	tintCb, tintCr   []uint8  // the chroma that each cell is shown with
	moved            []uint8  // 1 for the cells of which luma moved; then, for those of which the chroma that is shown did
	drawn            []uint64 // the samples that each cell was drawn with, in words, cell by cell
	shown            []Cell   // what was drawn
	none             []uint8  // a row of black samples
	debts            []int16  // two rows of what dots are too dark
}

// setup is all that the state between pictures depends on.
type setup struct {
	look         Look // as it is drawn, without colours if there are none
	across, down int  // samples in a cell
	colors       Colors
	light        bool
	cols, rows   int
	aspect       float64
	bounds       image.Rectangle
	ratio        image.YCbCrSubsampleRatio
	chroma       bool // the picture has chroma, and the look shows it
	dots         bool // blocks are dithered, for want of colours
}

// Render fills dst, which has cols*rows cells in rows from the top, with src
// cropped to the shape of the tile. cellAspect is the height of a cell over its
// width; 0 means 2.
//
// The crop is in the middle of the width and above the middle of the height,
// where faces are. A picture that is nil, empty or shorter than its planes
// claim is drawn blank. Render does nothing when dst has fewer cells than
// cols*rows. It allocates only when a size, the look or the colours change.
func (r *Renderer) Render(dst []Cell, cols, rows int, cellAspect float64, src *image.YCbCr) {
	if cols <= 0 || rows <= 0 || len(dst)/cols < rows {
		return
	}
	dst = dst[:cols*rows]
	luma, ok := lumaPlane(src)
	if !ok {
		Blank(dst)
		r.setup = setup{}
		return
	}
	next := setup{
		look: r.Look, colors: r.Colors, light: r.Light, cols: cols, rows: rows, aspect: aspectOf(cellAspect),
		bounds: src.Rect, ratio: src.SubsampleRatio,
	}
	cb, cr := next.settle(src)
	if next != r.setup {
		r.reset(next, luma, cb)
	}

	r.luma.run(luma)
	r.still.apply(r.luma.out, nil)
	if next.chroma {
		r.cb.run(cb)
		r.cr.run(cr)
		r.findMoved()
		r.stillCb.apply(r.cb.out, r.moved)
		r.stillCr.apply(r.cr.out, r.moved)
		r.holdTint()
	}
	r.tone()
	r.draw(dst)
	r.fresh = false
}

// settle decides how the look is drawn, and returns the chroma of src if the
// look shows it.
func (s *setup) settle(src *image.YCbCr) (cb, cr plane) {
	if s.look >= EveryLook {
		s.look = LookClassic
	}
	if s.colors >= depths || !s.look.Coloured() {
		s.colors = ColorsNone
	}
	if s.colors == ColorsNone {
		s.look = traits[s.look].mono
		s.dots = traits[s.look].colours // it could show them
	}
	s.across, s.down = s.look.Samples()
	if s.look == LookQuadrant && s.colors < Colors16 {
		box := crop(src.Rect.Dx(), src.Rect.Dy(), s.cols, s.rows, s.aspect)
		if math.Round(box.y1-box.y0) >= float64(leastForEighths*s.rows) {
			s.down = blockRows
		}
	}
	if s.colors == ColorsNone {
		return cb, cr
	}
	s.light = false
	cb, cr, s.chroma = chromaPlanes(src)
	return cb, cr
}

// tone gives the samples the contrast that the look needs.
func (r *Renderer) tone() {
	s := &r.setup
	t := &traits[s.look]
	sharp, stretch := t.sharpness, t.stretch || r.Stretch
	switch {
	case s.dots:
		sharp, stretch = dotSharpness, true
	case s.colors == Colors16 && s.look == LookLetters:
		stretch = true // they show edges by their shapes
	case s.colors == Colors16 && !t.stretch:
		sharp, stretch = shadeSharpness, true
	}
	r.levels.automatic = stretch
	r.levels.apply(r.luma.out, s.cols*s.across, s.rows*s.down, r.luma.pitch, r.Contrast, sharp)
}

// draw fills dst from the samples.
func (r *Renderer) draw(dst []Cell) {
	switch s := &r.setup; {
	case s.dots:
		r.drawDots(dst)
	case s.look == LookRamp:
		r.drawRamp(dst, &calibrated[side(s.light)])
	case s.look == LookASCII:
		r.drawShapes(dst, shapeTables[side(s.light)]())
	case s.look == LookReverse:
		r.drawShapes(dst, reverseTables[side(s.light)]())
	case s.look == LookColour:
		r.drawColour(dst)
	case s.look == LookLetters:
		r.drawLetters(dst)
	case s.look == LookHalf:
		r.drawHalf(dst)
	case s.look == LookClassic:
		r.drawRamp(dst, &classic[side(s.light)])
	case s.colors == Colors16 && s.look != LookBraille:
		r.drawShades(dst)
	case s.look == LookQuadrant && s.down == blockRows:
		r.drawBlocks(dst)
	default:
		r.drawMosaic(dst)
	}
}

// reset prepares r for pictures of another kind or tile, reusing its buffers.
func (r *Renderer) reset(next setup, luma, chroma plane) {
	r.setup, r.fresh = next, true
	box := crop(luma.w, luma.h, next.cols, next.rows, next.aspect)
	t := &traits[next.look]
	cells := next.cols * next.rows
	pitch := padded(next.cols * next.across)
	r.luma.prepare(luma, box, next.cols*next.across, next.rows*next.down, pitch, t.light)
	samples := len(r.luma.out)
	r.still.reset(samples, pitch)
	r.levels.reset(pitch)
	r.glyphs = grow(r.glyphs, cells)
	r.shades = grow(r.shades, max(samples, 2*cells))
	r.drawn = grow(r.drawn, cells*padded(next.across*next.down)/wordSize)
	r.shown = grow(r.shown, cells)
	r.none = grow(r.none, pitch)
	clear(r.none)
	r.debts = grow(r.debts, 2*(next.cols*next.across+2))
	if !next.chroma {
		return
	}
	box = box.scale(float64(chroma.w)/float64(luma.w), float64(chroma.h)/float64(luma.h))
	r.cb.prepare(chroma, box, next.cols, next.rows, next.cols, false)
	r.cr.prepare(chroma, box, next.cols, next.rows, next.cols, false)
	samples = len(r.cb.out)
	r.stillCb.reset(samples, next.cols)
	r.stillCr.reset(samples, next.cols)
	r.tintCb, r.tintCr = grow(r.tintCb, samples), grow(r.tintCr, samples)
	r.moved = grow(r.moved, samples)
}

// grow returns s with length n and undefined contents, reusing its memory
// where it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
