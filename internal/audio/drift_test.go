package audio

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestVoiceDrift checks that no difference between the clocks of two sound
// cards is ever heard or adds up, with somebody who talks without a pause and
// one who breathes: ten minutes.
func TestVoiceDrift(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	networks := []struct {
		name   string
		jitter func(*rand.Rand, int, time.Duration) time.Duration
		high   time.Duration
	}{
		{"perfect", nil, 36 * ms},
		{"jitter 30 ms", uniform(30 * ms), 62 * ms},
	}
	for _, n := range networks {
		for _, ppm := range []float64{-500, 200, 500} {
			for _, talk := range []func(int) byte{nil, breathing} {
				// The speaker's clock, too, is what drifts.
				for i, ofSpeaker := range []bool{false, true, true} {
					short := i > 1
					if short && talk != nil {
						continue
					}
					t.Run(fmt.Sprintf("%s/%v/%v/%v/%v", n.name, ppm, talk != nil, ofSpeaker, short), func(t *testing.T) {
						t.Parallel()
						s := sim{length: 600 * time.Second, phase: 3 * ms, seed: 5, jitter: n.jitter, drift: ppm, talk: talk, short: short}
						if ofSpeaker {
							s.drift = 0
							s.gets = func(_ int, at time.Duration) (time.Duration, bool) {
								return at + time.Duration(float64(at)*ppm/1e6), true
							}
						}
						checkDrift(t, between(s.run(t), 10*time.Second, s.length), n.high)
					})
				}
			}
		}
	}
}

// checkDrift checks that nothing is heard of the drift and that the delay is
// flat: within a chunk, one slack, and one period of a voice.
func checkDrift(t *testing.T, points []point, most time.Duration) {
	low, mean, high := depths(points)
	first, last := points[0].stats, points[len(points)-1].stats
	t.Logf("depth %v, %v, %v; %+v", low, mean, high, last)
	if high > most || high-low > 30*ms {
		t.Errorf("depth is %v to %v, want at most %v, within 30 ms", low, high, most)
	}
	if share := concealed(points); share > 0.0005 || last.Dropped != first.Dropped {
		t.Errorf("made up %.4f, dropped %d chunks, want none", share, last.Dropped-first.Dropped)
	}
	// A minute is as long as any: nothing adds up.
	_, early, _ := depths(between(points, 10*time.Second, 130*time.Second))
	_, late, _ := depths(points[len(points)-6000:])
	if d := late - early; d < -10*ms || d > 10*ms {
		t.Errorf("the mean depth went from %v to %v within ten minutes", early, late)
	}
}
