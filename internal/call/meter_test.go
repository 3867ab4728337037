package call

import (
	"testing"
	"time"
)

func TestLineMeter(t *testing.T) {
	tests := []struct {
		after time.Duration // since the line before
		lines int           // said at once
		pass  int
	}{
		{0, 20, 10},
		{499 * time.Millisecond, 1, 0},
		{time.Millisecond, 2, 1},
		{time.Second, 5, 2},
		{time.Hour, 20, 10},
	}
	var m lineMeter
	now := time.Unix(1, 0)
	for i, test := range tests {
		now = now.Add(test.after)
		pass := 0
		for range test.lines {
			if m.take(now, hearBurst) {
				pass++
			}
		}
		if pass != test.pass {
			t.Errorf("step %d: %d of %d lines pass %v after the last, want %d", i, pass, test.lines, test.after, test.pass)
		}
	}
}
