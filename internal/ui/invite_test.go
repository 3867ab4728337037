package ui

import (
	"strings"
	"testing"

	"github.com/gdamore/tcell/v2"
	"rsc.io/qr"
)

const inviteLine = "s2c join -k -s kitchen-table -c NAME call.example.org:1122"

// modulesOn returns the dark modules of the code on the screen, with their left
// upper corner at the first one.
func modulesOn(s *simScreen, half bool) (dark map[[2]int]bool) {
	dark = make(map[[2]int]bool)
	rows := strings.Split(s.text(), "\n")
	var all [][2]int
	for y, line := range rows {
		x := 0
		for _, r := range line {
			_, st, _ := s.Get(x, y)
			fg, bg, _ := st.Decompose()
			ink, paper := tcell.NewHexColor(0), tcell.NewHexColor(0xffffff)
			if !half && r == ' ' && bg == ink {
				all = append(all, [2]int{x, y})
			}
			if fg == ink && bg == paper {
				if half && (r == '█' || r == '▀') {
					all = append(all, [2]int{x, 2 * y})
				}
				if half && (r == '█' || r == '▄') {
					all = append(all, [2]int{x, 2*y + 1})
				}
			}
			x++
		}
	}
	minX, minY := 1<<30, 1<<30
	for _, m := range all {
		minX, minY = min(minX, m[0]), min(minY, m[1])
	}
	for _, m := range all {
		x := m[0] - minX
		if !half {
			x /= 2 // two columns are a module
		}
		dark[[2]int{x, m[1] - minY}] = true
	}
	return dark
}

// TestInvite checks that what others need is on the screen, the code as it is to be
// read, and the passphrase only when it was asked for.
func TestInvite(t *testing.T) {
	code, err := qr.Encode(inviteLine, qr.L)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		w, h    int
		borders string
		code    bool
	}{
		{120, 40, "", true}, // the code over the words
		{80, 24, "", true},  // beside them
		{100, 50, BordersASCII, true},
		{80, 24, BordersASCII, false},
		{40, 12, "", false},
	} {
		e := newEngine(1)
		c := Config{Engine: e, Invite: Invite{inviteLine, "ember-lake-tiger"}, Borders: tt.borders}
		onScreen(t, c, tt.w, tt.h, func(t *testing.T, s *simScreen) {
			s.press("i")
			sees(t, s, "others join with", true)
			sees(t, s, "s2c join -k -s", true)
			sees(t, s, "ember-lake-tiger", false)
			dark := modulesOn(s, tt.borders == "")
			if !tt.code && len(dark) > 0 {
				t.Errorf("%dx%d: there is a code of %d modules", tt.w, tt.h, len(dark))
			}
			for y := range code.Size {
				for x := range code.Size {
					if tt.code && dark[[2]int{x, y}] != code.Black(x, y) {
						t.Fatalf("%dx%d: module %d,%d is dark: %v\n%s", tt.w, tt.h, x, y, dark[[2]int{x, y}], s.text())
					}
				}
			}
			s.press("i")
			sees(t, s, "ember-lake-tiger", true)
			s.key(tcell.KeyEscape)
			sees(t, s, "others join with", false)
			s.press("i")
			sees(t, s, "ember-lake-tiger", false)
			s.press("q") // closes it, and not the call
			sees(t, s, "others join with", false)
		})
	}
	// Sizes that have room for little or nothing.
	for w := 1; w < 60; w += 3 {
		for h := 1; h < 30; h += 2 {
			e := newEngine(0)
			onScreen(t, Config{Engine: e, Invite: Invite{Line: strings.Repeat("long ", 200)}}, w, h, func(t *testing.T, s *simScreen) {
				s.press("i")
				pass(idleEvery)
			})
		}
	}
	// Nobody knows what others type: there is no such key.
	onScreen(t, Config{Engine: newEngine(1)}, 80, 24, func(t *testing.T, s *simScreen) {
		s.press("i")
		sees(t, s, "invite", false)
	})
}
