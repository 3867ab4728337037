//go:build unix

package ui

import "syscall"

// stopper stops this process and the others of its job, as Ctrl-Z does where
// no program reads keys itself. It returns when somebody continues them.
var stopper = func() error { return syscall.Kill(0, syscall.SIGTSTP) }
