package ascii

import (
	"fmt"
	"slices"
	"strings"
)

// A Look is a way to draw a picture with characters.
type Look uint8

// The looks. In quality the order is: octant, sextant, braille, quadrant,
// half, letters, reverse, colour, ascii, ramp, classic.
const (
	LookClassic  Look = iota // the ramp of the first s2c, dark to light
	LookRamp                 // a ramp calibrated to the ink of real fonts, with automatic levels
	LookHalf                 // upper half blocks in two colours: 1x2 pixels a cell
	LookASCII                // the characters of ASCII by their shape, 2x4 samples a cell
	LookReverse              // the same, some of them in reverse video
	LookColour               // the same as LookASCII, each in a colour
	LookLetters              // letters in two colours, 4x8 samples a cell
	LookQuadrant             // 2x2 blocks in two colours
	LookSextant              // 2x3 blocks in two colours (Unicode 13)
	LookOctant               // 2x4 blocks in two colours (Unicode 16)
	LookBraille              // 2x4 dots in two colours
	EveryLook                // how many there are

)

// A lookTraits is what a Look is called and made of.
type lookTraits struct {
	name         string
	across, down int // samples in a cell
	sharpness    int // of automatic levels, in 1/256; 0 is no levels at all
	colours      bool
	mono         Look // what it is drawn as without colours
}

// traits are those of the looks in their order.
var traits = [EveryLook]lookTraits{
	LookClassic:  {"classic", 1, 1, 0, false, LookClassic},
	LookRamp:     {"ramp", 1, 1, 160, false, LookRamp},
	LookHalf:     {"half", 1, 2, 0, true, LookHalf},
	LookASCII:    {"ascii", 2, 4, 384, false, LookASCII},
	LookReverse:  {"reverse", 2, 4, 448, false, LookReverse},
	LookColour:   {"colour", 2, 4, 384, true, LookASCII},
	LookLetters:  {"letters", 4, 8, 0, true, LookReverse},
	LookQuadrant: {"quadrant", 2, 2, 0, true, LookQuadrant},
	LookSextant:  {"sextant", 2, 3, 0, true, LookSextant},
	LookOctant:   {"octant", 2, 4, 0, true, LookOctant},
	LookBraille:  {"braille", 2, 4, 0, true, LookBraille},
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
// a picture with more pixels than that looks no better.
func (l Look) Samples() (across, down int) {
	if l >= EveryLook {
		l = LookClassic
	}
	return traits[l].across, traits[l].down
}

// Coloured reports whether the look shows colours where there are any.
func (l Look) Coloured() bool { return l < EveryLook && traits[l].colours }
