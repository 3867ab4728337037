// Package device opens cameras, microphones and speakers by the names that
// people type.
package device

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/sanix-darker/s2c/pulse"
	"github.com/sanix-darker/s2c/v4l2"
)

// Names that every machine has. Any other name is a device, or a file when
// there is one of that name or it contains "://".
const (
	Auto = "auto" // the system's choice
	None = "none" // nothing: not to be opened
	Test = "test" // a moving test card, a test tone, or a speaker that discards
)

// What an Error wraps besides the errors of the system.
var (
	ErrNotFound    = errors.New("no such device")
	ErrNoDevice    = errors.New("there is none on this machine")
	ErrUnsupported = errors.New("not supported here")
	ErrNoFFmpeg    = errors.New("ffmpeg is not installed")
	ErrFormat      = errors.New("format not understood")
)

// What else Hint looks for in the errors of Windows' microphones.
var (
	errForbidden = errors.New("the system refuses it")
	errByFFmpeg  = errors.New("FFmpeg may open it")
)

// An Error says which device could not be used, and Hint what to do about it.
type Error struct {
	Op     string // "open camera", "read microphone", ...
	Device string // as the user named it
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %q: %v", e.Op, e.Device, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Reason returns what is wrong in a few words, without what was tried.
func (e *Error) Reason() string {
	if errors.Is(e.Err, pulse.ErrNoServer) {
		return pulse.ErrNoServer.Error()
	}
	return e.Err.Error()
}

// Hint returns what a person can do about the fault, or "".
func (e *Error) Hint() string {
	kind, flag := e.kind()
	switch err := e.Err; {
	case errors.Is(err, os.ErrClosed):
		return ""
	case errors.Is(err, ErrNoFFmpeg):
		return "install ffmpeg: " + ffmpegPackage
	case errors.Is(err, pulse.ErrNoServer):
		return "start PulseAudio or PipeWire, or use " + flag + " none"
	case errors.Is(err, ErrNoDevice):
		return "plug one in, or use " + flag + " none"
	case errors.Is(err, syscall.ENOSPC):
		return "make room on the disk"
	case errors.Is(err, syscall.EBUSY):
		return "another program uses it; close it, or try " + flag + " test"
	case errors.Is(err, os.ErrPermission) && kind == "camera":
		return permissionHint
	case errors.Is(err, errMute), errors.Is(err, errForbidden):
		return "see whether the system mutes or forbids the microphone, or use --mic none"
	case errors.Is(err, errSilent):
		return silentHint
	case errors.Is(err, ErrNotFound), errors.Is(err, os.ErrNotExist), errors.Is(err, v4l2.ErrNotCamera),
		errors.Is(err, pulse.ErrNotFound), errors.Is(err, pulse.ErrGone):
		return "see the names that there are: s2c devices"
	case errors.Is(err, v4l2.ErrStalled) && strings.HasPrefix(e.Op, "open"), errors.Is(err, v4l2.ErrNoFormat):
		return "use another camera, or read it with ffmpeg: " + flag + ` "ffmpeg:-f v4l2 -i /dev/video0"`
	case errors.Is(err, errByFFmpeg):
		return "use another microphone, or read it with ffmpeg: " + flag + ` "ffmpeg:-f dshow -i audio=NAME"`
	case errors.Is(err, v4l2.ErrStalled), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.EIO):
		return "unplug it and plug it in again, or use another " + kind
	}
	return ""
}

// kind returns what sort of device e is about, and the flag that chooses it.
func (e *Error) kind() (kind, flag string) {
	switch _, kind, _ := strings.Cut(e.Op, " "); kind {
	case "microphone", "mic":
		return "microphone", "--mic"
	case "speaker":
		return kind, "--speaker"
	}
	return "camera", "--camera"
}
