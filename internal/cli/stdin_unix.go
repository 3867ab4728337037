//go:build unix

package cli

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// foregroundWait is how long it takes to notice that a terminal's keys are meant
// for this program again, in milliseconds.
const foregroundWait = 300

// A waitingReader reads from a file that may belong to others as well, such as
// the standard input that a shell has lent: it cannot be made to not block, for
// then it would not block for them either. So it waits until there is something
// to read, or until somebody writes to a pipe of its own.
type waitingReader struct {
	file      *os.File
	wake, end *os.File // the two ends of the pipe; end is closed to wake
}

// interruptible returns a reader of f and a function that ends its Read with
// io.EOF, now and later. The reader takes nothing from a terminal while
// this process is in the background there: the system would stop the process.
// It does not close f. ok is false where reading cannot be interrupted.
func interruptible(f *os.File) (r io.ReadCloser, stop func(), ok bool) {
	wake, end, err := os.Pipe()
	if err != nil {
		return nil, nil, false
	}
	return &waitingReader{f, wake, end}, func() { end.Close() }, true
}

// Read implements io.Reader. Should another process have taken what there was
// to read, it waits for more and cannot be interrupted.
func (r *waitingReader) Read(b []byte) (int, error) {
	fds := []unix.PollFd{
		{Fd: int32(r.file.Fd()), Events: unix.POLLIN},
		{Fd: int32(r.wake.Fd()), Events: unix.POLLIN},
	}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, os.NewSyscallError("poll", err)
		case fds[1].Revents != 0:
			return 0, io.EOF
		case !r.background():
			return r.file.Read(b)
		}
		if _, err := unix.Poll(fds[1:], foregroundWait); err != nil && err != unix.EINTR {
			return 0, os.NewSyscallError("poll", err)
		}
	}
}

// background reports whether the file is a terminal whose keys are meant for
// another program.
func (r *waitingReader) background() bool {
	group, err := unix.IoctlGetInt(int(r.file.Fd()), unix.TIOCGPGRP)
	return err == nil && group != unix.Getpgrp()
}

// Close frees the pipe. Nobody may be reading.
func (r *waitingReader) Close() error { return r.wake.Close() }
