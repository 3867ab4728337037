package ascii

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// mean is what sampler computes, the slow way: the mean of p, or of its light,
// over a box whose sides are at least a pixel, cut off at the edge.
func mean(p plane, x, y span, light bool) float64 {
	power := 1.
	if light {
		power = gamma
	}
	sum, area := 0.0, 0.0
	for v := y.a >> 8; v<<8 < y.b; v++ {
		dy := float64(min(y.b, (v+1)<<8) - max(y.a, v<<8))
		for u := x.a >> 8; u<<8 < x.b; u++ {
			dx := float64(min(x.b, (u+1)<<8) - max(x.a, u<<8))
			sum += dx * dy * math.Pow(float64(p.pix[int(v)*p.stride+int(u)]), power)
			area += dx * dy
		}
	}
	return math.Pow(sum/area, 1/power)
}

// TestSampler compares the sampler with the definition of the mean.
func TestSampler(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, tt := range []struct {
		w, h, stride, cols, rows int
		b                        box
	}{
		{1, 1, 1, 1, 1, box{0, 0, 1, 1}},
		{1, 1, 5, 7, 3, box{0, 0, 1, 1}},
		{64, 48, 64, 8, 6, box{0, 0, 64, 48}},
		{65, 47, 70, 8, 6, box{0, 0, 65, 47}},
		{65, 47, 70, 11, 13, box{3.3, 1.7, 60.2, 46.5}},
		{17, 9, 17, 40, 30, box{0, 0, 17, 9}},
		{100, 3, 100, 10, 9, box{0, 0.5, 100, 1.5}},
		{64, 48, 70, 64, 48, box{0, 0, 64, 48}},   // every pixel
		{64, 48, 70, 61, 20, box{2, 0.3, 63, 48}}, // every column
		{64, 48, 70, 30, 24, box{3, 0, 63, 48}},   // squares of four pixels
		{50, 48, 50, 25, 31, box{0, 0, 50, 48}},   // pairs of columns
		{9, 900, 9, 1, 1, box{0, 0, 9, 900}},      // more rows than are looked at
		{9, 900, 9, 2, 2, box{0.5, 10, 9, 800.5}},
	} {
		p := plane{make([]byte, tt.stride*tt.h), tt.w, tt.h, tt.stride}
		for i := range p.pix {
			p.pix[i] = uint8(rng.UintN(256))
			if tt.h == 900 {
				p.pix[i] |= 0xfc // rows are alike
			}
		}
		xs, ys := appendSpans(nil, tt.b.x0, tt.b.x1, tt.w, tt.cols), appendSpans(nil, tt.b.y0, tt.b.y1, tt.h, tt.rows)
		for _, light := range []bool{false, true} {
			for _, pitch := range []int{tt.cols, padded(tt.cols)} {
				var s sampler
				s.prepare(p, tt.b, tt.cols, tt.rows, pitch, light)
				s.run(p)
				for y := range tt.rows {
					for x := range pitch {
						got, want := s.out[y*pitch+x], mean(p, xs[min(x, tt.cols-1)], ys[y], light)
						// Rows count by 1/256.
						if math.Abs(float64(got)-want) > 0.5+1 {
							t.Errorf("%+v, light %v: sample %d, %d = %d, want %.3f", tt, light, x, y, got, want)
						}
					}
				}
			}
		}
	}
}

// TestFlatLight checks that what is of one luma keeps it as a mean of light,
// but for what is next to black.
func TestFlatLight(t *testing.T) {
	var s sampler
	for v := range 256 {
		for _, cols := range []int{2, 3, 4, 8, 16} {
			p := plane{slices.Repeat([]byte{uint8(v)}, 8*8), 8, 8, 8}
			s.prepare(p, box{0, 0, 8, 8}, cols, cols, cols, true)
			s.run(p)
			if got := int(s.out[cols+1]); got != v && (v > 2 || got > 2) {
				t.Errorf("the mean of luma %d in %dx%d boxes = %d", v, cols, cols, got)
			}
		}
	}
}

