package hubload

import (
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	for us := range 40_000_000 {
		if us > 5000 && us%9973 != 0 {
			continue
		}
		d := time.Duration(us)*time.Microsecond + 999
		i := bucket(d)
		if i == buckets-1 {
			if d < 33*time.Second {
				t.Fatalf("%v is in the last bucket", d)
			}
			continue
		}
		if got := most(i); got < d || float64(got-d) > max(0.032*float64(d), 1000) {
			t.Fatalf("%v is counted as %v", d, got)
		}
	}
}

func TestHistogram(t *testing.T) {
	var a, b, none Histogram
	for ms := range 100 {
		h := &a
		if ms%3 == 0 {
			h = &b
		}
		h.Add(time.Duration(ms+1) * time.Millisecond)
	}
	b.Add(-time.Second)
	a.Merge(&b)
	if a.Count() != 101 || a.Max() != 100*time.Millisecond || a.Quantile(1) != a.Max() || a.Quantile(0) > time.Microsecond {
		t.Errorf("counted %d, from %v to %v or %v", a.Count(), a.Quantile(0), a.Quantile(1), a.Max())
	}
	for _, q := range []float64{0.02, 0.5, 0.95, 0.99} {
		want := time.Duration(q*101-1) * time.Millisecond
		if got := a.Quantile(q); got < want || float64(got-want) > 0.035*float64(want)+1e6 {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
	if none.Quantile(0.5) != 0 || none.Max() != 0 {
		t.Errorf("of no delays, %v do not exceed half", none.Quantile(0.5))
	}
	none.Add(time.Hour)
	if none.Quantile(0.5) != time.Hour {
		t.Errorf("an hour is counted as %v", none.Quantile(0.5))
	}
}
