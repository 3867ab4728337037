package v4l2

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/blackjack/webcam"
	"golang.org/x/sys/unix"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/cam"
)

// plug starts a virtual camera for the test.
func plug(t *testing.T, c cam.Config) *cam.Camera {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a camera and real time")
	}
	c.Path = filepath.Join(t.TempDir(), "video0")
	camera, err := cam.Start(c)
	lab.Need(t, err)
	t.Cleanup(func() {
		if err := camera.Close(); err != nil {
			t.Errorf("close virtual camera: %v", err)
		}
	})
	return camera
}

// do carries out a command of the virtual camera.
func do(t *testing.T, camera *cam.Camera, command string) {
	t.Helper()
	if err := camera.Do(command); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}

// mustOpen opens the virtual camera until the test ends.
func mustOpen(t *testing.T, camera *cam.Camera, c Config, stall time.Duration) *Camera {
	t.Helper()
	v, err := openPatient(camera.Path(), c, patience{defaultPatience.first, stall})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// mustRead reads n pictures into img.
func mustRead(t *testing.T, v *Camera, img *image.YCbCr, n int) {
	t.Helper()
	for i := range n {
		if _, err := v.Read(img); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
	}
}

// readError reads until there is an error.
func readError(v *Camera) error {
	var img image.YCbCr
	for {
		if _, err := v.Read(&img); err != nil {
			return err
		}
	}
}

// still is a source that draws the same picture always.
type still struct {
	w, h   int
	lo, hi int // luma goes from lo to hi
}

func (s still) Size() image.Point { return image.Pt(s.w, s.h) }

func (s still) Draw(img *image.YCbCr, _ time.Duration) {
	for i := range img.Y {
		img.Y[i] = uint8(s.lo + (s.hi-s.lo)*(i%s.w)/(s.w-1))
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = uint8(100+i%32), uint8(150-i%32)
	}
}

// TestClip streams a person through a camera: every picture is one of the
// clip's, to the last bit, and they come in order.
func TestClip(t *testing.T) {
	clip, err := cam.LoadClip(lab.Clip(t))
	if err != nil {
		t.Fatal(err)
	}
	index := make(map[string]int)
	for i := range clip.Len() {
		index[string(clip.Luma(i))] = i
	}
	v := mustOpen(t, plug(t, cam.Config{Source: clip}), Config{}, defaultPatience.stall)
	if w, h, format := v.Size(); w != 640 || h != 480 || format != "YUYV" {
		t.Errorf("Size = %d, %d, %s; want 640, 480, YUYV", w, h, format)
	}
	const n = 60
	var img image.YCbCr
	var first, last time.Time
	prev, steps := -1, 0
	for i := range n {
		at, err := v.Read(&img)
		if err != nil {
			t.Fatal(err)
		}
		k, ok := index[string(img.Y)]
		if !ok {
			t.Fatalf("picture %d is none of the clip's", i)
		}
		if !at.After(last) {
			t.Errorf("picture %d taken at %v, the one before at %v", i, at, last)
		}
		if i == 0 {
			first, prev = at, k
		}
		steps += (k - prev + clip.Len()) % clip.Len()
		prev, last = k, at
	}
	seconds := last.Sub(first).Seconds()
	t.Logf("%d pictures in %.2f s: %.1f a second; the clip went on by %d", n, seconds, (n-1)/seconds, steps)
	// The clip's own clock: 30 pictures a second, whatever the machine loses.
	if d := float64(steps) - 30*seconds; d < -20 || d > 20 {
		t.Errorf("the clip went on by %d pictures in %.2f s, want 30 a second", steps, seconds)
	}
}

// TestStamp measures the way from the camera to Read.
func TestStamp(t *testing.T) {
	v := mustOpen(t, plug(t, cam.Config{Stamp: true}), Config{}, defaultPatience.stall)
	var img image.YCbCr
	for i := range 10 {
		at, err := v.Read(&img)
		if err != nil {
			t.Fatal(err)
		}
		age, ok := cam.ReadStamp(&img, at)
		if !ok || age < -5*time.Millisecond {
			t.Errorf("picture %d: age %v, %v", i, age, ok)
		}
		if i == 9 {
			t.Logf("drawn %v before it was taken off the driver", age)
		}
	}
}

func TestFormats(t *testing.T) {
	for _, f := range []cam.Format{cam.YUYV, cam.UYVY, cam.NV12, cam.NV21, cam.YU12, cam.GREY, cam.MJPEG} {
		for _, chroma := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s chroma %v", f, chroma), func(t *testing.T) {
				testFormat(t, f, chroma)
			})
		}
	}
}

