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

	// linesKept is how many chat lines are kept, in memory alone.
	linesKept = 1000

	// chatKept is how many chat lines are shown over the pictures, each for chatTime,
	// or as long as the person writes where there is no room for a panel.
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

// A chatLine is something that was said in writing, or that happened.
type chatLine struct {
	name, text string    // clean; there is no name to what happened
	nick       style     // of the name
	stamp      string    // the time of day
	until      time.Time // when it is no longer over the pictures
	rows       []string  // the text as it is broken for a width
	width      int       // that width
}

// chat is what was said, and the line that the person writes.
type chat struct {
	open  bool
	draft string     // clean
	at    int        // where in it is written, in bytes
	lines []chatLine // the newest last

	back  int // how many of the newest rows are below the panel
	rows  int // of the panel, when it was last drawn
	cols  int // likewise, of its text
	fresh int // how many of the newest were not read
	mark  int // how many of the newest are below the mark; 0 is no mark

	said   []string // what the person has said, the newest last
	recall int      // how far back in it the draft is; 0 is the new one
}

// add adds a line that somebody said.
func (c *chat) add(name, said string, nick style, own bool, now time.Time) {
	if said = text.Clean(said, maxChat); said == "" {
		return
	}
	c.append(chatLine{name: name, text: said, nick: nick, stamp: now.Format(stampForm), until: now.Add(chatTime)})
	if !own && (!c.open || c.back > 0) {
		c.fresh++
	}
}

// tell adds a line about something that happened.
func (c *chat) tell(what string, now time.Time) {
	c.append(chatLine{text: text.Clean(what, maxChat), stamp: now.Format(stampForm), until: now})
}

// append adds a line, in place of the oldest if there are too many.
func (c *chat) append(l chatLine) {
	if len(c.lines) == linesKept {
		c.lines = slices.Delete(c.lines, 0, 1)
	}
	c.lines = append(c.lines, l)
	if c.back > 0 { // what is read stays where it is
		c.back += len(c.lines[len(c.lines)-1].broken(c.cols))
	}
	if c.mark > 0 {
		c.mark = min(c.mark+1, len(c.lines))
	}
}

// show opens the chat, with a mark over what was not read.
func (c *chat) show() {
	c.open, c.back, c.recall = true, 0, 0
	c.mark = c.unread()
	c.fresh = 0
}

// hide closes the chat.
func (c *chat) hide() { c.open, c.back, c.mark = false, 0, 0 }

// unread returns how many of the newest lines are to be below the mark, those of
// what happened between them.
func (c *chat) unread() int {
	n := c.fresh
	for i := len(c.lines) - 1; i >= 0 && n > 0; i-- {
		if c.lines[i].name != "" && c.lines[i].name != youName {
			if n--; n == 0 {
				return len(c.lines) - i
			}
		}
	}
	return 0
}

// scroll goes back by so many rows, or on if it is negative.
func (c *chat) scroll(by int) {
	if c.back = max(c.back+by, 0); c.back == 0 {
		c.fresh = 0
	}
}

// youName is the name of the person in the chat.
const youName = "you"

// set makes s the draft.
func (c *chat) set(s string) { c.draft, c.at = s, len(s) }

// recalled goes back in what the person has said, or on if by is -1.
func (c *chat) recalled(by int) {
	c.recall = min(max(c.recall+by, 0), len(c.said))
	if c.recall == 0 {
		c.set("")
		return
	}
	c.set(c.said[len(c.said)-c.recall])
}

// remember keeps a line to be had again.
func (c *chat) remember(line string) {
	c.said = slices.DeleteFunc(c.said, func(s string) bool { return s == line })
	if len(c.said) == historyKept {
		c.said = slices.Delete(c.said, 0, 1)
	}
	c.said, c.recall = append(c.said, line), 0
}

// insert adds what was typed or pasted to the draft, and reports whether there
// was room for all of it.
func (c *chat) insert(s string) (fits bool) {
	// Clean would take the space at the end of a word that is being written.
	const end = "|"
	before, after := c.draft[:c.at], c.draft[c.at:]
	s = strings.TrimSuffix(text.Clean(before+s+end, 2*pasteMax), end)
	room := maxChat - len(after)
	if len(s) <= room {
		c.draft, c.at = s+after, len(s)
		return true
	}
	n := 0
	for g := uniseg.NewGraphemes(s); g.Next(); {
		if _, to := g.Positions(); to <= room {
			n = to
		}
	}
	if n > len(before) {
		c.draft, c.at = s[:n]+after, n
	}
	return false
}

// erase removes the character before the place where is written.
func (c *chat) erase() {
	from := c.before()
	c.draft, c.at = c.draft[:from]+c.draft[c.at:], from
}

// before returns where the character before the place begins.
func (c *chat) before() int {
	last := 0
	for g := uniseg.NewGraphemes(c.draft[:c.at]); g.Next(); {
		last, _ = g.Positions()
	}
	return last
}

