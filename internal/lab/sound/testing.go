package sound

import (
	"os"
	"testing"

	"github.com/sanix-darker/s2c/internal/lab"
)

// ForTest starts a server for a test and ends it with the test. Where the
// server's programs are not installed, the test is skipped, as lab.Need has it.
func ForTest(tb testing.TB, kind Kind) *Server {
	tb.Helper()
	// not tb.TempDir, whose path may be too long for a socket
	dir, err := os.MkdirTemp("", "s2c-sound-") //nolint:usetesting // the path would be too long for a socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) }) // left over, it harms nobody
	s, err := Start(dir, kind)
	lab.Need(tb, err)
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Errorf("stop sound server: %v", err)
		}
	})
	return s
}

// Kinds lists the servers, for tests that run with each.
var Kinds = []Kind{Pulse, PipeWire}
