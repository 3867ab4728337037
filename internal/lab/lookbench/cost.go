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
	least   float64 // the ratio for new scenes that is asked for, 0 for none
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
	{look: ascii.LookQuadrant, mode: []string{"--symbols=block,space", "--colors=full"}},
	{look: ascii.LookSextant, mode: []string{"--symbols=sextant,half,solid,space", "--colors=full"}},
	{look: ascii.LookOctant, least: 20, octants: true, mode: []string{"--symbols=octant,quad,half,solid,space", "--colors=full"}},
	{look: ascii.LookOctant, octants: true, mode: []string{"--symbols=octant,quad,half,solid,space", "--colors=full", "--work=9"}},
	{look: ascii.LookOctant, colors: ascii.Colors256, octants: true, mode: []string{"--symbols=octant,quad,half,solid,space", "--colors=256"}},
	{look: ascii.LookOctant, colors: ascii.Colors16, octants: true, mode: []string{"--symbols=octant,quad,half,solid,space", "--colors=16"}},
}

// scenes are the pictures that costs are measured with: one scene with noise
// that stands still, or that moves by three pixels a picture, and another scene
// every time.
type scenes struct {
	cutFrom          []*image.Gray // the scenes without noise
	still, pan, cuts []*image.YCbCr
}

// loadScenes returns the scenes.
func loadScenes() (s scenes, err error) {
	for _, name := range metric.Pictures {
		m, err := metric.LoadPicture(name)
		if err != nil {
			return s, err
		}
		s.cutFrom = append(s.cutFrom, m)
		s.cuts = append(s.cuts, noisyPictures(m, cameraNoise, 1)...)
	}
	s.still = noisyPictures(s.cutFrom[0], cameraNoise, 8)
	for _, p := range noisyPictures(s.cutFrom[1], cameraNoise, 16) {
		s.pan = append(s.pan, moved(p, 3*len(s.pan)))
	}
	return s, nil
}

// cameraNoise is the standard deviation of the noise of scenes, in levels.
const cameraNoise = 2

// moved returns m moved to the left by n pixels, its left part at the right.
func moved(m *image.YCbCr, n int) *image.YCbCr {
	to := *m
	to.Y = make([]byte, len(m.Y))
	for at := 0; at < len(m.Y); at += m.YStride {
		row := m.Y[at:][:m.YStride]
		copy(to.Y[at:], row[n:])
		copy(to.Y[at+m.YStride-n:], row[:n])
	}
	return &to
}

// costs prints what pictures cost, in rounds by turns with each chafa.
func costs(ctx context.Context, out io.Writer, tools []*tool, rounds int) error {
	s, err := loadScenes()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "CPU per picture, 640x480 pixels to %dx%d cells, one thread, median of %d rounds by turns.\n", costCols, costRows, rounds)
	fmt.Fprint(out, "s2c: with levels and everything against flicker. New is another scene every time, in which nothing can be kept;\n"+
		"pan is a scene with noise that moves by 3 pixels a picture, still is one that does not.\n"+
		"chafa: the scenes of new, without starting and reading; it keeps nothing.\n\n")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "look\tcolours\tms new\tpan\tstill\tother\tits mode\tits ms\tratio new\tpan\tstill\tfloor new")
	for _, d := range duels {
		for _, c := range tools {
			if d.octants && !c.octants {
				continue
			}
			own, theirs, err := d.fight(ctx, &s, c, rounds)
			if err != nil {
				return err
			}
			d.print(t, own, c, theirs)
		}
		if len(tools) == 0 {
			own, _, _ := d.fight(ctx, &s, nil, rounds)
			fmt.Fprintf(t, "%v\t%v\t%.3f\t%.3f\t%.3f\n", d.look, d.colors, ms(own[0]), ms(own[1]), ms(own[2]))
		}
	}
	return t.Flush()
}

// fight returns the medians of what new, panned and still scenes cost, and of
// what new ones cost a tool, if any, by turns.
func (d duel) fight(ctx context.Context, s *scenes, c *tool, rounds int) (own [3]time.Duration, theirs time.Duration, err error) {
	var all [4][]time.Duration
	for range rounds {
		for k, pictures := range [3][]*image.YCbCr{s.cuts, s.pan, s.still} {
			all[k] = append(all[k], cost(d.look, d.colors, costCols, costRows, pictures))
		}
		if c == nil {
			continue
		}
		v, err := c.cpu(ctx, s.cutFrom, costCols, costRows, d.mode...)
		if err != nil {
			return own, 0, err
		}
		all[3] = append(all[3], v)
	}
	for k := range own {
		own[k] = max(median(all[k]), 1)
	}
	if c != nil {
		theirs = median(all[3])
	}
	return own, theirs, nil
}

// print prints the row of a duel.
func (d duel) print(out io.Writer, own [3]time.Duration, c *tool, theirs time.Duration) {
	var ratios [3]float64
	for k := range ratios {
		ratios[k] = float64(theirs) / float64(own[k])
	}
	floor := ""
	if d.least > 0 {
		floor = fmt.Sprintf("%.0f met", d.least)
		if ratios[0] < d.least {
			floor = fmt.Sprintf("%.0f MISSED", d.least)
		}
	}
	fmt.Fprintf(out, "%v\t%v\t%.3f\t%.3f\t%.3f\t%s\t%v\t%.2f\t%.1f\t%.1f\t%.1f\t%s\n",
		d.look, d.colors, ms(own[0]), ms(own[1]), ms(own[2]), c.name, d.mode, ms(theirs), ratios[0], ratios[1], ratios[2], floor)
}

// sizes prints what the looks cost in grids of some sizes.
func sizes(out io.Writer, rounds int) error {
	s, err := loadScenes()
	if err != nil {
		return err
	}
	grids := [][2]int{{80, 24}, {160, 48}, {240, 67}}
	fmt.Fprintf(out, "CPU in ms per picture of 640x480 pixels: new scenes / a still one, median of %d rounds.\n\n", rounds)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "look")
	for _, g := range grids {
		fmt.Fprintf(t, "\t%dx%d", g[0], g[1])
	}
	fmt.Fprintln(t)
	for l := range ascii.EveryLook {
		fmt.Fprint(t, l)
		for _, g := range grids {
			var all [2][]time.Duration
			for range rounds {
				for k, pictures := range [2][]*image.YCbCr{s.cuts, s.still} {
					all[k] = append(all[k], cost(l, ascii.ColorsTrue, g[0], g[1], pictures))
				}
			}
			fmt.Fprintf(t, "\t%.3f / %.3f", ms(median(all[0])), ms(median(all[1])))
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

// cost returns the CPU time of a picture of some that are drawn by turns.
func cost(look ascii.Look, colors ascii.Colors, cols, rows int, pictures []*image.YCbCr) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := ascii.Renderer{Look: look, Colors: colors}
	cells := make([]ascii.Cell, cols*rows)
	draw := func() {
		for _, m := range pictures {
			r.Render(cells, cols, rows, 2, m)
		}
	}
	draw() // makes buffers and tables
	times := 80 / len(pictures)
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
		for _, c := range []ascii.Colors{ascii.ColorsTrue, ascii.Colors256, ascii.Colors16, ascii.ColorsNone} {
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
