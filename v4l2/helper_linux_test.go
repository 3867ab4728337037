package v4l2

import (
	"bufio"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/cam"
)

// helperEnv makes the test binary a camera: "PATH FORMAT WIDTH HEIGHT RATE".
const helperEnv = "V4L2_TEST_CAMERA"

// TestMain is the tests, or a camera for them in a process of its own, so that
// what this one allocates and the time that it takes are the reader's alone.
func TestMain(m *testing.M) {
	if spec, ok := os.LookupEnv(helperEnv); ok {
		if err := beCamera(spec); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// beCamera serves a camera until standard input ends.
func beCamera(spec string) error {
	c := cam.Config{}
	var format string
	var w, h int
	var rate int
	if _, err := fmt.Sscan(spec, &c.Path, &format, &w, &h, &rate); err != nil {
		return err
	}
	c.Source = still{w, h, 16, 235}
	c.Formats, c.Rates = []cam.Format{cam.Format(format)}, []int{rate}
	camera, err := cam.Start(c)
	if err != nil {
		return err
	}
	debug.SetGCPercent(100) // nobody reads the camera in this process
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return camera.Close()
}

// startHelper starts a camera in a process of its own, until the test ends.
func startHelper(t testing.TB, f cam.Format, w, h, rate int) (path string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a camera and real time")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "video0")
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d %d %d", helperEnv, path, f, w, h, rate))
	var complaint strings.Builder
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Logf("camera: %v: %s", err, complaint.String())
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		in.Close()
		lab.Need(t, fmt.Errorf("virtual camera: %w: %s", err, complaint.String()))
	}
	return path
}

// TestStreamAllocs: from the driver to the picture nothing is allocated, by
// either goroutine.
func TestStreamAllocs(t *testing.T) {
	for _, f := range []cam.Format{cam.YUYV, cam.NV12} {
		v, err := Open(startHelper(t, f, 640, 480, 60), Config{FPS: 60, Chroma: true})
		if err != nil {
			t.Fatal(err)
		}
		var img image.YCbCr
		read := func() { mustRead(t, v, &img, 1) }
		for range 10 { // the three shots, and what the runtime does first
			read()
		}
		if n := testing.AllocsPerRun(60, read); n != 0 {
			t.Errorf("%s: %v allocations per picture, want 0", f, n)
		}
		v.Close()
	}
}

// BenchmarkCamera reads a camera as it comes. The time per operation is the
// camera's; cpu-ns is what this process takes for a picture, fps what came.
func BenchmarkCamera(b *testing.B) {
	for _, c := range []struct {
		f          cam.Format
		w, h, rate int
	}{
		{cam.YUYV, 640, 480, 30},
		{cam.YUYV, 640, 480, 60},
		{cam.NV12, 640, 480, 30},
		{cam.NV12, 640, 480, 60},
		{cam.MJPEG, 640, 480, 30},
		{cam.MJPEG, 640, 480, 60},
		{cam.MJPEG, 1280, 720, 30},
		{cam.MJPEG, 1280, 720, 60},
	} {
		for _, chroma := range []bool{false, true} {
			name := fmt.Sprintf("%s-%dx%d@%v/chroma=%s", c.f, c.w, c.h, c.rate, strconv.FormatBool(chroma))
			b.Run(name, func(b *testing.B) {
				v, err := Open(startHelper(b, c.f, c.w, c.h, c.rate), Config{c.w, c.h, c.rate, chroma})
				if err != nil {
					b.Fatal(err)
				}
				defer v.Close()
				var img image.YCbCr
				b.ReportAllocs()
				b.ResetTimer()
				cpu, start := cpuTime(b), time.Now()
				for range b.N { // b.Loop would run once for each picture too
					if _, err := v.Read(&img); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
				b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "fps")
			})
		}
	}
}

// cpuTime returns the time that this process has used the processors.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
