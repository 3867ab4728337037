//go:build !linux

package metrics

// residentBytes returns how much of the process is in memory.
func residentBytes() (uint64, bool) { return 0, false }

// openFiles returns how many descriptors are open.
func openFiles() (int, bool) { return 0, false }
