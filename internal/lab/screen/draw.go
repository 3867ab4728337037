package screen

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// The size of a cell in the pictures of PNG, in pixels.
const (
	CellWidth  = 10
	CellHeight = 20
)

const (
	fontSize = CellWidth * 2048. / 1229 // Go Mono's characters are 1229/2048 of its size wide
	baseline = 15                       // pixels below the top of a cell
)

// The colours of cells that have none of their own.
var (
	defaultFg = rgb(0xe5, 0xe5, 0xe5)
	defaultBg = rgb(0, 0, 0)
)

// PNG writes the screen to w as a picture, as a good terminal with a dark
// background shows it: text in Go Mono; blocks, braille and lines by their
// definition, so that they meet. A character that Go Mono lacks is an empty
// frame.
func (g Grid) PNG(w io.Writer) error {
	p, err := newPainter()
	if err != nil {
		return err
	}
	defer p.close()
	// An image has at least one pixel, even of an empty screen.
	p.dst = image.NewRGBA(image.Rect(0, 0, max(1, g.Cols*CellWidth), max(1, g.Rows*CellHeight)))
	for y := range g.Rows {
		for x := range g.Cols {
			c := g.At(x, y)
			if c.Text == "" && x > 0 && g.At(x-1, y).Text != "" {
				continue // the right half was drawn with the left one
			}
			r := image.Rect(x*CellWidth, y*CellHeight, (x+1)*CellWidth, (y+1)*CellHeight)
			if c.Text != "" && x+1 < g.Cols && g.At(x+1, y).Text == "" {
				r.Max.X += CellWidth
			}
			p.cell(r, c)
		}
	}
	if err := png.Encode(w, p.dst); err != nil {
		return fmt.Errorf("write screen as png: %w", err)
	}
	return nil
}

// Save writes the screen as a PNG picture to a file.
func (g Grid) Save(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(g.PNG(f), f.Close())
}

// A painter draws cells.
type painter struct {
	dst   *image.RGBA
	faces [2]font.Face // regular, bold
	font  *sfnt.Font   // tells which characters there are
	buf   sfnt.Buffer
}

// newPainter loads the fonts.
func newPainter() (*painter, error) {
	p := new(painter)
	for i, ttf := range [...][]byte{gomono.TTF, gomonobold.TTF} {
		parsed, err := opentype.Parse(ttf)
		if err != nil {
			return nil, fmt.Errorf("parse font: %w", err)
		}
		p.faces[i], err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: fontSize, DPI: 72})
		if err != nil {
			return nil, fmt.Errorf("open font: %w", err)
		}
		p.font = parsed
	}
	return p, nil
}

// close releases the fonts.
func (p *painter) close() {
	for _, f := range p.faces {
		f.Close()
	}
}

// colours returns the colours that a cell is drawn with.
func (c Cell) colours() (fg, bg color.RGBA) {
	f, b := c.Fg, c.Bg
	if f == 0 {
		f = defaultFg
	}
	if b == 0 {
		b = defaultBg
	}
	if c.Style&Reverse != 0 {
		f, b = b, f
	}
	if c.Style&Hidden != 0 {
		f = b
	}
	fg, bg = rgba(f), rgba(b)
	if c.Style&Dim != 0 {
		fg = mix(bg, fg, 8, 12)
	}
	return fg, bg
}

// rgba returns c for package image.
func rgba(c Color) color.RGBA {
	return color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 255}
}

// mix returns a with the share n/d of b.
func mix(a, b color.RGBA, n, d int) color.RGBA {
	part := func(a, b uint8) uint8 { return uint8((int(a)*(d-n) + int(b)*n) / d) }
	return color.RGBA{part(a.R, b.R), part(a.G, b.G), part(a.B, b.B), 255}
}

// fill gives all pixels of r one colour.
func (p *painter) fill(r image.Rectangle, c color.RGBA) {
	draw.Draw(p.dst, r, image.NewUniform(c), image.Point{}, draw.Src)
}

