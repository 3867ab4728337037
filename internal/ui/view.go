package ui

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/trust"
)

// A callView shows a call. The goroutine that paints owns it.
type callView struct {
	engine Engine
	title  string
	hint   string

	state     call.State
	tiles     map[uint16]*tile // by slot
	self      tile
	metered   time.Time // when the meters last took a level
	spoke     time.Time // when the person last spoke while muted
	talkKey   talkKey
	layout    layout
	watch     watch
	page      int
	hideSelf  bool
	focus     focus
	stage     stage
	corner    int  // where the own picture is over the other's
	bare      bool // without bars
	clicked   click
	looksMenu looksMenu
	invite    invitePanel
	noticed   func(call.Notice) // may be nil
	bell      bool
	ring      bool // the bell, in the next frame
	hosting   bool
	warned    time.Time // when the person was told what leaving means for others
	crowd     bool      // it was said that the hub is told who speaks
	settings  Settings
	keep      func(Settings) // may be nil
	reacting  bool           // the next number is a reaction
	commands  []command
	do        func(line string) error // commands that are not the screen's; may be nil
	palette   palette
	leaving   bool // the person has said so
	help      help
	door      door
	people    people
	chat      chat
	notes     notes
	items     []item // scratch
}

func newCallView(c Config) *callView {
	v := &callView{
		engine: c.Engine,
		title:  text.Clean(c.Title, 40), hint: text.Clean(c.Hint, 200),
		tiles: make(map[uint16]*tile),
		self:  tile{name: "you"},
		watch: watch{self: unseen},
		do:    c.Do, commands: callCommands(),
	}
	v.palette.words = v.paletteWords(c.Words)
	v.keep = c.Keep
	v.invite.invite = c.Invite
	v.bell, v.noticed, v.hosting = c.Bell, c.Noticed, c.Hosting
	c.Settings.NoMouse = c.Settings.NoMouse || !c.Mouse
	v.restore(c.Settings)
	if v.title == "" {
		v.title = "s2c"
	}
	return v
}

func (v *callView) key(k *tcell.EventKey, t *terminal, now time.Time) (leave bool) {
	switch {
	case k.Key() == tcell.KeyF1: // mutes whatever is on the screen
		v.engine.SetMuted(!v.engine.Muted())
		return false
	case v.help.open:
		v.help.key(k)
		return false
	case v.reacting:
		v.react(int(letter(k)-'0'), now)
		return false
	case v.invite.open:
		v.invite.key(k)
		return false
	case v.looksMenu.open:
		v.looksMenu.key(k, t)
		return false
	case v.palette.open:
		v.paletteKey(k, t, now)
		return v.leaving
	case v.chat.open:
		v.typeKey(k, t, now)
		return v.leaving
	case v.people.open && v.peopleKey(k, now), v.doorKey(k, now):
		return false
	}
	if c := v.keyOf(keyName(k)); c != nil {
		v.complain(c.run(v, t, "", now), now)
	}
	return v.leaving
}

// leaveTime is for how long a second try to leave counts as the answer.
const leaveTime = 5 * time.Second

// leave has the person leave, at the second try if that ends the call of others.
func (v *callView) leave(now time.Time) error {
	if v.hosting && v.here() > 1 && now.Sub(v.warned) >= leaveTime {
		v.warned = now
		return errors.New("the hub is in this program: the call ends for everybody - once more to leave")
	}
	v.leaving = true
	return nil
}

// complain shows an error.
func (v *callView) complain(err error, now time.Time) {
	if err != nil {
		v.notes.add(text.Clean(err.Error(), 200), true, now.Add(noticeTime))
	}
}

// request does a command from elsewhere, and reports whether the person leaves.
func (v *callView) request(line string, t *terminal, now time.Time) (leave bool, err error) {
	v.engine.State(&v.state)
	err = v.obey(line, t, now)
	return v.leaving, err
}

