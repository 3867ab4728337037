package call

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

// An uplink is what is known of the way to the hub. Any goroutine uses it.
type uplink struct {
	rate  atomic.Int64 // bit/s that it takes, with all heads; 0 while nothing shows a limit
	queue atomic.Int64 // by how much packets take longer than they could, ns
}

// uplinkEvery is how often the connection is asked.
const uplinkEvery = 50 * time.Millisecond

// look learns what the connection knows of the way to the hub, if it is time to.
func (s *sender) look(now time.Time) {
	if now.Sub(s.looked) < uplinkEvery {
		return
	}
	s.looked = now
	info := s.link.conn.Info()
	s.call.uplink.rate.Store(int64(info.Rate))
	s.call.uplink.queue.Store(int64(info.Queue))
}

// How the way to the hub is shared.
const (
	// uplinkVoice is what a voice takes of it, with the heads of 50 packets, in
	// bit/s.
	uplinkVoice = 60_000

	// uplinkPictures is the share of the rest that pictures take: the heads of
	// their packets take a tenth, and not all pictures are of the same size.
	uplinkPictures = 0.8

	// uplinkQueue is the delay with which no pictures are coded until it is less.
	uplinkQueue = 60 * time.Millisecond

	noLimit = math.MaxInt
)

// pictureRoom returns what pictures of all sizes may take together, in bit/s;
// noLimit if nothing is known, or if the call is a thin one, where they are small.
// wait says that none are to be coded at the moment.
func (u *uplink) pictureRoom(thin bool) (room int, wait bool) {
	rate := u.rate.Load()
	if thin {
		return noLimit, rate > 0 && time.Duration(u.queue.Load()) > thinTide
	}
	if rate == 0 {
		return noLimit, false
	}
	return max(int(float64(rate-uplinkVoice)*uplinkPictures), 0), time.Duration(u.queue.Load()) > uplinkQueue
}

// A squeeze makes the pictures small, or none, where the way to the hub takes
// little: few bits make no large picture. One goroutine uses it.
type squeeze struct {
	step  int // of squeezeSteps
	since time.Time
}

// squeezeSteps are the steps, by the room below which each is taken and from which
// on it is taken back, in bit/s.
var squeezeSteps = [...]struct {
	below, back int
	thrift      int // the step of a thrift that is as small
}{
	{},
	{40_000, 60_000, 2},
	{10_000, 15_000, noPictures},
}

// squeezeLasts is for how long a step is not taken back.
const squeezeLasts = 3 * time.Second

// look takes a step if the room calls for it.
func (q *squeeze) look(room int, now time.Time) {
	for q.step+1 < len(squeezeSteps) && room < squeezeSteps[q.step+1].below {
		q.step++
		q.since = now
	}
	if q.step > 0 && room >= squeezeSteps[q.step].back && now.Sub(q.since) >= squeezeLasts {
		q.step--
		q.since = now
	}
}

// cut makes the sizes smaller as the step says, and returns how many are left.
func (q *squeeze) cut(sizes []wire.Size) int {
	thrift := squeezeSteps[q.step].thrift
	if thrift == noPictures {
		return 0
	}
	for i := range sizes {
		sizes[i] = cutSize(sizes[i], thrift)
	}
	return len(sizes)
}
