package device

import (
	"errors"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/cam"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/v4l2"
)

// plug starts a virtual camera for the test.
func plug(t *testing.T, c cam.Config) *cam.Camera {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a camera and real time")
	}
	if c.Path == "" {
		c.Path = filepath.Join(t.TempDir(), "video0")
	}
	camera, err := cam.Start(c)
	lab.Need(t, err)
	t.Cleanup(func() {
		if err := camera.Close(); err != nil {
			t.Errorf("close virtual camera: %v", err)
		}
	})
	return camera
}

// plugAt starts a virtual camera with the given file name.
func plugAt(t *testing.T, name string, c cam.Config) *cam.Camera {
	t.Helper()
	c.Path = filepath.Join(t.TempDir(), name)
	return plug(t, c)
}

// do carries out a command of the virtual camera.
func do(t *testing.T, camera *cam.Camera, command string) {
	t.Helper()
	if err := camera.Do(command); err != nil {
		t.Fatalf("%s: %v", command, err)
	}
}

// readPictures reads n pictures into f.
func readPictures(t *testing.T, src media.VideoSource, f *media.Frame, n int) {
	t.Helper()
	for i := range n {
		before := f.At
		if err := src.ReadFrame(f); err != nil {
			t.Fatalf("picture %d: %v", i, err)
		}
		if !f.At.After(before) {
			t.Errorf("picture %d taken at %v, the one before at %v", i, f.At, before)
		}
	}
}

