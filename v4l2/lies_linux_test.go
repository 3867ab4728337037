package v4l2

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sanix-darker/s2c/internal/lab/cam"
)

// hasty gives up soon, for cameras that never give a picture.
var hasty = patience{first: 300 * time.Millisecond, stall: 300 * time.Millisecond}

// mustShow checks that v shows the picture of source src, at its own size.
func mustShow(t *testing.T, v *Camera, src still, slack int) {
	t.Helper()
	want := image.NewYCbCr(image.Rect(0, 0, src.w, src.h), image.YCbCrSubsampleRatio420)
	src.Draw(want, 0)
	luma, chr := &limitedLuma, &limitedChroma
	if _, _, format := v.Size(); format == string(cam.MJPEG) {
		luma, chr = &fullLuma, &fullLuma
	}
	var img image.YCbCr
	mustRead(t, v, &img, 2)
	if img.Rect != want.Rect {
		t.Fatalf("picture %v, want %v", img.Rect, want.Rect)
	}
	wantCb, wantCr := apply(chr, want.Cb), apply(chr, want.Cr)
	if _, _, format := v.Size(); format == string(cam.GREY) {
		wantCb, wantCr = bytes.Repeat([]byte{128}, len(want.Cb)), bytes.Repeat([]byte{128}, len(want.Cr))
	}
	for name, p := range map[string][2][]byte{"Y": {img.Y, apply(luma, want.Y)}, "Cb": {img.Cb, wantCb}, "Cr": {img.Cr, wantCr}} {
		if d := furthest(p[0], p[1]); d > slack {
			t.Errorf("%s differs by up to %d, want %d", name, d, slack)
		}
	}
}

// TestPaddedRows: rows that are further apart than they are long, whether the
// driver says so or not.
func TestPaddedRows(t *testing.T) {
	src := still{160, 120, 16, 235}
	for _, f := range []cam.Format{cam.YUYV, cam.UYVY, cam.NV12, cam.YU12, cam.GREY} {
		for _, hide := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s hidden %v", f, hide), func(t *testing.T) {
				camera := plug(t, cam.Config{Source: src, Formats: []cam.Format{f}, Lies: cam.Lies{Pad: 32, HidePad: hide}})
				mustShow(t, mustOpen(t, camera, Config{Width: 160, Height: 120, Chroma: true}, hasty.stall), src, 0)
			})
		}
	}
}

// TestBytesUsed: what the driver counts to the picture beside it does no harm,
// be it a page's rest or more than there is memory.
func TestBytesUsed(t *testing.T) {
	src := still{424, 240, 16, 235} // 424 * 240 * 2 = 49.7 pages
	for _, f := range []cam.Format{cam.YUYV, cam.MJPEG} {
		for _, slack := range []int{1, 100, 1280, 1 << 30} {
			t.Run(fmt.Sprintf("%s %d", f, slack), func(t *testing.T) {
				camera := plug(t, cam.Config{Source: src, Formats: []cam.Format{f}, Lies: cam.Lies{Slack: slack}})
				v := mustOpen(t, camera, Config{Width: 424, Height: 240, Chroma: true}, hasty.stall)
				mustShow(t, v, src, map[cam.Format]int{cam.MJPEG: 16}[f])
			})
		}
	}
}

// TestOtherSize: a driver that sets another size than asked for and says so.
func TestOtherSize(t *testing.T) {
	src := still{320, 240, 16, 235}
	for _, f := range []cam.Format{cam.YUYV, cam.NV12, cam.MJPEG} {
		t.Run(string(f), func(t *testing.T) {
			camera := plug(t, cam.Config{
				Source: src, Formats: []cam.Format{f}, Sizes: []image.Point{{640, 480}}, Lies: cam.Lies{Size: image.Pt(320, 240)},
			})
			v := mustOpen(t, camera, Config{Chroma: true}, hasty.stall)
			if w, h, _ := v.Size(); w != 320 || h != 240 {
				t.Errorf("Size = %dx%d, want 320x240", w, h)
			}
			mustShow(t, v, src, map[cam.Format]int{cam.MJPEG: 16}[f])
		})
	}
}

// TestMuteSize: a driver that sets another size and does not say so. MJPEG tells
// its size; a raw frame of another length cannot be understood, which is said.
func TestMuteSize(t *testing.T) {
	src := still{320, 240, 16, 235}
	lies := cam.Lies{Size: image.Pt(320, 240), Mute: true}
	sizes := []image.Point{{640, 480}}
	camera := plug(t, cam.Config{Source: src, Formats: []cam.Format{cam.MJPEG}, Sizes: sizes, Lies: lies})
	mustShow(t, mustOpen(t, camera, Config{Chroma: true}, hasty.stall), src, 16)

	camera = plug(t, cam.Config{Source: src, Sizes: sizes, Lies: lies})
	_, err := openPatient(camera.Path(), Config{}, hasty)
	if !errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), "153600 bytes instead of 614400") {
		t.Errorf("Open: %v, want ErrStalled with the lengths", err)
	}

	// Where the same camera has MJPEG too, that is taken.
	camera = plug(t, cam.Config{Source: src, Formats: []cam.Format{cam.YUYV, cam.MJPEG}, Sizes: sizes, Lies: lies})
	v, err := openPatient(camera.Path(), Config{Chroma: true}, hasty)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	mustShow(t, v, src, 16)
}

