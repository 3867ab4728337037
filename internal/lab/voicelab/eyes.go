package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	engine "github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/device"
	labs "github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/cam"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/video"
)

// What s2c shows it shows to people. So where it matters what is seen, a member is
// this program itself, as another process: the engine of s2c without its screen,
// with a camera before which a clip runs. All know when the clip has begun, so
// whoever sees a picture of it can tell which one it is by when it was taken, and
// how much it is like that.

// watching is the first argument of such a process.
const watching = "watching-member"

// eyes are how a member with eyes looks at the others.
type eyes struct {
	clip  string    // y4m
	began time.Time // when the clip did
	view  engine.View
}

// A picture is one that was seen. Headless output has it as a member's.
type picture struct {
	Taken int64   `json:"taken"` // when, in ms since 1970
	Seen  int64   `json:"seen"`  // when it was ready to be shown, likewise
	SSIM  float64 `json:"ssim"`  // beside what the sender's encoder got
}

// age returns how old the picture was, in ms.
func (p picture) age() float64 { return float64(p.Seen - p.Taken) }

// args returns the arguments for a process.
func (e *eyes) args(hub, name, mic, speaker string, thin bool) []string {
	v := e.view
	return []string{
		watching, "-hub", hub, "-name", name, "-mic", mic, "-speaker", speaker, "-clip", e.clip,
		"-began", strconv.FormatInt(e.began.UnixNano(), 10), "-thin=" + strconv.FormatBool(thin),
		"-width", strconv.Itoa(v.Width), "-height", strconv.Itoa(v.Height), "-fps", strconv.Itoa(v.FPS), "-tall=" + strconv.FormatBool(v.Tall),
	}
}

// A watcher is a member with eyes.
type watcher struct {
	call *engine.Call
	clip *cam.Clip
	eyes
	out *json.Encoder

	state       engine.State
	seen        map[string][]picture // since the last line, by name
	camera, ref media.Frame          // scratch
}

// watch is the process of a member with eyes. It ends when ctx is done.
func watch(ctx context.Context, args []string, out, log io.Writer) error {
	w := &watcher{out: json.NewEncoder(out), seen: make(map[string][]picture)}
	flags := flag.NewFlagSet(watching, flag.ContinueOnError)
	flags.SetOutput(log)
	hub, name := flags.String("hub", "", "address"), flags.String("name", "", "its name")
	mic, speaker := flags.String("mic", "", "a file"), flags.String("speaker", "", "a file")
	thin := flags.Bool("thin", false, "as s2c --thin")
	began := flags.Int64("began", 0, "when the clip did, in ns since 1970")
	flags.StringVar(&w.eyes.clip, "clip", "", "a file")
	flags.IntVar(&w.view.Width, "width", 0, "pixels")
	flags.IntVar(&w.view.Height, "height", 0, "pixels")
	flags.IntVar(&w.view.FPS, "fps", 0, "pictures a second")
	flags.BoolVar(&w.view.Tall, "tall", false, "pixels are twice as high as wide")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var err error
	if w.clip, err = cam.LoadClip(w.eyes.clip); err != nil {
		return err
	}
	w.began = time.Unix(0, *began)
	w.call, err = engine.New(engine.Config{
		Dial: func(ctx context.Context) (transport.Conn, error) {
			return transport.Dial(ctx, transport.DialConfig{Addr: *hub, Verify: func(string) error { return nil }})
		},
		Session: session, Name: *name, Thin: *thin, Gate: func() bool { return false },
		Camera:  func(context.Context) (media.VideoSource, error) { return newStage(w.clip, w.began), nil },
		Mic:     func(ctx context.Context) (media.AudioSource, error) { return device.OpenMic(ctx, *mic) },
		Speaker: func(ctx context.Context) (media.AudioSink, error) { return device.OpenSpeaker(ctx, *speaker) },
	})
	if err != nil {
		return err
	}
	if err := w.call.Join(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	running.Go(func() { cancel(w.call.Run(ctx)) })
	defer running.Wait()
	defer cancel(nil)
	return w.look(ctx)
}

// look looks at the others and tells how it is, until ctx is done.
func (w *watcher) look(ctx context.Context) error {
	tick := time.NewTicker(told)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-w.call.Changed():
			w.lookOnce(time.Now())
		case <-tick.C:
			if err := w.tell(); err != nil {
				return err
			}
		}
	}
}

