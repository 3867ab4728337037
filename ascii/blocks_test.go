package ascii

import (
	"image"
	"math/rand/v2"
	"testing"
)

// inEighth reports whether a sample of 2x8 is in the foreground of one of
// eighths.
func inEighth(name, x, y int) bool {
	if name < 8 {
		return y >= blockRows-name
	}
	return map[rune]uint{'▘': 0b0001, '▝': 0b0010, '▖': 0b0100, '▗': 0b1000, '▌': 0b0101, '▚': 0b1001}[eighths[name]]>>(y/4*2+x)&1 != 0
}

// TestInBlocks compares the sums of blocks with those of their samples.
func TestInBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for range 500 {
		upper, lower := rng.Uint64(), rng.Uint64()
		sums, total := inBlocks(upper, lower)
		all := uint64(0)
		for name := range sums {
			want, count := uint64(0), 0
			for k := range 16 {
				v := upper
				if k >= 8 {
					v = lower
				}
				if v = v >> (8 * (k % 8)) & 0xff; name == 0 {
					all += v
				} else if inEighth(name, k%2, k/2) {
					want += v
					count++
				}
			}
			if name > 0 && (sums[name] != want || inEighths[name] != count) {
				t.Fatalf("%q of %016x%016x: sum %d of %d, want %d of %d", eighths[name], lower, upper, sums[name], inEighths[name], want, count)
			}
		}
		if total != all {
			t.Fatalf("the sum of %016x%016x = %d, want %d", lower, upper, total, all)
		}
	}
}

// TestBlocks checks that a picture of each block is drawn as it, and stays in
// two colours while nothing else is clearly better.
func TestBlocks(t *testing.T) {
	for name := 1; name < len(eighths); name++ {
		for _, dark := range []uint8{40, 200} {
			m := picture(16, 64, func(x, y int) uint8 {
				if inEighth(name, x/8, y/8) {
					return 240 - dark
				}
				return dark
			})
			r := Renderer{Look: LookQuadrant}
			dst := make([]Cell, 1)
			for range 3 {
				r.Render(dst, 1, 1, 4, m)
			}
			_, fg, _, _ := dst[0].Fg.RGB()
			_, bg, _, _ := dst[0].Bg.RGB()
			inside, outside := fg, bg
			if dst[0].R != eighths[name] {
				t.Errorf("%q is drawn as %q", eighths[name], dst[0].R)
			}
			if abs(int(inside)-int(240-dark)) > 12 || abs(int(outside)-int(dark)) > 12 {
				t.Errorf("%q of %d on %d is drawn in %d on %d", eighths[name], 240-dark, dark, inside, outside)
			}
		}
	}
	flat := render(Renderer{Look: LookQuadrant}, 4, 2, 2, picture(32, 32, func(int, int) uint8 { return 99 }))
	for i, c := range flat {
		if c.R != ' ' || c.Fg != c.Bg || c.Bg != rgb(99, 99, 99) {
			t.Errorf("cell %d of an even picture = %+v", i, c)
		}
	}
}

// TestFewRows checks that quadrants that are sent as such are drawn as such: a
// picture of two pixels down a cell has no eighths.
func TestFewRows(t *testing.T) {
	for rows, eighth := range map[int]bool{2: false, 3: true, 4: true, 8: true} {
		m := picture(80, 20*rows, func(_, y int) uint8 { return uint8(y / 3 * 70 % 256) })
		used := false
		for _, c := range render(Renderer{Look: LookQuadrant}, 40, 20, float64(rows)/2, m) {
			used = used || c.R > '▀' && c.R < '█' && c.R != '▄'
		}
		if used != eighth {
			t.Errorf("a picture of %d pixels down a cell has eighths: %v, want %v", rows, used, eighth)
		}
	}
}

// TestShades checks that a picture in 16 colours is in few of them: gray ones
// where there is no hue, and those of a hue where there is.
func TestShades(t *testing.T) {
	allowed := func(ramp int) map[Color]bool {
		m := make(map[Color]bool)
		for _, n := range ramps[ramp] {
			m[kindIndexed|Color(n)] = true
		}
		return m
	}
	slope := func() *image.YCbCr { return picture(64, 64, func(x, _ int) uint8 { return uint8(4 * x) }) }
	for _, tt := range []struct {
		name   string
		m      *image.YCbCr
		colors map[Color]bool
	}{
		{"gray", slope(), allowed(0)},
		{"next to gray", tint(slope(), 120, 140), allowed(0)},
		{"red", tint(slope(), 100, 230), allowed(1)},
		{"green", tint(slope(), 60, 50), allowed(2)},
		{"yellow", tint(slope(), 20, 140), allowed(3)},
		{"blue", tint(slope(), 240, 110), allowed(4)},
		{"magenta", tint(slope(), 210, 220), allowed(5)},
		{"cyan", tint(slope(), 160, 20), allowed(6)},
	} {
		for _, l := range []Look{LookQuadrant, LookSextant, LookOctant} {
			used := make(map[Color]bool)
			for i, c := range render(Renderer{Look: l, Colors: Colors16}, 8, 4, 2, tt.m) {
				if !tt.colors[c.Fg] || !tt.colors[c.Bg] {
					t.Fatalf("%s as %v: cell %d = %+v", tt.name, l, i, c)
				}
				used[c.Fg], used[c.Bg] = true, true
			}
			if len(used) < 3 {
				t.Errorf("%s as %v: %d colours from black to white", tt.name, l, len(used))
			}
		}
	}
}
