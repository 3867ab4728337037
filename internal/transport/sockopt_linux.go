package transport

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// tuneTCP keeps the kernel's queue of unsent bytes short, so that datagrams
// wait where they can still be dropped, and lets the kernel give up a
// connection whose bytes nobody acknowledges. A kernel that refuses is no
// reason to fail.
func tuneTCP(c *net.TCPConn, stall time.Duration) {
	tuneTCPAnywhere(c)
	control(c, func(fd int) {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, maxUnsent)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(stall.Milliseconds()))
	})
}

// tuneUDP gives bursts room and forbids fragments: a path that does not take
// our packets must show it while it is probed. One of the two options fails
// on a socket for one family of addresses.
func tuneUDP(c *net.UDPConn, buffer int) {
	tuneUDPAnywhere(c, buffer)
	control(c, func(fd int) {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_PROBE)
	})
}
