package lab

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// signer is a clip of a person at a webcam; media/README.md says whose it is.
//
//go:embed media/asl_sister_640x480_30fps.mkv
var signer []byte

// Clip returns the path of a y4m file with a person at a webcam: 640x480, 30
// pictures a second, 87 pictures, 4:2:0, full range. The file lives as long as
// the test. It takes ffmpeg, without which Clip ends the test as Need does.
func Clip(t testing.TB) string {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	Need(t, err)
	dir := t.TempDir()
	mkv, y4m := filepath.Join(dir, "signer.mkv"), filepath.Join(dir, "signer.y4m")
	if err := os.WriteFile(mkv, signer, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error",
		"-i", mkv, "-vf", "scale=out_range=pc,format=yuv420p", "-f", "yuv4mpegpipe", "-strict", "-1", y4m)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("convert %s: %w: %s", mkv, err, out))
	}
	return y4m
}
