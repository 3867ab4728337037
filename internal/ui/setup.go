package ui

import (
	"context"
	"fmt"
	"time"

	"github.com/gdamore/tcell/v2"
)

// Setup shows what Mirror shows as a page before a call: the own picture, the level
// of the microphone, the look, and what is missing. It reports whether the person
// goes on to the call, and leaves the terminal as it was. The error is as Mirror's.
func Setup(ctx context.Context, c MirrorConfig) (ready bool, err error) {
	v := &setupView{mirrorView: mirrorView{cfg: c, help: help{lines: setupHelp}, self: tile{name: "you"}}}
	err = show(ctx, c.setup(), v, c.Changed)
	return v.ready, err
}

// setupHelp is the help of the page.
var setupHelp = []string{
	"Enter\tgo on to the call",
	"r\tnext look of the pictures",
	"[ ]\tless or more contrast",
	"q\tleave",
	"?\tthis help",
	"Ctrl-L\tdraw the screen again",
	"Ctrl-Z\tsuspend; fg comes back",
}

// A setupView is a mirror that ends in a call. The goroutine that paints owns it.
type setupView struct {
	mirrorView
	ready bool
}

func (v *setupView) key(k *tcell.EventKey, t *terminal, now time.Time) (leave bool) {
	if !v.help.open && (k.Key() == tcell.KeyEnter || k.Key() == tcell.KeyLF) {
		v.ready = true
		return true
	}
	return v.mirrorView.key(k, t, now)
}

func (v *setupView) draw(t *terminal, now time.Time) {
	v.update(now)
	dbfs, speaking := v.level(now)
	if t.w < minCols || t.h < minRows {
		v.help.open = false
		v.hide()
		if t.w > 0 && t.h > 0 {
			v.items = append(v.items[:0],
				item{key: "Enter", text: "join", style: styleBar, rank: 1},
				item{text: t.looks.String(), style: styleBar, rank: 2},
			)
			drawBar(t, 0, v.items)
		}
		return
	}
	// Below the picture, which keeps at least half of the height: the level, what
	// is wrong, and that nobody sees this.
	const alone = "only you see this: nothing is sent before Enter"
	lines := min(len(v.status)+2, (t.h-2)/2)
	area := rect{0, 1, t.w, t.h - 2 - lines}
	v.drawPicture(t, area, speaking)
	y := area.y + area.h
	drawLevel(t, y, dbfs, speaking)
	for i, s := range v.status[:min(len(v.status), max(lines-1, 0))] {
		t.canvas.text(1, y+1+i, t.w-2, s, styleState)
	}
	if lines == len(v.status)+2 {
		t.canvas.text(1, t.h-2, t.w-2, alone, styleName)
	}
	v.drawSetupBars(t)
	v.self.settle()
	v.help.draw(t, rect{0, 1, t.w, t.h - 2})
}

// drawLevel draws the level of the microphone into row y: a word, and a bar where
// there is room.
func drawLevel(t *terminal, y int, dbfs float64, speaking bool) {
	if dbfs <= silence {
		t.canvas.text(1, y, t.w-2, "microphone: no sound", styleState)
		return
	}
	words := "microphone: speak"
	if speaking {
		words = "microphone: you are heard"
	}
	const longest = len("microphone: you are heard")
	t.canvas.text(1, y, t.w-2, words, styleName)
	const gap = 2
	room := min(t.w-longest-1-2*gap, maxLevelBar)
	if room < 1 {
		return
	}
	const quietest = -60.0
	full := int(float64(room)*min(max(1-dbfs/quietest, 0), 1) + 0.5)
	for i := range room {
		s := t.chars.light.horizontal
		if i < full {
			s = t.chars.levels[len(t.chars.levels)-1]
		}
		t.canvas.put(1+longest+gap+i, y, s, styleSpeaker)
	}
}

// maxLevelBar is how many columns the bar of a level has at most.
const maxLevelBar = 40

func (v *setupView) drawSetupBars(t *terminal) {
	v.items = append(v.items[:0],
		item{text: "s2c before your first call", short: [2]string{"s2c"}, style: styleBarStrong, rank: 0},
		item{text: "look " + t.looks.String(), style: styleBar, rank: 1, right: true},
	)
	if c := t.looks.contrast; c != 0 {
		v.items = append(v.items, item{text: fmt.Sprintf("contrast %+d", c), style: styleBar, rank: 2, right: true})
	}
	drawBar(t, 0, v.items)
	v.items = append(v.items[:0],
		item{key: "Enter", text: "join the call", short: [2]string{"join"}, style: styleBarStrong, rank: 0},
		item{key: "r", text: "next look", style: styleBar, rank: 1},
		item{key: "[ ]", text: "contrast", style: styleBar, rank: 4},
		item{key: "?", text: "help", style: styleBar, rank: 3},
		item{key: "q", text: "leave", style: styleBar, rank: 2},
	)
	drawBar(t, t.h-1, v.items)
}
