// Command lookshot saves pictures of what each look makes of a person at a
// webcam, as docs/looks.md shows them:
//
//	go run ./internal/lab/lookshot -o docs/looks
//
// It draws the characters itself, as no terminal at hand draws all of them.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/screen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := flag.String("o", ".", "the `folder` for the pictures")
	size := flag.String("size", "60x20", "columns and rows of a picture")
	frame := flag.Int("frame", 40, "which picture of the clip to draw, from 0 to 86")
	flag.Parse()
	if err := run(ctx, *out, *size, *frame); err != nil {
		fmt.Fprintln(os.Stderr, "lookshot:", err)
		os.Exit(1)
	}
}

// A shot is a look on a kind of terminal.
type shot struct {
	look   ascii.Look
	colors ascii.Colors
}

// name returns the name of the shot's file.
func (s shot) name() string {
	if s.colors == ascii.ColorsTrue {
		return s.look.String() + ".png"
	}
	return s.look.String() + "-" + s.colors.String() + ".png"
}

func run(ctx context.Context, dir, size string, frame int) error {
	var cols, rows int
	if n, _ := fmt.Sscanf(size, "%dx%d", &cols, &rows); n != 2 || cols <= 0 || rows <= 0 {
		return fmt.Errorf("size %q: want columns x rows, as in 60x20", size)
	}
	img, err := picture(ctx, frame)
	if err != nil {
		return err
	}
	shots := []shot{
		{ascii.LookOctant, ascii.Colors256},
		{ascii.LookOctant, ascii.Colors16},
		{ascii.LookQuadrant, ascii.Colors16},
		{ascii.LookBraille, ascii.ColorsNone},
	}
	for l := range ascii.EveryLook {
		shots = append(shots, shot{l, ascii.ColorsTrue})
	}
	for _, s := range shots {
		if err := s.save(filepath.Join(dir, s.name()), img, cols, rows); err != nil {
			return err
		}
	}
	return nil
}

// picture returns a picture of the lab's clip.
func picture(ctx context.Context, n int) (img *image.YCbCr, err error) {
	dir, err := os.MkdirTemp("", "lookshot")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path, err := lab.WriteClip(ctx, dir, false)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	const w, h = 640, 480
	_, b, _ = bytes.Cut(b, []byte("\n")) // the head of the file
	const each = len("FRAME\n") + w*h*3/2
	if n < 0 || (n+1)*each > len(b) {
		return nil, fmt.Errorf("the clip has %d pictures, of which there is no number %d", len(b)/each, n)
	}
	b = b[n*each+len("FRAME\n"):]
	return &image.YCbCr{
		Y: b[:w*h], Cb: b[w*h : w*h*5/4], Cr: b[w*h*5/4 : w*h*3/2],
		YStride: w, CStride: w / 2, SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, w, h),
	}, nil
}

// save draws img and writes what a terminal would show.
func (s shot) save(path string, img *image.YCbCr, cols, rows int) error {
	r := ascii.Renderer{Look: s.look, Colors: s.colors}
	cells := make([]ascii.Cell, cols*rows)
	for range 8 { // automatic levels settle
		r.Render(cells, cols, rows, 0, img)
	}
	g := screen.Grid{Cols: cols, Rows: rows, Cells: make([]screen.Cell, len(cells))}
	for i, c := range cells {
		g.Cells[i] = screen.Cell{Text: string(c.R), Fg: colour(c.Fg), Bg: colour(c.Bg)}
		if c.Reverse {
			g.Cells[i].Style = screen.Reverse
		}
	}
	return g.Save(path)
}

// colour returns a colour as a screen has it.
func colour(c ascii.Color) screen.Color {
	r, g, b, ok := c.RGB()
	if !ok {
		return 0
	}
	return 1<<24 | screen.Color(r)<<16 | screen.Color(g)<<8 | screen.Color(b)
}
