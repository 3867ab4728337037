package ui

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/term"
)

// A busyCall is a call with one other member, who sends pictures that have
// nothing in common all the time, on a terminal.
type busyCall struct {
	*vt
	e      *engine
	frames []*media.Frame
	sent   int
}

// onBusy runs one in a bubble.
func onBusy(t *testing.T, c Config, f func(t *testing.T, b *busyCall)) {
	t.Helper()
	setTerm(t, true)
	synctest.Test(t, func(t *testing.T) {
		b := &busyCall{e: newEngine(1), frames: noise(320, 240)}
		c.Engine = b.e
		ctx, cancel := context.WithCancel(t.Context())
		var ended <-chan error
		b.vt, ended = vtRun(ctx, t, c)
		pass(time.Second)
		f(t, b)
		cancel()
		<-ended
		if len(b.unknown) > 0 {
			t.Errorf("the terminal was sent %v", b.unknown)
		}
	})
}

// send sends pictures for d, as often as they are wanted.
func (b *busyCall) send(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		fps := 0
		b.e.change(func() {
			b.e.pictures[10] = b.frames[b.sent%len(b.frames)]
			b.sent++
			fps = b.e.views[0].FPS
		})
		pass(time.Second / time.Duration(fps))
	}
}

// fps returns how many pictures a second are wanted.
func (b *busyCall) fps() (n int) {
	b.e.change(func() { n = b.e.views[0].FPS })
	return n
}

// be makes each write of a picture take d.
func (b *busyCall) be(d time.Duration) {
	b.mu.Lock()
	b.slow = d
	b.mu.Unlock()
}

// whole checks that the screen shows all that is to be there: drawing it again
// changes nothing.
func (b *busyCall) whole(t *testing.T) {
	t.Helper()
	before := b.snapshot()
	b.in <- []byte("\x0c")
	pass(20 * time.Second)
	for i, after := range b.snapshot() {
		if after != before[i] {
			t.Fatalf("cell %d,%d is %+v, and %+v after drawing the whole screen", i%b.w, i/b.w, before[i], after)
		}
	}
}

// TestBackPressure checks that a terminal that is slow is sent less, that the
// person and the senders know, and that this ends when it is fast again.
func TestBackPressure(t *testing.T) {
	c := Config{Look: ascii.LookOctant, Terminal: term.Info{Name: "test", Blocks: true, Octants: true}}
	onBusy(t, c, func(t *testing.T, b *busyCall) {
		says := func(words string, want bool) {
			t.Helper()
			if got := b.text(); strings.Contains(got, words) != want {
				t.Errorf("%q is on the screen: %v, want %v:\n%s", words, !want, want, got)
			}
		}
		b.send(5 * time.Second)
		if got := b.fps(); got != 30 {
			t.Errorf("%d fps on a fast terminal, want 30", got)
		}
		says("is slow", false)
		b.be(40 * time.Millisecond)
		b.send(4 * time.Second)
		if got := b.fps(); got != 10 {
			t.Errorf("%d fps where each picture takes 40 ms, want 10", got)
		}
		says("terminal is slow: 10 fps", true)
		says("tty 10 fps", true)
		b.in <- []byte("p")
		b.send(time.Second)
		says("terminal: 10 fps, ", true)
		b.in <- []byte("p")
		b.be(150 * time.Millisecond)
		b.send(8 * time.Second)
		if got := b.text(); strings.ContainsFunc(got, func(r rune) bool { return r >= 0x1cd00 && r < 0x1cef0 }) {
			t.Errorf("octants on a terminal that takes 150 ms:\n%s", got)
		}
		says("tty 5 fps, letters", true)
		b.be(0)
		pass(time.Minute)
		if got := b.fps(); got != 30 {
			t.Errorf("%d fps when it is fast again, want 30", got)
		}
		says("slow", false)
		says("fps", false)
		b.whole(t)
	})
}

// TestRate checks that the bytes that are written keep to the budget, that keys
// show at once all the same, and that all is there in the end.
func TestRate(t *testing.T) {
	const rate = 20_000
	c := Config{Look: ascii.LookOctant, Rate: rate, Terminal: term.Info{Name: "test", Blocks: true, Octants: true}}
	onBusy(t, c, func(t *testing.T, b *busyCall) {
		b.send(2 * time.Second)
		begun, from := time.Now(), b.written()
		for range 10 {
			b.send(time.Second)
			b.in <- []byte("m")
			pass(10 * time.Millisecond)
			if got := strings.Contains(b.text(), "MUTED"); got != b.e.Muted() {
				t.Errorf("after a key MUTED is on the screen: %v, want %v", got, b.e.Muted())
			}
		}
		n := float64(b.written()-from) / time.Since(begun).Seconds()
		if n > 1.1*rate || n < 0.3*rate {
			t.Errorf("%.0f bytes a second, want at most %d and not much less", n, rate)
		}
		pass(2 * time.Minute) // the ladder is at its top again
		if got := b.fps(); got != 30 {
			t.Errorf("%d fps in the end, want 30", got)
		}
		b.whole(t)
	})
}
