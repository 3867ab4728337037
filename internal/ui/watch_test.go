package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/term"
)

// seen returns what the engine was told is on the screen, and how often it was
// told something since the last call of seen.
func (e *engine) seen() (s string, calls int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, v := range e.views {
		s += fmt.Sprintf("%d:%s ", v.Slot, viewText(v))
	}
	calls, e.watches = e.watches, 0
	return s + "self:" + viewText(e.ownView), calls
}

// viewText returns a view in few words.
func viewText(v call.View) string {
	if v.Width == 0 {
		return fmt.Sprintf("no@%d", v.FPS)
	}
	s := fmt.Sprintf("%dx%d@%d", v.Width, v.Height, v.FPS)
	if v.Colour {
		s += "c"
	}
	if v.Tall {
		s += "t"
	}
	return s
}

// TestWatch checks what the engine is told of the screen, and that it is told
// only when that changes.
func TestWatch(t *testing.T) {
	e := newEngine(2)
	onScreen(t, Config{Engine: e, Look: ascii.LookHalf}, 80, 24, func(t *testing.T, s *simScreen) {
		has := func(what, want string) {
			t.Helper()
			pass(2 * idleEvery)
			got, calls := e.seen()
			if got != want {
				t.Errorf("%s: seen are %s, want %s", what, got, want)
			}
			if calls > 10 { // a frame for each of the keys
				t.Errorf("%s: told %d times", what, calls)
			}
			pass(time.Second)
			if _, calls := e.seen(); calls > 0 {
				t.Errorf("%s: told again %d times", what, calls)
			}
		}
		has("three tiles", "10:38x18@30c 20:38x18@30c self:38x18@30c")
		s.press("s")
		has("oneself hidden", "10:38x40@30c 20:38x40@30c self:no@1")
		s.press("s")
		s.press("rrrrr") // letters, reverse, colour, ascii, ramp
		has("ramp", "10:38x9@30t 20:38x9@30t self:38x9@30t")
		s.press("rrrr") // classic, auto, braille, quadrant
		has("quadrants", "10:76x18@30ct 20:76x18@30ct self:76x18@30ct")
		s.press("?")
		has("behind the help", "10:76x18@30ct 20:76x18@30ct self:76x18@30ct")
		s.press("?")
		e.change(func() { e.state.Members[0].Camera = false })
		has("a camera off", "10:76x18@30ct 20:76x18@30ct self:76x18@30ct")
		e.change(func() { e.state.Members[0].Present = false })
		e.change(func() { e.state.Members[0].Camera = true })
		has("somebody who is joining", "10:76x18@30ct 20:76x18@30ct self:76x18@30ct")
		e.change(func() { e.state.Members[0].Present = true })
		s.SetSize(100, 30)
		has("another size", "10:96x24@30ct 20:96x24@30ct self:96x24@30ct")
		s.SetSize(19, 5)
		has("too small", "self:no@1")
		s.SetSize(80, 24)
		has("large again", "10:76x18@30ct 20:76x18@30ct self:76x18@30ct")
		e.change(func() { e.state.Members = e.state.Members[:1] })
		has("two", "10:156x40@30ct self:32x12@30ct")
		e.change(func() { e.state.Members = nil })
		has("alone", "self:156x40@30ct")
	})
}

// TestWatchAgain checks that the engine is told again of what has not changed
// when it has joined anew, which a new own slot shows.
func TestWatchAgain(t *testing.T) {
	e := newEngine(2)
	onScreen(t, Config{Engine: e, Look: ascii.LookHalf}, 80, 24, func(t *testing.T, _ *simScreen) {
		for _, slot := range []uint16{7, 7, 8} {
			before := e.state.Self.Slot
			e.change(func() { e.state.Self.Slot = slot })
			pass(2 * idleEvery)
			seen, calls := e.seen()
			if want := slot != before; calls > 0 != want || !strings.HasPrefix(seen, "10:38x18@30c") {
				t.Errorf("own slot %d after %d: told %d times, of %s; want told %v", slot, before, calls, seen, want)
			}
		}
	})
}

// TestWatchPages checks that who is on another page is not watched, and that an
// old picture of them does not pass for a new one.
func TestWatchPages(t *testing.T) {
	e := newEngine(12)
	onScreen(t, Config{Engine: e, Look: ascii.LookASCII}, 45, 15, func(t *testing.T, s *simScreen) {
		const card = "waiting"
		slots := func() (list []uint16) {
			pass(2 * idleEvery)
			e.change(func() {
				for _, v := range e.views {
					list = append(list, v.Slot)
				}
			})
			return list
		}
		if got := slots(); !slices.Equal(got, []uint16{10, 20, 30, 40}) {
			t.Errorf("on the first page are %v", got)
		}
		sees(t, s, card, false)
		s.key(tcell.KeyPgDn)
		if got := slots(); !slices.Equal(got, []uint16{50, 60, 70, 80}) {
			t.Errorf("on the second page are %v", got)
		}
		sees(t, s, card, true) // what was there is from before anybody looked
		e.change(func() {
			for slot := range e.pictures {
				e.pictures[slot] = drawnFace(1)
			}
		})
		sees(t, s, card, false)
		s.key(tcell.KeyPgUp)
		sees(t, s, card, true) // with a picture that came meanwhile
		e.change(func() {
			for slot := range e.pictures {
				e.pictures[slot] = drawnFace(2)
			}
		})
		sees(t, s, card, false)
	})
}

// TestAway checks that somebody who looks elsewhere is sent fewer pictures if
// the terminal is far away, and all of them after a key.
func TestAway(t *testing.T) {
	setTerm(t, true)
	for _, remote := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			e := newEngine(1)
			ctx, cancel := context.WithCancel(t.Context())
			v, ended := vtRun(ctx, t, Config{Engine: e, Look: ascii.LookHalf, Terminal: term.Info{Name: "test", Blocks: true, Remote: remote}})
			fps := func() (n int) {
				pass(time.Second)
				e.change(func() { n = e.views[0].FPS })
				return n
			}
			if got := fps(); got != 30 {
				t.Errorf("at first %d fps, want 30", got)
			}
			want := 30
			if remote {
				want = awayFPS
			}
			v.in <- []byte("\x1b[O")
			if got := fps(); got != want {
				t.Errorf("remote %v: %d fps where nobody looks, want %d", remote, got, want)
			}
			v.in <- []byte("\x1b[I")
			if got := fps(); got != 30 {
				t.Errorf("%d fps where somebody looks again, want 30", got)
			}
			v.in <- []byte("\x1b[O")
			pass(time.Second)
			v.in <- []byte("m")
			if got := fps(); got != 30 {
				t.Errorf("%d fps after a key, want 30", got)
			}
			cancel()
			<-ended
		})
	}
}

// TestMirrorWatch checks what the camera is told of the mirror.
func TestMirrorWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(80, 24)
		var told []string
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		var next *media.Frame
		go func() {
			ended <- Mirror(ctx, MirrorConfig{
				Pictures:  func() *media.Frame { f := next; next = nil; return f },
				WatchSelf: func(v call.View) { told = append(told, viewText(v)) },
				Screen:    s, Look: ascii.LookHalf,
			})
		}()
		pass(time.Second)
		s.press("r") // letters
		s.SetSize(10, 3)
		pass(time.Second)
		s.SetSize(100, 30)
		pass(time.Second)
		if got, want := strings.Join(told, " "), "78x40@30c 156x80@30c no@1 196x104@30c"; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
		cancel()
		<-ended
	})
}
