package video

import (
	"math"
	"math/rand/v2"
	"testing"
)

// matrix is the transform's definition: row k is the k-th cosine, 64*sqrt(8)
// times the orthonormal one.
var matrix = [8][8]int64{
	{64, 64, 64, 64, 64, 64, 64, 64},
	{89, 75, 50, 18, -18, -50, -75, -89},
	{83, 36, -36, -83, -83, -36, 36, 83},
	{75, -18, -89, -50, 50, 89, 18, -75},
	{64, -64, -64, 64, 64, -64, -64, 64},
	{50, -89, 18, 75, -75, -18, 89, -50},
	{36, -83, 83, -36, -36, 83, -83, 36},
	{18, -50, 75, -89, 89, -75, 50, -18},
}

// TestMatrix compares the definition with the DCT: no entry is further off than
// 1.4 (36 for 34.6), and the rows are at right angles within 0.2 %.
func TestMatrix(t *testing.T) {
	for k, row := range matrix {
		norm := 64.0
		if k > 0 {
			norm *= math.Sqrt2
		}
		for n, got := range row {
			want := norm * math.Cos(float64(2*n+1)*float64(k)*math.Pi/16)
			if math.Abs(float64(got)-want) > 1.4 {
				t.Errorf("row %d, column %d is %d, want %.1f", k, n, got, want)
			}
		}
		for l, other := range matrix {
			dot, want := int64(0), int64(0)
			if k == l {
				want = 64 * 64 * 8
			}
			for n := range row {
				dot += row[n] * other[n]
			}
			if d := abs(dot - want); d > 65 { // 0.002 * 32768
				t.Errorf("rows %d and %d have the product %d, want %d", k, l, dot, want)
			}
		}
	}
}

// residuals returns test input: flat ones, noise, and the extremes at random.
func residuals() [][64]int32 {
	rng := rand.New(rand.NewPCG(1, 2))
	all := make([][64]int32, 500)
	for n := range all {
		for i := range all[n] {
			switch {
			case n < 4:
				all[n][i] = []int32{255, -255, 1, 0}[n]
			case n%2 == 0:
				all[n][i] = 255 - 510*int32(rng.IntN(2))
			default:
				all[n][i] = int32(rng.IntN(511)) - 255
			}
		}
	}
	return all
}

// TestTransform compares fdct, which rounds once, with the definition.
func TestTransform(t *testing.T) {
	for _, in := range residuals() {
		r := in
		fdct(&r)
		for v := range 8 {
			for u := range 8 {
				sum := int64(0)
				for i, s := range in {
					sum += matrix[v][i/8] * matrix[u][i%8] * int64(s)
				}
				if want := int32((sum + 1<<10) >> 11); r[v*8+u] != want {
					t.Fatalf("fdct(%v)[%d] = %d, want %d", in, v*8+u, r[v*8+u], want)
				}
			}
		}
	}
}

// inverse returns sample i of the inverse transform before it is rounded.
func inverse(r *[64]int32, i int) float64 {
	sum := int64(0)
	for k, c := range r {
		sum += matrix[k/8][i/8] * matrix[k%8][i%8] * int64(c)
	}
	return float64(sum) / (1 << 19)
}

// TestInverse compares idct with the definition, for the coefficients of
// residuals and for the largest that a stream can hold, whose sums must not
// leave 32 bits. The first pass rounds by up to 0.5, which the second
// takes 8 times by up to 89/4096 before it rounds by up to 0.5 itself.
func TestInverse(t *testing.T) {
	inputs := residuals()
	for n := range inputs {
		if n < 300 {
			fdct(&inputs[n])
			continue
		}
		for i := range inputs[n] {
			level := int32(1) << (levelBits + 1)
			if inputs[n][i] < 0 {
				level = -level
			}
			inputs[n][i] = dequantise(level, steps[maxQP])
		}
	}
	for _, in := range inputs {
		r := in
		idct(&r)
		for i := range r {
			if want := inverse(&in, i); math.Abs(float64(r[i])-want) > 0.5+8*89.0/4096/2 {
				t.Fatalf("idct(%v)[%d] = %d, want %.2f", in, i, r[i], want)
			}
		}
	}
}

// TestTransformBack checks that nothing is lost without a quantiser: flat
// residuals come back as they were, and the worst noise within what the
// rows that are not quite at right angles cost.
func TestTransformBack(t *testing.T) {
	for n, in := range residuals() {
		r := in
		fdct(&r)
		idct(&r)
		most := int32(2)
		if n < 4 {
			most = 0
		}
		for i := range r {
			if abs(r[i]-in[i]) > most {
				t.Fatalf("idct(fdct(%v))[%d] = %d, want %d within %d", in, i, r[i], in[i], most)
			}
		}
	}
}

// matrix4 holds the rows of the transform of 4x4.
var matrix4 = [4][4]int64{{64, 64, 64, 64}, {83, 36, -36, -83}, {64, -64, -64, 64}, {36, -83, 83, -36}}

