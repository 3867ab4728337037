//go:build !unix

package main

import "time"

var began = time.Now()

// cpuTime returns how long this process runs, for want of its CPU time.
func cpuTime() time.Duration { return time.Since(began) }
