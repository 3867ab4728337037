package main

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/sanix-darker/s2c/internal/lab"
)

// TestAt looks for a quality with a codec whose rates are known: 2^(-q/6) for
// a distance from 1 that doubles every 10 quantisers.
func TestAt(t *testing.T) {
	tries := 0
	k := codec{name: "formula", first: 5, last: 50, code: func(_ *clip, q int) (point, error) {
		tries++
		return point{kbps: 1000 * math.Exp2(-float64(q)/6), ssim: 1 - 0.001*math.Exp2(float64(q)/10)}, nil
	}}
	for _, q := range []float64{5.5, 20, 31.25, 49.9} {
		tries = 0
		p, err := k.at(&clip{}, 1-0.001*math.Exp2(q/10))
		if want := 1000 * math.Exp2(-q/6); err != nil || math.Abs(p.kbps-want) > want/1e6 {
			t.Errorf("at quantiser %v: %v kbit/s, %v, want %v", q, p.kbps, err, want)
		}
		if tries > 5 {
			t.Errorf("at quantiser %v: %d tries, want at most 5", q, tries)
		}
	}
	for _, s := range []float64{0.9999, 0.5} {
		if _, err := k.at(&clip{}, s); !errors.Is(err, errQuality) {
			t.Errorf("at SSIM %v: %v, want %v", s, err, errQuality)
		}
	}
}

func TestPacketSizes(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []int
		ok   bool
	}{
		{"", nil, true},
		{"#software: x\n#tb 0: 1/30\n0, 0, 0, 1, 812, 0x1\n0, 1, 1, 1,   9, 0x2, F=0x0\n", []int{812, 9}, true},
		{"0, 0, 0, 1, many, 0x1\n", nil, false},
	} {
		got, err := packetSizes([]byte(tt.in))
		if !slices.Equal(got, tt.want) || (err == nil) != tt.ok {
			t.Errorf("packetSizes(%q) = %v, %v, want %v, success %t", tt.in, got, err, tt.want, tt.ok)
		}
	}
}

func TestSSIM(t *testing.T) {
	p := make([]byte, 32*24)
	for i := range p {
		p[i] = byte(i * i % 251)
	}
	a := gray(p, 32, 24)
	if got := lab.SSIM(a, a); got != 1 {
		t.Errorf("of a picture to itself %v, want 1", got)
	}
	flat := gray(bytes.Repeat([]byte{125}, len(p)), 32, 24)
	if got := lab.SSIM(a, flat); got < 0 || got > 0.1 {
		t.Errorf("to a flat picture %v, want nearly 0", got)
	}
	c := &clip{w: 32, h: 24, pictures: nil}
	c.pictures = append(c.pictures, flat)
	if one, two := lab.SSIM(flat, c.noisy(2).pictures[0]), lab.SSIM(flat, c.noisy(8).pictures[0]); one <= two || one >= 1 {
		t.Errorf("with noise %v, with more %v, want less", one, two)
	}
}
