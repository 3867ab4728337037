package v4l2

import (
	"slices"
	"testing"
	"time"
)

func TestChooseInterval(t *testing.T) {
	one := func(num, den uint32) intervalRange { return intervalRange{interval{num, den}, interval{num, den}} }
	usual := []intervalRange{one(1, 30), one(1, 15), one(2, 15)}
	for _, c := range []struct {
		name string
		list []intervalRange
		fps  int
		want interval
	}{
		{"a usual camera", usual, 30, interval{1, 30}},
		{"a usual camera", usual, 15, interval{1, 15}},
		{"a usual camera, faster than it is", usual, 60, interval{1, 30}},
		{"7.5, 15 and 60", []intervalRange{one(2, 15), one(1, 15), one(1, 60)}, 30, interval{1, 60}},
		{"24 and 60", []intervalRange{one(1, 24), one(1, 60)}, 30, interval{1, 24}},
		{"25 and 50", []intervalRange{one(1, 50), one(1, 25)}, 30, interval{1, 25}},
		{"15 and 120", []intervalRange{one(1, 15), one(1, 120)}, 30, interval{1, 120}},
		{"15 and 240", []intervalRange{one(1, 15), one(1, 240)}, 30, interval{1, 15}},
		{"slow ones only", []intervalRange{one(1, 5), one(1, 10)}, 30, interval{1, 10}},
		{"television", []intervalRange{one(1001, 30000), one(1, 25)}, 30, interval{1001, 30000}},
		{"a range", []intervalRange{{interval{1, 120}, interval{1, 1}}}, 30, interval{1, 30}},
		{"a range of slow ones", []intervalRange{{interval{1, 10}, interval{1, 1}}}, 30, interval{1, 10}},
		{"a range of fast ones", []intervalRange{{interval{1, 100}, interval{1, 50}}}, 30, interval{1, 50}},
		{"no list", nil, 30, interval{1, 30}},
		{"nonsense", []intervalRange{one(0, 30), one(1, 0), one(0, 0)}, 30, interval{1, 30}},
	} {
		if got := chooseInterval(c.list, c.fps); got != c.want {
			t.Errorf("%s, %d wanted: %v, want %v", c.name, c.fps, got, c.want)
		}
	}
}

// TestThinner: of a camera that is much faster than wanted about the wanted
// rate is left; one that only says so, or is a little faster, loses nothing.
func TestThinner(t *testing.T) {
	const seconds = 10
	for _, c := range []struct {
		said, gives float64
		fps         int
		want        int // pictures a second
	}{
		{60, 60, 30, 30},
		{50, 50, 30, 30},
		{120, 120, 30, 30},
		{30, 30, 30, 30},
		{60, 30, 30, 30}, // a lie
		{60, 10, 30, 10},
		{40, 40, 30, 40}, // not worth the judder
		{0, 60, 30, 60},  // nobody knows
		{30, 30, 15, 15},
	} {
		thin := newThinner(c.said, c.fps)
		start, kept := time.Unix(1000, 0), 0
		for i := range int(seconds * c.gives) {
			at := start.Add(time.Duration(float64(i) / c.gives * float64(time.Second)))
			at = at.Add(time.Duration(i*7919%5-2) * time.Millisecond) // early and late by 2 ms
			if thin.pass(at) {
				kept++
			}
		}
		if off := kept - c.want*seconds; off < -2 || off > 2 {
			t.Errorf("says %v, gives %v, wanted %d: %d pictures in %d s, want %d", c.said, c.gives, c.fps, kept, seconds, c.want*seconds)
		}
	}
	// A clock that jumps back does not stop the pictures.
	thin := newThinner(60, 30)
	thin.pass(time.Unix(1000, 0))
	if !thin.pass(time.Unix(10, 0)) {
		t.Error("a picture from before the jump is left out")
	}
}

func TestMeter(t *testing.T) {
	var m meter
	start := time.Unix(1000, 0)
	var rates []float64
	for i := range 100 { // 20 a second, then 10
		at := start.Add(time.Duration(min(i, 40)*50+max(i-40, 0)*100) * time.Millisecond)
		if m.add(at) {
			rates = append(rates, m.rate)
		}
	}
	if want := []float64{20, 20, 10, 10, 10, 10, 10}; !slices.Equal(rates[:min(7, len(rates))], want) {
		t.Errorf("rates %v, want %v", rates, want)
	}
	if m.add(start); m.n != 0 {
		t.Error("a clock that jumped back did not start a new window")
	}
}

func TestCompareOffers(t *testing.T) {
	c := Config{}.withDefaults()
	fast := func(f fourCC, w, h int) offer { return offer{mode{f, w, h}, interval{1, 30}, false} }
	slow := func(f fourCC, w, h int, den uint32) offer { return offer{mode{f, w, h}, interval{1, den}, true} }
	want := []offer{
		fast(yuyv, 640, 360),
		fast(mjpg, 640, 480),
		fast(mjpg, 1280, 720),
		slow(yuyv, 640, 480, 20),
		slow(yuyv, 640, 480, 15),
		slow(mjpg, 640, 480, 15),
		slow(yuyv, 1280, 720, 10),
		fast(yuyv, 160, 120),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, func(a, b offer) int { return compareOffers(a, b, c) })
	if !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	for fps, want := range map[uint32]bool{30: false, 25: false, 23: false, 22: true, 15: true, 60: false} {
		if got := tooSlow(interval{1, fps}, 30); got != want {
			t.Errorf("%d for 30 is too slow: %v, want %v", fps, got, want)
		}
	}
}
