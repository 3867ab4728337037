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

	mu sync.Mutex

	// Guarded by mu.
	names map[string]string // what the openers open, by kind
	eye   *device.Opener    // of the camera
}

// The kinds of devices, as the engine has them.
const (
	aCamera     = "camera"
	aMicrophone = "microphone"
	aSpeaker    = "speaker"
)

// fit puts the devices into the configuration of a call.
func (d *devices) fit(cfg *call.Config, f *deviceFlags) {
	cfg.Camera, cfg.Mic, cfg.Speaker, cfg.Choose = d.camera, d.mic, d.speaker, d.choose
	cfg.Muted, cfg.CameraOff = f.muted, f.cameraOff
	cfg.LowLatency, cfg.Thin = f.lowLatency, f.thin
	cfg.Gate = func() bool { return !f.noAEC && d.pair.Live() }
	cfg.AEC = func() error {
		err := d.pair.AEC()
		if errors.Is(err, device.ErrNoAEC) {
			return nil // as it should be
		}
		return err
	}
}

func (f *deviceFlags) open(ctx context.Context) (*devices, error) {
	d := &devices{
		names: map[string]string{aCamera: f.cameraName, aMicrophone: f.micName, aSpeaker: f.speakerName},
		eye:   newEye(f.cameraName),
		pair: device.NewPair(device.PairConfig{
			Mic: f.micName, Speaker: f.speakerName, NoAEC: f.noAEC, LowLatency: f.lowLatency,
		}),
	}
	openCamera := func(ctx context.Context) (media.VideoSource, error) {
		d.mu.Lock()
		eye := d.eye
		d.mu.Unlock()
		return eye.Open(ctx)
	}
	var err error
	if d.camera, err = prepare(ctx, d, aCamera, openCamera); err != nil {
		d.close()
		return nil, err
	}
	if d.mic, err = prepare(ctx, d, aMicrophone, d.pair.OpenMic); err != nil {
		d.close()
		return nil, err
	}
	if d.speaker, err = prepare(ctx, d, aSpeaker, d.pair.OpenSpeaker); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// newEye returns what opens the camera with a name.
func newEye(name string) *device.Opener {
	return device.NewOpener(name, device.VideoConfig{Chroma: true})
}

// choose has the opener of one kind open another device from now on, as
// call.Config.Choose says.
func (d *devices) choose(ctx context.Context, kind, name string) (undo func(), err error) {
	pairUndo := func() {}
	switch kind {
	case aMicrophone:
		pairUndo, err = d.pair.UseMic(ctx, name)
	case aSpeaker:
		pairUndo, err = d.pair.UseSpeaker(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	was, eye := d.names[kind], d.eye
	d.names[kind] = name
	if kind == aCamera {
		d.eye = newEye(name)
	}
	return func() {
		pairUndo()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.names[kind], d.eye = was, eye
	}, nil
}

// isNone reports whether no device of a kind is wanted.
func (d *devices) isNone(kind string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names[kind] == device.None
}

// close closes the devices that nobody took.
func (d *devices) close() {
	for _, f := range d.unused {
		f()
	}
}

// prepare returns an opener for the device of a kind, which returns call.ErrNone
// while none is wanted. It first hands out the device opened now when its name is a
// definite one.
func prepare[S io.Closer](ctx context.Context, d *devices, kind string,
	open func(context.Context) (S, error),
) (func(context.Context) (S, error), error) {
	chosen := func(ctx context.Context) (s S, err error) {
		if d.isNone(kind) {
			return s, call.ErrNone
		}
		return open(ctx)
	}
	if name := d.names[kind]; name == device.None || name == device.Auto {
		return chosen, nil
	}
	s, err := open(ctx)
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
		return chosen(ctx)
	}, nil
}
