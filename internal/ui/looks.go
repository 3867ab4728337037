package ui

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/term"
	"github.com/sanix-darker/s2c/internal/text"
)

// looksByQuality are all looks, the best first.
var looksByQuality = [...]ascii.Look{
	ascii.LookOctant, ascii.LookSextant, ascii.LookBraille, ascii.LookQuadrant, ascii.LookHalf, ascii.LookLetters,
	ascii.LookReverse, ascii.LookColour, ascii.LookASCII, ascii.LookRamp, ascii.LookClassic,
}

// known returns what is known of a terminal that tcell draws to: info, less
// what tcell says that it cannot do. Where info is the zero one nobody has
// looked, and it is what tcell says, with the blocks that nearly all terminals
// of 256 colours can draw. blocks says that the terminal shows characters other
// than ASCII, in one column each.
func known(info term.Info, colors int, blocks bool) term.Info {
	if info == (term.Info{}) {
		switch {
		case colors > 256:
			info.Colors = ascii.ColorsTrue
		case colors == 256:
			info.Colors = ascii.Colors256
		case colors >= 16:
			info.Colors = ascii.Colors16
		default:
			info.Colors = ascii.ColorsNone
		}
		info.Blocks = colors >= 256
	}
	if colors <= 0 { // NO_COLOR, or a terminal that has none
		info.Colors = ascii.ColorsNone
	}
	info.Blocks = info.Blocks && blocks
	info.Sextants = info.Sextants && blocks
	info.Octants = info.Octants && blocks
	return info
}

// looks is how the person wants pictures drawn. The goroutine that paints owns
// it.
type looks struct {
	// Set by newLooks.
	info   term.Info
	order  []ascii.Look // those that the person can choose, the best first
	chosen func(l ascii.Look, auto bool)
	shows  func(cols, rows int) ascii.Look // the look that shows most in a tile

	// Changed by key.
	look     ascii.Look
	auto     bool // each tile has the one that shows most in it
	contrast int

	cols, rows int // of the largest tile of the last frame
}

// newLooks returns the looks of a terminal. The look that was asked for is
// drawn if its characters fit the terminal's, which blocks says; the others
// only if the terminal is known to draw them well.
func newLooks(info term.Info, p pictures, blocks bool) looks {
	l := looks{info: info, shows: info.Best, look: p.look, auto: p.auto, chosen: p.chosen}
	for _, look := range looksByQuality {
		var good, fits bool
		switch look {
		case ascii.LookOctant:
			good, fits = info.Octants, blocks
		case ascii.LookSextant:
			good, fits = info.Sextants, blocks
		case ascii.LookBraille, ascii.LookQuadrant, ascii.LookHalf:
			good, fits = info.Blocks, blocks
		case ascii.LookLetters, ascii.LookColour:
			// Without colours they are drawn as others are.
			good, fits = info.Colors != ascii.ColorsNone, true
		default:
			good, fits = true, true
		}
		if good || fits && !p.auto && look == p.look {
			l.order = append(l.order, look)
		}
	}
	if !slices.Contains(l.order, l.look) {
		l.auto = true
	}
	return l
}

// pictures is how pictures are drawn at first.
type pictures struct {
	look   ascii.Look
	auto   bool
	chosen func(l ascii.Look, auto bool) // called after the person has chosen a look; may be nil
}

// key handles a key that changes how pictures are drawn. It returns what there
// is to say, or "" if the key is another one.
func (l *looks) key(letter rune) string {
	switch letter {
	case 'r':
		l.next()
		if l.chosen != nil {
			l.chosen(l.look, l.auto)
		}
		return "look: " + l.String()
	case '[':
		l.contrast = max(l.contrast-1, -ascii.MaxContrast)
	case ']':
		l.contrast = min(l.contrast+1, ascii.MaxContrast)
	default:
		return ""
	}
	return fmt.Sprintf("contrast %+d", l.contrast)
}

// use chooses the look of a name, or "auto".
func (l *looks) use(name string) error {
	i := slices.IndexFunc(l.order, func(look ascii.Look) bool { return look.String() == name })
	switch {
	case name == "auto":
		l.auto = true
	case i < 0:
		var names []string
		for _, look := range l.order {
			names = append(names, look.String())
		}
		return fmt.Errorf("this terminal has no look %q: type auto, %s", text.Clean(name, 40), strings.Join(names, ", "))
	default:
		l.look, l.auto = l.order[i], false
	}
	if l.chosen != nil {
		l.chosen(l.look, l.auto)
	}
	return nil
}

// next chooses the next look: after the last one it is auto, then the best.
func (l *looks) next() {
	i := slices.Index(l.order, l.look)
	switch {
	case l.auto:
		l.look, l.auto = l.order[0], false
	case i == len(l.order)-1:
		l.auto = true
	default:
		l.look = l.order[i+1]
	}
}

// String returns the look as the person knows it.
func (l *looks) String() string {
	if !l.auto {
		return l.look.String()
	}
	return "auto (" + l.shows(max(l.cols, 1), max(l.rows, 1)).String() + ")"
}

// slack is by which share of its size a tile may be larger or smaller before
// another look shows more in it, so that a tile on the edge between two keeps
// one.
const slack = 8

// best returns the look for a tile of cols x rows cells, which had another one
// before if it had any.
func (l *looks) best(cols, rows int, was ascii.Look, had bool) ascii.Look {
	if !l.auto {
		return l.look
	}
	look := l.shows(cols, rows)
	if !had || look == was {
		return look
	}
	dx, dy := max(cols/slack, 1), max(rows/slack, 1)
	if l.shows(cols+dx, rows+dy) == was || l.shows(max(cols-dx, 1), max(rows-dy, 1)) == was {
		return was
	}
	return look
}

// Letters of one colour are light on dark whatever the terminal's own colours
// are, where it can be told so, unless it is known to be light.
var (
	letterColours = [...]ascii.Color{ascii.ColorsTrue: 0x01d8d8d8, ascii.Colors256: 0x020000fd, ascii.Colors16: 0, ascii.ColorsNone: 0}
	paperColours  = [...]ascii.Color{ascii.ColorsTrue: 0x01000000, ascii.Colors256: 0x02000010, ascii.Colors16: 0, ascii.ColorsNone: 0}
)

// black is what is behind letters in colours: they are light.
var black = [...]ascii.Color{ascii.ColorsTrue: 0x01000000, ascii.Colors256: 0x02000010, ascii.Colors16: 0x02000000, ascii.ColorsNone: 0}

// own returns what is written for the terminal's own colours in a picture that
// shows colours, or does not.
func (l *looks) own(coloured bool) (fg, bg ascii.Color) {
	switch {
	case coloured:
		return 0, black[l.info.Colors]
	case l.info.Light:
		return 0, 0
	default:
		return letterColours[l.info.Colors], paperColours[l.info.Colors]
	}
}

// usualAspect is the height of a cell over its width where the terminal does
// not say.
const usualAspect = 2

// pixels returns how many pixels of a picture a tile of cols x rows cells of a
// height of aspect times their width shows in a look: never more than 2x4 a
// cell, from which on no look gains anything that is seen. They are square, or
// tall, which is twice as high as wide: where a look has no more samples down a
// cell than across, more would not be seen.
func pixels(look ascii.Look, cols, rows int, aspect float64) (w, h int, tall bool) {
	if aspect == 0 {
		aspect = usualAspect
	}
	across, down := look.Samples()
	a := min(max(float64(across), float64(down)/2), 2)
	if tall = down <= across; tall {
		aspect /= 2
	}
	return int(float64(cols) * a), int(math.Round(float64(rows) * a * aspect)), tall
}