func testFormat(t *testing.T, f cam.Format, chroma bool) {
	src := still{640, 480, 16, 235}
	v := mustOpen(t, plug(t, cam.Config{Source: src, Formats: []cam.Format{f}}), Config{Chroma: chroma}, defaultPatience.stall)
	if _, _, format := v.Size(); format != string(f) {
		t.Errorf("format %s, want %s", format, f)
	}
	want := image.NewYCbCr(image.Rect(0, 0, 640, 480), image.YCbCrSubsampleRatio420)
	src.Draw(want, 0)
	luma, chr, slack := &limitedLuma, &limitedChroma, 0
	if f == cam.MJPEG {
		luma, chr, slack = &fullLuma, &fullLuma, 6
	}
	wantCb, wantCr := apply(chr, want.Cb), apply(chr, want.Cr)
	if f == cam.GREY {
		wantCb, wantCr = bytes.Repeat([]byte{128}, len(want.Cb)), bytes.Repeat([]byte{128}, len(want.Cr))
	}
	if !chroma {
		wantCb, wantCr = nil, nil
	}
	var img image.YCbCr
	mustRead(t, v, &img, 3)
	for name, p := range map[string][2][]byte{"Y": {img.Y, apply(luma, want.Y)}, "Cb": {img.Cb, wantCb}, "Cr": {img.Cr, wantCr}} {
		if d := furthest(p[0], p[1]); d > slack {
			t.Errorf("%s differs by up to %d, want %d", name, d, slack)
		}
	}
}

// furthest returns the largest difference of two samples, 256 if the lengths differ.
func furthest(a, b []byte) int {
	if len(a) != len(b) {
		return 256
	}
	d := 0
	for i := range a {
		d = max(d, abs(int(a[i])-int(b[i])))
	}
	return d
}

