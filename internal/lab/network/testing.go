package network

import (
	"testing"

	"github.com/sanix-darker/s2c/internal/lab"
)

// ForTest makes a network for a test and removes it with the test. Where there can
// be none, the test is skipped, as lab.Need has it.
func ForTest(tb testing.TB, names ...string) *Net {
	tb.Helper()
	n, err := New(tb.Context(), names...)
	lab.Need(tb, err)
	tb.Cleanup(func() {
		if err := n.Close(); err != nil {
			tb.Errorf("close network: %v", err)
		}
	})
	return n
}
