package ui

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
)

// A focus is the member whom keys are for. It goes with the person, not with the
// place on the screen.
type focus struct {
	set   bool
	slot  uint16
	print hello.Fingerprint
}

// on reports whether m has the focus.
func (f *focus) on(m *call.Member) bool {
	return f.set && f.slot == m.Slot && f.print == m.Fingerprint
}

// give gives m the focus.
func (f *focus) give(m *call.Member) { *f = focus{true, m.Slot, m.Fingerprint} }

// errNobody says that a key is for somebody who has not been chosen.
var errNobody = errors.New("choose somebody first, with 1 to 9 or the arrows")

// focused returns the member whom keys are for, the only one if nobody has the
// focus.
func (v *callView) focused() (*call.Member, error) {
	members := v.state.Members
	i := slices.IndexFunc(members, func(m call.Member) bool { return v.focus.on(&m) })
	switch {
	case i >= 0:
		return &members[i], nil
	case len(members) == 1:
		return &members[0], nil
	case len(members) == 0:
		return nil, errors.New("nobody else is here yet")
	}
	return nil, errNobody
}

// choose pins the member of a number, from 1, or lets go of that one if it is
// pinned.
func (v *callView) choose(number int) {
	if number > len(v.state.Members) {
		return
	}
	v.pin(&v.state.Members[number-1])
}

// move moves the focus by so many members.
func (v *callView) move(by int) {
	members := v.state.Members
	if len(members) == 0 {
		return
	}
	i := slices.IndexFunc(members, func(m call.Member) bool { return v.focus.on(&m) })
	switch {
	case i >= 0:
		i = min(max(i+by, 0), len(members)-1)
	case len(v.layout.who) > 0:
		i = min(v.layout.who[0], len(members)-1)
	default:
		i = 0
	}
	v.focus.give(&members[i])
	v.page = v.layout.pageOf(i, v.page)
}

// labelOf returns the name of a member as the tile has it: with a number where
// there are more, and between marks for the one with the focus.
func (v *callView) labelOf(i int) string {
	name := v.tiles[v.state.Members[i].Slot].name
	if len(v.state.Members) > 1 {
		name = strconv.Itoa(i+1) + " " + name
	}
	if v.focus.on(&v.state.Members[i]) {
		name = ">" + name + "<"
	}
	return name
}

// reactions are those that have a number in the menu.
var reactions = [...]string{"+1", "haha", "wow", "thanks", "?"}

// reactionTime is for how long a reaction is shown over a picture.
const reactionTime = 4 * time.Second

// reactionHints returns the menu of reactions.
func reactionHints(items []item) []item {
	for i, r := range reactions {
		items = append(items, item{key: strconv.Itoa(i + 1), text: r, style: styleBar, rank: 3 + i})
	}
	return append(items, item{key: "Esc", text: "none", style: styleBar, rank: 2})
}

// react shows everybody a reaction.
func (v *callView) react(number int, now time.Time) {
	v.reacting = false
	if number >= 1 && number <= len(reactions) {
		v.complain(v.engine.React(reactions[number-1]), now)
	}
}

// showReaction shows what a member has reacted with, over the picture.
func (v *callView) showReaction(n call.Notice, now time.Time) {
	t := v.tiles[n.Slot]
	if self := &v.state.Self; n.Slot == self.Slot && n.Fingerprint == self.Fingerprint {
		t = &v.self
	}
	if t != nil {
		t.reaction, t.reacted = text.Clean(n.Text, 16), now
	}
}

// silence has the focused member not be heard here, or be heard again.
func (v *callView) silence(now time.Time) error {
	m, err := v.focused()
	if err != nil {
		return err
	}
	m.MutedHere = !m.MutedHere
	if !v.engine.SetMemberMuted(m.Slot, m.MutedHere) {
		return nil
	}
	answer := cleanName(m.Name) + " is heard here again"
	if m.MutedHere {
		answer = cleanName(m.Name) + " is not heard here: M to hear them"
	}
	v.notes.add(answer, false, now.Add(answerTime))
	return nil
}

// focusCommands returns the commands that are for one member, and those that
// others see of oneself.
func focusCommands() []command {
	several := func(v *callView) bool { return len(v.state.Members) > 1 }
	someone := func(v *callView) bool { return len(v.state.Members) > 0 }
	volume := func(db float64) func(*callView, *terminal, string, time.Time) error {
		return func(v *callView, _ *terminal, _ string, now time.Time) error {
			m, err := v.focused()
			if err == nil {
				v.setVolume(m, db, now)
			}
			return err
		}
	}
	moves := func(by int) func(*callView, *terminal, string, time.Time) error {
		return func(v *callView, _ *terminal, _ string, _ time.Time) error { v.move(by); return nil }
	}
	commands := []command{
		{keys: []string{"Left", "Up"}, help: "choose the one before", when: several, run: moves(-1)},
		{keys: []string{"Right", "Down"}, help: "choose the next one", when: several, run: moves(1)},
		{keys: []string{"0"}, help: "choose nobody; the grid", when: several, run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
			v.focus, v.stage.pinned, v.stage.mode = focus{}, focus{}, modeGrid
			return nil
		}},
		{keys: []string{"+", "="}, help: "louder here", when: someone, run: volume(volumeStep)},
		{keys: []string{"-"}, help: "quieter here", when: someone, run: volume(-volumeStep)},
		{keys: []string{"M"}, help: "not heard here, or again", when: someone, run: func(v *callView, _ *terminal, _ string, now time.Time) error {
			return v.silence(now)
		}},
		{keys: []string{"d"}, help: "hear nobody, or again", run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
			v.engine.SetDeafened(!v.engine.Deafened())
			return nil
		}},
		{keys: []string{"h"}, help: "raise your hand, or lower it", run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
			v.engine.SetHand(!v.engine.Hand())
			return nil
		}},
		{keys: []string{"e"}, help: "react, with 1 to 5", run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
			v.reacting = true
			return nil
		}},
	}
	for n := 1; n <= 9; n++ {
		words := ""
		if n == 1 {
			words = "pin number 1, and so on to 9"
		}
		commands = append(commands, command{
			keys: []string{strconv.Itoa(n)}, help: words,
			when: func(v *callView) bool { return len(v.state.Members) > 1 && len(v.state.Members) >= n },
			run:  func(v *callView, _ *terminal, _ string, _ time.Time) error { v.choose(n); return nil },
		})
	}
	return commands
}

// handOrder returns as how many-th a member's hand went up, from 1, or 0.
func (v *callView) handOrder(m *call.Member) int {
	if !m.Hand {
		return 0
	}
	n := 1
	for i := range v.state.Members {
		if o := &v.state.Members[i]; o.Hand && o.HandAt.Before(m.HandAt) {
			n++
		}
	}
	return n
}

// figures returns what is known of how a member is received, or "".
func (v *callView) figures(m *call.Member) string {
	var parts []string
	if n := v.handOrder(m); n > 0 {
		parts = append(parts, fmt.Sprintf("hand %d", n))
	}
	if m.MutedHere {
		parts = append(parts, "not heard here")
	}
	if m.Down > 0 {
		parts = append(parts, rate(m.Down)+" kB/s", fmt.Sprintf("loss %.0f%%", 100*m.Loss))
	}
	if m.Width > 0 {
		parts = append(parts, fmt.Sprintf("%dx%d at %.0f fps", m.Width, m.Height, m.FPS))
	}
	if m.Voice > 0 {
		parts = append(parts, "voice "+roundTrip(m.Voice))
	}
	return strings.Join(parts, ", ")
}
