package cam

import (
	"errors"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sanix-darker/s2c/internal/lab"
)

func start(t *testing.T, c Config) *Camera {
	t.Helper()
	c.Path = filepath.Join(t.TempDir(), "video0")
	camera, err := Start(c)
	lab.Need(t, err)
	t.Cleanup(func() { camera.Close() })
	return camera
}

// TestFFmpeg reads the camera with another program, which waits in DQBUF where
// the v4l2 package polls.
func TestFFmpeg(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	lab.Need(t, err)
	camera := start(t, Config{Source: Bars{W: 320, H: 240}})
	out, err := exec.CommandContext(t.Context(), ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error",
		"-f", "v4l2", "-video_size", "320x240", "-framerate", "30", "-i", camera.Path(),
		"-frames:v", "5", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1").Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	if len(out) != 5*320*240 {
		t.Errorf("%d bytes, want %d", len(out), 5*320*240)
	}
}

func TestStartRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []Config{
		{Sizes: []image.Point{{63, 48}}},
		{Sizes: []image.Point{{0, 0}}},
		{Sizes: []image.Point{{1 << 16, 1 << 16}}},
		{Path: dir},
		{Path: "/dev/null"},
		{Path: filepath.Join(dir, "no", "such", "folder")},
	} {
		if camera, err := Start(c); err == nil {
			t.Errorf("Start(%+v) succeeds", c)
			camera.Close()
		}
	}
}

// TestCloseWhileOpen: a program that keeps the camera open does not keep the
// camera from ending.
func TestCloseWhileOpen(t *testing.T) {
	camera, err := Start(Config{})
	lab.Need(t, err)
	fd, err := unix.Open(camera.Path(), unix.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := camera.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	var b [8]byte
	if _, err := unix.Pread(fd, b[:], 0); err == nil {
		t.Error("the camera still answers after Close")
	}
	if _, err := os.Stat(filepath.Dir(camera.Path())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the camera's directory: %v, want ErrNotExist", err)
	}
}

// TestExistingFile: a plain file that was there before is there afterwards.
func TestExistingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "video0")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	camera, err := Start(Config{Path: path})
	lab.Need(t, err)
	if st, err := os.Stat(path); err != nil || st.Size() != fileSize {
		t.Errorf("camera: %v, %v", st, err)
	}
	if err := camera.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); string(b) != "mine" {
		t.Errorf("the file after Close: %q, %v", b, err)
	}
}

func TestDo(t *testing.T) {
	camera := start(t, Config{})
	for _, command := range []string{"freeze", "resume", "bad", "busy", "free", "fail", "hiccup", "hollow", "unplug", "unplug", "plug", "plug"} {
		if err := camera.Do(command); err != nil {
			t.Errorf("%s: %v", command, err)
		}
		_, err := os.Stat(camera.Path())
		if there := err == nil; there != (command != "unplug") {
			t.Errorf("after %s the camera is there: %v", command, there)
		}
	}
	if err := camera.Do("dance"); err == nil {
		t.Error("dance: accepted")
	}
}

// TestPlugAt: the camera appears where it is told to, not where it was.
func TestPlugAt(t *testing.T) {
	camera := start(t, Config{})
	old, now := camera.Path(), filepath.Join(t.TempDir(), "video7")
	if err := camera.PlugAt(now); err == nil {
		t.Error("PlugAt while it is plugged in succeeds")
	}
	if err := camera.Unplug(); err != nil {
		t.Fatal(err)
	}
	if err := camera.PlugAt(now); err != nil || camera.Path() != now {
		t.Fatalf("PlugAt: %v; the camera is at %s, want %s", err, camera.Path(), now)
	}
	if st, err := os.Stat(now); err != nil || st.Size() != fileSize {
		t.Errorf("camera: %v, %v", st, err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old path: %v, want ErrNotExist", err)
	}
}
