package device

import (
	"context"

	"github.com/sanix-darker/s2c/internal/media"
)

// openDshowMic opens a microphone by its name, or the first, with FFmpeg.
func openDshowMic(ctx context.Context, name string) (media.AudioSource, error) {
	list, err := dshowList(ctx)
	if err != nil {
		return nil, err
	}
	how, err := dshowFindMic(list, name)
	if err != nil {
		return nil, err
	}
	return openFFmpegMic(ctx, how)
}
