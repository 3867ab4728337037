package term

import "github.com/sanix-darker/s2c/ascii"

// The console takes Unicode whatever the variables say, and shows 24 bits of
// colour since Windows 10.
const (
	localeMatters     = false
	colorsWithoutTERM = ascii.ColorsTrue
)
