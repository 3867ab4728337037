// Package call is one member's side of a session: the engine. It runs without
// a screen and knows neither terminals nor drivers.
//
// The way of the data, with the goroutine in brackets:
//
//	send   ReadFrame > mailbox [camera] > video.Encode > outbox [encode]
//	       ReadChunk > audio.Encode > outbox [mic]
//	       outbox > cipher.Seal > SendDatagram [send]
//	recv   RecvDatagram > cipher.Open > audio.Voice / assembler [recv]
//	       assembler > video.Decode > mailbox [decode, one per member]
//	       audio.Voice > mixer > WriteChunk, paced by the device [speaker]
//
// Run starts them and returns when all have ended.
package call

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/mailbox"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/trust"
	"github.com/sanix-darker/s2c/internal/wire"
)

// What is sent when neither Config nor anybody who looks says something else.
const (
	defaultWidth  = 192 // pixels
	defaultHeight = 144 // pixels
	defaultFPS    = 15  // pictures per second
)

// maxPictureParts bounds a picture to what a short burst can carry; the
// encoder is told the size in bytes that follows from it.
const maxPictureParts = 6

// Config is what a Call needs. The openers are called again after a device
// failed; each may be nil when the member wants none, or return ErrNone.
type Config struct {
	// Dial connects to the hub. It is called again to reconnect.
	Dial func(context.Context) (transport.Conn, error)

	Session string // must pass hello.CheckSession
	Name    string // must pass text.CheckName

	// Identity is who the member is. nil makes one for this call alone.
	Identity *identity.Identity

	// Passphrase of the session; "" for none. Members with and without one, or
	// with different ones, do not hear each other.
	Passphrase string

	// Door opens a hub that asks for a token; nil for none.
	Door *hello.Token

	// Policy says who gets the key of this member. Allow is the list of it for
	// the Policy AllowListed.
	Policy Policy
	Allow  *hello.AllowList

	// Peers is what is known of people. nil knows nobody.
	Peers *trust.Peers

	Camera  func(context.Context) (media.VideoSource, error)
	Mic     func(context.Context) (media.AudioSource, error)
	Speaker func(context.Context) (media.AudioSink, error)

	// Choose has the openers above open the device with another name from now on:
	// of the "camera", the "microphone" or the "speaker". undo takes that back. It
	// fails for a device that cannot be used, as far as that can be known while the
	// one of before is open, and has changed nothing then. nil: none can be chosen.
	Choose func(ctx context.Context, kind, name string) (undo func(), err error)

	Muted     bool // start with the microphone muted
	CameraOff bool // start with the camera off

	// Width and Height are the size in pixels of the pictures sent to those who
	// do not say how large they show them, and shown to the member until
	// WatchSelf says; 0 means 192 x 144.
	Width, Height int

	FPS          int // pictures sent per second at most; 0 means 15, or 30 of large ones
	Bitrate      int // bit/s at most for the pictures of one size; 0 means what the size needs
	VoiceBitrate int // bit/s for voice; 0 means 16,000 to 32,000, as the links allow, and 8,000 more with LowLatency

	// LowLatency sends voice in packets of 10 ms: less delay for more packets.
	LowLatency bool

	// Thin has everybody send as little as a modem takes: voice in packets of 60 ms
	// and small pictures, 33.6 kbit/s in all in a call of two. LowLatency does
	// nothing then.
	Thin bool

	// Gate, unless it is nil, reports whether the noise of the room between the words
	// is made quieter, for the microphone that was just opened. nil: it is.
	Gate func() bool

	// AEC, unless it is nil, returns why the others may hear themselves from this
	// member's speaker, nil if they do not. The person is then told.
	AEC func() error

	// Volumes remembers how loud people are to be. nil does not.
	Volumes Volumes

	// Panic is called before a panic of one of the call's goroutines ends the
	// program, so that a terminal can be given back first. nil does nothing.
	Panic func()

	Log *slog.Logger // nil logs nothing
}

