package metric

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"path"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// fonts are pictures of the characters of some fonts; fonts/README.md says
// whose they are.
//
//go:embed fonts/*.png
var fonts embed.FS

// A Font is how a terminal's font looks at 8x16 pixels.
type Font struct {
	Name   string
	covers map[rune]*cover
}

// The characters in a picture of a font, 32 in a row.
const sheetCols = 32

// sheet returns the characters of a picture of a font: the printable ones of
// ASCII, then the lines.
func sheet() (chars []rune) {
	for r := ' '; r <= '~'; r++ {
		chars = append(chars, r)
	}
	for r := '─'; r <= '╿'; r++ {
		chars = append(chars, r)
	}
	return chars
}

// Fonts returns the names of the fonts that LoadFont knows.
func Fonts() (names []string) {
	entries, err := fonts.ReadDir("fonts")
	if err != nil {
		panic("metric: internal error: " + err.Error())
	}
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".png"))
	}
	return names
}

// LoadFont returns the font of a name.
func LoadFont(name string) (*Font, error) {
	b, err := fonts.ReadFile(path.Join("fonts", name+".png"))
	if err != nil {
		return nil, fmt.Errorf("load font %q: %w", name, err)
	}
	m, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("load font %q: %w", name, err)
	}
	f := &Font{name, make(map[rune]*cover)}
	for i, r := range sheet() {
		at := image.Pt(i%sheetCols*CellWidth, i/sheetCols*CellHeight)
		var c cover
		for k := range c {
			v := color.GrayModel.Convert(m.At(at.X+k%CellWidth, at.Y+k/CellWidth)).(color.Gray)
			c[k] = float32(v.Y) / 255
		}
		f.covers[r] = &c
	}
	return f, nil
}

// cover returns the cover of a character; ok is false if the font lacks it.
func (f *Font) cover(r rune) (c *cover, ok bool) {
	c, ok = f.covers[r]
	return c, ok
}

// Cover returns how much of each pixel of a cell, in rows of CellWidth, a
// printable ASCII character fills, 0 to 1.
func (f *Font) Cover(r rune) []float32 {
	c := *f.covers[r]
	return c[:]
}

// Sheet draws the picture of a font that LoadFont reads, from an OpenType or
// TrueType file: each character as a terminal with cells of 8x16 pixels would,
// between the font's ascent and descent, smoothed by 8x8 points a pixel.
func Sheet(file []byte) (*image.Gray, error) {
	parsed, err := opentype.Parse(file)
	if err != nil {
		return nil, fmt.Errorf("parse font: %w", err)
	}
	const fine = 8
	face := func(size float64) (font.Face, error) {
		return opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	}
	big, err := face(1000)
	if err != nil {
		return nil, fmt.Errorf("open font: %w", err)
	}
	advance, ok := big.GlyphAdvance('M')
	if !ok || advance <= 0 {
		return nil, errors.New("open font: no letter M")
	}
	f, err := face(math.Round(1000 * CellWidth * fine * 64 / float64(advance)))
	if err != nil {
		return nil, fmt.Errorf("open font: %w", err)
	}
	metrics := f.Metrics()
	up, down := metrics.Ascent.Round(), metrics.Descent.Round()
	base := (CellHeight*fine-up-down)/2 + up

	chars := sheet()
	rows := (len(chars) + sheetCols - 1) / sheetCols
	m := image.NewGray(image.Rect(0, 0, sheetCols*CellWidth, rows*CellHeight))
	cell := image.NewAlpha(image.Rect(0, 0, CellWidth*fine, CellHeight*fine))
	for i, r := range chars {
		clear(cell.Pix)
		d := font.Drawer{Dst: cell, Src: image.Opaque, Face: f, Dot: fixed.P(0, base)}
		d.DrawString(string(r))
		for k := range CellWidth * CellHeight {
			sum := 0
			for p := range fine * fine {
				sum += int(cell.AlphaAt(k%CellWidth*fine+p%fine, k/CellWidth*fine+p/fine).A)
			}
			m.SetGray(i%sheetCols*CellWidth+k%CellWidth, i/sheetCols*CellHeight+k/CellWidth,
				color.Gray{uint8((sum + fine*fine/2) / (fine * fine))})
		}
	}
	return m, nil
}
