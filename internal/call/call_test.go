package call_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
)

// A testCamera shows a bright square that moves over a soft ground.
type testCamera struct {
	tick *time.Ticker
	done chan struct{}
	once sync.Once
	n    int
}

func newTestCamera(context.Context) (media.VideoSource, error) {
	return &testCamera{tick: time.NewTicker(time.Second / 30), done: make(chan struct{})}, nil
}

func (c *testCamera) ReadFrame(f *media.Frame) error {
	select {
	case <-c.done:
		return os.ErrClosed
	case f.At = <-c.tick.C:
	}
	f.Resize(320, 240, false)
	c.n++
	for y := range 240 {
		row := f.Y[y*320 : y*320+320]
		for x := range row {
			row[x] = uint8(60 + x/4 + y/8)
		}
		if y > 80 && y < 140 {
			x := c.n * 3 % 260
			for i := range 50 {
				row[x+i] = 220
			}
		}
	}
	return nil
}

func (c *testCamera) Close() error {
	c.once.Do(func() { c.tick.Stop(); close(c.done) })
	return nil
}

// A testMic hums.
type testMic struct {
	tick  *time.Ticker
	done  chan struct{}
	once  sync.Once
	phase float64
}

func newTestMic(context.Context) (media.AudioSource, error) {
	return &testMic{tick: time.NewTicker(media.ChunkTime), done: make(chan struct{})}, nil
}

func (m *testMic) ReadChunk(c *media.Chunk) error {
	select {
	case <-m.done:
		return os.ErrClosed
	case now := <-m.tick.C:
		c.At = now.Add(-media.ChunkTime)
	}
	for i := range c.PCM {
		c.PCM[i] = int16(6000 * math.Sin(m.phase))
		m.phase += 2 * math.Pi * 300 / media.SampleRate
	}
	return nil
}

func (m *testMic) Close() error {
	m.once.Do(func() { m.tick.Stop(); close(m.done) })
	return nil
}

// A testSpeaker keeps the energy of what it played.
type testSpeaker struct {
	tick *time.Ticker
	done chan struct{}
	once sync.Once

	mu     sync.Mutex
	chunks int
	loud   int // chunks above -40 dBFS
}

func newTestSpeaker() *testSpeaker {
	return &testSpeaker{tick: time.NewTicker(media.ChunkTime), done: make(chan struct{})}
}

func (s *testSpeaker) Wait() error {
	select {
	case <-s.done:
		return os.ErrClosed
	case <-s.tick.C:
		return nil
	}
}

func (s *testSpeaker) WriteChunk(c *media.Chunk) error {
	var sum float64
	for _, v := range c.PCM {
		sum += float64(v) * float64(v)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chunks++
	if math.Sqrt(sum/media.ChunkSamples) > 328 {
		s.loud++
	}
	return nil
}

func (s *testSpeaker) heard() (loud, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loud, s.chunks
}

func (s *testSpeaker) Latency() time.Duration { return 20 * time.Millisecond }

func (s *testSpeaker) Close() error {
	s.once.Do(func() { s.tick.Stop(); close(s.done) })
	return nil
}

// A world is a hub and its network in a bubble.
type world struct {
	t    *testing.T
	net  *simnet.Net
	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
	ids  int // identities in use

	mu   sync.Mutex
	ends map[[32]byte]transport.Conn // the hub's ends of connections, by their binding
}

// A noting listener keeps the hub's ends of connections.
type noting struct {
	transport.Listener
	w *world
}

func (l noting) Accept() (transport.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.w.mu.Lock()
		if l.w.ends == nil {
			l.w.ends = make(map[[32]byte]transport.Conn)
		}
		l.w.ends[c.Info().Binding] = c
		l.w.mu.Unlock()
	}
	return c, err
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, net: simnet.New(7)}
	w.ctx, w.stop = context.WithCancel(t.Context())
	w.serve()
	return w
}

// serve starts a hub and returns a function that stops it.
func (w *world) serve() context.CancelFunc {
	ln, err := w.net.Listen("hub")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.ctx)
	w.wg.Go(func() {
		if err := hub.New(hub.Config{}).Serve(ctx, noting{ln, w}); err != nil {
			w.t.Errorf("Serve: %v", err)
		}
	})
	return cancel
}

func (w *world) close() {
	w.stop()
	w.wg.Wait()
}

// dial returns a Dial function over the given links.
func (w *world) dial(up, down simnet.Link) func(context.Context) (transport.Conn, error) {
	return func(ctx context.Context) (transport.Conn, error) { return w.net.Dial(ctx, "hub", up, down) }
}

// person returns the Config of somebody with a camera, a microphone and a
// speaker.
func (w *world) person(name string, link simnet.Link) (call.Config, *testSpeaker) {
	s := newTestSpeaker()
	return call.Config{
		Dial: w.dial(link, link), Session: "room", Name: name, Identity: w.identity(),
		Camera: newTestCamera, Mic: newTestMic, Width: 80, Height: 60, // small: much time passes in these tests
		Speaker: func(context.Context) (media.AudioSink, error) { return s, nil },
	}, s
}

