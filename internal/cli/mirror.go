package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/ui"
	"github.com/sanix-darker/s2c/pulse"
)

// mirrorWidth and mirrorHeight are the size of the picture in the mirror, in
// pixels: more than a call sends, since nothing is sent.
const (
	mirrorWidth  = 480
	mirrorHeight = 360
)

// aecTime bounds the look whether echo can be cancelled.
const aecTime = 5 * time.Second

func (e Env) mirror() *cobra.Command {
	var d deviceFlags
	var look lookFlags
	cmd := &cobra.Command{
		Use:   "mirror",
		Short: "your own camera and microphone, without a network",
		Long: `See your own camera in every look, and the level of your microphone. Above the
bar stand how long sound takes from the microphone, whether a call cancels the
echo of your speaker, and whether you are too loud. Nothing leaves this machine.`,
		Example: `  s2c mirror
  s2c mirror --camera /dev/video2 --look ascii`,
		Args: atMost(0, "s2c mirror --camera /dev/video0"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := look.check(); err != nil {
				return err
			}
			d.speakerName = device.None
			return e.runMirror(cmd.Context(), d, look)
		},
	}
	d.addSources(cmd)
	look.add(cmd)
	return cmd
}

func (e Env) runMirror(ctx context.Context, d deviceFlags, look lookFlags) error {
	dev, err := d.open(ctx)
	if err != nil {
		return err
	}
	defer dev.close()
	id, err := throwaway() // a call has one, though nobody gets to see this
	if err != nil {
		return err
	}
	saved := saveTerminal()
	defer saved.close()
	screen, set := e.screen(look), e.openSettings()
	var m mirror
	c, err := call.New(call.Config{
		Session: "mirror", Name: "you", Identity: id, Camera: dev.camera, Mic: m.mic.through(dev.mic), Panic: saved.restore,
		Width: mirrorWidth, Height: mirrorHeight,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var run sync.WaitGroup
	defer run.Wait()
	defer cancel()
	run.Go(func() { c.Preview(ctx) })
	run.Go(func() { m.lookForAEC(ctx, d.micName) })
	m.call = c
	return noScreen(ui.Mirror(ctx, ui.MirrorConfig{
		Pictures: c.SelfPicture, Changed: c.Changed(), Level: m.level, Status: m.status, WatchSelf: c.WatchSelf,
		Terminal: screen.terminal, Look: screen.look, Auto: screen.auto, LookChosen: screen.chosen, Rate: screen.rate,
		Theme: set.screen().Theme, Borders: set.borders(),
	}))
}

// A mirror tells the screen how the devices are. One goroutine uses it, but for
// lookForAEC.
type mirror struct {
	call  *call.Call
	state call.State
	fails []string // what the devices that fail say
	lines []string // scratch
	mic   opened
	aec   atomic.Pointer[string] // what to say about echo; nil when nothing
}

// level returns the level of the microphone in dBFS and whether it hears speech.
func (m *mirror) level() (dbfs float64, speaking bool) {
	m.call.State(&m.state)
	return m.state.Self.Level, m.state.Self.Speaking
}

// status returns a line for each device that fails, and one for the microphone.
func (m *mirror) status() []string {
	for {
		select {
		case n := <-m.call.Notices():
			switch n.Kind {
			case call.DeviceLost:
				m.fails = append(m.fails, missing(n.Device, n.Err))
			case call.DeviceBack:
				m.fails = nil
			default: // there is nobody else
			}
			continue
		default:
		}
		break
	}
	m.lines = append(m.lines[:0], m.fails...)
	if line := m.microphone(); line != "" {
		m.lines = append(m.lines, line)
	}
	return m.lines
}

// missing returns a line for a device that cannot be used: what is wrong and, if the
// error has a Hint, what to do about it.
func missing(what string, err error) string {
	if h, ok := errors.AsType[*device.Error](err); ok && h.Hint() != "" {
		return fmt.Sprintf("no %s: %s - %s", what, h.Reason(), h.Hint())
	}
	return fmt.Sprintf("no %s: %v", what, err)
}

// microphone returns the line for the microphone, "" when there is nothing to say.
func (m *mirror) microphone() string {
	line := ""
	add := func(s string) {
		if line == "" {
			line = "microphone: "
		} else {
			line += "; "
		}
		line += s
	}
	if m.state.Self.TooLoud {
		add("TOO LOUD: turn it down")
	}
	if d, ok := m.mic.delay(); ok {
		add("takes " + delayText(d))
	}
	if s := m.aec.Load(); s != nil {
		add(*s)
	}
	return line
}

// lookForAEC finds out whether a call with this microphone and the default speaker
// cancels echo, by opening the speaker for a moment as a call does. Nothing is
// played.
func (m *mirror) lookForAEC(ctx context.Context, mic string) {
	pair := device.NewPair(device.PairConfig{Mic: mic, Speaker: device.Auto})
	if pair.AEC() != nil {
		return // a file, or a system without
	}
	ctx, cancel := context.WithTimeout(ctx, aecTime)
	defer cancel()
	s, err := pair.OpenSpeaker(ctx)
	if err != nil {
		return // there is no speaker here, and so no echo
	}
	defer s.Close()
	line := "echo is cancelled in a call"
	if err := pair.AEC(); err != nil {
		if errors.Is(err, device.ErrNotFound) || errors.Is(err, pulse.ErrNotFound) {
			return // no microphone, which has a line of its own
		}
		line = fmt.Sprintf("use a headset, echo is not cancelled: %v", err)
	}
	m.aec.Store(&line)
}

// An opened is the microphone that is open, which tells how long it takes.
type opened struct {
	mu  sync.Mutex
	mic media.AudioSource // guarded by mu; nil when none is
}

// through returns an opener whose microphone o knows, nil for none.
func (o *opened) through(open func(context.Context) (media.AudioSource, error)) func(context.Context) (media.AudioSource, error) {
	if open == nil {
		return nil
	}
	return func(ctx context.Context) (media.AudioSource, error) {
		m, err := open(ctx)
		if err != nil {
			return nil, err
		}
		o.set(m)
		return &knownMic{m, o}, nil
	}
}

func (o *opened) set(m media.AudioSource) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.mic = m
}

// delay returns how long sound takes from the microphone, if that is known.
func (o *opened) delay() (pulse.Delay, bool) {
	o.mu.Lock()
	m := o.mic
	o.mu.Unlock()
	if d, ok := m.(delayer); ok {
		parts, ok := d.Delay()
		return parts, ok && parts != (pulse.Delay{})
	}
	return pulse.Delay{}, false
}

// A knownMic is a microphone that an opened knows.
type knownMic struct {
	media.AudioSource
	by *opened
}

// Close closes the microphone, of which there is nothing more to tell.
func (m *knownMic) Close() error {
	m.by.set(nil)
	return m.AudioSource.Close()
}
