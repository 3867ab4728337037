package ui

import (
	"slices"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/trust"
)

// A who tells one person under one name from others.
type who struct {
	fingerprint hello.Fingerprint
	name        string // clean
}

// An alarm warns of somebody with another key than before.
type alarm struct {
	who
	seen bool // among the members
	gone bool // and no more
}

// A door is what the screen has to say of those who come in: warnings of
// changed keys, and who knocks.
type door struct {
	alarms    []alarm      // the oldest first
	dismissed map[who]bool // members whose alarm was dismissed
	shown     *who         // whose alarm is on the screen, or nil

	knock call.Knock // the one that is shown
	since time.Time  // since when it is on the screen; zero while none is
}

// alarmsKept bounds the warnings of those who have left: anybody can come and
// go all the time.
const alarmsKept = 16

// raise adds an alarm, unless there is one of the same person already.
func (d *door) raise(w who) {
	delete(d.dismissed, w)
	if slices.ContainsFunc(d.alarms, func(a alarm) bool { return a.who == w }) {
		return
	}
	if len(d.alarms) >= alarmsKept {
		if i := slices.IndexFunc(d.alarms, func(a alarm) bool { return a.gone }); i >= 0 {
			d.alarms = slices.Delete(d.alarms, i, i+1)
		}
	}
	d.alarms = append(d.alarms, alarm{who: w})
}

// first returns the alarm to show, of somebody who is there if there is one,
// or nil.
func (d *door) first() *alarm {
	if len(d.alarms) == 0 {
		return nil
	}
	i := slices.IndexFunc(d.alarms, func(a alarm) bool { return !a.gone })
	return &d.alarms[max(i, 0)]
}

// dismiss removes an alarm: the person has been told.
func (d *door) dismiss(w who) {
	if d.dismissed == nil {
		d.dismissed = make(map[who]bool)
	}
	d.dismissed[w] = true
	d.alarms = slices.DeleteFunc(d.alarms, func(a alarm) bool { return a.who == w })
}

// removed removes the alarms of somebody who was sent away.
func (d *door) removed(f hello.Fingerprint) {
	for _, a := range slices.Clone(d.alarms) {
		if a.fingerprint == f {
			d.dismiss(a.who)
		}
	}
}

// update takes what is new from the state of a call. names are those of the
// tiles, by slot.
func (d *door) update(s *call.State, tiles map[uint16]*tile) {
	if s.Link.Phase != call.Joined { // nobody is there who could have left
		return
	}
	here := func(w who) *call.Member {
		for i := range s.Members {
			if m := &s.Members[i]; m.Fingerprint == w.fingerprint && tiles[m.Slot].name == w.name {
				return m
			}
		}
		return nil
	}
	for w := range d.dismissed {
		if m := here(w); m == nil || m.Mark != trust.Changed {
			delete(d.dismissed, w)
		}
	}
	for i := range s.Members {
		m := &s.Members[i]
		if w := (who{m.Fingerprint, tiles[m.Slot].name}); m.Mark == trust.Changed && !d.dismissed[w] {
			d.raise(w)
		}
	}
	d.alarms = slices.DeleteFunc(d.alarms, func(a alarm) bool {
		m := here(a.who)
		return m != nil && m.Mark != trust.Changed // verified
	})
	for i := range d.alarms {
		a := &d.alarms[i]
		there := here(a.who) != nil
		a.gone = a.seen && !there
		a.seen = a.seen || there
	}
}

// settle is for how long a knock is shown before a key counts: the key may have
// been meant for what was there before.
const settle = 500 * time.Millisecond

// knocks reports whether somebody still knocks.
func knocks(s *call.State, k *call.Knock) bool {
	return slices.ContainsFunc(s.Knocks, func(o call.Knock) bool {
		return o.Slot == k.Slot && o.Fingerprint == k.Fingerprint
	})
}

