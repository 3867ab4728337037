package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

func TestRun(t *testing.T) {
	lab.Need(t, screen.Available())
	out := filepath.Join(t.TempDir(), "out.png")
	var stderr bytes.Buffer
	err := run(t.Context(), []string{
		"-o", out, "-size", "30x4", "-wait", "hello", "-type", "now; ", "-press", "x", "-press", "Enter", "--",
		"/bin/sh", "-c", `echo hello; read line; [ "$line" = "now; x" ] || exit; read line`,
	}, &stderr)
	if err != nil {
		t.Fatalf("run: %v\n%s", err, stderr.String())
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.DecodeConfig(f)
	if err != nil || m.Width != 30*screen.CellWidth || m.Height != 4*screen.CellHeight {
		t.Errorf("the picture is %dx%d, %v, want %dx%d", m.Width, m.Height, err, 30*screen.CellWidth, 4*screen.CellHeight)
	}
}

func TestRunFails(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-size", "80"}, `size "80"`},
		{[]string{"-size", "0x5", "true"}, `size "0x5"`},
		{[]string{"-nonsense"}, "nonsense"},
		{[]string{"-size", "80x24"}, "no program"},
	} {
		var stderr bytes.Buffer
		err := run(t.Context(), tt.args, &stderr)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("run(%q) = %v, want an error with %q", tt.args, err, tt.want)
		}
	}
}
