//go:build !linux && !freebsd && !netbsd && !openbsd && !darwin && !windows

package device

import (
	"context"

	"github.com/sanix-darker/s2c/internal/media"
)

// openSystemMic says that this system's microphones are beyond us.
func openSystemMic(context.Context, string) (media.AudioSource, error) { return nil, ErrUnsupported }

// openSystemSpeaker says that this system's speakers are beyond us.
func openSystemSpeaker(context.Context, string) (media.AudioSink, error) { return nil, ErrUnsupported }