// turnBy returns a command that turns so many pages.
func turnBy(pages int) func(*callView, *terminal, string, time.Time) error {
	return func(v *callView, _ *terminal, _ string, _ time.Time) error {
		v.page += pages
		return nil
	}
}

// turnTo turns to a page, which are counted from 1.
func turnTo(v *callView, _ *terminal, args string, _ time.Time) error {
	n, err := strconv.Atoi(args)
	if err != nil || n < 1 || n > v.layout.pages {
		return fmt.Errorf("there are the pages 1 to %d", max(v.layout.pages, 1))
	}
	v.page = n - 1
	return nil
}

// lock locks the session or unlocks it.
func (v *callView) lock(now time.Time) {
	locked := !v.engine.Locked()
	v.engine.SetLocked(locked)
	answer := "unlocked: who comes is let in as before"
	if locked {
		answer = "locked: nobody new hears or sees you"
	}
	v.notes.add(answer, false, now.Add(answerTime))
}

func (v *callView) draw(t *terminal, now time.Time) {
	v.update(now)
	if v.ring {
		v.ring = false
		_ = t.screen.Beep() // a terminal without a bell has the words
	}
	if s := t.ladder.news(now); s != "" {
		v.notes.add(s, false, now.Add(noticeTime))
	}
	if t.w < minCols || t.h < minRows {
		v.help.open, v.people.open, v.palette.open, v.looksMenu.open, v.invite.open = false, false, false, false, false
		v.hideDoor()
		v.hide()
		v.drawLine(t)
		return
	}
	v.keeps(t)
	area := rect{0, 1, t.w, t.h - 2}
	if v.bare {
		area = rect{0, 0, t.w, t.h}
	}
	area, panel := v.chatPanel(t, area)
	v.drawTiles(t, area, now)
	v.tell()
	v.drawChatPanel(t, panel)
	if !v.bare {
		v.drawTopBar(t, now)
	}
	switch {
	case v.palette.open: // over what is over the pictures, below
	case v.chat.open:
		v.drawInput(t, t.h-1)
	case !v.bare || v.people.open || v.reacting || v.engine.Muted() || v.engine.Deafened():
		v.drawBottomBar(t) // it says so whatever is hidden
	}
	v.drawOver(t, area, now)
	if v.palette.open {
		v.drawPalette(t, area)
	}
	v.looksMenu.draw(t, area)
	v.invite.draw(t, area)
	v.help.draw(t, area)
}

// drawOver draws what is over the pictures: from the top warnings and who
// knocks, in the middle the panel, from the bottom chat and words.
func (v *callView) drawOver(t *terminal, area rect, now time.Time) {
	free := area // without the names in the lowest row
	free.h--
	if v.people.open && area.h < panelAlone {
		v.hideDoor()
	} else {
		used := v.drawDoor(t, area, now)
		free.y, free.h = free.y+used, free.h-used
	}
	y := free.y + free.h - 1
	if v.people.open {
		v.drawPeople(t, rect{free.x, free.y, free.w, free.h + 1})
		y++ // in its border
	} else if !v.chat.open || t.w < panelNeeds && t.h < drawerNeeds {
		y -= v.drawChat(t, rect{free.x + 2, free.y + 1, free.w - 4, free.h - 1}, now) // a row is left for words
	}
	v.drawWords(t, area, max(y, area.y), now)
}

// update asks the engine for all that is new, but for pictures.
func (v *callView) update(now time.Time) {
	v.talk(now)
	v.engine.State(&v.state)
	meter := now.Sub(v.metered) >= meterEvery
	if meter {
		v.metered = now
		v.self.meter.push(v.state.Self.Level)
	}
	for _, t := range v.tiles {
		t.seen = false
	}
	for i := range v.state.Members {
		m := &v.state.Members[i]
		t := v.tiles[m.Slot]
		if t == nil {
			t = new(tile)
			v.tiles[m.Slot] = t
		}
		t.setName(m.Name)
		t.seen = true
		if meter {
			t.meter.push(m.Level)
		}
	}
	for slot, t := range v.tiles {
		if !t.seen {
			delete(v.tiles, slot)
		}
	}
	if v.engine.Muted() && v.state.Mic && v.state.Self.Speaking {
		v.spoke = now
	}
	v.takeNotices(now)
	v.tellCrowd(now)
	v.door.update(&v.state, v.tiles)
}

