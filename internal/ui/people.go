package ui

import (
	"fmt"
	"slices"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/trust"
)

// people is the panel of who is there, with which keys.
type people struct {
	open     bool
	slot     uint16            // of the member who is selected
	print    hello.Fingerprint // likewise
	at       int               // where they were last, to stay near when they leave
	first    int               // the first row that is shown
	removing bool              // the person wants to remove the selected one
	asked    bool              // and it is on the screen whether to
	code     [4]string         // as it is on the screen
}

const (
	// The panel is never wider than this.
	panelCols = 84

	// Between the bars of a screen of fewer rows the panel is alone.
	panelAlone = 18
)

// show opens the panel.
func (p *people) show(members []call.Member) {
	p.open, p.removing, p.asked = true, false, false
	p.choose(members, p.index(members))
}

// index returns which of the members is selected, or -1 when there are none.
func (p *people) index(members []call.Member) int {
	for i := range members {
		if members[i].Slot == p.slot && members[i].Fingerprint == p.print {
			return i
		}
	}
	return min(p.at, len(members)-1)
}

// choose selects one of the members.
func (p *people) choose(members []call.Member, i int) {
	if len(members) == 0 {
		return
	}
	p.at = min(max(i, 0), len(members)-1)
	p.slot, p.print = members[p.at].Slot, members[p.at].Fingerprint
}

// peopleKey handles the keys of the panel and reports whether the key was one
// of them.
func (v *callView) peopleKey(k *tcell.EventKey, now time.Time) bool {
	p := &v.people
	if p.removing {
		asked := p.asked
		p.removing, p.asked = false, false
		switch key := letter(k); {
		case key == 'y' && asked:
			v.remove(now)
			return true
		case key == 'y', key == 'n', k.Key() == tcell.KeyEscape:
			return true
		}
	}
	members := v.state.Members
	switch k.Key() {
	case tcell.KeyEscape:
		p.open = false
		return true
	case tcell.KeyUp:
		p.choose(members, p.index(members)-1)
		return true
	case tcell.KeyDown:
		p.choose(members, p.index(members)+1)
		return true
	default:
	}
	switch letter(k) {
	case 'p', 'q': // one who wants out of the panel does not want out of the call
		p.open = false
	case 'k':
		p.choose(members, p.index(members)-1)
	case 'j':
		p.choose(members, p.index(members)+1)
	case 'x':
		p.removing = len(members) > 0
	case 'c':
		v.verify(now)
	case '+', '=': // which is + without Shift
		v.louder(volumeStep, now)
	case '-':
		v.louder(-volumeStep, now)
	default:
		return false
	}
	return true
}

// remove sends the selected member away.
func (v *callView) remove(now time.Time) {
	p := &v.people
	slot, whose := p.slot, p.print
	// Another one may have come to the same slot since the screen was drawn.
	v.engine.State(&v.state)
	i := p.index(v.state.Members)
	if i < 0 || v.state.Members[i].Slot != slot || v.state.Members[i].Fingerprint != whose || !v.engine.Remove(slot) {
		v.notes.add("not removed: they have left already", false, now.Add(answerTime))
		return
	}
	v.door.removed(whose)
}

// verify notes that the codes match, if the one that was compared still holds.
func (v *callView) verify(now time.Time) {
	shown := v.people.code
	v.engine.State(&v.state)
	switch {
	case codeText(&shown, 1) == "":
		v.notes.add("there is no code to compare yet", false, now.Add(answerTime))
		return
	case v.state.Code != shown:
		v.notes.add("the code has just changed: compare it again", true, now.Add(noticeTime))
		return
	}
	if err := v.engine.Verify(); err != nil {
		v.notes.add("not stored as verified: "+text.Clean(err.Error(), 200), true, now.Add(noticeTime))
		return
	}
	v.notes.add("everybody here is verified", false, now.Add(answerTime))
}

// A panelRow is a row below the list.
type panelRow struct {
	text   string
	style  style
	middle bool
}

// readAloud is what to do with the code.
const readAloud = "read it aloud: it is the same for everybody when nobody is in between"

