package lab

import (
	"context"
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
	_, err := exec.LookPath("ffmpeg")
	Need(t, err)
	y4m, err := WriteClip(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	return y4m
}

// WriteClip writes the file of Clip into dir and returns its path. With back,
// the clip runs backwards after it has run forwards, so that it can be shown
// again and again without a cut, as no webcam makes any.
func WriteClip(ctx context.Context, dir string, back bool) (string, error) {
	filter := "scale=out_range=pc,format=yuv420p"
	if back {
		filter += ",split[a][b];[b]reverse[c];[a][c]concat"
	}
	mkv, y4m := filepath.Join(dir, "signer.mkv"), filepath.Join(dir, "signer.y4m")
	if err := os.WriteFile(mkv, signer, 0o600); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error",
		"-i", mkv, "-vf", filter, "-f", "yuv4mpegpipe", "-strict", "-1", y4m)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("convert %s: %w: %s", mkv, err, out)
	}
	return y4m, nil
}
