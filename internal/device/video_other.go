//go:build !linux

package device

import (
	"context"

	"github.com/sanix-darker/s2c/internal/media"
)

// openSystemCamera opens a camera of this machine by its name, or the system's
// choice, through FFmpeg.
func openSystemCamera(ctx context.Context, name string, c VideoConfig) (media.VideoSource, error) {
	how, err := cameraCapture(ctx, name, c)
	if err != nil {
		return nil, err
	}
	return openFFmpeg(ctx, how, c)
}
