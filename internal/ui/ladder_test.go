package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/ascii"
)

// A climb runs a ladder under a clock of its own.
type climb struct {
	l   ladder
	now time.Time
}

// run paints frames at the pace of the ladder for d, each of which costs what
// cost returns, and returns the rungs that it was on, as "0 1 2".
func (c *climb) run(d time.Duration, cost func(r rung) load) string {
	path := []string{fmt.Sprint(c.l.at)}
	for end := c.now.Add(d); c.now.Before(end); {
		r := c.l.rung()
		w := cost(r)
		c.now = c.now.Add(max(r.interval(), w.paint))
		c.l.wrote(c.now, w)
		if s := fmt.Sprint(c.l.at); s != path[len(path)-1] {
			path = append(path, s)
		}
	}
	return strings.Join(path, " ")
}

// takes returns a load of frames of which each is written in d.
func takes(d time.Duration) func(rung) load {
	return func(rung) load { return load{wrote: true, write: d, paint: d, bytes: 1000} }
}

// within returns the load of frames of n bytes under a budget of a rate: what
// fits into it is written.
func within(rate, n int) func(rung) load {
	return func(r rung) load {
		n, room := n, rate/r.fps
		if r.colors == ascii.Colors256 {
			n /= 3
		}
		return load{wrote: true, bytes: min(n, room), short: n > room}
	}
}