// identity returns one that nobody else has, up to person.Count of them.
func (w *world) identity() *identity.Identity {
	w.ids++
	return person.Identity(w.t, w.ids-1)
}

// enter joins and runs a call; its error is stored in the result when it ends.
func (w *world) enter(cfg call.Config) (*call.Call, *error) {
	w.t.Helper()
	return w.enterUntil(w.ctx, cfg)
}

// enterUntil is enter for somebody who leaves when ctx is done.
func (w *world) enterUntil(ctx context.Context, cfg call.Config) (*call.Call, *error) {
	w.t.Helper()
	c, err := call.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := c.Join(ctx); err != nil {
		w.t.Fatalf("%s: Join: %v", cfg.Name, err)
	}
	end := new(error)
	w.wg.Go(func() { *end = c.Run(ctx) })
	return c, end
}

func state(c *call.Call) call.State {
	var s call.State
	c.State(&s)
	return s
}

func TestThreeMembersSeeAndHearEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		var calls []*call.Call
		var ears []*testSpeaker
		for i := range 3 {
			cfg, ear := w.person(fmt.Sprintf("p%d", i), simnet.Link{Delay: 10 * time.Millisecond})
			c, _ := w.enter(cfg)
			calls, ears = append(calls, c), append(ears, ear)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(8 * time.Second)
		for i, c := range calls {
			s := state(c)
			if len(s.Members) != 2 {
				t.Fatalf("p%d sees %d members, want 2", i, len(s.Members))
			}
			for _, m := range s.Members {
				if !m.Present || m.Pictures < 100 || m.PicturesLost > 0 {
					t.Errorf("p%d: %q present %v, %d pictures, %d lost; want at least 100 and none", i, m.Name, m.Present, m.Pictures, m.PicturesLost)
				}
				if m.VoicePlayed < 380 || m.VoiceConcealed > 2 || m.VoiceLate > 0 {
					t.Errorf("p%d: voice of %q: %d played, %d concealed, %d late", i, m.Name, m.VoicePlayed, m.VoiceConcealed, m.VoiceLate)
				}
				if m.Voice <= 0 || m.Voice > 110*time.Millisecond {
					t.Errorf("p%d: voice of %q is %v old when played, want at most 110ms", i, m.Name, m.Voice)
				}
				if m.Down < s.Link.Down/4 || m.Down > s.Link.Down {
					t.Errorf("p%d: %.1f kB/s of %.1f come of %q", i, m.Down, s.Link.Down, m.Name)
				}
				if m.Picture > 100*time.Millisecond {
					t.Errorf("p%d: picture of %q is %v old, want at most 100ms", i, m.Name, m.Picture)
				}
				if f := c.Picture(m.Slot); f == nil || f.Rect.Dx() != 80 || f.Rect.Dy() != 60 {
					t.Errorf("p%d: no picture of %q, or of the wrong size", i, m.Name)
				}
				if c.Picture(m.Slot) != nil {
					t.Errorf("p%d: the same picture twice", i)
				}
			}
			if c.SelfPicture() == nil {
				t.Errorf("p%d does not see itself", i)
			}
			if loud, all := ears[i].heard(); loud < 380 {
				t.Errorf("p%d heard %d loud chunks of %d, want at least 380", i, loud, all)
			}
		}
	})
}

func TestNameTaken(t *testing.T) {
	for _, passphrase := range []string{"", "ember lake"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			cfg := w.guest("Bob")
			cfg.Passphrase = passphrase
			first, _ := w.enter(cfg)
			time.Sleep(time.Second)
			cfg = w.guest("bob")
			cfg.Passphrase = passphrase
			_, end := w.enter(cfg)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			r, ok := errors.AsType[*call.RefusedError](*end)
			if !ok || !r.NameTaken {
				t.Errorf("passphrase %q: second bob ended with %v, want a refusal for the name", passphrase, *end)
			}
			if s := state(first); len(s.Members) != 0 {
				t.Errorf("passphrase %q: first bob still sees %d members, want 0", passphrase, len(s.Members))
			}
		})
	}
}

func TestMutedSendsNoVoice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg, _ := w.person("ann", simnet.Link{})
		ann, _ := w.enter(cfg)
		cfg, _ = w.person("bob", simnet.Link{})
		bob, _ := w.enter(cfg)
		time.Sleep(2 * time.Second)
		ann.SetMuted(true)
		ann.SetCamera(false)
		time.Sleep(time.Second)
		before := state(bob).Members[0]
		time.Sleep(3 * time.Second)
		after := state(bob).Members[0]
		if !after.Muted || after.Camera || after.Speaking {
			t.Errorf("bob sees ann muted %v, camera %v, speaking %v", after.Muted, after.Camera, after.Speaking)
		}
		if after.VoicePlayed != before.VoicePlayed || after.Pictures != before.Pictures {
			t.Errorf("muted ann sent %d chunks and %d pictures", after.VoicePlayed-before.VoicePlayed, after.Pictures-before.Pictures)
		}
		ann.SetMuted(false)
		ann.SetCamera(true)
		time.Sleep(3 * time.Second)
		last := state(bob).Members[0]
		if n := last.VoicePlayed - after.VoicePlayed; n < 140 {
			t.Errorf("unmuted ann: %d chunks in 3 s, want at least 140", n)
		}
		if n := last.Pictures - after.Pictures; n < 40 {
			t.Errorf("ann's camera on: %d pictures in 3 s, want at least 40", n)
		}
	})
}

