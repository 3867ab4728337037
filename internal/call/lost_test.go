package call_test

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
)

// A reel is a scene that a camera films. Each picture has its number in the
// blocks at the top.
type reel struct {
	w, h, rate int
	film       func(y []byte, n int) // draws picture n, in rows of w, without its number
}

// discs is a scene that never stands still: a ground with texture and two discs
// that swing.
var discs = reel{w: 96, h: 64, rate: 25, film: func(y []byte, n int) {
	const w, h = 96, 64
	t := float64(n) / 25
	x1, y1 := 30+20*math.Sin(1.9*t), 36+12*math.Cos(1.3*t)
	x2, y2 := 66+16*math.Cos(2.3*t), 38+14*math.Sin(1.7*t)
	for j := range h {
		row := y[j*w:][:w]
		for i := range row {
			v := 70 + i/3 + j/4 + (i*7^j*13)&7
			dx, dy := float64(i)-x1, float64(j)-y1
			if dx*dx+dy*dy < 13*13 {
				v = 190 - int(dx*dx+dy*dy)/4
			}
			dx, dy = float64(i)-x2, float64(j)-y2
			if dx*dx+dy*dy < 9*9 {
				v = 40 + (i/2+j/2)&31
			}
			row[i] = uint8(v)
		}
	}
}}

// numberBlocks is how many blocks of 8x8 the number of a picture has, in Gray's
// code: one of them changes with each picture.
const numberBlocks = 12

// picture draws picture n with its number.
func (r *reel) picture(y []byte, n int) {
	r.film(y, n)
	for j := range 8 {
		for i := range 8 * numberBlocks {
			y[j*r.w+i] = uint8(40 + 160*((n^n>>1)>>(i/8)&1))
		}
	}
}

// number reads the number of a picture.
func number(f *media.Frame) (n int) {
	for bit := range numberBlocks {
		if f.Y[4*f.YStride+bit*8+4] > 120 {
			n |= 1 << bit
		}
	}
	for shift := 1; shift < numberBlocks; shift *= 2 {
		n ^= n >> shift
	}
	return n
}

// ssim compares a picture with that filmed as number n, without the blocks at
// the top: the mean over blocks of 8x8.
func (r *reel) ssim(f *media.Frame, n int) float64 {
	want := make([]byte, r.w*r.h)
	r.film(want, n)
	var sum float64
	blocks := 0
	for by := 8; by+8 <= r.h; by += 4 {
		for bx := 0; bx+8 <= r.w; bx += 4 {
			var a, b, aa, bb, ab float64
			for j := range 8 {
				for i := range 8 {
					x := float64(f.Y[(by+j)*f.YStride+bx+i])
					y := float64(want[(by+j)*r.w+bx+i])
					a, b, aa, bb, ab = a+x, b+y, aa+x*x, bb+y*y, ab+x*y
				}
			}
			const n, c1, c2 = 64, 6.5025, 58.5225
			a, b = a/n, b/n
			va, vb, cov := aa/n-a*a, bb/n-b*b, ab/n-a*b
			sum += (2*a*b + c1) * (2*cov + c2) / ((a*a + b*b + c1) * (va + vb + c2))
			blocks++
		}
	}
	return sum / float64(blocks)
}

// every is the time from one picture to the next.
func (r *reel) every() time.Duration { return time.Second / time.Duration(r.rate) }

// A reelCamera films a reel.
type reelCamera struct {
	reel *reel
	tick *time.Ticker
	done chan struct{}
	once sync.Once
	n    int
}

// shoot makes the reel's camera that of a call.
func (r *reel) shoot(cfg *call.Config) {
	cfg.Camera = func(context.Context) (media.VideoSource, error) {
		return &reelCamera{reel: r, tick: time.NewTicker(r.every()), done: make(chan struct{})}, nil
	}
	cfg.Width, cfg.Height, cfg.FPS = r.w, r.h, r.rate
}

func (c *reelCamera) ReadFrame(f *media.Frame) error {
	select {
	case <-c.done:
		return os.ErrClosed
	case f.At = <-c.tick.C:
	}
	f.Resize(c.reel.w, c.reel.h, false)
	c.n++
	c.reel.picture(f.Y, c.n)
	return nil
}

func (c *reelCamera) Close() error {
	c.once.Do(func() { c.tick.Stop(); close(c.done) })
	return nil
}

// A lossyLink makes datagrams of a viewer get lost, both ways.
type lossyLink struct {
	loss   float64
	sender bool          // of the sender instead
	burst  time.Duration // mean length of a stretch in which all are lost; 0: each by itself
}

