package cli

import (
	"os/exec"
	"syscall"
)

// endWithParent has a process end when this one does, however that ends.
// The keys that interrupt this one do not reach it: it is ended when those who are
// there have left.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