// TestCamera opens a camera by its path, with colour and without, and loses it.
func TestCamera(t *testing.T) {
	camera := plug(t, cam.Config{Stamp: true})
	var f media.Frame
	for _, chroma := range []bool{true, false} {
		src, err := OpenCamera(t.Context(), camera.Path(), VideoConfig{Chroma: chroma})
		if err != nil {
			t.Fatal(err)
		}
		readPictures(t, src, &f, 5)
		if f.Rect != image.Rect(0, 0, 640, 480) || len(f.Cb) > 0 != chroma || len(f.Cb) != len(f.Cr) {
			t.Errorf("chroma %v: picture %v with %d, %d bytes of chroma", chroma, f.Rect, len(f.Cb), len(f.Cr))
		}
		age, ok := cam.ReadStamp(&f.YCbCr, f.At)
		t.Logf("captured %v after it was drawn", age)
		if !ok || age < -5*time.Millisecond {
			t.Errorf("age %v, %v", age, ok)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestUnplugged: a camera that goes is a final error with a hint, and once it
// is back it can be opened by the same name.
func TestUnplugged(t *testing.T) {
	camera := plug(t, cam.Config{})
	var f media.Frame
	for range 3 {
		src, err := OpenCamera(t.Context(), camera.Path(), VideoConfig{})
		if err != nil {
			t.Fatal(err)
		}
		readPictures(t, src, &f, 2)
		if err := camera.Unplug(); err != nil {
			t.Fatal(err)
		}
		for err = nil; err == nil; err = src.ReadFrame(&f) {
			continue
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || !errors.Is(err, syscall.ENODEV) || !strings.Contains(e.Hint(), "plug it in again") {
			t.Errorf("ReadFrame: %v, want an Error with ENODEV and a hint", err)
		}
		if want := `read camera "` + camera.Path() + `": no such device`; err.Error() != want {
			t.Errorf("error %s, want %s", err, want)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
		if _, err := OpenCamera(t.Context(), camera.Path(), VideoConfig{}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("OpenCamera while unplugged: %v, want ErrNotExist", err)
		}
		if err := camera.Plug(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBusyCamera(t *testing.T) {
	camera := plug(t, cam.Config{})
	src, err := OpenCamera(t.Context(), camera.Path(), VideoConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	_, err = OpenCamera(t.Context(), camera.Path(), VideoConfig{})
	e, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, syscall.EBUSY) || e.Hint() != "another program uses it; close it, or try --camera test" {
		t.Errorf("OpenCamera: %v, want an Error with EBUSY and a hint", err)
	}
}

// opener returns an Opener whose system has the given cameras as far as they are
// plugged in, and what it logs.
func opener(name string, cameras ...system) (*Opener, *strings.Builder) {
	var log strings.Builder
	drop := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	o := NewOpener(name, VideoConfig{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: drop}))})
	o.list = func() ([]v4l2.Info, error) {
		var infos []v4l2.Info
		for _, c := range cameras {
			if _, err := os.Stat(c.camera.Path()); err == nil {
				infos = append(infos, v4l2.Info{Path: c.camera.Path(), Name: c.name, Bus: c.bus, ID: c.id})
			}
		}
		slices.SortFunc(infos, func(a, b v4l2.Info) int { return strings.Compare(a.Path, b.Path) })
		return infos, nil
	}
	return o, &log
}

// A system is a camera and what the system calls it.
type system struct {
	camera        *cam.Camera
	name, bus, id string
}

// small and large are pictures that tell two cameras apart.
var small, large = cam.Bars{W: 320, H: 240}, cam.Bars{W: 640, H: 480}

// mustOpen opens a camera whose picture has the given width.
func mustOpen(t *testing.T, o *Opener, width int) media.VideoSource {
	t.Helper()
	src, err := o.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	var f media.Frame
	readPictures(t, src, &f, 2)
	if f.Rect.Dx() != width {
		t.Errorf("picture %v, want a width of %d", f.Rect, width)
	}
	return src
}

// untilLost reads until the camera is lost and closes it.
func untilLost(t *testing.T, src media.VideoSource) {
	t.Helper()
	var f media.Frame
	var err error
	for err == nil {
		err = src.ReadFrame(&f)
	}
	if !errors.Is(err, syscall.ENODEV) {
		t.Errorf("ReadFrame: %v, want ENODEV", err)
	}
	if err := src.Close(); err != nil {
		t.Error(err)
	}
}

// TestFirstCamera: "auto" takes the first camera that works, says which it has
// left out, and of none that does what is wrong with the first.
func TestFirstCamera(t *testing.T) {
	one := plugAt(t, "video0", cam.Config{Source: large})
	two := plugAt(t, "video1", cam.Config{Source: small})
	o, log := opener(Auto, system{one, "One", "usb-1", ""}, system{two, "Two", "usb-2", ""})
	mustOpen(t, o, 640).Close()
	want := "level=INFO msg=\"camera opened\" camera=" + one.Path() + " name=One width=640 height=480 format=YUYV rate=30\n"
	if log.String() != want {
		t.Errorf("log %s, want %s", log, want)
	}
	log.Reset()
	do(t, one, "busy")
	mustOpen(t, o, 320).Close()
	if want := "level=WARN msg=\"camera left out\" camera=" + one.Path() + " name=One err=\"open camera " + one.Path() +
		": device or resource busy\"\n"; !strings.HasPrefix(log.String(), want) {
		t.Errorf("log %s, want %s", log, want)
	}
	do(t, two, "busy")
	// The one opened last is asked first, so it is its error.
	_, err := o.Open(t.Context())
	if want := `open camera "auto": ` + two.Path() + ": device or resource busy"; !errors.Is(err, syscall.EBUSY) || err.Error() != want {
		t.Errorf("all busy: %v, want %s", err, want)
	}
}

// TestSilentCamera: a camera that gives no picture is left for one that does.
func TestSilentCamera(t *testing.T) {
	dead := plugAt(t, "video0", cam.Config{Lies: cam.Lies{Silent: []cam.Format{cam.YUYV}}})
	alive := plugAt(t, "video1", cam.Config{Source: small})
	o, log := opener(Auto, system{dead, "Dead", "usb-1", ""}, system{alive, "Alive", "usb-2", ""})
	mustOpen(t, o, 320)
	if !strings.Contains(log.String(), "camera gives no pictures") {
		t.Errorf("log %s, want the reason for leaving the first out", log)
	}
}

// TestMoved: a camera that comes back at another number is found there, by what
// it was opened by.
func TestMoved(t *testing.T) {
	dir := t.TempDir()
	at := func(n int) string { return filepath.Join(dir, "video"+strconv.Itoa(n)) }
	for _, name := range []string{at(0), Auto, "c920", "usb-046d"} {
		t.Run(filepath.Base(name), func(t *testing.T) {
			camera := plug(t, cam.Config{Path: at(0), Source: small})
			other := plug(t, cam.Config{Path: at(4), Source: large})
			o, _ := opener(name,
				system{camera, "HD Pro Webcam C920", "usb-1", "usb-046d_HD_Pro_Webcam_C920-video-index0"},
				system{other, "Integrated Camera", "usb-7", ""})
			src := mustOpen(t, o, 320)
			for _, n := range []int{2, 7, 0} {
				do(t, camera, "unplug")
				untilLost(t, src)
				if src, err := o.Open(t.Context()); name != Auto && err == nil {
					t.Errorf("opened while it is unplugged: %v", src)
					src.Close()
				} else if err == nil { // the other camera, meanwhile
					src.Close()
					o.remember(v4l2.Info{Path: at(0), Name: "HD Pro Webcam C920", Bus: "usb-1"})
				}
				if err := camera.PlugAt(at(n)); err != nil {
					t.Fatal(err)
				}
				src = mustOpen(t, o, 320)
			}
			src.Close()
		})
	}
}

// TestSwapped: after two cameras have changed their numbers, the path that was
// typed still means the same camera.
func TestSwapped(t *testing.T) {
	dir := t.TempDir()
	zero, one := filepath.Join(dir, "video0"), filepath.Join(dir, "video1")
	a, b := plug(t, cam.Config{Path: zero, Source: small}), plug(t, cam.Config{Path: one, Source: large})
	o, _ := opener(zero, system{a, "A", "usb-1", ""}, system{b, "B", "usb-2", ""})
	src := mustOpen(t, o, 320)
	do(t, a, "unplug")
	untilLost(t, src)
	do(t, b, "unplug")
	if err := errors.Join(b.PlugAt(zero), a.PlugAt(one)); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, o, 320).Close()
	// Gone for good: the path means what is there.
	do(t, a, "unplug")
	mustOpen(t, o, 640)
}

// TestLink opens a camera by its stable name's link.
func TestLink(t *testing.T) {
	camera := plugAt(t, "video0", cam.Config{Source: small})
	link := filepath.Join(t.TempDir(), "usb-046d_C920-video-index0")
	if err := os.Symlink(camera.Path(), link); err != nil {
		t.Fatal(err)
	}
	o, _ := opener(link, system{camera, "C920", "usb-1", "usb-046d_C920-video-index0"})
	mustOpen(t, o, 320)
}

func TestAgain(t *testing.T) {
	// Cameras are written as path, name, place and stable name.
	parse := func(s string) v4l2.Info {
		f := append(strings.Fields(s), "", "", "", "")
		return v4l2.Info{Path: f[0], Name: f[1], Bus: f[2], ID: f[3]}
	}
	for name, c := range map[string]struct {
		last, now string // now: several, with commas
		want      string // path; "" for none
	}{
		"none before":         {"", "/0 A 1", ""},
		"the same":            {"/0 A 1", "/0 A 1, /1 B 2", "/0"},
		"another number":      {"/0 A 1", "/0 B 2, /1 A 1", "/1"},
		"another place":       {"/0 A 1", "/3 A 5", "/3"},
		"its stable name":     {"/0 A 1 x", "/0 A 1 y, /3 A 5 x", "/3"},
		"both":                {"/0 A 1 x", "/0 A 2 x, /3 A 1 x", "/3"},
		"no stable name yet":  {"/0 A 1 x", "/1 A 1", "/1"},
		"another of its kind": {"/0 A 1 x", "/0 A 1 y", ""},
		"in doubt":            {"/0 A 1", "/1 A 2, /2 A 3", ""},
		"the place tells":     {"/0 A 1", "/1 A 2, /2 A 1", "/2"},
		"others":              {"/0 A 1", "/0 B 1", ""},
	} {
		var now []v4l2.Info
		for s := range strings.SplitSeq(c.now, ",") {
			now = append(now, parse(s))
		}
		got, ok := again(now, parse(c.last))
		if ok != (c.want != "") || ok && got.Path != c.want {
			t.Errorf("%s: again(%q, %q) = %v, %v; want %q", name, c.now, c.last, got, ok, c.want)
		}
	}
}

func TestNamed(t *testing.T) {
	cameras := []v4l2.Info{
		{Path: "/0", Name: "Integrated Camera", Bus: "usb-0000:00:14.0-7"},
		{Path: "/2", Name: "HD Pro Webcam C920", Bus: "usb-0000:00:14.0-1", ID: "usb-046d_HD_Pro_Webcam_C920-video-index0"},
		{Path: "/4", Name: "HD Pro Webcam C920", Bus: "usb-0000:00:14.0-2"},
	}
	for name, want := range map[string]string{
		"integrated": "/0", "C920": "/2/4", "046D": "/2", "14.0-2": "/4", "14.0": "/0/2/4", "logi": "", "camera\nusb": "",
	} {
		got := ""
		for _, c := range named(cameras, name) {
			got += c.Path
		}
		if got != want {
			t.Errorf("named %q: %s, want %s", name, got, want)
		}
	}
}

func TestNoCamera(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "video0"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// The file is there, yet no camera: that is the same as none.
	if err := whyNone(filepath.Join(dir, "video*")); !errors.Is(err, ErrNoDevice) {
		t.Errorf("no camera: %v, want ErrNoDevice", err)
	}
	for name, want := range map[string]error{"logi": ErrNotFound, "999": os.ErrNotExist} {
		o, _ := opener(name)
		if _, err := o.Open(t.Context()); !errors.Is(err, want) {
			t.Errorf("OpenCamera(%q): %v, want %v", name, err, want)
		}
	}
}

// TestSlowCamera: a camera that gives far less than it has agreed to is told of.
func TestSlowCamera(t *testing.T) {
	camera := plugAt(t, "video0", cam.Config{
		Source: cam.Bars{W: 64, H: 48}, Rates: []int{120}, Lies: cam.Lies{Rate: 45},
	})
	o, log := opener(camera.Path(), system{camera, "C920", "usb-1", ""})
	o.c.FPS = 120
	src := mustOpen(t, o, 64)
	var f media.Frame
	readPictures(t, src, &f, rateCheck)
	if !strings.Contains(log.String(), `msg="camera is slower than it says" camera=`+camera.Path()+" says=120 gives=") {
		t.Errorf("log %s, want the rates", log)
	}
}
