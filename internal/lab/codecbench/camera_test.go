package main

import (
	"image"
	"os/exec"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/cam"
	"github.com/sanix-darker/s2c/internal/video"
)

// TestFilm films a clip: what the camera sees are the clip's pictures, cropped
// and scaled as a call does it.
func TestFilm(t *testing.T) {
	_, err := exec.LookPath("ffmpeg")
	lab.Need(t, err)
	probe, err := cam.Start(cam.Config{})
	lab.Need(t, err)
	if err := probe.Close(); err != nil {
		t.Fatal(err)
	}
	const film, pictures = "../media/asl_sister_640x480_30fps.mkv", 6
	bench := testBench(t)
	large, err := bench.load(film, cameraWidth, cameraHeight, 20)
	if err != nil {
		t.Fatal(err)
	}
	size := [2]int{160, 90}
	if err := bench.filmAll([]string{film}, [][2]int{size}, pictures); err != nil {
		t.Fatal(err)
	}
	seen, err := bench.load(film, size[0], size[1], pictures)
	if err != nil || len(seen.pictures) != pictures {
		t.Fatalf("%+v, %v, want %d pictures", seen, err, pictures)
	}
	for i, p := range seen.pictures {
		best := 0.0
		for _, q := range large.pictures {
			want := gray(make([]byte, size[0]*size[1]), size[0], size[1])
			video.Scale(want, q)
			best = max(best, lab.SSIM(want, p))
		}
		if best < 0.999 || p.Rect != image.Rect(0, 0, 160, 90) {
			t.Errorf("picture %d of %v: SSIM %.4f to the nearest of the clip, want all but 1", i, p.Rect, best)
		}
	}
}

// testBench returns a lab of 30 pictures a second.
func testBench(t *testing.T) *bench {
	return &bench{ctx: t.Context(), dir: t.TempDir(), fps: fullRate}
}

// TestLoadHalfRate checks that at 15 pictures a second every other one is left.
func TestLoadHalfRate(t *testing.T) {
	_, err := exec.LookPath("ffmpeg")
	lab.Need(t, err)
	const film = "../media/asl_sister_640x480_30fps.mkv"
	full, err := testBench(t).load(film, 60, 20, 11)
	if err != nil {
		t.Fatal(err)
	}
	slow := testBench(t)
	slow.fps = fullRate / 2
	half, err := slow.load(film, 60, 20, 6)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range half.pictures {
		if got := lab.SSIM(p, full.pictures[2*i]); got != 1 {
			t.Errorf("picture %d: SSIM %v to picture %d, want 1", i, got, 2*i)
		}
	}
	if half.fps != 15 || len(half.pictures) != 6 {
		t.Errorf("%d pictures at %d a second, want 6 at 15", len(half.pictures), half.fps)
	}
}

func TestPace(t *testing.T) {
	at := time.Unix(0, 0)
	taken := []time.Time{at, at.Add(33 * time.Millisecond), at.Add(66 * time.Millisecond), at.Add(166 * time.Millisecond)}
	const want = "4 pictures in 0.17 s, 33 to 100 ms apart, 33 ms in the middle"
	if got := pace(taken); got != want {
		t.Errorf("pace(%v) = %q, want %q", taken, got, want)
	}
	if got, want := pace(taken[:1]), "one picture"; got != want {
		t.Errorf("pace of one = %q, want %q", got, want)
	}
}

func TestParseLists(t *testing.T) {
	for _, tt := range []struct {
		sizes, numbers string
		ok             bool
	}{
		{"60x20,160x96", "15,30", true},
		{"60x20,", "15,", false},
		{"160", "many", false},
	} {
		sizes, errSizes := parseSizes(tt.sizes)
		numbers, errNumbers := parseNumbers(tt.numbers)
		if (errSizes == nil) != tt.ok || (errNumbers == nil) != tt.ok {
			t.Errorf("%+v: %v, %v, want success %t", tt, errSizes, errNumbers, tt.ok)
		}
		if tt.ok && (len(sizes) != 2 || sizes[1] != [2]int{160, 96} || len(numbers) != 2 || numbers[1] != 30) {
			t.Errorf("%+v: %v, %v", tt, sizes, numbers)
		}
	}
}
