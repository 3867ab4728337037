package video

import (
	"fmt"
	"image"
	"math"
	"testing"
)

// averageOf returns the mean of src over an area in sample coordinates.
func averageOf(src *image.YCbCr, x0, y0, x1, y1 float64) float64 {
	sum := 0.0
	for y := range src.Rect.Dy() {
		for x := range src.Rect.Dx() {
			w := math.Min(x1, float64(x+1)) - math.Max(x0, float64(x))
			h := math.Min(y1, float64(y+1)) - math.Max(y0, float64(y))
			if w > 0 && h > 0 {
				sum += w * h * float64(src.Y[y*src.YStride+x])
			}
		}
	}
	return sum / (x1 - x0) / (y1 - y0)
}

// bilinearOf returns src between samples; the middle of the first is at 0.5.
func bilinearOf(src *image.YCbCr, x, y float64, r image.Rectangle) float64 {
	at := func(x, y int) float64 {
		x = max(r.Min.X, min(x, r.Max.X-1))
		y = max(r.Min.Y, min(y, r.Max.Y-1))
		return float64(src.Y[y*src.YStride+x])
	}
	x, y = x-0.5, y-0.5
	i, j := int(math.Floor(x)), int(math.Floor(y))
	fx, fy := x-float64(i), y-float64(j)
	return (at(i, j)*(1-fx)+at(i+1, j)*fx)*(1-fy) + (at(i, j+1)*(1-fx)+at(i+1, j+1)*fx)*fy
}

func TestScale(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	tests := []struct {
		from, to image.Point
		crop     image.Rectangle // of from
	}{
		{image.Pt(64, 48), image.Pt(64, 48), image.Rect(0, 0, 64, 48)},
		{image.Pt(64, 48), image.Pt(16, 12), image.Rect(0, 0, 64, 48)},
		{image.Pt(64, 48), image.Pt(20, 15), image.Rect(0, 0, 64, 48)},
		{image.Pt(64, 48), image.Pt(63, 47), image.Rect(0, 0, 64, 48)},
		{image.Pt(64, 48), image.Pt(16, 16), image.Rect(8, 0, 56, 48)},
		{image.Pt(64, 48), image.Pt(32, 8), image.Rect(0, 16, 64, 32)},
		{image.Pt(48, 64), image.Pt(16, 9), image.Rect(0, 18, 48, 45)},
		{image.Pt(2000, 10), image.Pt(1000, 5), image.Rect(0, 0, 2000, 10)}, // more than a chunk
		{image.Pt(64, 48), image.Pt(1, 1), image.Rect(8, 0, 56, 48)},
		{image.Pt(16, 12), image.Pt(64, 48), image.Rect(0, 0, 16, 12)},
		{image.Pt(16, 12), image.Pt(50, 37), image.Rect(0, 0, 16, 12)},
		{image.Pt(16, 12), image.Pt(48, 48), image.Rect(2, 0, 14, 12)},
		{image.Pt(1, 1), image.Pt(7, 5), image.Rect(0, 0, 1, 1)},
		{image.Pt(3, 1), image.Pt(1, 3), image.Rect(1, 0, 2, 1)},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%v to %v", tt.from, tt.to), func(t *testing.T) {
			src, dst := noisy(tt.from.X, tt.from.Y, 3), gray(tt.to.X, tt.to.Y)
			dst.Cb, dst.Cr, dst.CStride = make([]byte, 4), make([]byte, 4), 2
			Scale(dst, src)
			if len(dst.Cb)+len(dst.Cr)+dst.CStride != 0 {
				t.Error("dst has chroma")
			}
			stepX := float64(tt.crop.Dx()) / float64(tt.to.X)
			stepY := float64(tt.crop.Dy()) / float64(tt.to.Y)
			tolerance := 0.51
			for y := range tt.to.Y {
				for x := range tt.to.X {
					x0, y0 := float64(tt.crop.Min.X)+float64(x)*stepX, float64(tt.crop.Min.Y)+float64(y)*stepY
					want := 0.0
					if stepX < 1 || stepY < 1 {
						want = bilinearOf(src, x0+stepX/2, y0+stepY/2, tt.crop)
						tolerance = 2.6 // places are in 1/256: 2*255/256 and the rounding
					} else {
						want = averageOf(src, x0, y0, x0+stepX, y0+stepY)
					}
					if got := float64(dst.Y[y*dst.YStride+x]); math.Abs(got-want) > tolerance {
						t.Fatalf("sample %d,%d = %v, want %.2f", x, y, got, want)
					}
				}
			}
		})
	}
}

func TestScaleEdges(t *testing.T) {
	dst := synthetic(20, 10, 0)
	Scale(dst, &image.YCbCr{})
	for i, v := range dst.Y {
		if v != 0 {
			t.Fatalf("sample %d of nothing = %d, want 0", i, v)
		}
	}
	Scale(&image.YCbCr{}, dst) // nothing to fill
	// Rows further apart than they are long, and a flat picture stays flat.
	src := &image.YCbCr{Y: make([]byte, 50*40), YStride: 50, Rect: image.Rect(5, 5, 45, 35)}
	for i := range src.Y {
		src.Y[i] = 255
		if i%50 >= 40 {
			src.Y[i] = 0
		}
	}
	for _, size := range [][2]int{{8, 6}, {13, 7}, {40, 30}, {100, 80}} {
		wide := &image.YCbCr{Y: make([]byte, (size[0]+3)*size[1]), YStride: size[0] + 3, Rect: image.Rect(0, 0, size[0], size[1])}
		Scale(wide, src)
		for i, v := range wide.Y {
			if inside := i%wide.YStride < size[0]; inside != (v == 255) {
				t.Fatalf("%v: sample %d = %d", size, i, v)
			}
		}
	}
}

func TestScaleAllocs(t *testing.T) {
	src := synthetic(640, 480, 0)
	for _, size := range [][2]int{{160, 96}, {640, 480}, {700, 500}} {
		dst := gray(size[0], size[1])
		if n := testing.AllocsPerRun(3, func() { Scale(dst, src) }); n != 0 {
			t.Errorf("Scale to %v allocates %v times, want 0", size, n)
		}
	}
}