// A Call is one member's side of a session. Call New, Join, and Run, each once;
// the other methods may be called by any goroutine meanwhile, except Picture
// and SelfPicture, which belong to one goroutine.
type Call struct {
	// Set by New.
	cfg     Config
	voice   *audio.Encoder     // used by mic
	notices chan Notice        // never closed
	changed chan struct{}      // never closed
	first   *link              // set by Join, for Run
	choices map[string]*choice // by kind of device

	// Traded between goroutines.
	camera *mailbox.Mailbox[media.Frame] // camera > encode
	self   *mailbox.Mailbox[media.Frame] // encode > screen
	outbox outbox
	demand demand
	want   [wire.MaxLayers]pictureWants // by layer
	views  views
	saving atomic.Int32 // control > encode: the step of thrift
	thin   atomic.Bool  // control > mic, encode, send: somebody's link is thin
	uplink uplink       // send > encode, control
	strain strain       // of control

	joinedAt atomic.Int64 // when the session was entered last, ns since 1970
	cameAt   atomic.Int64 // when somebody else was, likewise
	shelved  atomic.Int32 // send > encode: parts of pictures that wait for a thin line
	thrift   thrift       // of the own pictures; owned by control

	people   people
	guard    cipher.Guard
	acquaint chan trust.Person // control > people: who was met; never closed
	volumed  chan struct{}     // tells people of unstored; never closed

	// Updated by any goroutine.
	muted    atomic.Bool
	deafened atomic.Bool
	talking  atomic.Bool
	cameraOn atomic.Bool
	micOpen  atomic.Bool
	camOpen  atomic.Bool
	spkOpen  atomic.Bool
	selfTalk atomic.Bool
	lost     atomic.Bool // the person was told that the connection is lost
	offline  atomic.Bool // there is a place, and no connection
	selfDB   atomicFloat
	clipped  atomic.Int64              // when the microphone was too loud last, ns since 1970
	spkDelay atomic.Int64              // from Voice.Get until it is heard, ns
	stray    atomic.Uint64             // packets of nobody, or not authentic
	members  atomic.Pointer[[]*member] // replaced under mu, never modified

	// Guarded by mu.
	mu    sync.Mutex
	link  *link // nil while without a place
	stat  Link
	code  [4]string
	coded []*member // for whom code stands; nil when there is none
	lines lineMeter
	sends []Sending // by layer
	echo  error     // what AEC last said
	hand  hand

	reactions gestureMeter

	hearings map[hello.Fingerprint]hearing // of those for whom it was changed in this call
	unstored map[hello.Fingerprint]hearing // those of hearings that Config.Volumes is to be told
	ends     sync.WaitGroup                // decode goroutines

	// Owned by controlLoop, and by Run between two of them.
	departures []departure
	shut       bool // what the person was told last
}

// New checks cfg and returns a Call that is not yet connected.
func New(cfg Config) (*Call, error) {
	if err := hello.CheckSession(cfg.Session); err != nil {
		return nil, err
	}
	if err := text.CheckName(cfg.Name); err != nil {
		return nil, err
	}
	cfg.Width, cfg.Height = orDefault(cfg.Width, defaultWidth), orDefault(cfg.Height, defaultHeight)
	cfg.LowLatency = cfg.LowLatency && !cfg.Thin
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Identity == nil {
		var err error
		if cfg.Identity, err = identity.Generate(); err != nil {
			return nil, err
		}
	}
	c := &Call{
		cfg:      cfg,
		notices:  make(chan Notice, 64),
		changed:  make(chan struct{}, 1),
		acquaint: make(chan trust.Person, maxAcquaint),
		volumed:  make(chan struct{}, 1),
		hearings: make(map[hello.Fingerprint]hearing),
		unstored: make(map[hello.Fingerprint]hearing),
		camera:   mailbox.New[media.Frame](),
		self:     mailbox.New[media.Frame](),
		choices:  make(map[string]*choice),
	}
	for _, kind := range []string{aCamera, aMicrophone, aSpeaker} {
		c.choices[kind] = &choice{ready: make(chan struct{}, 1)}
	}
	c.outbox.init()
	c.people.init()
	c.views.init()
	c.demand.everybody()
	c.members.Store(new([]*member))
	c.muted.Store(cfg.Muted)
	c.thin.Store(cfg.Thin)
	c.cameraOn.Store(!cfg.CameraOff)
	c.selfDB.store(silence)
	var err error
	encoder := audio.EncoderConfig{Bitrate: orDefault(cfg.VoiceBitrate, bitrate(startRate, c.units())), Packet: c.packetTime()}
	if c.voice, err = audio.NewEncoder(encoder); err != nil {
		return nil, err
	}
	return c, nil
}

func orDefault(v, def int) int {
	if v == 0 {
		return def
	}
	return v
}

// Join connects to the hub and takes a place in the session. It is called once,
// before Run. Errors are those of Config.Dial, or *RefusedError.
func (c *Call) Join(ctx context.Context) error {
	l, err := c.connect(ctx)
	if err != nil {
		return err
	}
	c.first = l
	return nil
}

