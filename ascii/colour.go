package ascii

import (
	"fmt"
	"image/color"
)

// A Color is a colour as a terminal is told it: 0x01RRGGBB, 0x020000NN for
// number NN of the terminal's 256, of which the first 16 are the user's own,
// or 0 for the terminal's own foreground or background.
type Color uint32

// The kinds of colours.
const (
	kindRGB     Color = 1 << 24
	kindIndexed Color = 2 << 24
	kinds       Color = 0xff << 24
)

// rgb returns the Color of a red, green and blue of 0 to 255.
func rgb(r, g, b uint8) Color {
	return kindRGB | Color(r)<<16 | Color(g)<<8 | Color(b)
}

// Index returns the number of one of the terminal's 256 colours; ok is false
// for other colours.
func (c Color) Index() (n uint8, ok bool) {
	return uint8(c), c&kinds == kindIndexed
}

// RGB returns the red, green and blue of a colour, that of a number as xterm
// shows it; ok is false for the terminal's own colours, which are unknown.
func (c Color) RGB() (r, g, b uint8, ok bool) {
	switch c & kinds {
	case kindRGB:
	case kindIndexed:
		c = palette[uint8(c)]
	default:
		return 0, 0, 0, false
	}
	return uint8(c >> 16), uint8(c >> 8), uint8(c), true
}

// Dim returns about the same colour with about half of the brightness or less. The
// terminal's own colours, which the user may have changed, are as they were.
func (c Color) Dim() Color {
	const cube, grays = 16, 16 + 6*6*6 // of the numbers
	n := c & 0xff
	switch {
	case c&kinds == kindRGB:
		return kindRGB | (c >> 2 & 0x3f3f3f) + (c >> 3 & 0x1f1f1f) // three eighths of each
	case c&kinds == kindIndexed && n >= grays:
		return kindIndexed | grays + (n-grays)*3/8
	case c&kinds == kindIndexed && n >= cube:
		n -= cube
		return kindIndexed | cube + n/36/2*36 + n/6%6/2*6 + n%6/2
	}
	return c
}

// Colors is what a terminal can show.
type Colors uint8

// The depths of colour.
const (
	ColorsTrue Colors = iota // 24 bits
	Colors256                // a cube of 6x6x6 and 24 grays
	Colors16                 // those that the user may have changed
	ColorsNone               // the terminal's own foreground and background
	depths
)

// String returns "truecolor", "256", "16" or "none".
func (c Colors) String() string {
	if c >= depths {
		return fmt.Sprintf("colors(%d)", uint8(c))
	}
	return [depths]string{"truecolor", "256", "16", "none"}[c]
}

// palette are the 256 colours as xterm shows them.
var palette = func() (p [256]Color) {
	for i, v := range [16]Color{
		0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
		0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
	} {
		p[i] = kindRGB | v
	}
	for i := range 6 * 6 * 6 {
		p[16+i] = rgb(cubeLevels[i/36], cubeLevels[i/6%6], cubeLevels[i%6])
	}
	for i := range 24 {
		v := uint8(8 + 10*i)
		p[232+i] = rgb(v, v, v)
	}
	return p
}()

// cubeLevels are the steps of the cube of 6x6x6.
var cubeLevels = [6]uint8{0, 95, 135, 175, 215, 255}

// cubeStep is the nearest of cubeLevels for each level.
var cubeStep = func() (t [256]uint8) {
	for v := range t {
		for i, l := range cubeLevels {
			if abs(v-int(l)) < abs(v-int(cubeLevels[t[v]])) {
				t[v] = uint8(i)
			}
		}
	}
	return t
}()

// grays are the colours nearest to gray levels.
var grays = func() (t [depths][256]Color) {
	for v := range 256 {
		t[ColorsTrue][v] = rgb(uint8(v), uint8(v), uint8(v))
		t[Colors256][v] = nearestGray(v, 16)
		t[Colors16][v] = nearestGray(v, 0)
	}
	return t
}()

// nearestGray returns the gray of the palette nearest to v: of the colours
// from number 16 on, or of the sixteen before.
func nearestGray(v, from int) Color {
	to := 256
	if from < 16 {
		to = 16
	}
	best := from
	off := func(i int) int {
		r, g, b, _ := palette[i].RGB()
		if r != g || g != b {
			return 256
		}
		return abs(int(g) - v)
	}
	for i := from; i < to; i++ {
		if off(i) < off(best) {
			best = i
		}
	}
	return kindIndexed | Color(best)
}

// distance is how different two colours look: the squares of red, green and
// blue with about the weights they have in brightness.
func distance(r, g, b int, c Color) int {
	dr, dg, db := r-int(c>>16&255), g-int(c>>8&255), b-int(c&255)
	return 3*dr*dr + 6*dg*dg + db*db
}

// quantise returns the colour nearest to a red, green and blue.
func quantise(r, g, b uint8, depth Colors) Color {
	switch depth {
	case Colors256:
		// The nearest of the cube, or the nearest gray.
		cube := 16 + 36*Color(cubeStep[r]) + 6*Color(cubeStep[g]) + Color(cubeStep[b])
		gray := grays[Colors256][(3*int(r)+6*int(g)+int(b)+5)/10]
		if distance(int(r), int(g), int(b), palette[uint8(gray)]) <= distance(int(r), int(g), int(b), palette[cube]) {
			return gray
		}
		return kindIndexed | cube
	case Colors16:
		best, least := 0, 1<<30
		for i := range 16 {
			if d := distance(int(r), int(g), int(b), palette[i]); d < least {
				best, least = i, d
			}
		}
		return kindIndexed | Color(best)
	default:
		return rgb(r, g, b)
	}
}

// paint returns the colour for a luma in cell i.
func (r *Renderer) paint(luma uint8, i int) Color {
	if !r.setup.chroma {
		return grays[r.setup.colors][luma]
	}
	red, green, blue := color.YCbCrToRGB(luma, r.tintCb[i], r.tintCr[i])
	return quantise(red, green, blue, r.setup.colors)
}

func abs(v int) int { return max(v, -v) }
