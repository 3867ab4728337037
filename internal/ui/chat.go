package ui

import (
	"slices"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/rivo/uniseg"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
)

const (
	// maxChat is the longest text of a chat line that a call takes, in bytes.
	maxChat = 1000

	// chatKept is how many chat lines are shown, each for chatTime, or as long
	// as the person writes.
	chatKept = 5
	chatTime = 15 * time.Second

	// chatCols is how wide the text gets: longer lines are hard to read.
	chatCols = 80

	// chatRows is how many rows the lines take while the person does not write,
	// or a third of the screen if that is more.
	chatRows = 5

	// minInput is how many columns a line needs to be written.
	minInput = 8
)

// A chatLine is something that was said in writing.
type chatLine struct {
	name, text string // clean
	until      time.Time
	rows       []string // the text as it is broken for a width
	width      int      // that width
}

// chat is what was said, and the line that the person writes.
type chat struct {
	open  bool
	draft string     // clean
	lines []chatLine // the newest last
}

// add adds a line that somebody said.
func (c *chat) add(name, said string, now time.Time) {
	if said = text.Clean(said, maxChat); said == "" {
		return
	}
	if len(c.lines) == chatKept {
		c.lines = slices.Delete(c.lines, 0, 1)
	}
	c.lines = append(c.lines, chatLine{name: name, text: said, until: now.Add(chatTime)})
}

// insert adds what was typed or pasted to the draft, and reports whether there
// was room for all of it.
func (c *chat) insert(s string) (fits bool) {
	// Clean would take the space at the end of a word that is being written.
	const end = "|"
	s = strings.TrimSuffix(text.Clean(c.draft+s+end, 2*pasteMax), end)
	if len(s) <= maxChat {
		c.draft = s
		return true
	}
	n := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		if _, to := g.Positions(); to <= maxChat {
			n = to
		}
	}
	if n > len(c.draft) {
		c.draft = s[:n]
	}
	return false
}

// erase removes the last character of the draft.
func (c *chat) erase() {
	last := 0
	for g := uniseg.NewGraphemes(c.draft); g.Next(); {
		last, _ = g.Positions()
	}
	c.draft = c.draft[:last]
}

// typeKey handles a key while the person writes.
func (v *callView) typeKey(k *tcell.EventKey, t *terminal, now time.Time) {
	switch k.Key() {
	case tcell.KeyEscape, tcell.KeyTab:
		v.chat.open = false
	case tcell.KeyEnter:
		v.say(now)
	case tcell.KeyBackspace, tcell.KeyBackspace2:
		v.chat.erase()
	case tcell.KeyCtrlU:
		v.chat.draft = ""
	case tcell.KeyRune:
		if k.Modifiers()&(tcell.ModAlt|tcell.ModCtrl|tcell.ModMeta) == 0 {
			v.insert(string(k.Rune()), t, now)
		}
	default:
		v.turn(k)
	}
}

// paste adds to the line that the person writes. While there is none, nothing
// that is pasted counts: it would be taken for keys.
func (v *callView) paste(s string, t *terminal, now time.Time) {
	switch {
	case v.palette.open:
		v.palette.insert(s)
	case v.chat.open:
		v.insert(s, t, now)
	}
}

// insert adds to the draft, and rings the bell when it is full.
func (v *callView) insert(s string, t *terminal, now time.Time) {
	if v.chat.insert(s) {
		return
	}
	v.notes.add("a chat line has at most 1,000 bytes", true, now.Add(answerTime))
	// A terminal without a bell has the words.
	_ = t.screen.Beep()
}

// hear shows a chat line, which may be the person's own.
func (v *callView) hear(n call.Notice, now time.Time) {
	name := cleanName(n.Name)
	if self := &v.state.Self; n.Slot == self.Slot && n.Fingerprint == self.Fingerprint {
		name = "you"
	}
	v.chat.add(name, n.Text, now)
}

// say sends the draft, which comes back as a notice. When that fails it stays
// as it is. An empty one closes the line.
func (v *callView) say(now time.Time) {
	line := strings.TrimSpace(v.chat.draft)
	if line == "" {
		v.chat.open = false
		return
	}
	if v.state.Link.Phase == call.Joined && v.here() == 1 {
		v.notes.add("not sent: nobody else is here", true, now.Add(noticeTime))
		return
	}
	if err := v.engine.Say(line); err != nil {
		v.notes.add("not sent: "+text.Clean(err.Error(), 200), true, now.Add(noticeTime))
		return
	}
	v.chat.draft = ""
}

// broken returns the rows of the line in a width. The first begins with the
// name, and the others are to be indented by chatIndent, so that none of them
// passes for the line of somebody else.
func (l *chatLine) broken(width int) []string {
	if l.width != width {
		l.rows, l.width = wrap(l.name+": "+l.text, max(width-chatIndent, 1)), width
	}
	return l.rows
}

// chatIndent is how far the second row of a chat line is indented.
const chatIndent = 2

// drawChat draws the newest chat lines at the bottom of area and returns how
// many rows they take.
func (v *callView) drawChat(t *terminal, area rect, now time.Time) int {
	c := &v.chat
	width := min(area.w-2, chatCols)
	free := max(area.h, 0)
	if !c.open {
		free = min(free, max(chatRows, t.h/3))
	}
	y := area.y + area.h
	for i := len(c.lines) - 1; i >= 0 && free > 0; i-- {
		l := &c.lines[i]
		if !c.open && !now.Before(l.until) {
			break
		}
		rows := l.broken(width)
		n := min(len(rows), free)
		y, free = y-n, free-n
		for k, s := range rows[:n] {
			if k == n-1 && n < len(rows) {
				s = text.Clean(s, width-chatIndent-3) + "..."
			}
			drawChatRow(t, area.x, y+k, k > 0, l.name, s)
		}
	}
	return area.y + area.h - y
}

// drawChatRow draws a row of a chat line, with the name in front if it is the
// first.
func drawChatRow(t *terminal, x, y int, further bool, name, s string) {
	if further {
		s = strings.Repeat(" ", chatIndent) + s
	}
	r := rect{x, y, min(textWidth(s)+2, t.w-x), 1}
	t.plane.cut(r)
	t.canvas.fill(r, stylePill)
	t.canvas.text(x+1, y, r.w-1, s, stylePill)
	if strings.HasPrefix(s, name+":") && !further {
		t.canvas.text(x+1, y, r.w-1, name+":", stylePillName)
	}
}

// drawInput draws the line that the person writes into row y, with what the bar
// says of the microphone.
func (v *callView) drawInput(t *terminal, y int) {
	v.items = append(v.items[:0], v.micItem())
	right := t.w - v.items[0].width()
	drawBar(t, y, v.items)
	at := t.canvas.text(1, y, right-1, "> ", styleBarStrong) + 1
	room := right - at - 1 // and the cursor
	if room < 1 {
		return
	}
	if v.chat.draft == "" {
		t.canvas.text(at, y, room, "Enter sends, Esc leaves", styleBarFaint)
	} else {
		at += t.canvas.text(at, y, room, tail(v.chat.draft, room), styleBar)
	}
	t.cursor = cell{at, y}
}

// tail returns the end of s that fits into width columns.
func tail(s string, width int) string {
	from, over := 0, textWidth(s)-width
	for g := uniseg.NewGraphemes(s); over > 0 && g.Next(); {
		over -= g.Width()
		_, from = g.Positions()
	}
	return s[from:]
}
