package ui

import (
	"fmt"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
)

// A callView shows a call. The goroutine that paints owns it.
type callView struct {
	engine Engine
	title  string
	hint   string

	state    call.State
	tiles    map[uint16]*tile // by slot
	self     tile
	metered  time.Time // when the meters last took a level
	spoke    time.Time // when the person last spoke while muted
	layout   layout
	look     ascii.Look // as asked for
	page     int
	hideSelf bool
	help     bool
	notes    notes
	items    []item // scratch
}

func newCallView(c Config) *callView {
	v := &callView{
		engine: c.Engine, look: c.Look,
		title: text.Clean(c.Title, 40), hint: text.Clean(c.Hint, 200),
		tiles: make(map[uint16]*tile),
		self:  tile{name: "you"},
	}
	if v.title == "" {
		v.title = "s2c"
	}
	return v
}

func (v *callView) key(k *tcell.EventKey, t *terminal, now time.Time) (leave bool) {
	if v.help {
		v.help = false
		return false
	}
	switch k.Key() {
	case tcell.KeyPgUp:
		v.page--
	case tcell.KeyPgDn:
		v.page++
	default:
	}
	switch letter(k) {
	case 'q':
		return true
	case 'm':
		v.engine.SetMuted(!v.engine.Muted())
	case 'v':
		v.engine.SetCamera(!v.engine.CameraOn())
	case 'r':
		v.look = t.nextLook(t.canShow(v.look))
		v.notes.add("look: "+v.look.String(), false, now.Add(answerTime))
	case 's':
		v.hideSelf = !v.hideSelf
		if v.hideSelf {
			v.notes.add("your picture is hidden here only", false, now.Add(answerTime))
		}
	case '?':
		v.help = true
	}
	return false
}

func (v *callView) draw(t *terminal, now time.Time) {
	v.update(now)
	if t.w < minCols || t.h < minRows {
		v.drawLine(t)
		return
	}
	area := rect{0, 1, t.w, t.h - 2}
	v.drawTiles(t, area)
	v.drawTopBar(t, now)
	v.drawBottomBar(t)
	v.drawWords(t, area, now)
	if v.help {
		drawBox(t, area, callHelp)
	}
}

// update asks the engine for all that is new, but for pictures.
func (v *callView) update(now time.Time) {
	v.takeNotices(now)
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
}

// noticesPerFrame bounds how many notices a frame takes, so that a session
// where people come and go all the time is still painted.
const noticesPerFrame = 64

func (v *callView) takeNotices(now time.Time) {
	for range noticesPerFrame {
		select {
		case n := <-v.engine.Notices():
			if s, bad := noticeText(n); s != "" {
				v.notes.add(s, bad, now.Add(noticeTime))
			}
		default:
			return
		}
	}
}

// drawTiles draws everybody who is on the page.
func (v *callView) drawTiles(t *terminal, area rect) {
	members := v.state.Members
	n := len(members)
	alone, pair := n == 0, n == 1
	if alone || !pair && !v.hideSelf {
		n++ // oneself, the last
	}
	v.page = v.layout.arrange(area, n, v.page)
	if pair && !v.hideSelf {
		v.layout.addCorner(area)
	}
	look := t.canShow(v.look)
	for i, r := range v.layout.tiles {
		if k := v.layout.first + i; k < len(members) {
			m := &members[k]
			tl := v.tiles[m.Slot]
			pic := v.engine.Picture(m.Slot)
			if m.Present && m.Camera {
				tl.take(pic)
			} else {
				tl.has = false
			}
			f := faceOf(m, tl)
			drawFace(t, r, &f, look)
			continue
		}
		v.drawSelf(t, r, look)
	}
	if v.layout.corner.w > 0 {
		v.drawSelf(t, v.layout.corner, look)
	}
}

// drawSelf draws the person into r.
func (v *callView) drawSelf(t *terminal, r rect, look ascii.Look) {
	v.self.take(v.engine.SelfPicture())
	f := face{tile: &v.self, name: "you", speaking: v.state.Self.Speaking && !v.engine.Muted()}
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
	if v.engine.Muted() {
		f.states[0] = "muted"
	}
	drawFace(t, r, &f, look)
}

// here returns how many people are in the session, oneself among them.
func (v *callView) here() int {
	n := 1
	for i := range v.state.Members {
		if v.state.Members[i].Present {
			n++
		}
	}
	return n
}

// hidden returns how many members are on other pages, and whether one of them
// speaks.
func (v *callView) hidden() (n int, speaking string) {
	for i := range v.state.Members {
		if i >= v.layout.first && i < v.layout.first+len(v.layout.tiles) {
			continue
		}
		n++
		if m := &v.state.Members[i]; m.Speaking && !m.Muted {
			speaking = v.tiles[m.Slot].name
		}
	}
	return n, speaking
}

