package metrics

import (
	"os"
	"strconv"
	"strings"
)

// residentBytes returns how much of the process is in memory.
func residentBytes() (uint64, bool) {
	b, err := os.ReadFile("/proc/self/statm") // size, resident, ... in pages; proc(5)
	if err != nil {
		return 0, false
	}
	return parseStatm(string(b), uint64(os.Getpagesize()))
}

// parseStatm returns the second number of statm in bytes.
func parseStatm(s string, page uint64) (uint64, bool) {
	fields := strings.Fields(s)
	if len(fields) < 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(fields[1], 10, 40) // 2^40 pages are more than any machine has
	return n * page, err == nil
}

// openFiles returns how many descriptors are open.
func openFiles() (int, bool) {
	d, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0, false
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	return len(names) - 1, err == nil // less d itself
}
