package cli

import (
	"context"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/ui"
)

// isFirst reports whether a call on the screen is the first one of a person who can
// be asked, so that a page comes before it.
func (e Env) isFirst(s *screenFlags, set *settings) bool {
	return !s.noSetup && !s.headless && !s.plain && isTerminal(e.Stdin) && isTerminal(e.Stdout) && !set.wasSetUp()
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// setUp shows what the person looks and sounds like before their first call, and
// reports whether they go on to it. The devices are free again when it returns.
func (e Env) setUp(ctx context.Context, dev *devices, d *deviceFlags, screen *shownAs, s *screenFlags, crash func()) (ready bool, err error) {
	id, err := throwaway() // a call has one, though nobody gets to see this
	if err != nil {
		return false, err
	}
	var p firstPage
	c, err := call.New(call.Config{
		Session: "setup", Name: "you", Identity: id, Camera: dev.camera, Mic: p.mic.through(dev.mic), Panic: crash,
		Width: mirrorWidth, Height: mirrorHeight,
	})
	if err != nil {
		return false, err
	}
	p.call = c
	ctx, cancel := context.WithCancel(ctx)
	var run sync.WaitGroup
	defer run.Wait()
	defer cancel()
	run.Go(func() { c.Preview(ctx) })
	if d.speakerName == device.Auto { // others were opened
		run.Go(func() { p.lookForSpeaker(ctx) })
	}
	look := screen.uiConfig(s)
	return ui.Setup(ctx, ui.MirrorConfig{
		Pictures: c.SelfPicture, Changed: c.Changed(), Level: p.level, Status: p.status, WatchSelf: c.WatchSelf,
		Terminal: look.Terminal, Look: look.Look, Auto: look.Auto, Rate: look.Rate,
		LookChosen: func(l ascii.Look, auto bool) {
			screen.look, screen.auto = l, auto // for the call too
			screen.chosen(l, auto)
		},
		Theme: look.Settings.Theme, Borders: look.Borders,
	})
}

// A firstPage tells the page before the first call how the devices are. One
// goroutine uses it, but for lookForSpeaker.
type firstPage struct {
	mirror
	silent error // what the speaker says; guarded by mu
	mu     sync.Mutex
}

// lookForSpeaker finds out whether there is a speaker, by opening it for a moment.
func (p *firstPage) lookForSpeaker(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, aecTime)
	defer cancel()
	s, err := device.OpenSpeaker(ctx, device.Auto)
	if err == nil {
		s.Close()
		return
	}
	if ctx.Err() != nil {
		return // nobody looks any more
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = err
}

// status returns a line for each device that is missing, and one for the microphone.
func (p *firstPage) status() []string {
	lines := p.mirror.status()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent != nil {
		lines = append(lines, missing(aSpeaker, p.silent))
	}
	return lines
}
