// Package term finds out what the terminal can show: how many colours, which
// blocks, whether it paints a picture in one piece, whether it is light or
// dark, and whether it is far away.
//
// There is no way to ask a terminal which characters it draws well. So what it
// says its name is decides, by a list of those that were checked; what is not
// on the list gets what nearly all can draw.
package term

import "github.com/sanix-darker/s2c/ascii"

// An Info is what is known of a terminal. The zero Info is of one that is
// known to do nothing but ASCII, in 24 bits of colour.
type Info struct {
	// Name is what the terminal calls itself, in a form under which things can
	// be remembered, such as "foot" or "tmux"; "" when unknown. It holds
	// printable ASCII without spaces alone, at most 40 bytes.
	Name string

	Version string // likewise, such as "1.20.2"; "" when unknown

	Colors ascii.Colors

	Blocks   bool // draws half blocks, quadrants and braille: UTF-8, and not the console's font
	Sextants bool // draws 2x3 blocks
	Octants  bool // draws 2x4 blocks

	Sync   bool // shows nothing of what is written between the two halves of mode 2026 before the second
	Light  bool // its own background is lighter than its foreground
	Remote bool // it is at the other end of ssh
}

// Best returns the look in which a tile of cols x rows cells shows most of a
// picture on this terminal.
func (i Info) Best(cols, rows int) ascii.Look {
	return ascii.LookRamp
}
