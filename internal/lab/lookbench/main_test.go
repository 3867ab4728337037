package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/font/gofont/gomono"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/lab/lookbench/metric"
)

// TestFlags checks what the command refuses, and that it says what is right.
func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-tables", "beauty"}, "want classes, quality, cost, sizes or changes"},
		{[]string{"-font", "comic", "-tables", "quality"}, `load font "comic"`},
		{[]string{"-cells", "big"}, `grid "big"`},
		{[]string{"-sheet", "nowhere.ttf"}, "nowhere.ttf"},
	} {
		err := run(t.Context(), tt.args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("run(%q) = %v, want %q", tt.args, err, tt.want)
		}
	}
}

// TestSheet checks that a font file becomes the picture in metric/fonts.
func TestSheet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gomono.ttf")
	if err := os.WriteFile(path, gomono.TTF, 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-sheet", path}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("metric", "fonts", "gomono.png"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("the sheet has %d bytes, want the %d of gomono.png", out.Len(), len(want))
	}
}

// TestOurs checks that every look is measured, and drawn as it is meant: the
// table of one picture against what each look must reach to be itself.
func TestOurs(t *testing.T) {
	f, err := metric.LoadFont("dejavu")
	if err != nil {
		t.Fatal(err)
	}
	m, err := metric.LoadPicture("bust")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, o := range ours() {
		seen[strings.Fields(o.name)[1]] = true
		cells, err := o.draw(t.Context(), m, 80, 30)
		if err != nil {
			t.Fatal(err)
		}
		s, err := metric.Measure(f, cells, 80, m)
		if err != nil {
			t.Fatal(err)
		}
		if s.Q < max(0.2, o.floor-0.06) {
			t.Errorf("Q of %s = %.3f", o.name, s.Q)
		}
	}
	for l := range ascii.EveryLook {
		if !seen[l.String()] && !seen[l.String()+","] {
			t.Errorf("look %v is not measured", l)
		}
	}
}

// TestXWD checks the header that chafa reads.
func TestXWD(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 3, 2))
	m.Pix[4] = 77
	b := xwd(m)
	if len(b) != 100+4*6 {
		t.Fatalf("an X window dump of 3x2 pixels has %d bytes, want 124", len(b))
	}
	for at, want := range map[int]uint32{0: 100, 4: 7, 16: 3, 20: 2, 44: 32, 48: 12} {
		if got := binary.BigEndian.Uint32(b[at:]); got != want {
			t.Errorf("field at %d = %d, want %d", at, got, want)
		}
	}
	if got := b[100+4*4]; got != 77 {
		t.Errorf("pixel 4 = %d, want 77", got)
	}
}

// TestSums checks the small arithmetic.
func TestSums(t *testing.T) {
	if got := median([]time.Duration{9, 1, 5}); got != 5 {
		t.Errorf("median = %v, want 5", got)
	}
	m := image.NewGray(image.Rect(0, 0, 4, 2))
	copy(m.Pix, []byte{10, 20, 0, 0, 30, 40, 0, 255})
	if got := shrink(m, 2).Pix; !bytes.Equal(got, []byte{25, 64}) {
		t.Errorf("shrink = %v, want 25, 64", got)
	}
	if n := noisyPictures(m, 0, 2); len(n) != 2 || !bytes.Equal(n[1].Y, m.Pix) {
		t.Errorf("pictures without noise = %v", n)
	}
	// A look that kept changing would fail its table.
	if got := churn(ascii.LookOctant, ascii.ColorsTrue, noisyPictures(m, 0, 12), 2, 1); got != 0 {
		t.Errorf("%v of the cells of a still picture change", got)
	}
}