// run spoils conn until ctx is done.
func (l lossyLink) run(ctx context.Context, conn *simnet.Conn, delay time.Duration) {
	if l.burst == 0 {
		bad := simnet.Link{Delay: delay, Loss: l.loss}
		conn.SetLink(bad, bad)
		<-ctx.Done()
		conn.SetLink(simnet.Link{Delay: delay}, simnet.Link{Delay: delay})
		return
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	gap := float64(l.burst) * (1 - l.loss) / l.loss
	pause := func(mean float64) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Duration(rnd.ExpFloat64() * mean)):
			return true
		}
	}
	for pause(gap) {
		conn.Cut(true, true)
		pause(float64(l.burst))
		conn.Cut(false, false)
	}
}

// What a viewer saw.
type seen struct {
	shown    *media.Frame  // the newest picture
	instants int           // one for each picture filmed
	late     int           // at which an older one was shown
	freeze   int           // longest stretch of late ones
	lag      int           // how many pictures behind at most
	now      float64       // mean SSIM to what was filmed then
	own      float64       // mean SSIM to what was filmed as the picture shown
	worst    float64       // least of these
	heal     time.Duration // from the end of the loss until nothing is late
	sent     float64       // kbit/s of the sender, with its overhead
	received float64       // kbit/s of the viewer, likewise
}

// logLost logs the head of a table of what was seen, and log a line of it.
// Lengths are in pictures, rates in kbit/s.
func logLost(t *testing.T) {
	t.Logf("%-12s %6s %7s %5s %9s %9s %7s %8s %7s %7s", "loss", "late", "freeze", "lag", "SSIM now", "SSIM own", "worst", "heal", "up", "down")
}

func (s *seen) log(t *testing.T, name string) {
	t.Logf("%-12s %5.1f%% %7d %5d %9.4f %9.4f %7.4f %8v %7.1f %7.1f", name,
		100*float64(s.late)/float64(s.instants), s.freeze, s.lag, s.now, s.own, s.worst, s.heal, s.sent, s.received)
}

// watch compares what c shows of the member in slot with what is filmed, of
// which the first picture was at start and each comes after delay.
func watch(c *call.Call, r *reel, slot uint16, delay time.Duration, from time.Time, first, count int, s *seen) (lastLate time.Time) {
	run := 0
	for i := range count {
		at := from.Add(time.Duration(i) * r.every()).Add(delay + 4*time.Millisecond)
		time.Sleep(time.Until(at))
		if f := c.Picture(slot); f != nil {
			s.shown = f
		}
		if s.shown == nil {
			continue
		}
		n, want := number(s.shown), first+i
		s.instants++
		s.now += r.ssim(s.shown, want)
		own := r.ssim(s.shown, n)
		s.own += own
		s.worst = min(s.worst, own)
		if n >= want {
			run = 0
			continue
		}
		s.late++
		run++
		s.freeze, s.lag = max(s.freeze, run), max(s.lag, want-n)
		lastLate = at
	}
	return lastLate
}

// lastCut is how many pictures get lost at the end of a loss.
const lastCut = 5

// lose shows a reel to somebody behind a lossy link for some seconds, then for
// two more after the loss has ended.
func lose(t *testing.T, r *reel, l lossyLink, seconds int) (s seen) {
	const toHub, toViewer = 15 * time.Millisecond, 25 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("ann")
		var sender, viewer *simnet.Conn
		dial := func(d time.Duration, conn **simnet.Conn) func(context.Context) (transport.Conn, error) {
			return func(ctx context.Context) (transport.Conn, error) {
				c, err := w.net.Dial(ctx, "hub", simnet.Link{Delay: d}, simnet.Link{Delay: d})
				if err == nil {
					*conn = c.(*simnet.Conn)
				}
				return c, err
			}
		}
		cfg.Dial = dial(toHub, &sender)
		r.shoot(&cfg)
		ann, _ := w.enter(cfg)
		cfg = w.guest("cid")
		cfg.Dial = dial(toViewer, &viewer)
		cid, _ := w.enter(cfg)
		time.Sleep(3 * time.Second)
		slot := state(cid).Members[0].Slot
		// The number of the newest picture, to know when each is filmed.
		f := ann.SelfPicture()
		if f == nil || state(ann).Self.Slot != slot {
			t.Fatal("ann does not see herself")
		}
		first := number(f) + r.rate
		from := f.At.Add(time.Second)
		ctx, cancel := context.WithCancel(w.ctx)
		var wg sync.WaitGroup
		wg.Go(func() {
			if l.sender {
				l.run(ctx, sender, toHub)
			} else {
				l.run(ctx, viewer, toViewer)
			}
		})
		s.worst = 1
		up, down := sender.Info().Sent, viewer.Info().Received
		watch(cid, r, slot, toHub+toViewer, from, first, seconds*r.rate, &s)
		s.sent = float64(sender.Info().Sent-up) * 8 / 1000 / float64(seconds)
		s.received = float64(viewer.Info().Received-down) * 8 / 1000 / float64(seconds)
		cancel()
		wg.Wait()
		next := first + seconds*r.rate
		from = from.Add(time.Duration(seconds) * time.Second)
		if l.loss > 0 { // at its very end nothing gets through at all
			lossy := viewer
			if l.sender {
				lossy = sender
			}
			lossy.Cut(true, true)
			time.Sleep(lastCut * r.every())
			lossy.Cut(false, false)
			from = from.Add(lastCut * r.every())
			next += lastCut
		}
		end := time.Now()
		after := seen{shown: s.shown, worst: 1}
		last := watch(cid, r, slot, toHub+toViewer, from, next, 2*r.rate, &after)
		if !last.IsZero() {
			s.heal = last.Sub(end) + r.every()
		}
		s.now /= float64(s.instants)
		s.own /= float64(s.instants)
		if after.instants != 2*r.rate || after.own/float64(after.instants) < s.own-0.02 {
			t.Errorf("%+v: %d pictures after the loss, SSIM %.3f", l, after.instants, after.own/float64(after.instants))
		}
	})
	return s
}

