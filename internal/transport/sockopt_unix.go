//go:build linux || darwin

package transport

import "syscall"

// maxUnsent is TCP_NOTSENT_LOWAT in bytes: above it the socket takes no more.
const maxUnsent = 16 << 10

// control runs f on the descriptor of a socket that is still open.
func control(c syscall.Conn, f func(fd int)) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { f(int(fd)) })
}
