package ui

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/term"
)

// A view is what a terminal shows. The goroutine that paints calls it.
type view interface {
	// draw lays the view out on t's canvas and plane, which are blank.
	draw(t *terminal, now time.Time)

	// key handles a key and reports whether the person leaves.
	key(k *tcell.EventKey, t *terminal, now time.Time) (leave bool)

	// paste handles text that was pasted. It may be anything, and was cut if it
	// was longer than pasteMax.
	paste(s string, t *terminal, now time.Time)

	// mouse handles what was done with the mouse and reports whether the person
	// leaves.
	mouse(m mouse, t *terminal, now time.Time) (leave bool)

	// hide says that nothing of the view is on the screen until it is drawn
	// again.
	hide()
}

// A releaser is a view that wants to know when Space was let go, which few
// terminals tell.
type releaser interface{ spaceUp(now time.Time) }

// typed is what poll passes on: a key, something done with the mouse, or what was
// pasted if both are nil.
type typed struct {
	key   *tcell.EventKey
	mouse *mouse
	text  string
}

// pasteMax is how many bytes of a paste are kept: more than any line holds, so
// that its view sees that it does not.
const pasteMax = 4096

// How often a view is painted, if rungs do not say so: keys show at once.
const (
	idleEvery = 125 * time.Millisecond // at least, for clocks and meters
	slowest   = time.Second            // at least, on a terminal that takes its time

	// awayFPS is how many pictures a second somebody is sent at most who looks
	// elsewhere, if what is sent has far to go.
	awayFPS = 5
)

// keysLen is how many keys may wait: more than fingers press while one frame
// is painted. When it is full the newest are lost.
const keysLen = 64

// A terminal is a screen with a view on it.
type terminal struct {
	// Set by open.
	screen  tcell.Screen
	gate    *gate     // of the screen's input; nil if it has none
	tty     tcell.Tty // to write pictures to; nil where they go through screen
	theme   *theme
	chars   *charset
	info    term.Info // what is known of it, less what cannot be
	keys    chan typed
	resized chan struct{}
	broken  chan error
	closed  chan struct{}
	poller  sync.WaitGroup
	asked   <-chan Request
	obey    func(line string, t *terminal, now time.Time) (leave bool, err error)
	stop    func() error // stops the process until it is continued; nil where that is unknown

	// Updated by any goroutine.
	away atomic.Bool // the person looks elsewhere

	// Owned by the goroutine that paints.
	w, h    int     // of the screen, in cells
	aspect  float64 // height of a cell over its width
	canvas  canvas
	plane   plane
	looks   looks
	hits    []hit        // of what is on the screen
	deepest ascii.Colors // as many colours as pictures can have
	mouseOn bool         // it is for this program
	fit     bool         // pictures are whole, rather than filling their tiles
	ladder  ladder
	budget  budget
	cursor  cell // where the view wants the cursor
	shown   cell // where it is
	buf     []byte
	sent    int64 // bytes that were written to a screen without a gate
	counted int64 // how many of all bytes the budget has been told of
	pending bool  // there was no room for all of the last frame
}

// A setup is what a terminal is opened with.
type setup struct {
	screen   tcell.Screen // nil means the terminal of this process
	info     term.Info
	pictures pictures
	settings Settings
	borders  string
	mouse    bool // it is for this program
	rate     int  // bytes a second that are written at most; 0 means any number

	requests <-chan Request // commands from elsewhere; may be nil
	obey     func(line string, t *terminal, now time.Time) (leave bool, err error)
}

// A cell is a place on the screen.
type cell struct{ x, y int }

// nowhere is where a cursor is that is not shown.
var nowhere = cell{-1, -1}

// show puts v on a screen until the person leaves, with nil, or ctx is done,
// with its cause.
func show(ctx context.Context, c setup, v view, changed <-chan struct{}) error {
	var g *gate
	if c.screen == nil {
		tty, err := tcell.NewDevTty()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrTerminal, err)
		}
		g = newGate(tty)
		if c.screen, err = tcell.NewTerminfoScreenFromTty(g); err != nil {
			return fmt.Errorf("%w: %w", ErrTerminal, err)
		}
	}
	t, err := open(c, g)
	if err != nil {
		return err
	}
	defer t.close()
	return t.loop(ctx, v, changed)
}

