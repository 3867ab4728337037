package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	engine "github.com/sanix-darker/s2c/internal/call"
	labs "github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/cam"
	"github.com/sanix-darker/s2c/internal/lab/network"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/video"
)

// TestMain lets the test program be a member with eyes, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == watching {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestEyes has two members with eyes see each other through a real network.
func TestEyes(t *testing.T) {
	n, err := network.New(t.Context())
	labs.Need(t, err)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	labs.Clip(t) // needs what the members need
	const fps = 4
	l := &lab{options: options{seconds: 3, settle: 500 * time.Millisecond, seed: 1, fps: fps}, dir: t.TempDir(), log: os.Stderr}
	if l.s2c, err = program.Build(t.Context(), l.dir); err != nil {
		t.Fatal(err)
	}
	calm := network.Hurry()
	p, err := l.pair(t.Context(), testCase{name: "eyes", both: true, view: cells(letters)}, babble(8*rate, 1))
	calm()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := l.lines(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range lines {
		s := &x.seen
		if s.rate < fps/2 || s.rate > fps+1 {
			t.Errorf("%s: %.1f pictures a second, want about %d", x.name, s.rate, fps)
		}
		// Another picture of the clip is less than 0.9 like.
		if q := quantile(s.ssim, 0.5); !(q > 0.95) {
			t.Errorf("%s: SSIM %.3f, want 0.95 or more: %v", x.name, q, s.ssim)
		}
		if age := quantile(s.age, 0.5); !(age > 20 && age < 1000) {
			t.Errorf("%s: pictures are %.0f ms old, on a path of 20 ms", x.name, age)
		}
	}
}

// TestJudge holds that a picture is taken for that of its instant, and that another
// one is told from it.
func TestJudge(t *testing.T) {
	clip, err := cam.LoadClip(labs.Clip(t))
	if err != nil {
		t.Fatal(err)
	}
	w := &watcher{clip: clip, eyes: eyes{began: time.Unix(1000, 0)}}
	st := newStage(clip, w.began)
	for _, view := range []engine.View{cells(letters), cells(!letters)} {
		high := 1
		if view.Tall {
			high = 2
		}
		for _, c := range []struct {
			n, off int
			like   bool
		}{{40, 0, true}, {41, 0, true}, {127, 0, true}, {40, 12, false}} {
			var taken, shown media.Frame
			taken.Resize(640, 480, true)
			clip.Draw(&taken.YCbCr, st.at(c.n))
			shown.Resize(view.Width, view.Height, false)
			shown.Tall = view.Tall
			video.ScaleTo(&shown.YCbCr, &taken.YCbCr, high)
			at := w.began.Add(st.at(c.n + c.off))
			shown.At = time.UnixMilli(at.UnixMilli()) // as it comes over the wire
			p := w.judge(&shown, at.Add(time.Second))
			if (p.SSIM == 1) != c.like || math.Abs(p.age()-1000) > 1 {
				t.Errorf("%dx%d: picture %d, taken for number %d: SSIM %v, %v ms old; want the same %v, 1000 ms", view.Width, view.Height, c.n, c.n+c.off, p.SSIM, p.age(), c.like)
			}
		}
	}
}

func TestStage(t *testing.T) {
	clip, err := cam.LoadClip(labs.Clip(t))
	if err != nil {
		t.Fatal(err)
	}
	s := newStage(clip, time.Now())
	var f media.Frame
	var want media.Frame
	want.Resize(640, 480, true)
	for range 3 {
		if err := s.ReadFrame(&f); err != nil {
			t.Fatal(err)
		}
		clip.Draw(&want.YCbCr, f.At.Sub(s.began))
		if !bytes.Equal(f.Y, want.Y) || !bytes.Equal(f.Cr, want.Cr) || time.Now().Before(f.At) {
			t.Errorf("the picture of %v is another one, or before its time", f.At.Sub(s.began))
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.ReadFrame(&f); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestMinutes(t *testing.T) {
	for _, c := range []struct {
		long, span         time.Duration
		count              int
		first, last, worst float64
	}{
		{5 * time.Minute, time.Minute, 5, 29.5, 269.5, 269.5},
		{150 * time.Second, time.Minute, 2, 29.5, 104.5, 104.5},
		{10 * time.Second, 5 * time.Second, 2, 2, 7, 7},
	} {
		m := newMinutes(c.long)
		for at := time.Duration(0); at < c.long; at += time.Second {
			m.add(at, at.Seconds())
		}
		if m.span != c.span || len(m.list) != c.count || m.first() != c.first || m.last() != c.last || m.worst() != c.worst {
			t.Errorf("%v: %d of %v, %v %v %v, want %+v", c.long, len(m.list), m.span, m.first(), m.last(), m.worst(), c)
		}
	}
	if m := newMinutes(2 * time.Minute); !math.IsNaN(m.worst()) {
		t.Errorf("of nothing the worst is %v", m.worst())
	}
}

func TestShowSightings(t *testing.T) {
	from := time.UnixMilli(10_000)
	seen := []picture{{Taken: 9_900, Seen: 10_100, SSIM: 0.96}, {Taken: 10_500, Seen: 10_600, SSIM: 0.98}, {Taken: 13_000, Seen: 13_300, SSIM: 0.97}}
	x := sightingsOf(seen, from, 4*time.Second)
	x.voice = newMinutes(4 * time.Second)
	x.voice.add(0, 12)
	x.voice.add(3*time.Second, 14.25)
	var out strings.Builder
	showSightings(&out, []line{{name: "deaf"}, {name: "modem down", seen: x}})
	const want = "\n" +
		"         row  pictures/s    SSIM   5th %  age ms  p95  voice ms first  last  worst minute  pictures ms first   last  worst minute\n" +
		"  modem down         0.8  0.9700  0.9600     200  300            12.0  14.2          14.2              150.0  300.0         300.0\n"
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	if showSightings(&out, []line{{name: "deaf"}}); out.Len() != 0 {
		t.Errorf("without pictures it prints %q", out.String())
	}
}

func TestBetween(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	f := figures{
		instants: []instant{{at(100), 0, 0, 0}, {at(900), 50, 5, 3}, {at(1100), 60, 9, 4}, {at(1200), 90, 12, 6}, {at(2000), 10, 20, 30}},
		Seen:     []picture{{Taken: 800, Seen: 999, SSIM: 1}, {Taken: 900, Seen: 1000, SSIM: 0.9}, {Taken: 1000, Seen: 1500, SSIM: 0.95}},
	}
	for _, c := range []struct {
		from, to int
		want     []string
	}{
		{1000, 2000, []string{"90", "90", "3", "2", "500", "500", "0.950"}},
		{0, 1000, []string{"50", "50", "3", "1", "199", "199", "1.000"}},
		{3000, 4000, []string{"-", "-", "0", "0", "-", "-", "-"}},
	} {
		got := strings.Split(strings.TrimSuffix(f.between(at(c.from), at(c.to)), "\t"), "\t")
		if !slices.Equal(got, c.want) {
			t.Errorf("from %d to %d ms: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

// TestEyesArgs holds that a process is told what its eyes are.
func TestEyesArgs(t *testing.T) {
	e := eyes{clip: "missing.y4m", began: time.Unix(5, 7), view: cells(letters)}
	args := e.args("1.2.3.4:5", "bob", "mic", "speaker", true)
	var log bytes.Buffer
	err := run(t.Context(), args, &log, &log)
	if !errors.Is(err, os.ErrNotExist) || log.Len() > 0 {
		t.Errorf("%q: %v, %s, want that the clip is missing", args, err, log.String())
	}
	if s := fmt.Sprint(args); args[0] != watching || !strings.Contains(s, "-began 5000000007 -thin=true -width 60 -height 20 -fps 0 -tall=true") {
		t.Errorf("the arguments are %s", s)
	}
}