// crowdFrom is from how many people on the hub chooses whose voices it sends on, for
// which it is told who speaks.
const crowdFrom = 11

// tellCrowd says once that the hub is told something.
func (v *callView) tellCrowd(now time.Time) {
	if v.crowd || v.here() < crowdFrom {
		return
	}
	v.crowd = true
	const words = "more than ten are here: the hub is told who speaks, and nothing of what"
	v.notes.add(words, false, now.Add(noticeTime))
	v.chat.tell(words, now)
}

// noticesPerFrame bounds how many notices a frame takes, so that a session
// where people come and go all the time is still painted.
const noticesPerFrame = 64

func (v *callView) takeNotices(now time.Time) {
	for range noticesPerFrame {
		select {
		case n := <-v.engine.Notices():
			v.takeNotice(n, now)
		default:
			return
		}
	}
}

// rings reports whether the bell is to ring for a notice.
func (v *callView) rings(n *call.Notice) bool {
	switch n.Kind {
	case call.MemberJoined, call.MemberKnocks:
		return true
	case call.ChatLine:
		return n.Slot != v.state.Self.Slot || n.Fingerprint != v.state.Self.Fingerprint
	default:
		return false
	}
}

// takeNotice shows a notice where its kind belongs.
func (v *callView) takeNotice(n call.Notice, now time.Time) {
	if v.noticed != nil {
		v.noticed(n)
	}
	v.ring = v.ring || v.bell && v.rings(&n)
	switch n.Kind {
	case call.ChatLine:
		v.hear(n, now)
	case call.Reaction:
		v.showReaction(n, now)
	case call.MemberChanged:
		v.door.raise(who{n.Fingerprint, cleanName(n.Name)})
	case call.MemberRemoved:
		v.door.removed(n.Fingerprint)
	default:
	}
	isNew := slices.ContainsFunc(v.state.Members, func(m call.Member) bool {
		return m.Slot == n.Slot && m.Fingerprint == n.Fingerprint && m.Mark == trust.New
	})
	if s, bad := noticeText(n, isNew); s != "" {
		v.notes.add(s, bad, now.Add(noticeTime))
		v.chat.tell(s, now)
	}
}

// drawTiles draws everybody who is on the page.
func (v *callView) drawTiles(t *terminal, area rect, now time.Time) {
	members := v.state.Members
	v.arrange(area, now)
	for i, r := range v.layout.tiles {
		if k := v.layout.who[i]; k < len(members) {
			v.drawMember(t, r, k, now)
			continue
		}
		v.drawSelf(t, r, now)
	}
	if v.layout.corner.w > 0 {
		v.drawSelf(t, v.layout.corner, now)
	}
}

// drawMember draws the member with an index into r.
func (v *callView) drawMember(t *terminal, r rect, i int, now time.Time) {
	m := &v.state.Members[i]
	tl, in := v.tiles[m.Slot], r.inside()
	fresh := tl.show(t, in.w, in.h)
	// Also whoever sends nothing: the first picture then comes at once.
	if in.w > 0 && in.h > 0 {
		view := t.view(tl, in.w, in.h)
		view.Slot = m.Slot
		v.watch.add(view)
	}
	pic := v.engine.Picture(m.Slot)
	switch {
	case !m.Present || !m.Camera:
		tl.has = false
	case fresh:
		tl.take(pic)
	}
	f := faceOf(m, tl)
	f.label, f.reaction = v.labelOf(i), tl.reactionAt(now)
	drawFace(t, r, &f)
}

