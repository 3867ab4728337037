package ui

// A rect is a part of the screen, in cells.
type rect struct{ x, y, w, h int }

// inside returns r without its border; it may be empty.
func (r rect) inside() rect {
	return rect{r.x + 1, r.y + 1, max(r.w-2, 0), max(r.h-2, 0)}
}

// The sizes that the layout keeps to, in cells.
const (
	// A tile smaller than this shows neither a face nor its name.
	minTileCols, minTileRows = 20, 6

	// A screen smaller than this has one line and no tiles.
	minCols, minRows = 20, 6

	// The own picture in the corner: a fifth of the width and at most two
	// fifths of the height, but never so small that one does not see oneself,
	// and only where it leaves room.
	minCornerCols, minCornerRows     = 18, 6
	maxCornerCols                    = 48
	cornerNeedsCols, cornerNeedsRows = 44, 14

	// The shape of a 4:3 picture in cells that are twice as high as wide.
	pictureCols = 2.67 // columns per row
)

// columns returns in how many columns n tiles on w x h cells are largest, and
// 0 when no number of columns leaves each of them its smallest size. Where even
// one tile is smaller than that in a direction, all of them may be.
func columns(n, w, h int) int {
	minCols, minRows := min(minTileCols, w), min(minTileRows, h)
	best, most := 0, 0.0
	for c := 1; c <= n; c++ {
		r := (n + c - 1) / c
		if w/c < minCols || h/r < minRows {
			continue
		}
		if size := min(float64(w)/float64(c), pictureCols*float64(h)/float64(r)); size > most {
			best, most = c, size
		}
	}
	return best
}

// A layout says where the tiles are. Its slices are reused by arrange.
type layout struct {
	tiles  []rect // of the members first to first+len(tiles)
	first  int
	most   int  // tiles on a page
	pages  int  // at least 1
	corner rect // of the own picture over the tile; empty when it is not there
}

// arrange places n tiles in area: those of the page, which is from 0 and is
// returned as it is when it exists, else the nearest one.
func (l *layout) arrange(area rect, n, page int) int {
	l.corner = rect{}
	l.tiles = l.tiles[:0]
	l.pages, l.first = 1, 0
	if n == 0 {
		return 0
	}
	most := max(1, area.w/minTileCols) * max(1, area.h/minTileRows)
	l.pages = (n + most - 1) / most
	l.most = most
	page = min(max(page, 0), l.pages-1)
	l.first = page * most
	n = min(n-l.first, most)
	c := max(1, columns(n, area.w, area.h))
	rows := (n + c - 1) / c
	for i := range n {
		row, col := i/c, i%c
		y0, y1 := area.h*row/rows, area.h*(row+1)/rows
		x0, x1 := area.w*col/c, area.w*(col+1)/c
		if last := n - row*c; last < c { // a short last row is centred
			w := area.w / c
			x0 = (area.w-last*w)/2 + col*w
			x1 = x0 + w
		}
		l.tiles = append(l.tiles, rect{area.x + x0, area.y + y0, x1 - x0, y1 - y0})
	}
	return page
}

// addCorner puts the own picture in the lower right corner of the area, inside
// of the border of the tile that fills it, if there is room.
func (l *layout) addCorner(area rect) {
	if area.w < cornerNeedsCols || area.h < cornerNeedsRows {
		return
	}
	most := max(area.h*2/5, minCornerRows)
	w := min(max(area.w/5, minCornerCols), maxCornerCols, int(float64(most-2)*pictureCols)+2)
	h := min(int(float64(w-2)/pictureCols+0.5)+2, most)
	l.corner = rect{area.x + area.w - w - 2, area.y + area.h - h - 1, w, h}
}