// cell draws c in r.
func (p *painter) cell(r image.Rectangle, c Cell) {
	fg, bg := c.colours()
	p.fill(r, bg)
	first, _ := utf8.DecodeRuneInString(c.Text)
	if parts, ok := shape(first); ok {
		for _, s := range parts {
			box := image.Rect(share(r.Dx(), s.x0), share(r.Dy(), s.y0), share(r.Dx(), s.x1), share(r.Dy(), s.y1))
			p.fill(box.Add(r.Min), mix(bg, fg, s.shade, 4))
		}
	} else if strokes, ok := arms(first); ok {
		p.lines(r, first, strokes, fg)
	} else if c.Text != "" && c.Text != " " {
		p.text(r, c, first, fg)
	}
	if c.Style&Underline != 0 {
		p.fill(image.Rect(r.Min.X, r.Max.Y-3, r.Max.X, r.Max.Y-2), fg)
	}
	if c.Style&Strike != 0 {
		p.fill(image.Rect(r.Min.X, r.Min.Y+CellHeight/2, r.Max.X, r.Min.Y+CellHeight/2+1), fg)
	}
}

// share returns n units of a size in pixels.
func share(size, n int) int { return (size*n + whole/2) / whole }

// text draws c's characters, or a frame when the font lacks the first.
func (p *painter) text(r image.Rectangle, c Cell, first rune, fg color.RGBA) {
	if i, err := p.font.GlyphIndex(&p.buf, first); err != nil || i == 0 {
		frame := r.Inset(2)
		p.fill(image.Rect(frame.Min.X, frame.Min.Y, frame.Max.X, frame.Min.Y+1), fg)
		p.fill(image.Rect(frame.Min.X, frame.Max.Y-1, frame.Max.X, frame.Max.Y), fg)
		p.fill(image.Rect(frame.Min.X, frame.Min.Y, frame.Min.X+1, frame.Max.Y), fg)
		p.fill(image.Rect(frame.Max.X-1, frame.Min.Y, frame.Max.X, frame.Max.Y), fg)
		return
	}
	face := p.faces[0]
	if c.Style&Bold != 0 {
		face = p.faces[1]
	}
	// A sub-image, so that no letter reaches into another cell.
	clip, ok := p.dst.SubImage(r).(draw.Image)
	if !ok {
		panic("screen: internal error: a part of a picture is no picture")
	}
	d := font.Drawer{Dst: clip, Src: image.NewUniform(fg), Face: face, Dot: fixed.P(r.Min.X, r.Min.Y+baseline)}
	d.DrawString(c.Text)
}

// lines draws a line drawing character in r.
func (p *painter) lines(r image.Rectangle, c rune, strokes [4]int, fg color.RGBA) {
	if c >= '╱' && c <= '╳' {
		for y := range r.Dy() {
			x := y * r.Dx() / r.Dy()
			if c != '╲' {
				p.dst.SetRGBA(r.Max.X-1-x, r.Min.Y+y, fg)
			}
			if c != '╱' {
				p.dst.SetRGBA(r.Min.X+x, r.Min.Y+y, fg)
			}
		}
		return
	}
	mid := image.Pt((r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2)
	for i, stroke := range strokes {
		// The offsets from the middle of the rows of pixels of an arm.
		var rows []int
		switch stroke {
		case light:
			rows = []int{0}
		case heavy:
			rows = []int{-1, 0, 1}
		case double:
			rows = []int{-1, 1}
		}
		for _, o := range rows {
			// An arm reaches as far beyond the middle as others are thick.
			switch i {
			case 0:
				p.fill(image.Rect(mid.X+o, r.Min.Y, mid.X+o+1, mid.Y+1+reach(strokes[1], strokes[3])), fg)
			case 1:
				p.fill(image.Rect(mid.X-reach(strokes[0], strokes[2]), mid.Y+o, r.Max.X, mid.Y+o+1), fg)
			case 2:
				p.fill(image.Rect(mid.X+o, mid.Y-reach(strokes[1], strokes[3]), mid.X+o+1, r.Max.Y), fg)
			case 3:
				p.fill(image.Rect(r.Min.X, mid.Y+o, mid.X+1+reach(strokes[0], strokes[2]), mid.Y+o+1), fg)
			}
		}
	}
}

// reach returns how many pixels beside their middle the thicker of two arms in
// a line covers.
func reach(a, b int) int {
	if max(a, b) > light {
		return 1
	}
	return 0
}
