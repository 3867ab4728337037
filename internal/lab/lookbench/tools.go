package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/lookbench/metric"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

// A tool is another program that shows pictures in terminals.
type tool struct {
	path    string
	name    string   // with its version
	octants bool     // it draws them
	single  []string // the arguments that keep it to the file and the grid
}

// findChafa returns the chafa at path.
func findChafa(ctx context.Context, path string) (*tool, error) {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", path, err)
	}
	t := &tool{path: path}
	version, _, _ := strings.Cut(string(out), "\n")
	t.name = "chafa " + version[strings.LastIndexByte(version, ' ')+1:]
	help, err := exec.CommandContext(ctx, path, "--help").Output()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", path, err)
	}
	// Newer versions ask the terminal and know more ways to write.
	for _, option := range []string{"--probe=off", "--relative=off", "--passthrough=none", "--polite=on"} {
		name, _, _ := strings.Cut(option, "=")
		if bytes.Contains(help, []byte(name+"=")) {
			t.single = append(t.single, option)
		}
	}
	t.octants = t.drawsOctants(ctx)
	return t, nil
}

// drawsOctants reports whether t knows octants and the GLib under it does: one
// that does not makes chafa leave them out without a word.
func (t *tool) drawsOctants(ctx context.Context) bool {
	m := image.NewGray(image.Rect(0, 0, 640, 480))
	for i := range m.Pix {
		m.Pix[i] = uint8((i%640/7 ^ i/640/5) * 37)
	}
	cells, err := t.chafa(ctx, m, 80, 30, "--symbols=octant", "--colors=full")
	if err != nil {
		return false
	}
	n := 0
	for _, c := range cells {
		if c.R >= 0x1cd00 && c.R <= 0x1cde5 {
			n++
		}
	}
	return n > len(cells)/4
}

// args are what chafa is called with for a grid.
func (t *tool) args(cols, rows int, mode ...string) []string {
	a := []string{
		"--format=symbols", "--stretch", "--font-ratio=1/2", "--threads=1", "--optimize=0", "--animate=off", "--duration=0",
		"--size=" + strconv.Itoa(cols) + "x" + strconv.Itoa(rows),
	}
	return append(append(a, t.single...), mode...)
}

// chafa draws m in cells.
func (t *tool) chafa(ctx context.Context, m *image.Gray, cols, rows int, mode ...string) ([]metric.Cell, error) {
	return withFile(xwd(m), ".xwd", func(path string) ([]metric.Cell, error) {
		return t.run(ctx, cols, rows, append(t.args(cols, rows, mode...), path))
	})
}

// jp2a draws m in cells.
func (t *tool) jp2a(ctx context.Context, m *image.Gray, cols, rows int, mode ...string) ([]metric.Cell, error) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 98}); err != nil {
		return nil, fmt.Errorf("encode a picture for %s: %w", t.name, err)
	}
	return withFile(b.Bytes(), ".jpg", func(path string) ([]metric.Cell, error) {
		args := append([]string{fmt.Sprintf("--size=%dx%d", cols, rows), "--background=dark"}, mode...)
		return t.run(ctx, cols, rows, append(args, path))
	})
}

// withFile calls f with the path of a file for as long as f runs.
func withFile(content []byte, ext string, f func(path string) ([]metric.Cell, error)) ([]metric.Cell, error) {
	dir, err := os.MkdirTemp("", "lookbench")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "picture"+ext)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return nil, fmt.Errorf("write a picture: %w", err)
	}
	return f(path)
}

// run runs t and returns the cells that it writes.
func (t *tool) run(ctx context.Context, cols, rows int, args []string) ([]metric.Cell, error) {
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w: %s", t.path, err, said.String())
	}
	g, err := screen.Parse(bytes.NewReader(out))
	if err != nil {
		return nil, fmt.Errorf("read what %s writes: %w", t.name, err)
	}
	if g.Rows < rows {
		return nil, fmt.Errorf("read what %s writes: %d rows, want %d", t.name, g.Rows, rows)
	}
	cells := make([]metric.Cell, cols*rows)
	for i := range cells {
		cells[i] = seen(g.At(i%cols, i/cols))
	}
	return cells, nil
}

