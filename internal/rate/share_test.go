package rate

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A reno is a flow that goes on until packets get lost, as TCP does.
type reno struct {
	w        *world
	down, up *link
	window   float64 // packets
	slow     float64 // threshold of slow start
	flight   int
	next     int // number of the next packet
	lost     int // packets before it do not halve the window again
	bits     float64
	acked    int
}

const renoPacket = 1500

// send sends as long as the window is open. A packet is lost that is not
// acknowledged by the time three later ones are.
func (r *reno) send() {
	for float64(r.flight) < r.window {
		n := r.next
		r.next++
		r.flight++
		came := false
		r.down.send(renoPacket, func() {
			came = true
			r.bits += 8 * renoPacket
			r.up.send(40, func() { r.ack(n) })
		})
		timeout := 3*time.Second + r.down.delay
		r.w.after(timeout, func() {
			if !came {
				r.flight--
				r.send()
			}
		})
	}
}

// ack takes an acknowledgement. Numbers come in order, so one that is missing is
// lost.
func (r *reno) ack(n int) {
	r.flight--
	if missing := n - r.acked; missing > 0 && n >= r.lost {
		r.window = max(r.window/2, 2)
		r.slow = r.window
		r.lost = r.next
	}
	r.acked = n + 1
	if r.window < r.slow {
		r.window++
	} else {
		r.window += 1 / r.window
	}
	r.send()
}

// TestShare has two flows on one link, of which the second begins later.
func TestShare(t *testing.T) {
	for _, p := range []path{
		{name: "2 Mbit/s, queue 300", rtt: 40 * ms, rate: 2e6, queue: 300 * ms},
		{name: "2 Mbit/s, queue 50", rtt: 40 * ms, rate: 2e6, queue: 50 * ms},
		{name: "1.6 Mbit/s, queue 300, RTT 200", rtt: 200 * ms, rate: 1.6e6, queue: 300 * ms},
		{name: "2.4 Mbit/s, queue 300, 2 % loss", rtt: 40 * ms, rate: 2.4e6, queue: 300 * ms, loss: 0.02},
	} {
		for seed := range uint64(3) {
			w := newWorld()
			a, b := p.flow(w, seed, true), p.flow(w, seed+10, true)
			b.down = a.down
			a.start(9, rand.New(rand.NewPCG(seed, 3)))
			w.run(20 * time.Second)
			b.start(9, rand.New(rand.NewPCG(seed, 4)))
			w.run(60 * time.Second)
			a.counting, b.counting = true, true
			w.run(60 * time.Second)
			part := a.bits / (a.bits + b.bits)
			pics := float64(a.pictures.got) / float64(a.pictures.got+b.pictures.got)
			t.Logf("%s: %.2f of the link, %.2f of the pictures, voice %.4f %.4f, p95 %v, use %.2f", p.name, part, pics, a.voice.share(), b.voice.share(), a.voice.quantile(0.95), (a.bits+b.bits)/60/p.rate)
			if part < 0.4 || part > 0.6 {
				t.Errorf("%s: the first flow has %.2f of the link", p.name, part)
			}
		}
	}
}

// TestBesideReno has a flow on a link that something else fills.
func TestBesideReno(t *testing.T) {
	for _, p := range []path{
		{name: "2 Mbit/s, queue 300", rtt: 40 * ms, rate: 2e6, queue: 300 * ms},
		{name: "2 Mbit/s, queue 100", rtt: 40 * ms, rate: 2e6, queue: 100 * ms},
		{name: "1 Mbit/s, queue 300", rtt: 40 * ms, rate: 1e6, queue: 300 * ms, missing: 0.02}, // of which voice alone is half
		{name: "5 Mbit/s, queue 50, RTT 200", rtt: 200 * ms, rate: 5e6, queue: 50 * ms},
	} {
		w := newWorld()
		f := p.flow(w, 5, true)
		r := &reno{w: w, down: f.down, up: f.up, window: 2, slow: 64}
		f.start(9, rand.New(rand.NewPCG(5, 3)))
		f.counting = true
		w.run(5 * time.Second)
		r.send()
		w.run(60 * time.Second)
		f.counting = false
		w.run(time.Second)
		t.Logf("%s: voice %.2f %%, p95 %v, pictures %.1f %%, the other %.2f of the link", p.name, 100*f.voice.share(), f.voice.quantile(0.95), 100*f.pictures.share(), r.bits/60/p.rate)
		if least := 0.99 - p.missing; f.voice.share() < least {
			t.Errorf("%s: %.2f %% of voice came, want %.0f", p.name, 100*f.voice.share(), 100*least)
		}
		if r.bits/60/p.rate < 0.2 {
			t.Errorf("%s: the other flow has %.2f of the link, which is no test", p.name, r.bits/60/p.rate)
		}
	}
}