func (v *callView) drawTopBar(t *terminal, now time.Time) {
	l := &v.state.Link
	items := append(v.items[:0],
		item{text: v.title, style: styleBarStrong, rank: 6},
		item{text: text.Clean(v.state.Session, 40), style: styleBar, rank: 0},
		item{text: fmt.Sprintf("%d here", v.here()), style: styleBar, rank: 1},
		item{text: now.Format("15:04"), style: styleBarFaint, rank: 5},
	)
	if l.Phase != call.Joined {
		items = append(items, item{text: v.phaseText(now), style: styleBarWarn, rank: 1, right: true})
	} else {
		items = append(items,
			item{text: fmt.Sprintf("up %s down %s kB/s", rate(l.Up), rate(l.Down)), style: styleBarFaint, rank: 7, right: true},
			item{text: l.Path.String(), style: styleBarFaint, rank: 4, right: true},
		)
		if l.RTT > 0 { // it was measured
			items = append(items, item{text: "rtt " + roundTrip(l.RTT), style: warnIf(l.RTT >= rttToWarn), rank: 3, right: true})
		}
		items = append(items,
			item{text: fmt.Sprintf("loss %.0f%%", 100*l.Loss), style: warnIf(l.Loss >= lossToWarn), rank: 2, right: true},
		)
	}
	v.items = items
	drawBar(t, 0, items)
}

// From where on the way to the hub gets in the way of a conversation.
const (
	rttToWarn  = 300 * time.Millisecond
	lossToWarn = 0.03
)

// warnIf returns the style of a figure.
func warnIf(bad bool) style {
	if bad {
		return styleBarWarn
	}
	return styleBarFaint
}

// roundTrip returns the text for a round trip.
func roundTrip(d time.Duration) string {
	if d < 10*time.Millisecond {
		return fmt.Sprintf("%.1fms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.0fms", d.Seconds()*1000)
}

// phaseText returns the words for a call that has not joined.
func (v *callView) phaseText(now time.Time) string {
	l := &v.state.Link
	if l.Phase == call.Connecting {
		return "connecting"
	}
	if wait := l.NextTry.Sub(now); wait > time.Second/2 {
		return fmt.Sprintf("reconnecting in %.0f s", wait.Seconds())
	}
	return "reconnecting"
}

func (v *callView) drawBottomBar(t *terminal) {
	items := v.items[:0]
	if n, speaking := v.hidden(); n > 0 {
		items = append(items,
			item{text: fmt.Sprintf("+%d more", n), style: styleBarWarn, rank: 1},
			item{key: "PgUp/PgDn", style: styleBar, rank: 2},
		)
		if speaking != "" {
			items = append(items, item{text: speaking + " speaks", style: styleBarGood, rank: 3})
		}
	}
	mute, camera, self := "mute", "stop camera", "hide self"
	if v.engine.Muted() {
		mute = "unmute"
	}
	if !v.engine.CameraOn() {
		camera = "start camera"
	}
	if v.hideSelf {
		self = "show self"
	}
	items = append(items,
		item{key: "m", text: mute, style: styleBar, rank: 6},
		item{key: "v", text: camera, style: styleBar, rank: 7},
		item{key: "r", text: "look", style: styleBar, rank: 8},
		item{key: "s", text: self, style: styleBar, rank: 9},
		item{key: "?", text: "help", style: styleBar, rank: 5},
		item{key: "q", text: "quit", style: styleBar, rank: 4},
	)
	if !v.engine.CameraOn() {
		items = append(items, item{text: "camera off", style: styleBarWarn, rank: 5, right: true})
	}
	v.items = append(items, v.micItem())
	drawBar(t, t.h-1, v.items)
}

// micItem returns what the bar says of the microphone. It stays however narrow
// the bar is.
func (v *callView) micItem() item {
	switch {
	case v.engine.Muted():
		return item{text: "MUTED", style: styleAlarm, right: true}
	case !v.state.Mic:
		return item{text: "no mic", style: styleBarWarn, right: true}
	}
	return item{text: "mic", style: styleBarGood, right: true, meter: &v.self.meter}
}

// drawWords draws the lines over the pictures: what others type to join while
// nobody is there, what is wrong, what happened.
func (v *callView) drawWords(t *terminal, area rect, now time.Time) {
	y := area.y + area.h - 2 // above the names
	if s, warn := v.notes.line(now, t.w-4); s != "" {
		st := stylePill
		if warn {
			st = stylePillWarn
		}
		drawPill(t, y, s, st)
		y--
	}
	if now.Sub(v.spoke) < mutedTime {
		st := stylePillWarn
		if now.UnixMilli()/500%2 == 0 {
			st = styleAlarm
		}
		drawPill(t, y, text.Clean("you are muted - press m to speak", t.w-2), st)
		y--
	}
	if len(v.state.Members) > 0 {
		return
	}
	if v.hint == "" {
		drawPill(t, y, text.Clean("nobody else is here yet", t.w-2), stylePill)
		return
	}
	// All of it in one piece: it is to be read out or copied.
	lines := append([]string{"nobody else is here yet - others join with"}, wrap(v.hint, t.w-6)...)
	width := 0
	for _, l := range lines {
		width = max(width, textWidth(l)+4)
	}
	width = min(width, t.w)
	r := rect{(t.w - width) / 2, max(y-len(lines)+1, area.y), width, len(lines)}
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
