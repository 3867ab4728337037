package device

import (
	"context"
	"os/exec"

	"github.com/sanix-darker/s2c/internal/media"
)

// openSystemMic opens a microphone of this machine by its name, or the first.
func openSystemMic(ctx context.Context, name string) (media.AudioSource, error) {
	path, err := findFFmpeg()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, dshowListArgs...)
	cmd.WaitDelay = killWait
	hideWindow(cmd)
	// Its exit status is always an error: "dummy" is no device.
	list, err := cmd.CombinedOutput()
	if len(list) == 0 && err != nil {
		return nil, err
	}
	how, err := dshowFindMic(string(list), name)
	if err != nil {
		return nil, err
	}
	return openFFmpegMic(ctx, how)
}
