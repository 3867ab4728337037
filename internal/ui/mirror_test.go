package ui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/media"
)

func TestMirror(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(80, 24)
		var next *media.Frame
		level, speaking := -96.0, false
		changed := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			ended <- Mirror(t.Context(), MirrorConfig{
				Pictures: func() *media.Frame { f := next; next = nil; return f },
				Changed:  changed,
				Level:    func() (float64, bool) { return level, speaking },
				Status:   func() []string { return []string{"camera: /dev/video0\x1b[2J", "microphone: none"} },
				Look:     ascii.LookRamp,
				Screen:   s,
			})
		}()
		pass(time.Second)
		has := func(what string, want bool) {
			t.Helper()
			pass(time.Second)
			if got := s.text(); strings.Contains(got, what) != want {
				t.Errorf("%q is on the screen: %v, want %v:\n%s", what, !want, want, got)
			}
		}
		has("no picture", true)
		has("no sound", true)
		has("microphone: none", true)
		has("camera: /dev/video0[2J", true)
		next, level, speaking = drawnFace(3), -23, true
		changed <- struct{}{}
		has("no picture", false)
		has("mic -23 dB", true)
		has("look ramp", true)
		has("┏", true)
		golden(t, "80x24-mirror", s.text())
		for _, look := range []string{"classic", "auto (", "braille", "quadrant", "half"} {
			s.press("r")
			has("look "+look, true)
		}
		has("▀▀▀", true)
		has("contrast", false)
		s.press("]]")
		has("contrast +2", true)
		s.press("?")
		has("Esc closes", true)
		s.press("next")
		has("search: next", true)
		has("less or more contrast", false)
		s.key(tcell.KeyEscape)
		has("search: next", false)
		for _, size := range [][2]int{{1, 1}, {5, 2}, {20, 6}, {19, 30}, {400, 7}, {30, 10}} {
			s.SetSize(size[0], size[1])
			pass(time.Second)
		}
		s.press("q")
		if err := <-ended; err != nil || s.finis != 1 {
			t.Errorf("Mirror = %v, and the screen was finished %d times", err, s.finis)
		}
	})
}

// TestEmptyMirror checks that a mirror needs nothing, and ends with ctx.
func TestEmptyMirror(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		s := newSim(80, 24)
		ended := make(chan error, 1)
		go func() { ended <- Mirror(ctx, MirrorConfig{Screen: s}) }()
		pass(time.Second)
		if got := s.text(); !strings.Contains(got, "no picture") {
			t.Errorf("the screen is\n%s", got)
		}
		cancel(cause)
		if err := <-ended; !errors.Is(err, cause) {
			t.Errorf("Mirror = %v, want %v", err, cause)
		}
	})
}
