package cli

import "golang.org/x/sys/unix"

// harden keeps the keys in the memory of this process from the other programs
// of the same person, and out of core files. What a person may not read any
// more is /proc/PID/mem and /proc/PID/environ, and no debugger attaches; root
// still can do all of it.
func harden() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}
