package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// PairConfig says which microphone and speaker a call uses.
type PairConfig struct {
	Mic     string // as OpenMic takes it
	Speaker string // as OpenSpeaker takes it
	NoAEC   bool   // leave the sound as it is: no echo cancellation, noise suppression or gain

	// LowLatency has the sound server keep as little for the speaker as it can:
	// 5 ms less than otherwise, which a busy machine pays for with gaps until
	// the buffer has grown by itself.
	LowLatency bool
}

// ErrNoAEC is what Pair.AEC wraps when nobody asked for cancellation, or there is
// nothing to cancel: neither what headphones play nor sound from a file is heard
// in the room.
var ErrNoAEC = errors.New("echo is not cancelled")

// A Pair opens the microphone and the speaker of a call, so that what the speaker
// plays is not heard in the microphone. The sound server does that, with a module
// that is loaded when the first of the two is opened and unloaded when the last is
// closed. Where it cannot be had, the two are opened without.
//
// Each may be opened again after it was closed. Any goroutine may call the
// methods.
type Pair struct {
	mu sync.Mutex // also held while the module is loaded

	// Guarded by mu.
	cfg   PairConfig
	off   error      // why there is not to be cancellation, or nil
	echo  *canceller // nil when there is none; one for headphones does nothing
	err   error      // why nothing is cancelled
	users [2]retiree // the microphone and the speaker that are open
	plain [2]retiree // those of users that are open without a canceller
}

// A canceller is unloaded after the last of its users is closed. The Pair's mu
// guards it.
type canceller struct {
	*pulse.Echo
	users int
}

// A retiree is a device that can be made to open itself again.
type retiree interface{ retire() }

// The two of a Pair.
const (
	pairMic = iota
	pairSpeaker
)

// NewPair opens nothing yet.
func NewPair(c PairConfig) *Pair {
	p := &Pair{}
	p.setLocked(c) // nobody else has it yet
	return p
}

// setLocked sets what is to be opened from now on.
func (p *Pair) setLocked(c PairConfig) {
	p.cfg, p.off = c, c.off()
	p.err = p.off
}

// off returns why there is not to be cancellation, or nil.
func (c *PairConfig) off() error {
	switch {
	case c.NoAEC:
		return fmt.Errorf("%w: it was not asked for", ErrNoAEC)
	case !isSystem(c.Mic), !isSystem(c.Speaker):
		return fmt.Errorf("%w: it takes a microphone and a speaker of this machine", ErrNoAEC)
	case !hasEcho:
		return fmt.Errorf("%w: %w", pulse.ErrNoEcho, ErrUnsupported)
	}
	return nil
}

// config returns what is to be opened now.
func (p *Pair) config() PairConfig {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cfg
}

// isSystem reports whether OpenMic and OpenSpeaker look for name among the
// devices of this machine.
func isSystem(name string) bool {
	if name == None || name == "" || name == Test || strings.HasPrefix(name, Test+":") ||
		strings.HasPrefix(name, "ffmpeg:") || strings.Contains(name, "://") || isWAV(name) {
		return false
	}
	st, err := os.Stat(name)
	return err != nil || !st.Mode().IsRegular()
}

// AEC returns nil while echo is cancelled, and before anything was opened.
// Otherwise it returns the reason why not: one that wraps ErrNoAEC is no fault;
// after any other, a person should use a headset. It changes when headphones are
// plugged in or out.
func (p *Pair) AEC() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// OpenMic opens the microphone. ctx bounds the opening only. Errors are of type
// *Error.
func (p *Pair) OpenMic(ctx context.Context) (media.AudioSource, error) {
	name := p.config().Mic
	if !isSystem(name) {
		return OpenMic(ctx, name)
	}
	m, err := newLiveMic(ctx, p.openMic)
	if err != nil {
		return nil, &Error{"open microphone", name, withoutName(err, name)}
	}
	return &namedMic{m, name}, nil
}