// Run takes part in the session that Join entered until ctx is done, or until
// the hub or the session refuses (*RefusedError). A connection that is lost is
// made again, with growing pauses, for as long as ctx lives: for some time the
// place is the same with the same keys, then it is a new one. When Run returns,
// every goroutine has ended and every device is closed.
func (c *Call) Run(ctx context.Context) error {
	if c.first == nil {
		panic("call: internal error: Run before Join")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)
	c.goes(&wg, func() { c.cameraLoop(ctx) })
	c.goes(&wg, func() { c.encodeLoop(ctx) })
	c.goes(&wg, func() { c.micLoop(ctx) })
	c.goes(&wg, func() { c.speakerLoop(ctx) })
	c.goes(&wg, func() { c.rememberLoop(ctx) })
	for l := c.first; ; {
		err := c.stay(ctx, l)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if refused, ok := errors.AsType[*RefusedError](err); ok && !refused.Again() {
			return err
		}
		if errors.Is(err, errAnew) || errors.Is(err, errExpired) {
			if l, err = c.connect(ctx); err == nil {
				c.tellBack()
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
		c.cfg.Log.Warn("place lost", "err", err)
		c.tellLost(err)
		if l, err = c.reconnect(ctx); err != nil {
			return err
		}
		c.tellBack()
	}
}

// Preview runs the devices without any session, for a look into the mirror,
// until ctx is done. It takes the place of Join and Run.
func (c *Call) Preview(ctx context.Context) {
	var wg sync.WaitGroup
	c.goes(&wg, func() { c.cameraLoop(ctx) })
	c.goes(&wg, func() { c.encodeLoop(ctx) })
	c.goes(&wg, func() { c.micLoop(ctx) })
	wg.Wait()
}

// goes runs f in a goroutine of wg. All of the call's are started by it.
func (c *Call) goes(wg *sync.WaitGroup, f func()) {
	wg.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				if c.cfg.Panic != nil {
					c.cfg.Panic()
				}
				panic(v)
			}
		}()
		f()
	})
}

// The pauses between tries to reconnect: each 1.6 times the one before, less
// up to a quarter by chance so that a hub that restarts is not stormed.
const (
	firstPause = 300 * time.Millisecond
	maxPause   = 10 * time.Second
)

// reconnect tries until it has joined again. It fails when ctx is done or the
// session refuses for good.
func (c *Call) reconnect(ctx context.Context) (*link, error) {
	pause := firstPause
	for {
		wait := pause - jitter(pause/4)
		c.setPhase(Reconnecting, time.Now().Add(wait))
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
		l, err := c.connect(ctx)
		if err == nil {
			return l, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		// A name that is taken is most likely our own, not yet missed by the hub.
		if refused, ok := errors.AsType[*RefusedError](err); ok && !refused.Again() && !refused.NameTaken {
			return nil, err
		}
		c.cfg.Log.Warn("cannot reconnect yet", "err", err)
		pause = min(pause*8/5, maxPause)
	}
}

// SetMuted mutes or unmutes the microphone. Muted sends nothing. Unmuting ends
// what SetDeafened began.
func (c *Call) SetMuted(muted bool) {
	c.muted.Store(muted)
	if !muted {
		c.deafened.Store(false)
	}
	wake(c.outbox.beat)
	c.touch()
}

// Muted reports whether the microphone is muted.
func (c *Call) Muted() bool { return c.muted.Load() || c.deafened.Load() }

// SetCamera turns the picture on or off. The device stays open.
func (c *Call) SetCamera(on bool) {
	c.cameraOn.Store(on)
	wake(c.outbox.beat)
	c.touch()
}

// CameraOn reports whether the camera is meant to be seen.
func (c *Call) CameraOn() bool { return c.cameraOn.Load() }

// Notices returns the channel of what a person should be told. It is never
// closed; when nobody reads, the newest are lost.
func (c *Call) Notices() <-chan Notice { return c.notices }

// Changed returns a channel that yields after something on a screen would
// change. It is never closed.
func (c *Call) Changed() <-chan struct{} { return c.changed }

// Picture returns the newest picture of the member in the given slot if it has
// not been returned before, else nil. Its At is by the sender's clock. The picture
// is the caller's until the next call for that slot. One goroutine may call it.
func (c *Call) Picture(slot uint16) *media.Frame {
	if m := c.member(slot); m != nil {
		return m.pictures.Take()
	}
	return nil
}

// SelfPicture returns the newest own picture, as Picture does.
func (c *Call) SelfPicture() *media.Frame { return c.self.Take() }

// member returns the member in a slot, or nil.
func (c *Call) member(slot uint16) *member {
	for _, m := range *c.members.Load() {
		if m.slot == slot {
			return m
		}
	}
	return nil
}

// touch wakes whoever waits for Changed.
func (c *Call) touch() { wake(c.changed) }

// notify hands n to whoever reads Notices.
func (c *Call) notify(n Notice) {
	n.At = time.Now()
	select {
	case c.notices <- n:
	default:
	}
	c.touch()
}