// TestSpans checks that spans tile what they sample, so that every pixel of
// the crop counts once, and interpolate where samples are closer than pixels.
func TestSpans(t *testing.T) {
	s := appendSpans(nil, 2.5, 32.5, 40, 7)
	if s[0].a != 640 || s[6].b != 32*256+128 {
		t.Errorf("spans of 2.5 to 32.5 = %v", s)
	}
	for i := 1; i < len(s); i++ {
		if s[i].a != s[i-1].b {
			t.Errorf("span %d = %v starts away from the end of %v", i, s[i], s[i-1])
		}
	}
	// Four samples a pixel: two pixels' widths around each quarter.
	got := appendSpans(nil, 0, 2, 2, 8)
	want := []span{{0, 160}, {0, 224}, {32, 288}, {96, 352}, {160, 416}, {224, 480}, {288, 512}, {352, 512}}
	if !slices.Equal(got, want) {
		t.Errorf("spans of 8 samples on 2 pixels = %v, want %v", got, want)
	}
}

func TestCrop(t *testing.T) {
	for _, tt := range []struct {
		w, h, cols, rows int
		aspect           float64
		want             box
	}{
		{640, 480, 80, 30, 2, box{0, 0, 640, 480}},
		{640, 480, 40, 30, 2, box{160, 0, 480, 480}}, // tall tile: the middle
		{640, 480, 80, 20, 2, box{0, 64, 640, 384}},  // wide tile: 64 of 160 cut above
		{640, 480, 80, 40, 1.5, box{0, 0, 640, 480}}, // the same shape with wide cells
		{640, 480, 1, 1000, 2, box{320, 0, 321, 480}},
		{10, 10, 1000, 1, 2, box{0, 4, 10, 5}},
		{1, 1, 80, 24, 2, box{0, 0, 1, 1}},
	} {
		got := crop(tt.w, tt.h, tt.cols, tt.rows, tt.aspect)
		for i, d := range []float64{got.x0 - tt.want.x0, got.y0 - tt.want.y0, got.x1 - tt.want.x1, got.y1 - tt.want.y1} {
			if math.Abs(d) > 1e-9 {
				t.Errorf("crop(%d, %d, %d, %d, %v) = %v, want %v (side %d)", tt.w, tt.h, tt.cols, tt.rows, tt.aspect, got, tt.want, i)
			}
		}
	}
}

func TestAspect(t *testing.T) {
	for in, want := range map[float64]float64{0: 2, -1: 2, math.Inf(1): 8, 1e-9: 0.25, 1.9: 1.9} {
		if got := aspectOf(in); got != want {
			t.Errorf("aspectOf(%v) = %v, want %v", in, got, want)
		}
	}
	if got := aspectOf(math.NaN()); got != 2 {
		t.Errorf("aspectOf(NaN) = %v, want 2", got)
	}
}

// TestRamps checks what the look of a ramp rests on: brighter luma never gets
// a character with less light, all characters are used, and a character stays
// beyond its range.
func TestRamps(t *testing.T) {
	for name, p := range map[string]ramp{
		"classic": classic[0], "classic light": classic[1],
		"calibrated": calibrated[0], "calibrated light": calibrated[1],
	} {
		light := strings.HasSuffix(name, "light")
		used := make(map[uint8]bool)
		for v, g := range p.pick {
			used[g] = true
			if v > 0 && (g < p.pick[v-1]) != light && g != p.pick[v-1] {
				t.Errorf("%s: luma %d picks %q after %q", name, v, p.chars[g], p.chars[p.pick[v-1]])
			}
			from, to := int(p.keepFrom[g]), int(p.keepTo[g])
			if from > max(0, v-deadBand) || to < min(255, v+deadBand) {
				t.Errorf("%s: luma %d picks %q, which stays only from %d to %d", name, v, p.chars[g], from, to)
			}
		}
		if len(used) != len(p.chars) {
			t.Errorf("%s: %d of %d characters are picked", name, len(used), len(p.chars))
		}
	}
	for i := 1; i < len(rampChars); i++ {
		if a, b := rune(rampChars[i-1]), rune(rampChars[i]); inkOf(a) >= inkOf(b) {
			t.Errorf("the ink of %q = %v, want less than %v of %q", a, inkOf(a), inkOf(b), b)
		}
	}
}

