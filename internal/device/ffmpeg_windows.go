package device

import (
	"context"
	"os/exec"
	"syscall"
)

const (
	// ffmpegPackage says how to get FFmpeg.
	ffmpegPackage = "winget install ffmpeg"

	permissionHint = "allow desktop apps to use the camera: Settings, Privacy & security, Camera"
	silentHint     = permissionHint
)

// createNoWindow is CREATE_NO_WINDOW of CreateProcess.
const createNoWindow = 0x08000000

// dshowListArgs is the command line that lists the devices.
var dshowListArgs = []string{"-nostdin", "-hide_banner", "-f", "dshow", "-list_devices", "true", "-i", "dummy"}

// hideWindow keeps FFmpeg from opening a console of its own.
func hideWindow(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: createNoWindow}
}

// cameraCapture returns how to read the camera called name.
func cameraCapture(ctx context.Context, name string, c VideoConfig) (capture, error) {
	path, err := findFFmpeg()
	if err != nil {
		return capture{}, err
	}
	cmd := exec.CommandContext(ctx, path, dshowListArgs...)
	cmd.WaitDelay = killWait
	hideWindow(cmd)
	// Its exit status is always an error: "dummy" is no device.
	list, err := cmd.CombinedOutput()
	if len(list) == 0 && err != nil {
		return capture{}, err
	}
	return dshowFind(string(list), name, c)
}