// OpenSpeaker opens the speaker. ctx bounds the opening only. Errors are of type
// *Error.
func (p *Pair) OpenSpeaker(ctx context.Context) (media.AudioSink, error) {
	name := p.config().Speaker
	if !isSystem(name) {
		return OpenSpeaker(ctx, name)
	}
	s, err := newLiveSpeaker(ctx, p.openSpeaker)
	if err != nil {
		return nil, &Error{"open speaker", name, withoutName(err, name)}
	}
	return &namedSpeaker{s, name}, nil
}

// openMic opens the microphone once, for a liveMic.
func (p *Pair) openMic(ctx context.Context, owner retiree) (media.AudioSource, error) {
	for last := false; ; last = true {
		e, c := p.acquire(ctx)
		m, err := openEchoMic(ctx, c.Mic, pulse.Config{Echo: e.echo()})
		if err != nil {
			p.release(pairMic, e)
			return nil, err
		}
		d := &pairedMic{m, sync.OnceFunc(func() { p.release(pairMic, e) })}
		if p.opened(pairMic, owner, e, last) {
			return d, nil
		}
		d.Close()
	}
}

// openSpeaker opens the speaker once, for a liveSpeaker.
func (p *Pair) openSpeaker(ctx context.Context, owner retiree) (media.AudioSink, error) {
	for last := false; ; last = true {
		e, c := p.acquire(ctx)
		s, err := openEchoSpeaker(ctx, c.Speaker, pulse.Config{Echo: e.echo(), Buffer: c.buffer()})
		if err != nil {
			p.release(pairSpeaker, e)
			return nil, err
		}
		d := &pairedSpeaker{s, sync.OnceFunc(func() { p.release(pairSpeaker, e) })}
		if p.opened(pairSpeaker, owner, e, last) {
			return d, nil
		}
		d.Close()
	}
}

// echo returns what pulse.Config takes; c may be nil.
func (c *canceller) echo() *pulse.Echo {
	if c == nil {
		return nil
	}
	return c.Echo
}

// LowBuffer is how much the sound server holds for the speaker of a Pair with
// LowLatency: the least that servers were found to keep up with.
const LowBuffer = 20 * time.Millisecond

// buffer returns what the server is to hold for the speaker, 0 for its usual.
func (c *PairConfig) buffer() time.Duration {
	if c.LowLatency {
		return LowBuffer
	}
	return 0
}

// acquire returns the canceller, which it loads if need be, or nil, and what to
// open. Whoever calls it calls release when it needs it no more.
func (p *Pair) acquire(ctx context.Context) (*canceller, PairConfig) {
	p.mu.Lock()
	e, past := p.loadLocked(ctx)
	if e != nil {
		e.users++
	}
	c := p.cfg
	p.mu.Unlock()
	for _, r := range past {
		if r != nil {
			r.retire()
		}
	}
	return e, c
}

// loadLocked returns the canceller, or nil, and what is to be retired, as it is
// open past the canceller that was just loaded, and would be heard or hear past it.
func (p *Pair) loadLocked(ctx context.Context) (e *canceller, past [2]retiree) {
	if p.off != nil {
		return nil, past
	}
	if p.echo != nil && p.echo.Err() == nil {
		return p.echo, past
	}
	if p.echo != nil {
		p.echo.Close()
		p.echo = nil
	}
	var echo *pulse.Echo
	echo, p.err = pulse.OpenEcho(ctx, pulse.EchoConfig{Mic: pulseName(p.cfg.Mic), Speaker: pulseName(p.cfg.Speaker)})
	switch {
	case p.err == nil:
		p.echo = &canceller{Echo: echo}
		past, p.plain = p.plain, past
		if echo.Headphones() {
			p.err = fmt.Errorf("%w: the speaker is headphones", ErrNoAEC)
		}
	case errors.Is(p.err, pulse.ErrHasEcho):
		p.err = nil // by somebody else
	}
	return p.echo, past
}

// opened notes that owner was opened with e, or nothing. It reports whether to
// leave it at that. Another may have loaded a canceller meanwhile. And where a
// server has just started, its devices come one by one: what was missing when
// the canceller was asked for may be there now, so it is asked for once more.
func (p *Pair) opened(which int, owner retiree, e *canceller, last bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users[which] = owner
	if e != nil {
		return last || e == p.echo
	}
	p.plain[which] = owner
	final := p.err == nil || p.off != nil || errors.Is(p.err, pulse.ErrNoEcho)
	return p.echo == nil && (last || final)
}

