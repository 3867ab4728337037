package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/internal/text"
)

// Settings are what a person chooses on the screen and wants again the next time.
// The zero one is how it is at first. Names that are not known are as "".
type Settings struct {
	Theme   string // one of Themes; "" is auto
	Layout  string // "grid", "speaker" or "strip"; "" is grid
	Fit     bool   // pictures are shown whole
	Corner  int    // of the own picture in a call of two, from 0, the lower right, clockwise to 3
	NoBars  bool   // the bars are hidden
	NoMouse bool   // the mouse is for the terminal
}

// Of what borders are made.
const (
	BordersASCII   = "ascii"
	BordersUnicode = "unicode"
)

// keeps has what the person has changed be remembered.
func (v *callView) keeps(t *terminal) {
	now := Settings{Theme: v.settings.Theme, Layout: v.stage.mode.String(), Fit: t.fit, Corner: v.corner, NoBars: v.bare, NoMouse: !t.mouseOn}
	if now != v.settings && v.keep != nil {
		v.keep(now)
	}
	v.settings = now
}

// restore takes what was remembered.
func (v *callView) restore(s Settings) {
	v.settings = s
	v.stage.mode = mode(max(slices.Index(modeNames[:], s.Layout), 0))
	v.corner = min(max(s.Corner, 0), corners-1)
	if v.bare = s.NoBars; v.bare {
		v.notes.replace("b brings the bars back", time.Now().Add(answerTime))
	}
	v.settings.Layout, v.settings.Corner = v.stage.mode.String(), v.corner
}

// setTheme changes the colours of everything but pictures.
func (t *terminal) setTheme(name string) error {
	if !ThemeKnown(name) {
		return fmt.Errorf("there is no theme %q: type %s", text.Clean(name, 40), strings.Join(Themes[:], ", "))
	}
	d := depthOf(t.screen.Colors())
	t.theme = newTheme(name, d, t.info.Light)
	t.screen.SetStyle(t.theme[stylePlain])
	t.reset()
	switch {
	case d == depthMono && name != "mono" && name != "auto":
		return errors.New("this terminal has no colours, or NO_COLOR is set: the theme stays mono")
	case d == depthANSI && name != "mono" && name != "auto" && name != "terminal16":
		return errors.New("this terminal has its own 16 colours alone: the theme stays terminal16")
	}
	return nil
}

// themeCommands returns the command that changes the theme.
func themeCommands() []command {
	return []command{{
		name: "theme", args: strings.Join(Themes[:], "|"), help: "other colours of the screen",
		run: func(v *callView, t *terminal, args string, now time.Time) error {
			if err := t.setTheme(args); err != nil {
				return err
			}
			v.settings.Theme = args
			if v.keep != nil {
				v.keep(v.settings)
			}
			v.notes.replace("theme: "+args, now.Add(answerTime))
			return nil
		},
	}}
}