// TestLight checks that the light of a slope in LookRamp is that of the
// picture, but for contrast, to within the distance of two characters.
func TestLight(t *testing.T) {
	dark := calibrated[0]
	k := inkOf(dark.chars[len(dark.chars)-1])
	for v, g := range dark.pick {
		shown := 255 * math.Pow(inkOf(dark.chars[g])/k, 1/letterGamma)
		// The dark tones are the widest apart.
		if off := math.Abs(shown - float64(v)); off > 30 || v > 110 && off > 22 {
			t.Errorf("luma %d is shown as %q, luma %.0f", v, dark.chars[g], shown)
		}
	}
}

// TestSpread checks the automatic levels of flat, wide and narrow pictures.
func TestSpread(t *testing.T) {
	for _, tt := range []struct {
		name      string
		samples   []uint8
		low, high float32
	}{
		{"one", []uint8{100}, 76, 124},
		{"black", make([]uint8, 500), 0, 48},
		{"white", slices.Repeat([]uint8{255}, 500), 207, 255},
		{"two tones", append(slices.Repeat([]uint8{30}, 300), slices.Repeat([]uint8{200}, 300)...), 30, 200},
		{"outliers", append(append(slices.Repeat([]uint8{90}, 300), slices.Repeat([]uint8{150}, 300)...), 0, 255), 90, 150},
	} {
		if low, high := spread(tt.samples, len(tt.samples), 1, len(tt.samples)); low != tt.low || high != tt.high {
			t.Errorf("spread of %s = %v, %v, want %v, %v", tt.name, low, high, tt.low, tt.high)
		}
	}
}

// TestLevelsAreSlow checks that a light that is switched on does not make the
// whole picture jump: contrast follows 5 % a picture.
func TestLevelsAreSlow(t *testing.T) {
	l := levels{automatic: true}
	l.reset(8)
	frame := func(v uint8) []uint8 {
		return append(slices.Repeat([]uint8{20}, 48), slices.Repeat([]uint8{v}, 48)...)
	}
	l.apply(frame(120), 8, 12, 8, 0, 10)
	if l.low != 20 || l.high != 120 {
		t.Fatalf("levels of the first picture = %v, %v, want 20, 120", l.low, l.high)
	}
	l.apply(frame(220), 8, 12, 8, 0, 10)
	if math.Abs(float64(l.high)-125) > 0.01 {
		t.Errorf("high one picture after 120 became 220 = %v, want 125", l.high)
	}
	for range 200 {
		l.apply(frame(220), 8, 12, 8, 0, 10)
	}
	if math.Abs(float64(l.high)-220) > 0.5 {
		t.Errorf("high 200 pictures later = %v, want 220", l.high)
	}
}

// TestSharpen checks that flat parts stay, and that an edge gets steeper.
func TestSharpen(t *testing.T) {
	var l levels
	l.reset(8)
	p := make([]uint8, 64)
	for i := range p {
		p[i] = uint8(80 + 80*(i%8/4))
	}
	l.sharpen(p, 8, 8, 10)
	for i, v := range p {
		switch x := i % 8; {
		case (x < 3 && v != 80) || (x > 4 && v != 160):
			t.Errorf("flat sample %d = %d", i, v)
		case (x == 3 && v >= 80) || (x == 4 && v <= 160):
			t.Errorf("sample %d at the edge = %d", i, v)
		}
	}
}

