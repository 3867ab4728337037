package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
)

// A mode is how the tiles of three or more people are laid out.
type mode int

const (
	modeGrid    mode = iota // all of one size
	modeSpeaker             // who speaks is large, over a strip of the others
	modeStrip               // a strip, and the rest of the terminal is free
	modes
)

var modeNames = [modes]string{"grid", "speaker", "strip"}

func (m mode) String() string { return modeNames[m] }

// stageTime is for how long somebody is large at least.
const stageTime = 2 * time.Second

// A stage is whose tile is large.
type stage struct {
	mode    mode
	pinned  focus // is large whatever the mode; set by the person
	speaker focus
	since   time.Time // when the speaker came on it
}

// update has somebody on the stage who speaks: the one who is there, or the
// first of the others, but nobody goes before their time.
func (s *stage) update(members []call.Member, now time.Time) {
	loud := -1
	there := false
	for i := range members {
		m := &members[i]
		speaks := m.Speaking && m.Present && !m.Muted
		if s.speaker.on(m) {
			if there = true; speaks {
				return
			}
		} else if speaks && loud < 0 {
			loud = i
		}
	}
	switch {
	case len(members) == 0:
		s.speaker = focus{}
		return
	case there && (loud < 0 || now.Sub(s.since) < stageTime):
		return
	}
	s.speaker.give(&members[max(loud, 0)])
	s.since = now
}

// on returns who is large, or -1.
func (s *stage) on(members []call.Member) int {
	find := func(f *focus) int {
		return slices.IndexFunc(members, func(m call.Member) bool { return f.on(&m) })
	}
	if i := find(&s.pinned); i >= 0 {
		return i
	}
	s.pinned = focus{} // they left
	if s.mode == modeSpeaker {
		return find(&s.speaker)
	}
	return -1
}

// arrange says where the tiles are: with one other, who fills the area with
// oneself in a corner of it, and with more as the mode has it.
func (v *callView) arrange(area rect, now time.Time) {
	members := v.state.Members
	v.stage.update(members, now)
	main := v.stage.on(members)
	n := len(members)
	alone, pair := n == 0, n == 1
	if alone || !v.hideSelf && (!pair || v.stage.mode == modeStrip) {
		n++ // oneself, the last
	}
	switch {
	case v.stage.mode == modeStrip && main < 0:
		v.page = v.layout.arrangeStrip(area, n, v.page)
	case main >= 0 && !pair:
		v.page = v.layout.arrangeStage(area, n, main, v.page)
	default:
		v.page = v.layout.arrange(area, n, v.page)
		if pair && !v.hideSelf {
			v.layout.addCorner(area, v.corner)
		}
	}
}

// pin makes m large and has keys be for them, or no longer if that is so.
func (v *callView) pin(m *call.Member) {
	if v.stage.pinned.on(m) {
		v.stage.pinned, v.focus = focus{}, focus{}
		return
	}
	v.stage.pinned.give(m)
	v.focus.give(m)
}

// find returns the member that the person means: by number, name, or the
// beginning of the name of just one.
func (v *callView) find(who string) (*call.Member, error) {
	members := v.state.Members
	if n, err := strconv.Atoi(who); err == nil && n >= 1 && n <= len(members) {
		return &members[n-1], nil
	}
	who = strings.ToLower(who)
	var found *call.Member
	several := false
	for i := range members {
		switch name := strings.ToLower(v.tiles[members[i].Slot].name); {
		case name == who:
			return &members[i], nil
		case strings.HasPrefix(name, who):
			several = found != nil
			found = &members[i]
		}
	}
	switch {
	case several:
		return nil, fmt.Errorf("more than one name begins with %q: type their number", text.Clean(who, 40))
	case found == nil:
		return nil, fmt.Errorf("nobody here is called %q", text.Clean(who, 40))
	}
	return found, nil
}

// setMode changes the layout, and says so.
func (v *callView) setMode(m mode, now time.Time) {
	v.stage.mode, v.stage.pinned, v.page = m, focus{}, 0
	v.notes.replace("layout: "+m.String(), now.Add(answerTime))
}

// layoutCommands returns the commands that say where the tiles are.
func layoutCommands() []command {
	pair := func(v *callView) bool { return len(v.state.Members) == 1 && !v.hideSelf && v.stage.mode != modeStrip }
	return []command{
		{
			keys: []string{"g"}, help: "grid, speaker, or strip",
			run: func(v *callView, _ *terminal, _ string, now time.Time) error {
				v.setMode((v.stage.mode+1)%modes, now)
				return nil
			},
			hint: func(v *callView) (string, int) {
				if len(v.state.Members) < 2 {
					return "", 0
				}
				return "layout", 11
			},
		},
		{
			name: "layout", args: "grid|speaker|strip", help: "have the tiles laid out so",
			run: func(v *callView, _ *terminal, args string, now time.Time) error {
				i := slices.Index(modeNames[:], args)
				if i < 0 {
					return errUsage
				}
				v.setMode(mode(i), now)
				return nil
			},
		},
		{
			name: "pin", args: "WHO", help: "have somebody large",
			run: func(v *callView, _ *terminal, args string, _ time.Time) error {
				m, err := v.find(args)
				if err == nil && !v.stage.pinned.on(m) {
					v.pin(m)
				}
				return err
			},
		},
		{
			name: "unpin", help: "have nobody pinned",
			run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
				v.stage.pinned = focus{}
				return nil
			},
		},
		{
			keys: []string{"o"}, help: "your picture elsewhere", when: pair,
			run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
				v.corner = (v.corner + 1) % corners
				return nil
			},
		},
		{
			keys: []string{"f"}, help: "whole pictures, or filled",
			run: func(v *callView, t *terminal, _ string, now time.Time) error {
				v.setFit(t, !t.fit, now)
				return nil
			},
		},
		{name: "fit", help: "whole pictures", run: func(v *callView, t *terminal, _ string, now time.Time) error {
			v.setFit(t, true, now)
			return nil
		}},
		{name: "fill", help: "pictures that fill tiles", run: func(v *callView, t *terminal, _ string, now time.Time) error {
			v.setFit(t, false, now)
			return nil
		}},
		{
			keys: []string{"b"}, help: "without bars, or with them",
			run: func(v *callView, _ *terminal, _ string, now time.Time) error {
				if v.bare = !v.bare; v.bare {
					v.notes.replace("b brings the bars back", now.Add(answerTime))
				}
				return nil
			},
		},
	}
}

// setFit has whole pictures be shown, or pictures that fill their tiles.
func (v *callView) setFit(t *terminal, fit bool, now time.Time) {
	t.fit = fit
	answer := "pictures fill their tiles"
	if fit {
		answer = "pictures are shown whole"
	}
	v.notes.replace(answer, now.Add(answerTime))
}
