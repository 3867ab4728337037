package cam

import (
	"image"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// A stream is the time from STREAMON to STREAMOFF.
type stream struct {
	stop   chan struct{} // closed to end it
	format Format
	size   image.Point
	period time.Duration
	silent bool // gives nothing
}

// maxFrame returns the most bytes that a frame takes with its padding.
func (n *node) maxFrame(f Format, size image.Point) int {
	most := maxFrame(f, size)
	if f != MJPEG {
		most += n.cam.cfg.Lies.Pad * frameRows(f, size.Y)
	}
	return most
}

func (n *node) reqbufs(fh uint64, b []byte) unix.Errno {
	count := int(le.Uint32(b))
	switch {
	case le.Uint32(b[8:]) != memoryMMAP:
		return unix.EINVAL
	case n.owner != 0 && n.owner != fh, n.stream != nil, n.cam.faults.busy.Load():
		return unix.EBUSY
	}
	n.queue, n.filled, n.buffers, n.owner = nil, nil, nil, 0
	if count > 0 {
		count = min(max(count, 2), maxBuffers)
		n.owner = fh
		n.step = (n.maxFrame(n.format, n.size) + pageSize - 1) &^ (pageSize - 1)
		n.buffers = make([]buffer, count)
		n.mem = make([]byte, count*n.step)
		// With the pages there no access to a mapping ever has to ask this
		// process for one. If the program is this process, as in tests, a
		// goroutine that waits for a page holds its processor, and the
		// garbage collector would wait for it and keep the answer back.
		n.conn.store(0, n.mem)
	}
	le.PutUint32(b, uint32(count))
	le.PutUint32(b[12:], 1) // V4L2_BUF_CAP_SUPPORTS_MMAP
	return 0
}

// ownLocked checks that fh owns the buffers and buffer i exists.
func (n *node) ownLocked(fh uint64, i int) unix.Errno {
	switch {
	case n.owner == 0 || n.owner == fh && i >= len(n.buffers):
		return unix.EINVAL
	case n.owner != fh:
		return unix.EBUSY
	}
	return 0
}

func (n *node) querybuf(fh uint64, b []byte) unix.Errno {
	i := int(le.Uint32(b))
	if e := n.ownLocked(fh, i); e != 0 {
		return e
	}
	n.putBuffer(b, i)
	return 0
}

func (n *node) qbuf(fh uint64, b []byte) unix.Errno {
	i := int(le.Uint32(b))
	if e := n.ownLocked(fh, i); e != 0 {
		return e
	}
	if n.buffers[i].queued || n.buffers[i].filled {
		return unix.EINVAL
	}
	n.buffers[i] = buffer{queued: true}
	n.queue = append(n.queue, i)
	n.putBuffer(b, i)
	return 0
}

// putBuffer describes buffer i in b, a v4l2_buffer.
func (n *node) putBuffer(b []byte, i int) {
	x := n.buffers[i]
	clear(b)
	flags := x.flags | bufMapped | bufMonotonic
	if x.queued {
		flags |= bufQueued
	}
	le.PutUint32(b, uint32(i))
	le.PutUint32(b[4:], bufTypeCapture)
	le.PutUint32(b[8:], uint32(x.n))
	le.PutUint32(b[12:], flags)
	le.PutUint32(b[16:], fieldNone)
	le.PutUint64(b[24:], uint64(x.at/time.Second))
	le.PutUint64(b[32:], uint64(x.at%time.Second/time.Microsecond))
	le.PutUint32(b[56:], x.seq)
	le.PutUint32(b[60:], memoryMMAP)
	le.PutUint32(b[64:], uint32(i*n.step))
	le.PutUint32(b[72:], uint32(n.maxFrame(n.format, n.size)))
}

// dqbufLocked answers a DQBUF now or, if it may wait, when there is a picture.
func (n *node) dqbufLocked(p parked) {
	n.cam.dequeues.Add(1)
	h, e := n.handles[p.fh], n.ownLocked(p.fh, 0)
	switch {
	case n.gone:
		e = unix.ENODEV
	case h == nil:
		e = unix.EBADF
	case e != 0:
	case n.cam.faults.broken.Load(), n.cam.faults.hiccup.CompareAndSwap(true, false):
		e = unix.EIO
	case n.stream == nil:
		e = unix.EINVAL
	case len(n.filled) > 0:
		n.giveLocked(p)
		return
	case h.nonblock:
		e = unix.EAGAIN
	default:
		n.waiting = append(n.waiting, p)
		return
	}
	n.conn.fail(p.unique, e)
}

// giveLocked answers a DQBUF with the oldest filled buffer.
func (n *node) giveLocked(p parked) {
	i := n.filled[0]
	n.filled = n.filled[1:]
	b := make([]byte, p.out)
	n.putBuffer(b, i)
	n.buffers[i] = buffer{}
	n.conn.replyIoctl(p.unique, b)
}

func (n *node) streamon(fh uint64, _ []byte) unix.Errno {
	if e := n.ownLocked(fh, 0); e != 0 {
		return e
	}
	lies := &n.cam.cfg.Lies
	switch {
	case n.stream != nil:
		return 0
	case slices.Contains(lies.NoStream, n.format):
		return unix.ENOSPC // no room on the USB
	}
	fps := n.fps
	if lies.Rate > 0 {
		fps = lies.Rate
	}
	s := &stream{
		stop: make(chan struct{}), format: n.format, size: n.size,
		period: time.Duration(float64(time.Second) / fps),
		silent: slices.Contains(lies.Silent, n.format),
	}
	n.stream = s
	n.wg.Go(func() { n.run(s) })
	n.wakeLocked()
	return 0
}

func (n *node) streamoff(fh uint64, _ []byte) unix.Errno {
	if e := n.ownLocked(fh, 0); e != 0 {
		return e
	}
	n.cam.faults.broken.Store(false)
	n.stopLocked(unix.EINVAL)
	return 0
}

// run fills buffers at the camera's rate until the stream is stopped.
func (n *node) run(s *stream) {
	size := n.cam.cfg.Source.Size()
	drawn := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
	img := drawn
	if s.size != size {
		img = image.NewYCbCr(image.Rectangle{Max: s.size}, image.YCbCrSubsampleRatio420)
	}
	enc := encoder{format: s.format, pad: n.cam.cfg.Lies.Pad}
	tick := time.NewTicker(s.period)
	defer tick.Stop()
	for seq := uint32(0); ; seq++ {
		var now time.Time
		select {
		case <-s.stop:
			return
		case now = <-tick.C:
		}
		n.cam.draw(drawn, now)
		if img != drawn {
			scale(img, drawn)
		}
		if n.cam.cfg.Stamp {
			drawStamp(img, now)
		}
		frame, err := enc.encode(img)
		if err != nil {
			continue // a picture that the encoder cannot take is none
		}
		n.fill(s, frame, seq, now)
	}
}

// fill puts a frame into the oldest free buffer and gives that out.
func (n *node) fill(s *stream, frame []byte, seq uint32, now time.Time) {
	i, off, ok := n.reserve(s, frame)
	if !ok {
		return
	}
	// Without the lock: the kernel may want an answer of handle before it can
	// take this.
	n.conn.store(off, frame)

	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stream != s {
		return
	}
	b := buffer{filled: true, n: len(frame) + n.cam.cfg.Lies.Slack, seq: seq}
	if n.cam.faults.bad.CompareAndSwap(true, false) {
		b.flags, b.n = bufError, len(frame)/2 // as after a loss on the USB
	}
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) // fails for no clock that exists
	b.at = time.Duration(ts.Nano()) - time.Since(now)
	n.buffers[i] = b
	n.filled = append(n.filled, i)
	n.cam.frames.Add(1)
	if len(n.waiting) > 0 {
		p := n.waiting[0]
		n.waiting = slices.Delete(n.waiting, 0, 1)
		n.giveLocked(p)
	}
	n.wakeLocked()
}

// reserve takes the oldest free buffer and returns its number and offset. ok
// is false if no picture is to be given.
func (n *node) reserve(s *stream, frame []byte) (i, off int, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f := &n.cam.faults
	switch {
	case n.stream != s || s.silent || f.frozen.Load() || f.broken.Load() || f.hollow.Load():
		return 0, 0, false
	case len(n.queue) == 0:
		n.cam.starved.Add(1)
		return 0, 0, false
	}
	i = n.queue[0]
	n.queue = n.queue[1:]
	copy(n.mem[i*n.step:], frame)
	return i, i * n.step, true
}
