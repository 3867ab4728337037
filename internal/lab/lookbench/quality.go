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

	"golang.org/x/image/draw"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/lab/lookbench/metric"
)

// The terminal's own colours.
var (
	white = color.RGBA{255, 255, 255, 255}
	black = color.RGBA{0, 0, 0, 255}
)

// A method draws a gray picture of 8x16 pixels a cell in cells.
type method struct {
	class string
	name  string
	own   bool    // it is one of this project
	floor float64 // the least Q that is asked for at 80x30, 0 for none
	draw  func(ctx context.Context, m *image.Gray, cols, rows int) ([]metric.Cell, error)
}

// The classes of methods: what they use of a terminal.
const (
	monoASCII    = "mono ASCII"
	reverseASCII = "mono ASCII, reverse"
	tintedASCII  = "ASCII, a colour each"
	fullASCII    = "ASCII, two colours"
	full256      = "ASCII, two of 256 colours"
	full16       = "ASCII, two of 16 colours"
	monoBlocks   = "mono dots and blocks"
	dots         = "braille, colours"
	halves       = "halves"
	halves256    = "halves, 256 colours"
	quarters     = "block elements"
	quarters256  = "block elements, 256 colours"
	quarters16   = "block elements, 16 colours"
	sixths       = "sextants"
	sixths256    = "sextants, 256 colours"
	eighths      = "octants"
	eighths256   = "octants, 256 colours"
	eighths16    = "octants, 16 colours"
)

// classes are the classes in the order of the table.
var classes = []string{
	monoASCII, reverseASCII, tintedASCII, fullASCII, full256, full16, monoBlocks, dots, halves, halves256,
	quarters, quarters256, quarters16, sixths, sixths256, eighths, eighths256, eighths16,
}

