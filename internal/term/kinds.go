package term

import "strings"

// A kind is what is known of a terminal by its name. Versions are the least
// that will do; "" means that none is known to.
type kind struct {
	name     string
	sextants string // draws U+1FB00 to U+1FB3B itself, whatever the font is
	octants  string // draws itself all the characters that package ascii makes of 2x4 blocks
	speaks   string // answers XTVERSION; "" if all that draw sextants do
	deep     bool   // has always shown 24 bits of colour, or for ten years
}

// kinds are the terminals that were checked, each with where that can be read;
// colours are those of notcurses, src/lib/termdesc.c, or of the terminal's own
// documentation. Who is in doubt is not here: xterm and mlterm draw sextants
// as fonts have them, with gaps; Windows Terminal draws them since July 2026
// (microsoft/terminal #20424), and does not say its version; Alacritty does
// since 0.14 (alacritty #7534), and does not either; xterm.js does in one of
// its renderers only (xtermjs/xterm.js #5467).
//
// Octants are U+1CD00 to U+1CDE5 and characters of other blocks, of which
// U+1CEA0, U+1CEA3, U+1CEA8, U+1CEAB, U+1FBE6 and U+1FBE7 came later to many:
// package ascii does without these six.
var kinds = []kind{
	// CHANGELOG.md: sextants in 1.7.0, octants in 1.20.0.
	{name: "foot", sextants: "1.7.0", octants: "1.20.0", deep: true},

	// docs/changelog.rst: sextants drawn since 0.19.0, right since 0.19.3; octants
	// in 0.40.0.
	{name: "kitty", sextants: "0.19.3", octants: "0.40.0", deep: true},

	// src/font/sprite: sextants in 1.0.0, sixteenths of blocks in 1.2.0.
	{name: "ghostty", sextants: "1.0.0", octants: "1.2.0", deep: true},

	// The version is 10000 times the major plus 100 times the minor number.
	// src/minifont.cc: sextants in 0.60.0 (commit e1162ba5), octants and
	// sixteenths in 0.77.90 (38064959, cb924df4). XTVERSION came, went, and
	// came again with 0.75.90 (33e88966).
	{name: "vte", sextants: "6000", octants: "7790", speaks: "7590", deep: true},

	// docs/changelog.md: sextants in 20210814; octants after the last release,
	// with the commit 94610314 of 2025-02-08, in customglyph.rs.
	{name: "wezterm", sextants: "20210814", octants: "20250209", deep: true},

	// metainfo.xml of 0.2.1.174: pixel-perfect 1FB00 to 1FB3B.
	{name: "contour", sextants: "0.2.1.174", deep: true},

	// Commit bcd83d81, of 22.03.80; 22.12.3 was looked at.
	{name: "konsole", sextants: "22.04", deep: true},

	// sugarloaf/src/sprite/legacy.rs of 0.4.6.
	{name: "rio", sextants: "0.4.6", octants: "0.4.6", deep: true},

	{name: "alacritty", deep: true},
	{name: "iterm2", deep: true},
	{name: "windows-terminal", deep: true},
}

// kindOf returns what is known of the terminal of that name.
func kindOf(name string) kind {
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	return kind{}
}

// draws reports which blocks of 2x3 and 2x4 a version of the kind draws. What
// variables say is believed only of versions that cannot say it themselves:
// variables come from whatever terminal the first program was started in.
func (k kind) draws(version string, spoken bool) (sextants, octants bool) {
	if !spoken && (k.speaks == "" || !before(version, k.speaks)) {
		return false, false
	}
	return atLeast(version, k.sextants), atLeast(version, k.octants)
}

// atLeast reports whether version is known and not before least, which is ""
// where no version will do.
func atLeast(version, least string) bool {
	return version != "" && least != "" && !before(version, least)
}

// before reports whether the version a is older than b, by the numbers that
// the parts between dots begin with; a part that has none is 0.
func before(a, b string) bool {
	for a != "" || b != "" {
		var m, n int
		m, a = number(a)
		n, b = number(b)
		if m != n {
			return m < n
		}
	}
	return false
}

// number returns the number that s begins with, at most a thousand million, and
// what follows the next dot.
func number(s string) (n int, rest string) {
	head, rest, _ := strings.Cut(s, ".")
	for _, c := range []byte(head) {
		if c < '0' || c > '9' || n >= 1e8 {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n, rest
}
