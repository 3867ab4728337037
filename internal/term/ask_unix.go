//go:build unix

package term

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
	xterm "golang.org/x/term"
)

// The file descriptors of standard input and output.
const (
	stdin  = 0
	stdout = 1
)

// askTerminal asks the terminal that controls this process, if it is that of
// standard input and output too.
func askTerminal(a *answers, questions string, limit time.Duration) {
	if !xterm.IsTerminal(stdin) || !xterm.IsTerminal(stdout) {
		return
	}
	// Of its own, so that the others of this terminal go on to block.
	fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	t := tty(fd)
	defer t.close()
	state, err := xterm.MakeRaw(fd)
	if err != nil {
		return
	}
	// Nothing can be done when it fails.
	defer func() { _ = xterm.Restore(fd, state) }()
	ask(t, a, questions, limit)
}

// A tty is the file descriptor of a terminal, which does not block.
type tty int

// close closes it.
func (t tty) close() { _ = unix.Close(int(t)) }

// Write writes b. It returns unix.EAGAIN when the terminal takes no more.
func (t tty) Write(b []byte) (n int, err error) {
	for n < len(b) {
		m, err := unix.Write(int(t), b[n:])
		n += max(m, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
	return n, nil
}

// receive implements line.
func (t tty) receive(b []byte, d time.Duration) (n int, err error) {
	if int(t) >= unix.FD_SETSIZE {
		return 0, unix.EBADF
	}
	for end := time.Now().Add(d); ; {
		// Not poll, which does not know terminals on macOS.
		var ready unix.FdSet
		ready.Set(int(t))
		left := unix.NsecToTimeval(max(0, time.Until(end)).Nanoseconds())
		switch n, err = unix.Select(int(t)+1, &ready, nil, nil, &left); {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil || n == 0:
			return 0, err
		}
		switch n, err = unix.Read(int(t), b); {
		case errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN): // or somebody else has read it
			continue
		case err == nil && n == 0:
			return 0, unix.EIO // hung up
		}
		return max(n, 0), err
	}
}
