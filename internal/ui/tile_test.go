package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/trust"
)

// TestLabels checks what of a name and of the states a border has room for.
func TestLabels(t *testing.T) {
	const long = "Johann Gambolputty de von Ausfern"
	for _, tt := range []struct {
		w      int
		name   string
		change func(m *call.Member)
		want   string
	}{
		{40, "anna", func(m *call.Member) { m.Muted = true }, "└─ anna ─────────────────────── muted ─┘"},
		{40, long, func(m *call.Member) { m.Muted = true }, "└─ Johann Gambolputty de von ── muted ─┘"},
		{40, long, func(m *call.Member) { m.Muted, m.Lag = true, time.Second }, "└─ Johann Gambolputty de von ── muted ─┘"},
		{40, "anna", func(m *call.Member) { m.Muted, m.Lag = true, time.Second }, "└─ anna ───────────── lag 1.0s  muted ─┘"},
		{40, "anna", func(m *call.Member) { m.Silent, m.Lag = 9*time.Second, time.Second }, "└─ anna ────── lag 1.0s  no signal 9s ─┘"},
		{40, "anna", func(m *call.Member) { m.Speaking, m.Muted = true, true }, "└─ anna ─────────────────────── muted ─┘"},
		{40, "anna", func(m *call.Member) { m.Speaking, m.Level = true, -36 }, "┗━ anna ━━━━━━━━━━━━━━━━━━━━━━━━ ▄▄▄▄ ━┛"},
		{40, "anna", func(m *call.Member) { m.Silent, m.Away = 9*time.Second, true }, "└─ anna ───────────── reconnecting 9s ─┘"},
		{40, "anna", func(m *call.Member) { m.Silent, m.Away, m.Muted = 12*time.Second, true, true }, "└─ anna ───── muted  reconnecting 12s ─┘"},
		{40, "anna", func(m *call.Member) { m.Silent, m.Away = 1*time.Second, true }, "└─ anna ───────────────────────────────┘"},
		{20, "Johann", func(m *call.Member) { m.Silent = 9 * time.Second }, "└─ Johann ─────────┘"},
		{40, "anna", func(m *call.Member) { m.Mark = trust.Verified }, "└─ anna ──────────────────── verified ─┘"},
		{40, "anna", func(m *call.Member) { m.Mark = trust.New }, "└─ anna ───────────────────────── new ─┘"},
		{40, "anna", func(m *call.Member) { m.Mark, m.Muted = trust.New, true }, "└─ anna ────────────────── new  muted ─┘"},
		{40, long, func(m *call.Member) { m.Mark = trust.New }, "└─ Johann Gambolputty de von Au ─ new ─┘"},
		{40, long, func(m *call.Member) { m.Mark, m.Muted = trust.New, true }, "└─ Johann Gambolputty d ── new  muted ─┘"},
		{40, long, func(m *call.Member) { m.Mark, m.Muted, m.Differs = trust.New, true, true }, "└─ Johann Gambolp ── new  sees others ─┘"},
		{20, long, func(m *call.Member) { m.Mark = trust.New }, "└─ Johann G ─ new ─┘"},
		{40, "anna", func(m *call.Member) { m.Mark = trust.Changed }, "└─ anna ─────────────────── other key ─┘"},
		{40, "anna", func(m *call.Member) { m.Mark, m.Differs = trust.Changed, true }, "└─ anna ────── sees others  other key ─┘"},
		{40, "anna", func(m *call.Member) { m.Differs = true }, "└─ anna ───────────────── sees others ─┘"},
		{40, "anna ───── verified", func(m *call.Member) { m.Mark = trust.New }, "└─ anna verified ──────────────── new ─┘"},
		{20, "日本語の名前", func(m *call.Member) { m.Muted = true }, "└─ 日本語 ─ muted ─┘"},
	} {
		e := newEngine(1)
		m := &e.state.Members[0]
		m.Name, m.Speaking = tt.name, false
		tt.change(m)
		onScreen(t, Config{Engine: e, Look: ascii.LookRamp}, tt.w, 12, func(t *testing.T, s *simScreen) {
			s.press("s")
			if got := strings.Split(s.text(), "\n")[10]; got != tt.want {
				t.Errorf("%+v makes\n%s, want\n%s", *m, got, tt.want)
			}
		})
	}
}

