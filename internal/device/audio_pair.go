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
	// Set by NewPair.
	cfg PairConfig
	off error // why there is never to be cancellation, or nil

	mu sync.Mutex // also held while the module is loaded

	// Guarded by mu.
	echo  *pulse.Echo // nil when there is none; one for headphones does nothing
	err   error       // why nothing is cancelled
	plain [2]retiree  // the microphone and the speaker that are open without it
	users int         // what is open
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
	p := &Pair{cfg: c}
	switch {
	case c.NoAEC:
		p.off = fmt.Errorf("%w: it was not asked for", ErrNoAEC)
	case !isSystem(c.Mic), !isSystem(c.Speaker):
		p.off = fmt.Errorf("%w: it takes a microphone and a speaker of this machine", ErrNoAEC)
	case !hasEcho:
		p.off = fmt.Errorf("%w: %w", pulse.ErrNoEcho, ErrUnsupported)
	}
	p.err = p.off
	return p
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
	if !isSystem(p.cfg.Mic) {
		return OpenMic(ctx, p.cfg.Mic)
	}
	m, err := newLiveMic(ctx, p.openMic)
	if err != nil {
		return nil, &Error{"open microphone", p.cfg.Mic, withoutName(err, p.cfg.Mic)}
	}
	return &namedMic{m, p.cfg.Mic}, nil
}

// OpenSpeaker opens the speaker. ctx bounds the opening only. Errors are of type
// *Error.
func (p *Pair) OpenSpeaker(ctx context.Context) (media.AudioSink, error) {
	if !isSystem(p.cfg.Speaker) {
		return OpenSpeaker(ctx, p.cfg.Speaker)
	}
	s, err := newLiveSpeaker(ctx, p.openSpeaker)
	if err != nil {
		return nil, &Error{"open speaker", p.cfg.Speaker, withoutName(err, p.cfg.Speaker)}
	}
	return &namedSpeaker{s, p.cfg.Speaker}, nil
}

// openMic opens the microphone once, for a liveMic.
func (p *Pair) openMic(ctx context.Context, owner retiree) (media.AudioSource, error) {
	for last := false; ; last = true {
		e := p.acquire(ctx)
		m, err := openEchoMic(ctx, p.cfg.Mic, pulse.Config{Echo: e})
		if err != nil {
			p.release(pairMic)
			return nil, err
		}
		d := &pairedMic{m, sync.OnceFunc(func() { p.release(pairMic) })}
		if p.opened(pairMic, owner, e, last) {
			return d, nil
		}
		d.Close()
	}
}

// openSpeaker opens the speaker once, for a liveSpeaker.
func (p *Pair) openSpeaker(ctx context.Context, owner retiree) (media.AudioSink, error) {
	for last := false; ; last = true {
		e := p.acquire(ctx)
		s, err := openEchoSpeaker(ctx, p.cfg.Speaker, pulse.Config{Echo: e, Buffer: p.speakerBuffer()})
		if err != nil {
			p.release(pairSpeaker)
			return nil, err
		}
		d := &pairedSpeaker{s, sync.OnceFunc(func() { p.release(pairSpeaker) })}
		if p.opened(pairSpeaker, owner, e, last) {
			return d, nil
		}
		d.Close()
	}
}

// LowBuffer is how much the sound server holds for the speaker of a Pair with
// LowLatency: the least that servers were found to keep up with.
const LowBuffer = 20 * time.Millisecond

// speakerBuffer returns what the server is to hold for the speaker, 0 for its
// usual.
func (p *Pair) speakerBuffer() time.Duration {
	if p.cfg.LowLatency {
		return LowBuffer
	}
	return 0
}

// acquire returns the canceller, which it loads if need be, or nil. Whoever calls
// it calls release when it needs it no more.
func (p *Pair) acquire(ctx context.Context) *pulse.Echo {
	e, past := p.load(ctx)
	for _, r := range past {
		if r != nil {
			r.retire()
		}
	}
	return e
}

// load does what acquire does, but for retiring what is open past the canceller
// that it has just loaded, and would be heard or hear past it.
func (p *Pair) load(ctx context.Context) (e *pulse.Echo, past [2]retiree) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users++
	if p.off != nil {
		return nil, past
	}
	if p.echo != nil && p.echo.Err() == nil {
		return p.echo, past
	}
	p.unloadLocked()
	p.echo, p.err = pulse.OpenEcho(ctx, pulse.EchoConfig{Mic: pulseName(p.cfg.Mic), Speaker: pulseName(p.cfg.Speaker)})
	switch {
	case p.err == nil:
		past, p.plain = p.plain, past
		if p.echo.Headphones() {
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
func (p *Pair) opened(which int, owner retiree, e *pulse.Echo, last bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e != nil {
		return true
	}
	p.plain[which] = owner
	final := p.err == nil || p.off != nil || errors.Is(p.err, pulse.ErrNoEcho)
	return p.echo == nil && (last || final)
}

// release ends the use of the canceller, and unloads it after the last.
func (p *Pair) release(which int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plain[which] = nil
	if p.users--; p.users == 0 {
		p.unloadLocked()
	}
}

// unloadLocked needs p.mu.
func (p *Pair) unloadLocked() {
	if p.echo != nil {
		p.echo.Close()
		p.echo = nil
	}
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
func (p *Pair) Live() bool { return isSystem(p.cfg.Mic) }
