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
		{image.Pt(64, 48), image.Pt(32, 8), image.Rect(0, 13, 64, 29)},
		{image.Pt(48, 64), image.Pt(16, 9), image.Rect(0, 15, 48, 42)},
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

// TestCrop checks what is cut off: what package ascii cuts off, within half a
// pixel, and nothing of what has the shape already.
func TestCrop(t *testing.T) {
	for _, tt := range []struct {
		w, h, wide, high int
		want             image.Rectangle
	}{
		{640, 480, 160, 120, image.Rect(0, 0, 640, 480)},
		{640, 480, 3, 4, image.Rect(140, 0, 500, 480)},
		{640, 480, 160, 90, image.Rect(0, 48, 640, 408)},  // 48 = 0.4*(480-360)
		{640, 480, 60, 20, image.Rect(0, 107, 640, 320)},  // 106.8
		{640, 480, 320, 192, image.Rect(0, 38, 640, 422)}, // 38.4
		{1280, 720, 96, 96, image.Rect(280, 0, 1000, 720)},
		{480, 640, 160, 96, image.Rect(0, 141, 480, 429)}, // 140.8
		{7, 1, 1, 1, image.Rect(3, 0, 4, 1)},
		{1, 7, 1, 1, image.Rect(0, 2, 1, 3)}, // 2.4
		{1, 1, 640, 16, image.Rect(0, 0, 1, 1)},
	} {
		if got := crop(tt.w, tt.h, tt.wide, tt.high); got != tt.want {
			t.Errorf("crop(%d, %d, %d, %d) = %v, want %v", tt.w, tt.h, tt.wide, tt.high, got, tt.want)
		}
	}
	for _, shape := range [][2]int{{1, 1}, {4, 3}, {16, 9}, {5, 3}, {3, 1}, {2, 3}, {53, 37}} {
		for n := 1; n < 20; n++ {
			for m := 1; m < 20; m++ {
				w, h := shape[0]*n, shape[1]*n
				if got, want := crop(w, h, shape[0]*m, shape[1]*m), image.Rect(0, 0, w, h); got != want {
					t.Errorf("crop(%d, %d, %d, %d) = %v, want %v: the shapes are equal", w, h, shape[0]*m, shape[1]*m, got, want)
				}
			}
		}
	}
}

// TestScaleColourCrop checks that colour is cropped to where luma is, and not
// because its own size is rounded.
func TestScaleColourCrop(t *testing.T) {
	for _, tt := range []struct {
		from, to image.Point
		first    byte // of the columns, numbered by 10, that are left
		last     byte
	}{
		{image.Pt(6, 2), image.Pt(3, 1), 0, 20}, // chroma of 3x1 into 2x1
		{image.Pt(12, 4), image.Pt(4, 4), 20, 30},
		{image.Pt(14, 4), image.Pt(4, 4), 20, 40}, // half of the first and the last are luma's
	} {
		src := image.NewYCbCr(image.Rectangle{Max: tt.from}, image.YCbCrSubsampleRatio420)
		for i := range src.Cb {
			src.Cb[i], src.Cr[i] = byte(i%src.CStride*10), byte(i%src.CStride*10)
		}
		dst := image.NewYCbCr(image.Rectangle{Max: tt.to}, image.YCbCrSubsampleRatio420)
		ScaleColour(dst, src)
		n := dst.CStride
		for _, row := range [][]byte{dst.Cb[:n], dst.Cr[:n]} {
			if row[0] < tt.first || row[n-1] > tt.last || int(row[0])+int(row[n-1]) != int(tt.first)+int(tt.last) {
				t.Errorf("%v to %v: columns %v, want the middle of %d to %d", tt.from, tt.to, row, tt.first, tt.last)
			}
		}
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

// TestScaleTo scales to pixels that are twice as high as wide: of a source of
// the same shape nothing is cut off, and each is the mean of two.
func TestScaleTo(t *testing.T) {
	src := image.NewYCbCr(image.Rect(0, 0, 40, 30), image.YCbCrSubsampleRatio420)
	for i := range src.Y {
		src.Y[i] = byte(i%40 + 4*(i/40))
	}
	for i := range src.Cb {
		src.Cb[i], src.Cr[i] = byte(6*(i/20)), 77
	}
	dst := image.NewYCbCr(image.Rect(0, 0, 40, 14), image.YCbCrSubsampleRatio420)
	ScaleColourTo(dst, src, 2)
	// 40 x 14 tall pixels have the shape of 40 x 28 square ones: 2 rows are cut
	// off, one of them above.
	for y := range 14 {
		for x := range 40 {
			if got, want := int(dst.Y[y*dst.YStride+x]), x+4*(2*y+1)+2; got < want-1 || got > want+1 {
				t.Fatalf("pixel %d,%d is %d, want %d", x, y, got, want)
			}
		}
	}
	for y := range 7 {
		if got, want := int(dst.Cb[y*dst.CStride]), 12*y+3; got < want-6 || got > want+6 {
			t.Errorf("row %d of Cb is %d, want about %d", y, got, want)
		}
	}
	if dst.Cr[50] != 77 {
		t.Errorf("Cr is %d, want 77", dst.Cr[50])
	}
}
