// Package text cleans words that came from somebody else before a terminal
// sees them. A program that prints a peer's bytes hands them the terminal.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// MaxName is the longest name of a person, in bytes and in cells.
const MaxName = 32

// maxMarks is how many combining marks one letter keeps. No living language
// writes more; a pile of them reaches into the rows above and below.
const maxMarks = 4

// Clean returns s with everything removed that could move the cursor, change
// colours, reverse the order of letters or hide itself: control characters,
// escape sequences' bytes, bidirectional controls, zero-width characters and
// invalid UTF-8, and all but four marks of each letter. What remains is cut to
// at most cells columns, and so to 20 bytes a column. Clean leaves alone what
// it returns.
//
// A column is counted for every character by itself, as terminals differ in
// what they join: a flag made of two characters counts as both.
func Clean(s string, cells int) string {
	var b strings.Builder
	marks := maxMarks // before the first letter none may stand
	for _, r := range s {
		if r = keep(r); r < 0 || r == ' ' && b.Len() == 0 {
			continue
		}
		if unicode.In(r, unicode.Mn, unicode.Me) {
			if marks++; marks > maxMarks {
				continue
			}
		} else {
			marks = 0
		}
		w := width(r)
		if w > cells {
			break
		}
		cells -= w
		b.WriteRune(r)
	}
	return strings.TrimRight(b.String(), " ")
}

// keep maps a rune to itself, or to -1 when a terminal must not see it.
func keep(r rune) rune {
	switch {
	case r == ' ':
		return r
	case r == '\t', r == '\n', r == '\u00a0':
		return ' '
	case r == utf8.RuneError, !unicode.IsGraphic(r), unicode.Is(unicode.Zs, r):
		return -1 // invalid UTF-8, controls, format characters, surrogates, private use, odd spaces
	case unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r), r == '\u2800':
		return -1 // drawn as nothing
	}
	return r
}

// width returns how many columns a rune takes at most when it stands by itself.
func width(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case 0x1f3fb <= r && r <= 0x1f3ff:
		return 2 // the colour of a skin, drawn beside a face where they are not joined
	}
	// Uniseg counts nothing for other characters that join, such as some
	// vowels, which many terminals draw in a column of their own.
	return max(1, uniseg.StringWidth(string(r)))
}

// CheckName returns nil when s can be the name of a person: 1 to MaxName bytes
// and cells of text that Clean leaves as it is.
func CheckName(s string) error {
	switch {
	case s == "":
		return errEmpty
	case len(s) > MaxName:
		return errLong
	case Clean(s, MaxName) != s:
		return errChars
	}
	return nil
}
