package call

import (
	"slices"
	"testing"
	"time"
)

// TestThrift holds when less of a member's pictures is asked for, and when more.
func TestThrift(t *testing.T) {
	type look struct {
		slow  bool
		count int // of seconds
	}
	const s = time.Second
	for _, tt := range []struct {
		name  string
		looks []look
		want  int
	}{
		{"never slow", []look{{false, 100}}, 0},
		{"slow once", []look{{true, 1}}, 1},
		{"slow until it has had an effect", []look{{true, 3}}, 1},
		{"slow for longer", []look{{true, 4}}, 2},
		{"always slow", []look{{true, 60}}, noPictures},
		{"not for long enough", []look{{true, 60}, {false, 14}}, noPictures},
		{"no more", []look{{true, 60}, {false, 15}}, noPictures - 1},
		{"no more for long", []look{{true, 60}, {false, 45}}, 0},
		{"again with more", []look{{true, 60}, {false, 15}, {true, 3}, {false, 29}}, noPictures},
		{"again with more, then no more", []look{{true, 60}, {false, 15}, {true, 3}, {false, 32}}, noPictures - 1},
		{"again and again", []look{{true, 60}, {false, 15}, {true, 3}, {false, 32}, {true, 3}, {false, 55}}, noPictures},
		{"once in a while", []look{{true, 1}, {false, 60}, {true, 1}, {false, 15}}, 0},
	} {
		var th thrift
		now := time.Unix(1e9, 0)
		for _, l := range tt.looks {
			for range l.count {
				now = now.Add(s)
				th.look(l.slow, now)
			}
		}
		if th.step != tt.want {
			t.Errorf("%s: step %d, want %d", tt.name, th.step, tt.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		in   View
		step int
		want View
	}{
		{View{Slot: 1, Width: 640, Height: 480, FPS: 30, Colour: true}, 0, View{Slot: 1, Width: 640, Height: 480, FPS: 30, Colour: true}},
		{View{Slot: 1, Width: 640, Height: 480, FPS: 30, Colour: true}, 1, View{Slot: 1, Width: 80, Height: 60, FPS: 8, Colour: true}},
		{View{Slot: 1, Width: 640, Height: 300, FPS: 5, Tall: true}, 1, View{Slot: 1, Width: 96, Height: 45, FPS: 5, Tall: true}},
		{View{Slot: 1, Width: 640, Height: 480, FPS: 30, Colour: true}, 2, View{Slot: 1, Width: 53, Height: 40, FPS: 4}},
		{View{Slot: 1, Width: 40, Height: 20}, 2, View{Slot: 1, Width: 40, Height: 20, FPS: 4}},
		{View{Slot: 1}, 2, View{Slot: 1, Width: 64, Height: 40, FPS: 4}},
		{View{Slot: 1, Width: 1, Height: 5000}, 2, View{Slot: 1, Width: 1, Height: 40, FPS: 4}},
		{View{Slot: 1, Width: 5000, Height: 1}, 2, View{Slot: 1, Width: 64, Height: 1, FPS: 4}},
	} {
		if got := tt.in.cut(tt.step); got != tt.want {
			t.Errorf("%+v at step %d is %+v, want %+v", tt.in, tt.step, got, tt.want)
		}
	}
}

// TestLimits holds what the hub is told of members at whom the screen looks, and
// of all if there is no screen.
func TestLimits(t *testing.T) {
	start := time.Now()
	var v views
	v.init()
	v.begin(start)
	due := func(after time.Duration) (slots []uint16, ok bool) {
		w, ok, _ := v.due(start.Add(after))
		for _, x := range w.Views {
			slots = append(slots, x.Slot)
		}
		return slots, ok
	}
	v.limit([]limit{{1, 0}, {2, 0}}, false)
	if slots, ok := due(time.Second); ok {
		t.Errorf("without a screen or a limit the hub is told of %v", slots)
	}
	if !v.limit([]limit{{1, 0}, {2, noPictures}}, false) || v.limit([]limit{{1, 0}, {2, noPictures}}, false) {
		t.Error("limit does not tell what is new")
	}
	if slots, ok := due(2 * time.Second); !ok || !slices.Equal(slots, []uint16{1}) {
		t.Errorf("without a screen the hub is told of %v, %v, want 1", slots, ok)
	}
	v.limit([]limit{{1, 0}, {2, 0}, {3, 0}}, false)
	if slots, ok := due(3 * time.Second); !ok || !slices.Equal(slots, []uint16{1, 2, 3}) {
		t.Errorf("without limits again the hub is told of %v, %v, want 1, 2, 3", slots, ok)
	}
	// With a screen, in place of all; less at once, as the link is too slow.
	v.set, v.want, v.changed = true, []View{{Slot: 2, Width: 640, Height: 480}}, start
	if slots, ok := due(4 * time.Second); !ok || !slices.Equal(slots, []uint16{2}) {
		t.Errorf("with a screen the hub is told of %v, %v, want 2", slots, ok)
	}
	v.changed = start.Add(5 * time.Second)
	v.limit([]limit{{2, 2}}, false)
	w, ok, _ := v.due(start.Add(5 * time.Second))
	if !ok || len(w.Views) != 1 || w.Views[0].Size.Width != 53 {
		t.Errorf("with a limit the hub is told %+v, %v", w.Views, ok)
	}
}