// panelFoot returns what is below the list, in at most so many rows and columns:
// first the key of the selected member, then from row code on the code.
func (v *callView) panelFoot(cols, rows int) (foot []panelRow, code int) {
	add := func(s string, st style, middle bool) {
		for _, s := range wrap(s, cols) {
			foot = append(foot, panelRow{text: s, style: st, middle: middle})
		}
	}
	if i := v.people.index(v.state.Members); i >= 0 {
		m := &v.state.Members[i]
		add(m.Fingerprint.String(), styleBox, false)
		if s := v.figures(m); s != "" {
			add(s, styleBox, false)
		}
		if m.Volume != 0 {
			add("volume here: "+volumeText(m.Volume), styleBox, false)
		}
	}
	code = len(foot)
	words := codeText(&v.people.code, 1)
	if words == "" {
		add(v.noCode(), styleBox, true)
		return foot[:min(len(foot), max(rows, 0))], code
	}
	if gap := min((cols-textWidth(words))/3, 5); gap > 0 {
		foot = append(foot, panelRow{text: codeText(&v.people.code, 1+gap), style: styleBoxStrong, middle: true})
	} else {
		add(words, styleBoxStrong, true)
	}
	foot = foot[:min(len(foot), max(rows, 0))]
	if without := len(foot); without < rows {
		if add(readAloud, styleBox, true); len(foot) > rows {
			foot = foot[:without]
		}
	}
	return foot, code
}

// terminalRow appends how much the terminal is sent, if that is known and there
// is room for it.
func terminalRow(foot []panelRow, t *terminal, cols, rows int) []panelRow {
	if t.tty == nil || len(foot) >= rows {
		return foot
	}
	s := t.ladder.String()
	if s == "" {
		s = fmt.Sprintf("%d fps", t.fps())
	}
	s = fmt.Sprintf("terminal: %s, %d kB/s", s, t.ladder.speed.now/1000)
	if textWidth(s) > cols {
		return foot
	}
	return append(foot, panelRow{text: s, style: styleBox})
}

// noCode says why there is no code.
func (v *callView) noCode() string {
	switch {
	case v.state.Link.Phase != call.Joined:
		return "no code: not connected"
	case v.here() == 1:
		return "no code: nobody else is here"
	}
	return "the code is being agreed on"
}

// drawPeople draws the panel into the middle of area.
func (v *callView) drawPeople(t *terminal, area rect) {
	p, members := &v.people, v.state.Members
	p.code = [4]string{}
	if v.sealed() {
		p.code = v.state.Code
	}
	slot, whose := p.slot, p.print
	if p.choose(members, p.index(members)); p.slot != slot || p.print != whose || len(members) == 0 {
		p.removing = false // it was about somebody who has left
	}
	pad := 1
	if area.w >= 60 {
		pad = 2
	}
	cols := min(area.w, panelCols) - 2 - 2*pad
	cols = min(cols, max(textWidth(readAloud), wideNeeds-12+v.longest()))
	n := max(len(members), 1)
	foot, code := v.panelFoot(cols, area.h-2-1)
	foot = terminalRow(foot, t, cols, area.h-2-n)
	spare := area.h - 2 - n - len(foot)
	rows := min(n, max(area.h-2-len(foot), 1))
	if spare >= 2 && code > 0 {
		foot = slices.Insert(foot, code, panelRow{style: styleBox})
	}
	gap := min(max(spare, 0), 1)
	r := rect{0, 0, cols + 2 + 2*pad, rows + gap + len(foot) + 2}
	r.h = min(r.h, area.h)
	r.x, r.y = area.x+(area.w-r.w)/2, area.y+(area.h-r.h)/2
	drawFrame(t, r, v.peopleTitle(rows))
	in := rect{r.x + 1 + pad, r.y + 1, cols, r.h - 2}
	v.drawList(t, rect{in.x, in.y, in.w, rows})
	for i, f := range foot {
		y := rows + gap + i
		if y >= in.h {
			break
		}
		if f.middle {
			t.canvas.centred(in, y, f.text, f.style)
		} else {
			t.canvas.text(in.x, in.y+y, in.w, f.text, f.style)
		}
	}
	if p.asked = p.removing; p.asked {
		drawQuestion(t, rect{in.x, in.y + in.h - 1, in.w, 1}, v.tiles[members[p.at].Slot].name)
	}
}

