package cli

import (
	"context"
	"io"
	"sync"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/media"
)

// deviceFlags say which devices a call uses.
type deviceFlags struct {
	cameraName, micName, speakerName string
	muted, cameraOff                 bool
}

func (f *deviceFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.cameraName, "camera", device.Auto, "`device`, auto, none, test, or a clip")
	fl.StringVar(&f.micName, "mic", device.Auto, "`device`, auto, none, test, or a .wav file")
	fl.StringVar(&f.speakerName, "speaker", device.Auto, "`device`, auto, none, test, or a .wav file to write")
	fl.BoolVar(&f.muted, "muted", false, "start with the microphone muted")
	fl.BoolVar(&f.cameraOff, "camera-off", false, "start with the camera off")
}

// devices are the openers for a call. Those that the person named are open
// already, so that a wrong name is an error at once; an automatic one may be
// missing, which the call says once.
type devices struct {
	camera  func(context.Context) (media.VideoSource, error)
	mic     func(context.Context) (media.AudioSource, error)
	speaker func(context.Context) (media.AudioSink, error)
	unused  []func() // close what was opened and never taken
}

func (f *deviceFlags) open(ctx context.Context) (*devices, error) {
	d := new(devices)
	var err error
	camera := device.NewOpener(f.cameraName, device.VideoConfig{Chroma: true})
	openCamera := func(ctx context.Context, _ string) (media.VideoSource, error) { return camera.Open(ctx) }
	if d.camera, err = prepare(ctx, d, f.cameraName, openCamera); err != nil {
		d.close()
		return nil, err
	}
	if d.mic, err = prepare(ctx, d, f.micName, device.OpenMic); err != nil {
		d.close()
		return nil, err
	}
	if d.speaker, err = prepare(ctx, d, f.speakerName, device.OpenSpeaker); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// close closes the devices that nobody took.
func (d *devices) close() {
	for _, f := range d.unused {
		f()
	}
}

// prepare returns an opener for the device called name: nil for none, and one
// that first hands out the device opened now when the name is a definite one.
func prepare[S io.Closer](ctx context.Context, d *devices, name string,
	open func(context.Context, string) (S, error),
) (func(context.Context) (S, error), error) {
	if name == device.None {
		return nil, nil
	}
	if name == device.Auto {
		return func(ctx context.Context) (S, error) { return open(ctx, name) }, nil
	}
	s, err := open(ctx, name)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	taken := false
	take := func() bool {
		mu.Lock()
		defer mu.Unlock()
		first := !taken
		taken = true
		return first
	}
	d.unused = append(d.unused, func() {
		if take() {
			s.Close()
		}
	})
	return func(ctx context.Context) (S, error) {
		if take() {
			return s, nil
		}
		return open(ctx, name)
	}, nil
}
