package main

import (
	"os/exec"
	"syscall"
)

// endWithUs lets a process die with this one: it would have real-time priority and
// nobody to end it.
func endWithUs(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
