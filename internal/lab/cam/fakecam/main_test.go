package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/cam"
)

func TestParse(t *testing.T) {
	c, err := parse(strings.Fields("-dev /dev/video7 -name X -stamp -formats NV12,MJPG -sizes 640x480,320x240 -fps 25"))
	want := "/dev/video7 X [NV12 MJPG] [(640,480) (320,240)] [25] true"
	if got := fmt.Sprint(c.Path, " ", c.Name, " ", c.Formats, c.Sizes, c.Rates, c.Stamp); err != nil || got != want {
		t.Errorf("parse = %s, %v; want %s", got, err, want)
	}
	for _, args := range []string{"-fps 0", "-fps 1000", "-formats H264", "-sizes big", "-src /no/such.y4m", "-nonsense"} {
		if _, err := parse(strings.Fields(args)); err == nil {
			t.Errorf("parse(%s) succeeds", args)
		}
	}
}

// TestObey carries out commands and leaves the camera gone.
func TestObey(t *testing.T) {
	camera, err := cam.Start(cam.Config{})
	lab.Need(t, err)
	defer camera.Close()
	var out bytes.Buffer
	obey(camera, strings.NewReader("freeze\n\n stats\ndance\nunplug\n"), &out)
	want := "ok\nframes 0 starved 0 dequeues 0\nerror: unknown command \"dance\"\nok\n"
	if out.String() != want {
		t.Errorf("answers %q, want %q", out.String(), want)
	}
}

func TestRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "video0")
	ctx, cancel := context.WithCancel(t.Context())
	ready := writerFunc(func(b []byte) (int, error) {
		defer cancel()
		if _, err := os.Stat(path); err != nil || string(b) != "ready "+path+"\n" {
			t.Errorf("prints %q; the camera: %v", b, err)
		}
		return len(b), nil
	})
	lab.Need(t, run(ctx, []string{"-dev", path}, strings.NewReader(""), ready))
	if _, err := os.Stat(path); err == nil {
		t.Error("the camera is still there")
	}
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
