package ui

import (
	"github.com/gdamore/tcell/v2"
	"github.com/rivo/uniseg"
)

// A depth says how many colours the terminal has.
type depth uint8

// The depths.
const (
	depthMono  depth = iota // none: bold and reverse alone
	depthANSI               // the terminal's own 8 or 16
	depthIndex              // those and 240 more: a cube and a ramp of grays
	depthRGB                // all
)

// depthOf returns the depth for a number of colours as tcell counts them.
func depthOf(colors int) depth {
	switch {
	case colors > 256:
		return depthRGB
	case colors == 256:
		return depthIndex
	case colors >= 8:
		return depthANSI
	}
	return depthMono
}

// A style is what a piece of text is; a theme says how that looks.
type style uint8

// The styles.
const (
	stylePlain     style = iota // where nothing is
	styleFrame                  // the border of a tile
	styleSpeaker                // the border and the meter of who speaks
	styleName                   // of a member
	styleState                  // what is wrong with a member
	styleCard                   // a tile without a picture
	styleCardName               // the name on it
	styleBar                    // the bars
	styleBarStrong              // keys, the session
	styleBarFaint               // what is not urgent
	styleBarGood                // the meter of the microphone
	styleBarWarn                // loss, lost connections
	styleAlarm                  // MUTED
	stylePill                   // a notice over the pictures
	stylePillWarn               // one that wants something done
	stylePillName               // who said it
	styleBox                    // the help, the people
	styleBoxKey                 // a key in it, the selected row
	styleBoxStrong              // titles, the code
	styleBoxWarn                // a person to beware of
	styles
)

// A theme says how each style looks.
type theme [styles]tcell.Style

// The colours of the theme for terminals that have enough.
const (
	hexBack   = 0x0f1115
	hexCard   = 0x191c24
	hexBar    = 0x1e2230
	hexPill   = 0x2b3145
	hexFrame  = 0x4b5263
	hexFaint  = 0x8f97a8
	hexText   = 0xc8ccd4
	hexBright = 0xffffff
	hexGreen  = 0x4ec98d
	hexAmber  = 0xe5a84b
	hexRed    = 0xc0392b
)

// newTheme returns the theme for a depth.
func newTheme(d depth) *theme {
	switch d {
	case depthRGB, depthIndex:
		return richTheme()
	case depthANSI:
		return plainTheme(tcell.PaletteColor(2), tcell.PaletteColor(3), tcell.PaletteColor(1))
	default:
		return plainTheme(tcell.ColorDefault, tcell.ColorDefault, tcell.ColorDefault)
	}
}

func richTheme() *theme {
	on := func(fg, bg int32) tcell.Style {
		return tcell.StyleDefault.Foreground(tcell.NewHexColor(fg)).Background(tcell.NewHexColor(bg))
	}
	return &theme{
		stylePlain:     on(hexText, hexBack),
		styleFrame:     on(hexFrame, hexBack),
		styleSpeaker:   on(hexGreen, hexBack),
		styleName:      on(hexText, hexBack),
		styleState:     on(hexAmber, hexBack),
		styleCard:      on(hexFaint, hexCard),
		styleCardName:  on(hexBright, hexCard).Bold(true),
		styleBar:       on(hexText, hexBar),
		styleBarStrong: on(hexBright, hexBar).Bold(true),
		styleBarFaint:  on(hexFaint, hexBar),
		styleBarGood:   on(hexGreen, hexBar),
		styleBarWarn:   on(hexAmber, hexBar),
		styleAlarm:     on(hexBright, hexRed).Bold(true),
		stylePill:      on(hexBright, hexPill),
		stylePillWarn:  on(hexBack, hexAmber).Bold(true),
		stylePillName:  on(hexGreen, hexPill).Bold(true),
		styleBox:       on(hexText, hexBar),
		styleBoxKey:    on(hexGreen, hexBar).Bold(true),
		styleBoxStrong: on(hexBright, hexBar).Bold(true),
		styleBoxWarn:   on(hexAmber, hexBar).Bold(true),
	}
}

// plainTheme leaves the terminal its own colours and tells the rest by bold
// and reverse. What is reversed twice stands out of a bar.
func plainTheme(good, warn, bad tcell.Color) *theme {
	own := tcell.StyleDefault
	bar := own.Reverse(true)
	return &theme{
		styleSpeaker:   own.Foreground(good).Bold(true),
		styleName:      own.Bold(true),
		styleState:     own.Foreground(warn),
		styleCardName:  own.Bold(true),
		styleBar:       bar,
		styleBarStrong: bar.Bold(true),
		styleBarFaint:  bar,
		styleBarGood:   bar,
		styleBarWarn:   bar.Bold(true),
		styleAlarm:     own.Foreground(bad).Bold(true),
		stylePill:      bar,
		stylePillWarn:  bar.Bold(true),
		stylePillName:  bar.Bold(true),
		styleBoxKey:    own.Bold(true),
		styleBoxStrong: own.Bold(true),
		styleBoxWarn:   own.Foreground(warn).Bold(true),
	}
}

// A lines is a set of the characters that borders are made of.
type lines struct {
	horizontal, vertical                         string
	upperLeft, upperRight, lowerLeft, lowerRight string
}

// A charset is the characters that the chrome is made of. Each is one column.
type charset struct {
	light, heavy lines
	levels       []string // of a meter, from silence to loud
}

var unicodeCharset = charset{
	light:  lines{"─", "│", "┌", "┐", "└", "┘"},
	heavy:  lines{"━", "┃", "┏", "┓", "┗", "┛"},
	levels: []string{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
}

var asciiCharset = charset{
	light:  lines{"-", "|", "+", "+", "+", "+"},
	heavy:  lines{"=", "#", "#", "#", "#", "#"},
	levels: []string{" ", ".", ":", "-", "=", "+", "*", "#", "@"},
}

// charsetOf returns the characters that screen shows in one column each, and
// whether they include blocks for pictures.
func charsetOf(screen tcell.Screen) (set *charset, blocks bool) {
	// Where ambiguous characters are wide, tcell and the terminal disagree
	// about lines and blocks.
	if screen.CharacterSet() != "UTF-8" || uniseg.StringWidth("━") != 1 {
		return &asciiCharset, false
	}
	return &unicodeCharset, true
}
