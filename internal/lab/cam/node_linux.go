package cam

import (
	"image"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A node is the camera from plugging in to plugging out. It lives on while a
// program has it open, as a device does.
type node struct {
	cam   *Camera
	conn  *conn
	ended chan struct{}  // closed when no goroutine of the node is left
	wg    sync.WaitGroup // the streams

	// Guarded by mu.
	mu      sync.Mutex
	gone    bool // unplugged
	handles map[uint64]*handle
	nextFH  uint64
	format  Format
	size    image.Point
	fps     float64
	control []Control
	owner   uint64 // handle that owns the buffers, 0 for none
	buffers []buffer
	step    int      // bytes from one buffer to the next
	mem     []byte   // what the buffers hold
	queue   []int    // buffers to be filled, the oldest first
	filled  []int    // buffers to be taken, the oldest first
	waiting []parked // programs that wait for a picture
	stream  *stream  // nil while not streaming
}

// A handle is the camera as one program has opened it.
type handle struct {
	nonblock bool
	kh       uint64 // to wake its pollers; 0 while there was none
}

// A buffer is one that the program has mapped.
type buffer struct {
	queued, filled bool
	flags          uint32
	n              int // bytes used
	seq            uint32
	at             time.Duration // by the monotonic clock
}

// parked is a blocking DQBUF that waits for a picture.
type parked struct {
	unique, fh uint64
	out        int // bytes of the answer
}

// V4L2 constants (include/uapi/linux/videodev2.h).
const (
	bufTypeCapture = 1
	memoryMMAP     = 1

	bufMapped    = 0x0001
	bufQueued    = 0x0002
	bufDone      = 0x0004
	bufError     = 0x0040
	bufMonotonic = 0x2000

	maxBuffers = 32

	pollReadNormal = 0x40 // POLLRDNORM, which x/sys does not have
)

// newNode plugs the camera in at path.
func newNode(cam *Camera, path string) (*node, error) {
	conn, err := mount(path)
	if err != nil {
		return nil, err
	}
	n := &node{
		cam: cam, conn: conn, ended: make(chan struct{}), handles: make(map[uint64]*handle),
		format: cam.cfg.Formats[0], size: cam.cfg.Sizes[0], control: slices.Clone(cam.cfg.Controls),
	}
	n.fps = cam.cfg.rates(n.format)[0]
	go func() {
		defer close(n.ended)
		conn.serve(n.handle)
		n.unplug()
		n.wg.Wait()
		_ = conn.close()
	}()
	return n, nil
}

// unplug makes every call on the camera fail with ENODEV.
func (n *node) unplug() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gone = true
	n.stopLocked(unix.ENODEV)
	n.owner, n.buffers = 0, nil
}

// handle answers one request of the kernel. It never waits: the goroutine
// that calls it is the only one that answers.
func (n *node) handle(r request) {
	b := r.body
	switch r.op {
	case opInit:
		n.conn.reply(r.unique, initReply(b))
	case opGetattr, opSetattr:
		n.conn.reply(r.unique, attrReply())
	case opOpen:
		n.open(r)
	case opRead:
		n.conn.reply(r.unique, n.page(int(le.Uint64(b[8:])), int(le.Uint32(b[16:]))))
	case opWrite: // a mapping that was written to: accepted and forgotten
		o := make([]byte, 8)
		le.PutUint32(o, le.Uint32(b[16:]))
		n.conn.reply(r.unique, o)
	case opStatfs:
		n.conn.reply(r.unique, make([]byte, statfsBytes))
	case opRelease:
		n.release(le.Uint64(b))
		n.conn.reply(r.unique)
	case opFlush, opFsync, opAccess, opDestroy:
		n.conn.reply(r.unique)
	case opIoctl:
		n.ioctl(r)
	case opPoll:
		o := make([]byte, 8)
		schedule := le.Uint32(b[16:])&pollSchedule != 0
		le.PutUint32(o, n.poll(le.Uint64(b), le.Uint64(b[8:]), schedule))
		n.conn.reply(r.unique, o)
	case opInterrupt:
		n.interrupt(le.Uint64(b))
	case opForget, opBatchForget: // no answer
	default:
		n.conn.fail(r.unique, unix.ENOSYS)
	}
}

func (n *node) open(r request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.gone {
		n.conn.fail(r.unique, unix.ENODEV)
		return
	}
	n.nextFH++
	n.handles[n.nextFH] = &handle{nonblock: le.Uint32(r.body)&unix.O_NONBLOCK != 0}
	n.conn.reply(r.unique, openReply(n.nextFH))
}

func (n *node) release(fh uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.handles, fh)
	if n.owner == fh {
		n.stopLocked(unix.EINVAL)
		n.owner, n.buffers = 0, nil
	}
}

// page returns size bytes of the buffers from offset off.
func (n *node) page(off, size int) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := make([]byte, size)
	if off < len(n.mem) {
		copy(p, n.mem[off:])
	}
	return p
}

// poll returns what can be done with the camera. With schedule, wake must
// follow when that changes.
func (n *node) poll(fh, kh uint64, schedule bool) uint32 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h := n.handles[fh]; h != nil && schedule {
		h.kh = kh
	}
	f := &n.cam.faults
	switch {
	case n.gone:
		return unix.POLLERR | unix.POLLHUP | unix.POLLPRI
	case n.owner != fh || n.stream == nil || f.broken.Load():
		return unix.POLLERR
	case len(n.filled) > 0 || f.hollow.Load():
		return unix.POLLIN | pollReadNormal
	}
	return 0
}

// interrupt ends the blocking call with the given number, whose program got a
// signal.
func (n *node) interrupt(unique uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, p := range n.waiting {
		if p.unique == unique {
			n.waiting = append(n.waiting[:i], n.waiting[i+1:]...)
			n.conn.fail(unique, unix.EINTR)
			return
		}
	}
}

// wake makes all pollers look again.
func (n *node) wake() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wakeLocked()
}

func (n *node) wakeLocked() {
	for _, h := range n.handles {
		if h.kh != 0 {
			n.conn.wake(h.kh)
		}
	}
}

// failWaitingLocked ends all blocking calls with e.
func (n *node) failWaitingLocked(e unix.Errno) {
	for _, p := range n.waiting {
		n.conn.fail(p.unique, e)
	}
	n.waiting = nil
}

// stopLocked ends the streaming; those who wait for a picture get e.
func (n *node) stopLocked(e unix.Errno) {
	if n.stream != nil {
		close(n.stream.stop)
		n.stream = nil
	}
	clear(n.buffers)
	n.queue, n.filled = nil, nil
	n.failWaitingLocked(e)
	n.wakeLocked()
}
