package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/lab/lookbench/metric"
)

// The size of what cost is measured at.
const (
	costCols = 160
	costRows = 48
)

// A duel is a look and the mode of chafa that it is compared with.
type duel struct {
	look    ascii.Look
	colors  ascii.Colors
	least   float64 // the ratio that is asked for, 0 for none
	octants bool
	mode    []string
}

// duels are the looks with the modes of the same class.
var duels = []duel{
	{look: ascii.LookASCII, colors: ascii.ColorsNone, least: 20, mode: []string{"--symbols=ascii", "--colors=none"}},
	{look: ascii.LookReverse, colors: ascii.ColorsNone, mode: []string{"--symbols=ascii", "--colors=2"}},
	{look: ascii.LookColour, mode: []string{"--symbols=ascii", "--colors=full", "--fg-only"}},
	{look: ascii.LookLetters, mode: []string{"--symbols=ascii", "--colors=full"}},
	{look: ascii.LookBraille, colors: ascii.ColorsNone, mode: []string{"--symbols=braille", "--colors=none"}},
	{look: ascii.LookBraille, mode: []string{"--symbols=braille", "--colors=full"}},
	{look: ascii.LookHalf, mode: []string{"--symbols=vhalf", "--colors=full"}},
	{look: ascii.LookQuadrant, mode: []string{"--symbols=quad,half,solid,space", "--colors=full"}},
	{look: ascii.LookSextant, mode: []string{"--symbols=sextant,half,solid,space", "--colors=full"}},
	{look: ascii.LookOctant, least: 20, octants: true, mode: []string{"--symbols=octant,quad,half,solid,space", "--colors=full"}},
	{look: ascii.LookOctant, octants: true, mode: []string{"--symbols=octant,quad,half,solid,space", "--colors=full", "--work=9"}},
	{look: ascii.LookOctant, colors: ascii.Colors256, octants: true, mode: []string{"--symbols=octant,quad,half,solid,space", "--colors=256"}},
}

// costs prints what pictures cost, in rounds by turns with each chafa.
func costs(ctx context.Context, out io.Writer, tools []*tool, rounds int) error {
	m, err := metric.LoadPicture("face")
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "CPU per picture, 640x480 pixels to %dx%d cells, one thread, median of %d rounds by turns.\n", costCols, costRows, rounds)
	fmt.Fprint(out, "s2c: with levels and everything against flicker; still is a still scene with noise, cut another scene every time, "+
		"in which nothing can be kept.\nchafa: without starting and reading; it keeps nothing. The ratios are to these two.\n\n")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "look\tcolours\tms still\tms cut\tchafa\tits mode\tits ms\tratio still\tratio cut\tfloor still")
	still := noisyPictures(m, 2, 8)
	var cuts []*image.YCbCr
	for _, name := range metric.Pictures {
		scene, err := metric.LoadPicture(name)
		if err != nil {
			return err
		}
		cuts = append(cuts, noisyPictures(scene, 2, 1)...)
	}
	for _, d := range duels {
		for _, c := range tools {
			if d.octants && !c.octants {
				continue
			}
			if err := d.fight(ctx, t, m, still, cuts, c, rounds); err != nil {
				return err
			}
		}
		if len(tools) == 0 {
			var own, cut []time.Duration
			for range rounds {
				own, cut = append(own, d.cost(still)), append(cut, d.cost(cuts))
			}
			fmt.Fprintf(t, "%v\t%v\t%.2f\t%.2f\n", d.look, d.colors, ms(median(own)), ms(median(cut)))
		}
	}
	return t.Flush()
}

// fight prints the row of a duel with a tool.
func (d duel) fight(ctx context.Context, out io.Writer, m *image.Gray, still, cuts []*image.YCbCr, c *tool, rounds int) error {
	var own, cut, theirs []time.Duration
	for range rounds {
		own, cut = append(own, d.cost(still)), append(cut, d.cost(cuts))
		cost, err := c.cpu(ctx, m, costCols, costRows, d.mode...)
		if err != nil {
			return err
		}
		theirs = append(theirs, cost)
	}
	a, b := median(own), median(theirs)
	ratio := float64(b) / float64(max(a, 1))
	floor := ""
	if d.least > 0 {
		floor = fmt.Sprintf("%.0f met", d.least)
		if ratio < d.least {
			floor = fmt.Sprintf("%.0f MISSED", d.least)
		}
	}
	fmt.Fprintf(out, "%v\t%v\t%.2f\t%.2f\t%s\t%v\t%.2f\t%.1f\t%.1f\t%s\n",
		d.look, d.colors, ms(a), ms(median(cut)), c.name, d.mode, ms(b), ratio, float64(b)/float64(max(median(cut), 1)), floor)
	return nil
}

