package call

import (
	"context"
	"image"
	"reflect"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/mailbox"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/video"
	"github.com/sanix-darker/s2c/internal/wire"
)

// TestViews holds when the hub is told what the screen shows: at once what
// grows, later what shrinks, and never more than ten times a second.
func TestViews(t *testing.T) {
	small, large := View{Slot: 1, Width: 80, Height: 48, FPS: 15}, View{Slot: 1, Width: 160, Height: 96, FPS: 15}
	other := View{Slot: 2, Width: 8, Height: 8}
	steps := []struct {
		at   time.Duration
		want []View // what the screen shows from then on; nil: the same
		told int    // how many views the hub is told; -1: nothing
		wait time.Duration
	}{
		{0, nil, -1, 0},               // the screen has said nothing
		{0, []View{}, -1, firstWatch}, // nobody is on it yet
		{100 * time.Millisecond, []View{small}, -1, firstWatch - 100*time.Millisecond}, // somebody is
		{firstWatch, nil, 1, 0},
		{firstWatch, nil, -1, 0}, // nothing new
		{firstWatch + 10*time.Millisecond, []View{large}, -1, watchEvery - 10*time.Millisecond},
		{firstWatch + watchEvery, nil, 1, 0},
		{5 * time.Second, []View{large, other}, 2, 0}, // grows
		{6 * time.Second, []View{small, other}, -1, shrinkAfter},
		{6*time.Second + 300*time.Millisecond, []View{small}, -1, shrinkAfter},
		{6*time.Second + 600*time.Millisecond, nil, -1, shrinkAfter - 300*time.Millisecond},
		{6*time.Second + 800*time.Millisecond, []View{large, other}, -1, 0}, // as the hub knows it
		{7 * time.Second, []View{}, -1, shrinkAfter},
		{7*time.Second + shrinkAfter, nil, 0, 0},
		{8 * time.Second, []View{{Slot: 1, Colour: true}}, 1, 0},
		{9 * time.Second, []View{{Slot: 1}}, -1, shrinkAfter}, // less colour
		{9 * time.Second, []View{{Slot: 1, FPS: 1}}, 1, 0},    // more pictures than it chose
	}
	var c Call
	v := &c.views
	v.init()
	start := time.Now()
	v.begin(start)
	for i, s := range steps {
		now := start.Add(s.at)
		if s.want != nil {
			c.Watch(s.want)
			v.changed = now
		}
		w, ok, wait := v.due(now)
		told := -1
		if ok {
			told = len(w.Views)
		}
		if told != s.told || wait != s.wait {
			t.Errorf("step %d, after %v: %d views told, wait %v; want %d, %v", i, s.at, told, wait, s.told, s.wait)
		}
	}
	v.begin(start)
	if _, ok, wait := v.due(start.Add(time.Minute)); ok || wait != 0 {
		t.Error("a new connection is told what the screen showed of the old one")
	}
}

// TestWatchOfMany holds that what does not fit on the wire is left out.
func TestWatchOfMany(t *testing.T) {
	var c Call
	c.views.init()
	views := make([]View, wire.MaxViews+5)
	for i := range views {
		views[i] = View{Slot: uint16(i), Width: 5000, Height: 5000, FPS: 1000}
	}
	for range 2 {
		c.Watch(views)
	}
	w, ok, _ := c.views.due(time.Now().Add(time.Minute))
	if !ok || len(w.Views) != wire.MaxViews {
		t.Fatalf("told %v of %d views, want %d", ok, len(w.Views), wire.MaxViews)
	}
	if got, want := w.Views[3].Size, (wire.Size{Width: video.MaxWidth, Height: video.MaxHeight, FPS: maxFPS}); got != want {
		t.Errorf("size %+v, want %+v", got, want)
	}
	if _, err := wire.ParseMessage(w.Append(nil)); err != nil {
		t.Error(err)
	}
}