// TestSharpenLanes compares sharpen with its definition.
func TestSharpenLanes(t *testing.T) {
	const w, h = 24, 9
	rng := rand.New(rand.NewPCG(13, 14))
	p := make([]uint8, w*h)
	for i := range p {
		p[i] = uint8(rng.UintN(256))
	}
	for _, share := range []int{1, 10, 24, 32} {
		var l levels
		l.reset(w)
		got := slices.Clone(p)
		l.sharpen(got, h, w, share)
		for i := range p {
			blur := 0
			for k := range 9 {
				x, y := min(max(i%w+k%3-1, 0), w-1), min(max(i/w+k/3-1, 0), h-1)
				blur += (2 - abs(k%3-1)) * (2 - abs(k/3-1)) * int(p[y*w+x])
			}
			want := float64(p[i]) + float64(16*int(p[i])-blur)/16*float64(share)/16
			if want = min(max(want, 0), 255); math.Abs(float64(got[i])-want) > 1.5 {
				t.Errorf("sample %d sharpened by %d/16 = %d, want %.2f", i, share, got[i], want)
			}
		}
	}
}

// TestSmoother checks the two sides of the filter with exact numbers.
func TestSmoother(t *testing.T) {
	var s smoother
	s.reset(8, 8)
	// All of a word are the same but that one in the middle.
	frame := func(v uint8) []uint8 { return []uint8{100, 100, 100, 100, v, 100, 100, 100} }
	for i, step := range []struct{ in, out uint8 }{
		{100, 100}, // the first picture as it is
		{102, 101}, // at first half of the way
		{103, 102},
		{106, 103}, // then a quarter
		{107, 104},
		{108, 105},
		{105, 105},
		{113, 106}, // then an eighth
		{113, 107}, // 106 + 7/8
		{98, 106},  // still within the limit
		{160, 160}, // very far: at once
		{0, 0},
		{255, 255},
	} {
		p := frame(step.in)
		s.apply(p, nil)
		if !slices.Equal(p, frame(step.out)) {
			t.Errorf("step %d: %d became %d, want %d", i, step.in, p, step.out)
		}
	}
	p := frame(104)
	s.apply(frame(100), frame(1))
	if s.apply(p, []uint8{4: 1, 7: 0}); p[4] != 104 {
		t.Errorf("a sample that moved elsewhere became %d, want 104", p[4])
	}
	s.reset(8, 8)
	p = frame(7)
	if s.apply(p, nil); p[4] != 7 {
		t.Errorf("after a reset 7 became %d", p[4])
	}
}

// slowSmoother is smoother without lanes, with its limit.
type slowSmoother struct {
	averages []int
	was      []bool
}

// apply returns what smoother makes of samples in rows of width, with the share
// of 1/2^shift.
func (s *slowSmoother) apply(samples []uint8, elsewhere []uint8, width, limit, shift int) (out, moved []uint8) {
	n := len(samples)
	far := make([]bool, n)
	for i, v := range samples {
		far[i] = abs(int(v)<<4-s.averages[i]) > limit || elsewhere[i] != 0
	}
	isFar := func(i int) bool { return i >= 0 && i < n && far[i] }
	moved = make([]uint8, n)
	for i, v := range samples {
		d := int(v)<<4 - s.averages[i]
		switch {
		case !far[i]:
			s.averages[i] += (d + 1<<(shift-1)) >> shift
		case abs(d) > 2*limit || s.was[i] || elsewhere[i] != 0 || isFar(i-1) || isFar(i+1) || isFar(i-width) || isFar(i+width):
			s.averages[i], moved[i] = int(v)<<4, 1
		case d > 0:
			s.averages[i] += limit / 8
		default:
			s.averages[i] -= limit / 8
		}
		out = append(out, uint8((s.averages[i]+8)>>4))
	}
	s.was = far
	return out, moved
}