// lookOnce takes what pictures are new.
func (w *watcher) lookOnce(now time.Time) {
	w.call.State(&w.state)
	views := make([]engine.View, 0, len(w.state.Members))
	for i := range w.state.Members {
		m := &w.state.Members[i]
		v := w.view
		v.Slot = m.Slot
		views = append(views, v)
		if f := w.call.Picture(m.Slot); f != nil {
			w.seen[m.Name] = append(w.seen[m.Name], w.judge(f, now))
		}
	}
	w.call.Watch(views)
}

// judge says how much a picture is like what was to be seen when it was taken.
func (w *watcher) judge(f *media.Frame, now time.Time) picture {
	size := w.clip.Size()
	w.camera.Resize(size.X, size.Y, true)
	w.clip.Draw(&w.camera.YCbCr, f.At.Sub(w.began))
	w.ref.Resize(f.Rect.Dx(), f.Rect.Dy(), false)
	high := 1
	if f.Tall {
		high = 2
	}
	video.ScaleTo(&w.ref.YCbCr, &w.camera.YCbCr, high)
	return picture{Taken: f.At.UnixMilli(), Seen: now.UnixMilli(), SSIM: labs.SSIM(&w.ref.YCbCr, &f.YCbCr)}
}

// tell prints a line such as s2c does.
func (w *watcher) tell() error {
	w.call.State(&w.state)
	s := &w.state
	e := event{Event: "stats", Slot: s.Self.Slot, Link: linkFigures{Joined: s.Link.Phase == engine.Joined, Path: s.Link.Path.String()}}
	for i := range s.Members {
		m := &s.Members[i]
		e.Members = append(e.Members, figures{
			Name: m.Name, Delay: float64(m.Voice.Microseconds()) / 1000, Played: m.VoicePlayed, Concealed: m.VoiceConcealed,
			Late: m.VoiceLate, Dropped: m.VoiceDropped, Repeated: &m.VoiceRepeated, Restored: &m.VoiceRestored, Seen: w.seen[m.Name],
		})
	}
	clear(w.seen)
	return w.out.Encode(e)
}

// A stage is a camera that sees a clip. One goroutine reads; any goroutine may
// close.
type stage struct {
	clip  *cam.Clip
	began time.Time
	next  int // picture since then
	once  sync.Once
	shut  chan struct{}
}

// stageRate is how many pictures a second a stage gives.
const stageRate = 30

func newStage(clip *cam.Clip, began time.Time) *stage {
	return &stage{clip: clip, began: began, shut: make(chan struct{})}
}

// at returns when a picture is taken, after the clip has begun.
func (s *stage) at(n int) time.Duration { return time.Duration(n) * time.Second / stageRate }

// ReadFrame implements media.VideoSource. Pictures that nobody was there for are
// left out.
func (s *stage) ReadFrame(f *media.Frame) error {
	s.next = max(s.next+1, int(time.Since(s.began)*stageRate/time.Second))
	at := s.began.Add(s.at(s.next))
	select {
	case <-s.shut:
		return fmt.Errorf("read stage: %w", os.ErrClosed)
	case <-time.After(time.Until(at)):
	}
	size := s.clip.Size()
	f.Resize(size.X, size.Y, true)
	s.clip.Draw(&f.YCbCr, s.at(s.next))
	f.At = at
	return nil
}

// Close implements media.VideoSource.
func (s *stage) Close() error {
	s.once.Do(func() { close(s.shut) })
	return nil
}

const (
	cellsWide = 60
	cellsHigh = 20
)

// letters says that pictures are drawn with letters, of which each is a pixel that
// is twice as high as wide, and not with blocks, of which each has two square ones.
const letters = true

// cells returns how a member looks at another's picture in a terminal.
func cells(letters bool) engine.View {
	if letters {
		return engine.View{Width: cellsWide, Height: cellsHigh, Tall: true}
	}
	return engine.View{Width: cellsWide, Height: 2 * cellsHigh}
}
