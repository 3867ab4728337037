// Package lab holds the rule for tests that need more of a machine than Go:
// a virtual camera, a sound server, a second program. Only tests use it and
// the packages below it, which are those things.
package lab

import (
	"os"
	"testing"
)

// Env is the environment variable that says that this machine is a lab: with
// S2C_LAB=1 nothing may be missing, so a test that cannot run fails.
const Env = "S2C_LAB"

// Need ends the test when err is not nil, which says what it lacks: it is
// skipped on a common machine and fails on a lab.
func Need(t testing.TB, err error) {
	t.Helper()
	need(t, err, strict())
}

// need is Need for a machine that is a lab or is not.
func need(t testing.TB, err error, isLab bool) {
	t.Helper()
	switch {
	case err == nil:
	case isLab:
		t.Fatalf("this machine is a lab (%s is set), yet: %v", Env, err)
	default:
		t.Skipf("needs a lab: %v", err)
	}
}

// strict reports whether this machine is a lab.
func strict() bool {
	v, _ := os.LookupEnv(Env)
	return v != "" && v != "0"
}
