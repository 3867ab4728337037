package device

import (
	"errors"
	"slices"
	"testing"
	"unicode/utf16"
)

func TestWaveName(t *testing.T) {
	for _, c := range []struct {
		units []uint16
		want  string
	}{
		{nil, ""},
		{[]uint16{0, 'x'}, ""},
		{[]uint16{'M', 'i', 'c', 0, 'x'}, "Mic"},
		{utf16.Encode([]rune("Mikrófon 🎤")), "Mikrófon 🎤"},
		{[]uint16{'M', 0xd83c, 0}, "M"},
		{[]uint16{'M', 0xd83c, 'i', 0xdfa4}, "M\ufffdi\ufffd"},
	} {
		if got := waveName(c.units); got != c.want {
			t.Errorf("waveName(%x) = %q, want %q", c.units, got, c.want)
		}
	}
}

func TestWaveFind(t *testing.T) {
	names := []string{"Microphone (2- USB Audio Device", "Line 1", "Line", "Line", "", "Line 1 🎤"}
	for _, c := range []struct {
		name string
		want int // -1 for ErrNotFound
	}{
		{"Microphone (2- USB Audio Device)", 0},
		{"usb audio", 0},
		{"line", 2},
		{"LINE 1", 1},
		{"3", 3},
		{"1", 1},
		{"🎤", 5},
		{"Line 1 and more", -1}, // that name is not cut
		{"6", -1},
		{"-1", -1},
		{"camera", -1},
	} {
		got, err := waveFind(names, c.name)
		if c.want < 0 && !errors.Is(err, ErrNotFound) || c.want >= 0 && (err != nil || got != c.want) {
			t.Errorf("waveFind(%q) = %d, %v, want %d", c.name, got, err, c.want)
		}
	}
}

// TestWaveListed makes sure that every name that is listed finds its own device.
func TestWaveListed(t *testing.T) {
	names := []string{"Mic", "Mic", "", "0", "Mic 2"}
	var got []string
	for i, l := range waveListed(names, 4) {
		got = append(got, l.Name)
		if l.Description != names[i] || l.Default != (i == 4) {
			t.Errorf("number %d is listed as %+v", i, l)
		}
		if found, err := waveFind(names, l.Name); err != nil || found != i {
			t.Errorf("%q finds %d, %v, want %d", l.Name, found, err, i)
		}
	}
	if want := []string{"Mic", "1", "2", "0", "Mic 2"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}
