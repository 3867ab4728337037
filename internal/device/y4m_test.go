package device

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/media"
)

func TestParseY4M(t *testing.T) {
	for line, want := range map[string]y4mHeader{
		"YUV4MPEG2 W160 H96 F30:1 Ip A0:0 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=FULL": {160, 96, 30, 1, y4m420, true},
		"YUV4MPEG2 W3 H5": {3, 5, 0, 0, y4m420, false},
		"YUV4MPEG2 H5 W3 C422 XCOLORRANGE=LIMITED F30000:1001": {3, 5, 30000, 1001, y4m422, false},
		"YUV4MPEG2  W3  H5 C444 F0:0":                          {3, 5, 0, 0, y4m444, false},
		"YUV4MPEG2 W8192 H2048 Cmono Zfuture F1:10":            {8192, 2048, 1, 10, y4mMono, false},
	} {
		if got, err := parseY4M([]byte(line)); err != nil || got != want {
			t.Errorf("parseY4M(%q) = %+v, %v; want %+v", line, got, err, want)
		}
	}
	for _, line := range []string{
		"", "YUV4MPEG", "YUV4MPEG2", "YUV4MPEG2 W4", "YUV4MPEG2 W0 H4", "YUV4MPEG2 W-4 H4", "YUV4MPEG2 W+4 H4",
		"YUV4MPEG2 W8193 H4", "YUV4MPEG2 W8192 H8192", "YUV4MPEG2 W4 H4 C420p10", "YUV4MPEG2 W4 H4 C411",
		"YUV4MPEG2 W4 H4 F30", "YUV4MPEG2 W4 H4 F0:1", "YUV4MPEG2 W4 H4 F1:0", "YUV4MPEG2 W4 H4 F241:1",
		"YUV4MPEG2 W4 H4 F1:11", "YUV4MPEG2 W99999999999999999999 H4",
	} {
		if got, err := parseY4M([]byte(line)); !errors.Is(err, ErrFormat) {
			t.Errorf("parseY4M(%q) = %+v, %v; want ErrFormat", line, got, err)
		}
	}
}

func TestY4MPeriod(t *testing.T) {
	for h, want := range map[y4mHeader]time.Duration{
		{}:                      time.Second / 30,
		{num: 25, den: 1}:       40 * time.Millisecond,
		{num: 30000, den: 1001}: 33366666 * time.Nanosecond,
		{num: 1, den: 10}:       10 * time.Second,
	} {
		if got := h.period(); got != want {
			t.Errorf("%d:%d: period %v, want %v", h.num, h.den, got, want)
		}
	}
}

// TestY4MPlanes reads one picture of each sampling. The planes are written in
// letters, whose means are easy to see.
func TestY4MPlanes(t *testing.T) {
	for _, c := range []struct {
		head       string
		planes     string
		y, cb, cr  string
		withColour bool
	}{
		{"W4 H2 C420", "abcdefgh" + "ij" + "kl", "abcdefgh", "ij", "kl", true},
		{"W4 H2 C420", "abcdefgh" + "ij" + "kl", "abcdefgh", "", "", false},
		{"W4 H2 C422", "abcdefgh" + "ijkl" + "mnop", "abcdefgh", "jk", "no", true},
		{"W4 H2 C422", "abcdefgh" + "ijkl" + "mnop", "abcdefgh", "", "", false},
		{"W2 H2 C444", "abcd" + "eegg" + "hjlp", "abcd", "f", "l", true},
		{"W4 H2 Cmono", "abcdefgh", "abcdefgh", "\x80\x80", "\x80\x80", true},
		{"W3 H3 C420", "abcdefghi" + "jklm" + "nopq", "abcdefghi", "jklm", "nopq", true},
		{"W3 H3 C422", "abcdefghi" + "aaccee" + "bbddff", "abcdefghi", "bbee", "ccff", true},
		{"W3 H1 C444", "abc" + "ace" + "bdf", "abc", "be", "cf", true},
		{"W1 H1 C444", "a" + "b" + "c", "a", "b", "c", true},
	} {
		y, err := newY4MReader(strings.NewReader("YUV4MPEG2 " + c.head + " XCOLORRANGE=FULL\nFRAME Ip\n" + c.planes))
		if err != nil {
			t.Fatal(err)
		}
		var f media.Frame
		if err := y.next(&f, c.withColour); err != nil {
			t.Errorf("%s: %v", c.head, err)
			continue
		}
		if string(f.Y) != c.y || string(f.Cb) != c.cb || string(f.Cr) != c.cr {
			t.Errorf("%s, colour %v: %q, %q, %q; want %q, %q, %q", c.head, c.withColour, f.Y, f.Cb, f.Cr, c.y, c.cb, c.cr)
		}
		if err := y.next(&f, c.withColour); !errors.Is(err, io.EOF) {
			t.Errorf("%s: after the last picture %v, want EOF", c.head, err)
		}
	}
}