// cost returns the CPU time of a picture of some that are drawn by turns.
func (d duel) cost(pictures []*image.YCbCr) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := ascii.Renderer{Look: d.look, Colors: d.colors}
	cells := make([]ascii.Cell, costCols*costRows)
	draw := func() {
		for _, m := range pictures {
			r.Render(cells, costCols, costRows, 2, m)
		}
	}
	draw() // makes buffers and tables
	const times = 10
	before := threadTime()
	for range times {
		draw()
	}
	return (threadTime() - before) / time.Duration(times*len(pictures))
}

// noisyPictures returns m with Gaussian noise of a standard deviation.
func noisyPictures(m *image.Gray, sigma float64, n int) (pictures []*image.YCbCr) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		p := &image.YCbCr{
			Y: make([]byte, m.Rect.Dx()*m.Rect.Dy()), YStride: m.Rect.Dx(), Rect: m.Rect,
			SubsampleRatio: image.YCbCrSubsampleRatio420,
		}
		for i := range p.Y {
			v := float64(m.Pix[i/p.YStride*m.Stride+i%p.YStride])
			p.Y[i] = uint8(min(max(v+sigma*rng.NormFloat64()+0.5, 0), 255))
		}
		pictures = append(pictures, p)
	}
	return pictures
}

// median returns the middle of d.
func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

// ms returns d in milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// changes prints the share of cells that change in a still picture with noise.
func changes(out io.Writer, pictureName string) error {
	m, err := metric.LoadPicture(pictureName)
	if err != nil {
		return err
	}
	small := shrink(m, 2)
	fmt.Fprintf(out, "Cells that change per picture: %s, still, Gaussian noise, pictures 11 to 40.\n\n", pictureName)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "look\tcolours\t640x480 to 80x24, noise 4\t320x240 to 80x24, noise 4\t320x240 to 160x48, noise 4\t320x240 to 80x24, noise 7\tmost: 3 %")
	type set struct {
		pictures   []*image.YCbCr
		cols, rows int
	}
	few := noisyPictures(small, 4, 40)
	sets := []set{
		{noisyPictures(m, 4, 40), 80, 24},
		{few, 80, 24},
		{few, 160, 48},
		{noisyPictures(small, 7, 40), 80, 24},
	}
	for l := range ascii.EveryLook {
		for _, c := range []ascii.Colors{ascii.ColorsTrue, ascii.Colors256, ascii.ColorsNone} {
			if !l.Coloured() && c != ascii.ColorsNone {
				continue
			}
			fmt.Fprintf(t, "%v\t%v", l, c)
			worst := 0.0
			for i, s := range sets {
				share := churn(l, c, s.pictures, s.cols, s.rows)
				fmt.Fprintf(t, "\t%.2f %%", 100*share)
				if i < 3 {
					worst = max(worst, share)
				}
			}
			if worst <= 0.03 {
				fmt.Fprintln(t, "\tmet")
			} else {
				fmt.Fprintln(t, "\tMISSED")
			}
		}
	}
	return t.Flush()
}

// churn returns the share of cells that change from picture to picture, after
// the first ten.
func churn(l ascii.Look, c ascii.Colors, pictures []*image.YCbCr, cols, rows int) float64 {
	r := ascii.Renderer{Look: l, Colors: c}
	cells, last := make([]ascii.Cell, cols*rows), make([]ascii.Cell, cols*rows)
	changed, counted := 0, 0
	for k, m := range pictures {
		r.Render(cells, cols, rows, 2, m)
		for i := range cells {
			if k >= 10 {
				counted++
				if cells[i] != last[i] {
					changed++
				}
			}
		}
		copy(last, cells)
	}
	return float64(changed) / float64(counted)
}

// shrink returns m with the means of n x n pixels.
func shrink(m *image.Gray, n int) *image.Gray {
	to := image.NewGray(image.Rect(0, 0, m.Rect.Dx()/n, m.Rect.Dy()/n))
	for i := range to.Pix {
		sum := 0
		for k := range n * n {
			sum += int(m.Pix[(i/to.Stride*n+k/n)*m.Stride+i%to.Stride*n+k%n])
		}
		to.Pix[i] = uint8((sum + n*n/2) / (n * n))
	}
	return to
}
