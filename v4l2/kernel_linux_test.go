package v4l2

import (
	"testing"
	"unsafe"
)

// TestABI: the structures have the sizes that the kernel's have, which are part
// of the numbers of the requests.
func TestABI(t *testing.T) {
	wide := unsafe.Sizeof(uintptr(0)) == 8
	for name, c := range map[string]struct {
		got            uintptr
		want32, want64 uintptr
	}{
		"v4l2_format":         {unsafe.Sizeof(kernelFormat{}), 204, 208},
		"v4l2_streamparm":     {unsafe.Sizeof(kernelParm{}), 204, 204},
		"v4l2_requestbuffers": {unsafe.Sizeof(kernelRequest{}), 20, 20},
		"v4l2_buffer":         {unsafe.Sizeof(kernelBuffer{}), 68, 88},
		"v4l2_control":        {unsafe.Sizeof(kernelControl{}), 8, 8},
		"v4l2_queryctrl":      {unsafe.Sizeof(kernelQuery{}), 68, 68},
	} {
		want := c.want32
		if wide {
			want = c.want64
		}
		if c.got != want {
			t.Errorf("%s has %d bytes, want %d", name, c.got, want)
		}
	}
}
