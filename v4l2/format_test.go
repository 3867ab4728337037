package v4l2

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	uvc := sizeRange{minW: 640, maxW: 640, minH: 480, maxH: 480}
	grid := sizeRange{minW: 48, maxW: 1920, stepW: 16, minH: 32, maxH: 1080, stepH: 8}
	for _, c := range []struct {
		r            sizeRange
		w, h         int
		wantW, wantH int
	}{
		{uvc, 640, 480, 640, 480},
		{uvc, 320, 240, 640, 480},
		{sizeRange{}, 640, 480, 640, 480}, // continuous: anything
		{grid, 640, 480, 640, 480},
		{grid, 645, 485, 640, 488},
		{grid, 10, 10, 48, 32},
		{grid, 4000, 4000, 1920, 1080},
		{sizeRange{minW: 10, maxW: 25, stepW: 10, minH: 10, maxH: 25, stepH: 10}, 25, 16, 20, 20},
		{sizeRange{minW: 2, maxW: 4096, stepW: 1, minH: 1, maxH: 4096, stepH: 1}, 641, 479, 641, 479},
		{sizeRange{minW: 100, maxW: 50, stepW: 7, minH: 100, maxH: 50, stepH: 7}, 80, 80, 100, 100}, // nonsense
	} {
		if w, h := c.r.nearest(c.w, c.h); w != c.wantW || h != c.wantH {
			t.Errorf("%+v.nearest(%d, %d) = %d, %d; want %d, %d", c.r, c.w, c.h, w, h, c.wantW, c.wantH)
		}
	}
}

func TestModeOf(t *testing.T) {
	one := func(w, h int) sizeRange { return sizeRange{minW: w, maxW: w, minH: h, maxH: h} }
	for _, c := range []struct {
		f  fourCC
		r  sizeRange
		ok bool
	}{
		{yuyv, one(640, 480), true},
		{yuyv, one(641, 480), false}, // YUYV has pairs of pixels
		{grey, one(641, 480), true},
		{mjpg, one(1, 480), false},
		{yuyv, one(100000, 480), false},
		{yuyv, one(640, 1<<30), false},
	} {
		if m, ok := modeOf(c.f, c.r, 640, 480); ok != c.ok {
			t.Errorf("modeOf(%v, %+v) = %v, %v; want %v", c.f, c.r, m, ok, c.ok)
		}
	}
}

func TestCompareModes(t *testing.T) {
	const w, h = 640, 480
	for name, c := range map[string]struct {
		chroma bool
		want   []mode // the order
	}{
		"codec.md": {false, []mode{
			{yuyv, 640, 480},
			{yuyv, 640, 360},
			{yuyv, 424, 240},
			{yuyv, 320, 240},
			{nv12, 640, 480},
			{grey, 320, 240},
			{mjpg, 640, 480},
			{mjpg, 320, 240},
			{mjpg, 800, 600},
			{mjpg, 1920, 1080},
			{yuyv, 1280, 720},
			{nv12, 1280, 720},
			{yuyv, 160, 120},
			{mjpg, 160, 120},
		}},
		// As vivid, the kernel's virtual camera, has them.
		"one size in all formats": {false, []mode{
			{yuyv, 640, 480},
			{uyvy, 640, 480},
			{yvyu, 640, 480},
			{nv12, 640, 480},
			{yu12, 640, 480},
			{nv21, 640, 480},
			{yv12, 640, 480},
			{grey, 640, 480},
			{mjpg, 640, 480},
			{jpeg, 640, 480},
		}},
		"with colour grey is last": {true, []mode{{nv12, 640, 480}, {mjpg, 640, 480}, {grey, 640, 480}}},
		"a usual HD camera":        {false, []mode{{yuyv, 640, 480}, {mjpg, 640, 480}, {mjpg, 1280, 720}, {yuyv, 1280, 720}}},
	} {
		got := slices.Clone(c.want)
		slices.Reverse(got)
		slices.SortFunc(got, func(a, b mode) int { return compareModes(a, b, w, h, c.chroma) })
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: order %v, want %v", name, got, c.want)
		}
	}
}

func TestFourCC(t *testing.T) {
	for f, want := range map[fourCC]string{yuyv: "YUYV", nv12: "NV12", yu12: "YU12", grey: "GREY", mjpg: "MJPG", jpeg: "JPEG"} {
		if got := f.String(); got != want {
			t.Errorf("fourCC(%#x) = %q, want %q", uint32(f), got, want)
		}
	}
	if yuyv != 0x56595559 {
		t.Errorf("YUYV = %#x, want 0x56595559", uint32(yuyv))
	}
}
