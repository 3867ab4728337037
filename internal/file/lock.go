package file

import (
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	patience  = 10 * time.Second     // a change takes milliseconds; who takes longer is stopped or hangs
	pollEvery = 2 * time.Millisecond // how often a held lock is tried again
)

// errHeld is what tryLock returns when somebody else has the lock.
var errHeld = errors.New("locked")

// lock takes the lock of the file at path, which one goroutine of all
// processes has at a time, and waits at most wait for it. It is the lock of the
// system on a file beside, as the file itself is replaced: it ends with the
// process that holds it. Nobody removes that file, or two could hold the locks
// of two files of the same name.
func lock(path string, wait time.Duration) (unlock func(), err error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := waitLock(f, wait); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}

// waitLock locks f. It asks again and again because a thread that waits in the
// kernel cannot be given a limit.
func waitLock(f *os.File, wait time.Duration) error {
	err := tryLock(f)
	if !errors.Is(err, errHeld) {
		return err
	}
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	limit := time.NewTimer(wait)
	defer limit.Stop()
	for {
		select {
		case <-limit.C:
			return fmt.Errorf("%w: waited %v for %s", ErrLocked, wait, f.Name())
		case <-tick.C:
		}
		if err := tryLock(f); !errors.Is(err, errHeld) {
			return err
		}
	}
}
