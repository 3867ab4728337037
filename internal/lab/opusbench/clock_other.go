//go:build !linux

package main

import "time"

// started is when the program did.
var started = time.Now()

// cpuTime returns the time since the start: there is no clock of processor time
// here that is fine enough and needs no cgo.
func cpuTime() time.Duration { return time.Since(started) }
