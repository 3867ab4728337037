//go:build !linux

package program

import (
	"os"
	"time"
)

// Only Linux tells what these need; elsewhere the columns are zero and nobody
// is stopped.
var (
	Stop     os.Signal = os.Interrupt
	Continue os.Signal = os.Interrupt
)

// CPUTime returns 0.
func CPUTime(int) time.Duration { return 0 }

// Memory returns 0.
func Memory(int) (rss, peak float64) { return 0, 0 }