func TestLossHeals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg, _ := w.person("ann", simnet.Link{})
		w.enter(cfg)
		cfg, _ = w.person("bob", simnet.Link{Delay: 20 * time.Millisecond, Loss: 0.05})
		bob, _ := w.enter(cfg)
		time.Sleep(20 * time.Second)
		m := state(bob).Members[0]
		if m.Pictures < 200 { // of 300 sent; each loss costs a round trip
			t.Errorf("%d pictures in 20 s at 5 %% loss, want at least 200 (%d lost)", m.Pictures, m.PicturesLost)
		}
		if m.VoicePlayed < 900 || m.VoicePlayed+m.VoiceConcealed < 960 {
			t.Errorf("voice: %d played, %d concealed in 20 s", m.VoicePlayed, m.VoiceConcealed)
		}
	})
}

func TestReconnects(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: simnet.New(3)}
		w.ctx, w.stop = context.WithCancel(t.Context())
		stopHub := w.serve()
		defer w.close()
		var calls []*call.Call
		for _, name := range []string{"ann", "bob"} {
			cfg, _ := w.person(name, simnet.Link{Delay: 5 * time.Millisecond})
			c, _ := w.enter(cfg)
			calls = append(calls, c)
		}
		time.Sleep(2 * time.Second)
		stopHub()
		time.Sleep(time.Second)
		for _, c := range calls {
			if s := state(c); s.Link.Phase != call.Reconnecting || len(s.Members) != 0 {
				t.Errorf("%s without a hub: phase %v, %d members", s.Self.Name, s.Link.Phase, len(s.Members))
			}
		}
		w.serve()
		time.Sleep(20 * time.Second)
		for _, c := range calls {
			s := state(c)
			if s.Link.Phase != call.Joined || len(s.Members) != 1 {
				t.Fatalf("%s after the hub came back: phase %v, %d members", s.Self.Name, s.Link.Phase, len(s.Members))
			}
			if m := s.Members[0]; m.Pictures < 50 || m.VoicePlayed < 200 {
				t.Errorf("%s after the hub came back: %d pictures, %d chunks", s.Self.Name, m.Pictures, m.VoicePlayed)
			}
		}
	})
}

func TestDeviceFailsAndComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg, _ := w.person("ann", simnet.Link{})
		tries, start := 0, time.Now()
		cfg.Mic = func(ctx context.Context) (media.AudioSource, error) {
			if tries++; time.Since(start) < 5*time.Second {
				return nil, errors.New("not plugged in")
			}
			return newTestMic(ctx)
		}
		cfg.Camera = nil
		ann, _ := w.enter(cfg)
		time.Sleep(time.Second / 2)
		if s := state(ann); s.Mic || s.Cam || !s.Speaker {
			t.Errorf("mic %v, camera %v, speaker %v; want only the speaker", s.Mic, s.Cam, s.Speaker)
		}
		time.Sleep(10 * time.Second)
		if s := state(ann); !s.Mic {
			t.Error("the microphone was not opened again")
		}
		// Often at first, then less.
		if tries < 15 || tries > 20 {
			t.Errorf("the microphone was tried %d times, want 15 to 20", tries)
		}
		want := []call.NoticeKind{call.DeviceLost, call.DeviceBack}
		for _, k := range want {
			select {
			case n := <-ann.Notices():
				if n.Kind != k || n.Device != "microphone" {
					t.Errorf("notice %v about %q, want %v about the microphone", n.Kind, n.Device, k)
				}
			default:
				t.Errorf("no notice, want %v", k)
			}
		}
	})
}

// A brokenCamera is a bug.
type brokenCamera struct{ media.VideoSource }

func (brokenCamera) ReadFrame(*media.Frame) error { panic("a bug in the camera") }
func (brokenCamera) Close() error                 { return nil }

// TestPanicGivesTheTerminalBack runs itself in a process of its own, since that
// ends there.
func TestPanicGivesTheTerminalBack(t *testing.T) {
	if os.Getenv("S2C_TEST_PANIC") != "" {
		c, err := call.New(call.Config{
			Session: "room", Name: "ann", Identity: person.Identity(t, 0),
			Camera: func(context.Context) (media.VideoSource, error) { return brokenCamera{}, nil },
			Panic:  func() { fmt.Println("given back") },
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Preview(t.Context())
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPanicGivesTheTerminalBack$")
	cmd.Env = append(os.Environ(), "S2C_TEST_PANIC=1")
	out, err := cmd.CombinedOutput()
	given, bug := strings.Index(string(out), "given back"), strings.Index(string(out), "panic: a bug in the camera")
	if err == nil || given < 0 || bug < given {
		t.Errorf("%v; printed\n%s\nwant the terminal given back, then the panic", err, out)
	}
}
