package metric

import (
	"fmt"
	"image"
	"image/color"
)

// A Cell is a character in its colours, which are sRGB.
type Cell struct {
	R      rune
	Fg, Bg color.RGBA
}

// The cover of a cell: how much of each of its pixels, in rows, shows the
// foreground, 0 to 1.
type cover [CellWidth * CellHeight]float32

// Draw returns what a terminal with the font f shows for cells, cols of them
// in a row.
func Draw(f *Font, cells []Cell, cols int) (*image.RGBA, error) {
	m := image.NewRGBA(image.Rect(0, 0, cols*CellWidth, len(cells)/cols*CellHeight))
	var shapes shapes
	for i, c := range cells[:len(cells)/cols*cols] {
		s, err := shapes.of(f, c.R)
		if err != nil {
			return nil, err
		}
		for k, a := range s {
			mix := func(fg, bg uint8) uint8 { return uint8(float32(bg) + a*(float32(fg)-float32(bg)) + 0.5) }
			m.SetRGBA(i%cols*CellWidth+k%CellWidth, i/cols*CellHeight+k/CellWidth,
				color.RGBA{mix(c.Fg.R, c.Bg.R), mix(c.Fg.G, c.Bg.G), mix(c.Fg.B, c.Bg.B), 255})
		}
	}
	return m, nil
}

// The share of the colours in light (ITU-R BT.709).
const (
	redLight   = 0.2126
	greenLight = 0.7152
	blueLight  = 0.0722
)

// light returns the light of what Draw draws, without rounding to levels.
func light(f *Font, cells []Cell, cols int) (field, error) {
	to := newField(cols*CellWidth, len(cells)/cols*CellHeight)
	var shapes shapes
	for i, c := range cells[:len(cells)/cols*cols] {
		s, err := shapes.of(f, c.R)
		if err != nil {
			return field{}, err
		}
		gray := c.Fg.R == c.Fg.G && c.Fg.G == c.Fg.B && c.Bg.R == c.Bg.G && c.Bg.G == c.Bg.B
		at := i/cols*CellHeight*to.w + i%cols*CellWidth
		for k, a := range s {
			l := mixed(c.Fg.G, c.Bg.G, a)
			if !gray {
				l = greenLight*l + redLight*mixed(c.Fg.R, c.Bg.R, a) + blueLight*mixed(c.Fg.B, c.Bg.B, a)
			}
			to.v[at+k/CellWidth*to.w+k%CellWidth] = l
		}
	}
	return to, nil
}

// lights is lightOf for every sixteenth of a level.
var lights = func() (t [255*16 + 2]float64) {
	for i := range t {
		t[i] = lightOf(float64(i) / 16)
	}
	return t
}()

// mixed returns the light of two levels mixed in sRGB.
func mixed(fg, bg uint8, a float32) float64 {
	v := (float64(bg) + float64(a)*(float64(fg)-float64(bg))) * 16
	i := int(v)
	return lights[i] + (v-float64(i))*(lights[i+1]-lights[i])
}

// shapes remembers the covers of characters.
type shapes map[rune]*cover

// of returns the cover of a character: that of its block if it is one, else
// that of the font.
func (s *shapes) of(f *Font, r rune) (*cover, error) {
	if c := (*s)[r]; c != nil {
		return c, nil
	}
	if *s == nil {
		*s = make(shapes)
	}
	c, ok := block(r)
	if !ok {
		c, ok = f.cover(r)
	}
	if !ok {
		return nil, fmt.Errorf("draw %q (%U): neither a block nor in the font %s", r, r, f.Name)
	}
	(*s)[r] = c
	return c, nil
}

// fill returns the cover of what inside tells, for points in 1/8 of a pixel.
func fill(inside func(x, y int) bool) *cover {
	const fine = 8
	var c cover
	for y := range CellHeight * fine {
		for x := range CellWidth * fine {
			if inside(x, y) {
				c[y/fine*CellWidth+x/fine] += 1. / (fine * fine)
			}
		}
	}
	return &c
}

// block returns the cover of a character whose shape Unicode defines; ok is
// false for others. Cells are 64x128 points.
func block(r rune) (c *cover, ok bool) {
	mosaic := func(mask, rows int) (*cover, bool) {
		return fill(func(x, y int) bool { return mask>>(y*rows/128*2+x/32)&1 != 0 }), true
	}
	switch {
	case r == ' ' || r == 0xa0:
		return &cover{}, true
	case r == '▀':
		return mosaic(0b0011, 2)
	case r >= '▁' && r <= '█':
		return fill(func(_, y int) bool { return y >= 128-16*int(r-'▀') }), true
	case r >= '▉' && r <= '▏':
		return fill(func(x, _ int) bool { return x < 8*int('▐'-r) }), true
	case r == '▐':
		return mosaic(0b1010, 2)
	case r >= '░' && r <= '▓':
		c = &cover{}
		for i := range c {
			c[i] = float32(r-'▐') / 4
		}
		return c, true
	case r == '▔':
		return fill(func(_, y int) bool { return y < 16 }), true
	case r == '▕':
		return fill(func(x, _ int) bool { return x >= 56 }), true
	case r >= '▖' && r <= '▟':
		return mosaic([]int{4, 8, 1, 13, 9, 7, 11, 2, 6, 14}[r-'▖'], 2)
	case r >= 0x1fb00 && r <= 0x1fb3b:
		mask := int(r-0x1fb00) + 1
		if mask >= 0b010101 { // the half blocks have characters of their own
			mask++
		}
		if mask >= 0b101010 {
			mask++
		}
		return mosaic(mask, 3)
	case r >= 0x2800 && r <= 0x28ff:
		return fill(func(x, y int) bool {
			bit := []int{0, 3, 1, 4, 2, 5, 6, 7}[y/32*2+x/32]
			return int(r-0x2800)>>bit&1 != 0 && x%32 >= 8 && x%32 < 24 && y%32 >= 8 && y%32 < 24
		}), true
	}
	if mask, found := octants[r]; found {
		return mosaic(mask, 4)
	}
	return nil, false
}

// octants are the masks of the characters of 2x4 blocks: those of Unicode 16,
// from U+1CD00 on in the order of their masks, without those that had
// characters before.
var octants = func() map[rune]int {
	m := map[rune]int{
		0x1cea8: 0b00000001, 0x1ceab: 0b00000010, 0x1cea3: 0b01000000, 0x1cea0: 0b10000000,
		0x1fb82: 0b00000011, 0x1fb85: 0b00111111, 0x1fbe6: 0b00010100, 0x1fbe7: 0b00101000,
	}
	taken := map[int]bool{0b11000000: true, 0b11111100: true} // ▂ and ▆
	for _, mask := range m {
		taken[mask] = true
	}
	for q := range 16 { // spaces, halves, quadrants
		taken[q&1*0b101|q>>1&1*0b1010|q>>2&1*0b1010000|q>>3&1*0b10100000] = true
	}
	next := rune(0x1cd00)
	for mask := range 256 {
		if !taken[mask] {
			m[next] = mask
			next++
		}
	}
	return m
}()
