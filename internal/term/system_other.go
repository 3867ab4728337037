//go:build !windows

package term

import "github.com/sanix-darker/s2c/ascii"

const (
	localeMatters     = true             // what is written is in the encoding of the locale
	colorsWithoutTERM = ascii.ColorsNone // of a terminal that sets no TERM
)