// TestLostPictures shows what becomes of the picture at several kinds of loss,
// which hits both ways of the viewer's link, or of the sender's: round trip to
// the hub 50 and 30 ms. Lengths are in pictures of 40 ms, rates in kbit/s.
func TestLostPictures(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("much computing")
	}
	burst := 3 * discs.every() // of three pictures
	tests := []struct {
		name   string
		link   lossyLink
		late   float64       // at most this share of late pictures
		freeze int           // pictures
		now    float64       // SSIM at least
		heal   time.Duration // at most
	}{
		{"none", lossyLink{}, 0, 0, 0.9, 0},
		{"random 2 %", lossyLink{loss: 0.02}, 0.12, 15, 0.9, 500 * time.Millisecond},
		{"random 5 %", lossyLink{loss: 0.05}, 0.20, 15, 0.9, 500 * time.Millisecond},
		{"random 10 %", lossyLink{loss: 0.10}, 0.30, 15, 0.88, 500 * time.Millisecond},
		{"random 20 %", lossyLink{loss: 0.20}, 0.45, 25, 0.85, 500 * time.Millisecond},
		{"bursts 5 %", lossyLink{loss: 0.05, burst: burst}, 0.25, 25, 0.85, 500 * time.Millisecond},
		{"bursts 10 %", lossyLink{loss: 0.10, burst: burst}, 0.40, 30, 0.8, 500 * time.Millisecond},
		{"bursts 20 %", lossyLink{loss: 0.20, burst: burst}, 0.60, 40, 0.75, 500 * time.Millisecond},
		{"sender 5 %", lossyLink{loss: 0.05, sender: true}, 0.30, 25, 0.85, 600 * time.Millisecond},
		{"sender 20 %", lossyLink{loss: 0.20, sender: true}, 0.60, 30, 0.8, 600 * time.Millisecond},
	}
	logLost(t)
	for _, test := range tests {
		s := lose(t, &discs, test.link, 12)
		late := float64(s.late) / float64(s.instants)
		s.log(t, test.name)
		if late > test.late || s.freeze > test.freeze || s.now < test.now || s.heal > test.heal {
			t.Errorf("%s: late %.3f, freeze %d, SSIM %.4f, healed after %v; want at most %.3f, %d, at least %.4f, at most %v",
				test.name, late, s.freeze, s.now, s.heal, test.late, test.freeze, test.now, test.heal)
		}
	}
}

// TestLateJoiner measures how long one who comes later waits for a picture.
func TestLateJoiner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		link := simnet.Link{Delay: 25 * time.Millisecond}
		cfg := w.guest("ann")
		cfg.Dial = w.dial(link, link)
		discs.shoot(&cfg)
		w.enter(cfg)
		time.Sleep(5*time.Second + 7*time.Millisecond)
		cfg = w.guest("bob")
		cfg.Dial = w.dial(link, link)
		start := time.Now()
		bob, _ := w.enter(cfg)
		joined := time.Since(start)
		for time.Since(start) < 5*time.Second {
			time.Sleep(time.Millisecond)
			if s := state(bob); len(s.Members) == 1 && bob.Picture(s.Members[0].Slot) != nil {
				break
			}
		}
		took := time.Since(start)
		t.Logf("joined after %v, first picture after %v", joined, took)
		if took-joined > 300*time.Millisecond {
			t.Errorf("first picture %v after the hub's answer, want at most 300ms", took-joined)
		}
	})
}
