//go:build !linux

package device

import (
	"context"

	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/v4l2"
)

// openSystem opens a camera of this machine by its name, or the system's
// choice, through FFmpeg.
func (o *Opener) openSystem(ctx context.Context) (media.VideoSource, error) {
	how, err := cameraCapture(ctx, o.name, o.c)
	if err != nil {
		return nil, err
	}
	return openFFmpeg(ctx, how, o.c)
}

// openNode opens the camera at path, which only Linux has cameras at.
func (o *Opener) openNode(context.Context, string) (media.VideoSource, error) {
	return nil, v4l2.ErrUnsupported
}
