//go:build !linux

package main

import "time"

// started is when the program did.
var started = time.Now()

// threadTime returns the time since the start: there is no clock of CPU time
// for a thread here that needs no cgo.
func threadTime() time.Duration { return time.Since(started) }