func TestSizes(t *testing.T) {
	sizes := []image.Point{{1280, 720}, {320, 240}, {640, 360}, {160, 120}}
	camera := plug(t, cam.Config{Sizes: sizes})
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{0, 0, 640, 360},
		{640, 480, 640, 360},
		{320, 240, 320, 240},
		{1280, 720, 1280, 720},
		{200, 150, 160, 120},
	} {
		v, err := Open(camera.Path(), Config{Width: c.w, Height: c.h})
		if err != nil {
			t.Fatal(err)
		}
		var img image.YCbCr
		mustRead(t, v, &img, 2)
		if w, h, _ := v.Size(); w != c.wantW || h != c.wantH || len(img.Y) != w*h {
			t.Errorf("asked for %dx%d: %dx%d with %d samples, want %dx%d", c.w, c.h, w, h, len(img.Y), c.wantW, c.wantH)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestControls: the camera is told to keep its rate in dim light, and the rate.
func TestControls(t *testing.T) {
	camera := plug(t, cam.Config{Rates: []int{5, 15, 30}})
	for _, c := range []struct {
		fps  int
		want float32
	}{{0, 30}, {15, 15}, {17, 15}, {20, 30}} {
		v := mustOpen(t, camera, Config{FPS: c.fps}, defaultPatience.stall)
		dev, err := webcam.Open(camera.Path())
		if err != nil {
			t.Fatal(err)
		}
		if dynamic, err := dev.GetControl(exposureDynamicFramerate); err != nil || dynamic != 0 {
			t.Errorf("exposure_dynamic_framerate is %d, %v; want 0", dynamic, err)
		}
		if fps, err := dev.GetFramerate(); err != nil || fps != c.want {
			t.Errorf("asked for %d: %v pictures a second, %v; want %v", c.fps, fps, err, c.want)
		}
		dev.Close()
		v.Close()
	}
}

// counter is a source whose luma counts the pictures, up to 200.
type counter struct{ n *int }

func (counter) Size() image.Point { return image.Pt(64, 48) }

func (c counter) Draw(img *image.YCbCr, _ time.Duration) {
	*c.n++
	fill(img.Y, uint8(16+*c.n))
}

// TestSlowReader: who reads late gets the newest picture, not the oldest.
func TestSlowReader(t *testing.T) {
	camera := plug(t, cam.Config{Source: counter{new(int)}})
	v := mustOpen(t, camera, Config{}, defaultPatience.stall)
	var img image.YCbCr
	mustRead(t, v, &img, 1)
	for camera.Stats().Frames < 20 { // more than the driver's buffers hold
		time.Sleep(10 * time.Millisecond) // the camera is real: so is the time
	}
	given := int(camera.Stats().Frames)
	mustRead(t, v, &img, 1)
	got := bytes.IndexByte(limitedLuma[:], img.Y[0]) - 16
	if got < given-buffers {
		t.Errorf("picture %d, though the camera has given %d", got, given)
	}
}

func TestNotCamera(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("no camera"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		file:                      ErrNotCamera,
		"/dev/null":               ErrNotCamera,
		dir:                       unix.EISDIR,
		filepath.Join(dir, "nix"): os.ErrNotExist,
	} {
		_, err := Open(path, Config{})
		if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "open camera "+path+": ") {
			t.Errorf("Open(%s): %v, want %v", path, err, want)
		}
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, c := range map[string]cam.Config{
		"video2":  {Name: "Second", Bus: "usb-2"},
		"video10": {Name: "Tenth", Formats: []cam.Format{cam.MJPEG}},
		"video3":  {Name: "Strange", Formats: []cam.Format{"H264"}},
		"video4":  {Name: "Second", Metadata: true},
	} {
		c.Path = at(name)
		camera, err := cam.Start(c)
		lab.Need(t, err)
		defer camera.Close()
	}
	byID := at("by-id")
	if err := errors.Join(
		os.WriteFile(at("video5"), nil, 0o600),
		os.Mkdir(byID, 0o700),
		os.Symlink("../video2", filepath.Join(byID, "usb-Second-video-index0")),
		os.Symlink("../video4", filepath.Join(byID, "usb-Second-video-index1")),
		os.Symlink("../video9", filepath.Join(byID, "usb-Gone-video-index0")),
	); err != nil {
		t.Fatal(err)
	}
	infos, err := listGlob(at("video*"), byID)
	if err != nil {
		t.Fatal(err)
	}
	want := []Info{
		{at("video2"), "Second", "usb-2", "usb-Second-video-index0"},
		{at("video10"), "Tenth", "fuse:fakecam", ""},
	}
	if !slices.Equal(infos, want) {
		t.Errorf("list = %+v, want %+v", infos, want)
	}
	for name, want := range map[string]error{"video3": ErrNoFormat, "video4": ErrNotCamera, "video5": ErrNotCamera} {
		if _, err := Open(at(name), Config{}); !errors.Is(err, want) {
			t.Errorf("Open(%s): %v, want %v", name, err, want)
		}
	}
}

// TestReadAllocs: once it is warm, Read of raw formats allocates nothing. The
// other goroutine is still, so that it is this one's allocations alone that
// count; TestTakeAllocs counts its.
func TestReadAllocs(t *testing.T) {
	for _, f := range []fourCC{yuyv, nv12} {
		m := mode{f, 64, 48}
		c := camera{
			m: m, chroma: true, done: make(chan struct{}), ended: make(chan struct{}),
			ready: make(chan struct{}, 1), back: new(shot), mid: new(shot), front: new(shot),
		}
		raw := bytes.Repeat([]byte{100}, m.frameLen())
		var img image.YCbCr
		cycle := func() {
			c.back.b = append(c.back.b[:0], raw...)
			c.back.layout = layout{m, m.rowBytes()}
			c.publish()
			if _, err := c.read(&img); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 { // the three shots
			cycle()
		}
		if n := testing.AllocsPerRun(20, cycle); n != 0 {
			t.Errorf("Read of %v allocates %v times, want 0", f, n)
		}
	}
}
