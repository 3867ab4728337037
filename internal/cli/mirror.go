package cli

import (
	"context"
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/ui"
)

// mirrorWidth and mirrorHeight are the size of the picture in the mirror, in
// pixels: more than a call sends, since nothing is sent.
const (
	mirrorWidth  = 480
	mirrorHeight = 360
)

func (e Env) mirror() *cobra.Command {
	var d deviceFlags
	var look lookFlags
	cmd := &cobra.Command{
		Use:   "mirror",
		Short: "your own camera and microphone, without a network",
		Long: `See your own camera in every look, and the level of your microphone. Nothing
leaves this machine.`,
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
	fl := cmd.Flags()
	fl.StringVar(&d.cameraName, "camera", device.Auto, "`device`, auto, none, test, or a clip")
	fl.StringVar(&d.micName, "mic", device.Auto, "`device`, auto, none, test, or a .wav file")
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
	screen := e.screen(look)
	c, err := call.New(call.Config{
		Session: "mirror", Name: "you", Identity: id, Camera: dev.camera, Mic: dev.mic, Panic: saved.restore,
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
	m := mirror{call: c}
	return noScreen(ui.Mirror(ctx, ui.MirrorConfig{
		Pictures: c.SelfPicture, Changed: c.Changed(), Level: m.level, Status: m.status, WatchSelf: c.WatchSelf,
		Terminal: screen.terminal, Look: screen.look, Auto: screen.auto, LookChosen: screen.chosen, Rate: screen.rate,
	}))
}

// A mirror tells the screen how the devices are. One goroutine uses it.
type mirror struct {
	call  *call.Call
	state call.State
	lines []string
}

// level returns the level of the microphone in dBFS and whether it hears speech.
func (m *mirror) level() (dbfs float64, speaking bool) {
	m.call.State(&m.state)
	return m.state.Self.Level, m.state.Self.Speaking
}

// status returns a line for each device that fails.
func (m *mirror) status() []string {
	for {
		select {
		case n := <-m.call.Notices():
			switch n.Kind {
			case call.DeviceLost:
				m.lines = append(m.lines, fmt.Sprintf("%s: %v", n.Device, n.Err))
			case call.DeviceBack:
				m.lines = nil
			default: // there is nobody else
			}
		default:
			return m.lines
		}
	}
}
