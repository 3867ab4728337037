package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime returns the CPU time that this thread has used.
func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic("lookbench: internal error: " + err.Error())
	}
	return time.Duration(t.Nano())
}
