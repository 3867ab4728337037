package device

import (
	"context"

	"github.com/sanix-darker/s2c/internal/media"
)

// openSystemMic opens a microphone of this machine by its name, or the system's
// choice.
func openSystemMic(ctx context.Context, name string) (media.AudioSource, error) {
	return openFFmpegMic(ctx, avfoundationMic(name))
}
