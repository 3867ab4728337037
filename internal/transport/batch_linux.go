package transport

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// canShare reports whether share works.
const canShare = true

// share lets several sockets have one port, among which the system deals the
// packets out by their addresses.
func share(_, _ string, c syscall.RawConn) error {
	var err error
	outer := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	return errors.Join(outer, err)
}

// isFull reports whether the system has no room for packets at the moment.
func isFull(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOBUFS)
}

// An mmsg moves packets with recvmmsg(2) and sendmmsg(2). Package
// golang.org/x/net can do the same, but allocates an address for each packet.
// One goroutine reads and one writes.
type mmsg struct {
	raw     syscall.RawConn
	v6      bool // the socket takes addresses of IPv6 only, those of IPv4 mapped
	in, out batchCall
}

// mmsghdr is struct mmsghdr.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// A batchCall is what one of the two system calls is given.
type batchCall struct {
	number  uintptr // of the call
	wait    bool
	headers []mmsghdr
	vectors []unix.Iovec
	names   []unix.RawSockaddrInet6 // or RawSockaddrInet4 at their start
	do      func(fd uintptr) bool   // call, as a value that is made once

	// Of the last call.
	count int // of headers that it got, then of those that it handled
	err   syscall.Errno
}

// newBatcher returns what moves the packets of udp.
func newBatcher(udp *net.UDPConn) batcher {
	m := &mmsg{in: newBatchCall(unix.SYS_RECVMMSG), out: newBatchCall(unix.SYS_SENDMMSG)}
	var err error
	if m.raw, err = udp.SyscallConn(); err != nil {
		panic("transport: internal error: " + err.Error()) // of a socket that is not one
	}
	m.v6 = udp.LocalAddr().(*net.UDPAddr).IP.To4() == nil
	m.in.do, m.out.do = m.in.call, m.out.call
	return m
}

func newBatchCall(number uintptr) batchCall {
	b := batchCall{
		number:  number,
		headers: make([]mmsghdr, batchLen),
		vectors: make([]unix.Iovec, batchLen),
		names:   make([]unix.RawSockaddrInet6, batchLen),
	}
	for i := range b.headers {
		h := &b.headers[i].hdr
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		h.Iov = &b.vectors[i]
		h.SetIovlen(1)
	}
	return b
}

// set makes packet number i be b, with a name of at most so many bytes.
func (c *batchCall) set(i int, b []byte, name int) {
	c.vectors[i].Base = unsafe.SliceData(b)
	c.vectors[i].SetLen(len(b))
	c.headers[i].hdr.Namelen = uint32(name)
}

// call makes the system call. It reports false when it has to be made again once
// the socket is ready.
func (c *batchCall) call(fd uintptr) bool {
	for {
		n, _, errno := syscall.Syscall6(c.number, fd, uintptr(unsafe.Pointer(&c.headers[0])), uintptr(c.count), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno == syscall.EAGAIN && c.wait:
			return false
		case errno != 0:
			n = 0
		}
		c.count, c.err = int(n), errno
		return true
	}
}

// result returns what the call did. err is that of getting there.
func (c *batchCall) result(name string, err error) (int, error) {
	switch {
	case err != nil:
		return 0, err
	case c.err != 0:
		return 0, os.NewSyscallError(name, c.err)
	}
	return c.count, nil
}

// read implements batcher.
func (m *mmsg) read(ms []message, wait bool) (int, error) {
	c := &m.in
	c.wait, c.count, c.err = wait, min(len(ms), batchLen), 0
	for i := range c.count {
		c.set(i, ms[i].b, unix.SizeofSockaddrInet6)
	}
	n, err := c.result("recvmmsg", m.raw.Read(c.do))
	for i := range n {
		ms[i].n, ms[i].addr = int(c.headers[i].n), address(&c.names[i])
	}
	return n, err
}

// write implements batcher.
func (m *mmsg) write(ms []message) (int, error) {
	c := &m.out
	c.wait, c.count, c.err = false, min(len(ms), batchLen), 0
	for i := range c.count {
		c.set(i, ms[i].b, m.setName(&c.names[i], ms[i].addr))
	}
	return c.result("sendmmsg", m.raw.Write(c.do))
}

// address returns an address in the system's form as package net does.
func address(name *unix.RawSockaddrInet6) netip.AddrPort {
	if name.Family == unix.AF_INET {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(v4.Addr), swap(v4.Port))
	}
	a := netip.AddrFrom16(name.Addr)
	if name.Scope_id != 0 {
		a = a.WithZone(strconv.Itoa(int(name.Scope_id)))
	}
	return netip.AddrPortFrom(a, swap(name.Port))
}

// setName stores an address in the system's form and returns its size.
func (m *mmsg) setName(name *unix.RawSockaddrInet6, a netip.AddrPort) int {
	if !m.v6 {
		v4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		*v4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: swap(a.Port()), Addr: a.Addr().Unmap().As4()}
		return unix.SizeofSockaddrInet4
	}
	*name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: swap(a.Port()), Addr: a.Addr().As16()}
	if zone := a.Addr().Zone(); zone != "" {
		id, _ := strconv.Atoi(zone) // as address has made it
		name.Scope_id = uint32(id)
	}
	return unix.SizeofSockaddrInet6
}

// swap turns a port into the order of the network, or back.
func swap(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}
