package screen

import "strings"

// A part is a rectangle of a cell that a character fills, in 1/24 of the
// cell's width and height: halves, thirds and eighths are whole numbers.
type part struct {
	x0, y0, x1, y1 int
	shade          int // quarters of the foreground: 4 is all of it
}

// whole is the number of units across and down a cell.
const whole = 24

// shape returns the parts of a block character, whose shape is defined as
// fractions of the cell; ok is false for other characters. Drawn so rather
// than with a font, blocks of neighbouring cells meet.
func shape(c rune) (parts []part, ok bool) {
	const eighth = whole / 8
	switch {
	case c == '▀':
		return []part{{0, 0, whole, whole / 2, 4}}, true
	case c >= '▁' && c <= '█':
		return []part{{0, whole - eighth*int(c-'▀'), whole, whole, 4}}, true
	case c >= '▉' && c <= '▏':
		return []part{{0, 0, eighth * int('▐'-c), whole, 4}}, true
	case c == '▐':
		return []part{{whole / 2, 0, whole, whole, 4}}, true
	case c >= '░' && c <= '▓':
		return []part{{0, 0, whole, whole, int(c - '▐')}}, true
	case c == '▔':
		return []part{{0, 0, whole, eighth, 4}}, true
	case c == '▕':
		return []part{{whole - eighth, 0, whole, whole, 4}}, true
	case c >= '▖' && c <= '▟':
		// Bits: upper left, upper right, lower left, lower right.
		masks := [...]uint8{4, 8, 1, 13, 9, 7, 11, 2, 6, 14}
		return mosaic(masks[c-'▖'], 2), true
	case c >= 0x1fb00 && c <= 0x1fb3b: // sextants, without the two half blocks
		m := c - 0x1fb00 + 1
		if m >= 0b010101 {
			m++
		}
		if m >= 0b101010 {
			m++
		}
		return mosaic(uint8(m), 3), true
	case c >= 0x2800 && c <= 0x28ff:
		return braille(uint8(c - 0x2800)), true
	}
	if m, found := octants[c]; found {
		return mosaic(m, 4), true
	}
	return nil, false
}

// mosaic returns the parts of a cell divided in two columns and some rows; a
// bit of mask for each from the upper left on, row by row.
func mosaic(mask uint8, rows int) (parts []part) {
	for i := range 2 * rows {
		if mask>>i&1 != 0 {
			x, y := i%2*whole/2, i/2*whole/rows
			parts = append(parts, part{x, y, x + whole/2, y + whole/rows, 4})
		}
	}
	return parts
}

// braille returns the dots of a braille character.
func braille(mask uint8) (parts []part) {
	// The seventh and eighth dots were added below the other six.
	places := [8][2]int{{0, 0}, {0, 1}, {0, 2}, {1, 0}, {1, 1}, {1, 2}, {0, 3}, {1, 3}}
	for i, at := range places {
		if mask>>i&1 != 0 {
			x, y := at[0]*whole/2+whole/8, at[1]*whole/4+whole/16
			parts = append(parts, part{x, y, x + whole/4, y + whole/8 + 1, 4})
		}
	}
	return parts
}

// octants maps the characters of two columns and four rows to their masks.
var octants = makeOctants()

// makeOctants numbers the octants of Unicode 16: in the order of their masks
// from U+1CD00 on, without those that existed before.
func makeOctants() map[rune]uint8 {
	// Masks with characters elsewhere that are of this kind too.
	old := map[uint8]rune{
		0b00000001: 0x1cea8, 0b00000010: 0x1ceab, 0b01000000: 0x1cea3, 0b10000000: 0x1cea0,
		0b00000011: 0x1fb82, 0b00111111: 0x1fb85, 0b00010100: 0x1fbe6, 0b00101000: 0x1fbe7,
	}
	m := make(map[rune]uint8)
	for mask, c := range old {
		m[c] = mask
	}
	// One quarter and three quarters of the height are ▂ and ▆.
	skip := map[uint8]bool{0b11000000: true, 0b11111100: true}
	for q := range uint8(16) { // the quadrants
		skip[q&1*0b101|q>>1&1*0b1010|q>>2&1*0b1010000|q>>3&1*0b10100000] = true
	}
	next := rune(0x1cd00)
	for i := range 256 {
		if mask := uint8(i); old[mask] == 0 && !skip[mask] {
			m[next] = mask
			next++
		}
	}
	return m
}

// The strokes of a line drawing character's arms.
const (
	none = iota
	light
	heavy
	double
)

// lines are the arms of U+2500 to U+257F: the strokes of the upper, right,
// lower and left one. Dashed lines are drawn whole and round corners sharp.
var lines = strings.Fields(
	"0101 0202 1010 2020 0101 0202 1010 2020 0101 0202 1010 2020 0110 0210 0120 0220 " +
		"0011 0012 0021 0022 1100 1200 2100 2200 1001 1002 2001 2002 1110 1210 2110 1120 " +
		"2120 2210 1220 2220 1011 1012 2011 1021 2021 2012 1022 2022 0111 0112 0211 0212 " +
		"0121 0122 0221 0222 1101 1102 1201 1202 2101 2102 2201 2202 1111 1112 1211 1212 " +
		"2111 1121 2121 2112 2211 1122 1221 2212 1222 2122 2221 2222 0101 0202 1010 2020 " +
		"0303 3030 0310 0130 0330 0013 0031 0033 1300 3100 3300 1003 3001 3003 1310 3130 " +
		"3330 1013 3031 3033 0313 0131 0333 1303 3101 3303 1313 3131 3333 0110 0011 1001 " +
		"1100 0000 0000 0000 0001 1000 0100 0010 0002 2000 0200 0020 0201 1020 0102 2010")

// arms returns the strokes of a line drawing character's upper, right, lower
// and left arms; ok is false for other characters. A diagonal has none.
func arms(c rune) (strokes [4]int, ok bool) {
	if c < 0x2500 || c > 0x257f {
		return strokes, false
	}
	for i, digit := range lines[c-0x2500] {
		strokes[i] = int(digit - '0')
	}
	return strokes, true
}
