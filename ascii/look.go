package ascii

import (
	"fmt"
	"slices"
	"strings"
)

// A Look is a way to draw a picture with characters.
type Look uint8

// The looks. In quality the order is: octant, sextant, quadrant, braille,
// half, letters, reverse, colour, ascii, ramp, classic.
const (
	LookClassic  Look = iota // the ramp of the first s2c, dark to light
	LookRamp                 // a ramp calibrated to the ink of real fonts, with automatic levels
	LookHalf                 // upper half blocks in two colours: 1x2 pixels a cell
	LookASCII                // the characters of ASCII by their shape, 2x4 samples a cell
	LookReverse              // the same, some of them in reverse video
	LookColour               // the same as LookASCII, each in a colour
	LookLetters              // letters in two colours, 4x8 samples a cell
	LookQuadrant             // 2x2 blocks or eighths of a cell in two colours
	LookSextant              // 2x3 blocks in two colours (Unicode 13)
	LookOctant               // 2x4 blocks in two colours (Unicode 16)
	LookBraille              // 2x4 dots in two colours
	EveryLook                // how many there are
)

// A lookTraits is what a Look is called and made of.
type lookTraits struct {
	name         string
	across, down int  // samples in a cell
	light        bool // samples are means of light, not of luma
	stretch      bool // levels are automatic
	sharpness    int  // how much edges are sharpened, in 1/16
	colours      bool // it shows colours where there are any
	mono         Look // what it is drawn as without colours
}

// traits are those of the looks in their order.
var traits = [EveryLook]lookTraits{
	LookClassic:  {name: "classic", across: 1, down: 1, mono: LookClassic},
	LookRamp:     {name: "ramp", across: 1, down: 1, stretch: true, sharpness: 10, mono: LookRamp},
	LookHalf:     {name: "half", across: 1, down: 2, light: true, colours: true, mono: LookHalf},
	LookASCII:    {name: "ascii", across: 2, down: 4, stretch: true, sharpness: 24, mono: LookASCII},
	LookReverse:  {name: "reverse", across: 2, down: 4, stretch: true, sharpness: 28, mono: LookReverse},
	LookColour:   {name: "colour", across: 2, down: 4, stretch: true, sharpness: 24, colours: true, mono: LookASCII},
	LookLetters:  {name: "letters", across: 4, down: 8, colours: true, mono: LookReverse},
	LookQuadrant: {name: "quadrant", across: 2, down: 2, light: true, colours: true, mono: LookQuadrant},
	LookSextant:  {name: "sextant", across: 2, down: 3, light: true, colours: true, mono: LookSextant},
	LookOctant:   {name: "octant", across: 2, down: 4, light: true, colours: true, mono: LookOctant},
	LookBraille:  {name: "braille", across: 2, down: 4, colours: true, mono: LookBraille},
}

// String returns the name that flags and the screen use, as "ramp".
func (l Look) String() string {
	if l >= EveryLook {
		return fmt.Sprintf("look(%d)", uint8(l))
	}
	return traits[l].name
}

// ParseLook is the inverse of String.
func ParseLook(s string) (Look, error) {
	i := slices.IndexFunc(traits[:], func(t lookTraits) bool { return t.name == s })
	if i >= 0 {
		return Look(i), nil
	}
	var names []string
	for _, t := range traits {
		names = append(names, t.name)
	}
	return 0, fmt.Errorf("parse look %q: want one of %s", s, strings.Join(names, ", "))
}

// Samples returns how many samples of a picture a cell shows across and down:
// a picture with more pixels than that looks no better, but for LookQuadrant,
// which draws finer blocks of pictures with three and more pixels down a cell.
func (l Look) Samples() (across, down int) {
	if l >= EveryLook {
		l = LookClassic
	}
	return traits[l].across, traits[l].down
}

// Coloured reports whether the look shows colours where there are any.
func (l Look) Coloured() bool { return l < EveryLook && traits[l].colours }
