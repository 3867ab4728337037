package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/call"
)

// tall returns how many rows the tile has whose border ends with a label.
func tall(s *simScreen, label string) int {
	lines := strings.Split(s.text(), "\n")
	for y, line := range lines {
		at := strings.Index(line, label)
		if at < 0 {
			continue
		}
		at = len([]rune(line[:at])) - 2 // the corner
		for rows := 1; y >= 0; y, rows = y-1, rows+1 {
			if r := []rune(lines[y]); at < len(r) && strings.ContainsRune("┌┏", r[at]) {
				return rows
			}
		}
	}
	return 0
}

// TestLayouts checks who is large.
func TestLayouts(t *testing.T) {
	e := newEngine(4)
	speaks := func(who int) {
		e.change(func() {
			for i := range e.state.Members {
				e.state.Members[i].Speaking = i == who
			}
		})
		pass(idleEvery)
	}
	onScreen(t, Config{Engine: e}, 120, 40, func(t *testing.T, s *simScreen) {
		if n := tall(s, " 1 anna "); n != 19 {
			t.Errorf("anna has %d rows in the grid, want half of 38", n)
		}
		speaks(1)
		s.press("g")
		sees(t, s, "layout: speaker", true)
		pass(2 * stageTime)
		if n := tall(s, " 2 bo "); n != 29 {
			t.Errorf("bo speaks on %d rows, want 29:\n%s", n, s.text())
		}
		if n := tall(s, " 1 anna "); n != 9 {
			t.Errorf("anna listens on %d rows, want 9", n)
		}
		speaks(2)
		if n := tall(s, " 3 carol "); n != 29 {
			t.Errorf("carol speaks on %d rows, want 29:\n%s", n, s.text())
		}
		speaks(0)
		if n := tall(s, " 3 carol "); n != 29 {
			t.Error("carol has gone from the stage before her time")
		}
		pass(stageTime)
		if n := tall(s, " 1 anna "); n != 29 {
			t.Error("anna does not follow")
		}
		speaks(-1)
		pass(2 * stageTime)
		if n := tall(s, " 1 anna "); n != 29 {
			t.Error("anna is not on the stage though nobody speaks")
		}
		s.press("4")
		if n := tall(s, " >4"); n != 29 {
			t.Errorf("who is pinned has %d rows", n)
		}
		speaks(1)
		pass(2 * stageTime)
		if n := tall(s, " 2 bo "); n != 9 {
			t.Error("who speaks is larger than who is pinned")
		}
		s.press("4")
		if n := tall(s, " 2 bo "); n != 29 {
			t.Error("4 again does not let go")
		}
		s.press("g")
		sees(t, s, "layout: strip", true)
		if n := tall(s, " 2 bo "); n != 9 {
			t.Errorf("bo has %d rows in the strip:\n%s", n, s.text())
		}
		s.press("g")
		sees(t, s, "layout: grid", true)
		s.press("3")
		if n := tall(s, " >3 carol<"); n != 29 {
			t.Errorf("carol is pinned on %d rows:\n%s", n, s.text())
		}
		e.change(func() { e.state.Members = e.state.Members[:2] })
		pass(idleEvery)
		if a, b := tall(s, " 1 anna "), tall(s, " 2 bo "); a != 19 || b != 19 {
			t.Errorf("without carol the others have %d and %d rows", a, b)
		}
	})
}

// TestLayoutCommands checks what is typed.
func TestLayoutCommands(t *testing.T) {
	e := newEngine(3)
	onScreen(t, Config{Engine: e}, 120, 40, func(t *testing.T, s *simScreen) {
		for _, tt := range []struct{ line, want string }{
			{"pin b", ">2 bo<"},
			{"pin CAROL", ">3 carol<"},
			{"pin 1", ">1 anna<"},
			{"pin nina", `nobody here is called "nina"`},
			{"layout round", "type it as: layout grid|speaker|strip"},
			{"layout strip", "layout: strip"},
			{"fit", "pictures are shown whole"},
			{"fill", "pictures fill their tiles"},
		} {
			s.press(":" + tt.line)
			s.key(tcell.KeyEnter)
			sees(t, s, tt.want, true)
		}
		e.change(func() { e.state.Members[1].Name = "ann" })
		pass(idleEvery)
		s.press(":pin an")
		s.key(tcell.KeyEnter)
		sees(t, s, `more than one name begins with "an"`, true)
		s.press(":unpin")
		s.key(tcell.KeyEnter)
		s.press("0")
		sees(t, s, ">", false)
	})
}

// TestBare checks that what matters is seen without bars too.
func TestBare(t *testing.T) {
	e := newEngine(1)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		sees(t, s, "kitchen-table", true)
		s.press("b")
		sees(t, s, "kitchen-table", false)
		sees(t, s, "? help", false)
		if n := tall(s, " anna "); n != 24 {
			t.Errorf("anna has %d rows of 24", n)
		}
		s.press("m")
		sees(t, s, "MUTED", true)
		s.press("mb")
		sees(t, s, "kitchen-table", true)
	})
}

// TestCornerKey checks that one's own picture goes round.
func TestCornerKey(t *testing.T) {
	e := newEngine(1)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		seen := make(map[string]bool)
		for range corners + 1 {
			seen[s.text()] = true
			sees(t, s, " you ", true)
			s.press("o")
		}
		if len(seen) != corners {
			t.Errorf("there are %d corners", len(seen))
		}
	})
}

// TestWhole checks the shape of a picture that is shown whole.
func TestWhole(t *testing.T) {
	for _, tt := range []struct {
		w, h   int
		aspect float64
		want   rect
	}{
		{160, 120, 2, rect{13, 1, 53, 20}}, // 4:3 in 80 columns, 20 rows
		{160, 20, 2, rect{0, 8, 80, 5}},    // flat
		{20, 160, 2, rect{37, 1, 5, 20}},   // tall
		{160, 240, 1, rect{33, 1, 13, 20}}, // pixels twice as high as wide
		{0, 0, 2, rect{0, 1, 80, 20}},
		{100000, 1, 2, rect{0, 10, 80, 1}},
		{1, 100000, 2, rect{39, 1, 1, 20}},
	} {
		if got := whole(rect{0, 1, 80, 20}, tt.w, tt.h, tt.aspect); got != tt.want {
			t.Errorf("whole of %dx%d = %v, want %v", tt.w, tt.h, got, tt.want)
		}
	}
}

// TestStageAllocs checks that a frame of any layout takes no memory.
func TestStageAllocs(t *testing.T) {
	var l layout
	var s stage
	members := make([]call.Member, 9)
	for i := range members {
		members[i].Slot, members[i].Present, members[i].Speaking = uint16(i), true, i == 3
	}
	now := time.Unix(1, 0)
	s.mode = modeSpeaker
	if n := testing.AllocsPerRun(100, func() {
		s.update(members, now)
		l.arrangeStage(rect{0, 1, 200, 48}, 10, s.on(members), 0)
		l.arrangeStrip(rect{0, 1, 200, 48}, 10, 0)
	}); n != 0 {
		t.Errorf("a layout allocates %v times", n)
	}
}
