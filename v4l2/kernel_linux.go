package v4l2

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/blackjack/webcam/ioctl"
	"golang.org/x/sys/unix"
)

// The part of the V4L2 interface that streaming takes
// (include/uapi/linux/videodev2.h). The webcam library, which lists what a
// camera has, would do this too, but keeps back what cameras that lie make
// necessary: the size that the driver has set, the bytes from row to row, the
// flag of a damaged frame and its time; and after streaming could not be
// started it leaves the buffers mapped, which keeps the camera busy.

const (
	typeCapture = 1 // V4L2_BUF_TYPE_VIDEO_CAPTURE
	memoryMMAP  = 1 // V4L2_MEMORY_MMAP

	flagError     = 0x00000040 // V4L2_BUF_FLAG_ERROR
	flagClock     = 0x0000e000 // V4L2_BUF_FLAG_TIMESTAMP_MASK
	flagMonotonic = 0x00002000 // V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC

	ctrlDisabled = 0x00000001 // V4L2_CTRL_FLAG_DISABLED
)

// A kernelFormat is a v4l2_format with a v4l2_pix_format in its union, which is
// aligned as a pointer is.
type kernelFormat struct {
	kind uint32
	_    [unsafe.Sizeof(uintptr(0)) - 4]byte
	pix  struct {
		width, height, pixelFormat, field    uint32
		bytesPerLine, sizeImage, colourSpace uint32
		_                                    [5]uint32
	}
	_ [200 - 48]byte
}

// A kernelParm is a v4l2_streamparm.
type kernelParm struct {
	kind             uint32
	capability, mode uint32
	perFrame         interval
	extended, bufs   uint32
	_                [200 - 24]byte
}

type kernelRequest struct {
	count, kind, memory, capabilities uint32
	_                                 [4]byte
}

// A kernelBuffer is a v4l2_buffer.
type kernelBuffer struct {
	index, kind, used, flags, field uint32
	time                            unix.Timeval
	_                               [16]byte // time code
	sequence, memory                uint32
	offset                          uintptr // a union of the size of a pointer
	length                          uint32
	_                               [2]uint32
}

type kernelControl struct {
	id    uint32
	value int32
}

// A kernelQuery is a v4l2_queryctrl.
type kernelQuery struct {
	id, kind           uint32
	_                  [32]byte // name
	low, high, step, _ int32
	flags              uint32
	_                  [2]uint32
}

// Requests of ioctl.
var (
	reqSetFormat = ioctl.IoRW('V', 5, unsafe.Sizeof(kernelFormat{}))
	reqBuffers   = ioctl.IoRW('V', 8, unsafe.Sizeof(kernelRequest{}))
	reqQuery     = ioctl.IoRW('V', 9, unsafe.Sizeof(kernelBuffer{}))
	reqQueue     = ioctl.IoRW('V', 15, unsafe.Sizeof(kernelBuffer{}))
	reqDequeue   = ioctl.IoRW('V', 17, unsafe.Sizeof(kernelBuffer{}))
	reqOn        = ioctl.IoW('V', 18, 4)
	reqOff       = ioctl.IoW('V', 19, 4)
	reqGetParm   = ioctl.IoRW('V', 21, unsafe.Sizeof(kernelParm{}))
	reqSetParm   = ioctl.IoRW('V', 22, unsafe.Sizeof(kernelParm{}))
	reqGetCtrl   = ioctl.IoRW('V', 27, unsafe.Sizeof(kernelControl{}))
	reqSetCtrl   = ioctl.IoRW('V', 28, unsafe.Sizeof(kernelControl{}))
	reqQueryCtrl = ioctl.IoRW('V', 36, unsafe.Sizeof(kernelQuery{}))
)

// A device is a camera as the kernel shows it. One goroutine uses it, except
// for wake, which any goroutine may call.
type device struct {
	fd      int
	event   int // readable after wake
	buffers [][]byte
	changed []kernelControl // controls as they were before, see tame
	last    time.Time       // when the newest picture was taken, by its driver's clock

	// Scratch that the kernel fills, here so that no frame allocates it.
	buf  kernelBuffer
	now  unix.Timespec
	poll [2]unix.PollFd
}

// openDevice opens the camera at path.
func openDevice(path string) (*device, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	event, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return &device{fd: fd, event: event}, nil
}

// call is one ioctl. Signals, which the Go runtime sends itself, do not end it.
func (d *device) call(request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(d.fd), request, uintptr(arg))
		if errno == 0 {
			return nil
		}
		if errno != unix.EINTR {
			return errno
		}
	}
}

// setFormat asks for mode m and returns what the driver has set, and the bytes
// from row to row that it promises.
func (d *device) setFormat(m mode) (got mode, stride int, err error) {
	f := kernelFormat{kind: typeCapture}
	f.pix.width, f.pix.height, f.pix.pixelFormat = uint32(m.w), uint32(m.h), uint32(m.format)
	if err := d.call(reqSetFormat, unsafe.Pointer(&f)); err != nil {
		return mode{}, 0, err
	}
	got = mode{fourCC(f.pix.pixelFormat), int(min(f.pix.width, maxSide+1)), int(min(f.pix.height, maxSide+1))}
	return got, int(min(f.pix.bytesPerLine, maxStride+1)), nil
}

