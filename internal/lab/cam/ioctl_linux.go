package cam

import (
	"cmp"
	"image"
	"math"
	"slices"

	"golang.org/x/sys/unix"
)

// Numbers of the ioctls; the kernel checks the sizes.
const (
	nrQuerycap           = 0
	nrEnumFmt            = 2
	nrGFmt               = 4
	nrSFmt               = 5
	nrReqbufs            = 8
	nrQuerybuf           = 9
	nrQbuf               = 15
	nrDqbuf              = 17
	nrStreamon           = 18
	nrStreamoff          = 19
	nrGParm              = 21
	nrSParm              = 22
	nrEnumInput          = 26
	nrGCtrl              = 27
	nrSCtrl              = 28
	nrQueryctrl          = 36
	nrGInput             = 38
	nrSInput             = 39
	nrTryFmt             = 64
	nrEnumFramesizes     = 74
	nrEnumFrameintervals = 75
)

const (
	capCapture    = 0x00000001
	capExtPix     = 0x00200000
	capStreaming  = 0x04000000
	capDeviceCaps = 0x80000000

	ctrlNext = 0x80000000

	discrete     = 1      // V4L2_FRMSIZE_TYPE_DISCRETE and its like
	timePerFrame = 0x1000 // V4L2_CAP_TIMEPERFRAME
	fieldNone    = 1
	colourSRGB   = 8
	typeBoolean  = 2
	typeMenu     = 3
	inputCamera  = 2
)

// An ioctl works on its argument b in place; fh is the handle it came through.
// n.mu is held.
type ioctl struct {
	do       func(n *node, fh uint64, b []byte) unix.Errno
	size     int // bytes of the argument
	bufTypeA int // where the buffer type is in it, -1 if nowhere
}

// ioctls are the calls that the camera knows, but for DQBUF, which may wait.
var ioctls = map[uint8]ioctl{
	nrQuerycap:           {(*node).querycap, 104, -1},
	nrEnumFmt:            {(*node).enumFmt, 64, 4},
	nrGFmt:               {(*node).gFmt, 208, 0},
	nrSFmt:               {(*node).sFmt, 208, 0},
	nrTryFmt:             {(*node).tryFmt, 208, 0},
	nrReqbufs:            {(*node).reqbufs, 20, 4},
	nrQuerybuf:           {(*node).querybuf, 88, 4},
	nrQbuf:               {(*node).qbuf, 88, 4},
	nrStreamon:           {(*node).streamon, 4, 0},
	nrStreamoff:          {(*node).streamoff, 4, 0},
	nrGParm:              {(*node).gParm, 204, 0},
	nrSParm:              {(*node).sParm, 204, 0},
	nrEnumInput:          {(*node).enumInput, 80, -1},
	nrGInput:             {(*node).input, 4, -1},
	nrSInput:             {(*node).input, 4, -1},
	nrQueryctrl:          {(*node).queryctrl, 68, -1},
	nrGCtrl:              {(*node).gCtrl, 8, -1},
	nrSCtrl:              {(*node).sCtrl, 8, -1},
	nrEnumFramesizes:     {(*node).enumFramesizes, 44, -1},
	nrEnumFrameintervals: {(*node).enumFrameintervals, 52, -1},
}

// ioctl answers an IOCTL request.
func (n *node) ioctl(r request) {
	fh, cmd := le.Uint64(r.body), le.Uint32(r.body[12:])
	in, out := int(le.Uint32(r.body[24:])), int(le.Uint32(r.body[28:]))
	b := make([]byte, max(in, out))
	copy(b, r.body[ioctlInBytes:][:in])
	n.mu.Lock()
	defer n.mu.Unlock()
	if byte(cmd>>8) != 'V' {
		n.conn.fail(r.unique, unix.ENOTTY)
		return
	}
	if uint8(cmd) == nrDqbuf && len(b) == 88 {
		n.dqbufLocked(parked{r.unique, fh, out})
		return
	}
	e := n.callLocked(fh, uint8(cmd), b)
	if e != 0 {
		n.conn.fail(r.unique, e)
		return
	}
	n.conn.replyIoctl(r.unique, b[:out])
}

