package program

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sanix-darker/s2c/internal/hubload"
)

// The signals that stop a process and let it go on.
const (
	Stop     = unix.SIGSTOP
	Continue = unix.SIGCONT
)

// CPUTime returns the CPU time that a process has used, 0 when it is gone.
func CPUTime(pid int) time.Duration {
	t, _ := hubload.CPUTime(pid)
	return t
}

// Memory returns the resident memory of a process now and at its peak, in MB.
func Memory(pid int) (rss, peak float64) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(b)) {
		var kb float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kb); err == nil {
			rss = kb / 1000
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kb); err == nil {
			peak = kb / 1000
		}
	}
	return rss, peak
}
