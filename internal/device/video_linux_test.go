package device

import (
	"errors"
	"image"
	"os"
	"path/filepath"
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

// TestFirstCamera: "auto" takes the first camera that works, and says of those
// that do not what is wrong with the first.
func TestFirstCamera(t *testing.T) {
	one, two := plug(t, cam.Config{Name: "One"}), plug(t, cam.Config{Name: "Two", Source: cam.Bars{W: 320, H: 240}})
	infos := []v4l2.Info{{Path: "/no/such/video9"}, {Path: one.Path(), Name: "One"}, {Path: two.Path(), Name: "Two"}}
	c := VideoConfig{}.withDefaults()
	var f media.Frame
	for _, tc := range []struct {
		busy []*cam.Camera
		w    int // of the picture; 0 for EBUSY
	}{
		{nil, 640},
		{[]*cam.Camera{one}, 320},
		{[]*cam.Camera{one, two}, 0},
	} {
		for _, camera := range tc.busy {
			if err := camera.Do("busy"); err != nil {
				t.Fatal(err)
			}
		}
		src, err := openFirst(infos[1:], "/no/such/*", c)
		if tc.w == 0 {
			if !errors.Is(err, syscall.EBUSY) || !strings.Contains(err.Error(), one.Path()) {
				t.Errorf("all busy: %v, want EBUSY of the first", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		readPictures(t, src, &f, 1)
		if f.Rect.Dx() != tc.w {
			t.Errorf("%d busy: picture %v, want a width of %d", len(tc.busy), f.Rect, tc.w)
		}
		src.Close()
	}
	if _, err := openFirst(infos[:1], "/no/such/*", c); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("one that is gone: %v, want ErrNotExist", err)
	}
}

func TestNoCamera(t *testing.T) {
	c := VideoConfig{}.withDefaults()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "video0"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// The file is there, yet no camera: that is the same as none.
	if _, err := openFirst(nil, filepath.Join(dir, "video*"), c); !errors.Is(err, ErrNoDevice) {
		t.Errorf("no camera: %v, want ErrNoDevice", err)
	}
	if _, err := openNamed([]v4l2.Info{{Path: "/dev/video0", Name: "HD Webcam"}}, "logi", c); !errors.Is(err, ErrNotFound) {
		t.Errorf("another name: %v, want ErrNotFound", err)
	}
}

func TestNamedCamera(t *testing.T) {
	camera := plug(t, cam.Config{Name: "HD Pro Webcam C920"})
	infos := []v4l2.Info{{Path: "/no/such", Name: "Other"}, {Path: camera.Path(), Name: "HD Pro Webcam C920"}}
	src, err := openNamed(infos, "c920", VideoConfig{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var f media.Frame
	readPictures(t, src, &f, 2)
}