func (n *node) callLocked(fh uint64, nr uint8, b []byte) unix.Errno {
	call, ok := ioctls[nr]
	switch {
	case n.gone:
		return unix.ENODEV
	case !ok:
		return unix.ENOTTY
	case len(b) != call.size || call.bufTypeA >= 0 && le.Uint32(b[call.bufTypeA:]) != bufTypeCapture:
		return unix.EINVAL
	}
	return call.do(n, fh, b)
}

func (n *node) querycap(_ uint64, b []byte) unix.Errno {
	copy(b[:15], "fakecam")
	copy(b[16:47], n.cam.cfg.Name)
	copy(b[48:79], n.cam.cfg.Bus)
	le.PutUint32(b[80:], 6<<16|1<<8) // version
	le.PutUint32(b[84:], capCapture|capExtPix|capStreaming|capDeviceCaps)
	le.PutUint32(b[88:], capCapture|capExtPix|capStreaming)
	return 0
}

func (n *node) enumFmt(_ uint64, b []byte) unix.Errno {
	i := int(le.Uint32(b))
	if i >= len(n.cam.cfg.Formats) || n.cam.cfg.Metadata {
		return unix.EINVAL
	}
	f := n.cam.cfg.Formats[i]
	copy(b[12:43], f)
	copy(b[44:48], f)
	return 0
}

// putFormat describes pictures in b, a v4l2_format.
func (n *node) putFormat(b []byte, f Format, size image.Point) {
	clear(b[8:])
	stride := rowBytes(f, size.X)
	if lies := &n.cam.cfg.Lies; stride > 0 && !lies.HidePad {
		stride += lies.Pad
	}
	le.PutUint32(b[8:], uint32(size.X))
	le.PutUint32(b[12:], uint32(size.Y))
	copy(b[16:20], f)
	le.PutUint32(b[20:], fieldNone)
	le.PutUint32(b[24:], uint32(stride))
	le.PutUint32(b[28:], uint32(n.maxFrame(f, size)))
	le.PutUint32(b[32:], colourSRGB)
}

func (n *node) gFmt(_ uint64, b []byte) unix.Errno {
	n.putFormat(b, n.format, n.size)
	return 0
}

// adjust returns the format and size that are nearest to those asked for in b.
func (n *node) adjust(b []byte) (Format, image.Point) {
	f := Format(b[16:20])
	if !slices.Contains(n.cam.cfg.Formats, f) {
		f = n.cam.cfg.Formats[0]
	}
	want := image.Pt(int(le.Uint32(b[8:])), int(le.Uint32(b[12:])))
	best := n.cam.cfg.Sizes[0]
	far := func(p image.Point) int { d := p.Sub(want); return d.X*d.X + d.Y*d.Y }
	for _, s := range n.cam.cfg.Sizes {
		if far(s) < far(best) {
			best = s
		}
	}
	return f, best
}

func (n *node) tryFmt(_ uint64, b []byte) unix.Errno {
	f, size := n.adjust(b)
	n.putFormat(b, f, size)
	return 0
}

func (n *node) sFmt(_ uint64, b []byte) unix.Errno {
	lies := &n.cam.cfg.Lies
	f, size := n.adjust(b)
	switch {
	case n.owner != 0 || n.cam.faults.busy.Load():
		return unix.EBUSY
	case slices.Contains(lies.Refuse, f):
		return unix.EINVAL
	}
	said := size
	if lies.Size != (image.Point{}) {
		size = lies.Size
		if !lies.Mute {
			said = size
		}
	}
	if f != n.format {
		n.fps = n.cam.cfg.rates(f)[0]
	}
	n.format, n.size = f, size
	n.putFormat(b, f, said)
	return 0
}

func (n *node) enumFramesizes(_ uint64, b []byte) unix.Errno {
	i := int(le.Uint32(b))
	if !slices.Contains(n.cam.cfg.Formats, Format(b[4:8])) || i >= len(n.cam.cfg.Sizes) {
		return unix.EINVAL
	}
	le.PutUint32(b[8:], discrete)
	le.PutUint32(b[12:], uint32(n.cam.cfg.Sizes[i].X))
	le.PutUint32(b[16:], uint32(n.cam.cfg.Sizes[i].Y))
	return 0
}

