package call

import (
	"context"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/video"
	"github.com/sanix-darker/s2c/internal/wire"
)

// cameraLoop reads the camera, opening it again whenever it fails.
func (c *Call) cameraLoop(ctx context.Context) {
	if c.cfg.Camera == nil {
		return
	}
	keepOpen(ctx, c, aCamera, c.cfg.Camera, func(s media.VideoSource) error {
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

// encodeLoop compresses the newest picture in each size that somebody looks at,
// and queues it. Nothing is coded while the camera is off or nobody looks.
func (c *Call) encodeLoop(ctx context.Context) {
	var layers [wire.MaxLayers]layer
	for i := range layers {
		layers[i].index = i
	}
	var own pacer
	var tight squeeze
	for {
		f, err := c.camera.Get(ctx)
		if err != nil {
			return
		}
		if !c.cameraOn.Load() || c.offline.Load() {
			c.noteSending(nil)
			continue
		}
		c.showSelf(&own, f)
		var sizes [wire.MaxLayers]wire.Size
		n := 0
		if len(*c.members.Load()) > 0 {
			sizes, n = c.demand.get()
		}
		if step := int(c.saving.Load()); step == noPictures {
			n = 0
		} else {
			for i := range n {
				sizes[i] = cutSize(sizes[i], step)
			}
		}
		thin := c.thin.Load()
		if thin {
			if c.shelved.Load() > 0 {
				continue // a picture that waits behind another one becomes old
			}
			entered := max(c.joinedAt.Load(), c.cameAt.Load())
			if time.Since(time.Unix(0, entered)) < thinStart {
				n = 0
			}
			for i := range n {
				sizes[i] = thinSize(sizes[i], n)
			}
		}
		now := time.Now()
		room, wait := c.uplink.pictureRoom(thin)
		tight.look(room, now)
		n = tight.cut(sizes[:n])
		if wait {
			continue
		}
		c.divide(layers[:n], sizes[:n], f, room)
		loss, slow := c.worstLoss(now)
		if slow || thin {
			loss = 0 // too much is sent already
		}
		for i := range n {
			layers[i].repeats.adapt(loss)
			layers[i].thin, layers[i].share = thin, n
			if err := c.send(&layers[i], sizes[i], f, now); err != nil {
				c.cfg.Log.Error("picture not coded", "err", err)
			}
		}
		c.noteSending(layers[:n])
	}
}

// showSelf hands the camera's picture to the screen, if it is its turn.
func (c *Call) showSelf(own *pacer, f *media.Frame) {
	v := c.views.selfView()
	s := c.shapeFor(v.size(), f)
	if v.FPS != 0 { // it costs no more than this machine's time
		s.FPS = min(v.FPS, maxFPS)
	}
	if !own.take(f.At, s.FPS) {
		return
	}
	scale(c.self.Back(), f, s)
	c.self.Put()
	c.touch()
}

// noteSending remembers for State what is sent.
func (c *Call) noteSending(layers []layer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sends = c.sends[:0]
	for i := range layers {
		if layers[i].enc != nil {
			c.sends = append(c.sends, layers[i].shape)
		}
	}
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

// apply passes the wishes on to the encoder of l.
func (w *pictureWants) apply(l *layer, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.has {
		if l.newest-w.id < encoderPictures {
			l.enc.Refer(w.id)
		} else {
			w.wanted = true // nobody holds it any more
		}
		w.has = false
	}
	since := now.Sub(l.key)
	if w.wanted && since >= keyEvery || w.joined && since >= newcomerEvery {
		l.enc.ForceKey()
		w.wanted, w.joined = false, false
	}
}

// wantKeys makes the next picture of each size a key picture, for newcomers.
func (c *Call) wantKeys() {
	for i := range c.want {
		c.want[i].newcomer()
	}
}

// decodeLoop decompresses the pictures of one member.
func (c *Call) decodeLoop(m *member) {
	k := catcher{dec: video.NewDecoder(), timer: time.NewTimer(0)}
	defer k.timer.Stop()
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
	layer   int
	tall    bool // its pixels are twice as high as wide
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
		s.layer, s.tall, s.id, s.ref, s.time = p.layer, p.tall, p.id, p.ref, p.time
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

// add takes a part of a picture of a layer and returns the picture that it
// completes. The picture's data is valid until the next add.
func (a *assembler) add(layer int, p wire.Part) (coded, bool) {
	if p.Parts == 1 {
		return coded{layer, p.Tall, p.ID, p.Ref, p.Time, p.Data}, true
	}
	if p.Parts > maxPictureParts {
		return coded{}, false
	}
	a.turn++
	pic := a.find(layer, p)
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
	return coded{pic.layer, pic.tall, pic.id, pic.ref, pic.time, pic.whole}, true
}

// find returns the incomplete picture that p belongs to, or starts it in place
// of the one that waited longest.
func (a *assembler) find(layer int, p wire.Part) *picture {
	oldest := &a.open[0]
	for i := range a.open {
		pic := &a.open[i]
		if pic.used && pic.layer == layer && pic.id == p.ID && pic.ref == p.Ref && pic.parts == p.Parts {
			return pic
		}
		if !pic.used || (oldest.used && pic.turn < oldest.turn) {
			oldest = pic
		}
	}
	oldest.used, oldest.have, oldest.parts = true, 0, p.Parts
	oldest.layer, oldest.tall, oldest.id, oldest.ref, oldest.time = layer, p.Tall, p.ID, p.Ref, p.Time
	return oldest
}
