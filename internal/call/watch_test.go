package call_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/simnet"
)

// A colourCamera films a coloured patch that moves, 320x240 at 30 a second.
type colourCamera struct {
	tick *time.Ticker
	done chan struct{}
	once sync.Once
	n    int
}

func newColourCamera(context.Context) (media.VideoSource, error) {
	return &colourCamera{tick: time.NewTicker(time.Second / 30), done: make(chan struct{})}, nil
}

func (c *colourCamera) ReadFrame(f *media.Frame) error {
	select {
	case <-c.done:
		return os.ErrClosed
	case f.At = <-c.tick.C:
	}
	f.Resize(320, 240, true)
	c.n++
	for i := range f.Y {
		f.Y[i] = byte(40 + i%320/4 + i/320/4)
	}
	for y := 60; y < 120; y++ {
		x := 20 + (c.n*3)%200
		for i := range 60 {
			f.Y[y*320+x+i] = 200
		}
	}
	for i := range f.Cb {
		f.Cb[i], f.Cr[i] = 90, 170
	}
	return nil
}

func (c *colourCamera) Close() error {
	c.once.Do(func() { c.tick.Stop(); close(c.done) })
	return nil
}

// A viewer is somebody who looks at the first member of a session.
type viewer struct {
	call *call.Call
	slot uint16
	last media.Frame // the newest picture
	n    int         // pictures so far
}

// look takes the newest picture, if there is one.
func (v *viewer) look() bool {
	f := v.call.Picture(v.slot)
	if f != nil {
		v.last.CopyFrom(f)
		v.n++
	}
	return f != nil
}

// show has ann film, and viewers of the given names join, all as far away.
func (w *world) show(delay time.Duration, names ...string) (ann *call.Call, viewers []*viewer) {
	w.t.Helper()
	link := simnet.Link{Delay: delay}
	cfg := w.guest("ann")
	cfg.Dial, cfg.Camera = w.dial(link, link), newColourCamera
	ann, _ = w.enter(cfg)
	for _, name := range names {
		cfg := w.guest(name)
		cfg.Dial = w.dial(link, link)
		c, _ := w.enter(cfg)
		viewers = append(viewers, &viewer{call: c, slot: state(ann).Self.Slot})
	}
	return ann, viewers
}

