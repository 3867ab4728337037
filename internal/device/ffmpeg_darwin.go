package device

import (
	"context"
	"os/exec"
)

const (
	// ffmpegPackage says how to get FFmpeg.
	ffmpegPackage = "brew install ffmpeg"

	// macOS asks for the permission on behalf of the terminal, and gives a
	// program without it nothing.
	permissionHint = "allow this terminal to use the camera: System Settings, Privacy & Security, Camera"
	silentHint     = permissionHint
)

// hideWindow is for Windows.
func hideWindow(*exec.Cmd) {}

// cameraCapture returns how to read the camera called name.
func cameraCapture(_ context.Context, name string, c VideoConfig) (capture, error) {
	return avfoundationCapture(name, c), nil
}