func TestLadder(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name string
		l    ladder
		d    time.Duration
		cost func(rung) load
		want string
	}{
		{"fast", ladder{auto: true}, time.Minute, takes(16 * ms), "0"},
		{"too slow for 30", ladder{auto: true}, 4 * time.Second, takes(17 * ms), "0 1"},
		{"too slow for 15", ladder{auto: true}, 4 * time.Second, takes(34 * ms), "0 1 2"},
		{"too slow for 10", ladder{auto: true}, 4 * time.Second, takes(51 * ms), "0 1 2 3 4"},
		{"too slow for all", ladder{auto: true}, 20 * time.Second, takes(101 * ms), "0 1 2 3 4 5 6"},
		{"with 256 colours", ladder{auto: true, colors: ascii.Colors256}, 20 * time.Second, takes(101 * ms), "0 1 2 3 4 5 6"},
		{"with a look of one's own", ladder{}, 20 * time.Second, takes(101 * ms), "0 1 2 3 4 6"},
		{"without colours", ladder{colors: ascii.ColorsNone}, 20 * time.Second, takes(101 * ms), "0 1 2 4 6"},
		{"slow to draw", ladder{auto: true}, 4 * time.Second, func(rung) load {
			return load{wrote: true, write: ms, paint: 40 * ms}
		}, "0 1"},
		{"slow with a meter between", ladder{auto: true}, 4 * time.Second, func() func(rung) load {
			n := 0
			return func(rung) load {
				if n++; n%3 == 0 {
					return load{wrote: true, write: ms, bytes: 100}
				}
				return load{wrote: true, write: 30 * ms, bytes: 100_000}
			}
		}(), "0 1"},
		{"slow once in a while", ladder{auto: true}, time.Minute, func() func(rung) load {
			n := 0
			return func(rung) load {
				if n++; n%100 == 0 {
					return load{wrote: true, write: 30 * ms, bytes: 100_000}
				}
				return load{wrote: true, write: ms, bytes: 100}
			}
		}(), "0"},
		{"in the budget", ladder{auto: true, rate: 100_000}, 20 * time.Second, within(100_000, 3_000), "0"},
		{"twice the budget", ladder{auto: true, rate: 100_000}, 5 * time.Second, within(100_000, 6_000), "0 1"},
		{"ten times the budget", ladder{auto: true, rate: 100_000}, 8 * time.Second, within(100_000, 30_000), "0 1 2 3"},
		{"nothing to write", ladder{auto: true, at: 6}, time.Hour, func(rung) load { return load{} }, "6 5 4 3 2 1 0"},
		{"back in the budget", ladder{auto: true, at: 4, rate: 100_000}, time.Minute, within(100_000, 2_500), "4 3 2 1 0"},
		{"late now and then", ladder{auto: true, at: 3}, 20 * time.Second, func() func(rung) load {
			n := 0
			return func(rung) load {
				n++
				return load{wrote: true, write: []time.Duration{ms, ms, ms, ms, 120 * ms}[n%5], bytes: 1000}
			}
		}(), "3 2 1 0"},
		{"where half would be too much", ladder{auto: true, at: 3, rate: 100_000}, time.Minute, within(100_000, 6_000), "3 2"},
	}
	for _, tt := range tests {
		c := climb{l: tt.l, now: time.Unix(1e9, 0)}
		if got := c.run(tt.d, tt.cost); got != tt.want {
			t.Errorf("%s: the ladder goes %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestOnce checks that frames that are late now and then, and a screen that is
// drawn for the first time, change nothing.
func TestOnce(t *testing.T) {
	c := climb{l: ladder{auto: true, rate: 50_000}, now: time.Unix(1e9, 0)}
	n := 0
	if got := c.run(time.Minute, func(rung) load {
		n++
		return load{wrote: true, write: time.Duration(n%slowFrames) * 10 * time.Millisecond, bytes: 1000}
	}); got != "0" {
		t.Errorf("with %d of %d frames late the ladder goes %s", slowFrames-2, slowFrames, got)
	}
	c.run(time.Minute, takes(0))
	n = 0
	if got := c.run(time.Minute, func(rung) load {
		n++
		return load{wrote: true, bytes: 1000, short: n < int(30*shortFor/time.Second)}
	}); got != "0" {
		t.Errorf("with a large first frame the ladder goes %s", got)
	}
}

// TestRedraw checks that a screen that is drawn anew, because it could be sent
// more, does not pass for too much, however long the budget makes that take.
func TestRedraw(t *testing.T) {
	const rate, cells = 10_000, 1920
	c := climb{l: ladder{auto: true, at: 6, rate: rate, cells: cells}, now: time.Unix(1e9, 0)}
	left, at := 0, 6
	if got := c.run(5*time.Minute, func(r rung) load {
		if c.l.at != at && !r.drawnLike(rungs[at]) {
			left = 35 * cells
		}
		at = c.l.at
		n := min(left, rate/r.fps)
		left -= n
		return load{wrote: n > 0, bytes: n, short: left > 0}
	}); got != "6 5 4 3 2 1 0" {
		t.Errorf("where each step up takes %d s to draw the ladder goes %s", 35*cells/rate, got)
	}
}

// TestPatience checks that a terminal that stands 15 but not 30 pictures a
// second is tried less and less often, but again after it has become fast.
func TestPatience(t *testing.T) {
	c := climb{l: ladder{auto: true}, now: time.Unix(1e9, 0)}
	tries := func(d time.Duration) int {
		return strings.Count(c.run(d, func(r rung) load {
			w := time.Millisecond
			if r.fps == 30 {
				w = 20 * time.Millisecond // in spite of what was seen below
			}
			return load{wrote: true, write: w, paint: w}
		}), "0")
	}
	first, later := tries(time.Minute), tries(30*time.Minute)
	if first < 2 || first > 5 || later > 12 {
		t.Errorf("tried %d times in the first minute and %d times in half an hour", first, later)
	}
	if c.l.wait != patienceMost {
		t.Errorf("it waits %v in the end, want %v", c.l.wait, patienceMost)
	}
	if got := c.run(2*patienceMost, takes(time.Millisecond)); !strings.HasSuffix(got, "0") {
		t.Errorf("when it is fast the ladder goes %s", got)
	}
	if got := c.run(2*patienceMost, takes(time.Millisecond)); got != "0" {
		t.Errorf("then the ladder goes %s", got)
	}
	c.run(time.Second, takes(time.Second/50))
	if c.l.at != 1 || c.l.wait != patience {
		t.Errorf("after long at the top it waits %v on rung %d, want %v on 1", c.l.wait, c.l.at, patience)
	}
}

// TestNews checks what the person is told, and that it is told once.
func TestNews(t *testing.T) {
	c := climb{l: ladder{auto: true}, now: time.Unix(1e9, 0)}
	var told []string
	look := func() {
		for range 10 {
			if s := c.l.news(c.now); s != "" {
				told = append(told, s)
			}
			c.now = c.now.Add(tellAfter / 4)
		}
	}
	look()
	for _, at := range []int{1, 2, 1, 2, 4, 5, 6, 0, 1} {
		c.l.step(c.now, at)
		if s := c.l.news(c.now); s != "" {
			t.Errorf("told at once: %q", s)
		}
		look()
	}
	want := []string{
		"15 fps", "10 fps", "5 fps, gray", "5 fps, gray, half blocks", "5 fps, letters", "15 fps",
	}
	for i, s := range told {
		if i >= len(want) || s != "terminal is slow: "+want[i] {
			t.Errorf("told %q, want %q", told, want)
			break
		}
	}
	if len(told) < len(want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// TestRungLooks checks which looks take the place of others.
func TestRungLooks(t *testing.T) {
	half, last := rungs[5], rungs[6]
	for _, tt := range []struct {
		r    rung
		auto bool
		look ascii.Look
		want ascii.Look
	}{
		{rungs[0], true, ascii.LookOctant, ascii.LookOctant},
		{rungs[4], true, ascii.LookOctant, ascii.LookOctant},
		{half, true, ascii.LookOctant, ascii.LookHalf},
		{half, true, ascii.LookRamp, ascii.LookRamp},
		{half, false, ascii.LookOctant, ascii.LookOctant}, // the person wants it
		{last, false, ascii.LookOctant, ascii.LookASCII},
		{last, true, ascii.LookLetters, ascii.LookASCII},
		{last, true, ascii.LookClassic, ascii.LookClassic},
		{last, false, ascii.LookReverse, ascii.LookReverse},
	} {
		if got := tt.r.look(tt.look, tt.auto); got != tt.want {
			t.Errorf("%+v: %v, auto %v, becomes %v, want %v", tt.r, tt.look, tt.auto, got, tt.want)
		}
	}
}

func TestSpeed(t *testing.T) {
	var s speed
	now := time.Unix(1e9, 0)
	for i := range 100 {
		now = now.Add(100 * time.Millisecond)
		s.add(now, 500)
		if i > 30 && (s.now < 4900 || s.now > 5100) {
			t.Fatalf("after %d times 500 bytes in 100 ms the speed is %d", i, s.now)
		}
	}
	if s.add(now.Add(time.Hour), 1); s.now != 0 {
		t.Errorf("after an hour the speed is %d", s.now)
	}
}

func TestBudget(t *testing.T) {
	var free budget
	if free.spend(1 << 30); free.room(time.Unix(1e9, 0)) < 1<<30 {
		t.Error("without a rate there is a limit")
	}
	b := budget{rate: 10_000}
	now := time.Unix(1e9, 0)
	begun, sent := now, 0
	for i := range 3000 {
		n := b.room(now)
		if n > 2500 {
			t.Fatalf("room for %d bytes, want at most a quarter of a second's", n)
		}
		if i%3 == 0 {
			n += 50 // words, which do not ask
		}
		b.spend(n)
		sent += n
		now = now.Add(33 * time.Millisecond)
	}
	if rate := float64(sent) / now.Sub(begun).Seconds(); rate < 9_500 || rate > 10_500 {
		t.Errorf("%.0f bytes a second, want about %d", rate, b.rate)
	}
	b.spend(1 << 30)
	if b.room(now.Add(900*time.Millisecond)) != 0 || b.room(now.Add(1500*time.Millisecond)) == 0 {
		t.Errorf("after very much the budget has %d bytes: want a second to wait", b.saved)
	}
}
