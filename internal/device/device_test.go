package device

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/sanix-darker/s2c/pulse"
	"github.com/sanix-darker/s2c/v4l2"
)

func TestHint(t *testing.T) {
	for _, c := range []struct {
		op   string
		err  error
		want string // part of the hint; "" for none
	}{
		{"open camera", syscall.EBUSY, "another program uses it; close it, or try --camera test"},
		{"open microphone", syscall.EBUSY, "try --mic test"},
		{"open speaker", syscall.EBUSY, "try --speaker test"},
		{"open camera", syscall.EACCES, permissionHint},
		{"open camera", syscall.ENOENT, "s2c devices"},
		{"open camera", ErrNotFound, "s2c devices"},
		{"open camera", v4l2.ErrNotCamera, "s2c devices"},
		{"open microphone", pulse.ErrNotFound, "s2c devices"},
		{"open camera", ErrNoDevice, "plug one in, or use --camera none"},
		{"open microphone", ErrNoDevice, "--mic none"},
		{"open camera", ErrNoFFmpeg, ffmpegPackage},
		{"open microphone", pulse.ErrNoServer, "start PulseAudio or PipeWire, or use --mic none"},
		{"open speaker", pulse.ErrNoServer, "--speaker none"},
		{"read camera", syscall.ENODEV, "plug it in again"},
		{"read camera", v4l2.ErrStalled, "plug it in again"},
		{"open camera", v4l2.ErrNoFormat, "ffmpeg:"},
		{"open microphone", errMute, "forbids the microphone"},
		{"open microphone", errForbidden, "forbids the microphone"},
		{"open microphone", errByFFmpeg, `--mic "ffmpeg:-f dshow`},
		{"read camera", os.ErrClosed, ""},
		{"open camera", fmt.Errorf("something else"), ""},
	} {
		e := &Error{c.op, "x", fmt.Errorf("wrapped: %w", c.err)}
		got := e.Hint()
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%v: hint %q, want %q", e, got, c.want)
		}
	}
}

// TestErrorText holds the sentences of the style guide.
func TestErrorText(t *testing.T) {
	for name, want := range map[string]string{
		"/dev/video0": `open camera "/dev/video0": device or resource busy`,
		"auto":        `open camera "auto": /dev/video0: device or resource busy`,
	} {
		err := &fs.PathError{Op: "open camera", Path: "/dev/video0", Err: syscall.EBUSY}
		if got := (&Error{"open camera", name, withoutName(err, name)}).Error(); got != want {
			t.Errorf("error %s, want %s", got, want)
		}
	}
}
