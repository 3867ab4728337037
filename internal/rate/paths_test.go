package rate

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A path is a row of the table of paths.
type path struct {
	name   string
	rtt    time.Duration
	rate   float64 // bit/s
	queue  time.Duration
	loss   float64
	burst  float64
	jitter time.Duration
	loose  bool

	// What must be kept: the extra delay of voice for 95 % of it, and pictures.
	p95      time.Duration
	pictures float64
	missing  float64 // of voice, besides the loss
}

const ms = time.Millisecond

// flow returns a flow of nine members who talk and are seen, over a path.
func (p path) flow(w *world, seed uint64, controlled bool) *flow {
	rng := rand.New(rand.NewPCG(seed, 1))
	return &flow{
		w: w, controlled: controlled,
		down: &link{w: w, rng: rng, rate: p.rate, queue: p.queue, delay: p.rtt / 2, jitter: p.jitter, loose: p.loose, loss: p.loss, burst: p.burst},
		up:   &link{w: w, rng: rand.New(rand.NewPCG(seed, 2)), delay: p.rtt / 2, jitter: p.jitter, loose: p.loose, loss: p.loss, burst: p.burst},
	}
}

// TestPaths holds what the controller is for: on each path voice gets through, in
// time, and as many pictures as there is room for.
func TestPaths(t *testing.T) {
	const seconds = 30
	t.Logf("%-44s %28s %28s", "", "voice without / p95 ms", "voice / p95 / p99 ms / pictures")
	for _, p := range []path{
		{name: "no loss, RTT 40", rtt: 40 * ms, p95: 8 * ms},
		{name: "no loss, RTT 200", rtt: 200 * ms, p95: 8 * ms},
		{name: "1 % loss, RTT 200", rtt: 200 * ms, loss: 0.01, p95: 8 * ms},
		{name: "5 % loss, RTT 40", rtt: 40 * ms, loss: 0.05, p95: 8 * ms},
		{name: "10 % loss, RTT 40", rtt: 40 * ms, loss: 0.10, p95: 8 * ms},
		{name: "10 % loss, RTT 200", rtt: 200 * ms, loss: 0.10, p95: 8 * ms},
		{name: "20 % loss, RTT 40", rtt: 40 * ms, loss: 0.20, p95: 8 * ms},
		{name: "20 % loss, RTT 200", rtt: 200 * ms, loss: 0.20, p95: 8 * ms},
		{name: "5 % loss in bursts of 4, RTT 40", rtt: 40 * ms, loss: 0.05, burst: 4, p95: 8 * ms},
		{name: "20 % loss in bursts of 8, RTT 200", rtt: 200 * ms, loss: 0.20, burst: 8, p95: 8 * ms},
		{name: "2 % loss, jitter 30", rtt: 40 * ms, loss: 0.02, jitter: 30 * ms, p95: 36 * ms},
		{name: "2 % loss, jitter 30, out of order", rtt: 40 * ms, loss: 0.02, jitter: 30 * ms, loose: true, p95: 36 * ms},
		{name: "1 Mbit/s, queue 50", rtt: 40 * ms, rate: 1e6, queue: 50 * ms, p95: 37 * ms, pictures: 0.45},
		{name: "1 Mbit/s, queue 300", rtt: 40 * ms, rate: 1e6, queue: 300 * ms, p95: 38 * ms, pictures: 0.43},
		{name: "1 Mbit/s, queue 300, RTT 200", rtt: 200 * ms, rate: 1e6, queue: 300 * ms, p95: 45 * ms, pictures: 0.36},
		{name: "1 Mbit/s, queue 300, 5 % loss", rtt: 40 * ms, rate: 1e6, queue: 300 * ms, loss: 0.05, p95: 37 * ms, pictures: 0.38},
		{name: "1 Mbit/s, queue 300, jitter 20", rtt: 40 * ms, rate: 1e6, queue: 300 * ms, jitter: 20 * ms, p95: 60 * ms, pictures: 0.30},
		{name: "1 Mbit/s, queue 20", rtt: 40 * ms, rate: 1e6, queue: 20 * ms, p95: 37 * ms, pictures: 0.30, missing: 0.10},
		{name: "0.6 Mbit/s, queue 300", rtt: 40 * ms, rate: 0.6e6, queue: 300 * ms, p95: 88 * ms, pictures: 0.01},
		{name: "0.6 Mbit/s, queue 300, RTT 200, 2 % loss", rtt: 200 * ms, rate: 0.6e6, queue: 300 * ms, loss: 0.02, p95: 95 * ms, pictures: 0.01, missing: 0.003},
		{name: "1.4 Mbit/s, queue 300", rtt: 40 * ms, rate: 1.4e6, queue: 300 * ms, p95: 40 * ms, pictures: 0.75},
	} {
		var got [2]*flow
		for i, controlled := range []bool{false, true} {
			w := newWorld()
			f := p.flow(w, 7, controlled)
			f.counting = true
			f.start(9, rand.New(rand.NewPCG(9, 9)))
			w.run(seconds * time.Second)
			f.counting = false
			w.run(time.Second)
			got[i] = f
		}
		plain, f := got[0], got[1]
		if p.burst > 0 {
			p.loss = max(p.loss, 1-plain.voice.share()) // as it happened
		}
		t.Logf("%-44s %10.2f %% %6.0f %14.2f %% %6.0f %6.0f %8.1f %%   reports %d/s rate %.0fk", p.name,
			100*plain.voice.share(), float64(plain.voice.quantile(0.95)/ms),
			100*f.voice.share(), float64(f.voice.quantile(0.95)/ms), float64(f.voice.quantile(0.99)/ms), 100*f.pictures.share(), f.reports/seconds, f.sender.limit.rate/1000)
		if least := 1 - p.loss - p.missing - 0.003; f.voice.share() < least {
			t.Errorf("%s: %.2f %% of voice came, want %.2f", p.name, 100*f.voice.share(), 100*least)
		}
		if d := f.voice.quantile(0.95); d > p.p95 {
			t.Errorf("%s: voice took %v more for 95 %% of it, want at most %v", p.name, d, p.p95)
		}
		least := p.pictures
		if p.rate == 0 {
			least = 1 - p.loss - 0.015
		}
		if f.pictures.share() < least {
			t.Errorf("%s: %.1f %% of pictures came, want %.1f", p.name, 100*f.pictures.share(), 100*least)
		}
	}
}