func TestFitInto(t *testing.T) {
	tests := []struct{ w, h, cw, ch, high, wantW, wantH int }{
		{160, 96, 640, 480, 1, 160, 96},
		{160, 48, 640, 480, 2, 160, 48},
		{640, 480, 640, 480, 1, 640, 480},
		{640, 480, 320, 240, 1, 320, 240},     // no more than the camera has
		{640, 240, 320, 240, 1, 320, 120},     // in a part of this shape
		{240, 480, 320, 240, 1, 120, 240},     // likewise
		{161, 97, 640, 480, 1, 160, 96},       // even
		{8, 8, 640, 480, 1, 16, 16},           // the least
		{640, 8, 640, 480, 1, 640, 16},        //
		{5000, 5000, 9000, 9000, 1, 640, 480}, // the most
		{160, 96, 1, 1, 1, 16, 16},            // from a broken camera
		{160, 96, 0, 0, 1, 160, 96},           // before its first picture
		{1, 60000, 640, 480, 1, 16, 480},
	}
	for _, test := range tests {
		if w, h := fitInto(test.w, test.h, test.cw, test.ch, test.high); w != test.wantW || h != test.wantH {
			t.Errorf("fitInto(%d, %d, %d, %d, %d) = %d, %d, want %d, %d", test.w, test.h, test.cw, test.ch, test.high, w, h, test.wantW, test.wantH)
		}
	}
}

