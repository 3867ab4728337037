package pulse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

const (
	sampleSize = 2 // bytes

	// A stream that is silent for longer than quietAfter is looked into.
	quietAfter = 500 * time.Millisecond

	// tendEvery is how often a stream is looked after. Every pollTicks-th time
	// the server is asked about delays, and the first few times.
	tendEvery  = 250 * time.Millisecond
	pollTicks  = 4
	firstPolls = 3
)

// A stream is what a Mic and a Speaker have in common: a connection of its own,
// the reason why it ended, and a goroutine that looks after it.
type stream struct {
	op     string  // "record" or "play"
	client *client // set by open
	echo   *Echo   // set by open: what the sound goes through, or nil
	index  uint32  // set by open; the server's name of the stream

	tending sync.WaitGroup
	stop    chan struct{} // closed by close
	asked   chan struct{} // of length 1, never closed: check is to be called
	check   func() error  // set by open, or nil: returns why the stream has to end

	mu      sync.Mutex
	changed sync.Cond // of what mu guards; one goroutine waits at most

	// Guarded by mu.
	err       error // why there will be no more sound; final
	suspended bool  // the server has put the device to sleep
	active    time.Time
}

func (s *stream) init(op string) {
	s.op, s.stop, s.asked = op, make(chan struct{}), make(chan struct{}, 1)
	s.changed.L = &s.mu
	s.active = time.Now()
}

// connect connects the stream to the server. ctx breaks the connection until
// release is called, which reports whether it has not.
func (s *stream) connect(ctx context.Context, server string, events func(any)) (release func() bool, err error) {
	c, err := connect(ctx, server, events, func(err error) { s.fail(ErrGone, err) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.op, err)
	}
	s.client = c
	return c.until(ctx), nil
}

// abandon closes a stream that could not be opened, and returns why.
func (s *stream) abandon(ctx context.Context, err error) error {
	s.client.close()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return openError(s.op, err)
}

// fail ends the stream for the given reason, unless it has ended before.
func (s *stream) fail(reason, cause error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = fmt.Errorf("%s: %w", s.op, reason)
		if cause != nil {
			s.err = fmt.Errorf("%s: %w: %w", s.op, reason, cause)
		}
	}
	s.mu.Unlock()
	s.changed.Broadcast()
}

// setSuspended notes that the server has put the device to sleep or woken it.
func (s *stream) setSuspended(suspended bool) {
	s.mu.Lock()
	s.suspended, s.active = suspended, time.Now()
	s.mu.Unlock()
}

// close ends the stream and everything that it has started. Only the first call
// does anything.
func (s *stream) close() {
	s.fail(os.ErrClosed, nil)
	s.mu.Lock()
	select {
	case <-s.stop:
		s.mu.Unlock()
		return
	default:
		close(s.stop)
	}
	s.mu.Unlock()
	if s.echo != nil {
		s.echo.detach(s)
	}
	s.client.close()
	s.tending.Wait()
}

// attach lets the end of what the sound goes through be that of the stream.
func (s *stream) attach() {
	if s.echo != nil {
		s.echo.attach(s)
	}
}

// tend calls poll once in a while until the stream ends, to learn about delays
// and to find out whether the server is still there when it says nothing.
//
// No sound for half a second is no fault by itself: a device that is asleep, as
// one that an administrator suspended, has nothing to say. The stream is gone
// when the server does not answer either, or no longer knows it.
func (s *stream) tend(each func(now time.Time), poll func() error) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-s.stop:
			return
		case now := <-tick.C:
			if each != nil {
				each(now)
			}
		case <-s.asked:
			if err := s.check(); errors.Is(err, ErrGone) {
				s.fail(err, nil)
				return
			}
			n--
			continue
		}
		if n > firstPolls && n%pollTicks != 0 && !s.quiet() {
			continue
		}
		err := poll()
		var refusal proto.Error
		if errors.As(err, &refusal) || err != nil && s.quiet() {
			s.fail(ErrGone, err)
			return
		}
	}
}

// quiet reports whether the stream has said nothing for longer than it should.
func (s *stream) quiet() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.suspended && time.Since(s.active) > quietAfter
}

// properties says what the stream is for.
func properties(name string) proto.PropList {
	return proto.PropList{
		"media.name": proto.PropListString(name),
		"media.role": proto.PropListString(mediaRole),
	}
}

// The format of every stream; the server converts.
var (
	sampleSpec = proto.SampleSpec{Format: proto.FormatInt16LE, Channels: 1, Rate: Rate}
	mono       = proto.ChannelMap{proto.ChannelMono}
	fullVolume = proto.ChannelVolumes{proto.VolumeNorm}
)

// serverTime is t as the protocol has it.
func serverTime(t time.Time) proto.Time {
	us := t.UnixMicro()
	return proto.Time{Seconds: uint32(us / 1e6), Microseconds: uint32(us % 1e6)}
}

// duration returns how long n samples last.
func duration(n int) time.Duration { return time.Duration(n) * time.Second / Rate }

// size returns how many bytes sound of duration d takes.
func size(d time.Duration) int { return int(d*Rate/time.Second) * sampleSize }
