package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/media"
)

func TestFFmpegArgs(t *testing.T) {
	c := VideoConfig{Width: 640, Height: 480, FPS: 30}
	colour := VideoConfig{Width: 160, Height: 96, FPS: 15, Chroma: true}
	const head = "-nostdin -hide_banner -loglevel error "
	const tail = " -an -sn -dn -vf fps=30,crop='min(iw,ih*640/480)':'min(ih,iw*480/640)'," +
		"scale=640:480:flags=area:out_range=pc,format=gray -f rawvideo pipe:1"
	const colourTail = " -an -sn -dn -vf fps=15,crop='min(iw,ih*160/96)':'min(ih,iw*96/160)'," +
		"scale=160:96:flags=area:out_range=pc,format=yuv420p -f rawvideo pipe:1"
	for _, tc := range []struct {
		how  capture
		c    VideoConfig
		want string
	}{
		{fileCapture("/a/b:c.mp4"), c, head + "-re -stream_loop -1 -i file:/a/b:c.mp4" + tail},
		{urlCapture("rtsp://camera/1"), c, head + "-i rtsp://camera/1" + tail},
		{urlCapture("HTTPS://host/x.mp4"), colour, head + "-re -i HTTPS://host/x.mp4" + colourTail},
		{
			v4l2Capture("/dev/video0", c), c,
			head + "-f v4l2 -video_size 640x480 -framerate 30 -i /dev/video0" + tail,
		},
		{
			avfoundationCapture(Auto, c), c,
			head + "-f avfoundation -framerate 30 -video_size 640x480 -pixel_format uyvy422 -i default:none" + tail,
		},
		{
			avfoundationCapture("FaceTime HD Camera", colour), colour,
			head + "-f avfoundation -framerate 15 -video_size 160x96 -pixel_format uyvy422 -i FaceTime HD Camera:none" + colourTail,
		},
		{
			dshowCapture("Integrated Camera", c), c,
			head + "-f dshow -rtbufsize 16M -video_size 640x480 -framerate 30 -i video=Integrated Camera" + tail,
		},
	} {
		if got := strings.Join(ffmpegArgs(tc.how.args, tc.c), " "); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}

func TestRetryArgs(t *testing.T) {
	c := VideoConfig{Width: 640, Height: 480, FPS: 30}
	const refusal = `[avfoundation @ 0x7f8] Selected framerate (30.000000) is not supported by the device.
[avfoundation @ 0x7f8] Supported modes:
[avfoundation @ 0x7f8]   320x240@[5.000000 60.000000]fps
[avfoundation @ 0x7f8]   640x480@[15.000000 25.000000]fps
[avfoundation @ 0x7f8]   1280x720@[1.000000 30.000000]fps
default:none: Input/output error
`
	for _, tc := range []struct {
		how      capture
		messages string
		want     string // "" for no other attempt
	}{
		{
			avfoundationCapture(Auto, c), refusal,
			"-f avfoundation -framerate 25 -video_size 640x480 -pixel_format uyvy422 -i default:none",
		},
		{avfoundationCapture(Auto, c), "default:none: Input/output error", ""},
		{dshowCapture("Cam", c), "Could not set video options", "-f dshow -rtbufsize 16M -i video=Cam"},
		{v4l2Capture("/dev/video1", c), "", "-f v4l2 -i /dev/video1"},
	} {
		if got := strings.Join(tc.how.retry(tc.messages), " "); got != tc.want {
			t.Errorf("after %q: %s, want %s", tc.messages, got, tc.want)
		}
	}
	if fileCapture("x").retry != nil {
		t.Error("a file is tried twice")
	}
}

const (
	dshowNew = `[dshow @ 000001] "Integrated Camera" (video)
[dshow @ 000001]   Alternative name "@device_pnp_\\?\usb#vid_04f2&pid_b6be"
[dshow @ 000001] "OBS Virtual Camera" (none)
[dshow @ 000001] "Logi C920" (video, audio)
[dshow @ 000001] "Microphone (Realtek Audio)" (audio)
[dshow @ 000001]   Alternative name "@device_cm_{33D9A762}\wave_{1}"
dummy: Immediate exit requested
`
	dshowOld = `[dshow @ 0000] DirectShow video devices (some may be both video and audio devices)
[dshow @ 0000]  "Integrated Camera"
[dshow @ 0000]     Alternative name "@device_pnp_\\?\usb"
[dshow @ 0000] DirectShow audio devices
[dshow @ 0000]  "Microphone (Realtek Audio)"
dummy: Immediate exit requested
`
)

func TestDshowNames(t *testing.T) {
	for _, tc := range []struct {
		list, kind string
		want       []string
	}{
		{dshowNew, "video", []string{"Integrated Camera", "Logi C920"}},
		{dshowNew, "audio", []string{"Microphone (Realtek Audio)"}},
		{dshowOld, "video", []string{"Integrated Camera"}},
		{dshowOld, "audio", []string{"Microphone (Realtek Audio)"}},
		{"", "video", nil},
	} {
		if got := dshowNames(tc.list, tc.kind); !slices.Equal(got, tc.want) {
			t.Errorf("%s of %q: %q, want %q", tc.kind, tc.list, got, tc.want)
		}
	}
}

func TestDshowFind(t *testing.T) {
	c := VideoConfig{}.withDefaults()
	for _, tc := range []struct {
		list, name, want string
		err              error
	}{
		{dshowNew, Auto, "video=Integrated Camera", nil},
		{dshowNew, "c920", "video=Logi C920", nil},
		{dshowNew, "realtek", "", ErrNotFound},
		{"", Auto, "", ErrNoDevice},
	} {
		how, err := dshowFind(tc.list, tc.name, c)
		got := ""
		if len(how.args) > 0 {
			got = how.args[len(how.args)-1]
		}
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%q: %q, %v; want %q, %v", tc.name, got, err, tc.want, tc.err)
		}
	}
}

