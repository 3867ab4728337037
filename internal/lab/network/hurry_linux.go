package network

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// hurried is the real-time priority of a process in a hurry. What it measures, if
// it is real-time too, should have a lower one.
const hurried = 20

// Hurry gives this process real-time priority until calm is called, where it may,
// so that a wire keeps to its shapes on a busy machine. The process should have
// nothing else to do meanwhile than to wait. Processes that it starts have the same
// priority; chrt of util-linux gives them a lower one.
//
// All threads have it: were it the wire's alone, Go's scheduler could spin for ever
// in that thread, waiting for another one which the spinning keeps from running.
func Hurry() (calm func()) {
	prioritize(unix.SchedAttr{Policy: unix.SCHED_RR, Priority: hurried})
	return func() { prioritize(unix.SchedAttr{Policy: unix.SCHED_NORMAL}) }
}

// prioritize schedules all threads of this process as a says, and those to come,
// which inherit it from the one that makes them.
func prioritize(a unix.SchedAttr) {
	a.Size = unix.SizeofSchedAttr
	for range 2 { // the second time for those that were made meanwhile
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		for _, t := range tasks {
			if id, err := strconv.Atoi(t.Name()); err == nil {
				_ = unix.SchedSetAttr(id, &a, 0) // without the rights Fidelity tells
			}
		}
	}
}
