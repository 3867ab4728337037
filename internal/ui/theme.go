package ui

import (
	"slices"

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
	styleCode                   // dark on light, to be read by a camera
	styleInk                    // the dark of it, as a ground
	styleNick0                  // names in the chat, by their keys; nicks of them
	styleNick1
	styleNick2
	styleNick3
	styleNick4
	styleNick5
	styles
)

// nicks is how many styles there are for names in the chat.
const nicks = styles - styleNick0

// A theme says how each style looks.
type theme [styles]tcell.Style

// A palette24 is the colours of a theme, as 0xrrggbb.
type palette24 struct {
	back, card, bar, pill      int32 // what is written on
	frame, faint, text, bright int32
	good, warn                 int32
	alarm, onAlarm, onWarn     int32 // a ground, and what is on it and on warn
	nicks                      [nicks]int32
}

var (
	darkPalette = palette24{
		back: 0x0f1115, card: 0x191c24, bar: 0x1e2230, pill: 0x2b3145,
		frame: 0x656d80, faint: 0x9aa2b2, text: 0xc8ccd4, bright: 0xffffff,
		good: 0x4ec98d, warn: 0xe5a84b, alarm: 0xb93527, onAlarm: 0xffffff, onWarn: 0x0f1115,
		nicks: [...]int32{0x7fb4ff, 0x4ec98d, 0xe5a84b, 0xe58fb8, 0xb79cff, 0x58c8d8},
	}
	lightPalette = palette24{
		back: 0xffffff, card: 0xeef0f4, bar: 0xe3e6ec, pill: 0xd5dae4,
		frame: 0x7f8694, faint: 0x535a68, text: 0x2a2f3a, bright: 0x000000,
		good: 0x0a5f38, warn: 0x7d4600, alarm: 0xb02a1c, onAlarm: 0xffffff, onWarn: 0xffffff,
		nicks: [...]int32{0x0b4ea2, 0x0a5f38, 0x7d4600, 0x99215f, 0x5a36b0, 0x085a68},
	}
	contrastPalette = palette24{
		back: 0x000000, card: 0x000000, bar: 0x000000, pill: 0x000000,
		frame: 0xc0c0c0, faint: 0xe0e0e0, text: 0xffffff, bright: 0xffffff,
		good: 0x5fff9f, warn: 0xffd75f, alarm: 0xffffff, onAlarm: 0x000000, onWarn: 0x000000,
		nicks: [...]int32{0x9fc9ff, 0x5fff9f, 0xffd75f, 0xffaed2, 0xd0c0ff, 0x80f0ff},
	}
)

// Themes are the names of all themes.
var Themes = [...]string{"auto", "dark", "light", "contrast", "terminal16", "mono"}

// ThemeKnown reports whether there is a theme of a name.
func ThemeKnown(name string) bool { return slices.Contains(Themes[:], name) }

// newTheme returns the theme of a name, as far as a terminal of a depth has its
// colours. "auto" and "" are the one that fits a terminal which is light, or not.
func newTheme(name string, d depth, light bool) *theme {
	switch {
	case d == depthMono || name == "mono":
		th := plainTheme(tcell.ColorDefault, tcell.ColorDefault, tcell.ColorDefault)
		own, turned := tcell.StyleDefault, tcell.StyleDefault.Reverse(true)
		th[styleCode], th[styleInk] = turned, own
		if light {
			th[styleCode], th[styleInk] = own, turned
		}
		return th
	case d == depthANSI || name == "terminal16":
		th := plainTheme(tcell.PaletteColor(2), tcell.PaletteColor(3), tcell.PaletteColor(1))
		black, white := tcell.PaletteColor(0), tcell.PaletteColor(7) // which all have
		th[styleCode] = tcell.StyleDefault.Foreground(black).Background(white)
		th[styleInk] = tcell.StyleDefault.Foreground(white).Background(black)
		return th
	case name == "contrast":
		return richTheme(&contrastPalette)
	case name == "light", name != "dark" && light:
		return richTheme(&lightPalette)
	}
	return richTheme(&darkPalette)
}

func richTheme(p *palette24) *theme {
	on := func(fg, bg int32) tcell.Style {
		return tcell.StyleDefault.Foreground(tcell.NewHexColor(fg)).Background(tcell.NewHexColor(bg))
	}
	th := &theme{
		stylePlain:     on(p.text, p.back),
		styleFrame:     on(p.frame, p.back),
		styleSpeaker:   on(p.good, p.back),
		styleName:      on(p.text, p.back),
		styleState:     on(p.warn, p.back),
		styleCard:      on(p.faint, p.card),
		styleCardName:  on(p.bright, p.card).Bold(true),
		styleBar:       on(p.text, p.bar),
		styleBarStrong: on(p.bright, p.bar).Bold(true),
		styleBarFaint:  on(p.faint, p.bar),
		styleBarGood:   on(p.good, p.bar),
		styleBarWarn:   on(p.warn, p.bar),
		styleAlarm:     on(p.onAlarm, p.alarm).Bold(true),
		stylePill:      on(p.bright, p.pill),
		stylePillWarn:  on(p.onWarn, p.warn).Bold(true),
		stylePillName:  on(p.good, p.pill).Bold(true),
		styleBox:       on(p.text, p.bar),
		styleBoxKey:    on(p.good, p.bar).Bold(true),
		styleBoxStrong: on(p.bright, p.bar).Bold(true),
		styleBoxWarn:   on(p.warn, p.bar).Bold(true),
	}
	th[styleCode], th[styleInk] = on(0x000000, 0xffffff), on(0xffffff, 0x000000)
	for i, c := range p.nicks {
		th[int(styleNick0)+i] = on(c, p.bar).Bold(true)
	}
	return th
}

// plainTheme leaves the terminal its own colours and tells the rest by bold
// and reverse. What is reversed twice stands out of a bar.
func plainTheme(good, warn, bad tcell.Color) *theme {
	own := tcell.StyleDefault
	bar := own.Reverse(true)
	th := &theme{
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
	for i := range nicks {
		th[styleNick0+i] = own.Bold(true)
	}
	return th
}

// A lines is a set of the characters that borders are made of.
type lines struct {
	horizontal, vertical                         string
	upperLeft, upperRight, lowerLeft, lowerRight string
}

// A charset is the characters that the chrome is made of. Each is one column.
type charset struct {
	light, heavy lines
	half         bool     // there are half blocks
	levels       []string // of a meter, from silence to loud
}

var unicodeCharset = charset{
	half:   true,
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
