package transport

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestWindowEdges(t *testing.T) {
	type step struct {
		counter uint64
		fresh   bool
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"counter 0", []step{{0, false}, {1, true}, {0, false}}},
		{"repeat", []step{{1, true}, {1, false}, {2, true}, {1, false}, {2, false}}},
		{"oldest that counts", []step{{2000, true}, {2000 - windowSize + 1, true}, {2000 - windowSize + 1, false}}},
		{"too old", []step{{2000, true}, {2000 - windowSize, false}}},
		{"jump", []step{{5, true}, {1 << 40, true}, {5, false}, {1<<40 - 1, true}, {1<<40 - 1, false}}},
		{"block used again", []step{{64, true}, {64 + 64*windowBlocks, true}, {65 + 64*windowBlocks, true}}},
		{"last", []step{{math.MaxUint64, true}, {math.MaxUint64, false}, {math.MaxUint64 - 1, true}}},
	}
	for _, tt := range tests {
		var w window
		for i, s := range tt.steps {
			got := w.fresh(s.counter)
			if got != s.fresh {
				t.Errorf("%s, step %d: fresh(%d) = %v, want %v", tt.name, i, s.counter, got, s.fresh)
			}
			if got {
				w.mark(s.counter)
			}
		}
	}
}

// The window does what a list of everything seen would do.
func TestWindowAgainstModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var w window
		var newest uint64
		seen := make(map[uint64]bool)
		for range 5000 {
			counter := newest + uint64(rng.IntN(4))
			switch rng.IntN(10) {
			case 0:
				counter += uint64(rng.IntN(3 * windowSize))
			case 1, 2, 3:
				counter -= min(counter, uint64(rng.IntN(windowSize+100)))
			}
			want := counter > 0 && !seen[counter] && counter+windowSize > newest
			if got := w.fresh(counter); got != want {
				t.Fatalf("fresh(%d) = %v, want %v; newest is %d", counter, got, want, newest)
			}
			if !want {
				continue
			}
			if got, want := w.mark(counter), counter > newest; got != want {
				t.Fatalf("mark(%d) = %v, want %v; newest is %d", counter, got, want, newest)
			}
			seen[counter] = true
			newest = max(newest, counter)
		}
	}
}
