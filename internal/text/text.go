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

// Clean returns s with everything removed that could move the cursor, change
// colours, reverse the order of letters or hide itself: control characters,
// escape sequences' bytes, bidirectional controls, zero-width characters and
// invalid UTF-8. What remains is cut to at most cells columns.
func Clean(s string, cells int) string {
	var b strings.Builder
	width, state := 0, -1
	s = strings.Map(keep, strings.ToValidUTF8(s, ""))
	for s != "" {
		var cluster string
		var w int
		cluster, s, w, state = uniseg.FirstGraphemeClusterInString(s, state)
		if width += w; width > cells {
			break
		}
		b.WriteString(cluster)
	}
	return strings.TrimSpace(b.String())
}

// keep maps a rune to itself, or to -1 when a terminal must not see it.
func keep(r rune) rune {
	switch {
	case r == ' ':
		return r
	case r == '\t', r == '\n', r == '\u00a0':
		return ' '
	case r == utf8.RuneError, !unicode.IsGraphic(r), unicode.Is(unicode.Zs, r):
		return -1 // controls, format characters, surrogates, private use, odd spaces
	case unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return -1 // drawn as nothing
	}
	return r
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
