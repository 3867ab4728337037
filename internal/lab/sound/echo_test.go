package sound

import (
	"testing"
	"time"
)

// TestEcho measures what cancellation is for: the far voice is at least 30 dB
// lower with it than without, and the near voice stays.
func TestEcho(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			s := ForTest(t, kind)
			o, err := s.EchoRoom()
			if err != nil {
				t.Fatal(err)
			}
			o.Time = 2 * time.Second
			r, err := MeasureEcho(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("far voice %.1f dBFS without cancellation, %.1f dBFS with: %.1f dB lower (%.1f dB in its first second); near voice %+.1f dB",
				r.Off.Far, r.On.Far, r.Reduction, r.First, r.Near)
			if r.Off.Far < -30 || r.Off.Near < -30 {
				t.Errorf("without cancellation the voices come with %.1f and %.1f dBFS, want -30 at least", r.Off.Far, r.Off.Near)
			}
			if r.Reduction < 30 {
				t.Errorf("the far voice is %.1f dB lower with cancellation, want 30 at least", r.Reduction)
			}
			if r.Near < -10 || r.Near > 10 {
				t.Errorf("cancellation changes the near voice by %+.1f dB, want 10 at most", r.Near)
			}
		})
	}
}
