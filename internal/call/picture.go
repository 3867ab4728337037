package call

import (
	"context"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/video"
	"github.com/sanix-darker/s2c/internal/wire"
)

// cameraLoop reads the camera, opening it again whenever it fails.
func (c *Call) cameraLoop(ctx context.Context) {
	if c.cfg.Camera == nil {
		return
	}
	keepOpen(ctx, c, "camera", c.cfg.Camera, func(s media.VideoSource) error {
		c.camOpen.Store(true)
		defer c.camOpen.Store(false)
		for {
			if err := s.ReadFrame(c.camera.Back()); err != nil {
				return err
			}
			c.camera.Put()
		}
	}, wait)
}

// The shortest times between two key pictures, so that several who need one
// share it: after a loss, where somebody watches a picture that stands still;
// and for newcomers and new keys, which may come in a row.
const (
	keyEvery      = time.Second
	newcomerEvery = 500 * time.Millisecond
)

// encodeLoop compresses the newest picture, at most FPS times a second, and
// queues it. Nothing is coded while the camera is off or nobody is there.
func (c *Call) encodeLoop(ctx context.Context) {
	var (
		enc   encoding
		start time.Time // of the current second's schedule
		sent  time.Duration
	)
	every := time.Second / time.Duration(c.cfg.FPS)
	for {
		f, err := c.camera.Get(ctx)
		if err != nil {
			return
		}
		if !c.cameraOn.Load() {
			continue
		}
		// A camera's pictures come unevenly; a schedule of even instants with
		// half a period of tolerance keeps the rate without judder.
		if d := f.At.Sub(start); d < 0 || d > time.Minute {
			start, sent = f.At, 0
		} else if d < sent-every/4 {
			continue
		} else {
			sent = max(sent, d-every)
		}
		sent += every
		self := c.self.Back()
		self.Resize(c.cfg.Width, c.cfg.Height, false)
		video.Scale(&self.YCbCr, &f.YCbCr)
		self.At = f.At
		if len(*c.members.Load()) > 0 {
			now := time.Now()
			c.applyWants(now, &enc)
			enc.repeats.adapt(c.worstLoss(now))
			if err = c.sendPicture(&enc, self, now); err != nil {
				c.cfg.Log.Error("picture not coded", "err", err)
			}
		}
		c.self.Put()
		c.touch()
	}
}

// An encoding is what encodeLoop knows of the pictures before.
type encoding struct {
	buf     []byte
	newest  uint16    // the picture coded last
	key     time.Time // when the last key picture was coded
	repeats repeater
}

// sendPicture compresses f and queues its parts. The last of them has what is
// to be repeated of the pictures before, as far as there is room.
func (c *Call) sendPicture(enc *encoding, f *media.Frame, now time.Time) error {
	buf, pic, err := c.enc.Encode(enc.buf[:0], &f.YCbCr)
	enc.buf = buf
	if err != nil {
		return err
	}
	enc.newest = pic.ID
	kind := wire.KindVideo
	if pic.Key() {
		kind, enc.key = wire.KindKey, now
	}
	parts := (len(buf) + wire.MaxPart - 1) / wire.MaxPart
	if parts > maxPictureParts {
		panic("call: internal error: picture larger than the encoder was told")
	}
	var plain [wire.MaxPlain]byte
	for i := range parts {
		p := wire.Part{
			ID: pic.ID, Ref: pic.Ref, Time: wire.NewMillis(f.At),
			Part: uint8(i), Parts: uint8(parts),
			Data: buf[i*wire.MaxPart : min((i+1)*wire.MaxPart, len(buf))],
		}
		b := plain[:0]
		if i == parts-1 {
			if !pic.Key() { // a key picture needs none of those before
				b = enc.repeats.append(b, wire.MaxPart-len(p.Data))
			}
			enc.repeats.remember(p)
		}
		c.outbox.put(now, queue.Video, sframe.StreamVideo, wire.NewClear(kind, 0), p.Append(b))
	}
	return nil
}

// pictureWants gathers what receivers ask of the encoder between two pictures.
type pictureWants struct {
	mu     sync.Mutex
	wanted bool // a key picture
	joined bool // a key picture, for newcomers
	has    bool
	id     uint16 // the oldest of the pictures that receivers have
}

func (w *pictureWants) key() {
	w.mu.Lock()
	w.wanted = true
	w.mu.Unlock()
}

func (w *pictureWants) newcomer() {
	w.mu.Lock()
	w.joined = true
	w.mu.Unlock()
}

func (w *pictureWants) refer(id uint16) {
	w.mu.Lock()
	if !w.has || int16(id-w.id) < 0 {
		w.has, w.id = true, id
	}
	w.mu.Unlock()
}

