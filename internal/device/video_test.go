package device

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

// TestOpenCameraErrors: whatever cannot be opened is an *Error with the name.
func TestOpenCameraErrors(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.y4m"), []byte("RIFF\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		name string
		want error
	}{
		{t.Context(), "", ErrNotFound},
		{t.Context(), None, ErrNotFound},
		{t.Context(), "test:", ErrNotFound},
		{t.Context(), "test:-1", ErrNotFound},
		{t.Context(), "test:99999999", ErrNotFound},
		{t.Context(), filepath.Join(dir, "missing.y4m"), os.ErrNotExist},
		{t.Context(), filepath.Join(dir, "bad.y4m"), ErrFormat},
		{cancelled, Test, context.Canceled},
	} {
		src, err := OpenCamera(c.ctx, c.name, VideoConfig{})
		e, ok := errors.AsType[*Error](err)
		if src != nil || !ok || !errors.Is(err, c.want) || e.Device != c.name || e.Op != "open camera" {
			t.Errorf("OpenCamera(%q) = %v, %v; want nil, an Error with %v", c.name, src, err, c.want)
		}
	}
}

func TestIsCameraNode(t *testing.T) {
	null, err := os.Stat(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"/dev/video0": true, "/x/y/video17": true, "video0": false, "/dev/video": false,
		"/dev/videos": false, "/home/me/talk.mp4": false, "Logitech": false, "/dev/video-1": false,
	} {
		if got := isCameraNode(path, nil); got != want {
			t.Errorf("isCameraNode(%q) = %v, want %v", path, got, want)
		}
	}
	if !isCameraNode("/dev/v4l/by-id/usb-x", null) && null.Mode()&os.ModeCharDevice != 0 {
		t.Error("a character device is no camera")
	}
}

func TestVideoConfig(t *testing.T) {
	for in, want := range map[VideoConfig]VideoConfig{
		{}:                                  {Width: 640, Height: 480, FPS: 30},
		{Width: 321, Height: 241, FPS: 15}:  {Width: 322, Height: 242, FPS: 15},
		{Width: 320, Chroma: true}:          {Width: 640, Height: 480, FPS: 30, Chroma: true},
		{Width: 80, Height: 60, FPS: -1}:    {Width: 80, Height: 60, FPS: 30},
		{Width: 2, Height: 2, Chroma: true}: {Width: 2, Height: 2, FPS: 30, Chroma: true},
	} {
		if got := in.withDefaults(); got != want {
			t.Errorf("%+v.withDefaults() = %+v, want %+v", in, got, want)
		}
	}
}

// TestPacer: ticks come on time, a late reader gets the newest, and never two
// of the same.
func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(100 * time.Millisecond)
		start := time.Now()
		for i, c := range []struct {
			busy time.Duration // before waiting
			n    int64
			came time.Duration // after the start
		}{
			{0, 0, 0},
			{0, 1, 100 * time.Millisecond},
			{50 * time.Millisecond, 2, 200 * time.Millisecond},
			{100 * time.Millisecond, 3, 300 * time.Millisecond},
			{450 * time.Millisecond, 7, 750 * time.Millisecond}, // 4, 5 and 6 are lost
			{0, 8, 800 * time.Millisecond},
			{time.Hour, 36008, time.Hour + 800*time.Millisecond},
			{0, 36009, time.Hour + 900*time.Millisecond},
		} {
			time.Sleep(c.busy)
			n, at, err := p.wait()
			if err != nil || n != c.n || time.Since(start) != c.came || at.Sub(start) != time.Duration(n)*p.period {
				t.Errorf("wait %d: tick %d, at %v, after %v, %v; want %d after %v",
					i, n, at.Sub(start), time.Since(start), err, c.n, c.came)
			}
		}
	})
}

func TestPacerClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(time.Hour)
		if _, _, err := p.wait(); err != nil {
			t.Fatal(err)
		}
		errs := make(chan error)
		go func() {
			_, _, err := p.wait()
			errs <- err
		}()
		synctest.Wait()
		p.close()
		p.close()
		if err := <-errs; !errors.Is(err, os.ErrClosed) {
			t.Errorf("wait: %v, want ErrClosed", err)
		}
		if _, _, err := p.wait(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("wait after close: %v, want ErrClosed", err)
		}
	})
}

// TestOpenTest opens the test card by its names and reads it by its clock.
func TestOpenTest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		src, err := OpenCamera(t.Context(), "test:2", VideoConfig{Width: 160, Height: 120, FPS: 10, Chroma: true})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var f media.Frame
		for i := range 5 {
			if err := src.ReadFrame(&f); err != nil {
				t.Fatal(err)
			}
			if want := time.Duration(i) * 100 * time.Millisecond; f.At.Sub(start) != want || time.Since(start) != want {
				t.Errorf("picture %d taken after %v, given after %v; want %v", i, f.At.Sub(start), time.Since(start), want)
			}
		}
		if err := src.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		err = src.ReadFrame(&f)
		if _, ok := errors.AsType[*Error](err); !ok || !errors.Is(err, os.ErrClosed) {
			t.Errorf("ReadFrame after Close: %v, want an Error with ErrClosed", err)
		}
	})
}
