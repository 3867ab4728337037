// Package term finds out what the terminal can show: how many colours, which
// blocks, whether it paints a picture in one piece, whether it is light or
// dark, and whether it is far away.
//
// There is no way to ask a terminal which characters it draws well. So what it
// says its name is decides, by a list of those that were checked; what is not
// on the list gets what nearly all can draw.
package term

import (
	"strings"

	"github.com/sanix-darker/s2c/ascii"
)

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
//
// The size does not decide so far: of the looks that a terminal has, the same
// one is best from 20x8 to 80x30 cells. What is lost below 45x15 cells is the
// shape of faces in letters, and they are the choice only where there is
// nothing else. The figures are the quality of internal/lab/lookbench, from
// 20x8 to 80x30 cells.
func (i Info) Best(_, _ int) ascii.Look {
	switch few := i.Colors > ascii.Colors256; {
	case i.Blocks && few:
		// 0.70 to 0.58 in 16 colours, where quadrants have 0.62 to 0.53 and
		// octants 0.70 to 0.55; 0.74 to 0.61 in none, where reverse has 0.65 to
		// 0.59.
		return ascii.LookBraille
	case i.Octants && i.Blocks:
		return ascii.LookOctant // 0.95 to 0.97
	case i.Sextants && i.Blocks:
		return ascii.LookSextant // 0.94 to 0.96
	case i.Blocks:
		// 0.90 to 0.93. Braille in two colours has 0.91 to 0.95 if the dots of
		// the font are those of the measurement; few are, and quadrants are the
		// same in all.
		return ascii.LookQuadrant
	case few:
		return ascii.LookReverse // 0.65 to 0.59; letters in 16 colours have 0.60 to 0.55
	default:
		return ascii.LookLetters // 0.81 to 0.88
	}
}

// maxWord bounds Name and Version, in bytes.
const maxWord = 40

// word returns what may be kept of what a terminal, or a variable, says.
func word(s string) string {
	b := make([]byte, 0, maxWord)
	for i := 0; i < len(s) && len(b) < maxWord; i++ {
		switch c := s[i]; {
		case c == ' ':
			b = append(b, '-')
		case c > ' ' && c <= '~':
			b = append(b, c)
		}
	}
	return strings.Trim(string(b), "-")
}

// identify takes apart what terminals call themselves: "foot(1.20.2)",
// "tmux 3.5a" or "xterm".
func identify(s string) (name, version string) {
	if head, ok := strings.CutSuffix(s, ")"); ok {
		name, version, _ = strings.Cut(head, "(")
	} else if i := strings.LastIndexByte(s, ' '); i >= 0 {
		name, version = s[:i], s[i+1:]
	} else {
		name = s
	}
	return strings.ToLower(word(name)), word(version)
}
