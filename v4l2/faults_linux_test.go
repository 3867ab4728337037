package v4l2

import (
	"bytes"
	"errors"
	"image"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sanix-darker/s2c/internal/lab/cam"
)

func TestBusy(t *testing.T) {
	camera := plug(t, cam.Config{})
	v := mustOpen(t, camera, Config{}, defaultPatience.stall)
	var img image.YCbCr
	mustRead(t, v, &img, 1)
	if _, err := Open(camera.Path(), Config{}); !errors.Is(err, unix.EBUSY) {
		t.Errorf("second Open: %v, want EBUSY", err)
	}
	mustRead(t, v, &img, 3) // the first is not disturbed
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	do(t, camera, "busy")
	_, err := Open(camera.Path(), Config{})
	if want := "open camera " + camera.Path() + ": device or resource busy"; err == nil || err.Error() != want {
		t.Errorf("Open: %v, want %s", err, want)
	}
	do(t, camera, "free")
	mustRead(t, mustOpen(t, camera, Config{}, defaultPatience.stall), &img, 1)
}

func TestUnplug(t *testing.T) {
	camera := plug(t, cam.Config{})
	var img image.YCbCr
	for range 3 {
		v := mustOpen(t, camera, Config{}, defaultPatience.stall)
		mustRead(t, v, &img, 2)
		do(t, camera, "unplug")
		if err := readError(v); !errors.Is(err, unix.ENODEV) {
			t.Errorf("Read after unplugging: %v, want ENODEV", err)
		}
		if _, err := v.Read(&img); !errors.Is(err, unix.ENODEV) {
			t.Errorf("the error is not final: %v", err)
		}
		if _, err := Open(camera.Path(), Config{}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("Open after unplugging: %v, want ErrNotExist", err)
		}
		if err := v.Close(); err != nil {
			t.Errorf("Close after unplugging: %v", err)
		}
		do(t, camera, "plug")
	}
}

func TestStall(t *testing.T) {
	const stall = 300 * time.Millisecond
	for command, want := range map[string]error{"freeze": ErrStalled, "hollow": ErrStalled, "fail": unix.EIO} {
		t.Run(command, func(t *testing.T) {
			camera := plug(t, cam.Config{})
			v := mustOpen(t, camera, Config{}, stall)
			var img image.YCbCr
			mustRead(t, v, &img, 2)
			before := camera.Stats().Dequeues
			do(t, camera, command)
			if err := readError(v); !errors.Is(err, want) {
				t.Errorf("Read: %v, want %v", err, want)
			}
			// 300 ms at 10 ms each, and as much again for what was there.
			if n := camera.Stats().Dequeues - before; n > 100 {
				t.Errorf("asked the camera %d times: a busy loop", n)
			}
			v.Close()
			do(t, camera, "resume")
			mustRead(t, mustOpen(t, camera, Config{}, stall), &img, 2)
		})
	}
}

// TestBadFrame: a picture cut short is left out.
func TestBadFrame(t *testing.T) {
	for _, f := range []cam.Format{cam.YUYV, cam.MJPEG} {
		camera := plug(t, cam.Config{Source: still{640, 480, 0, 255}, Formats: []cam.Format{f}})
		v := mustOpen(t, camera, Config{}, defaultPatience.stall)
		var img image.YCbCr
		mustRead(t, v, &img, 1)
		want := bytes.Clone(img.Y)
		for i := range 5 {
			do(t, camera, "bad")
			mustRead(t, v, &img, 3)
			if !bytes.Equal(img.Y, want) {
				t.Errorf("%s, picture %d is torn", f, i)
			}
		}
	}
}

// TestWrongLength: a camera whose pictures are never whole is given up with the
// reason.
func TestWrongLength(t *testing.T) {
	camera := plug(t, cam.Config{Source: still{64, 48, 0, 255}})
	v := mustOpen(t, camera, Config{}, 300*time.Millisecond)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				_ = camera.Do("bad")
			}
		}
	})
	err := readError(v)
	close(stop)
	wg.Wait()
	if !errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), "3072 bytes, marked so by the driver") {
		t.Errorf("Read: %v, want ErrStalled with the length", err)
	}
}

func TestCloseUnblocks(t *testing.T) {
	camera := plug(t, cam.Config{})
	for i := range 6 {
		do(t, camera, "resume")
		v := mustOpen(t, camera, Config{}, defaultPatience.stall)
		if i%2 == 1 {
			do(t, camera, "freeze")
		}
		errs := make(chan error)
		go func() { errs <- readError(v) }()
		runtime.Gosched()
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := v.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
		}
		wg.Wait()
		if err := <-errs; !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read: %v, want ErrClosed", err)
		}
		var img image.YCbCr
		if _, err := v.Read(&img); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Read after Close: %v, want ErrClosed", err)
		}
	}
}

// TestHiccup: one EIO, as of a bad moment on the bus, loses no camera.
func TestHiccup(t *testing.T) {
	camera := plug(t, cam.Config{})
	v := mustOpen(t, camera, Config{}, defaultPatience.stall)
	var img image.YCbCr
	for range 3 {
		do(t, camera, "hiccup")
		mustRead(t, v, &img, 5)
	}
}

// usage is what this process has of the system.
type usage struct{ fds, maps, goroutines int }

// resources counts what this process has open and has mapped of the camera.
func resources(t *testing.T, camera *cam.Camera) usage {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return usage{len(entries), strings.Count(string(b), camera.Path()), runtime.NumGoroutine()}
}

// TestLeaks opens and closes the camera often: no descriptor, mapping or
// goroutine stays.
func TestLeaks(t *testing.T) {
	camera := plug(t, cam.Config{Source: still{64, 48, 16, 235}, Rates: []int{120}})
	var img image.YCbCr
	before := resources(t, camera)
	for i := range 100 {
		v, err := Open(camera.Path(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			mustRead(t, v, &img, 1)
			if u := resources(t, camera); u.maps != buffers {
				t.Fatalf("%d mappings while open, want %d: the count sees nothing", u.maps, buffers)
			}
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	after := resources(t, camera)
	// The virtual camera's own stream may be just ending.
	if after.fds != before.fds || after.maps != before.maps || after.goroutines > before.goroutines+1 {
		t.Errorf("resources %+v, before %+v", after, before)
	}
}