// after returns where the character at the place ends.
func (c *chat) after() int {
	if g := uniseg.NewGraphemes(c.draft[c.at:]); g.Next() {
		_, to := g.Positions()
		return c.at + to
	}
	return c.at
}

// eraseWord removes the word before the place, and the space after it.
func (c *chat) eraseWord() {
	word := strings.TrimRight(c.draft[:c.at], " ")
	from := strings.LastIndexByte(word, ' ') + 1
	c.draft, c.at = c.draft[:from]+c.draft[c.at:], from
}

// edit handles a key that moves in the draft or removes of it, and reports whether
// it was one.
func (c *chat) edit(key tcell.Key) bool {
	switch key {
	case tcell.KeyBackspace, tcell.KeyBackspace2:
		c.erase()
	case tcell.KeyDelete, tcell.KeyCtrlD:
		c.draft = c.draft[:c.at] + c.draft[c.after():]
	case tcell.KeyLeft, tcell.KeyCtrlB:
		c.at = c.before()
	case tcell.KeyRight, tcell.KeyCtrlF:
		c.at = c.after()
	case tcell.KeyHome, tcell.KeyCtrlA:
		c.at = 0
	case tcell.KeyEnd, tcell.KeyCtrlE:
		c.at = len(c.draft)
	case tcell.KeyCtrlK:
		c.draft = c.draft[:c.at]
	case tcell.KeyCtrlU:
		c.draft, c.at = c.draft[c.at:], 0
	case tcell.KeyCtrlW:
		c.eraseWord()
	case tcell.KeyUp, tcell.KeyCtrlP:
		c.recalled(1)
	case tcell.KeyDown, tcell.KeyCtrlN:
		c.recalled(-1)
	case tcell.KeyPgUp:
		c.scroll(max(c.rows-1, 1))
	case tcell.KeyPgDn:
		c.scroll(-max(c.rows-1, 1))
	default:
		return false
	}
	return true
}

// typeKey handles a key while the person writes.
func (v *callView) typeKey(k *tcell.EventKey, t *terminal, now time.Time) {
	switch {
	case k.Key() == tcell.KeyTab && strings.HasPrefix(v.chat.draft, "/"):
		v.completeChat()
	case k.Key() == tcell.KeyEscape, k.Key() == tcell.KeyTab:
		v.chat.hide()
	case k.Key() == tcell.KeyEnter:
		v.say(t, now)
	case v.chat.edit(k.Key()):
	case k.Key() == tcell.KeyRune && k.Modifiers()&(tcell.ModAlt|tcell.ModCtrl|tcell.ModMeta) == 0:
		v.insert(string(k.Rune()), t, now)
	}
}

// completeChat completes the command that the person writes, the first that fits.
func (v *callView) completeChat() {
	name, rest, more := strings.Cut(v.chat.draft[1:], " ")
	if found := v.palette.find(name); !more && rest == "" && len(found) > 0 {
		v.chat.set("/" + found[0].name + " ")
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
	name, own := cleanName(n.Name), false
	if self := &v.state.Self; n.Slot == self.Slot && n.Fingerprint == self.Fingerprint {
		name, own = youName, true
	}
	v.chat.add(name, n.Text, nickStyle(n.Fingerprint, own), own, now)
}

// say sends the draft, which comes back as a notice. When that fails it stays
// as it is. An empty one closes the line. After a slash it is a command, and after
// two a line that begins with one.
func (v *callView) say(t *terminal, now time.Time) {
	line := strings.TrimSpace(v.chat.draft)
	switch {
	case line == "":
		v.chat.hide()
		return
	case strings.HasPrefix(line, "//"):
		line = line[1:]
	case strings.HasPrefix(line, "/"):
		v.chat.remember(line)
		v.chat.set("")
		v.complain(v.obey(line[1:], t, now), now)
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
	v.chat.remember(line)
	v.chat.set("")
	v.chat.scroll(-v.chat.back)
}

// broken returns the rows of the line in a width. The first begins with the
// name, and the others are to be indented by chatIndent, so that none of them
// passes for the line of somebody else.
func (l *chatLine) broken(width int) []string {
	if l.width != width {
		l.rows, l.width = wrap(l.whole(), max(width-chatIndent, 1)), width
	}
	return l.rows
}

// whole returns the line with who said it.
func (l *chatLine) whole() string {
	if l.name == "" {
		return l.text
	}
	return l.name + ": " + l.text
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
	y, shown := area.y+area.h, 0
	for i := len(c.lines) - 1; i >= 0 && free > 0; i-- {
		l := &c.lines[i]
		if l.name == "" {
			continue
		}
		if shown++; shown > chatKept || !c.open && !now.Before(l.until) {
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
	c := &v.chat
	if c.draft == "" {
		t.canvas.text(at, y, room, "Enter sends, Esc leaves", styleBarFaint)
	} else {
		before := tail(c.draft[:c.at], room)
		at += t.canvas.text(at, y, room, before, styleBar)
		t.canvas.text(at, y, max(right-1-at, 0), c.draft[c.at:], styleBar)
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
