package call

import (
	"image"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/wire"
)

func TestPictureRoom(t *testing.T) {
	for _, tt := range []struct {
		rate  int64
		thin  bool
		queue time.Duration
		room  int
		wait  bool
	}{
		{0, false, 0, noLimit, false},
		{0, false, time.Second, noLimit, false},
		{1_060_000, false, 0, 800_000, false},
		{1_060_000, false, 60 * time.Millisecond, 800_000, false},
		{1_060_000, false, 61 * time.Millisecond, 800_000, true},
		{uplinkVoice, false, 0, 0, false},
		{1, false, 0, 0, false},
		{30_000, true, 240 * time.Millisecond, noLimit, false},
		{30_000, true, 241 * time.Millisecond, noLimit, true},
		{0, true, time.Second, noLimit, false},
	} {
		var u uplink
		u.rate.Store(tt.rate)
		u.queue.Store(int64(tt.queue))
		if room, wait := u.pictureRoom(tt.thin); room != tt.room || wait != tt.wait {
			t.Errorf("%d bit/s (thin: %v) with a queue of %v: room %d, wait %v, want %d, %v", tt.rate, tt.thin, tt.queue, room, wait, tt.room, tt.wait)
		}
	}
}

func TestSqueeze(t *testing.T) {
	type look struct {
		room, count int // for so many seconds
	}
	for _, tt := range []struct {
		name  string
		looks []look
		want  int
	}{
		{"wide", []look{{noLimit, 10}, {40_000, 10}}, 0},
		{"narrow", []look{{39_999, 1}}, 1},
		{"very narrow at once", []look{{9_999, 1}}, 2},
		{"not much better", []look{{39_999, 1}, {59_999, 30}}, 1},
		{"better for too short", []look{{39_999, 1}, {60_000, 2}}, 1},
		{"better", []look{{39_999, 1}, {60_000, 3}}, 0},
		{"much better, one by one", []look{{0, 1}, {noLimit, 5}}, 1},
		{"much better for long", []look{{0, 1}, {noLimit, 6}}, 0},
		{"a little better", []look{{0, 1}, {15_000, 30}}, 1},
	} {
		var q squeeze
		now := time.Unix(1e9, 0)
		for _, l := range tt.looks {
			for range l.count {
				now = now.Add(time.Second)
				q.look(l.room, now)
			}
		}
		if q.step != tt.want {
			t.Errorf("%s: step %d, want %d", tt.name, q.step, tt.want)
		}
		sizes := []wire.Size{{Width: 320, Height: 240, FPS: 30, Colour: true}, {Width: 40, Height: 20, FPS: 2}}
		n := q.cut(sizes)
		if want := [...]int{2, 2, 0}[tt.want]; n != want {
			t.Errorf("%s: %d sizes are left, want %d", tt.name, n, want)
		}
		if small := sizes[0].Width <= 64; small != (tt.want == 1) {
			t.Errorf("%s: %+v in step %d", tt.name, sizes[0], tt.want)
		}
	}
}

// TestDivide checks that all layers together keep to the room.
func TestDivide(t *testing.T) {
	c := &Call{}
	f := &media.Frame{YCbCr: *image.NewYCbCr(image.Rect(0, 0, 640, 480), image.YCbCrSubsampleRatio420)}
	sizes := []wire.Size{{Width: 320, Height: 240, FPS: 30}, {Width: 160, Height: 96, FPS: 15}}
	for _, room := range []int{0, 10_000, 200_000, noLimit} {
		layers := make([]layer, 2)
		c.divide(layers, sizes, f, room)
		sum := 0
		for i := range layers {
			if err := layers[i].open(c.shapeFor(sizes[i], f), 0, time.Now()); err != nil {
				t.Fatal(err)
			}
			sum += layers[i].bitrate
			layers[i].most = 5000
			layers[i].limit(0)
			if layers[i].bitrate != 5000 {
				t.Errorf("a layer takes %d bit/s, want 5000", layers[i].bitrate)
			}
		}
		switch own := c.shapeFor(sizes[0], f).bitrate() + c.shapeFor(sizes[1], f).bitrate(); {
		case room == noLimit && sum != own:
			t.Errorf("without a limit %d bit/s, want %d", sum, own)
		case room != noLimit && (sum > max(room, 2*leastBitrate) || sum < room-2):
			t.Errorf("%d bit/s in a room for %d", sum, room)
		}
	}
}

// TestSkipIsNoLoss counts what comes and what the hub has left out.
func TestSkipIsNoLoss(t *testing.T) {
	kid := sframe.NewKID(3, sframe.StreamVideo, 0, 0)
	now := time.Unix(1e9, 0)
	type step struct {
		skip  bool
		first uint64 // or the only
		count uint16
	}
	one := func(ctr uint64) step { return step{first: ctr} }
	left := func(first uint64, count uint16) step { return step{true, first, count} }
	for _, tt := range []struct {
		name  string
		steps []step
		lost  uint64
		nacks int // packets that the hub is asked for
	}{
		{"all came", []step{one(1), one(2), one(3)}, 0, 0},
		{"lost", []step{one(1), one(5)}, 3, 3},
		{"left out", []step{one(1), left(2, 3), one(5)}, 0, 0},
		{"left out, and lost before", []step{one(1), left(4, 3), one(7)}, 2, 2},
		{"left out, and lost after", []step{one(1), left(2, 3), one(7)}, 2, 2},
		{"told late", []step{one(1), one(5), left(2, 3)}, 0, 0},
		{"told late of some", []step{one(1), one(5), left(3, 2)}, 1, 1},
		{"told twice", []step{one(1), left(2, 3), left(2, 3), one(5)}, 0, 0},
		{"told before anything", []step{left(2, 3), one(5), one(6)}, 0, 0},
	} {
		m := &member{}
		var g gaps
		for _, s := range tt.steps {
			if s.skip {
				x := wire.Skip{KID: kid, First: s.first, Count: s.count}
				m.skip(x, now)
				g.skip(x, now)
				continue
			}
			m.count(1, wire.Packet{KID: kid, CTR: s.first}, false, now)
			g.take(kid, s.first, now)
		}
		told := false
		for _, s := range tt.steps {
			told = told || s.skip
		}
		if m.isSkipped(now) != told || m.isSkipped(now.Add(skippedTime)) {
			t.Errorf("%s: left out lately: %v, want %v, and not for long", tt.name, m.isSkipped(now), told)
		}
		if _, lost := m.second(now); lost != tt.lost {
			t.Errorf("%s: %d lost, want %d", tt.name, lost, tt.lost)
		}
		nacks, _ := g.due(nil, now, time.Second)
		asked := 0
		for _, n := range nacks {
			asked += n.Count()
		}
		if asked != tt.nacks {
			t.Errorf("%s: the hub is asked for %d, want %d", tt.name, asked, tt.nacks)
		}
	}
}