// TestTransform4 compares fdct4 and idct4 with their definition, likewise.
func TestTransform4(t *testing.T) {
	for _, in := range residuals() {
		r := in
		fdct4(&r)
		for k := range 4 {
			for i := range 16 {
				o, u, v := quarterOf(k), i%4, i/4
				sum := int64(0)
				for j := range 16 {
					sum += matrix4[v][j/4] * matrix4[u][j%4] * int64(in[o+j/4*8+j%4])
				}
				if want := int32((sum + 1<<9) >> 10); r[o+v*8+u] != want {
					t.Fatalf("fdct4(%v): coefficient %d of quarter %d is %d, want %d", in, i, k, r[o+v*8+u], want)
				}
			}
		}
		back := r
		idct4(&back)
		for i := range back {
			o, x, y := quarterOf(i>>5*2+i>>2&1), i&3, i>>3&3
			sum := int64(0)
			for j := range 16 {
				sum += matrix4[j/4][y] * matrix4[j%4][x] * int64(r[o+j/4*8+j%4])
			}
			if want := float64(sum) / (1 << 18); math.Abs(float64(back[i])-want) > 0.5+4*83.0/2048/2 {
				t.Fatalf("idct4(%v)[%d] = %d, want %.2f", r, i, back[i], want)
			}
			if abs(back[i]-in[i]) > 1 {
				t.Fatalf("idct4(fdct4(%v))[%d] = %d, want it back", in, i, back[i])
			}
		}
	}
}

// TestInverse4 transforms the largest coefficients that a stream can hold.
func TestInverse4(t *testing.T) {
	for _, sign := range [][4]int32{{1, 1, 1, 1}, {1, 1, -1, -1}, {1, -1, 1, -1}, {-1, -1, -1, -1}} {
		var r [64]int32
		for i := range r {
			r[i] = maxCoefficient * sign[i%4] * sign[i/8%4]
		}
		in := r
		idct4(&r)
		for i := range r {
			o, x, y := quarterOf(i>>5*2+i>>2&1), i&3, i>>3&3
			sum := int64(0)
			for j := range 16 {
				sum += matrix4[j/4][y] * matrix4[j%4][x] * int64(in[o+j/4*8+j%4])
			}
			if want := float64(sum) / (1 << 18); math.Abs(float64(r[i])-want) > 1 {
				t.Fatalf("idct4(+-%d)[%d] = %d, want %.1f", maxCoefficient, i, r[i], want)
			}
		}
	}
}

func TestQuantise(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for qp, step := range steps {
		var in [64]int32
		for i := range in {
			in[i] = int32(rng.IntN(65280)) - 32640
		}
		r := in
		var level [64]int16
		quantise(&r, &level, step, step/3)
		for i, z := range scan {
			if got := dequantise(int32(level[i]), step); got != r[z] {
				t.Fatalf("qp %d: level %d is %d to the decoder, %d to the encoder", qp, level[i], got, r[z])
			}
			if d := abs(r[z] - in[z]); d > step-step/3 {
				t.Fatalf("qp %d: %d became %d, want within %d", qp, in[z], r[z], step-step/3)
			}
			if abs(int(level[i])) > 1<<(levelBits+1) {
				t.Fatalf("qp %d: %d has level %d, too large to be sent", qp, in[z], level[i])
			}
		}
	}
}

// TestTables compares the literal tables with their formulas.
func TestTables(t *testing.T) {
	for qp, got := range steps {
		if want := 10 * math.Pow(2, float64(qp)/6); math.Abs(float64(got)-want) > 0.51 {
			t.Errorf("steps[%d] = %d, want %.1f", qp, got, want)
		}
	}
	for i, got := range heeds {
		if want := 256 * math.Pow(2, -float64(i-24)/12); math.Abs(float64(got)-want) > 0.51 {
			t.Errorf("heeds[%d] = %d, want %.1f", i, got, want)
		}
	}
	var seen [64]bool
	for i, z := range scan {
		if seen[z] {
			t.Errorf("scan[%d] = %d, a second time", i, z)
		}
		seen[z] = true
		if i > 0 {
			p := scan[i-1]
			if a, b := p/8+p%8, z/8+z%8; b < a || b > a+1 {
				t.Errorf("scan goes from diagonal %d to %d", a, b)
			}
		}
	}
	var seen4 [64]bool
	for i, z := range scan4 {
		if seen4[z] || z%8 > 3 || z/8 > 3 {
			t.Errorf("scan4[%d] = %d, a second time or outside", i, z)
		}
		seen4[z] = true
	}
	for n := 1; n < 1<<20; n += 1 + n/100 {
		if got, want := float64(log16(n)), 16*math.Log2(float64(n)); math.Abs(got-want) > 2.4 {
			t.Errorf("log16(%d) = %v, want %.1f", n, got, want)
		}
	}
	for i, f := range taps {
		sum := int32(0)
		for k, w := range f {
			sum += w
			// A quarter of the way from one side is three quarters from the other.
			if mirror := taps[(4-i)%4]; i > 0 && w != mirror[5-k] {
				t.Errorf("taps[%d][%d] = %d, want %d", i, k, w, mirror[5-k])
			}
		}
		if sum != 64 {
			t.Errorf("taps[%d] add up to %d, want 64", i, sum)
		}
	}
}