func TestShapeFor(t *testing.T) {
	gray, colour := new(media.Frame), new(media.Frame)
	gray.Resize(640, 480, false)
	colour.Resize(640, 480, true)
	tests := []struct {
		size wire.Size
		f    *media.Frame
		fps  int // of the Config
		want Sending
	}{
		{wire.Size{}, gray, 0, Sending{192, 144, 15, false, false}},
		{wire.Size{}, colour, 0, Sending{192, 144, 15, false, false}}, // nobody asked for colour
		{wire.Size{Width: 160, Height: 96, FPS: 30, Colour: true}, colour, 0, Sending{160, 96, 15, true, false}},
		{wire.Size{Width: 160, Height: 96, FPS: 30, Colour: true}, gray, 0, Sending{160, 96, 15, false, false}},
		{wire.Size{Width: 160, Height: 96, FPS: 5}, gray, 0, Sending{160, 96, 5, false, false}},
		{wire.Size{Width: 240, Height: 128, FPS: 30}, gray, 0, Sending{240, 128, 30, false, false}},
		{wire.Size{Width: 240, Height: 128}, gray, 0, Sending{240, 128, 30, false, false}},
		{wire.Size{Width: 240, Height: 128}, gray, 10, Sending{240, 128, 10, false, false}},
		{wire.Size{Width: 160, Height: 96}, gray, 30, Sending{160, 96, 30, false, false}},
		{wire.Size{Width: 120, Height: 36, Tall: true, Colour: true}, colour, 0, Sending{120, 36, 15, true, true}},
		{wire.Size{Width: 400, Height: 40, Tall: true}, gray, 0, Sending{400, 40, 30, false, true}},
		{wire.Size{Width: 640, Height: 240, Tall: true}, gray, 0, Sending{640, 240, 30, false, true}},
	}
	for _, test := range tests {
		c := Call{cfg: Config{Width: defaultWidth, Height: defaultHeight, FPS: test.fps}}
		if got := c.shapeFor(test.size, test.f); got != test.want {
			t.Errorf("%+v at %d a second: %+v, want %+v", test.size, test.fps, got, test.want)
		}
	}
	for _, s := range []Sending{{16, 16, 1, false, false}, {160, 96, 15, false, false}, {640, 480, 30, true, false}} {
		if _, err := video.NewEncoder(video.Config{Width: s.Width, Height: s.Height, FPS: s.FPS, Bitrate: s.bitrate(), Chroma: s.Colour}); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// TestPacer counts which pictures of uneven cameras are taken.
func TestPacer(t *testing.T) {
	tests := []struct {
		camera, fps int
		jitter      time.Duration
		least, most int // in ten seconds
	}{
		{30, 15, 0, 149, 151},
		{30, 15, 8 * time.Millisecond, 148, 152},
		{30, 30, 5 * time.Millisecond, 290, 300},
		{25, 30, 0, 250, 250},
		{15, 30, 10 * time.Millisecond, 150, 150},
		{60, 5, 3 * time.Millisecond, 49, 51},
	}
	for _, test := range tests {
		var p pacer
		start, taken := time.Now(), 0
		for i := range 10 * test.camera {
			at := start.Add(time.Duration(i) * time.Second / time.Duration(test.camera))
			if i%3 == 1 {
				at = at.Add(test.jitter)
			}
			if p.take(at, test.fps) {
				taken++
			}
		}
		if taken < test.least || taken > test.most {
			t.Errorf("%d of %d pictures a second, uneven by %v: %d in 10 s, want %d to %d", test.fps, test.camera, test.jitter, taken, test.least, test.most)
		}
	}
}

// TestTurnOfLayers shows a receiver pictures of one layer and then of another,
// with what is left of the first in between.
func TestTurnOfLayers(t *testing.T) {
	src := image.NewYCbCr(image.Rect(0, 0, 64, 48), image.YCbCrSubsampleRatio420)
	var encs [2]*video.Encoder
	for i, w := range []int{64, 32} {
		var err error
		if encs[i], err = video.NewEncoder(video.Config{Width: w, Height: w * 3 / 4, FirstID: uint16(100 * i)}); err != nil {
			t.Fatal(err)
		}
	}
	take := func(layer, at int) *coded {
		for i := range src.Y {
			src.Y[i] = byte(i*at + i>>5)
		}
		b, p, err := encs[layer].Encode(nil, src)
		if err != nil {
			t.Fatal(err)
		}
		return &coded{layer: layer, id: p.ID, ref: p.Ref, time: wire.Millis(1000 + 40*at), data: b}
	}
	var c Call
	c.changed = make(chan struct{}, 1)
	c.outbox.init()
	m := &member{ctx: context.Background(), pictures: mailbox.New[media.Frame]()}
	k := catcher{dec: video.NewDecoder()}
	show := func(p *coded) (width int) {
		c.takePicture(m, &k, p, time.Now())
		if f := m.pictures.Take(); f != nil {
			return f.Rect.Dx()
		}
		return 0
	}
	first, late := take(0, 1), take(0, 2)
	encs[1].ForceKey()
	take(1, 2) // gets lost
	second := take(1, 3)
	encs[1].ForceKey()
	third, fourth := take(1, 4), take(1, 5)
	back := take(0, 9) // refers to late
	encs[0].ForceKey()
	again := take(0, 10)
	steps := []struct {
		what  string
		p     *coded
		width int // of the picture that is shown; 0 for none
		ask   bool
	}{
		{"key picture of the large layer", first, 64, false},
		{"of the small one, whose key picture was lost", second, 0, true},
		{"what was on its way of the large one", late, 0, true},
		{"key picture of the small one", third, 32, false},
		{"the next", fourth, 32, false},
		{"of the large one, without a key picture", back, 0, true},
		{"its key picture", again, 64, false},
	}
	for _, s := range steps {
		layer := s.p.layer // of s.p later only if it does not wait
		if got := show(s.p); got != s.width || m.ask.wanted != s.ask {
			t.Errorf("%s: a picture of width %d is shown, asked for one %v; want %d, %v", s.what, got, m.ask.wanted, s.width, s.ask)
		}
		if r, ok := m.dueRequest(time.Now().Add(time.Hour)); ok && int(r.Layer) != layer && s.p != late {
			t.Errorf("%s: asked for layer %d", s.what, r.Layer)
		}
	}
}

// TestLayersWanted holds that the sender takes the hub's word, and goes on by
// itself on a new connection.
func TestLayersWanted(t *testing.T) {
	var c Call
	c.views.init()
	c.demand.everybody()
	get := func() []wire.Size {
		s, n := c.demand.get()
		return s[:n]
	}
	if got := get(); !reflect.DeepEqual(got, []wire.Size{{}}) {
		t.Errorf("before the hub has said anything: %v", got)
	}
	a, b := wire.Size{Width: 160, Height: 96}, wire.Size{Width: 80, Height: 48, Colour: true}
	c.takeLayers(wire.Layers{Layers: []wire.Layer{{Size: a}, {Size: b, Fresh: true}}})
	if got := get(); !reflect.DeepEqual(got, []wire.Size{a, b}) {
		t.Errorf("layers %v, want %v and %v", got, a, b)
	}
	if c.want[0].joined || !c.want[1].joined {
		t.Errorf("key pictures wanted of %v and %v, want of the second", c.want[0].joined, c.want[1].joined)
	}
	c.takeLayers(wire.Layers{})
	if got := get(); len(got) != 0 {
		t.Errorf("nobody looks, and %v are coded", got)
	}
}
