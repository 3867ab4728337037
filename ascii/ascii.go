// Package ascii turns pictures into character cells. It is pure computation:
// no terminal, no clock, no allocation once warm.
//
// A picture goes through these steps, each with its own file:
//
//	crop     the part of the picture that has the shape of the tile
//	sample   the mean luma of one or more boxes of every cell
//	smooth   what is noise is averaged over time, what moves is followed
//	levels   only LookRamp: automatic contrast, then sharper edges
//	draw     samples to characters or colours, keeping the old ones where
//	         the new ones are hardly better
//
// Luma is full range, 0 to 255, as in JPEG.
package ascii

import (
	"fmt"
	"image"
	"slices"
	"strings"
)

// A Look is a way to draw a picture with characters.
type Look uint8

// The looks.
const (
	LookClassic Look = iota // the ramp of the first s2c, dark to light
	LookRamp                // a ramp calibrated to the ink of real fonts, with automatic levels
	LookHalf                // upper half blocks in two grays or colours: 1x2 pixels a cell
	Looks                   // how many there are
)

// lookNames are the names of the looks in their order.
var lookNames = [Looks]string{"classic", "ramp", "half"}

// String returns the name that flags and the screen use: "classic", "ramp",
// "half".
func (l Look) String() string {
	if l >= Looks {
		return fmt.Sprintf("look(%d)", uint8(l))
	}
	return lookNames[l]
}

// ParseLook is the inverse of String.
func ParseLook(s string) (Look, error) {
	if i := slices.Index(lookNames[:], s); i >= 0 {
		return Look(i), nil
	}
	return 0, fmt.Errorf("parse look %q: want one of %s", s, strings.Join(lookNames[:], ", "))
}

// A Color is 0x01RRGGBB, or 0 for the terminal's own colour.
type Color uint32

// rgb returns the Color of a red, green and blue of 0 to 255.
func rgb(r, g, b uint8) Color {
	return 1<<24 | Color(r)<<16 | Color(g)<<8 | Color(b)
}

// A Cell is one character of a picture.
type Cell struct {
	R      rune
	Fg, Bg Color
}

// Blank fills dst with spaces in the terminal's own colours.
func Blank(dst []Cell) {
	for i := range dst {
		dst[i] = Cell{R: ' '}
	}
}

// A Renderer draws the pictures of one tile. Its zero value draws LookClassic.
// It keeps state between pictures to avoid flicker; one goroutine uses it.
type Renderer struct {
	Look  Look // may be changed between pictures
	Light bool // dark letters on a light terminal

	// Set when the setup changes, kept until it changes again.
	setup  setup
	luma   sampler
	cb, cr sampler

	// The state between pictures. None of it survives a change of setup.
	fresh            bool // no picture has been drawn with this setup
	still            smoother
	stillCb, stillCr smoother
	levels           levels
	glyphs           []uint8 // the index of each cell's character in the ramp
	shades           []uint8 // the luma that each sample is shown with
	tintCb, tintCr   []uint8 // the chroma that each cell is shown with
	moved            []bool  // the cells of which luma moved
}

// setup is all that the state between pictures depends on.
type setup struct {
	look       Look
	light      bool
	cols, rows int
	aspect     float64
	bounds     image.Rectangle
	ratio      image.YCbCrSubsampleRatio
	colour     bool // the picture has chroma, and the look shows it
}

// Render fills dst, which has cols*rows cells in rows from the top, with src
// cropped to the shape of the tile. cellAspect is the height of a cell over its
// width; 0 means 2.
//
// The crop is in the middle of the width and above the middle of the height,
// where faces are. A picture that is nil, empty or shorter than its planes
// claim is drawn blank. Render does nothing when dst has fewer cells than
// cols*rows. It allocates only when a size or the look changes.
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
		look: r.Look, light: r.Light, cols: cols, rows: rows, aspect: aspectOf(cellAspect),
		bounds: src.Rect, ratio: src.SubsampleRatio,
	}
	if next.look >= Looks {
		next.look = LookClassic
	}
	var cb, cr plane
	if next.look == LookHalf {
		cb, cr, next.colour = chromaPlanes(src)
	}
	if next != r.setup {
		r.reset(next, luma, cb)
	}

	r.luma.run(luma)
	r.still.apply(r.luma.out, nil)
	switch next.look {
	case LookHalf:
		if next.colour {
			r.cb.run(cb)
			r.cr.run(cr)
			r.findMoved()
			r.stillCb.apply(r.cb.out, r.moved)
			r.stillCr.apply(r.cr.out, r.moved)
		}
		r.drawHalf(dst)
	case LookRamp:
		r.levels.apply(r.luma.out, cols, rows)
		r.drawRamp(dst, &calibrated[side(r.Light)])
	default:
		r.drawRamp(dst, &classic[side(r.Light)])
	}
	r.fresh = false
}

// reset prepares r for pictures of another kind or tile, reusing its buffers.
func (r *Renderer) reset(next setup, luma, chroma plane) {
	r.setup, r.fresh = next, true
	box := crop(luma.w, luma.h, next.cols, next.rows, next.aspect)

	// Samples in a cell: one stage for all looks, so a look that wants more
	// detail asks for it here.
	down := 1
	if next.look == LookHalf {
		down = 2
	}
	samples := next.cols * next.rows * down
	r.luma.prepare(luma, box, next.cols, next.rows*down)
	r.still.reset(samples)
	switch next.look {
	case LookHalf:
		r.shades = grow(r.shades, samples)
		if !next.colour {
			return
		}
		cells := next.cols * next.rows
		box = box.scale(float64(chroma.w)/float64(luma.w), float64(chroma.h)/float64(luma.h))
		r.cb.prepare(chroma, box, next.cols, next.rows)
		r.cr.prepare(chroma, box, next.cols, next.rows)
		r.stillCb.reset(cells)
		r.stillCr.reset(cells)
		r.tintCb, r.tintCr = grow(r.tintCb, cells), grow(r.tintCr, cells)
		r.moved = grow(r.moved, cells)
	default:
		r.glyphs = grow(r.glyphs, samples)
		r.levels.reset(samples)
	}
}

// grow returns s with length n and undefined contents, reusing its memory
// where it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
