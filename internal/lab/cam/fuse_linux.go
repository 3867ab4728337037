package cam

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// The part of the FUSE protocol, version 7.31, that one file takes
// (include/uapi/linux/fuse.h). The root of the file system is that file: it is
// mounted over a plain one.

// Operations that the kernel asks for.
const (
	opForget      = 2
	opGetattr     = 3
	opSetattr     = 4
	opOpen        = 14
	opRead        = 15
	opWrite       = 16
	opStatfs      = 17
	opRelease     = 18
	opFsync       = 20
	opFlush       = 25
	opInit        = 26
	opAccess      = 34
	opInterrupt   = 36
	opDestroy     = 38
	opIoctl       = 39
	opPoll        = 40
	opBatchForget = 42
)

const (
	fuseMajor, fuseMinor = 7, 31

	inHeader    = 40 // bytes of fuse_in_header
	outHeader   = 16 // bytes of fuse_out_header
	storeHeader = 24 // bytes of fuse_notify_store_out

	notifyPoll  = 1 // what the "error" of an unasked message says
	notifyStore = 4

	pollSchedule  = 1 // FUSE_POLL_SCHEDULE_NOTIFY
	keepCache     = 2 // FOPEN_KEEP_CACHE
	rootNode      = 1
	maxWrite      = 1 << 16
	cacheSeconds  = 3600
	fileSize      = 1 << 28 // bytes; all buffers lie below
	pageSize      = 4096
	statfsBytes   = 80
	attrBytes     = 104
	initBytes     = 64
	ioctlInBytes  = 32
	ioctlOutBytes = 16
)

var le = binary.LittleEndian

// A request is what the kernel asks for. Its body is valid until the next one.
type request struct {
	op     uint32
	unique uint64
	body   []byte
}

// A conn is the connection to the kernel for one mounted file.
type conn struct {
	path string

	// fd is written to directly and from several goroutines: a write is one
	// message, and os.File would queue the answer to a READ behind a STORE that
	// waits in the kernel for that very answer.
	fd int
	// f reads fd, so that a deadline ends a read.
	f *os.File
}

// mount puts a file system over the plain file at path.
func mount(path string) (*conn, error) {
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/fuse", Err: err}
	}
	options := fmt.Sprintf("fd=%d,rootmode=100000,user_id=%d,group_id=%d,allow_other", fd, os.Getuid(), os.Getgid())
	if err := unix.Mount("fakecam", path, "fuse.fakecam", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		_ = unix.Close(fd)
		return nil, &os.PathError{Op: "mount", Path: path, Err: err}
	}
	// Only now: epoll would not see requests on a descriptor that it was
	// given before the mount.
	return &conn{path: path, fd: fd, f: os.NewFile(uintptr(fd), "/dev/fuse")}, nil
}

// unmount takes the file away. Programs that have it open keep it.
func (c *conn) unmount() error { return unix.Unmount(c.path, unix.MNT_DETACH) }

// abort makes serve return.
func (c *conn) abort() { _ = c.f.SetReadDeadline(time.Unix(1, 0)) }

// close ends the connection; whoever has the file open gets errors. No other
// goroutine may use c any more.
func (c *conn) close() error { return c.f.Close() }

// serve hands requests to handle, one at a time, until the file is unmounted
// and closed by all, or abort is called.
func (c *conn) serve(handle func(request)) {
	buf := make([]byte, maxWrite+pageSize)
	for {
		n, err := c.f.Read(buf)
		switch {
		case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR): // a request was withdrawn
			continue
		case err != nil: // ENODEV: unmounted
			return
		case n < inHeader:
			continue
		}
		handle(request{op: le.Uint32(buf[4:]), unique: le.Uint64(buf[8:]), body: buf[inHeader:n]})
	}
}

// send writes one message. The kernel refuses an answer to a request that was
// withdrawn, and everything after the end: nobody waits then.
func (c *conn) send(unique uint64, code int32, parts ...[]byte) {
	var h [outHeader]byte
	n := len(h)
	for _, p := range parts {
		n += len(p)
	}
	le.PutUint32(h[:], uint32(n))
	le.PutUint32(h[4:], uint32(code))
	le.PutUint64(h[8:], unique)
	_, _ = unix.Writev(c.fd, append([][]byte{h[:]}, parts...))
}

// reply answers a request.
func (c *conn) reply(unique uint64, parts ...[]byte) { c.send(unique, 0, parts...) }

// fail answers a request with an error.
func (c *conn) fail(unique uint64, e unix.Errno) { c.send(unique, -int32(e)) }

// replyIoctl answers an ioctl.
func (c *conn) replyIoctl(unique uint64, out []byte) {
	c.send(unique, 0, make([]byte, ioctlOutBytes), out)
}

// store puts data into the file's page cache at offset off, where programs
// that have mapped the file see it.
func (c *conn) store(off int, data []byte) {
	h := make([]byte, storeHeader)
	le.PutUint64(h, rootNode)
	le.PutUint64(h[8:], uint64(off))
	le.PutUint32(h[16:], uint32(len(data)))
	c.send(0, notifyStore, h, data)
}

// wake makes those look again who poll the open file with poll handle kh.
func (c *conn) wake(kh uint64) {
	h := make([]byte, 8)
	le.PutUint64(h, kh)
	c.send(0, notifyPoll, h)
}

// initReply answers INIT: no features.
func initReply(body []byte) []byte {
	o := make([]byte, initBytes)
	le.PutUint32(o, fuseMajor)
	le.PutUint32(o[4:], fuseMinor)
	le.PutUint32(o[8:], le.Uint32(body[8:])) // max_readahead
	le.PutUint16(o[16:], 64)                 // max_background
	le.PutUint16(o[18:], 48)                 // congestion_threshold
	le.PutUint32(o[20:], maxWrite)
	le.PutUint32(o[24:], 1) // time_gran
	return o
}

// attrReply answers GETATTR: a plain file that all may use.
func attrReply() []byte {
	o := make([]byte, attrBytes)
	le.PutUint64(o, cacheSeconds)
	a := o[16:]
	le.PutUint64(a, rootNode)
	le.PutUint64(a[8:], fileSize)
	le.PutUint32(a[60:], unix.S_IFREG|0o666)
	le.PutUint32(a[64:], 1) // nlink
	le.PutUint32(a[80:], pageSize)
	return o
}

// openReply answers OPEN with a file handle. The kernel keeps its pages, which
// hold the pictures.
func openReply(fh uint64) []byte {
	o := make([]byte, 16)
	le.PutUint64(o, fh)
	le.PutUint32(o[8:], keepCache)
	return o
}