// TestY4MLimited: limited range, which is what a file has that says nothing,
// becomes full.
func TestY4MLimited(t *testing.T) {
	y, err := newY4MReader(strings.NewReader("YUV4MPEG2 W2 H2\nFRAME\n" + "\x10\xeb\x7e\x00" + "\x10" + "\xf0"))
	if err != nil {
		t.Fatal(err)
	}
	var f media.Frame
	if err := y.next(&f, true); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(f.Y, []byte{0, 255, 128, 0}) || f.Cb[0] != 1 || f.Cr[0] != 255 {
		t.Errorf("luma %v, chroma %v, %v; want [0 255 128 0], [1], [255]", f.Y, f.Cb, f.Cr)
	}
	if stretchChroma[128] != 128 || stretchLuma[16] != 0 {
		t.Errorf("grey becomes %d, black %d", stretchChroma[128], stretchLuma[16])
	}
}

func TestY4MDamaged(t *testing.T) {
	const head = "YUV4MPEG2 W4 H2\n"
	for name, in := range map[string]string{
		"no marker":    head + "abcdefghijklFRAME\n",
		"cut in luma":  head + "FRAME\nabcd",
		"cut in Cr":    head + "FRAME\nabcdefghijk",
		"endless line": head + "FRAME" + strings.Repeat(" x", 1<<17),
		"long line":    head + "FRAME" + strings.Repeat(" x", 1000) + "\nabcdefghijkl",
		"no line end":  head + "FRAME",
	} {
		y, err := newY4MReader(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		var f media.Frame
		if err := y.next(&f, true); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
		if y, err = newY4MReader(strings.NewReader(in)); err != nil {
			t.Fatal(err)
		}
		if err := y.skip(); !errors.Is(err, ErrFormat) {
			t.Errorf("%s, skipped: %v, want ErrFormat", name, err)
		}
	}
	if _, err := newY4MReader(strings.NewReader("")); !errors.Is(err, ErrFormat) {
		t.Errorf("empty: %v, want ErrFormat", err)
	}
}

// writeClip writes a y4m file of n pictures of 4x2, each of one letter.
func writeClip(t *testing.T, rate string, n int) string {
	t.Helper()
	b := []byte("YUV4MPEG2 W4 H2 F" + rate + " XCOLORRANGE=FULL\n")
	for i := range n {
		b = append(b, "FRAME\n"+strings.Repeat(string(rune('a'+i)), 12)...)
	}
	path := filepath.Join(t.TempDir(), "clip.Y4M")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestClipTime: a clip is shown at its rate and repeated, and a late reader
// sees what is due then.
func TestClipTime(t *testing.T) {
	path := writeClip(t, "10:1", 4)
	synctest.Test(t, func(t *testing.T) {
		src, err := OpenCamera(t.Context(), path, VideoConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		start := time.Now()
		var f media.Frame
		got := ""
		for i, busy := range []time.Duration{0, 0, 0, 0, 0, 0, 350 * time.Millisecond, 0, time.Second} {
			time.Sleep(busy)
			if err := src.ReadFrame(&f); err != nil {
				t.Fatal(err)
			}
			got += string(f.Y[0])
			if late := time.Since(f.At); late >= 100*time.Millisecond {
				t.Errorf("picture %d is %v old", i, late)
			}
		}
		// At 0 .. 500 ms; 850: the eighth; 900; 1900: the nineteenth.
		if want := "abcdab" + "a" + "b" + "d"; got != want {
			t.Errorf("pictures %s, want %s", got, want)
		}
		if took := time.Since(start); took != 1900*time.Millisecond {
			t.Errorf("took %v, want 1.9 s", took)
		}
	})
}

func TestClipClose(t *testing.T) {
	path := writeClip(t, "1:10", 1)
	src, err := OpenCamera(t.Context(), path, VideoConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var f media.Frame
	if err := src.ReadFrame(&f); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	go func() { errs <- src.ReadFrame(&f) }() // waits for 10 s
	for range 2 {
		if err := src.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := <-errs; !errors.Is(err, os.ErrClosed) {
		t.Errorf("ReadFrame: %v, want ErrClosed", err)
	}
}

func TestClipNoPictures(t *testing.T) {
	src, err := OpenCamera(t.Context(), writeClip(t, "10:1", 0), VideoConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var f media.Frame
	if err := src.ReadFrame(&f); !errors.Is(err, ErrFormat) {
		t.Errorf("ReadFrame: %v, want ErrFormat", err)
	}
}

func FuzzY4M(f *testing.F) {
	f.Add([]byte("YUV4MPEG2 W4 H2 F30:1 Ip A0:0 C420mpeg2 XCOLORRANGE=FULL\nFRAME\nabcdefghijkl"))
	f.Add([]byte("YUV4MPEG2 W2 H2 C444\nFRAME\nabcdefghijkl"))
	f.Add([]byte("YUV4MPEG2 W3 H3 C422 F0:0\nFRAME Ixyz\nabcdefghijklmnopqrstu"))
	f.Add([]byte("YUV4MPEG2 W1 H1 Cmono F30000:1001\nFRAME\naFRAME\nb"))
	f.Fuzz(func(t *testing.T, b []byte) {
		y, err := newY4MReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		again, err := newY4MReader(bytes.NewReader(y.head.append(nil)))
		if err != nil || again.head != y.head {
			t.Fatalf("%+v becomes %+v, %v", y.head, again.head, err)
		}
		if y.head.w*y.head.h > len(b) {
			return // no whole picture can follow
		}
		var frame media.Frame
		for i := range 3 {
			if err := y.next(&frame, true); err != nil {
				break
			}
			if len(frame.Y) != y.head.w*y.head.h || len(frame.Cb) != len(frame.Cr) {
				t.Fatalf("picture %d has planes of %d, %d, %d bytes", i, len(frame.Y), len(frame.Cb), len(frame.Cr))
			}
		}
	})
}

// readForever repeats a picture.
type readForever struct{ b, rest []byte }

func (r *readForever) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		r.rest = r.b
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func endlessY4M(t testing.TB, w, h int, chroma string) *y4mReader {
	t.Helper()
	head := fmt.Sprintf("YUV4MPEG2 W%d H%d C%s\n", w, h, chroma)
	y, err := newY4MReader(io.MultiReader(strings.NewReader(head),
		&readForever{b: append([]byte("FRAME\n"), bytes.Repeat([]byte{100}, frameBytes(w, h, chroma))...)}))
	if err != nil {
		t.Fatal(err)
	}
	return y
}

func frameBytes(w, h int, chroma string) int {
	c, _ := parseY4MChroma(chroma)
	cw, ch := c.plane(w, h)
	return w*h + 2*cw*ch
}

func TestY4MAllocs(t *testing.T) {
	for _, chroma := range []string{"420", "422", "444", "mono"} {
		y := endlessY4M(t, 64, 48, chroma)
		var f media.Frame
		read := func() {
			if err := errors.Join(y.next(&f, true), y.skip()); err != nil {
				t.Fatal(err)
			}
		}
		read()
		if n := testing.AllocsPerRun(10, read); n != 0 {
			t.Errorf("%s: allocates %v times a picture, want 0", chroma, n)
		}
	}
}

func BenchmarkY4M(b *testing.B) {
	y := endlessY4M(b, 640, 480, "420")
	var f media.Frame
	b.ReportAllocs()
	for b.Loop() {
		if err := y.next(&f, true); err != nil {
			b.Fatal(err)
		}
	}
}