// TestOnlyWhatIsLookedAt has one member film, whom others show in several sizes
// and then not at all.
func TestOnlyWhatIsLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, viewers := w.show(10*time.Millisecond, "bob", "cid", "dan", "eve")
		bob, cid, dan, eve := viewers[0], viewers[1], viewers[2], viewers[3]
		// rest lets time pass and has everybody look.
		rest := func(d time.Duration) (pictures []int) {
			for _, v := range viewers {
				v.n = 0
			}
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				for _, v := range viewers {
					v.look()
				}
			}
			for _, v := range viewers {
				pictures = append(pictures, v.n)
			}
			return pictures
		}
		sizeOf := func(v *viewer) [2]int { return [2]int{v.last.Rect.Dx(), v.last.Rect.Dy()} }

		rest(2 * time.Second)
		for _, v := range viewers {
			if got := sizeOf(v); got != [2]int{192, 144} {
				t.Errorf("nobody has said anything: pictures of %v, want 192x144", got)
			}
		}

		bob.call.Watch([]call.View{{Slot: bob.slot, Width: 160, Height: 96, FPS: 15}})
		cid.call.Watch([]call.View{{Slot: cid.slot, Width: 64, Height: 48, FPS: 10}})
		dan.call.Watch(nil)
		eve.call.Watch([]call.View{{Slot: eve.slot, Width: 152, Height: 96, FPS: 15, Colour: true}})
		rest(2 * time.Second)
		seen := rest(2 * time.Second)
		for i, want := range []int{30, 20, 0, 30} {
			if seen[i] < want*9/10 || seen[i] > want*11/10+1 {
				t.Errorf("%d pictures in two seconds for viewer %d, want %d", seen[i], i, want)
			}
		}
		if sizeOf(bob) != [2]int{160, 96} || sizeOf(cid) != [2]int{64, 48} || sizeOf(eve) != [2]int{160, 96} {
			t.Errorf("pictures of %v, %v and %v, want 160x96, 64x48 and 160x96", sizeOf(bob), sizeOf(cid), sizeOf(eve))
		}
		if len(eve.last.Cb) == 0 || eve.last.Cb[100] > 100 || len(cid.last.Cb) != 0 {
			t.Errorf("colour: eve %d samples, cid %d", len(eve.last.Cb), len(cid.last.Cb))
		}
		want := []call.Sending{{Width: 160, Height: 96, FPS: 15, Colour: true}, {Width: 64, Height: 48, FPS: 10}}
		if got := state(ann).Sends; !slices.Equal(got, want) {
			t.Errorf("ann sends %+v, want %+v", got, want)
		}

		for _, v := range viewers {
			v.call.Watch(nil)
		}
		rest(2 * time.Second)
		if seen := rest(time.Second); !slices.Equal(seen, []int{0, 0, 0, 0}) {
			t.Errorf("nobody looks, and %v pictures come", seen)
		}
		if got := state(ann); len(got.Sends) != 0 || got.Link.Up > 2 {
			t.Errorf("nobody looks, and ann sends %+v, %.1f kB/s", got.Sends, got.Link.Up)
		}

		cid.call.Watch([]call.View{{Slot: cid.slot, Width: 320, Height: 240, FPS: 30}})
		start := time.Now()
		for !cid.look() && time.Since(start) < 2*time.Second {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(start); took > 300*time.Millisecond {
			t.Errorf("the first picture comes %v after somebody looks, want at most 300ms", took)
		}
		if seen := rest(time.Second); seen[1] < 28 || sizeOf(cid) != [2]int{320, 240} || cid.last.Tall {
			t.Errorf("%d pictures of %v in a second, want 30 of 320x240", seen[1], sizeOf(cid))
		}

		// Of high pixels, as quadrants are, half as many: the whole camera still.
		cid.call.Watch([]call.View{{Slot: cid.slot, Width: 160, Height: 60, FPS: 15, Tall: true}})
		rest(2 * time.Second)
		if sizeOf(cid) != [2]int{160, 60} || !cid.last.Tall {
			t.Errorf("pictures of %v, tall %v; want 160x60, tall", sizeOf(cid), cid.last.Tall)
		}
		// The patch is from a quarter to half of the height.
		for _, y := range []int{12, 18, 27, 33} {
			row := cid.last.Y[y*cid.last.YStride:][:160]
			if bright, want := slices.Max(row) > 180, y >= 15 && y < 30; bright != want {
				t.Errorf("the patch is in row %d of 60: %v, want %v", y, bright, want)
			}
		}
	})
}

// TestWatchStorm has several viewers resize at random for some seconds: at the
// end each has what it looks at, and hardly anything had to be asked for.
func TestWatchStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		_, viewers := w.show(20*time.Millisecond, "bob", "cid", "dan")
		time.Sleep(time.Second)
		rnd := rand.New(rand.NewPCG(5, 6))
		for range 200 {
			v := viewers[rnd.IntN(len(viewers))]
			v.call.Watch([]call.View{{
				Slot: v.slot, Width: 16 + rnd.IntN(300), Height: 16 + rnd.IntN(220), FPS: 1 + rnd.IntN(30), Colour: rnd.IntN(2) == 0,
			}})
			time.Sleep(time.Duration(rnd.Int64N(int64(60 * time.Millisecond))))
			v.look()
		}
		sizes := []call.View{{Width: 300, Height: 200, FPS: 15}, {Width: 152, Height: 96, FPS: 15}, {Width: 48, Height: 32, FPS: 15}}
		for i, v := range viewers {
			sizes[i].Slot = v.slot
			v.call.Watch(sizes[i : i+1])
		}
		time.Sleep(3 * time.Second)
		for i, v := range viewers {
			v.look()
			got, want := v.last.Rect, sizes[i]
			if got.Dx() < want.Width || got.Dx() > want.Width+8 || got.Dy() < want.Height || got.Dy() > want.Height+8 {
				t.Errorf("viewer %d shows %v, want about %dx%d", i, got, want.Width, want.Height)
			}
			if s := state(v.call); s.Members[0].FPS < 14 {
				t.Errorf("viewer %d gets %.0f pictures a second, want 15", i, s.Members[0].FPS)
			}
		}
	})
}