// ours are the methods of this project.
func ours() []method {
	of := func(class string, l ascii.Look, c ascii.Colors, floor float64) method {
		name := "s2c " + l.String()
		if l.Coloured() {
			name += " " + c.String()
		}
		return method{class: class, name: name, own: true, floor: floor, draw: func(_ context.Context, m *image.Gray, cols, rows int) ([]metric.Cell, error) {
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
		of(full16, ascii.LookLetters, ascii.Colors16, 0),
		of(monoBlocks, ascii.LookBraille, ascii.ColorsNone, 0),
		of(monoBlocks, ascii.LookOctant, ascii.ColorsNone, 0),
		of(dots, ascii.LookBraille, ascii.ColorsTrue, 0),
		of(halves, ascii.LookHalf, ascii.ColorsTrue, 0),
		of(halves256, ascii.LookHalf, ascii.Colors256, 0),
		of(quarters, ascii.LookQuadrant, ascii.ColorsTrue, 0),
		of(quarters256, ascii.LookQuadrant, ascii.Colors256, 0),
		of(quarters16, ascii.LookQuadrant, ascii.Colors16, 0),
		of(sixths, ascii.LookSextant, ascii.ColorsTrue, 0),
		of(sixths256, ascii.LookSextant, ascii.Colors256, 0),
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

// A trial is what quality is measured with.
type trial struct {
	font       string
	names      []string // of the pictures
	cols, rows int
	save       string // a folder for what is drawn, or ""
}

// String describes the trial as in a heading.
func (s trial) String() string {
	return fmt.Sprintf("Quality at %dx%d in %s, mean of %v. Q = mean of tone, structure and edges.", s.cols, s.rows, s.font, s.names)
}

// measure returns the mean scores of methods.
func (s trial) measure(ctx context.Context, methods []method) ([]metric.Score, error) {
	f, err := metric.LoadFont(s.font)
	if err != nil {
		return nil, err
	}
	scores := make([]metric.Score, len(methods))
	for _, name := range s.names {
		picture, err := metric.LoadPicture(name)
		if err != nil {
			return nil, err
		}
		picture = fit(picture, s.cols, s.rows)
		for i, m := range methods {
			score, err := s.score(ctx, f, m, name, picture)
			if err != nil {
				return nil, fmt.Errorf("%s of %s: %w", m.name, name, err)
			}
			scores[i] = scores[i].Add(score.Scale(1 / float64(len(s.names))))
		}
	}
	return scores, nil
}

// score measures m with a picture of a name, and saves what it draws.
func (s trial) score(ctx context.Context, f *metric.Font, m method, name string, picture *image.Gray) (metric.Score, error) {
	cells, err := m.draw(ctx, picture, s.cols, s.rows)
	if err != nil {
		return metric.Score{}, err
	}
	if s.save != "" {
		if err := savePNG(filepath.Join(s.save, name+", "+m.name+".png"), f, cells, s.cols); err != nil {
			return metric.Score{}, err
		}
	}
	return metric.Measure(f, cells, s.cols, picture)
}

// fit returns the middle of m with 8x16 pixels a cell.
func fit(m *image.Gray, cols, rows int) *image.Gray {
	to := image.NewGray(image.Rect(0, 0, cols*metric.CellWidth, rows*metric.CellHeight))
	if to.Rect == m.Rect {
		return m
	}
	scale := min(float64(m.Rect.Dx())/float64(to.Rect.Dx()), float64(m.Rect.Dy())/float64(to.Rect.Dy()))
	from := m.SubImage(image.Rectangle{Max: image.Pt(
		int(scale*float64(to.Rect.Dx())), int(scale*float64(to.Rect.Dy())),
	)}.Add(image.Pt(
		int(float64(m.Rect.Dx())-scale*float64(to.Rect.Dx()))/2, int(float64(m.Rect.Dy())-scale*float64(to.Rect.Dy()))/2,
	)))
	draw.BiLinear.Scale(to, to.Rect, from, from.Bounds(), draw.Src, nil)
	return to
}

// quality prints the table of scores.
func quality(out io.Writer, s trial, methods []method, scores []metric.Score) error {
	fmt.Fprintf(out, "%v\n\n", s)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "class\tmethod\tQ\ttone\tstructure\tclose\tedges\tPSNR\tfloor")
	last := ""
	for i, m := range methods {
		class := m.class
		if class == last {
			class = ""
		}
		last = m.class
		score, floor := scores[i], ""
		if m.floor > 0 && s.font == "dejavu" && s.cols == 80 && s.rows == 30 {
			floor = fmt.Sprintf("%.3f met", m.floor)
			if score.Q < m.floor {
				floor = fmt.Sprintf("%.3f MISSED", m.floor)
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.1f\t%s\n",
			class, m.name, score.Q, score.Tone, score.Structure, score.Close, score.Edges, score.PSNR, floor)
	}
	return t.Flush()
}

// compare prints, for each class, the best of this project beside the best of
// all others. Less than half of the last digit apart they are even.
func compare(out io.Writer, s trial, methods []method, scores []metric.Score) error {
	fmt.Fprintf(out, "The best of each class. %v\n\n", s)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "class\ts2c\tQ\tothers\tQ\tdifference\t")
	for _, class := range classes {
		best := [2]int{-1, -1} // the others' and ours
		for i, m := range methods {
			side := 0
			if m.own {
				side = 1
			}
			if m.class == class && (best[side] < 0 || scores[i].Q > scores[best[side]].Q) {
				best[side] = i
			}
		}
		if best[0] < 0 || best[1] < 0 {
			continue
		}
		theirs, ours := scores[best[0]].Q, scores[best[1]].Q
		verdict := "even"
		switch {
		case ours-theirs >= 0.0005:
			verdict = "ahead"
		case theirs-ours >= 0.0005:
			verdict = "BEHIND"
		}
		fmt.Fprintf(t, "%s\t%s\t%.4f\t%s\t%.4f\t%+.4f\t%s\n",
			class, methods[best[1]].name, ours, methods[best[0]].name, theirs, ours-theirs, verdict)
	}
	return t.Flush()
}

// savePNG writes what a terminal shows for cells.
func savePNG(path string, f *metric.Font, cells []metric.Cell, cols int) error {
	m, err := metric.Draw(f, cells, cols)
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
