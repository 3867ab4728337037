// Package ascii turns pictures into character cells. It is pure computation:
// no terminal, no clock, no allocation once warm.
package ascii

import "image"

// A Look is a way to draw a picture with characters.
type Look uint8

// The looks.
const (
	LookClassic Look = iota // the ramp of the first s2c, dark to light
	LookRamp                // a ramp calibrated to the ink of real fonts, with automatic levels
	LookHalf                // upper half blocks in two grays or colours: 1x2 pixels a cell
	Looks                   // how many there are
)

// String returns the name that flags and the screen use: "classic", "ramp",
// "half".
func (l Look) String() string { panic("not built yet") }

// ParseLook is the inverse of String.
func ParseLook(s string) (Look, error) { panic("not built yet") }

// A Color is 0x01RRGGBB, or 0 for the terminal's own colour.
type Color uint32

// A Cell is one character of a picture.
type Cell struct {
	R      rune
	Fg, Bg Color
}

// A Renderer draws the pictures of one tile. Its zero value draws LookClassic.
// It keeps state between pictures to avoid flicker; one goroutine uses it.
type Renderer struct {
	Look  Look // may be changed between pictures
	Light bool // dark letters on a light terminal
}

// Render fills dst, which has cols*rows cells in rows from the top, with src
// cropped to the shape of the tile. cellAspect is the height of a cell over its
// width; 0 means 2.
func (r *Renderer) Render(dst []Cell, cols, rows int, cellAspect float64, src *image.YCbCr) {
	panic("not built yet")
}
