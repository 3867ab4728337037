package term

import (
	"strconv"
	"strings"

	"github.com/sanix-darker/s2c/ascii"
)

// The bounds of what is read: of an answer, and of all of them, in bytes. The
// longest that was seen of a terminal is 60 bytes, all together 150.
const (
	maxAnswer  = 256
	maxAnswers = 4096
)

// A ground is how light a background is.
type ground uint8

const (
	unknownGround ground = iota
	darkGround
	lightGround
)

// answers are what a terminal says to the questions. What it sends is not to
// be trusted: what is not an answer, or is too long for one, is skipped.
//
//	CSI ? 62 ; 22 c              DA1, the last
//	CSI ? 2026 ; 2 $ y           DECRQM: the mode is known, and not set
//	DCS > | foot(1.20.2) ST      XTVERSION
//	DCS 1 $ r 0;48:2::1:2:3 m ST DECRQSS: the colours are as they were set
//	OSC 11 ; rgb:ff/ff/ff ST     the background
type answers struct {
	name, version string // of XTVERSION; "" when it said none
	depth         int    // bits of colour that it has been seen to keep, 0 if none
	sync          bool
	ground        ground
	last          bool // DA1 has come

	// Of the parser.
	state state
	kind  byte // what the sequence begins with after ESC
	buf   [maxAnswer]byte
	n     int // bytes of the sequence, more than fit in buf if it is too long
	total int
}

// A state is where in a sequence the parser is.
type state uint8

const (
	inText state = iota
	inEscape
	inCSI
	inString       // OSC, DCS and others, which end with ST
	inStringEscape // at an ESC in one
)

// feed reads what has come. Sequences may be split between calls anywhere.
func (a *answers) feed(b []byte) {
	for _, c := range b {
		if a.total == maxAnswers {
			return
		}
		a.total++
		a.step(c)
	}
}

// step reads one byte.
func (a *answers) step(c byte) {
	switch a.state {
	case inText:
		if c == '\x1b' {
			a.state = inEscape
		}
	case inEscape:
		a.begin(c)
	case inCSI:
		switch {
		case c == '\x1b':
			a.state = inEscape
		case c >= '@' && c <= '~':
			a.state = inText
			a.control(a.sequence(), c)
		case c >= ' ' && c < '@':
			a.keep(c)
		default:
			a.state = inText
		}
	case inString:
		switch c {
		case '\x1b':
			a.state = inStringEscape
		case '\a':
			a.state = inText
			a.message(a.sequence())
		case '\x18', '\x1a': // CAN, SUB
			a.state = inText
		default:
			a.keep(c)
		}
	case inStringEscape:
		if c != '\\' {
			a.begin(c) // the string was broken off
			return
		}
		a.state = inText
		a.message(a.sequence())
	}
}

// begin reads the byte after ESC.
func (a *answers) begin(c byte) {
	a.kind, a.n = c, 0
	switch c {
	case '\x1b':
		a.state = inEscape
	case '[':
		a.state = inCSI
	case 'P', ']', 'X', '^', '_':
		a.state = inString
	default:
		a.state = inText
	}
}

// keep adds a byte to the sequence.
func (a *answers) keep(c byte) {
	if a.n < maxAnswer {
		a.buf[a.n] = c
	}
	a.n++
}

// sequence returns what is between the beginning of a sequence and its end; ""
// when that was too long.
func (a *answers) sequence() string {
	if a.n > maxAnswer {
		return ""
	}
	return string(a.buf[:a.n])
}

// control reads the parameters of a control sequence that ends with final.
func (a *answers) control(params string, final byte) {
	switch {
	case final == 'c' && strings.HasPrefix(params, "?"):
		a.last = true
	case final == 'y':
		switch params {
		case "?2026;1$", "?2026;2$", "?2026;3$": // set, reset, always set
			a.sync = true
		}
	}
}

// message reads what is in a string.
func (a *answers) message(s string) {
	switch a.kind {
	case 'P':
		if text, ok := strings.CutPrefix(s, ">|"); ok {
			a.name, a.version = identify(text)
		} else if sgr, ok := strings.CutPrefix(s, "1$r"); ok {
			if attributes, ok := strings.CutSuffix(sgr, "m"); ok {
				a.depth = depthOf(attributes)
			}
		}
	case ']':
		if colour, ok := strings.CutPrefix(s, "11;"); ok {
			a.ground = groundOf(colour)
		}
	}
}

// colours returns the best of what the terminal has been seen to show.
func (a *answers) colours() ascii.Colors {
	switch a.depth {
	case 24:
		return ascii.ColorsTrue
	case 8:
		return ascii.Colors256
	}
	return ascii.ColorsNone
}

// depthOf returns how many bits were kept of the background 1, 2, 3 (asked):
// 24 if it is still that, 8 if it became one of 256, 0 when that is not known.
// The parameters of a colour are separated by semicolons or by colons, with a
// colour space that may be left out: 48;2;1;2;3 or 48:2::1:2:3 or 48:2:1:2:3.
func depthOf(attributes string) int {
	const asked = ":1:2:3"
	_, colour, ok := strings.Cut(":"+strings.ReplaceAll(attributes, ";", ":")+":", ":48:")
	if !ok {
		return 0
	}
	if rgb, ok := strings.CutPrefix(colour, "2:"); ok {
		rgb = ":" + rgb
		if head, _, ok := strings.Cut(rgb, asked+":"); ok && strings.Count(head, ":") <= 1 {
			return 24
		}
		return 0
	}
	if index, ok := strings.CutPrefix(colour, "5:"); ok {
		index, _, _ = strings.Cut(index, ":")
		if n, err := strconv.ParseUint(index, 10, 8); err == nil && n >= 16 {
			return 8
		}
	}
	return 0
}

// groundOf returns how light a colour is that is written as X11 does:
// rgb:RRRR/GGGG/BBBB with one to four digits each, or rgba: with a fourth.
func groundOf(colour string) ground {
	model, parts, _ := strings.Cut(colour, ":")
	if model != "rgb" && model != "rgba" {
		return unknownGround
	}
	values := strings.Split(parts, "/")
	if len(values) != len(model) { // a value for each letter
		return unknownGround
	}
	// The share of the primaries in luma (ITU-R BT.709), in 1/1000.
	luma, full := uint64(0), uint64(0)
	for i, share := range [...]uint64{213, 715, 72} {
		v, err := strconv.ParseUint(values[i], 16, 16)
		if err != nil || len(values[i]) > 4 {
			return unknownGround
		}
		luma += share * v * (0xffff / (1<<(4*len(values[i])) - 1))
		full += share * 0xffff
	}
	if 2*luma > full {
		return lightGround
	}
	return darkGround
}
