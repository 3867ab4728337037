package ui

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/media"
)

// A page is a Setup that runs on a screen.
type page struct {
	*simScreen
	ready bool
	ended chan error

	mu sync.Mutex

	// Guarded by mu.
	next     *media.Frame
	level    float64
	speaking bool
	status   []string
}

// has gives the page a picture, nil for none that is new, the level of a voice, and
// lines of what is wrong.
func (p *page) has(next *media.Frame, level float64, speaking bool, status ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next, p.level, p.speaking, p.status = next, level, speaking, status
}

func (p *page) picture() *media.Frame {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.next
	p.next = nil
	return f
}

func (p *page) voice() (level float64, speaking bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.level, p.speaking
}

func (p *page) wrong() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// onPage runs do on the page before a call, of w x h cells.
func onPage(ctx context.Context, t *testing.T, w, h int, do func(*testing.T, *page)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &page{simScreen: newSim(w, h), level: silence, ended: make(chan error, 1)}
		go func() {
			ready, err := Setup(ctx, MirrorConfig{
				Pictures: p.picture,
				Level:    p.voice,
				Status:   p.wrong,
				Look:     ascii.LookRamp,
				Theme:    "light",
				Screen:   p.simScreen,
			})
			p.ready = ready
			p.ended <- err
		}()
		pass(time.Second)
		do(t, p)
	})
}

// ends checks how the page ended.
func (p *page) ends(t *testing.T, ready bool, want error) {
	t.Helper()
	if err := <-p.ended; !errors.Is(err, want) || p.ready != ready || p.finis != 1 {
		t.Errorf("Setup = %v, %v, want %v, %v; the screen was finished %d times", p.ready, err, ready, want, p.finis)
	}
}

// TestSetup checks what the page before the first call shows, and that Enter goes on.
func TestSetup(t *testing.T) {
	onPage(context.Background(), t, 80, 24, func(t *testing.T, p *page) {
		p.has(nil, silence, false, "no camera: plug one in\x1b[2J", "no speaker: name one with --speaker")
		sees(t, p.simScreen, "no picture", true)
		sees(t, p.simScreen, "microphone: no sound", true)
		sees(t, p.simScreen, "no camera: plug one in[2J", true)
		sees(t, p.simScreen, "no speaker: name one with --speaker", true)
		p.has(drawnFace(3), -20, true)
		sees(t, p.simScreen, "no picture", false)
		sees(t, p.simScreen, "you are heard", true)
		sees(t, p.simScreen, "nothing is sent before Enter", true)
		golden(t, "80x24-setup", p.text())
		full := strings.Count(p.text(), "█")
		p.has(nil, -50, false)
		sees(t, p.simScreen, "microphone: speak", true)
		if n := strings.Count(p.text(), "█"); n == 0 || n >= full {
			t.Errorf("the bar has %d cells at -50 dB and %d at -20", n, full)
		}
		st, _ := p.styleOf("join the call")
		if _, bg, _ := st.Decompose(); bg != tcell.NewHexColor(lightPalette.bar) {
			t.Errorf("the bar is %06x, want that of the theme", bg.Hex())
		}
		p.press("r")
		sees(t, p.simScreen, "look classic", true)
		p.press("]")
		sees(t, p.simScreen, "contrast +1", true)
		p.press("?")
		sees(t, p.simScreen, "go on to the call", true)
		p.key(tcell.KeyEnter) // ends the help alone
		sees(t, p.simScreen, "go on to the call", false)
		p.key(tcell.KeyEnter)
		p.ends(t, true, nil)
	})
}

// TestSetupLeft checks that who leaves the page does not join.
func TestSetupLeft(t *testing.T) {
	onPage(context.Background(), t, 80, 24, func(t *testing.T, p *page) {
		p.press("q")
		p.ends(t, false, nil)
	})
	onPage(context.Background(), t, 80, 24, func(t *testing.T, p *page) {
		p.key(tcell.KeyCtrlC)
		p.ends(t, false, nil)
	})
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	onPage(ctx, t, 80, 24, func(t *testing.T, p *page) { p.ends(t, false, cause) })
}

// TestSetupSizes checks that the page has room for what goes on, whatever the size.
func TestSetupSizes(t *testing.T) {
	onPage(context.Background(), t, 80, 24, func(t *testing.T, p *page) {
		p.has(nil, -30, false, "a", "b", "c", "d", "e", "f", "g", "h")
		for w := 1; w <= 60; w += 3 {
			for h := 1; h <= 20; h++ {
				p.SetSize(w, h)
				pass(time.Second)
				if got := p.text(); w >= 14 && !strings.Contains(got, "Enter") {
					t.Errorf("%dx%d does not say how to go on:\n%s", w, h, got)
				}
			}
		}
		p.press("q")
		p.ends(t, false, nil)
	})
}
