// Package device opens cameras, microphones and speakers by the names that
// people type.
package device

import (
	"context"
	"errors"
	"fmt"

	"github.com/sanix-darker/s2c/internal/media"
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

// An Error says which device could not be used, and Hint what to do about it.
type Error struct {
	Op     string // "open camera", "read microphone", ...
	Device string // as the user named it
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %q: %v", e.Op, e.Device, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Hint returns what a person can do about the fault, or "".
func (e *Error) Hint() string { panic("not built yet") }

// VideoConfig is what is wanted of a camera. Sources may give other sizes.
type VideoConfig struct {
	Width, Height int  // pixels; 0 means 640x480
	FPS           int  // 0 means 30
	Chroma        bool // fill the colour planes too
}

// OpenCamera opens the camera with the given name. ctx bounds the opening only.
// Errors are of type *Error.
func OpenCamera(ctx context.Context, name string, c VideoConfig) (media.VideoSource, error) {
	panic("not built yet")
}

// OpenMic opens the microphone with the given name. ctx bounds the opening only.
// Errors are of type *Error.
func OpenMic(ctx context.Context, name string) (media.AudioSource, error) { panic("not built yet") }

// OpenSpeaker opens the speaker with the given name. ctx bounds the opening
// only. A file is written as WAV. Errors are of type *Error.
func OpenSpeaker(ctx context.Context, name string) (media.AudioSink, error) { panic("not built yet") }
