//go:build !linux

package hubload

import "time"

// CPUTime reports false: it can be read on Linux alone.
func CPUTime(int) (time.Duration, bool) { return 0, false }

// Memory reports false: it can be read on Linux alone.
func Memory(int) (resident int64, ok bool) { return 0, false }

// MachineTime reports false: it can be read on Linux alone.
func MachineTime() (time.Duration, bool) { return 0, false }