// setInterval asks for a picture each i and returns what the driver says that
// it does, of which the rate is 0 if it says nothing.
func (d *device) setInterval(i interval) interval {
	p := kernelParm{kind: typeCapture, perFrame: i}
	if d.call(reqSetParm, unsafe.Pointer(&p)) == nil {
		return p.perFrame
	}
	// It cannot be set; perhaps it can be read.
	p = kernelParm{kind: typeCapture}
	if d.call(reqGetParm, unsafe.Pointer(&p)) == nil {
		return p.perFrame
	}
	return interval{}
}

// start takes n buffers, fewer or more if the driver likes, and starts the
// stream.
func (d *device) start(n int) error {
	r := kernelRequest{count: uint32(n), kind: typeCapture, memory: memoryMMAP}
	if err := d.call(reqBuffers, unsafe.Pointer(&r)); err != nil {
		return fmt.Errorf("request buffers: %w", err)
	}
	for i := range r.count {
		b := kernelBuffer{index: i, kind: typeCapture, memory: memoryMMAP}
		if err := d.call(reqQuery, unsafe.Pointer(&b)); err != nil {
			return fmt.Errorf("query buffer: %w", err)
		}
		// The offset is 32 bits wide; what else the union holds is undefined.
		mem, err := unix.Mmap(d.fd, int64(*(*uint32)(unsafe.Pointer(&b.offset))), int(b.length), unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			return fmt.Errorf("map buffer: %w", err)
		}
		d.buffers = append(d.buffers, mem)
		if err := d.queue(i); err != nil {
			return fmt.Errorf("queue buffer: %w", err)
		}
	}
	on := uint32(typeCapture)
	if err := d.call(reqOn, unsafe.Pointer(&on)); err != nil {
		return fmt.Errorf("start streaming: %w", err)
	}
	return nil
}

// queue lets the driver fill buffer i.
func (d *device) queue(i uint32) error {
	d.buf = kernelBuffer{index: i, kind: typeCapture, memory: memoryMMAP}
	return d.call(reqQueue, unsafe.Pointer(&d.buf))
}

// A filled buffer. Its bytes are valid until it is queued again.
type filled struct {
	index uint32
	b     []byte
	bad   bool      // the driver says so
	at    time.Time // when it was taken
}

// dequeue takes the oldest filled buffer off the driver. EAGAIN says that there
// is none.
func (d *device) dequeue() (filled, error) {
	d.buf = kernelBuffer{kind: typeCapture, memory: memoryMMAP}
	if err := d.call(reqDequeue, unsafe.Pointer(&d.buf)); err != nil {
		return filled{}, err
	}
	if d.buf.index >= uint32(len(d.buffers)) {
		return filled{}, fmt.Errorf("driver gives buffer %d of %d: %w", d.buf.index, len(d.buffers), unix.EIO)
	}
	b := d.buffers[d.buf.index]
	used := min(uint64(d.buf.used), uint64(len(b)))
	return filled{d.buf.index, b[:used], d.buf.flags&flagError != 0, d.taken()}, nil
}

// maxAge is how old a picture may be before the driver's clock is not believed.
const maxAge = 500 * time.Millisecond

// taken returns when the picture in buf was taken: by the driver's clock if
// that is the kernel's and makes sense, else now.
func (d *device) taken() time.Time {
	now := time.Now()
	if d.buf.flags&flagClock != flagMonotonic || unix.ClockGettime(unix.CLOCK_MONOTONIC, &d.now) != nil {
		return now
	}
	age := time.Duration(d.now.Nano() - d.buf.time.Nano())
	if at := now.Add(-age); age >= 0 && age <= maxAge && at.After(d.last) {
		d.last = at
		return at
	}
	d.last = now
	return now
}

// wait waits for a frame or for wake, at most for limit. It reports whether the
// driver has something to say: a frame or an error.
func (d *device) wait(limit time.Duration) (bool, error) {
	d.poll = [2]unix.PollFd{{Fd: int32(d.fd), Events: unix.POLLIN}, {Fd: int32(d.event), Events: unix.POLLIN}}
	_, err := unix.Poll(d.poll[:], int(limit.Milliseconds()))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return false, err
	}
	return d.poll[0].Revents != 0, nil
}

// wake ends a wait, the present one and all that follow.
func (d *device) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(d.event, one[:]) // a counter of 64 bits, written once
}

// close stops the stream, puts the controls back and gives up the device. It
// returns the first error that is not about a camera that is gone.
func (d *device) close() error {
	var errs []error
	off := uint32(typeCapture)
	if len(d.buffers) > 0 {
		errs = append(errs, d.call(reqOff, unsafe.Pointer(&off)))
	}
	for _, b := range d.buffers {
		errs = append(errs, unix.Munmap(b))
	}
	d.buffers = nil
	d.restore()
	errs = append(errs, unix.Close(d.event), unix.Close(d.fd))
	for _, err := range errs {
		if err != nil && !errors.Is(err, unix.ENODEV) {
			return err
		}
	}
	return nil
}