// TestFallback: formats that are listed and cannot be had are left for the next.
func TestFallback(t *testing.T) {
	yuyv, nv12, mjpeg := cam.YUYV, cam.NV12, cam.MJPEG
	all := []cam.Format{mjpeg, nv12, yuyv}
	for _, c := range []struct {
		name string
		lies cam.Lies
		want cam.Format // "" for err
		err  error
		text string
	}{
		{"honest", cam.Lies{}, yuyv, nil, ""},
		{"one refused", cam.Lies{Refuse: []cam.Format{yuyv}}, nv12, nil, ""},
		{"one does not start", cam.Lies{NoStream: []cam.Format{yuyv}}, nv12, nil, ""},
		{"one is silent", cam.Lies{Silent: []cam.Format{yuyv}}, nv12, nil, ""},
		{"one of each", cam.Lies{Refuse: []cam.Format{yuyv}, NoStream: []cam.Format{nv12}}, mjpeg, nil, ""},
		{"all refused", cam.Lies{Refuse: all}, "", unix.EINVAL, "set format YUYV 640x480: invalid argument"},
		{"none starts", cam.Lies{NoStream: all}, "", unix.ENOSPC, "start streaming: no space left on device"},
		{"all silent", cam.Lies{Silent: all}, "", ErrStalled, "camera gives no pictures"},
	} {
		t.Run(c.name, func(t *testing.T) {
			camera := plug(t, cam.Config{Formats: all, Lies: c.lies})
			before := resources(t, camera)
			v, err := openPatient(camera.Path(), Config{}, hasty)
			switch {
			case c.want == "" && (!errors.Is(err, c.err) || err.Error() != "open camera "+camera.Path()+": "+c.text):
				t.Errorf("Open: %v, want %v: %s", err, c.err, c.text)
			case c.want == "":
			case err != nil:
				t.Fatal(err)
			default:
				if _, _, format := v.Size(); format != string(c.want) {
					t.Errorf("format %s, want %s", format, c.want)
				}
				var img image.YCbCr
				mustRead(t, v, &img, 2)
				v.Close()
			}
			if after := resources(t, camera); after.fds != before.fds || after.maps != before.maps {
				t.Errorf("resources %+v, before %+v", after, before)
			}
		})
	}
}

// TestRates: what the camera offers decides, Rate says what was agreed and what
// comes, and Read gives about what was wanted.
func TestRates(t *testing.T) {
	for _, c := range []struct {
		name   string
		rates  []float64
		gives  float64 // 0 for what was agreed
		fps    int
		agreed float64
		reads  float64 // a second
	}{
		{"as wanted", []float64{30, 15}, 0, 30, 30, 30},
		{"none fits", []float64{7.5, 15, 60}, 0, 30, 60, 30},
		{"slow ones", []float64{7.5, 15}, 0, 30, 15, 15},
		{"fewer are wanted", []float64{30, 60}, 0, 10, 30, 10},
		{"fewer come than agreed", []float64{30}, 12, 30, 30, 12},
		{"fewer come, many agreed", []float64{60}, 30, 30, 60, 30},
		{"sixty", []float64{30, 60}, 0, 60, 60, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			camera := plug(t, cam.Config{
				Source: still{64, 48, 16, 235}, Lies: cam.Lies{Rate: c.gives},
				RatesOf: map[cam.Format][]float64{cam.YUYV: c.rates},
			})
			v := mustOpen(t, camera, Config{FPS: c.fps}, defaultPatience.stall)
			var img image.YCbCr
			start, n := time.Now(), 0
			for time.Since(start) < 1500*time.Millisecond { // the camera is real: so is the time
				mustRead(t, v, &img, 1)
				n++
			}
			reads := float64(n) / time.Since(start).Seconds()
			agreed, measured := v.Rate()
			t.Logf("agreed %v, measured %.1f, read %.1f a second", agreed, measured, reads)
			if agreed != c.agreed {
				t.Errorf("agreed %v pictures a second, want %v", agreed, c.agreed)
			}
			// A busy machine loses some; none can make more.
			gives := c.gives
			if gives == 0 {
				gives = c.agreed
			}
			if reads > 1.15*c.reads+1 || measured > 1.15*gives+1 || measured == 0 {
				t.Errorf("%.1f came and %.1f were read a second, want %v and %v", measured, reads, gives, c.reads)
			}
		})
	}
}