// open takes the screen and starts to read its events. g is the gate of its
// input, or nil if it has none.
func open(c setup, g *gate) (*terminal, error) {
	screen := c.screen
	if err := screen.Init(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTerminal, err)
	}
	if g != nil && screen.CharacterSet() != "UTF-8" {
		g.raw.Store(true)
	}
	t := &terminal{
		screen:  screen,
		gate:    g,
		keys:    make(chan typed, keysLen),
		resized: make(chan struct{}, 1),
		broken:  make(chan error, 1),
		closed:  make(chan struct{}),
		asked:   c.requests,
		obey:    c.obey,
		stop:    stopper,
		shown:   nowhere,
		budget:  budget{rate: c.rate},
	}
	var blocks bool
	t.chars, blocks = charsetOf(screen)
	if c.borders == BordersASCII {
		t.chars = &asciiCharset
	}
	t.info = known(c.info, screen.Colors(), blocks)
	t.theme = newTheme(c.settings.Theme, depthOf(screen.Colors()), t.info.Light)
	t.fit = c.settings.Fit
	t.deepest = t.info.Colors
	t.looks = newLooks(t.info, c.pictures, blocks)
	t.ladder = ladder{colors: t.info.Colors, rate: c.rate}
	if tty, ok := screen.Tty(); ok {
		t.tty = tty
	}
	t.askReleases()
	screen.SetStyle(t.theme[stylePlain])
	screen.HideCursor()
	screen.EnablePaste() // so that what is pasted is not taken for keys
	if t.info.Remote {
		screen.EnableFocus()
	}
	if c.mouse && !c.settings.NoMouse {
		t.setMouse(true)
	}
	t.poller.Go(t.poll)
	t.reset()
	return t, nil
}

// close gives the terminal back as it was and waits for poll to end.
func (t *terminal) close() {
	if t.gate != nil {
		t.gate.hold()
	}
	t.screen.Fini()
	close(t.closed)
	t.poller.Wait()
}

// askReleases asks the terminal to tell when keys are let go, if it can.
func (t *terminal) askReleases() {
	if t.gate == nil || !saysReleases(t.info.Name) {
		return
	}
	t.gate.events.Store(true)
	_, _ = t.gate.Write([]byte(askReleases)) // what is drawn next fails likewise
}

// drainEvery is how often poll looks for events while the screen is closed.
const drainEvery = 5 * time.Millisecond

// poll passes events on until the screen is closed. It never waits for the
// goroutine that paints: tcell posts events with its lock held.
func (t *terminal) poll() {
	pasting := false
	var pasted []byte
	var at pointer
	for {
		switch ev := t.screen.PollEvent().(type) {
		case nil:
			t.drain()
			return
		case *tcell.EventPaste:
			if pasting = ev.Start(); !pasting && len(pasted) > 0 {
				t.pass(typed{text: string(pasted)})
			}
			pasted = pasted[:0]
		case *tcell.EventKey:
			if pasting && ev.Key() != tcell.KeyCtrlC {
				pasted = appendPasted(pasted, ev)
			} else {
				t.pass(typed{key: ev})
			}
		case *tcell.EventMouse:
			if m, ok := at.take(ev); ok {
				t.pass(typed{mouse: &m})
			}
		case *tcell.EventFocus:
			t.away.Store(!ev.Focused)
		case *tcell.EventResize:
			select {
			case t.resized <- struct{}{}:
			default:
			}
		case *tcell.EventError:
			select {
			case t.broken <- fmt.Errorf("read terminal: %w", ev):
			default:
			}
		}
	}
}

// pass passes on what was typed, if there is room.
func (t *terminal) pass(in typed) {
	select {
	case t.keys <- in:
	default:
	}
}

// appendPasted appends the character that was pasted as a key, if there is room.
func appendPasted(b []byte, k *tcell.EventKey) []byte {
	r := k.Rune()
	switch k.Key() {
	case tcell.KeyRune:
	case tcell.KeyEnter, tcell.KeyLF, tcell.KeyTab:
		r = ' '
	default:
		return b
	}
	if len(b)+utf8.RuneLen(r) > pasteMax {
		return b
	}
	return utf8.AppendRune(b, r)
}

// drain takes what is still posted while tcell ends: its reader would wait for
// room for ever, and Fini for its reader.
func (t *terminal) drain() {
	tick := time.NewTicker(drainEvery)
	defer tick.Stop()
	for {
		for t.screen.HasPendingEvent() {
			t.screen.PollEvent()
		}
		select {
		case <-t.closed:
			return
		case <-tick.C:
		}
	}
}