func (n *node) enumFrameintervals(_ uint64, b []byte) unix.Errno {
	i, f := int(le.Uint32(b)), Format(b[4:8])
	if !slices.Contains(n.cam.cfg.Formats, f) || i >= len(n.cam.cfg.rates(f)) {
		return unix.EINVAL
	}
	le.PutUint32(b[16:], discrete)
	putInterval(b[20:], n.cam.cfg.rates(f)[i])
	return 0
}

// putInterval puts the time from picture to picture into b, a v4l2_fract.
func putInterval(b []byte, fps float64) {
	le.PutUint32(b, 2) // halves, such as 7.5
	le.PutUint32(b[4:], uint32(2*fps))
}

func (n *node) gParm(_ uint64, b []byte) unix.Errno {
	clear(b[4:])
	le.PutUint32(b[4:], timePerFrame)
	putInterval(b[12:], n.fps)
	le.PutUint32(b[24:], 4) // buffers
	return 0
}

func (n *node) sParm(fh uint64, b []byte) unix.Errno {
	num, den := le.Uint32(b[12:]), le.Uint32(b[16:])
	if num > 0 && den > 0 {
		far := func(fps float64) float64 { return math.Abs(fps - float64(den)/float64(num)) }
		n.fps = slices.MinFunc(n.cam.cfg.rates(n.format), func(x, y float64) int { return cmp.Compare(far(x), far(y)) })
	}
	return n.gParm(fh, b)
}

func (n *node) enumInput(_ uint64, b []byte) unix.Errno {
	if le.Uint32(b) != 0 {
		return unix.EINVAL
	}
	copy(b[4:35], "Camera 1")
	le.PutUint32(b[36:], inputCamera)
	return 0
}

// input is both G_INPUT and S_INPUT: there is only input 0.
func (n *node) input(_ uint64, b []byte) unix.Errno {
	if le.Uint32(b) != 0 {
		return unix.EINVAL
	}
	return 0
}

// findControl returns the control with the given number, or nil. n.mu is held.
func (n *node) findControl(id uint32) *Control {
	for i := range n.control {
		if n.control[i].ID == id {
			return &n.control[i]
		}
	}
	return nil
}

// nextControl returns the control with the lowest number above id, or nil.
func (n *node) nextControl(id uint32) *Control {
	var next *Control
	for i := range n.control {
		if k := &n.control[i]; k.ID > id && (next == nil || k.ID < next.ID) {
			next = k
		}
	}
	return next
}

func (n *node) queryctrl(_ uint64, b []byte) unix.Errno {
	id := le.Uint32(b)
	k := n.findControl(id)
	if id&ctrlNext != 0 {
		k = n.nextControl(id &^ ctrlNext)
	}
	if k == nil {
		return unix.EINVAL
	}
	clear(b)
	le.PutUint32(b, k.ID)
	le.PutUint32(b[4:], typeMenu)
	if k.Max == 1 {
		le.PutUint32(b[4:], typeBoolean)
	}
	copy(b[8:39], k.Name)
	le.PutUint32(b[44:], uint32(k.Max))
	le.PutUint32(b[48:], 1) // step
	for _, d := range n.cam.cfg.Controls {
		if d.ID == k.ID {
			le.PutUint32(b[52:], uint32(d.Value))
		}
	}
	return 0
}

func (n *node) gCtrl(_ uint64, b []byte) unix.Errno {
	k := n.findControl(le.Uint32(b))
	if k == nil {
		return unix.EINVAL
	}
	le.PutUint32(b[4:], uint32(k.Value))
	return 0
}

func (n *node) sCtrl(_ uint64, b []byte) unix.Errno {
	k, v := n.findControl(le.Uint32(b)), int32(le.Uint32(b[4:]))
	if k == nil {
		return unix.EINVAL
	}
	if v < 0 || v > k.Max {
		return unix.ERANGE
	}
	k.Value = v
	n.cam.set(Set{k.ID, v})
	return 0
}