// seen returns a cell of a screen with the colours that are seen.
func seen(c screen.Cell) metric.Cell {
	colour := func(v screen.Color, own color.RGBA) color.RGBA {
		if v == 0 {
			return own
		}
		return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}
	}
	m := metric.Cell{R: ' ', Fg: colour(c.Fg, white), Bg: colour(c.Bg, black)}
	for _, r := range c.Text {
		m.R = r
		break
	}
	if c.Style&screen.Reverse != 0 {
		m.Fg, m.Bg = m.Bg, m.Fg
	}
	return m
}

// cpu returns the CPU time that chafa takes for one of some pictures in a grid,
// without starting and without reading the files: the difference between one
// run with many pictures in the grid and one with as many in a single cell.
func (t *tool) cpu(ctx context.Context, pictures []*image.Gray, cols, rows int, mode ...string) (time.Duration, error) {
	const times = 8
	dir, err := os.MkdirTemp("", "lookbench")
	if err != nil {
		return 0, fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir)
	var paths []string
	for i, m := range pictures {
		path := filepath.Join(dir, strconv.Itoa(i)+".xwd")
		if err := os.WriteFile(path, xwd(m), 0o600); err != nil {
			return 0, fmt.Errorf("write a picture: %w", err)
		}
		paths = append(paths, path)
	}
	var cost [2]time.Duration
	for i, size := range [2][2]int{{1, 1}, {cols, rows}} {
		args := append(t.args(size[0], size[1], mode...), slices.Repeat(paths, times)...)
		cmd := exec.CommandContext(ctx, t.path, args...)
		cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor")
		if err := cmd.Run(); err != nil {
			return 0, fmt.Errorf("run %s: %w", t.path, err)
		}
		cost[i] = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return (cost[1] - cost[0]) / time.Duration(times*len(paths)), nil
}

// xwd returns m as an X window dump, which costs nothing to decode.
func xwd(m *image.Gray) []byte {
	w, h := uint32(m.Rect.Dx()), uint32(m.Rect.Dy())
	const header = 100
	b := make([]byte, 0, header+4*w*h)
	for _, v := range []uint32{
		header, 7, // version
		2, 24, w, h, 0, // a pixmap in direct colour, 24 bits deep
		0, 32, 0, 32, 32, 4 * w, // little endian, 32 bits a pixel
		4, 0xff0000, 0xff00, 0xff, 8, 256, 0, // true colour, no colour map
		w, h, 0, 0, 0,
	} {
		b = append(b, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	for y := range int(h) {
		for _, v := range m.Pix[y*m.Stride:][:w] {
			b = append(b, v, v, v, 255)
		}
	}
	return b
}

// methods are the modes of chafa that are compared, with the classes they
// belong to.
func (t *tool) methods() []method {
	of := func(class, name string, mode ...string) method {
		return method{class: class, name: t.name + " " + name, draw: func(ctx context.Context, m *image.Gray, cols, rows int) ([]metric.Cell, error) {
			return t.chafa(ctx, m, cols, rows, mode...)
		}}
	}
	list := []method{
		of(monoASCII, "ascii", "--symbols=ascii", "--colors=none"),
		of(monoASCII, "ascii, work 9", "--symbols=ascii", "--colors=none", "--work=9"),
		of(monoASCII, "ascii, diffusion", "--symbols=ascii", "--colors=none", "--dither=diffusion"),
		of(reverseASCII, "ascii", "--symbols=ascii", "--colors=2"),
		of(reverseASCII, "ascii, work 9", "--symbols=ascii", "--colors=2", "--work=9"),
		of(reverseASCII, "ascii, diffusion", "--symbols=ascii", "--colors=2", "--dither=diffusion"),
		of(tintedASCII, "ascii", "--symbols=ascii", "--colors=full", "--fg-only"),
		of(tintedASCII, "ascii, work 9", "--symbols=ascii", "--colors=full", "--fg-only", "--work=9"),
		of(fullASCII, "ascii", "--symbols=ascii", "--colors=full"),
		of(fullASCII, "ascii, work 9", "--symbols=ascii", "--colors=full", "--work=9"),
		of(full256, "ascii", "--symbols=ascii", "--colors=256"),
		of(full256, "ascii, work 9", "--symbols=ascii", "--colors=256", "--work=9"),
		of(full16, "ascii", "--symbols=ascii", "--colors=16"),
		of(full16, "ascii, diffusion", "--symbols=ascii", "--colors=16", "--dither=diffusion"),
		of(monoBlocks, "braille", "--symbols=braille", "--colors=none"),
		of(monoBlocks, "braille, diffusion", "--symbols=braille", "--colors=none", "--dither=diffusion"),
		of(dots, "braille", "--symbols=braille", "--colors=full"),
		of(dots, "braille, work 9", "--symbols=braille", "--colors=full", "--work=9"),
		of(halves, "half", "--symbols=vhalf", "--colors=full"),
		of(halves256, "half", "--symbols=vhalf", "--colors=256"),
		of(halves256, "half, diffusion", "--symbols=vhalf", "--colors=256", "--dither=diffusion"),
		of(quarters, "quad", "--symbols=quad,half,solid,space", "--colors=full"),
		of(quarters, "quad, work 9", "--symbols=quad,half,solid,space", "--colors=full", "--work=9"),
		of(quarters, "block", "--symbols=block,space", "--colors=full"),
		of(quarters, "block, work 9", "--symbols=block,space", "--colors=full", "--work=9"),
		of(quarters, "default", "--colors=full"),
		of(quarters, "default, work 9", "--colors=full", "--work=9"),
		of(quarters256, "default", "--colors=256"),
		of(quarters256, "block, work 9", "--symbols=block,space", "--colors=256", "--work=9"),
		of(quarters16, "default", "--colors=16"),
		of(quarters16, "default, diffusion", "--colors=16", "--dither=diffusion"),
		of(quarters16, "block, work 9, diffusion", "--symbols=block,space", "--colors=16", "--work=9", "--dither=diffusion"),
		of(sixths, "sextant", "--symbols=sextant,half,solid,space", "--colors=full"),
		of(sixths, "sextant, work 9", "--symbols=sextant,half,solid,space", "--colors=full", "--work=9"),
		of(sixths, "sextant+quad, work 9", "--symbols=sextant,quad,half,solid,space", "--colors=full", "--work=9"),
		of(sixths256, "sextant+quad, work 9", "--symbols=sextant,quad,half,solid,space", "--colors=256", "--work=9"),
	}
	if t.octants {
		const octants = "--symbols=octant,quad,half,solid,space"
		list = append(list,
			of(monoBlocks, "octant", octants, "--colors=none", "--work=9"),
			of(eighths, "octant", octants, "--colors=full"),
			of(eighths, "octant, work 9", octants, "--colors=full", "--work=9"),
			of(eighths256, "octant, work 9", octants, "--colors=256", "--work=9"),
			of(eighths256, "octant, diffusion", octants, "--colors=256", "--work=9", "--dither=diffusion"),
			of(eighths16, "octant", octants, "--colors=16", "--work=9"),
			of(eighths16, "octant, diffusion", octants, "--colors=16", "--work=9", "--dither=diffusion"),
		)
	}
	return list
}

// jp2aMethods are the modes of the jp2a at path.
func jp2aMethods(path string) []method {
	t := &tool{path: path, name: "jp2a"}
	of := func(class, name string, mode ...string) method {
		return method{class: class, name: name, draw: func(ctx context.Context, m *image.Gray, cols, rows int) ([]metric.Cell, error) {
			return t.jp2a(ctx, m, cols, rows, mode...)
		}}
	}
	return []method{
		of(monoASCII, "jp2a"),
		of(tintedASCII, "jp2a colours", "--colors", "--color-depth=24"),
	}
}
