package device

import (
	"math"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// A card is a source without a camera: a person who moves, blinks and speaks,
// in front of a wall with a ramp of grey and a ball that rolls by. The picture
// depends on the variant, the size and the time only.
type card struct {
	*pacer
	c       VideoConfig
	variant int
	wall    media.Frame // what does not move
}

func newCard(variant int, c VideoConfig) *card {
	d := &card{pacer: newPacer(time.Second / time.Duration(c.FPS)), c: c, variant: variant}
	d.wall.Resize(c.Width, c.Height, c.Chroma)
	d.drawWall()
	return d
}

// ReadFrame waits for the next picture.
func (d *card) ReadFrame(f *media.Frame) error {
	n, at, err := d.wait()
	if err != nil {
		return err
	}
	d.draw(f, time.Duration(n)*d.period)
	f.At = at
	return nil
}

// Close ends the source.
func (d *card) Close() error {
	d.pacer.close()
	return nil
}

// A colour is one of full range.
type colour struct{ y, cb, cr uint8 }

// The people of the variants: skin, hair and shirt.
var people = [...]struct{ skin, hair, shirt colour }{
	{colour{190, 108, 150}, colour{40, 122, 136}, colour{110, 160, 100}},
	{colour{95, 116, 146}, colour{22, 128, 128}, colour{205, 70, 140}},
	{colour{215, 114, 142}, colour{150, 90, 150}, colour{70, 130, 170}},
	{colour{140, 112, 148}, colour{75, 120, 145}, colour{160, 128, 90}},
	{colour{170, 110, 148}, colour{225, 128, 128}, colour{50, 150, 120}},
}

// drawWall draws what does not move: a wall that is lit from one side, and the
// ramp of grey at the bottom.
func (d *card) drawWall() {
	w, h := d.c.Width, d.c.Height
	left := d.variant%2 == 0
	base := 90 + 20*(d.variant%4)
	for y := range h {
		row := d.wall.Y[y*w:][:w]
		for x := range row {
			lit := 80 * x / w
			if left {
				lit = 80 - lit
			}
			row[x] = uint8(base + lit - 40*y/h)
			if y >= h*15/16 {
				row[x] = uint8(255 * x / max(w-1, 1))
			}
		}
	}
	gray(d.wall.Cb)
	gray(d.wall.Cr)
	for i := range d.wall.CStride * (h * 15 / 16 / 2) {
		d.wall.Cb[i] = uint8(128 + (d.variant*37)%24 - 12)
		d.wall.Cr[i] = uint8(128 + (d.variant*53)%24 - 12)
	}
}

// draw draws the picture at time t after the beginning.
func (d *card) draw(f *media.Frame, t time.Duration) {
	f.CopyFrom(&d.wall)
	p := people[d.variant%len(people)]
	// The unit is the height of the picture; the person's time is shifted by
	// the variant, so that two do not move in step.
	s := t.Seconds() + 1.7*float64(d.variant)
	mid := float64(d.c.Width) / float64(d.c.Height) / 2
	hx := mid + 0.10*math.Sin(0.9*s) + 0.03*math.Sin(2.3*s)
	hy := 0.42 + 0.03*math.Sin(1.3*s)

	rolled := math.Mod(0.45*s, 2*mid+0.2) - 0.1
	d.ellipse(f, rolled, 0.12, 0.06, 0.06, colour{235, 90, 170})
	d.ellipse(f, rolled+0.02*math.Sin(8*s), 0.12+0.02*math.Cos(8*s), 0.02, 0.02, colour{30, 128, 128})

	d.ellipse(f, mid+0.4*(hx-mid), 1.02, 0.42, 0.32, p.shirt)
	d.ellipse(f, mid+0.8*(hx-mid), 0.68, 0.09, 0.14, shade(p.skin, -25)) // neck
	d.ellipse(f, hx, hy-0.06, 0.215, 0.24, p.hair)
	d.ellipse(f, hx, hy, 0.18, 0.24, p.skin)
	turn := 0.03 * math.Sin(0.9*s+0.5)
	for _, side := range []float64{-1, 1} {
		d.eye(f, hx+turn+side*0.075, hy-0.04, s, p.skin)
	}
	d.ellipse(f, hx+1.4*turn, hy+0.045, 0.02, 0.04, shade(p.skin, -30)) // nose
	talk := 0.01 + 0.03*math.Abs(math.Sin(5*s))*math.Max(0, math.Sin(0.7*s))
	d.ellipse(f, hx+turn, hy+0.13, 0.065, talk, colour{50, 120, 160}) // mouth
	wave := 0.9 * math.Sin(4*s)
	hand := math.Max(0, math.Sin(0.5*s)) // comes up now and then
	d.ellipse(f, mid+0.42+0.05*wave, 1.05-0.42*hand, 0.07, 0.10, p.skin)
}

// eye draws an eye that blinks every 3.1 s.
func (d *card) eye(f *media.Frame, x, y, s float64, skin colour) {
	if math.Mod(s, 3.1) < 0.15 {
		d.ellipse(f, x, y, 0.032, 0.006, shade(skin, -60))
		return
	}
	look := 0.008 * math.Sin(0.6*s)
	d.ellipse(f, x, y, 0.034, 0.02, colour{245, 128, 128})
	d.ellipse(f, x+look, y, 0.014, 0.017, colour{20, 128, 128})
}

// shade returns c brighter by v.
func shade(c colour, v int) colour {
	c.y = uint8(min(max(int(c.y)+v, 0), 255))
	return c
}

// ellipse fills an ellipse with centre cx, cy and radii rx, ry, in units of the
// picture's height.
func (d *card) ellipse(f *media.Frame, cx, cy, rx, ry float64, c colour) {
	unit := float64(d.c.Height)
	cx, cy, rx, ry = cx*unit, cy*unit, rx*unit, ry*unit
	fillEllipse(f.Y, d.c.Width, d.c.Height, cx, cy, rx, ry, c.y)
	if len(f.Cb) > 0 {
		fillEllipse(f.Cb, d.c.Width/2, d.c.Height/2, cx/2, cy/2, rx/2, ry/2, c.cb)
		fillEllipse(f.Cr, d.c.Width/2, d.c.Height/2, cx/2, cy/2, rx/2, ry/2, c.cr)
	}
}

// fillEllipse fills an ellipse in a plane of w x h samples, by rows.
func fillEllipse(plane []byte, w, h int, cx, cy, rx, ry float64, v byte) {
	for y := max(int(cy-ry), 0); y < min(int(cy+ry)+1, h); y++ {
		dy := (float64(y) + 0.5 - cy) / ry
		if dy <= -1 || dy >= 1 {
			continue
		}
		half := rx * math.Sqrt(1-dy*dy)
		from, to := max(int(cx-half+0.5), 0), min(int(cx+half+0.5), w)
		for x := from; x < to; x++ {
			plane[y*w+x] = v
		}
	}
}
