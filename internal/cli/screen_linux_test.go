package cli_test

import (
	"flag"
	"image"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/cam"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/screen"
	"github.com/sanix-darker/s2c/internal/video"
)

var update = flag.Bool("update", false, "write the pictures in docs")

// TestFaceOnTheOtherScreen is a call on real input: a V4L2 camera that films a
// real person, a hub, and two members in a terminal each. What the second one
// sees must be what the camera films.
func TestFaceOnTheOtherScreen(t *testing.T) {
	lab.Need(t, screen.Available())
	clip, err := cam.LoadClip(lab.Clip(t))
	if err != nil {
		t.Fatal(err)
	}
	camera, err := cam.Start(cam.Config{Source: clip})
	lab.Need(t, err)
	defer camera.Close()
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	hub, err := s2c.Hub(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer hub.End()
	env := []string{"S2C_CONFIG=" + s2c.Dir + "/config", "S2C_STATE=" + s2c.Dir + "/state", "S2C_NO_SETUP=1"}
	join := func(name, camera string) *screen.Session {
		s, err := screen.Start(t.Context(), 100, 30, env, s2c.Exe, "join", "-s", "face", "-c", name,
			"--camera", camera, "--mic", "none", "--speaker", "none", hub.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	ann := join("ann", camera.Path())
	bob := join("bob", "none")
	if _, err := ann.WaitText("bob", 10*time.Second); err != nil {
		t.Fatal(err)
	}
	best := 0.0
	g, err := bob.WaitFor(func(g screen.Grid) bool {
		best = max(best, likeness(g, clip))
		return best > 0.95
	}, 15*time.Second)
	if err != nil {
		t.Errorf("what bob sees is like what the camera films by %.3f, want more than 0.95\n%s", best, g.Text())
	}
	t.Logf("likeness %.3f", best)
	if *update {
		writePNG(t, g, "../../docs/camera.png")
	}
	// Unplugged and plugged in again, in the middle of the call.
	if err := camera.Unplug(); err != nil {
		t.Fatal(err)
	}
	if g, err := ann.WaitText("no camera", 10*time.Second); err != nil {
		t.Errorf("ann is not told: %v\n%s", err, g.Text())
	}
	if g, err := bob.WaitText("camera off", 10*time.Second); err != nil {
		t.Errorf("bob does not see it: %v\n%s", err, g.Text())
	}
	if err := camera.Plug(); err != nil {
		t.Fatal(err)
	}
	if g, err := bob.WaitFor(func(g screen.Grid) bool { return likeness(g, clip) > 0.95 }, 15*time.Second); err != nil {
		t.Errorf("the picture does not come back: %v\n%s", err, g.Text())
	}
	for _, s := range []*screen.Session{ann, bob} {
		if err := s.Keys("q"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.WaitFor(func(screen.Grid) bool {
			_, exited, err := s.Exited()
			return exited || err != nil
		}, 5*time.Second); err != nil {
			t.Fatal("q does not quit")
		}
		if status, _, err := s.Exited(); status != 0 || err != nil {
			t.Errorf("q: exit status %d, %v; want 0", status, err)
		}
	}
}

// TestTerminalIsRestored makes sure that the terminal is as before after every
// way for a call to end.
func TestTerminalIsRestored(t *testing.T) {
	lab.Need(t, screen.Available())
	s2c, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		end  func(t *testing.T, s *screen.Session, p *os.Process) error
		want string
	}{
		{"q", func(_ *testing.T, s *screen.Session, _ *os.Process) error { return s.Keys("q") }, "status 0"},
		{"ctrl-c", func(_ *testing.T, s *screen.Session, _ *os.Process) error { return s.Keys("C-c") }, "status 0"},
		{"SIGINT", func(_ *testing.T, _ *screen.Session, p *os.Process) error { return p.Signal(os.Interrupt) }, "status 130"},
		{"SIGTERM", func(_ *testing.T, _ *screen.Session, p *os.Process) error { return p.Signal(syscall.SIGTERM) }, "status 130"},
		{"SIGHUP", func(_ *testing.T, _ *screen.Session, p *os.Process) error { return p.Signal(syscall.SIGHUP) }, "status 130"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			script := `cd ` + dir + `; echo before; stty -a >before
sh -c 'echo $$ >pid; exec ` + s2c.Exe + ` demo --camera test --mic none --speaker none'
echo "status $?"; stty -a >after; cmp before after && echo the same; exec sleep 60`
			s, err := screen.Start(t.Context(), 80, 24, s2c.Env(), "sh", "-c", script)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if g, err := s.WaitText("carol", 10*time.Second); err != nil {
				t.Fatalf("%v\n%s", err, g.Text())
			}
			b, err := os.ReadFile(filepath.Join(dir, "pid"))
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			p, err := os.FindProcess(pid)
			if err != nil {
				t.Fatal(err)
			}
			if err := test.end(t, s, p); err != nil {
				t.Fatal(err)
			}
			g, err := s.WaitText("the same", 5*time.Second)
			text := strings.TrimSpace(g.Text())
			if want := "before\n" + test.want + "\nthe same"; err != nil || text != want {
				t.Errorf("the screen shows\n%s\nwant\n%s (%v)", text, want, err)
			}
		})
	}
}

func writePNG(t *testing.T, g screen.Grid, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := g.Save(path); err != nil {
		t.Fatal(err)
	}
}

// likeness returns the greatest correlation of the half blocks on a screen with
// any picture of a clip, 0 when there is no picture on it.
func likeness(g screen.Grid, clip *cam.Clip) float64 {
	area := image.Rectangle{}
	for i, c := range g.Cells {
		if c.Text == "▀" {
			x, y := i%g.Cols, i/g.Cols
			area = area.Union(image.Rect(x, y, x+1, y+1))
		}
	}
	if area.Dx() < 20 || area.Dy() < 10 {
		return 0
	}
	var seen []float64 // top and bottom halves of the cells; NaN where there is no picture
	for y := area.Min.Y; y < area.Max.Y; y++ {
		var top, bottom []float64
		for x := area.Min.X; x < area.Max.X; x++ {
			c := g.At(x, y)
			a, b := math.NaN(), math.NaN()
			if c.Text == "▀" {
				a, b = float64(c.Fg>>8&0xff), float64(c.Bg>>8&0xff)
			}
			top, bottom = append(top, a), append(bottom, b)
		}
		seen = append(append(seen, top...), bottom...)
	}
	best := 0.0
	size := clip.Size()
	want := image.NewYCbCr(image.Rect(0, 0, area.Dx(), 2*area.Dy()), image.YCbCrSubsampleRatio420)
	height := min(size.Y, size.X*want.Rect.Dy()/want.Rect.Dx())
	for i := range clip.Len() {
		// The screen keeps more of the top; where exactly is its own matter.
		for _, top := range []int{(size.Y - height) * 4 / 10, (size.Y - height) / 2} {
			film := &image.YCbCr{Y: clip.Luma(i)[top*size.X:], YStride: size.X, Rect: image.Rect(0, 0, size.X, height)}
			video.Scale(want, film)
			best = max(best, correlation(seen, want.Y))
		}
	}
	return best
}

// correlation returns Pearson's coefficient of a and b where a is a number.
func correlation(a []float64, b []byte) float64 {
	var n, sa, sb, saa, sbb, sab float64
	for i, x := range a {
		if y := float64(b[i]); !math.IsNaN(x) {
			n, sa, sb, saa, sbb, sab = n+1, sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y
		}
	}
	return (n*sab - sa*sb) / math.Sqrt((n*saa-sa*sa)*(n*sbb-sb*sb))
}
