package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// canShare reports whether share works.
const canShare = true

// canGather reports whether a socket tells what has come without waiting for more.
const canGather = true

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

// An mmsg is a socket that moves packets with recvmmsg(2) and sendmmsg(2). Package
// golang.org/x/net can do the same, but allocates an address for each packet.
//
// The runtime's poller does not know it. That would wake up for each packet that
// comes while a shard gathers, which nobody waits for. There is another epoll(7) in
// between, which is asked for one event at a time:
//
//	read finds nothing > ask for an event > the runtime waits for the epoll > read
type mmsg struct {
	file    *os.File        // the socket
	raw     syscall.RawConn // its
	v6      bool            // it takes addresses of IPv6 only, those of IPv4 mapped
	in, out batchCall

	epoll *os.File
	ready syscall.RawConn // its
	ask   func(epoll uintptr) bool
	asked bool  // there is an event to come; owned by read
	fd    int   // of the socket
	err   error // of asking; owned by read

	mu  sync.Mutex
	one batchCall // of send, guarded by mu
}

// mmsghdr is struct mmsghdr.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
}

// A batchCall is what one of the two system calls is given.
type batchCall struct {
	number  uintptr // of the call
	headers []mmsghdr
	vectors []unix.Iovec
	names   []unix.RawSockaddrInet6 // or RawSockaddrInet4 at their start
	do      func(fd uintptr)        // call, as a value that is made once

	// Of the last call.
	count int // of headers that it got, then of those that it handled
	err   syscall.Errno
}

// openSocket makes udp, which it closes, a socket of a hub.
func openSocket(udp *net.UDPConn) (socket, error) {
	m := &mmsg{
		v6: udp.LocalAddr().(*net.UDPAddr).IP.To4() == nil,
		in: newBatchCall(unix.SYS_RECVMMSG, batchLen), out: newBatchCall(unix.SYS_SENDMMSG, batchLen), one: newBatchCall(unix.SYS_SENDMMSG, 1),
	}
	m.in.do, m.out.do, m.one.do, m.ask = m.in.call, m.out.call, m.one.call, m.askForEvent
	err := errors.Join(m.adopt(udp), udp.Close())
	if err == nil {
		err = m.watch()
	}
	if err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// adopt takes the socket of udp away from the runtime's poller.
func (m *mmsg) adopt(udp *net.UDPConn) error {
	raw, err := udp.SyscallConn()
	if err != nil {
		return err
	}
	outer := raw.Control(func(fd uintptr) {
		if m.fd, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0); err == nil {
			err = unix.SetNonblock(m.fd, false) // or os.NewFile would give it to the poller; no call here waits
		}
	})
	if err := errors.Join(outer, err); err != nil {
		return fmt.Errorf("share a UDP socket: %w", err)
	}
	m.file = os.NewFile(uintptr(m.fd), "udp")
	m.raw, err = m.file.SyscallConn()
	return err
}

// watch makes the epoll.
func (m *mmsg) watch() error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(epoll, true); err != nil {
		return errors.Join(os.NewSyscallError("fcntl", err), unix.Close(epoll))
	}
	m.epoll = os.NewFile(uintptr(epoll), "epoll")
	if err := m.epoll.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("wait for packets: %w", err) // the runtime's poller does not take it
	}
	m.ready, err = m.epoll.SyscallConn()
	if err != nil {
		return err
	}
	event := unix.EpollEvent{Fd: int32(m.fd)} // none is asked for yet
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, m.fd, &event))
}

// close implements socket.
func (m *mmsg) close() {
	if m.epoll != nil {
		_ = m.epoll.Close()
	}
	if m.file != nil {
		_ = m.file.Close()
	}
}

func newBatchCall(number uintptr, size int) batchCall {
	b := batchCall{
		number:  number,
		headers: make([]mmsghdr, size),
		vectors: make([]unix.Iovec, size),
		names:   make([]unix.RawSockaddrInet6, size),
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

// call makes the system call, which does not wait.
func (c *batchCall) call(fd uintptr) {
	for {
		n, _, errno := syscall.Syscall6(c.number, fd, uintptr(unsafe.Pointer(&c.headers[0])), uintptr(c.count), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == syscall.EINTR:
			continue
		case errno != 0:
			n = 0
		}
		c.count, c.err = int(n), errno
		return
	}
}

// errAgain is the error of a call that would have to wait, which is made once.
var errAgain error = syscall.EAGAIN

// run makes the call for so many packets with the socket and returns how many it
// has handled.
func (m *mmsg) run(name string, c *batchCall, count int) (int, error) {
	c.count, c.err = count, 0
	if m.raw.Control(c.do) != nil {
		return 0, net.ErrClosed
	}
	if c.err == 0 {
		return c.count, nil
	}
	if c.err == syscall.EAGAIN {
		return 0, errAgain
	}
	return 0, os.NewSyscallError(name, c.err)
}

// read implements batcher.
func (m *mmsg) read(ms []message, wait bool) (int, error) {
	c := &m.in
	count := min(len(ms), batchLen)
	for i := range count {
		c.set(i, ms[i].b, unix.SizeofSockaddrInet6)
	}
	n, err := m.run("recvmmsg", c, count)
	for wait && err == errAgain { //nolint:errorlint // it is never wrapped
		if err := m.wait(); err != nil {
			return 0, err
		}
		n, err = m.run("recvmmsg", c, count)
	}
	for i := range n {
		ms[i].n, ms[i].addr = int(c.headers[i].n), address(&c.names[i])
	}
	return n, err
}

// wait waits until there is something to read, or the socket is closed.
func (m *mmsg) wait() error {
	m.asked, m.err = false, nil
	if m.ready.Read(m.ask) != nil {
		return net.ErrClosed
	}
	return m.err
}

// askForEvent asks the epoll for the event that there is something to read, or
// reports true when it has come.
func (m *mmsg) askForEvent(epoll uintptr) bool {
	if !m.asked {
		m.asked = true
		event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: int32(m.fd)}
		m.err = os.NewSyscallError("epoll_ctl", unix.EpollCtl(int(epoll), unix.EPOLL_CTL_MOD, m.fd, &event))
		return m.err != nil
	}
	var events [1]unix.EpollEvent
	n, err := unix.EpollWait(int(epoll), events[:], 0)
	return n > 0 || err != nil // the next read finds what is wrong
}

// write implements batcher.
func (m *mmsg) write(ms []message) (int, error) {
	c := &m.out
	count := min(len(ms), batchLen)
	for i := range count {
		c.set(i, ms[i].b, m.setName(&c.names[i], ms[i].addr))
	}
	return m.run("sendmmsg", c, count)
}

// send implements socket.
func (m *mmsg) send(b []byte, to netip.AddrPort) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.one.set(0, b, m.setName(&m.one.names[0], to))
	_, err := m.run("sendmmsg", &m.one, 1)
	return err
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
