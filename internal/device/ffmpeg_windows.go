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

// dshowList returns FFmpeg's list of the devices.
func dshowList(ctx context.Context) (string, error) {
	path, err := findFFmpeg()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, dshowListArgs...)
	cmd.WaitDelay = killWait
	hideWindow(cmd)
	// Its exit status is always an error: "dummy" is no device.
	list, err := cmd.CombinedOutput()
	if len(list) == 0 && err != nil {
		return "", err
	}
	return string(list), nil
}

// cameraCapture returns how to read the camera called name.
func cameraCapture(ctx context.Context, name string, c VideoConfig) (capture, error) {
	list, err := dshowList(ctx)
	if err != nil {
		return capture{}, err
	}
	return dshowFind(list, name, c)
}
