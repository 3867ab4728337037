package ui

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/call"
)

// A mouse is something that the person did with it: the wheel was turned, or the
// first button pressed.
type mouse struct {
	x, y  int
	wheel int // 1 is up, -1 is down, 0 is the button
}

// A pointer makes of what tcell says of the mouse, which is what is held, what
// the person did with it.
type pointer struct{ down bool }

// take returns what was done, if anything was.
func (p *pointer) take(ev *tcell.EventMouse) (m mouse, ok bool) {
	m.x, m.y = ev.Position()
	b := ev.Buttons()
	was := p.down
	p.down = b&tcell.Button1 != 0
	switch {
	case b&tcell.WheelUp != 0:
		m.wheel = 1
	case b&tcell.WheelDown != 0:
		m.wheel = -1
	case !p.down || was:
		return mouse{}, false
	}
	return m, true
}

// setMouse has the terminal tell of the mouse, or keep it to itself, for marking
// text.
func (t *terminal) setMouse(on bool) {
	if t.mouseOn = on; on {
		t.screen.EnableMouse(tcell.MouseButtonEvents)
	} else {
		t.screen.DisableMouse()
	}
}

// A hit is a part of the screen that stands for a key.
type hit struct {
	at  rect
	key string
}

// addHit has a part of the screen stand for a key. Names of more than one key
// stand for none.
func (t *terminal) addHit(r rect, key string) {
	if keyEvent(key) != nil {
		t.hits = append(t.hits, hit{r, key})
	}
}

// hitAt returns the key that a place on the screen stands for, or nil.
func (t *terminal) hitAt(x, y int) *tcell.EventKey {
	for _, h := range slices.Backward(t.hits) { // the last one is on top
		if h.at.has(x, y) {
			return keyEvent(h.key)
		}
	}
	return nil
}

// keyEvent returns the key that keyName has a name for, or nil.
func keyEvent(name string) *tcell.EventKey {
	switch name {
	case "Esc":
		return tcell.NewEventKey(tcell.KeyEscape, 0, tcell.ModNone)
	case "Tab":
		return tcell.NewEventKey(tcell.KeyTab, 0, tcell.ModNone)
	case "Space":
		return tcell.NewEventKey(tcell.KeyRune, ' ', tcell.ModNone)
	}
	if r, size := utf8.DecodeRuneInString(name); size > 0 && size == len(name) {
		return tcell.NewEventKey(tcell.KeyRune, r, tcell.ModNone)
	}
	return nil
}

// doubleClick is how far apart the two halves of a double click may be.
const doubleClick = 400 * time.Millisecond

// A click is where the person clicked last.
type click struct {
	whom focus
	at   time.Time
}

// mouse does what the mouse did: a hint that is clicked is its key, a member who
// is clicked has the focus, and is pinned by a double click; the wheel is the
// volume of who is under it, or turns what is open.
func (v *callView) mouse(m mouse, t *terminal, now time.Time) (leave bool) {
	if k := t.hitAt(m.x, m.y); k != nil && m.wheel == 0 {
		return v.key(k, t, now)
	}
	who := v.under(m.x, m.y)
	switch {
	case v.help.open:
		if m.wheel != 0 {
			v.help.scroll(-m.wheel)
		}
	case v.looksMenu.open:
		v.looksMenu.move(-m.wheel, t)
	case v.people.open:
		v.people.choose(v.state.Members, v.people.index(v.state.Members)-m.wheel)
	case v.invite.open:
	case v.chat.open && who == nil:
		v.chat.scroll(m.wheel)
	case v.palette.open || v.reacting || who == nil:
	case m.wheel != 0:
		v.setVolume(who, float64(m.wheel*volumeStep), now)
	case v.clicked.whom.on(who) && now.Sub(v.clicked.at) < doubleClick:
		v.clicked = click{}
		v.pin(who)
	default:
		v.focus.give(who)
		v.clicked = click{v.focus, now}
	}
	return v.leaving
}

// under returns the member whose tile is at a place of the screen, or nil.
func (v *callView) under(x, y int) *call.Member {
	if v.layout.corner.has(x, y) {
		return nil
	}
	if i := v.layout.at(x, y); i >= 0 && i < len(v.state.Members) {
		return &v.state.Members[i]
	}
	return nil
}

// mouseCommands returns the command that gives the mouse to the terminal.
func mouseCommands() []command {
	return []command{{
		name: "mouse", args: "on|off", help: "off: mark text with it",
		run: func(_ *callView, t *terminal, args string, _ time.Time) error {
			if args != "on" && args != "off" {
				return errUsage
			}
			t.setMouse(args == "on")
			return nil
		},
	}}
}
