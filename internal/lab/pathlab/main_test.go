package main

import (
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-only", "nothing"}, {"-only", "perfect,"}, {"-seconds", "0"}, {"-no-such-flag"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("run(%q) is no error", args)
		}
	}
}

// TestPath checks when packets arrive.
func TestPath(t *testing.T) {
	now := time.Unix(1e9, 0)
	p := path{shape: shape{delay: 20 * ms, rate: 1e6, queue: 50 * ms}, rng: rand.New(rand.NewPCG(1, 1))}
	const size = 1250 - headBytes // 10 ms
	for i := range 6 {
		at, ok := p.pass(size, now)
		if want := time.Duration(i+1)*10*ms + 20*ms; !ok || at.Sub(now) != want {
			t.Errorf("packet %d arrives after %v, %v, want %v", i, at.Sub(now), ok, want)
		}
	}
	if _, ok := p.pass(size, now); ok || p.dropped != 1 {
		t.Errorf("a packet that does not fit passes: %v, %d dropped", ok, p.dropped)
	}
	if at, ok := p.pass(size, now.Add(time.Second)); !ok || at.Sub(now) != time.Second+30*ms {
		t.Errorf("a packet for an empty queue arrives after %v, %v", at.Sub(now), ok)
	}
	p = path{shape: shape{loss: 0.2, jitter: 30 * ms}, rng: rand.New(rand.NewPCG(1, 1))}
	lost, last := 0, now
	for range 10_000 {
		now = now.Add(ms)
		at, ok := p.pass(size, now)
		if !ok {
			lost++
			continue
		}
		if at.Before(last) || at.Before(now) || at.Sub(now) > 31*ms {
			t.Fatalf("a packet arrives after %v", at.Sub(now))
		}
		last = at
	}
	if lost < 1900 || lost > 2100 {
		t.Errorf("%d of 10,000 packets are lost, want 2000", lost)
	}
}

// TestRows measures two seconds of two rows: on the first everything comes, and on
// the second voice does.
func TestRows(t *testing.T) {
	for _, name := range []string{"perfect", "1M-q300"} {
		chosen, err := choose(name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := measure(t.Context(), chosen[0].path, 1, 2*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		r.show(&out, chosen[0])
		if !strings.HasPrefix(out.String(), name+"\t") {
			t.Errorf("row %q", out.String())
		}
		slow := chosen[0].path.rate > 0
		if r.voicesSent < 800 || percent(r.voices, r.voicesSent) < 95 || slow != (r.withheld > 0) || slow != (r.limit > 0) {
			t.Errorf("%s: %d voice packets of %d, %d pictures of %d, %d withheld, limit %d bit/s",
				name, r.voices, r.voicesSent, r.pictures, r.picturesSent, r.withheld, r.limit)
		}
	}
}

func TestEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"-only", "perfect"}, io.Discard); err == nil || strings.Contains(err.Error(), "panic") {
		t.Errorf("a run that is interrupted ends with %v", err)
	}
}
