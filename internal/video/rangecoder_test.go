package video

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// symbol is a bit as it is handed to the coder; context -1 has no probability.
type symbol struct {
	context int
	bit     bool
}

// symbols returns n bits whose chance of a 1 differs with the context.
func symbols(seed uint64, n int) []symbol {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := make([]symbol, n)
	for i := range s {
		c := rng.IntN(9) - 1
		one := rng.IntN(1000) < []int{500, 1, 10, 100, 300, 500, 900, 995, 1000}[c+1]
		s[i] = symbol{c, one}
	}
	return s
}

func encodeSymbols(s []symbol) []byte {
	var e rangeEncoder
	var m model
	m.reset()
	e.reset()
	for _, s := range s {
		if s.context < 0 {
			e.raw(s.bit)
		} else {
			e.bit(&m[s.context], s.bit)
		}
	}
	return e.finish()
}

func TestRangeCoderRoundTrip(t *testing.T) {
	for seed := range uint64(300) {
		in := symbols(seed, int(seed*seed)%5000)
		b := encodeSymbols(in)
		var d rangeDecoder
		var m model
		m.reset()
		d.reset(b)
		for i, s := range in {
			got := false
			if s.context < 0 {
				got = d.raw()
			} else {
				got = d.bit(&m[s.context])
			}
			if got != s.bit {
				t.Fatalf("seed %d: bit %d of %d = %t, want %t", seed, i, len(in), got, s.bit)
			}
		}
		if !d.complete() {
			t.Errorf("seed %d: %d bytes written, %d read: not complete", seed, len(b), d.pos)
		}
		// A decoder notices what was added.
		d.reset(append(bytes.Clone(b), make([]byte, d.pos-len(b)+1)...))
		m.reset()
		for _, s := range in {
			if s.context < 0 {
				d.raw()
			} else {
				d.bit(&m[s.context])
			}
		}
		if d.complete() {
			t.Errorf("seed %d: complete with a byte too many", seed)
		}
	}
}

// TestRangeCoderCost compares what bits should cost with what they take.
func TestRangeCoderCost(t *testing.T) {
	in := symbols(7, 50000)
	var m model
	m.reset()
	cost := 0
	for _, s := range in {
		if s.context < 0 {
			cost += rawCost
			continue
		}
		cost += m[s.context].cost(s.bit)
		m[s.context].learn(s.bit)
	}
	want := float64(cost) / 256 / 8
	if got := float64(len(encodeSymbols(in))); math.Abs(got-want) > want/100+8 {
		t.Errorf("%d bits took %.0f bytes, want about %.0f", len(in), got, want)
	}
}

func TestRangeCoderZeros(t *testing.T) {
	// Bits that are all 0 need no bytes, as long as a decoder may miss them.
	var e rangeEncoder
	p := prob{evenly, evenly}
	e.reset()
	for range 2000 {
		e.bit(&p, false)
	}
	if b := e.finish(); len(b) != 0 {
		t.Errorf("2000 likely zeros took %d bytes, want 0", len(b))
	}
	e.reset()
	for range 8 * 100 {
		e.raw(false)
	}
	if b := e.finish(); len(b) != 100+lead-maxTrim {
		t.Errorf("800 even zeros took %d bytes, want %d", len(b), 100+lead-maxTrim)
	}
	var d rangeDecoder
	d.reset(nil)
	for n := 0; !d.overrun(); n++ {
		if n > 8*maxTrim {
			t.Fatalf("no overrun after %d bits of no input", n)
		}
		d.raw()
	}
}

func TestNumbers(t *testing.T) {
	const size = 12
	var e rangeEncoder
	var d rangeDecoder
	var pe, pd [size]prob
	reset := func(p []prob) {
		for i := range p {
			p[i] = prob{evenly, evenly}
		}
	}
	reset(pe[:])
	reset(pd[:])
	e.reset()
	for n := 1; n < 1<<(size+1); n++ {
		e.writeNumber(pe[:], n)
	}
	d.reset(e.finish())
	for n := 1; n < 1<<(size+1); n++ {
		if got := d.readNumber(pd[:]); got != n {
			t.Fatalf("readNumber = %d, want %d", got, n)
		}
	}
}

func TestCosts(t *testing.T) {
	for i, got := range costs {
		if want := -256 * math.Log2((float64(i)+0.5)/128); math.Abs(float64(got)-want) > 0.51 {
			t.Errorf("costs[%d] = %d, want %.1f", i, got, want)
		}
	}
}
