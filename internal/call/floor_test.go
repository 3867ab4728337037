package call

import (
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

func TestFloor(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		name    string
		members int
		loud    []time.Duration // when there are sounds
		taken   [][2]time.Duration
	}{
		{"few", wire.FloorFrom, []time.Duration{500 * ms}, [][2]time.Duration{{0, 10 * time.Second}}},
		{"nobody", 11, nil, nil},
		{"a click", 11, []time.Duration{500 * ms}, [][2]time.Duration{{500 * ms, 2500 * ms}}},
		{"a word", 11, []time.Duration{500 * ms, 600 * ms, 1400 * ms}, [][2]time.Duration{{500 * ms, 2500 * ms}}},
		{"two", 11, []time.Duration{500 * ms, 1600 * ms}, [][2]time.Duration{{500 * ms, 3500 * ms}}},
		{"apart", 11, []time.Duration{0, 4250 * ms}, [][2]time.Duration{{0, 2 * time.Second}, {4250 * ms, 6250 * ms}}},
	} {
		var f floor
		begin := time.Unix(1000, 0)
		for at := time.Duration(0); at < 10*time.Second; at += 10 * ms {
			now := begin.Add(at)
			loud, want := false, uint8(wire.LayerQuiet)
			for _, x := range tt.loud {
				loud = loud || x == at
			}
			for _, x := range tt.taken {
				if x[0] <= at && at < x[1] {
					want = 0
				}
			}
			f.hear(loud, now)
			if got := f.layer(tt.members, now); got != want {
				t.Fatalf("%s: layer %d after %v, want %d", tt.name, got, at, want)
			}
		}
	}
}
