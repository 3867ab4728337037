package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/screen"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/term"
)

// The lab's terminal: the mirror's tile on it has 240x67 cells.
const (
	labCols, labRows = 242, 71
	labCells         = 240 * 67
	labFor           = 10 * time.Second
)

func init() { labMain = runLab }

// A spy is a terminal that keeps what is written to it.
type spy struct {
	tcell.Tty

	mu     sync.Mutex
	bytes  []byte
	writes int // of pictures
}

func (s *spy) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte(beginWrite)) {
		s.mu.Lock()
		s.writes++
		s.bytes = append(s.bytes, b...)
		s.mu.Unlock()
	}
	return s.Tty.Write(b)
}

// take returns what was written for pictures since it was called last, and in
// how many writes.
func (s *spy) take() (b []byte, writes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, writes = slices.Clone(s.bytes), s.writes
	s.bytes, s.writes = s.bytes[:0], 0
	return b, writes
}

// cellsIn returns how many cells were written: the characters that are not in
// sequences.
func cellsIn(b []byte) (n int) {
	inside := false
	for _, r := range strings.NewReplacer("\x1b7", "", "\x1b8", "").Replace(string(b)) {
		switch {
		case r == '\x1b':
			inside = true
		case !inside:
			n++
		case inside && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'):
			inside = false
		}
	}
	return n
}

// labScenes are what the camera sees.
var labScenes = map[string]func() []*media.Frame{
	"still": func() []*media.Frame { return camera(640, 480, 32, 4) },
	"grain": func() []*media.Frame { return camera(640, 480, 32, 8) },
	"pan":   func() []*media.Frame { return pan(camera(640, 480, 32, 4)) },
	"noise": func() []*media.Frame { return noise(640, 480) },
}

// pan moves pictures sideways, by two pixels each, there and back.
func pan(frames []*media.Frame) []*media.Frame {
	for k, f := range frames {
		by := 2 * min(k, len(frames)-k)
		for y := range f.Rect.Dy() {
			row := f.Y[y*f.YStride:][:f.Rect.Dx()]
			copy(row, append([]uint8(nil), row[by:]...))
		}
	}
	return frames
}

// usage returns how much processor time this process and another have taken.
func usage(pid int) (own, other time.Duration) {
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err == nil {
		own = time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return own, 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return own, time.Duration(user+system) * time.Second / 100 // ticks
}

// runLab shows a scene in the mirror at 30 pictures a second, and writes what
// that cost to a file.
func runLab(scene, file string) error {
	tty, err := tcell.NewDevTty()
	if err != nil {
		return err
	}
	s := &spy{Tty: tty}
	g := newGate(s)
	scr, err := tcell.NewTerminfoScreenFromTty(g)
	if err != nil {
		return err
	}
	frames := labScenes[scene]()
	var newest atomic.Pointer[media.Frame]
	changed := make(chan struct{}, 1)
	sent, shown := 0, new(atomic.Int64)
	v := &mirrorView{self: tile{name: "you"}, cfg: MirrorConfig{Pictures: func() *media.Frame {
		f := newest.Swap(nil)
		if f != nil {
			shown.Add(1)
		}
		return f
	}}}
	t, err := open(setup{
		screen: scr, pictures: pictures{look: ascii.LookOctant}, info: term.Info{Name: "tmux", Blocks: true, Octants: true},
	}, g)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	pid, _ := strconv.Atoi(strings.Split(os.Getenv("TMUX")+",,", ",")[1])
	var report string
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		feed := func(d time.Duration) {
			tick := time.NewTicker(time.Second / 30)
			defer tick.Stop()
			for range int(d * 30 / time.Second) {
				newest.Store(frames[sent%len(frames)])
				sent++
				select {
				case changed <- struct{}{}:
				default:
				}
				<-tick.C
			}
		}
		feed(3 * time.Second) // until the noise is known
		s.take()
		all, fromSent, fromShown := g.written.Load(), sent, shown.Load()
		own, server := usage(pid)
		begun := time.Now()
		feed(labFor)
		d := time.Since(begun).Seconds()
		ownEnd, serverEnd := usage(pid)
		all = g.written.Load() - all
		b, writes := s.take()
		painted := float64(max(shown.Load()-fromShown, 1))
		drawing := drawTime(frames) * painted / d
		report = fmt.Sprintf(
			"%-5s: %.1f fps sent, %.1f painted, %.1f writes/s, %.1f kB/s, %.0f B a picture, %.2f %% of the cells; "+
				"s2c %.1f %% of a core, of which ascii.Render %.1f; tmux %.1f %%",
			scene, float64(sent-fromSent)/d, painted/d, float64(writes)/d, float64(all)/d/1000,
			float64(len(b))/painted, 100*float64(cellsIn(b))/painted/labCells,
			100*(ownEnd-own).Seconds()/d, 100*drawing, 100*(serverEnd-server).Seconds()/d,
		)
	}()
	err = t.loop(ctx, v, changed)
	cancel()
	t.close()
	<-done
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if s := t.ladder.String(); s != "" {
		report += "; in the end " + s
	}
	return os.WriteFile(file, []byte(report), 0o600)
}

// drawTime returns how many seconds of processor time ascii takes to draw one
// of the pictures.
func drawTime(frames []*media.Frame) float64 {
	const n = 200
	cells := make([]ascii.Cell, labCells)
	r := ascii.Renderer{Look: ascii.LookOctant}
	var from time.Duration
	for i := range 2 * n {
		if i == n {
			from, _ = usage(os.Getpid())
		}
		r.Render(cells, 240, 67, 2, &frames[i%len(frames)].YCbCr)
	}
	to, _ := usage(os.Getpid())
	return (to - from).Seconds() / n
}

// BenchmarkScreen measures the mirror in a terminal of 242x71 cells with
// pictures of 640x480 pixels, once for each scene:
//
//	go test -run '^$' -bench Screen -benchtime 1x -v ./internal/ui
func BenchmarkScreen(t *testing.B) {
	lab.Need(t, screen.Available())
	for _, scene := range []string{"still", "grain", "pan", "noise"} {
		file := t.TempDir() + "/report"
		s, err := screen.Start(t.Context(), labCols, labRows, []string{realEnv + "=" + labMode + scene + ":" + file}, self(t))
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(labFor + 2*realTimeout); ; time.Sleep(time.Second) {
			if b, err := os.ReadFile(file); err == nil && len(b) > 0 {
				t.Log(string(b))
				break
			}
			if time.Now().After(deadline) {
				g, _ := s.Capture()
				t.Errorf("no report of %s; the terminal shows\n%s", scene, g.Text())
				break
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
