package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/lab/lookbench/metric"
)

// The size of what quality is measured at: 640x480 pixels at 8x16 a cell.
const (
	qualityCols = 80
	qualityRows = 30
)

// The terminal's own colours.
var (
	white = color.RGBA{255, 255, 255, 255}
	black = color.RGBA{0, 0, 0, 255}
)

// A method draws a gray picture of 640x480 pixels in cells.
type method struct {
	class string
	name  string
	floor float64 // the least Q that is asked for, 0 for none
	draw  func(ctx context.Context, m *image.Gray, cols, rows int) ([]metric.Cell, error)
}

// The classes of methods: what they use of a terminal.
const (
	monoASCII    = "mono ASCII"
	reverseASCII = "mono ASCII, reverse"
	tintedASCII  = "ASCII, a colour each"
	fullASCII    = "ASCII, two colours"
	monoBlocks   = "mono dots and blocks"
	dots         = "braille, colours"
	halves       = "halves"
	quarters     = "quadrants"
	sixths       = "sextants"
	eighths      = "octants"
	eighths256   = "octants, 256 colours"
	eighths16    = "octants, 16 colours"
	full256      = "ASCII, two of 256 colours"
	quarters256  = "quadrants, 256 colours"
)

// classes are the classes in the order of the table.
var classes = []string{
	monoASCII, reverseASCII, tintedASCII, fullASCII, full256, monoBlocks, dots,
	halves, quarters, quarters256, sixths, eighths, eighths256, eighths16,
}

// ours are the methods of this project.
func ours() []method {
	of := func(class string, l ascii.Look, c ascii.Colors, floor float64) method {
		name := "s2c " + l.String()
		if l.Coloured() {
			name += " " + c.String()
		}
		return method{class: class, name: name, floor: floor, draw: func(_ context.Context, m *image.Gray, cols, rows int) ([]metric.Cell, error) {
			return render(&ascii.Renderer{Look: l, Colors: c}, m, cols, rows), nil
		}}
	}
	light := of(monoASCII, ascii.LookASCII, ascii.ColorsNone, 0)
	light.name = "s2c ascii, dark on light"
	light.draw = func(_ context.Context, m *image.Gray, cols, rows int) ([]metric.Cell, error) {
		return render(&ascii.Renderer{Look: ascii.LookASCII, Light: true}, m, cols, rows), nil
	}
	return []method{
		of(monoASCII, ascii.LookClassic, ascii.ColorsNone, 0),
		of(monoASCII, ascii.LookRamp, ascii.ColorsNone, 0),
		of(monoASCII, ascii.LookASCII, ascii.ColorsNone, 0.45),
		light,
		of(reverseASCII, ascii.LookReverse, ascii.ColorsNone, 0),
		of(tintedASCII, ascii.LookColour, ascii.ColorsTrue, 0),
		of(tintedASCII, ascii.LookColour, ascii.Colors256, 0),
		of(fullASCII, ascii.LookLetters, ascii.ColorsTrue, 0.87),
		of(full256, ascii.LookLetters, ascii.Colors256, 0),
		of(monoBlocks, ascii.LookBraille, ascii.ColorsNone, 0),
		of(monoBlocks, ascii.LookOctant, ascii.ColorsNone, 0),
		of(dots, ascii.LookBraille, ascii.ColorsTrue, 0),
		of(halves, ascii.LookHalf, ascii.ColorsTrue, 0),
		of(quarters, ascii.LookQuadrant, ascii.ColorsTrue, 0),
		of(quarters256, ascii.LookQuadrant, ascii.Colors256, 0),
		of(sixths, ascii.LookSextant, ascii.ColorsTrue, 0),
		of(eighths, ascii.LookOctant, ascii.ColorsTrue, 0.965),
		of(eighths256, ascii.LookOctant, ascii.Colors256, 0.91),
		of(eighths16, ascii.LookOctant, ascii.Colors16, 0),
	}
}

// render draws m with r as the cells that a terminal shows.
func render(r *ascii.Renderer, m *image.Gray, cols, rows int) []metric.Cell {
	cells := make([]ascii.Cell, cols*rows)
	src := &image.YCbCr{Y: m.Pix, YStride: m.Stride, Rect: m.Rect, SubsampleRatio: image.YCbCrSubsampleRatio420}
	r.Render(cells, cols, rows, 2, src)
	own, paper := white, black
	if r.Light {
		own, paper = black, white
	}
	shown := make([]metric.Cell, len(cells))
	for i, c := range cells {
		shown[i] = metric.Cell{R: c.R, Fg: shade(c.Fg, own), Bg: shade(c.Bg, paper)}
		if c.Reverse {
			shown[i].Fg, shown[i].Bg = shown[i].Bg, shown[i].Fg
		}
	}
	return shown
}

// shade returns a colour, or own for the terminal's own.
func shade(c ascii.Color, own color.RGBA) color.RGBA {
	if r, g, b, ok := c.RGB(); ok {
		return color.RGBA{r, g, b, 255}
	}
	return own
}

// quality prints the table of scores.
func quality(ctx context.Context, out io.Writer, fontName string, names []string, methods []method, save string) error {
	f, err := metric.LoadFont(fontName)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Quality at %dx%d in %s, mean of %v. Q = mean of tone, structure and edges.\n\n", qualityCols, qualityRows, f.Name, names)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "class\tmethod\tQ\ttone\tstructure\tclose\tedges\tPSNR\tfloor")
	last := ""
	for _, m := range methods {
		class := m.class
		if class == last {
			class = ""
		}
		last = m.class
		var sum metric.Score
		for _, name := range names {
			s, err := m.score(ctx, f, name, save)
			if err != nil {
				return fmt.Errorf("%s of %s: %w", m.name, name, err)
			}
			sum = sum.Add(s)
		}
		s := sum.Scale(1 / float64(len(names)))
		floor := ""
		if m.floor > 0 && fontName == "dejavu" {
			floor = fmt.Sprintf("%.3f met", m.floor)
			if s.Q < m.floor {
				floor = fmt.Sprintf("%.3f MISSED", m.floor)
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.1f\t%s\n",
			class, m.name, s.Q, s.Tone, s.Structure, s.Close, s.Edges, s.PSNR, floor)
	}
	return t.Flush()
}

// score measures m with a picture, and saves what it draws in a folder if that
// is not "".
func (m method) score(ctx context.Context, f *metric.Font, name, save string) (metric.Score, error) {
	picture, err := metric.LoadPicture(name)
	if err != nil {
		return metric.Score{}, err
	}
	cells, err := m.draw(ctx, picture, qualityCols, qualityRows)
	if err != nil {
		return metric.Score{}, err
	}
	if save != "" {
		if err := savePNG(filepath.Join(save, name+", "+m.name+".png"), f, cells); err != nil {
			return metric.Score{}, err
		}
	}
	return metric.Measure(f, cells, qualityCols, picture)
}

// savePNG writes what a terminal shows for cells.
func savePNG(path string, f *metric.Font, cells []metric.Cell) error {
	m, err := metric.Draw(f, cells, qualityCols)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(file, m); err != nil {
		file.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	return file.Close()
}
