//go:build !unix

package metrics

import "time"

// cpuTime returns how long the process has run on processors.
func cpuTime() (time.Duration, bool) { return 0, false }
