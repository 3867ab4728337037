package audio

import "testing"

func TestRamp(t *testing.T) {
	tests := []struct {
		from, to         float32
		n                int
		first, mid, last int16 // of 10000
	}{
		{1, 1, 240, 10000, 10000, 10000},
		{0, 1, fadeIn, 42, 5000, 10000},
		{1, 0.5, 960, 9995, 7500, 5000},
		{0.25, 0, 960, 2497, 1250, 0},
	}
	for _, tt := range tests {
		var pcm [longSamples]int16
		for i := range pcm {
			pcm[i] = 10000
		}
		ramp(pcm[:], tt.from, tt.to, tt.n)
		mid := pcm[119]
		if tt.n == 960 {
			mid = pcm[479]
		}
		if pcm[0] != tt.first || mid != tt.mid || pcm[959] != tt.last {
			t.Errorf("ramp(%v, %v, %d) gives %d, %d, %d, want %d, %d, %d",
				tt.from, tt.to, tt.n, pcm[0], mid, pcm[959], tt.first, tt.mid, tt.last)
		}
	}
	// It must be slow enough for a voice that comes back not to click.
	var pcm [longSamples]int16
	copy(pcm[:], tone(len(pcm), 440, 10000))
	for i := range pcm {
		pcm[i] = max(pcm[i], -pcm[i]) // begins nowhere near 0 in most places
	}
	ramp(pcm[:], 0, 1, fadeIn)
	if pcm[0] > 100 {
		t.Errorf("the first sample is %d", pcm[0])
	}
}

// TestSplice checks that a chunk begins like the first and ends like the
// second, and has no step that neither of them has.
func TestSplice(t *testing.T) {
	for shift := range 110 {
		s := tone(4000, 440, 10000)
		var a, b, got [longSamples]int16
		copy(a[:], s)
		copy(b[:], s[960+shift:])
		got = a
		splice(got[:], b[:])
		if d := int(got[0]) - int(a[0]); d < -100 || d > 100 || got[959] != b[959] {
			t.Fatalf("shift %d: ends are %d and %d, want about %d and %d", shift, got[0], got[959], a[0], b[959])
		}
		if step := steepest(got[:]); step > 660 {
			t.Errorf("shift %d: a step of %d, want at most 660", shift, step)
		}
	}
	// Silence on both sides of a word: the place where it is silent is found.
	var a, b [longSamples]int16
	copy(a[:300], tone(300, 440, 10000))
	copy(b[660:], tone(300, 440, 10000))
	want := a
	copy(want[660:], b[660:])
	if splice(a[:], b[:]); a != want {
		t.Error("the words at both ends were touched")
	}
}