// release ends the use of a canceller or of none, and unloads it after the last.
func (p *Pair) release(which int, e *canceller) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plain[which], p.users[which] = nil, nil
	if e == nil {
		return
	}
	if e.users--; e.users > 0 {
		return
	}
	e.Close()
	if p.echo == e {
		p.echo = nil
	}
}

// UseMic has OpenMic open another microphone from now on, and the speaker play
// through a canceller for that one, if it is open; what is open of the microphone
// before is to be closed. undo takes that back. It fails, and changes nothing,
// when this machine has no such microphone. ctx bounds UseMic only.
func (p *Pair) UseMic(ctx context.Context, name string) (undo func(), err error) {
	if isSystem(name) {
		m, err := openEchoMic(ctx, name, pulse.Config{})
		if err != nil {
			return nil, &Error{"open microphone", name, withoutName(err, name)}
		}
		m.Close()
	}
	return p.use(ctx, pairMic, func(c *PairConfig) { c.Mic = name }), nil
}

// UseSpeaker does with the speaker what UseMic does with the microphone.
func (p *Pair) UseSpeaker(ctx context.Context, name string) (undo func(), err error) {
	if isSystem(name) {
		s, err := openEchoSpeaker(ctx, name, pulse.Config{})
		if err != nil {
			return nil, &Error{"open speaker", name, withoutName(err, name)}
		}
		s.Close()
	}
	return p.use(ctx, pairSpeaker, func(c *PairConfig) { c.Speaker = name }), nil
}

// undoWithin is how long taking a choice back may take.
const undoWithin = 5 * time.Second

// use changes what is to be opened of one of the two.
func (p *Pair) use(ctx context.Context, which int, change func(*PairConfig)) (undo func()) {
	was := p.replace(ctx, which, change)
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), undoWithin)
		defer cancel()
		p.replace(ctx, which, func(c *PairConfig) {
			if which == pairMic {
				c.Mic = was.Mic
			} else {
				c.Speaker = was.Speaker
			}
		})
	}
}

// replace changes what is to be opened of one of the two, and returns what was. The
// other one goes on through the canceller of before until that of now is loaded:
// then it opens itself again, which is a gap of some milliseconds.
func (p *Pair) replace(ctx context.Context, which int, change func(*PairConfig)) (was PairConfig) {
	p.mu.Lock()
	was = p.cfg
	now := was
	change(&now)
	if now == was {
		p.mu.Unlock()
		return was
	}
	p.setLocked(now)
	before := p.echo
	p.echo = nil
	other := p.users[1-which]
	if other != nil {
		_, _ = p.loadLocked(ctx) // what fails is in p.err; other is retired in any case
	}
	moves := other != nil && (before != nil || p.echo != nil)
	if before != nil && before.users == 0 {
		before.Close()
	}
	p.mu.Unlock()
	if moves {
		other.retire()
	}
	return was
}

// A pairedMic tells its Pair when it is closed.
type pairedMic struct {
	media.AudioSource
	release func()
}

// Delay returns how long the sound takes to us, and whether that is known.
func (m *pairedMic) Delay() (pulse.Delay, bool) { return delayOf(m.AudioSource) }

// Close closes the microphone, then what it went through.
func (m *pairedMic) Close() error {
	defer m.release()
	return m.AudioSource.Close()
}

// A pairedSpeaker tells its Pair when it is closed.
type pairedSpeaker struct {
	media.AudioSink
	release func()
}

// Delay returns how long the sound takes from us, and whether that is known.
func (s *pairedSpeaker) Delay() (pulse.Delay, bool) { return delayOf(s.AudioSink) }

// Close closes the speaker, then what it went through.
func (s *pairedSpeaker) Close() error {
	defer s.release()
	return s.AudioSink.Close()
}

// pulseName returns the device's name as the sound server has it.
func pulseName(name string) string {
	if name == Auto {
		return ""
	}
	return name
}

// Live reports whether the microphone is one of this machine, and not a file or
// a test.
func (p *Pair) Live() bool { return isSystem(p.config().Mic) }