// TestSlowLine has somebody who talks, with pauses, send small pictures through the
// line of a modem, on which any packet takes longer than most queues elsewhere and a
// long one twice as long as a short one. There is room for all, once the line has
// got rid of what was too much at the beginning: no limit stays that leaves none.
func TestSlowLine(t *testing.T) {
	const (
		thinVoice   = 125 // bytes, with their frame
		thinPicture = 95
		thinBeat    = 60
	)
	w := newWorld()
	f := path{rtt: 40 * ms, rate: 33_000, queue: time.Second}.flow(w, 7, true)
	f.up.rate = f.down.rate
	tick := 0
	w.every(0, 60*ms, func() bool {
		tick++
		if tick%70 < 60 {
			f.give(thinVoice, &f.voice, Urgent)
		}
		if tick%4 == 0 {
			f.give(thinPicture, &f.pictures, Next)
		}
		if tick%17 == 0 {
			f.give(thinBeat, new(class), Urgent)
		}
		f.flush()
		return true
	})
	w.run(500 * ms)
	for range 3 { // what a newcomer is told, besides
		f.down.send(1500, func() {})
	}
	w.run(3 * time.Second)
	least := f.sender.State(w.now).Rate
	w.run(10 * time.Second)
	after := f.sender.State(w.now).Rate
	f.counting = true
	w.run(30 * time.Second)
	f.counting = false
	w.run(time.Second)
	if least == 0 || after > 0 && after < 31_000 {
		t.Errorf("the limit was %d bit/s and 10 s later %d, want 31000 and more, or none", least, after)
	}
	if got := f.pictures.share(); got < 0.95 {
		t.Errorf("%.0f %% of pictures came, want 95", 100*got)
	}
	if d := f.voice.quantile(0.95); f.voice.share() < 1 || d > 120*ms {
		t.Errorf("%.1f %% of voice came, 95 %% of it %v late at most; want all, and 120ms", 100*f.voice.share(), d)
	}
}
