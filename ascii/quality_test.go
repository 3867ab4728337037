package ascii

import (
	"encoding/json"
	"image"
	"image/color"
	"maps"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/sanix-darker/s2c/internal/lab/lookbench/metric"
)

// qualityFile keeps the quality of each look in each depth of colour: the Q of
// package metric at 80x30 cells, in the font that the tables are made from. A
// drop of more than qualitySlack fails; a rise is kept with -update.
const (
	qualityFile  = "testdata/quality.json"
	qualitySlack = 0.002
)

// bars are the least that is asked for, whatever the file says.
var bars = map[string]float64{
	"ascii-none": 0.45, "letters-truecolor": 0.87, "octant-truecolor": 0.965, "octant-256": 0.91,
}

// qualityOf returns the mean Q of pictures drawn with r.
func qualityOf(t *testing.T, r Renderer, names []string) float64 {
	f, err := metric.LoadFont(shapeFont)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, name := range names {
		m, err := metric.LoadPicture(name)
		if err != nil {
			t.Fatal(err)
		}
		drawn := render(r, 80, 30, 2, &image.YCbCr{Y: m.Pix, YStride: m.Stride, Rect: m.Rect})
		cells := make([]metric.Cell, len(drawn))
		for i, c := range drawn {
			cells[i] = metric.Cell{R: c.R, Fg: seen(c.Fg, 255), Bg: seen(c.Bg, 0)}
			if c.Reverse {
				cells[i].Fg, cells[i].Bg = cells[i].Bg, cells[i].Fg
			}
		}
		s, err := metric.Measure(f, cells, 80, m)
		if err != nil {
			t.Fatal(err)
		}
		sum += s.Q
	}
	return sum / float64(len(names))
}

// seen returns a colour, or the gray own for the terminal's own.
func seen(c Color, own uint8) color.RGBA {
	if r, g, b, ok := c.RGB(); ok {
		return color.RGBA{r, g, b, 255}
	}
	return color.RGBA{own, own, own, 255}
}

func TestQuality(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine and much arithmetic: nothing for the race detector, which -short goes with")
	}
	got := make(map[string]float64)
	every(func(name string, r Renderer) {
		got[name] = math.Round(1e4*qualityOf(t, r, metric.Pictures)) / 1e4
		if got[name] < bars[name] {
			t.Errorf("Q of %s = %.4f, want %.3f at least", name, got[name], bars[name])
		}
	})
	if *update {
		b, err := json.MarshalIndent(got, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(qualityFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(qualityFile)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]float64
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatalf("read %s: %v", qualityFile, err)
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		t.Logf("Q of %s = %.4f", name, got[name])
		if floor, ok := want[name]; !ok || got[name] < floor-qualitySlack {
			t.Errorf("Q of %s = %.4f, want %.4f", name, got[name], floor)
		}
	}
}