func TestBSDNode(t *testing.T) {
	for name, want := range map[string]string{Auto: "/dev/video0", "video3": "/dev/video3", "/dev/video1": "/dev/video1"} {
		if got := filepath.ToSlash(bsdNode(name)); got != want {
			t.Errorf("bsdNode(%q) = %s, want %s", name, got, want)
		}
	}
}

func TestSplitArgs(t *testing.T) {
	for in, want := range map[string][]string{
		"":                      nil,
		"  ":                    nil,
		"-i x":                  {"-i", "x"},
		" -f  lavfi -i  a=b ":   {"-f", "lavfi", "-i", "a=b"},
		`-i "C:\My Files\a.b"`:  {"-i", `C:\My Files\a.b`},
		`-i 'it is' ""`:         {"-i", "it is", ""},
		`-vf a='x y':b="'" end`: {"-vf", "a=x y:b='", "end"},
	} {
		if got, err := splitArgs(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("splitArgs(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{`"`, `-i 'x`, `a"b`} {
		if got, err := splitArgs(in); !errors.Is(err, ErrFormat) {
			t.Errorf("splitArgs(%q) = %q, %v; want ErrFormat", in, got, err)
		}
	}
}

func TestTail(t *testing.T) {
	var messages tail
	for i := range 2000 {
		fmt.Fprintf(&messages, "line %d\n", i)
	}
	if got := messages.last(); got != "line 1999" || len(messages.b) != tailBytes {
		t.Errorf("last = %q of %d bytes, want line 1999 of %d", got, len(messages.b), tailBytes)
	}
	for in, want := range map[string]string{
		"":                                     "",
		"one\ntwo\n\n \n":                      "two",
		"bad \x1b[31mname\x07 \xff\u009bx\r\n": "bad [31mname x",
	} {
		messages = tail{}
		_, _ = io.WriteString(&messages, in)
		if got := messages.last(); got != want {
			t.Errorf("last of %q = %q, want %q", in, got, want)
		}
	}
}

// needFFmpeg ends the test without FFmpeg.
func needFFmpeg(t *testing.T) {
	t.Helper()
	_, err := findFFmpeg()
	lab.Need(t, err)
}

// TestFFmpegPicture reads a synthetic source with known levels: black, grey and
// white in limited range come out in full range.
func TestFFmpegPicture(t *testing.T) {
	needFFmpeg(t)
	for colour, want := range map[string]uint8{"black": 0, "white": 255, "gray": 128} {
		for _, chroma := range []bool{false, true} {
			name := fmt.Sprintf("ffmpeg:-re -f lavfi -i color=c=%s:size=320x180:rate=30,format=yuv420p", colour)
			src, err := OpenCamera(t.Context(), name, VideoConfig{Width: 160, Height: 120, Chroma: chroma})
			if err != nil {
				t.Fatal(err)
			}
			var f media.Frame
			for range 3 {
				before := f.At
				if err := src.ReadFrame(&f); err != nil {
					t.Fatal(err)
				}
				if !f.At.After(before) {
					t.Errorf("%s: taken at %v after %v", colour, f.At, before)
				}
			}
			if f.Rect.Dx() != 160 || f.Rect.Dy() != 120 || len(f.Y) != 160*120 || len(f.Cb) > 0 != chroma {
				t.Errorf("%s: picture %v with planes of %d, %d bytes", colour, f.Rect, len(f.Y), len(f.Cb))
			}
			if got := f.Y[60*160+80]; max(got, want)-min(got, want) > 2 {
				t.Errorf("%s: luma %d, want %d", colour, got, want)
			}
			if err := src.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestFFmpegFile reads a clip through FFmpeg, longer than the clip is.
func TestFFmpegFile(t *testing.T) {
	needFFmpeg(t)
	path := filepath.Join(t.TempDir(), "a clip: 1.y4m.bin")
	if err := os.Rename(writeClip(t, "60:1", 5), path); err != nil {
		t.Fatal(err)
	}
	src, err := OpenCamera(t.Context(), path, VideoConfig{Width: 4, Height: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var f media.Frame
	seen := make(map[byte]int)
	for range 12 {
		if err := src.ReadFrame(&f); err != nil {
			t.Fatal(err)
		}
		seen[f.Y[3]]++
	}
	if len(seen) < 2 {
		t.Errorf("pictures %v: the clip does not move", seen)
	}
}

// TestFFmpegErrors: what FFmpeg says is in the error.
func TestFFmpegErrors(t *testing.T) {
	needFFmpeg(t)
	text := filepath.Join(t.TempDir(), "text.mp4")
	if err := os.WriteFile(text, []byte("this is no film"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		text:                        "Invalid data found",
		"ffmpeg:-i /no/such/file":   "No such file or directory",
		"ffmpeg:-f nonsense -i x":   "ffmpeg ended: ", // the words differ
		"ffmpeg:":                   "ffmpeg ended: ",
		"ffmpeg:-i 'x":              "never closed",
		"file:///no/such/file.mp4":  "No such file or directory",
		"nonsense://host/film.webm": "Protocol not found",
	} {
		_, err := OpenCamera(t.Context(), name, VideoConfig{})
		if e, ok := errors.AsType[*Error](err); !ok || e.Device != name || !strings.Contains(err.Error(), want) {
			t.Errorf("OpenCamera(%q): %v, want %q in it", name, err, want)
		}
	}
}

// TestFFmpegEnds: an input that ends is a final error, not a hang.
func TestFFmpegEnds(t *testing.T) {
	needFFmpeg(t)
	src, err := OpenCamera(t.Context(), "ffmpeg:-f lavfi -i testsrc2=size=64x48:rate=30:duration=0.2", VideoConfig{Width: 64, Height: 48})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var f media.Frame
	for range 100 {
		if err = src.ReadFrame(&f); err != nil {
			break
		}
	}
	if !errors.Is(err, errFFmpeg) || !strings.Contains(err.Error(), "come to its end") {
		t.Errorf("ReadFrame: %v, want the end", err)
	}
	if again := src.ReadFrame(&f); again == nil || again.Error() != err.Error() {
		t.Errorf("the error is not final: %v", again)
	}
}

// script makes a program that takes FFmpeg's place.
func script(t *testing.T, lines string) string {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell on this system")
	}
	path := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(path, []byte("#!"+sh+"\n"+lines+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFFmpegSilent: one that runs and gives nothing is given up, and so is one
// that a cancelled context does not want any more; both are killed.
func TestFFmpegSilent(t *testing.T) {
	path := script(t, `echo "Camera access denied" >&2; exec sleep 1000`)
	s, err := tryFFmpeg(t.Context(), path, nil, 200*time.Millisecond, VideoConfig{}.withDefaults())
	if !errors.Is(err, errSilent) || !strings.Contains(err.Error(), "Camera access denied") {
		t.Errorf("silent program: %v, want errSilent with its message", err)
	}
	<-s.ended // hangs if it lives

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	s, err = tryFFmpeg(ctx, path, nil, time.Hour, VideoConfig{}.withDefaults())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, want Canceled", err)
	}
	<-s.ended
}

// TestFFmpegClose: Close unblocks the reader and ends the process, even if a
// child of it holds the pipe.
func TestFFmpegClose(t *testing.T) {
	for name, lines := range map[string]string{
		"stubborn":     `trap "" TERM INT; head -c 12 /dev/zero; exec sleep 1000`,
		"with a child": `head -c 12 /dev/zero; sleep 3 & wait`,
	} {
		c := VideoConfig{Width: 4, Height: 2, FPS: 30, Chroma: true}
		s, err := tryFFmpeg(t.Context(), script(t, lines), nil, time.Minute, c)
		if err != nil {
			t.Fatal(err)
		}
		var f media.Frame
		if err := s.ReadFrame(&f); err != nil {
			t.Errorf("%s: first picture: %v", name, err)
		}
		errs := make(chan error)
		go func() { errs <- s.ReadFrame(&f) }()
		for range 2 {
			if err := s.Close(); err != nil {
				t.Errorf("%s: Close: %v", name, err)
			}
		}
		if err := <-errs; !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: ReadFrame: %v, want ErrClosed", name, err)
		}
	}
}

// TestFFmpegOutlivesContext: the context is about the opening only.
func TestFFmpegOutlivesContext(t *testing.T) {
	path := script(t, `while :; do head -c 8 /dev/zero; sleep 0.02; done`)
	ctx, cancel := context.WithCancel(t.Context())
	s, err := tryFFmpeg(ctx, path, nil, time.Minute, VideoConfig{Width: 4, Height: 2, FPS: 30})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cancel()
	var f media.Frame
	for range 5 {
		if err := s.ReadFrame(&f); err != nil {
			t.Fatalf("after the context has ended: %v", err)
		}
	}
}

func TestNoFFmpeg(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := OpenCamera(t.Context(), "rtsp://camera/1", VideoConfig{})
	e, ok := errors.AsType[*Error](err)
	if !ok || !errors.Is(err, ErrNoFFmpeg) || !strings.Contains(e.Hint(), "install ffmpeg") {
		t.Errorf("OpenCamera without FFmpeg: %v", err)
	}
}