// drawQuestion asks whether to remove somebody.
func drawQuestion(t *terminal, r rect, name string) {
	const before, after = "remove ", "? y/n"
	t.canvas.fill(r, styleAlarm)
	t.canvas.centred(r, 0, before+text.Clean(name, r.w-len(before)-len(after))+after, styleAlarm)
}

// peopleTitle returns the words in the border of the panel.
func (v *callView) peopleTitle(rows int) string {
	s := "people"
	if n := len(v.state.Members); n > rows {
		s += fmt.Sprintf(" %d/%d", v.people.at+1, n)
	}
	if v.state.Locked {
		s += ", locked"
	}
	if n := len(v.state.Knocks); n > 0 && v.door.since.IsZero() {
		s += fmt.Sprintf(", %d at the door", n)
	}
	return s
}

// longest returns the width of the longest name.
func (v *callView) longest() int {
	w := 0
	for i := range v.state.Members {
		w = max(w, textWidth(v.tiles[v.state.Members[i].Slot].name))
	}
	return w
}

// drawList draws the members into r, and those around the selected one when
// there is not room for all.
func (v *callView) drawList(t *terminal, r rect) {
	p, members := &v.people, v.state.Members
	if len(members) == 0 {
		t.canvas.text(r.x, r.y, r.w, "nobody else is here yet", styleBox)
		return
	}
	p.first = min(max(p.first, p.at-r.h+1, 0), p.at, max(len(members)-r.h, 0))
	for i := range min(r.h, len(members)-p.first) {
		m := &members[p.first+i]
		drawPerson(t, rect{r.x, r.y + i, r.w, 1}, m, v.tiles[m.Slot].name, v.longest(), p.first+i == p.at)
	}
}

// The columns of the list: what is in front of the name, the mark, the
// fingerprint, and whether the member sees the same people. A narrow list has
// no fingerprints: the selected one is below it.
const (
	pointCols   = 2
	markCols    = len("key changed")
	printCols   = len("SHA256:") + 12
	sameCols    = len("sees the same")
	sameShort   = len("differs")
	wideNeeds   = pointCols + 12 + 2 + markCols + 2 + printCols + 2 + sameCols
	narrowNeeds = pointCols + 1 + markCols + 1 + sameShort
)

// drawPerson draws a row of the list. longest is the width of the longest name.
func drawPerson(t *terminal, r rect, m *call.Member, name string, longest int, selected bool) {
	wide := r.w >= wideNeeds
	nameCols, between := r.w-narrowNeeds, 1
	same := "same"
	if wide {
		nameCols, between = min(r.w-wideNeeds+12, longest), 2
		same = "sees the same"
	}
	switch {
	case !m.Present:
		same = "joining"
	case m.Differs && wide:
		same = "sees others"
	case m.Differs:
		same = "differs"
	}
	st, point := styleBox, ""
	if selected {
		st, point = styleBoxKey, ">"
	}
	markStyle, sameStyle := st, st
	if m.Mark == trust.Changed {
		markStyle = styleBoxWarn
	}
	if m.Differs {
		sameStyle = styleBoxWarn
	}
	x := r.x
	put := func(s string, cols, gap int, st style) {
		if cols = min(cols, r.x+r.w-x); cols > 0 {
			t.canvas.text(x, r.y, cols, text.Clean(s, cols), st)
		}
		x += max(cols, 0) + gap
	}
	put(point, pointCols, 0, st)
	put(name, max(nameCols, 1), between, st)
	put(m.Mark.String(), markCols, between, markStyle)
	if wide {
		put(shortPrint(m.Fingerprint), printCols, between, st)
	}
	put(same, sameCols, 0, sameStyle)
}
