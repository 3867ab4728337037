//go:build !linux && !darwin && !windows

package device

import (
	"context"
	"os/exec"
)

const (
	// ffmpegPackage says how to get FFmpeg.
	ffmpegPackage = "pkg install ffmpeg"

	permissionHint = "add yourself to the group of the camera's file, such as webcamd, then log in again"
	silentHint     = ""
)

// hideWindow is for Windows.
func hideWindow(*exec.Cmd) {}

// cameraCapture returns how to read the camera called name: webcamd offers them
// as Video4Linux2 does.
func cameraCapture(_ context.Context, name string, c VideoConfig) (capture, error) {
	return v4l2Capture(bsdNode(name), c), nil
}