// pick keeps the knock that is shown while there is one, and else takes the
// first. It reports whether there is one to show.
func (d *door) pick(s *call.State) bool {
	if s.Link.Phase != call.Joined || len(s.Knocks) == 0 {
		d.since = time.Time{}
		return false
	}
	if d.since.IsZero() || !knocks(s, &d.knock) {
		d.knock, d.since = s.Knocks[0], time.Time{}
	}
	return true
}

// doorKey handles the keys for who knocks, and Esc for a warning. It reports
// whether the key was one of them.
func (v *callView) doorKey(k *tcell.EventKey, now time.Time) bool {
	d := &v.door
	if k.Key() == tcell.KeyEscape {
		if d.shown == nil {
			return false
		}
		d.dismiss(*d.shown)
		d.shown = nil
		return true
	}
	key := letter(k)
	if key != 'y' && key != 'n' || d.since.IsZero() {
		return false
	}
	if now.Sub(d.since) < settle {
		return true
	}
	name, ok := cleanName(d.knock.Name), false
	if d.knock.Name == "" {
		name = shortPrint(d.knock.Fingerprint)
	}
	// Another one may have come to the same slot since the screen was drawn.
	v.engine.State(&v.state)
	there := knocks(&v.state, &d.knock)
	answer := name + " is let in"
	switch {
	case key == 'n':
		answer = name + " is turned away"
		ok = there && v.engine.Deny(d.knock.Slot)
	case there:
		ok = v.engine.Admit(d.knock.Slot)
	}
	if !ok {
		answer = name + " waits no more"
	}
	v.notes.add(answer, false, now.Add(answerTime))
	d.since = time.Time{}
	return true
}

// doorBlocks returns the lines of the warning and of the knock for a screen of
// so many columns and rows.
func (v *callView) doorBlocks(cols, rows int) (warning, knock []string) {
	d := &v.door
	if a := d.first(); a != nil {
		warning = wrap(alarmText(a, len(d.alarms)-1), cols-2)
		warning = warning[:min(len(warning), max(rows/2, 1))]
	}
	if !d.pick(&v.state) {
		return warning, nil
	}
	width := cols - 4
	keys := []string{"y let in, n turn away", "y in, n away"}
	if v.chat.open {
		keys = []string{"Esc, then y let in, n turn away", "Esc: y in n away"}
	}
	s := knockText(&d.knock, len(v.state.Knocks)-1)
	if one := s + " - " + keys[0]; textWidth(one) <= width {
		return warning, []string{one}
	}
	if textWidth(keys[0]) > width {
		keys = keys[1:]
	}
	knock = wrap(s, width)
	knock = knock[:max(min(len(knock), rows-len(warning)-1), 0)]
	return warning, append(knock, text.Clean(keys[0], width))
}

// drawDoor draws them at the top of area and returns how many rows they take.
// A knock is in a box where there is room for one.
func (v *callView) drawDoor(t *terminal, area rect, now time.Time) int {
	warning, knock := v.doorBlocks(area.w, area.h)
	y := area.y
	v.door.shown = nil
	if a := v.door.first(); a != nil {
		shown := a.who
		v.door.shown = &shown
		drawBlock(t, area, y, warning, stylePillWarn)
		y += len(warning)
	}
	if len(knock) == 0 {
		return y - area.y
	}
	if v.door.since.IsZero() {
		v.door.since = now
	}
	if area.y+area.h-y >= len(knock)+8 {
		width := 0
		for _, l := range knock {
			width = max(width, textWidth(l)+4)
		}
		drawFrame(t, rect{area.x + (area.w-width)/2, y, width, len(knock) + 2}, "")
		drawBlock(t, area, y+1, knock, styleBox)
		return y + len(knock) + 2 - area.y
	}
	drawBlock(t, area, y, knock, stylePill)
	return y + len(knock) - area.y
}

// hideDoor says that nothing of the door is on the screen, so that no key is
// for it.
func (v *callView) hideDoor() { v.door.shown, v.door.since = nil, time.Time{} }