// encoderPictures is how many pictures a video.Encoder can refer to.
const encoderPictures = 16

// applyWants passes the wishes on to the encoder.
func (c *Call) applyWants(now time.Time, enc *encoding) {
	w := &c.want
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.has {
		if enc.newest-w.id < encoderPictures {
			c.enc.Refer(w.id)
		} else {
			w.wanted = true // nobody holds it any more
		}
		w.has = false
	}
	since := now.Sub(enc.key)
	if w.wanted && since >= keyEvery || w.joined && since >= newcomerEvery {
		c.enc.ForceKey()
		w.wanted, w.joined = false, false
	}
}

// decodeLoop decompresses the pictures of one member.
func (c *Call) decodeLoop(m *member) {
	k := catcher{dec: video.NewDecoder()}
	for {
		p := m.backlog.get(m.ctx)
		if p == nil {
			return
		}
		c.takePicture(m, &k, p, time.Now())
	}
}

// A coded picture as it came from a member.
type coded struct {
	id, ref uint16
	time    wire.Millis
	data    []byte
}

// backlogLen is how many coded pictures may wait for their decoder: a second
// at 30 a second, far more than a decoder ever falls behind.
const backlogLen = 32

// A backlog hands coded pictures from recv to decode in order. When it is full
// the newest is lost, and the decoder asks for another: the older ones are
// what it is predicted from.
type backlog struct {
	ready chan struct{} // never closed

	mu    sync.Mutex
	ring  [backlogLen]coded
	first int
	n     int

	// Owned by the reader.
	out coded
}

func (b *backlog) init() { b.ready = make(chan struct{}, 1) }

// put copies p.
func (b *backlog) put(p coded) {
	b.mu.Lock()
	if b.n < backlogLen {
		s := &b.ring[(b.first+b.n)%backlogLen]
		s.id, s.ref, s.time = p.id, p.ref, p.time
		s.data = append(s.data[:0], p.data...)
		b.n++
	}
	b.mu.Unlock()
	wake(b.ready)
}

// get waits for the next picture, which is the caller's until the next get. It
// returns nil when ctx is done.
func (b *backlog) get(ctx context.Context) *coded {
	for {
		b.mu.Lock()
		if b.n > 0 {
			s := &b.ring[b.first]
			*s, b.out = b.out, *s // trade the buffers
			b.first = (b.first + 1) % backlogLen
			b.n--
			b.mu.Unlock()
			return &b.out
		}
		b.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-b.ready:
		}
	}
}

// assembling is how many pictures of a member may be incomplete at a time: of
// half a second at 30 a second, in which the hub may send lost parts again.
const assembling = 16

// An assembler puts the parts of pictures together. One goroutine uses it.
type assembler struct {
	open [assembling]picture
	turn uint64
}

// A picture whose parts are not all here.
type picture struct {
	coded
	used  bool
	turn  uint64 // when the newest part came, to replace the oldest
	parts uint8
	have  uint64 // bit i: part i is here
	data  [maxPictureParts][]byte
	whole []byte
}

// add takes a part and returns the picture that it completes. The picture's
// data is valid until the next add.
func (a *assembler) add(p wire.Part) (coded, bool) {
	if p.Parts == 1 {
		return coded{p.ID, p.Ref, p.Time, p.Data}, true
	}
	if p.Parts > maxPictureParts {
		return coded{}, false
	}
	a.turn++
	pic := a.find(p)
	pic.turn = a.turn
	pic.data[p.Part] = append(pic.data[p.Part][:0], p.Data...)
	pic.have |= 1 << p.Part
	if pic.have != 1<<pic.parts-1 {
		return coded{}, false
	}
	pic.used = false
	pic.whole = pic.whole[:0]
	for i := range pic.parts {
		pic.whole = append(pic.whole, pic.data[i]...)
	}
	return coded{pic.id, pic.ref, pic.time, pic.whole}, true
}

// find returns the incomplete picture that p belongs to, or starts it in place
// of the one that waited longest.
func (a *assembler) find(p wire.Part) *picture {
	oldest := &a.open[0]
	for i := range a.open {
		pic := &a.open[i]
		if pic.used && pic.id == p.ID && pic.ref == p.Ref && pic.parts == p.Parts {
			return pic
		}
		if !pic.used || (oldest.used && pic.turn < oldest.turn) {
			oldest = pic
		}
	}
	oldest.used, oldest.have, oldest.parts = true, 0, p.Parts
	oldest.id, oldest.ref, oldest.time = p.ID, p.Ref, p.Time
	return oldest
}
