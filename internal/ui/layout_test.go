package ui

import (
	"fmt"
	"testing"
)

func TestColumns(t *testing.T) {
	tests := []struct {
		n, w, h, want int
	}{
		{1, 80, 22, 1},
		{2, 80, 22, 2},
		{2, 40, 60, 1},
		{3, 80, 22, 2},
		{4, 80, 22, 2},
		{5, 80, 22, 3},
		{9, 200, 48, 3},
		{9, 80, 22, 3},
		{10, 80, 22, 4},
		{13, 80, 22, 0}, // 4 x 3 are the most
		{1, 19, 5, 1},   // smaller than a tile: one all the same
		{2, 39, 11, 0},
		{2, 39, 12, 1},
		{3, 300, 5, 3}, // flat: side by side
		{3, 10, 40, 1},
	}
	for _, tt := range tests {
		if got := columns(tt.n, tt.w, tt.h); got != tt.want {
			t.Errorf("columns(%d, %d, %d) = %d, want %d", tt.n, tt.w, tt.h, got, tt.want)
		}
	}
}

// TestArrange checks for all sizes that tiles lie in the area, do not overlap,
// keep their smallest size, and that every member is on a page.
func TestArrange(t *testing.T) {
	var l layout
	for w := 1; w <= 130; w += 3 {
		for h := 1; h <= 70; h += 2 {
			for n := range 20 {
				area := rect{3, 1, w, h}
				next := 0
				l.arrange(area, n, 0)
				for page := range l.pages {
					if got := l.arrange(area, n, page); got != page {
						t.Fatalf("page %d of %d in %v with %d is %d", page, l.pages, area, n, got)
					}
					for _, who := range l.who {
						if who != next {
							t.Fatalf("page %d in %v with %d has %d where %d is next", page, area, n, who, next)
						}
						next++
					}
					if err := checkTiles(l.tiles, area); err != "" {
						t.Fatalf("page %d in %v with %d: %s: %v", page, area, n, err, l.tiles)
					}
				}
				if next != n {
					t.Fatalf("%d tiles of %d in %v", next, n, area)
				}
				if n == 0 {
					continue
				}
				for _, page := range []int{-1, l.pages, 1 << 30} {
					if got := l.arrange(area, n, page); got != min(max(page, 0), l.pages-1) || len(l.tiles) == 0 {
						t.Fatalf("page %d of %d is %d with %d tiles", page, l.pages, got, len(l.tiles))
					}
				}
			}
		}
	}
}

// TestStage checks for all sizes that everybody is seen once on the pages of a
// strip, and the one on the stage on each of them.
func TestStage(t *testing.T) {
	var l layout
	for w := 20; w <= 230; w += 7 {
		for h := 6; h <= 70; h += 2 {
			for n := 1; n < 20; n++ {
				for main := -1; main < n; main += 4 {
					area := rect{3, 1, w, h}
					arrange := func(page int) int {
						if main < 0 {
							return l.arrangeStrip(area, n, page)
						}
						return l.arrangeStage(area, n, main, page)
					}
					arrange(0)
					seen := make(map[int]int)
					for page := range l.pages {
						if got := arrange(page); got != page {
							t.Fatalf("page %d of %d in %v with %d is %d", page, l.pages, area, n, got)
						}
						if err := checkTiles(l.tiles, area); err != "" {
							t.Fatalf("page %d in %v with %d: %s: %v", page, area, n, err, l.tiles)
						}
						for i, who := range l.who {
							seen[who]++
							if got := l.pageOf(who, page); got != page || l.at(l.tiles[i].x, l.tiles[i].y) != who {
								t.Fatalf("%d is on page %d, not %d", who, got, page)
							}
						}
					}
					alone := main >= 0 && h < minTileRows+minStripRows
					for who := range n {
						want := 1
						switch {
						case who == main:
							want = l.pages
						case alone:
							want = 0
						}
						if seen[who] != want {
							t.Fatalf("%d of %d is seen %d times in %v on %d pages", who, n, seen[who], area, l.pages)
						}
					}
				}
			}
		}
	}
}

// checkTiles says what is wrong with tiles, if anything.
func checkTiles(tiles []rect, area rect) string {
	for i, r := range tiles {
		if r.x < area.x || r.y < area.y || r.x+r.w > area.x+area.w || r.y+r.h > area.y+area.h {
			return fmt.Sprintf("tile %d is outside", i)
		}
		if r.w < min(minTileCols, area.w) || r.h < min(minTileRows, area.h) {
			return fmt.Sprintf("tile %d is too small", i)
		}
		for k, o := range tiles[:i] {
			if r.x < o.x+o.w && o.x < r.x+r.w && r.y < o.y+o.h && o.y < r.y+r.h {
				return fmt.Sprintf("tiles %d and %d overlap", k, i)
			}
		}
	}
	return ""
}

func TestCorner(t *testing.T) {
	tests := []struct {
		area, want rect
	}{
		{rect{0, 1, 80, 22}, rect{60, 14, 18, 8}},
		{rect{0, 1, 200, 48}, rect{158, 32, 40, 16}},
		{rect{0, 1, 400, 118}, rect{350, 99, 48, 19}},
		{rect{0, 1, 43, 22}, rect{}},
		{rect{0, 1, 80, 13}, rect{}},
	}
	for _, tt := range tests {
		var l layout
		l.addCorner(tt.area, 0)
		if l.corner != tt.want {
			t.Errorf("corner of %v = %v, want %v", tt.area, l.corner, tt.want)
		}
	}
	for w := range 500 {
		for h := range 200 {
			var l layout
			area := rect{0, 1, w, h}
			l.addCorner(area, (w+h)%corners)
			in := area.inside()
			if c := l.corner; c.w > 0 && (c.x < in.x || c.y < in.y || c.x+c.w > in.x+in.w || c.y+c.h > in.y+in.h || c.h < 5 || 2*c.h > h) {
				t.Fatalf("corner of %v = %v", area, c)
			}
		}
	}
}

func TestArrangeAllocs(t *testing.T) {
	var l layout
	if n := testing.AllocsPerRun(100, func() { l.arrange(rect{0, 1, 200, 48}, 9, 0) }); n != 0 {
		t.Errorf("arrange allocates %v times", n)
	}
}