// TestSmootherLanes compares smoother with its rules, one sample at a time.
func TestSmootherLanes(t *testing.T) {
	const w, n = 11, 11 * 16
	rng := rand.New(rand.NewPCG(11, 12))
	var s smoother
	s.reset(n, w)
	slow := slowSmoother{averages: make([]int, n), was: make([]bool, n)}
	scene := make([]uint8, n)
	for k := range 300 {
		samples, elsewhere := make([]uint8, n), make([]uint8, n)
		for i := range scene {
			if k == 0 || rng.IntN(40) == 0 {
				scene[i] = uint8(rng.UintN(256))
			}
			noise := 3 * rng.NormFloat64()
			if rng.IntN(50) == 0 {
				noise *= 6
			}
			samples[i] = uint8(min(max(float64(scene[i])+noise, 0), 255))
			if k > 100 && rng.IntN(20) == 0 {
				elsewhere[i] = 1
			}
		}
		got := slices.Clone(samples)
		s.apply(got, elsewhere)
		if k == 0 {
			for i, v := range samples {
				slow.averages[i] = int(v) << 4
			}
			continue
		}
		shift := []int{1, 1, 1, 2, 2, 2, 2, 3}[min(k, 7)]
		want, moved := slow.apply(samples, elsewhere, w, s.limit, shift)
		for i, v := range want {
			if got[i] != v || s.moved[i] != moved[i] {
				t.Fatalf("picture %d: sample %d = %d became %d (moved %d), want %d (moved %d)", k, i, samples[i], got[i], s.moved[i], v, moved[i])
			}
		}
	}
}

// TestLonely checks that a single sample that is far is not believed at once,
// as it is with a neighbour, or when it is very far.
func TestLonely(t *testing.T) {
	flat := func(change map[int]uint8) []uint8 {
		p := slices.Repeat([]uint8{100}, 32)
		for i, v := range change {
			p[i] = v
		}
		return p
	}
	for _, tt := range []struct {
		name   string
		change map[int]uint8
		want   bool // sample 12 in the middle follows at once
	}{
		{"alone", map[int]uint8{12: 115}, false},
		{"down", map[int]uint8{12: 115, 17: 115}, true},
		{"left", map[int]uint8{12: 115, 11: 85}, true},
		{"askew", map[int]uint8{12: 115, 16: 115}, false},
		{"very far", map[int]uint8{12: 140}, true},
	} {
		var s smoother
		s.reset(32, 5)
		for range 10 {
			s.apply(flat(nil), nil)
		}
		p := flat(tt.change)
		s.apply(p, nil)
		if followed := p[12] == tt.change[12]; followed != tt.want {
			t.Errorf("%s: 100, then %d became %d, want it followed: %v", tt.name, tt.change[12], p[12], tt.want)
		}
		p = flat(tt.change)
		if s.apply(p, nil); p[12] != tt.change[12] {
			t.Errorf("%s: %d twice became %d", tt.name, tt.change[12], p[12])
		}
	}
}

// TestChromaFollows checks that chroma that changes less than its noise
// follows at once where luma moves, and is averaged where it does not.
func TestChromaFollows(t *testing.T) {
	var r Renderer
	r.Look = LookHalf
	dst := make([]Cell, 8)
	show := func(right, cb uint8) {
		r.Render(dst, 8, 1, 2, tint(picture(8, 2, func(x, _ int) uint8 {
			if x < 4 {
				return 50
			}
			return right
		}), cb, 128))
	}
	for range 10 {
		show(50, 128)
	}
	show(200, 136)
	if got := int(dst[0].Fg & 255); got < 48 || got > 54 {
		t.Errorf("blue where nothing moved = %d, want about 50", got)
	}
	if got := int(dst[7].Fg & 255); got < 213 || got > 215 {
		t.Errorf("blue where luma moved = %d, want 214 = 200 + 1.772*8", got)
	}
}
