package lab

import (
	"errors"
	"testing"
)

// recorder notes how a test would have ended.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.skipped = true }
func (r *recorder) Fatalf(string, ...any) { r.failed = true }

func TestNeed(t *testing.T) {
	missing := errors.New("no sound server")
	for _, c := range []struct {
		err           error
		isLab         bool
		skipped, fail bool
	}{
		{nil, false, false, false},
		{nil, true, false, false},
		{missing, false, true, false},
		{missing, true, false, true},
	} {
		var r recorder
		need(&r, c.err, c.isLab)
		if r.skipped != c.skipped || r.failed != c.fail {
			t.Errorf("need(%v, isLab %v): skipped %v, failed %v; want %v, %v",
				c.err, c.isLab, r.skipped, r.failed, c.skipped, c.fail)
		}
	}
}

func TestStrict(t *testing.T) {
	for v, want := range map[string]bool{"": false, "0": false, "1": true, "yes": true} {
		t.Setenv(Env, v)
		if got := strict(); got != want {
			t.Errorf("%s=%q: strict() = %v, want %v", Env, v, got, want)
		}
	}
}
