package cam

import (
	"image"
	"math"
	"time"
)

// Bars is a moving test picture in limited range: the eight colour bars at 75
// %, a ramp of grey below them, and a disc that wanders about.
type Bars struct{ W, H int }

// barColours are Y, Cb and Cr of white, yellow, cyan, green, magenta, red,
// blue and black (ITU-R BT.601, limited range).
var barColours = [8][3]uint8{
	{180, 128, 128},
	{162, 44, 142},
	{131, 156, 44},
	{112, 72, 58},
	{84, 184, 198},
	{65, 100, 212},
	{35, 212, 114},
	{16, 128, 128},
}

// Size returns W and H.
func (b Bars) Size() image.Point { return image.Pt(b.W, b.H) }

// Draw draws the picture at time t.
func (b Bars) Draw(img *image.YCbCr, t time.Duration) {
	s := t.Seconds()
	r := float64(b.H) / 8
	cx := float64(b.W) * (0.5 + 0.35*math.Sin(1.3*s))
	cy := float64(b.H) * (0.4 + 0.25*math.Sin(1.7*s))
	for y := range b.H {
		row := img.Y[y*img.YStride:][:b.W]
		for x := range row {
			row[x] = barColours[x*8/b.W][0]
			if y >= b.H*3/4 {
				row[x] = uint8(16 + 219*x/max(b.W-1, 1))
			}
			if math.Hypot(float64(x)-cx, float64(y)-cy) < r {
				row[x] = 200
			}
		}
	}
	for y := range (b.H + 1) / 2 {
		cb, cr := img.Cb[y*img.CStride:], img.Cr[y*img.CStride:]
		for x := range (b.W + 1) / 2 {
			c := barColours[2*x*8/b.W]
			if 2*y >= b.H*3/4 {
				c = barColours[0]
			}
			if math.Hypot(float64(2*x)-cx, float64(2*y)-cy) < r {
				c = [3]uint8{200, 100, 160}
			}
			cb[x], cr[x] = c[1], c[2]
		}
	}
}
