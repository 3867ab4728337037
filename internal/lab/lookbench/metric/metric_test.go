package metric

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/image/font/gofont/gomono"
)

// load returns a font and a picture.
func load(t *testing.T, font, picture string) (*Font, *image.Gray) {
	t.Helper()
	f, err := LoadFont(font)
	if err != nil {
		t.Fatal(err)
	}
	m, err := LoadPicture(picture)
	if err != nil {
		t.Fatal(err)
	}
	return f, m
}

// fullBlocks returns cells of one colour each: the means of a picture.
func fullBlocks(m *image.Gray, cols, rows int) (cells []Cell) {
	for i := range cols * rows {
		sum := 0
		for k := range CellWidth * CellHeight {
			sum += int(m.GrayAt(i%cols*CellWidth+k%CellWidth, i/cols*CellHeight+k/CellWidth).Y)
		}
		v := uint8(sum / (CellWidth * CellHeight))
		cells = append(cells, Cell{'█', color.RGBA{v, v, v, 255}, color.RGBA{0, 0, 0, 255}})
	}
	return cells
}

// TestMeasure checks scores that are known: of a picture that cells show
// exactly, of its negative, of half its contrast, and of nothing.
func TestMeasure(t *testing.T) {
	f, m := load(t, "dejavu", "face")
	cells := fullBlocks(m, 80, 30)
	drawn, err := Draw(f, cells, 80)
	if err != nil {
		t.Fatal(err)
	}
	exact := image.NewGray(drawn.Rect)
	for i := range exact.Pix {
		exact.Pix[i] = drawn.Pix[4*i]
	}
	change := func(to func(v uint8) uint8) []Cell {
		other := slices.Clone(cells)
		for i, c := range other {
			v := to(c.Fg.R)
			other[i].Fg = color.RGBA{v, v, v, 255}
		}
		return other
	}
	for _, tt := range []struct {
		name        string
		cells       []Cell
		least, most float64
	}{
		{"itself", cells, 0.99999, 1.00001},
		{"half the contrast", change(func(v uint8) uint8 { return 64 + v/2 }), 0.99, 1},
		{"a gray", change(func(uint8) uint8 { return 80 }), 0, 0.5},
		{"the negative", change(func(v uint8) uint8 { return 255 - v }), 0, 0.8},
	} {
		s, err := Measure(f, tt.cells, 80, exact)
		if err != nil {
			t.Fatal(err)
		}
		if s.Q < tt.least || s.Q > tt.most {
			t.Errorf("Q of %s = %.4f, want %v to %v", tt.name, s.Q, tt.least, tt.most)
		}
		if mean := (s.Tone + s.Structure + s.Edges) / 3; math.Abs(s.Q-mean) > 1e-12 {
			t.Errorf("Q of %s = %v, want the mean %v", tt.name, s.Q, mean)
		}
	}
}

// TestHalves checks what half blocks score. They are simple enough that all
// programs draw the same: those of chafa 1.19 score 0.894 too.
func TestHalves(t *testing.T) {
	sum := 0.0
	for _, name := range Pictures {
		f, m := load(t, "dejavu", name)
		var cells []Cell
		for i := range 80 * 30 {
			var mean [2]uint8
			for half := range mean {
				total := 0
				for k := range CellWidth * CellHeight / 2 {
					total += int(m.GrayAt(i%80*CellWidth+k%CellWidth, i/80*CellHeight+half*8+k/CellWidth).Y)
				}
				mean[half] = uint8((total + 32) / 64)
			}
			cells = append(cells, Cell{'▀', color.RGBA{mean[0], mean[0], mean[0], 255}, color.RGBA{mean[1], mean[1], mean[1], 255}})
		}
		s, err := Measure(f, cells, 80, m)
		if err != nil {
			t.Fatal(err)
		}
		sum += s.Q / float64(len(Pictures))
	}
	if math.Abs(sum-0.894) > 0.002 {
		t.Errorf("Q of half blocks = %.4f, want 0.894", sum)
	}
}

// TestRefuses checks what Measure cannot measure.
func TestRefuses(t *testing.T) {
	f, m := load(t, "gomono", "cat")
	cells := fullBlocks(m, 80, 30)
	strange := slices.Clone(cells)
	strange[100].R = '語'
	for name, err := range map[string]error{
		"too few cells":          second(Measure(f, cells[:50], 10, m)),
		"another size":           second(Measure(f, cells[:80*29], 80, m)),
		"a character of no font": second(Measure(f, strange, 80, m)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := LoadFont("comic"); err == nil {
		t.Error("LoadFont(comic): no error")
	}
	if _, err := LoadPicture("dog"); err == nil {
		t.Error("LoadPicture(dog): no error")
	}
}

func second(_ Score, err error) error { return err }

// TestBlocks checks how much of a cell some blocks cover.
func TestBlocks(t *testing.T) {
	for r, want := range map[rune]float64{
		' ': 0, '█': 1, '▀': 0.5, '▄': 0.5, '▂': 0.25, '▌': 0.5, '▎': 0.25, '▐': 0.5, '░': 0.25, '▒': 0.5,
		'▘': 0.25, '▟': 0.75, '▚': 0.5, '⣿': 0.25, '⠁': 1. / 32, 0x1fb00: 1. / 6, 0x1fb3b: 5. / 6,
		0x1cea8: 1. / 8, 0x1cd00: 1. / 8, 0x1cde5: 7. / 8, 0x1fb82: 0.25, 0x1fbe6: 0.25,
	} {
		c, ok := block(r)
		if !ok {
			t.Errorf("%q is no block", r)
			continue
		}
		sum := 0.0
		for _, a := range c {
			sum += float64(a) / float64(len(c))
		}
		if math.Abs(sum-want) > 0.01 {
			t.Errorf("%q covers %.3f of a cell, want %.3f", r, sum, want)
		}
	}
	if len(octants) != 238 {
		t.Errorf("%d octants, want 230 of their own block and 8 from elsewhere", len(octants))
	}
}

// TestSheet checks that the picture of a font that everybody has is what Sheet
// makes of it.
func TestSheet(t *testing.T) {
	m, err := Sheet(gomono.TTF)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join("fonts", "gomono.png"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if !want.Bounds().Eq(m.Rect) {
		t.Fatalf("the sheet is %v, want %v", m.Rect, want.Bounds())
	}
	for i, v := range m.Pix {
		if w := color.GrayModel.Convert(want.At(i%m.Stride, i/m.Stride)).(color.Gray).Y; v != w {
			t.Fatalf("pixel %d, %d of the sheet = %d, want %d", i%m.Stride, i/m.Stride, v, w)
		}
	}
	if _, err := Sheet([]byte("no font")); err == nil {
		t.Error("Sheet of no font: no error")
	}
}
