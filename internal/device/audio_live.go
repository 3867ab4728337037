package device

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// A device that goes away is opened again at once: there is another default, or
// the sound server is back. Only when that takes longer than a person would take
// for a stutter, its user is told.
const (
	reviveWithin = 500 * time.Millisecond
	reviveEvery  = 25 * time.Millisecond

	// Changes come in groups: what was opened after the first may end with the
	// second. So many in a row are no reason to tell anybody.
	revivals = 3
)

// A live is a device that is opened again when it goes away. One goroutine uses
// the device; any may close or retire it.
type live[D interface {
	comparable
	Close() error
}] struct {
	open func(context.Context, retiree) (D, error)

	ctx    context.Context // done when closed
	cancel context.CancelFunc

	mu      sync.Mutex
	device  D    // guarded by mu; the zero D while there is none
	retired bool // guarded by mu: device was closed by retire
}

// start opens the device for the first time.
func (l *live[D]) start(ctx context.Context, open func(context.Context, retiree) (D, error)) error {
	l.open = open
	l.ctx, l.cancel = context.WithCancel(context.Background())
	d, err := open(ctx, l)
	if err != nil {
		l.cancel()
		return err
	}
	l.device = d
	return nil
}

// get returns the device.
func (l *live[D]) get() D {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.device
}

// revive opens the device again after it returned err, if that is a reason to. It
// returns err itself when it is not, or when the device stays away.
func (l *live[D]) revive(err error) (D, error) {
	var none D
	l.mu.Lock()
	retired := l.retired
	l.retired = false
	l.mu.Unlock()
	gone := errors.Is(err, pulse.ErrGone) || retired && errors.Is(err, os.ErrClosed)
	if l.ctx.Err() != nil || !gone {
		return none, err
	}
	_ = l.closeDevice() // it has gone already
	ctx, cancel := context.WithTimeout(l.ctx, reviveWithin)
	defer cancel()
	tick := time.NewTicker(reviveEvery)
	defer tick.Stop()
	for {
		d, again := l.open(ctx, l)
		if again == nil {
			return d, l.replace(d)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if l.ctx.Err() != nil {
				return none, os.ErrClosed
			}
			if retired { // its own error would say that somebody closed it
				return none, again
			}
			return none, err
		}
	}
}

// replace makes d the device, unless l was closed meanwhile.
func (l *live[D]) replace(d D) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() != nil {
		d.Close()
		return os.ErrClosed
	}
	l.device = d
	return nil
}

// closeDevice closes what is open.
func (l *live[D]) closeDevice() error {
	var none D
	l.mu.Lock()
	d := l.device
	l.device = none
	l.mu.Unlock()
	if d == none {
		return nil
	}
	return d.Close()
}

// retire closes the device so that its user opens it again, when it comes to use
// it next.
func (l *live[D]) retire() {
	var none D
	l.mu.Lock()
	d := l.device
	l.retired = d != none
	l.mu.Unlock()
	if d != none {
		_ = d.Close() // it is opened again, and tells then what is wrong
	}
}

// Close releases the device and unblocks whoever uses it.
func (l *live[D]) Close() error {
	l.mu.Lock()
	l.cancel()
	l.mu.Unlock()
	return l.closeDevice()
}

// A liveMic is a live microphone.
type liveMic struct {
	live[media.AudioSource]
}

func newLiveMic(ctx context.Context, open func(context.Context, retiree) (media.AudioSource, error)) (*liveMic, error) {
	m := &liveMic{}
	return m, m.start(ctx, open)
}

// ReadChunk reads from what is open, or opens it again.
func (m *liveMic) ReadChunk(c *media.Chunk) error {
	d := m.get()
	if d == nil {
		return os.ErrClosed
	}
	err := d.ReadChunk(c)
	for range revivals {
		if err == nil {
			return nil
		}
		if d, err = m.revive(err); err != nil {
			return err
		}
		err = d.ReadChunk(c)
	}
	return err
}

// Delay returns how long the sound takes to us, and whether that is known.
func (m *liveMic) Delay() (pulse.Delay, bool) { return delayOf(m.get()) }

// A liveSpeaker is a live speaker.
type liveSpeaker struct {
	live[media.AudioSink]
}

func newLiveSpeaker(ctx context.Context, open func(context.Context, retiree) (media.AudioSink, error)) (*liveSpeaker, error) {
	s := &liveSpeaker{}
	return s, s.start(ctx, open)
}

// Wait waits for what is open, or opens it again.
func (s *liveSpeaker) Wait() error { return s.use(media.AudioSink.Wait) }

// WriteChunk writes to what is open, or opens it again.
func (s *liveSpeaker) WriteChunk(c *media.Chunk) error {
	return s.use(func(d media.AudioSink) error { return d.WriteChunk(c) })
}

func (s *liveSpeaker) use(f func(media.AudioSink) error) error {
	d := s.get()
	if d == nil {
		return os.ErrClosed
	}
	err := f(d)
	for range revivals {
		if err == nil {
			return nil
		}
		if d, err = s.revive(err); err != nil {
			return err
		}
		err = f(d)
	}
	return err
}

// Latency is that of what is open.
func (s *liveSpeaker) Latency() time.Duration {
	if d := s.get(); d != nil {
		return d.Latency()
	}
	return 0
}

// Delay returns how long the sound takes from us, and whether that is known.
func (s *liveSpeaker) Delay() (pulse.Delay, bool) { return delayOf(s.get()) }

// delayOf returns the parts of a device's delay, if it knows them.
func delayOf(d any) (pulse.Delay, bool) {
	switch d := d.(type) {
	case interface{ Delay() pulse.Delay }:
		return d.Delay(), true
	case interface{ Delay() (pulse.Delay, bool) }:
		return d.Delay()
	}
	return pulse.Delay{}, false
}
