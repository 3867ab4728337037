//go:build unix

package ui

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// stopTakes is how long the system may take to stop the process. It does not
// stop one without a shell that could continue it, which then waits in vain.
const stopTakes = 500 * time.Millisecond

// stopper stops this process and the others of its job, as Ctrl-Z does where
// no program reads keys itself. It returns when somebody has continued them.
var stopper = func() error {
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	if err := syscall.Kill(0, syscall.SIGTSTP); err != nil {
		return err
	}
	// The stop comes some time after Kill returns: not to be drawn into.
	select {
	case <-continued:
	case <-time.After(stopTakes):
	}
	return nil
}
