package call

import (
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/video"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A demand is in what sizes others look at this member's pictures.
type demand struct {
	mu     sync.Mutex
	layers [wire.MaxLayers]wire.Size
	n      int // how many of layers are in use
}

// everybody is the demand when the hub has said nothing: one layer, of which
// the sender chooses the size.
func (d *demand) everybody() {
	d.mu.Lock()
	d.layers, d.n = [wire.MaxLayers]wire.Size{}, 1
	d.mu.Unlock()
}

// get returns the layers that are wanted.
func (d *demand) get() (layers [wire.MaxLayers]wire.Size, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.layers, d.n
}

// takeLayers takes the hub's word for who looks at the pictures.
func (c *Call) takeLayers(m wire.Layers) {
	d := &c.demand
	d.mu.Lock()
	d.n = len(m.Layers) // wire.ParseMessage has seen to the length
	for i, l := range m.Layers {
		d.layers[i] = l.Size
	}
	d.mu.Unlock()
	for i, l := range m.Layers {
		if l.Fresh {
			c.want[i].newcomer()
		}
	}
}

// A Sending says what pictures a member sends.
type Sending struct {
	Width, Height int // pixels
	FPS           int // pictures per second at most
	Colour        bool
	Tall          bool // the pixels are twice as high as wide
}

// high returns the height of a pixel in its widths.
func (s Sending) high() int {
	if s.Tall {
		return 2
	}
	return 1
}

// A layer is the pictures of one size that a member sends. The goroutine that
// encodes owns it.
type layer struct {
	index int
	enc   *video.Encoder // nil before the first picture
	shape Sending        // of enc
	size  int            // of a part of its pictures, in bytes
	since time.Time      // when enc was made
	pace  pacer
	frame media.Frame // scaled

	thin    bool // the call is: pictures are cut into small parts
	share   int  // of how many layers this one is
	most    int  // what its pictures may take, in bit/s, or noLimit
	bitrate int  // what enc was told that they may

	buf     []byte
	newest  uint16    // the picture coded last
	key     time.Time // when the last key picture was coded
	repeats repeater
}

const (
	// largeArea is from how many pixels on a picture has more than defaultFPS
	// pictures per second: in a small one that is not seen, and the heads of
	// packets would cost more than what is in them.
	largeArea = 240 * 128

	// reopenEvery is how often a layer changes its shape at most: each time takes
	// a key picture, and somebody may pull at the corner of a terminal.
	reopenEvery = 250 * time.Millisecond

	// leastBitrate is what pictures of one size may take at the least, in bit/s.
	leastBitrate = 500

	// maxBitrate is what pictures of one size take at most, in bit/s.
	maxBitrate = 500_000
)

// shapeFor returns what to send of a camera that yields pictures like f to
// those who want size: no more pixels than there are, and no colour if there
// is none.
func (c *Call) shapeFor(size wire.Size, f *media.Frame) Sending {
	s := Sending{Width: int(size.Width), Height: int(size.Height), Tall: size.Tall}
	if s.Width == 0 {
		s.Width, s.Height = c.cfg.Width, c.cfg.Height
	}
	s.Width, s.Height = fitInto(s.Width, s.Height, f.Rect.Dx(), f.Rect.Dy(), s.high())
	s.FPS = defaultFPS
	if s.Width*s.Height*s.high() >= largeArea {
		s.FPS = maxFPS
	}
	if c.cfg.FPS != 0 {
		s.FPS = c.cfg.FPS
	}
	if size.FPS != 0 {
		s.FPS = min(s.FPS, int(size.FPS))
	}
	s.Colour = size.Colour && len(f.Cb) > 0
	return s
}

// fitInto returns the size of a picture of w x h pixels, each high times as high
// as wide, with no more of them in a row than a camera's picture of cw x ch has
// in a part of that shape, and that can be coded.
func fitInto(w, h, cw, ch, high int) (int, int) {
	if cw > 0 && ch > 0 {
		if part := min(cw, max(ch*w/(h*high), 1)); part < w {
			w, h = part, max(part*h/w, 1)
		}
	}
	even := func(v, most int) int { return min(max(v, video.MinSide), most) &^ 1 }
	return even(w, video.MaxWidth), even(h, video.MaxHeight)
}

// bitrate returns what the pictures may take at most, in bit/s: at 160x96 and
// 15 a second 58,000, which a scene with much motion needs for an SSIM of 0.98.
func (s Sending) bitrate() int {
	return min(s.Width*s.Height*(s.FPS+30)/12, maxBitrate)
}

// quantiser returns the finest quantiser of the pictures; 0 is the codec's own
// choice. In a small picture an eye is a pixel or two, and a finer one costs
// little: 4 kbit/s at 120x40.
func (s Sending) quantiser() int {
	switch pixels := s.Width * s.Height; {
	case pixels < 6000:
		return 20
	case pixels < 12000:
		return 21
	default:
		return 0
	}
}

// open makes the layer one of a shape, if it is not and has not just become
// another one.
func (l *layer) open(s Sending, bitrate int, now time.Time) error {
	if l.enc != nil && (l.shape == s && l.size == l.part() || now.Sub(l.since) < reopenEvery) {
		l.limit(bitrate)
		return nil
	}
	first := uint16(0)
	if l.enc != nil {
		first = l.newest + 1
	}
	l.bitrate = l.allowed(s, bitrate)
	enc, err := video.NewEncoder(video.Config{
		Width: s.Width, Height: s.Height, FPS: s.FPS, Bitrate: l.bitrate, Quantiser: s.quantiser(), Chroma: s.Colour, FirstID: first,
		MaxBytes: maxPictureParts * l.part(),
		Denoise:  true, // a camera's noise costs more than all else; what has none stays as it is
	})
	if err != nil {
		return err
	}
	l.enc, l.shape, l.size, l.since, l.repeats = enc, s, l.part(), now, repeater{times: l.repeats.times}
	return nil
}

// allowed returns what pictures of a shape may take, in bit/s. bitrate is what the
// person has chosen, 0 for nothing.
func (l *layer) allowed(s Sending, bitrate int) int {
	if bitrate == 0 {
		bitrate = s.bitrate()
	}
	if l.thin {
		bitrate = min(bitrate, thinBitrate/l.share)
	}
	return max(min(bitrate, l.most), leastBitrate)
}

// limit tells the encoder what its pictures may take now.
func (l *layer) limit(bitrate int) {
	if b := l.allowed(l.shape, bitrate); b != l.bitrate {
		l.bitrate = b
		l.enc.SetBitrate(b)
	}
}

// divide divides what the way to the hub has room for among the layers, by what
// their pictures would take of a way that is wide enough.
func (c *Call) divide(layers []layer, sizes []wire.Size, f *media.Frame, room int) {
	all := 0
	for i := range layers {
		layers[i].most = noLimit
		all += c.shapeFor(sizes[i], f).bitrate()
	}
	if room == noLimit {
		return
	}
	for i := range layers {
		layers[i].most = int(int64(room) * int64(c.shapeFor(sizes[i], f).bitrate()) / int64(all))
	}
}

// part returns how many bytes of a picture go into a packet.
func (l *layer) part() int {
	if l.thin {
		return thinPart
	}
	return wire.MaxPart
}

// send codes the camera's picture f and queues it, if it is the layer's turn.
func (c *Call) send(l *layer, size wire.Size, f *media.Frame, now time.Time) error {
	s := c.shapeFor(size, f)
	if !l.pace.take(f.At, s.FPS) {
		return nil
	}
	if err := l.open(s, c.cfg.Bitrate, now); err != nil {
		return err
	}
	c.want[l.index].apply(l, now)
	scale(&l.frame, f, l.shape)
	return c.sendPicture(l, now)
}

// scale fills dst with f in a shape.
func scale(dst, f *media.Frame, s Sending) {
	dst.Resize(s.Width, s.Height, s.Colour)
	dst.At, dst.Tall = f.At, s.Tall
	if s.Colour {
		video.ScaleColourTo(&dst.YCbCr, &f.YCbCr, s.high())
	} else {
		video.ScaleTo(&dst.YCbCr, &f.YCbCr, s.high())
	}
}

// sendPicture compresses the layer's frame and queues its parts. The last of
// them has what is to be repeated of the pictures before, as far as there is
// room.
func (c *Call) sendPicture(l *layer, now time.Time) error {
	buf, pic, err := l.enc.Encode(l.buf[:0], &l.frame.YCbCr)
	l.buf = buf
	if err != nil {
		return err
	}
	l.newest = pic.ID
	kind := wire.KindVideo
	if pic.Key() {
		kind, l.key = wire.KindKey, now
	}
	size := l.size
	parts := (len(buf) + size - 1) / size
	if parts > maxPictureParts {
		panic("call: internal error: picture larger than the encoder was told")
	}
	var plain [wire.MaxPlain]byte
	for i := range parts {
		p := wire.Part{
			ID: pic.ID, Ref: pic.Ref, Time: wire.NewMillis(l.frame.At),
			Part: uint8(i), Parts: uint8(parts), Tall: l.shape.Tall,
			Data: buf[i*size : min((i+1)*size, len(buf))],
		}
		b := plain[:0]
		if i == parts-1 {
			if !pic.Key() { // a key picture needs none of those before
				b = l.repeats.append(b, size-len(p.Data))
			}
			l.repeats.remember(p)
		}
		c.outbox.put(now, queue.Video, wire.LayerStream(l.index), wire.NewClear(kind, uint8(l.index)), p.Append(b))
	}
	return nil
}

// A pacer chooses which pictures of a camera to use for a rate. A camera's
// pictures come unevenly; a schedule of even instants with a quarter of a period
// of tolerance keeps the rate without judder.
type pacer struct {
	start time.Time // of the schedule
	next  time.Duration
	every time.Duration
}

// take reports whether the picture captured at at is one of fps a second.
func (p *pacer) take(at time.Time, fps int) bool {
	every := time.Second / time.Duration(fps)
	d := at.Sub(p.start)
	switch {
	case every != p.every, d < 0, d > time.Minute:
		p.start, p.next, p.every = at, 0, every
	case d < p.next-every/4:
		return false
	default:
		p.next = max(p.next, d-every)
	}
	p.next += every
	return true
}