// loop paints v whenever it changed, but not too often, and hands it keys.
func (t *terminal) loop(ctx context.Context, v view, changed <-chan struct{}) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time // when the last frame was begun; zero when one is due
	pace, dirty := t.every(), true
	for {
		due := last.Add(pace)
		if !dirty {
			due = last.Add(max(pace, idleEvery))
		}
		now := time.Now()
		if !now.Before(due) {
			if err := t.paint(v, now); err != nil {
				return err
			}
			// What takes long gets half of the time.
			pace = min(max(t.every(), 2*time.Since(now)), slowest)
			last, dirty = now, t.pending
			continue
		}
		timer.Reset(due.Sub(now))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-t.broken:
			return err
		case <-timer.C:
		case <-changed:
			dirty = true
		case <-t.resized:
			t.reset()
			dirty = true
		case r := <-t.asked:
			leave, err := t.obey(r.Line, t, time.Now())
			r.Done <- err
			if leave {
				return nil
			}
			last = time.Time{}
		case in := <-t.keys:
			leave, err := t.press(in, v)
			if leave || err != nil {
				return err
			}
			last = time.Time{}
		}
	}
}

// press handles what was typed, and what waits behind it.
func (t *terminal) press(in typed, v view) (leave bool, err error) {
	t.away.Store(false) // whoever types looks
	for {
		switch k := in.key; {
		case in.mouse != nil:
			if v.mouse(*in.mouse, t, time.Now()) {
				return true, nil
			}
		case k == nil:
			v.paste(in.text, t, time.Now())
		case isSpaceUp(k):
			if r, ok := v.(releaser); ok {
				r.spaceUp(time.Now())
			}
		case k.Key() == tcell.KeyCtrlC:
			return true, nil
		case k.Key() == tcell.KeyCtrlL:
			t.reset()
		case k.Key() == tcell.KeyCtrlZ:
			if err := t.suspend(v); err != nil {
				return false, err
			}
		case v.key(k, t, time.Now()):
			return true, nil
		}
		select {
		case in = <-t.keys:
		default:
			return false, nil
		}
	}
}

// suspend stops the process, where the system can, until it is continued.
func (t *terminal) suspend(v view) error {
	if t.stop == nil {
		return nil
	}
	v.hide()
	if t.gate != nil {
		t.gate.hold()
	}
	if err := t.screen.Suspend(); err != nil {
		return fmt.Errorf("suspend terminal: %w", err)
	}
	stopErr := t.stop()
	if err := t.screen.Resume(); err != nil {
		return fmt.Errorf("resume terminal: %w", err)
	}
	t.askReleases()
	t.reset()
	if stopErr != nil {
		return fmt.Errorf("stop process: %w", stopErr)
	}
	return nil
}

// reset forgets what the screen shows and how large it is. Unlocking a cell
// makes tcell draw it again, so that all of the next frame is drawn, without
// clearing the screen before, which would be seen.
func (t *terminal) reset() {
	t.w, t.h = t.screen.Size()
	t.w, t.h = max(t.w, 0), max(t.h, 0)
	t.screen.LockRegion(0, 0, t.w, t.h, false)
	t.canvas.resize(t.w, t.h)
	t.plane.resize(t.w, t.h)
	t.aspect = t.cellAspect()
}

// cellAspect asks the terminal for the shape of a cell. It returns 0, which
// stands for the usual one, when the terminal does not know or cannot be right.
func (t *terminal) cellAspect() float64 {
	if t.tty == nil {
		return 0
	}
	s, err := t.tty.WindowSize()
	if err != nil || s.PixelWidth <= 0 || s.PixelHeight <= 0 || s.Width <= 0 || s.Height <= 0 {
		return 0
	}
	a := float64(s.PixelHeight) / float64(s.Height) * float64(s.Width) / float64(s.PixelWidth)
	if a < 1.2 || a > 3 {
		return 0
	}
	return a
}

// letter returns the letter or sign of a key, in lower case, or 0 for others.
func letter(k *tcell.EventKey) rune {
	if k.Key() != tcell.KeyRune || k.Modifiers()&(tcell.ModAlt|tcell.ModCtrl|tcell.ModMeta) != 0 {
		return 0
	}
	return unicode.ToLower(k.Rune())
}
