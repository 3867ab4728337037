package ui

// A rect is a part of the screen, in cells.
type rect struct{ x, y, w, h int }

// has reports whether a cell is in r.
func (r rect) has(x, y int) bool {
	return x >= r.x && x < r.x+r.w && y >= r.y && y < r.y+r.h
}

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

// A layout says where the tiles are. Its slices are reused by what arranges it.
type layout struct {
	tiles  []rect
	who    []int // whom each tile shows: the index of a member, or their number for oneself
	most   int   // tiles on a page, without main's
	pages  int   // at least 1
	main   int   // who has a tile that is larger than others, or -1
	corner rect  // of the own picture over the tile; empty when it is not there
}

// reset takes all tiles out. n are to be placed, most of them on a page; it
// returns the page that exists and is nearest to page, and its first tile.
func (l *layout) reset(n, most, page int) (nearest, first int) {
	l.corner, l.main = rect{}, -1
	l.tiles, l.who = l.tiles[:0], l.who[:0]
	l.most = most
	l.pages = max((n+most-1)/most, 1)
	page = min(max(page, 0), l.pages-1)
	return page, page * most
}

// add adds a tile.
func (l *layout) add(r rect, who int) {
	l.tiles, l.who = append(l.tiles, r), append(l.who, who)
}

// arrange places n tiles of one size in area: those of the page, which is from 0
// and is returned as it is when it exists, else the nearest one.
func (l *layout) arrange(area rect, n, page int) int {
	page, first := l.reset(n, max(1, area.w/minTileCols)*max(1, area.h/minTileRows), page)
	n = min(n-first, l.most)
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
		l.add(rect{area.x + x0, area.y + y0, x1 - x0, y1 - y0}, first+i)
	}
	return page
}

// The rows of a strip: a quarter of the area within these.
const minStripRows, maxStripRows = minTileRows, 12

// arrangeStrip places n tiles beside each other in the upper rows of area, as
// arrange does.
func (l *layout) arrangeStrip(area rect, n, page int) int {
	area.h = min(max(area.h/4, minStripRows), maxStripRows, area.h)
	w := min(max(int(float64(area.h-2)*pictureCols)+2, minTileCols), area.w)
	page, first := l.reset(n, max(area.w/max(w, 1), 1), page)
	n = min(n-first, l.most)
	left := area.x + (area.w-n*w)/2
	for i := range n {
		l.add(rect{left + i*w, area.y, w, area.h}, first+i)
	}
	return page
}

// arrangeStage places one of n tiles over a strip of the others, of which the
// page is shown, as arrange does. Where a strip leaves it too little, the one has
// all of the area.
func (l *layout) arrangeStage(area rect, n, main, page int) int {
	stage := area
	if n > 1 && area.h >= minTileRows+minStripRows {
		strip := area
		strip.h = min(max(area.h/4, minStripRows), maxStripRows)
		stage.h -= strip.h
		strip.y += stage.h
		strip.h *= 4 // of which arrangeStrip takes the quarter
		page = l.arrangeStrip(strip, n-1, page)
	} else {
		page, _ = l.reset(0, 1, 0)
	}
	for i := range l.who {
		if l.who[i] >= main {
			l.who[i]++
		}
	}
	l.add(stage, main)
	l.main = main
	return page
}

// pageOf returns the page that shows i, or page if each does.
func (l *layout) pageOf(i, page int) int {
	switch {
	case i == l.main || l.most == 0:
		return page
	case l.main >= 0 && i > l.main:
		i--
	}
	return i / l.most
}

// at returns whom the tile at a place of the screen shows, or -1.
func (l *layout) at(x, y int) int {
	for i, r := range l.tiles {
		if r.has(x, y) {
			return l.who[i]
		}
	}
	return -1
}

// corners is in how many corners the own picture can be.
const corners = 4

// addCorner puts the own picture in a corner of the area, inside of the border
// of the tile that fills it, if there is room: 0 is the lower right one, from
// which they are counted clockwise.
func (l *layout) addCorner(area rect, corner int) {
	if area.w < cornerNeedsCols || area.h < cornerNeedsRows {
		return
	}
	most := max(area.h*2/5, minCornerRows)
	w := min(max(area.w/5, minCornerCols), maxCornerCols, int(float64(most-2)*pictureCols)+2)
	h := min(int(float64(w-2)/pictureCols+0.5)+2, most)
	r := rect{area.x + area.w - w - 2, area.y + area.h - h - 1, w, h}
	if corner == 1 || corner == 2 {
		r.x = area.x + 2
	}
	if corner == 2 || corner == 3 {
		r.y = area.y + 1
	}
	l.corner = r
}
