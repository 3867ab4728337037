//go:build unix

package metrics

import (
	"syscall"
	"time"
)

// cpuTime returns how long the process has run on processors, all of them
// together.
func cpuTime() (time.Duration, bool) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, false
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), true
}
