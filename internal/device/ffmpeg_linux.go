package device

import "os/exec"

const (
	// ffmpegPackage says how to get FFmpeg.
	ffmpegPackage = "sudo apt install ffmpeg, or your system's way to install packages"

	// silentHint is for an FFmpeg that gives no picture.
	silentHint = "see whether the address or the file can be played at all: ffplay"
)

// hideWindow is for Windows.
func hideWindow(*exec.Cmd) {}
