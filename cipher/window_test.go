package cipher

import (
	"math/rand/v2"
	"testing"
)

// TestWindow compares the window to a model that remembers everything.
func TestWindow(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for run := range 200 {
		var w window
		seen := make(map[uint64]bool)
		var newest uint64
		for i := range 5000 {
			var ctr uint64
			switch r := rng.IntN(200); {
			case r == 0: // a long silence
				ctr = newest + uint64(rng.IntN(3000))
			case r < 20: // a few are lost
				ctr = newest + uint64(rng.IntN(70))
			case r < 60: // repeated, late or too late
				ctr = newest - min(newest, uint64(rng.IntN(1200)))
			default:
				ctr = newest + 1
			}
			want := seen[ctr] || len(seen) > 0 && ctr+windowSize <= newest
			if got := w.has(ctr); got != want {
				t.Fatalf("run %d, packet %d: has(%d) = %v with %d the newest, want %v", run, i, ctr, got, newest, want)
			}
			if !want {
				w.add(ctr)
				seen[ctr] = true
				newest = max(newest, ctr)
			}
		}
	}
}

func TestWindowEdges(t *testing.T) {
	tests := []struct {
		add  []uint64
		ctr  uint64
		want bool
	}{
		{nil, 0, false},
		{nil, 1 << 63, false},
		{[]uint64{0}, 0, true},
		{[]uint64{0}, 1, false},
		{[]uint64{1}, 0, false},
		{[]uint64{1023}, 0, false},
		{[]uint64{1024}, 0, true},
		{[]uint64{1024}, 1, false},
		{[]uint64{0, 1088}, 1088 - 1023, false}, // the word of 0 is reused
		{[]uint64{0, 1 << 40}, 1 << 40, true},
		{[]uint64{0, 1 << 40}, 1<<40 - 1023, false},
		{[]uint64{0, 1 << 40}, 1<<40 - 1024, true},
		{[]uint64{63, 64 + 17*64}, 64 + 16*64, false},
		{[]uint64{2, 1087, 1088, 1093}, 1090, false}, // the place of 2, in a word that 1,088 begins
		{[]uint64{127, 1151}, 128, false},            // 1,024 later, the same place plus one
	}
	for _, test := range tests {
		var w window
		for _, ctr := range test.add {
			w.add(ctr)
		}
		if got := w.has(test.ctr); got != test.want {
			t.Errorf("after %d has(%d) = %v, want %v", test.add, test.ctr, got, test.want)
		}
	}
}
