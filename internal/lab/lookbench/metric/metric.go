// Package metric says how much of a picture is left when a terminal shows it
// as characters: it draws the characters as a terminal would and compares what
// comes out with the picture, as eyes do from near and from afar.
//
//	Cells > Draw > light > means of 1x2, 2x4 and 4x8 a cell > contrast > SSIM
//
// A cell has 8x16 pixels. Letters are those of a font, smooth; blocks, mosaics
// and braille have the shapes that Unicode gives them. The foreground is mixed
// with the background as terminals do, in sRGB, and everything is compared in
// light that has been averaged as light is.
package metric

import (
	"fmt"
	"image"
	"math"
)

// The size of a cell in pixels.
const (
	CellWidth  = 8
	CellHeight = 16
)

// A Score is how much of a picture is left. All but PSNR are 1 for a perfect
// rendering and about 0 for one that has nothing to do with the picture.
type Score struct {
	Q    float64 // the mean of Tone, Structure and Edges
	Tone float64 // SSIM of 1x2 means a cell: what is seen from afar

	Structure float64 // SSIM of 2x4 means a cell
	Close     float64 // SSIM of 4x8 means a cell: what is seen from near
	Edges     float64 // SSIM of the slopes of the 2x4 means
	PSNR      float64 // of the 2x4 means, in dB
}

// Add returns the sum of two scores, field by field.
func (s Score) Add(o Score) Score {
	return Score{
		s.Q + o.Q, s.Tone + o.Tone, s.Structure + o.Structure,
		s.Close + o.Close, s.Edges + o.Edges, s.PSNR + o.PSNR,
	}
}

// Scale returns the score with every field times f.
func (s Score) Scale(f float64) Score {
	return Score{s.Q * f, s.Tone * f, s.Structure * f, s.Close * f, s.Edges * f, s.PSNR * f}
}

// Measure compares cells, cols of them in a row, drawn with font f, with the
// picture that they show, which has 8x16 pixels a cell. It returns an error
// for a picture of another size, or of fewer than 12x6 cells, and for a
// character that it cannot draw.
func Measure(f *Font, cells []Cell, cols int, picture *image.Gray) (Score, error) {
	if cols < 12 || len(cells) < 6*cols {
		return Score{}, fmt.Errorf("measure %d cells in rows of %d: want 12x6 at least", len(cells), cols)
	}
	w, h := cols*CellWidth, len(cells)/cols*CellHeight
	if picture.Rect.Dx() != w || picture.Rect.Dy() != h {
		return Score{}, fmt.Errorf("measure %dx%d pixels of cells: the picture has %v", w, h, picture.Rect.Size())
	}
	drawn, err := light(f, cells, cols)
	if err != nil {
		return Score{}, err
	}
	want := newField(w, h)
	for i := range want.v {
		want.v[i] = lightOf(float64(picture.Pix[i/w*picture.Stride+i%w]))
	}
	var s Score
	s.Tone, _, _ = compare(drawn, want, 8)
	s.Close, _, _ = compare(drawn, want, 2)
	var a, b field
	s.Structure, a, b = compare(drawn, want, 4)
	s.PSNR = psnr(a, b)
	s.Edges = edges(a, b)
	s.Q = (s.Tone + s.Structure + s.Edges) / 3
	return s, nil
}

// compare returns the SSIM of the means of step x step pixels of two pictures
// in light, and the means as they were compared: in sRGB, with the contrast of
// the first fitted to the second.
func compare(drawn, want field, step int) (s float64, a, b field) {
	a, b = drawn.shrink(step), want.shrink(step)
	for i := range a.v {
		a.v[i], b.v[i] = levelOf(a.v[i]), levelOf(b.v[i])
	}
	a.fit(b)
	return ssim(a, b, 255), a, b
}

// psnr returns the peak signal to noise ratio of two pictures in dB.
func psnr(a, b field) float64 {
	sum := 0.0
	for i, v := range a.v {
		sum += (v - b.v[i]) * (v - b.v[i])
	}
	return 10 * math.Log10(255*255/max(sum/float64(len(a.v)), 1e-9))
}

// edges returns the SSIM of the slopes of two pictures, those of the first
// scaled to the second.
func edges(a, b field) float64 {
	ga, gb := a.slopes(), b.slopes()
	both, own, top := 0.0, 0.0, 1.0
	for i, v := range ga.v {
		both += v * gb.v[i]
		own += v * v
		top = max(top, gb.v[i])
	}
	k := both / max(own, 1e-9)
	for i := range ga.v {
		ga.v[i] *= k
	}
	return ssim(ga, gb, top)
}

// lightOf returns the light, 0 to 1, of an sRGB level of 0 to 255.
func lightOf(v float64) float64 {
	v /= 255
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// levelOf is the inverse of lightOf.
func levelOf(l float64) float64 {
	l = min(max(l, 0), 1)
	if l <= 0.0031308 {
		return l * 12.92 * 255
	}
	return (1.055*math.Pow(l, 1/2.4) - 0.055) * 255
}
