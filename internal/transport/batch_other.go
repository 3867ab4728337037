//go:build !linux

package transport

import (
	"net"
	"net/netip"
	"os"
	"syscall"
)

// canShare reports whether share works.
const canShare = false

// canGather reports whether a socket tells what has come without waiting for more.
const canGather = false

func share(_, _ string, _ syscall.RawConn) error { return nil }

// isFull reports whether the system has no room for packets at the moment.
func isFull(error) bool { return false }

// A single is a socket that moves one packet at a time.
type single struct{ udp *net.UDPConn }

// openSocket makes udp, which it takes over, a socket of a hub.
func openSocket(udp *net.UDPConn) (socket, error) { return single{udp}, nil }

// read implements batcher.
func (s single) read(ms []message, wait bool) (int, error) {
	if !wait {
		return 0, os.ErrDeadlineExceeded
	}
	n, from, err := s.udp.ReadFromUDPAddrPort(ms[0].b)
	if err != nil {
		return 0, err
	}
	ms[0].n, ms[0].addr = n, from
	return 1, nil
}

// write implements batcher.
func (s single) write(ms []message) (int, error) {
	if _, err := s.udp.WriteToUDPAddrPort(ms[0].b, ms[0].addr); err != nil {
		return 0, err
	}
	return 1, nil
}

// send implements socket.
func (s single) send(b []byte, to netip.AddrPort) error {
	_, err := s.udp.WriteToUDPAddrPort(b, to)
	return err
}

// close implements socket.
func (s single) close() { _ = s.udp.Close() }