// drawSelf draws the person into r.
func (v *callView) drawSelf(t *terminal, r rect, now time.Time) {
	in := r.inside()
	fresh := v.self.show(t, in.w, in.h)
	if pic := v.engine.SelfPicture(); fresh {
		v.self.take(pic)
	}
	f := face{tile: &v.self, name: "you", speaking: v.state.Self.Speaking && (!v.engine.Muted() || v.engine.Talking())}
	switch {
	case v.hideSelf:
		f.reason = "hidden here only - s to show"
	case !v.engine.CameraOn():
		f.reason = "camera off"
	case !v.state.Cam:
		f.reason = "no camera"
	case !v.self.has:
		f.reason = "waiting for the picture"
	}
	if f.reason != "" {
		v.self.has = false
	}
	if !v.hideSelf && in.w > 0 && in.h > 0 {
		v.watch.self = t.view(&v.self, in.w, in.h)
	}
	switch {
	case v.engine.Muted() && !v.engine.Talking():
		f.states[0] = "muted"
	case v.state.Self.TooLoud:
		f.states[0] = "too loud"
	case v.engine.Talking():
		f.states[0] = "talking"
	}
	if v.engine.Hand() {
		f.states[1] = "hand"
	}
	f.label, f.reaction = f.name, v.self.reactionAt(now)
	drawFace(t, r, &f)
}

// hidden returns how many members are on other pages, and whether one of them
// speaks.
func (v *callView) hidden() (n int, speaking string) {
	for i := range v.state.Members {
		if slices.Contains(v.layout.who, i) {
			continue
		}
		n++
		if m := &v.state.Members[i]; m.Speaking && !m.Muted {
			speaking = v.tiles[m.Slot].name
		}
	}
	return n, speaking
}

// drawWords draws lines over the pictures, from row y upwards: what others type
// to join while nobody is there, what is wrong, what happened.
func (v *callView) drawWords(t *terminal, area rect, y int, now time.Time) {
	if s, warn := v.notes.line(now, area.w-4); s != "" {
		st := stylePill
		if warn {
			st = stylePillWarn
		}
		drawPill(t, area, y, s, st)
		y--
	}
	if now.Sub(v.spoke) < mutedTime {
		st := stylePillWarn
		if now.UnixMilli()/500%2 == 0 {
			st = styleAlarm
		}
		drawPill(t, area, y, text.Clean("you are muted - press m to speak, or hold Space", area.w-2), st)
		y--
	}
	if len(v.state.Members) > 0 || v.people.open {
		return
	}
	if v.hint == "" {
		drawPill(t, area, y, text.Clean("nobody else is here yet", area.w-2), stylePill)
		return
	}
	// All of it in one piece: it is to be read out or copied.
	lines := append([]string{"nobody else is here yet - others join with"}, wrap(v.hint, area.w-6)...)
	width := 0
	for _, l := range lines {
		width = max(width, textWidth(l)+4)
	}
	width = min(width, area.w)
	r := rect{area.x + (area.w-width)/2, max(y-len(lines)+1, area.y), width, len(lines)}
	t.plane.cut(r)
	t.canvas.fill(r, stylePill)
	for i, l := range lines {
		t.canvas.centred(r, i, l, stylePill)
	}
}

// drawLine draws what fits on a screen that is too small for tiles: one line.
func (v *callView) drawLine(t *terminal) {
	if t.w == 0 || t.h == 0 {
		return
	}
	mic := v.micItem()
	if v.chat.open && t.w >= mic.width()+minInput {
		v.drawInput(t, 0)
		return
	}
	v.items = append(v.items[:0],
		item{text: fmt.Sprintf("%d here", v.here()), style: styleBar, rank: 1},
		mic,
	)
	if mic.meter == nil && mic.width() > t.w {
		t.canvas.text(0, 0, t.w, mic.text, mic.style)
		return
	}
	drawBar(t, 0, v.items)
}
