package video

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// newPlane returns a plane with a border that holds src.
func newPlane(w, h int, src []byte) *plane {
	p := new(plane)
	p.resize((w+15)&^15, (h+15)&^15)
	p.load(src, w, w, h)
	p.extend()
	return p
}

func TestPlaneBorder(t *testing.T) {
	const w, h = 37, 21
	src := noisy(w, h, 5)
	p := newPlane(w, h, src.Y)
	for y := -border; y < p.h+border; y++ {
		for x := -border; x < p.w+border; x++ {
			want := src.Y[max(0, min(y, h-1))*w+max(0, min(x, w-1))]
			if got := p.pix[p.at(x, y)]; got != want {
				t.Fatalf("sample %d,%d = %d, want %d", x, y, got, want)
			}
		}
	}
	out := make([]byte, w*h)
	p.store(out, w, w, h)
	if !bytes.Equal(out, src.Y) {
		t.Error("store returned something else than was loaded")
	}
}

func TestDistance(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for n := range 200 {
		var a, b [16 * 20]byte
		for i := range a {
			a[i], b[i] = byte(rng.Uint32()), byte(rng.Uint32())
			if n == 0 {
				a[i], b[i] = 255, 0
			}
			if n == 1 {
				a[i], b[i] = 0, 255
			}
		}
		for _, size := range []int{8, 16} {
			sad, ssd := 0, 0
			for j := range size {
				for i := range size {
					d := int(a[j*20+i]) - int(b[j*16+i])
					sad += abs(d)
					ssd += d * d
				}
			}
			if got := distance(a[:], 20, b[:], 16, size); got != sad {
				t.Errorf("case %d: distance = %d, want %d", n, got, sad)
			}
			if got := squares(a[:], 20, b[:]); size == 8 && got != ssd {
				t.Errorf("case %d: squares = %d, want %d", n, got, ssd)
			}
		}
	}
}

// TestUnlikeness compares unlikeness with its definition, also where one value
// takes all: where the differences are what it is the product with.
func TestUnlikeness(t *testing.T) {
	waves := [4][4]int{{1, 1, 1, 1}, {1, -1, 1, -1}, {1, 1, -1, -1}, {1, -1, -1, 1}}
	rng := rand.New(rand.NewPCG(2, 1))
	for n := range 200 {
		var a [8 * 20]byte
		var b [8 * blockStride]byte
		for k := range 64 {
			x, y := k%8, k/8
			va, vb := byte(rng.Uint32()), byte(rng.Uint32())
			if n < 32 {
				va = byte((waves[n>>1&3][x&3]*waves[n>>3][y&3]*(2*(n&1)-1) + 1) / 2 * 255)
				vb = ^va
			}
			a[y*20+x], b[y*blockStride+x] = va, vb
		}
		want := 0
		for k := range 4 {
			for _, down := range waves {
				for _, across := range waves {
					sum := 0
					for i := range 16 {
						x, y := k%2*4+i%4, k/2*4+i/4
						sum += down[i/4] * across[i%4] * (int(a[y*20+x]) - int(b[y*blockStride+x]))
					}
					want += abs(sum)
				}
			}
		}
		if got := unlikeness(a[:], 20, b[:]); got != want/2 {
			t.Errorf("case %d: unlikeness = %d, want %d", n, got, want/2)
		}
	}
}

// TestMove compares every interpolation with its definition, and takes vectors
// far outside the picture.
func TestMove(t *testing.T) {
	const w, h = 48, 32
	p := newPlane(w, h, noisy(w, h, 9).Y)
	at := func(x, y int) int32 { return int32(p.pix[p.at(x, y)]) }
	var got [16 * blockStride]byte
	for _, size := range []int{8, 16} {
		for fy := range int16(4) {
			for fx := range int16(4) {
				v := vector{-8 + fx, 12 + fy}
				p.move(got[:], 16, 8, v, size)
				for j := range size {
					for i := range size {
						x, y := 16+i-2, 8+j+3
						var sum int32
						for k, tv := range taps[fy] {
							for l, th := range taps[fx] {
								sum += tv * th * at(x+l-2, y+k-2)
							}
						}
						if want := clamp8((sum + 1<<11) >> 12); got[j*blockStride+i] != want {
							t.Fatalf("move by %v at %d,%d = %d, want %d", v, i, j, got[j*blockStride+i], want)
						}
					}
				}
			}
		}
	}
	for y := int16(-maxVector); y <= maxVector; y += 3 {
		for x := int16(-maxVector); x <= maxVector; x += 3 {
			for _, place := range [][2]int{{0, 0}, {w - 16, 0}, {0, h - 16}, {w - 16, h - 16}} {
				p.move(got[:], place[0], place[1], vector{x, y}, 16)
				p.move(got[:], place[0]+8, place[1]+8, vector{x, y}, 8)
			}
		}
	}
}

func TestWeigh(t *testing.T) {
	p := newPlane(16, 16, noisy(16, 16, 3).Y)
	var q plane
	q.weigh(p, weight{gain: 128})
	if !bytes.Equal(q.pix, p.pix) {
		t.Error("a gain of 1 changed the samples")
	}
	for _, tt := range []struct {
		w        weight
		in, want byte
	}{
		{weight{64, 0}, 100, 50},
		{weight{255, 0}, 200, 255},
		{weight{128, -100}, 99, 0},
		{weight{128, 100}, 99, 199},
		{weight{129, 0}, 64, 65},
	} {
		if got := tt.w.apply(tt.in); got != tt.want {
			t.Errorf("%+v makes %d of %d, want %d", tt.w, got, tt.in, tt.want)
		}
	}
}

func TestFindWeight(t *testing.T) {
	const w, h = 64, 48
	src := synthetic(w, h, 3)
	past := newPlane(w, h, src.Y)
	for _, want := range []weight{{118, 0}, {140, 0}, {128, 9}, {128, -9}, {120, 12}} {
		now := gray(w, h)
		for i, v := range src.Y {
			now.Y[i] = want.apply(v)
		}
		got, ok := findWeight(newPlane(w, h, now.Y), past)
		if !ok || abs(int(got.gain)-int(want.gain)) > 1 || abs(int(got.offset)-int(want.offset)) > 1 {
			t.Errorf("findWeight after %+v = %+v, %t", want, got, ok)
		}
	}
	if got, ok := findWeight(past, past); ok {
		t.Errorf("findWeight of a picture and itself = %+v, want none", got)
	}
	flat := newPlane(w, h, gray(w, h).Y)
	if got, ok := findWeight(flat, flat); ok {
		t.Errorf("findWeight of black = %+v, want none", got)
	}
}
