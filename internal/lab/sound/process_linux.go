package sound

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// prepare makes cmd deaf to the terminal's signals and lets it die with us.
func prepare(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
}

// hurry gives the process the priority that a desktop's sound server has, where
// we may.
func hurry(pid int) { _ = syscall.Setpriority(syscall.PRIO_PROCESS, pid, -15) }

// Hurry gives this process the priority of a sound server, where it may: on a
// busy machine a ruler that has to wait measures itself.
func Hurry() {
	tasks, err := os.ReadDir("/proc/self/task") // each thread has its own
	if err != nil {
		return
	}
	for _, t := range tasks {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			hurry(id)
		}
	}
}

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
