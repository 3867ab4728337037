package ui

import (
	"context"
	"fmt"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/term"
	"github.com/sanix-darker/s2c/internal/text"
)

// MirrorConfig is what Mirror needs. Each function may be nil; one goroutine
// calls them, and they must not block.
type MirrorConfig struct {
	// Pictures returns the newest own picture if it has not been returned
	// before, else nil. The mirror copies it at once.
	Pictures func() *media.Frame

	// Changed yields after there is something new to show. Nil is fine: the
	// mirror looks every 125 ms by itself.
	Changed <-chan struct{}

	// Level returns the level of the microphone in dBFS, -96 to 0, and whether
	// it is speech.
	Level func() (dbfs float64, speaking bool)

	// Status returns lines such as the names of the devices and what is
	// missing. The slice is read before the next call.
	Status func() []string

	// WatchSelf is told how large the picture is on the screen, how often it is
	// painted and whether in colours, whenever that has changed. Its Slot is 0.
	WatchSelf func(v call.View)

	Screen tcell.Screen // as in Config, like all below

	Terminal   term.Info
	Look       ascii.Look
	Auto       bool
	LookChosen func(l ascii.Look, auto bool)
	Rate       int

	Theme   string // as in Settings
	Borders string // as in Config
}

// setup returns what the terminal is opened with.
func (c *MirrorConfig) setup() setup {
	return setup{
		screen: c.Screen, info: c.Terminal, pictures: pictures{c.Look, c.Auto, c.LookChosen}, rate: c.Rate,
		settings: Settings{Theme: c.Theme}, borders: c.Borders,
	}
}

// Mirror shows the person's own camera in each look, with the level of the
// microphone, until the person quits, with nil, or until ctx is done, with its
// cause. It leaves the terminal as it was.
func Mirror(ctx context.Context, c MirrorConfig) error {
	v := &mirrorView{cfg: c, help: help{lines: mirrorHelp}, self: tile{name: "you"}}
	return show(ctx, c.setup(), v, c.Changed)
}

// silence is the level of no sound, in dBFS.
const silence = -96

// A mirrorView shows one picture. The goroutine that paints owns it.
type mirrorView struct {
	cfg     MirrorConfig
	help    help
	self    tile
	metered time.Time // when the meter last took a level
	status  []string  // clean
	items   []item    // scratch
	told    call.View // what WatchSelf was told; zero when nothing

	// To count pictures per second.
	counted  time.Time
	pictures int
	fps      float64
}

func (v *mirrorView) key(k *tcell.EventKey, t *terminal, _ time.Time) (leave bool) {
	if v.help.open {
		v.help.key(k)
		return false
	}
	switch letter(k) {
	case 'q':
		return true
	case 'r', '[', ']':
		t.looks.key(letter(k)) // the bar says what it did
	case '?':
		v.help.open = true
	}
	return false
}

func (v *mirrorView) mouse(mouse, *terminal, time.Time) (leave bool) { return false }

func (v *mirrorView) paste(string, *terminal, time.Time) {}

// watch tells the camera how its picture is shown, if that has changed.
func (v *mirrorView) watch(w call.View) {
	if w != v.told && v.cfg.WatchSelf != nil {
		v.cfg.WatchSelf(w)
	}
	v.told = w
}

func (v *mirrorView) hide() {
	v.watch(unseen)
	v.self.settle()
}

func (v *mirrorView) draw(t *terminal, now time.Time) {
	v.update(now)
	dbfs, speaking := v.level(now)
	mic := item{text: fmt.Sprintf("mic %3.0f dB", dbfs), style: styleBarGood, right: true, meter: &v.self.meter}
	if dbfs <= silence {
		mic = item{text: "no sound", style: styleBarWarn, right: true}
	}
	if t.w < minCols || t.h < minRows {
		v.help.open = false
		v.hide()
		if t.w > 0 && t.h > 0 {
			v.items = append(v.items[:0], item{text: t.looks.String(), style: styleBar, rank: 1}, mic)
			drawBar(t, 0, v.items)
		}
		return
	}
	// The picture keeps at least half of the height.
	area := rect{0, 1, t.w, t.h - 2 - min(len(v.status), (t.h-2)/2)}
	v.drawPicture(t, area, speaking)
	for y := area.y + area.h; y < t.h-1; y++ {
		t.canvas.text(1, y, t.w-2, v.status[y-area.y-area.h], styleName)
	}
	v.drawBars(t, area.inside(), mic)
	v.self.settle()
	v.help.draw(t, rect{0, 1, t.w, t.h - 2})
}

// level returns the level of the microphone and whether it is speech, and moves
// the meter.
func (v *mirrorView) level(now time.Time) (dbfs float64, speaking bool) {
	dbfs = silence
	if v.cfg.Level != nil {
		dbfs, speaking = v.cfg.Level()
	}
	if now.Sub(v.metered) >= meterEvery {
		v.metered = now
		v.self.meter.push(dbfs)
	}
	return dbfs, speaking
}

// drawPicture draws the person into area.
func (v *mirrorView) drawPicture(t *terminal, area rect, speaking bool) {
	in := area.inside()
	v.self.show(t, in.w, in.h)
	if in.w > 0 && in.h > 0 {
		v.watch(t.view(&v.self, in.w, in.h))
	}
	f := face{tile: &v.self, name: "you", label: "you", speaking: speaking}
	if !v.self.has {
		f.reason = "no picture"
	}
	drawFace(t, area, &f)
}

// update takes what is new.
func (v *mirrorView) update(now time.Time) {
	if v.cfg.Pictures != nil {
		if f := v.cfg.Pictures(); f != nil {
			v.self.take(f)
			v.pictures++
		}
	}
	if d := now.Sub(v.counted); d >= time.Second {
		v.fps = float64(v.pictures) / d.Seconds()
		v.counted, v.pictures = now, 0
	}
	v.status = v.status[:0]
	if v.cfg.Status != nil {
		for _, s := range v.cfg.Status() {
			v.status = append(v.status, text.Clean(s, 200))
		}
	}
}

func (v *mirrorView) drawBars(t *terminal, picture rect, mic item) {
	v.items = append(v.items[:0],
		item{text: "s2c mirror", style: styleBarStrong, rank: 0},
		item{text: "look " + t.looks.String(), style: styleBar, rank: 1},
		item{text: fmt.Sprintf("%dx%d cells", picture.w, picture.h), style: styleBarFaint, rank: 3, right: true},
		item{text: fmt.Sprintf("%.0f fps", v.fps), style: styleBarFaint, rank: 2, right: true},
	)
	if c := t.looks.contrast; c != 0 {
		v.items = append(v.items, item{text: fmt.Sprintf("contrast %+d", c), style: styleBar, rank: 4})
	}
	if s := t.status(); s != "" {
		v.items = append(v.items, item{text: "tty " + s, style: warnIf(t.ladder.at > 0), rank: 5, right: true})
	}
	drawBar(t, 0, v.items)
	v.items = append(v.items[:0],
		item{key: "r", text: "next look", style: styleBar, rank: 3},
		item{key: "?", text: "help", style: styleBar, rank: 2},
		item{key: "q", text: "quit", style: styleBar, rank: 1},
		mic,
	)
	drawBar(t, t.h-1, v.items)
}