// TestRateDecides: a format that is too slow is left for one that is not.
func TestRateDecides(t *testing.T) {
	camera := plug(t, cam.Config{
		Source: still{1280, 720, 16, 235}, Formats: []cam.Format{cam.YUYV, cam.MJPEG},
		Sizes:   []image.Point{{640, 480}, {1280, 720}},
		RatesOf: map[cam.Format][]float64{cam.YUYV: {10, 30}, cam.MJPEG: {30, 60}},
	})
	for _, c := range []struct {
		w, h, fps int
		format    cam.Format
		agreed    float64
	}{
		{640, 480, 30, cam.YUYV, 30},
		{640, 480, 60, cam.MJPEG, 60},
		{1280, 720, 30, cam.YUYV, 30},
		{1280, 720, 60, cam.MJPEG, 60},
	} {
		v, err := Open(camera.Path(), Config{Width: c.w, Height: c.h, FPS: c.fps})
		if err != nil {
			t.Fatal(err)
		}
		w, h, format := v.Size()
		if agreed, _ := v.Rate(); w != c.w || h != c.h || format != string(c.format) || agreed != c.agreed {
			t.Errorf("%dx%d at %d: %dx%d %s at %v, want %s at %v", c.w, c.h, c.fps, w, h, format, agreed, c.format, c.agreed)
		}
		v.Close()
	}
}

// TestControlsBack: controls are set for the time of the call and put back,
// unless somebody else has set them since.
func TestControlsBack(t *testing.T) {
	dynamic := func(v int32) cam.Control { return cam.Control{ID: cam.ExposureDynamicFramerate, Max: 1, Value: v} }
	mains := func(v, highest int32) cam.Control {
		return cam.Control{ID: cam.PowerLineFrequency, Max: highest, Value: v}
	}
	on, auto := cam.Set{ID: cam.ExposureDynamicFramerate, Value: 1}, cam.Set{ID: cam.PowerLineFrequency, Value: 3}
	off, disabled := cam.Set{ID: cam.ExposureDynamicFramerate}, cam.Set{ID: cam.PowerLineFrequency}
	for _, c := range []struct {
		name     string
		controls []cam.Control
		lies     cam.Lies
		want     []cam.Set // while open, then on closing
	}{
		{"none", []cam.Control{}, cam.Lies{}, nil},
		{"others", []cam.Control{{ID: 0x00980900, Max: 255, Value: 128}}, cam.Lies{}, nil},
		{"dynamic", []cam.Control{dynamic(1)}, cam.Lies{}, []cam.Set{off, on}},
		{"dynamic off already", []cam.Control{dynamic(0)}, cam.Lies{}, nil},
		{"no filter", []cam.Control{mains(0, 3)}, cam.Lies{}, []cam.Set{auto, disabled}},
		{"no filter, and none that is automatic", []cam.Control{mains(0, 2)}, cam.Lies{}, nil},
		{"50 Hz", []cam.Control{mains(1, 3)}, cam.Lies{}, nil},
		{"60 Hz", []cam.Control{mains(2, 2)}, cam.Lies{}, nil},
		{"both", []cam.Control{mains(0, 3), dynamic(1)}, cam.Lies{}, []cam.Set{off, auto, on, disabled}},
		{"a camera that does not start", []cam.Control{dynamic(1)}, cam.Lies{NoStream: []cam.Format{cam.YUYV}}, []cam.Set{off, on}},
	} {
		camera := plug(t, cam.Config{Controls: c.controls, Lies: c.lies})
		if v, err := Open(camera.Path(), Config{}); err == nil {
			if got := camera.Sets(); len(got) != len(c.want)/2 {
				t.Errorf("%s: set while open: %v", c.name, got)
			}
			v.Close()
		}
		if got := camera.Sets(); !slices.Equal(got, c.want) {
			t.Errorf("%s: set %v, want %v", c.name, got, c.want)
		}
		for _, k := range c.controls {
			if got := camera.Control(k.ID); got != k.Value {
				t.Errorf("%s: control %#x is %d afterwards, want %d", c.name, k.ID, got, k.Value)
			}
		}
	}
}

// TestControlsOfOthers: what somebody else has set while the camera was open
// stays.
func TestControlsOfOthers(t *testing.T) {
	camera := plug(t, cam.Config{Controls: []cam.Control{{ID: cam.PowerLineFrequency, Max: 3, Value: 0}}})
	v := mustOpen(t, camera, Config{}, defaultPatience.stall)
	dev, err := openDevice(camera.Path())
	if err != nil {
		t.Fatal(err)
	}
	if err := dev.setControl(powerLineFrequency, 1); err != nil {
		t.Error(err)
	}
	if err := errors.Join(dev.close(), v.Close()); err != nil {
		t.Error(err)
	}
	if got := camera.Control(cam.PowerLineFrequency); got != 1 {
		t.Errorf("power_line_frequency is %d afterwards, want 1", got)
	}
}