// TestPictures checks when a member's picture is shown and when a card is.
func TestPictures(t *testing.T) {
	e := newEngine(1)
	e.pictures[10] = nil
	onScreen(t, Config{Engine: e, Look: ascii.LookHalf}, 80, 24, func(t *testing.T, s *simScreen) {
		s.press("s") // only the other
		has := func(what string, want bool) {
			t.Helper()
			pass(2 * idleEvery)
			if got := s.text(); strings.Contains(got, what) != want {
				t.Errorf("%q is on the screen: %v, want %v:\n%s", what, !want, want, got)
			}
		}
		const card = "waiting for the picture"
		has(card, true)
		e.change(func() { e.pictures[10] = drawnFace(1) })
		has(card, false)
		has("▀", true)
		s.SetSize(100, 30) // still there without a new picture
		has("▀", true)
		e.change(func() { e.state.Members[0].Camera = false })
		has("camera off", true)
		has("▀", false)
		e.change(func() { e.state.Members[0].Camera = true })
		has(card, true) // not the picture from before
		e.change(func() { e.pictures[10] = drawnFace(2) })
		has("▀", true)
		e.change(func() { e.state.Members[0].Camera = false })
		has("camera off", true)
		has("▀", false)
		e.change(func() { e.state.Members[0].Camera, e.pictures[10] = true, drawnFace(3) })
		has("▀", true)
		e.change(func() { e.state.Members[0].Name = "eve" })
		has(card, true) // another person in the same slot
		has("anna", false)
		e.change(func() { e.state.Members[0].Present = false })
		has("joining", true)
		has("1 here", true)
		has("end-to-end", false) // nobody is at the other end yet
	})
}

// TestFrozen checks that a picture of somebody who is silent does not pass for
// a live one, on the smallest tile either.
func TestFrozen(t *testing.T) {
	for _, size := range [][2]int{{20, 6}, {40, 12}, {80, 24}} {
		e := newEngine(1)
		onScreen(t, Config{Engine: e, Look: ascii.LookRamp}, size[0], size[1], func(t *testing.T, s *simScreen) {
			e.change(func() { e.state.Members[0].Silent = frozenAfter - 1 })
			sees(t, s, "frozen", false)
			e.change(func() { e.state.Members[0].Silent = frozenAfter })
			sees(t, s, "frozen", true)
			e.change(func() { e.state.Members[0].Silent = 0 })
			sees(t, s, "frozen", false)
		})
	}
}

// TestReconnecting checks that the picture of somebody whose connection is broken stays,
// darker, with a word on it, and is bright again as soon as they are
// back.
func TestReconnecting(t *testing.T) {
	for _, size := range [][2]int{{20, 6}, {40, 12}, {80, 24}} {
		e := newEngine(1)
		e.state.Members[0].Speaking = false
		onScreen(t, Config{Engine: e, Look: ascii.LookHalf}, size[0], size[1], func(t *testing.T, s *simScreen) {
			s.press("s")
			pass(2 * answerTime) // until no word covers the picture
			bright := s.brightness()
			e.change(func() { e.state.Members[0].Away, e.state.Members[0].Silent = true, awayToTell-1 })
			sees(t, s, "reconnecting", false)
			e.change(func() { e.state.Members[0].Silent = awayToTell })
			sees(t, s, "reconnecting", true)
			sees(t, s, "▀", true)
			if got := s.brightness(); got > bright*85/100 {
				t.Errorf("%d x %d: brightness %d of somebody away, %d before", size[0], size[1], got, bright)
			}
			e.change(func() { e.state.Members[0].Away, e.state.Members[0].Silent = false, 0 })
			sees(t, s, "reconnecting", false)
			if got := s.brightness(); got < bright*9/10 {
				t.Errorf("%d x %d: brightness %d of somebody back, %d before", size[0], size[1], got, bright)
			}
		})
	}
}

// TestTallPictures draws a picture of square pixels, of which each two rows are
// equal, and the same of pixels twice as high: a screen shows the same.
func TestTallPictures(t *testing.T) {
	const w, h, cols, rows = 80, 40, 40, 20
	var tall, square media.Frame
	tall.Resize(w, h, false)
	square.Resize(w, 2*h, false)
	for i := range tall.Y {
		tall.Y[i] = byte(i * i % 251)
		x, y := i%w, i/w
		square.Y[2*y*w+x], square.Y[(2*y+1)*w+x] = tall.Y[i], tall.Y[i]
	}
	tall.Tall = true
	for _, aspect := range []float64{0, 2} {
		var cells [2][cols * rows]ascii.Cell
		for i, f := range []*media.Frame{&tall, &square} {
			r := ascii.Renderer{Look: ascii.LookHalf}
			r.Render(cells[i][:], cols, rows, pixelAspect(aspect, f.Tall), &f.YCbCr)
		}
		differ := 0
		for i := range cells[0] {
			if cells[0][i] != cells[1][i] {
				differ++
			}
		}
		if differ > 0 {
			t.Errorf("aspect %v: %d of %d cells differ", aspect, differ, cols*rows)
		}
	}
	if got := pixelAspect(1.8, true); got != 0.9 {
		t.Errorf("a cell of 1.8 is %v tall pixels high, want 0.9", got)
	}
}
