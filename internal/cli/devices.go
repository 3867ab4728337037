package cli

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/media"
)

// deviceFlags say which devices a call uses.
type deviceFlags struct {
	cameraName, micName, speakerName string
	muted, cameraOff                 bool
	noAEC, lowLatency, thin          bool
}

func (f *deviceFlags) add(cmd *cobra.Command) {
	f.addSources(cmd)
	f.addSpeaker(cmd)
	fl := cmd.Flags()
	fl.BoolVar(&f.muted, "muted", false, "start with the microphone muted; hold Space to speak")
	fl.BoolVar(&f.noAEC, "no-aec", false, "leave the microphone as it is: echo, noise and loudness")
	fl.BoolVar(&f.lowLatency, "low-latency", false, "less delay of the voice, for more bytes and a machine that is not busy")
	fl.BoolVar(&f.thin, "thin", false, "a call for a line of 33.6 kbit/s: everybody in it sends little")
	fl.BoolVar(&f.cameraOff, "camera-off", false, "start with the camera off")
}

// addSources adds the flags for what sees and hears.
func (f *deviceFlags) addSources(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.cameraName, "camera", device.Auto, "`device`, auto, none, test, or a clip")
	fl.StringVar(&f.micName, "mic", device.Auto, "`device`, auto, none, test, or a .wav file")
}

// addSpeaker adds the flag for what is heard.
func (f *deviceFlags) addSpeaker(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.speakerName, "speaker", device.Auto, "`device`, auto, none, test, or a .wav file to write")
}

// devices are the openers for a call. Those that the person named are open
// already, so that a wrong name is an error at once; an automatic one may be
// missing, which the call says once.
type devices struct {
	camera  func(context.Context) (media.VideoSource, error)
	mic     func(context.Context) (media.AudioSource, error)
	speaker func(context.Context) (media.AudioSink, error)
	pair    *device.Pair // of mic and speaker
	unused  []func()     // close what was opened and never taken
}

// fit puts the devices into the configuration of a call.
func (d *devices) fit(cfg *call.Config, f *deviceFlags) {
	cfg.Camera, cfg.Mic, cfg.Speaker = d.camera, d.mic, d.speaker
	cfg.Muted, cfg.CameraOff = f.muted, f.cameraOff
	cfg.LowLatency, cfg.Thin, cfg.NoGate = f.lowLatency, f.thin, f.noAEC || !d.pair.Live()
	cfg.AEC = func() error {
		err := d.pair.AEC()
		if errors.Is(err, device.ErrNoAEC) {
			return nil // as it should be
		}
		return err
	}
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
	d.pair = device.NewPair(device.PairConfig{
		Mic: f.micName, Speaker: f.speakerName, NoAEC: f.noAEC, LowLatency: f.lowLatency,
	})
	openMic := func(ctx context.Context, _ string) (media.AudioSource, error) { return d.pair.OpenMic(ctx) }
	if d.mic, err = prepare(ctx, d, f.micName, openMic); err != nil {
		d.close()
		return nil, err
	}
	openSpeaker := func(ctx context.Context, _ string) (media.AudioSink, error) { return d.pair.OpenSpeaker(ctx) }
	if d.speaker, err = prepare(ctx, d, f.speakerName, openSpeaker); err != nil {
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
