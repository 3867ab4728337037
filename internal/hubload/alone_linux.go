package hubload

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Alone calls start, whose processes get one processor of the machine, and keeps
// this process off that one until restore is called. Otherwise who measures takes
// turns with what is measured. Where this process may use one processor only, both
// share it. Errors are those of start.
func Alone(start func() error) (restore func(), err error) {
	var all unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil || all.Count() < 2 {
		return func() {}, start()
	}
	var one, rest unix.CPUSet
	for i := len(all)*64 - 1; i >= 0; i-- {
		switch {
		case !all.IsSet(i):
		case one.Count() == 0:
			one.Set(i)
		default:
			rest.Set(i)
		}
	}
	if err := keepTo(&rest); err != nil {
		return func() { _ = keepTo(&all) }, start()
	}
	// A process is where the thread is that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.SchedSetaffinity(0, &one) // without it the process is where this one is
	err = start()
	_ = unix.SchedSetaffinity(0, &rest)
	return func() { _ = keepTo(&all) }, err
}

// keepTo has all threads of this process run on some processors. New ones are where
// the thread is that makes them.
func keepTo(set *unix.CPUSet) error {
	list, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	for _, e := range list {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			return fmt.Errorf("thread %q: %w", e.Name(), err)
		}
		if err := unix.SchedSetaffinity(id, set); err != nil && err != unix.ESRCH { // it has ended
			return os.NewSyscallError("sched_setaffinity", err)
		}
	}
	return nil
}
