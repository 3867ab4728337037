package video

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
)

// packet is a compressed picture and its name.
type packet struct {
	b []byte
	p Picture
}

// record compresses n pictures that use all of the format, with colour or not.
func record(tb testing.TB, w, h, n int, colour bool) []packet {
	tb.Helper()
	l := newLink(tb, Config{Width: w, Height: h, Chroma: colour})
	var ps []packet
	for i := range n {
		src := synthetic(w, h, i)
		if i%4 == 3 { // another brightness
			for k, v := range src.Y {
				src.Y[k] = weight{gain: 112, offset: 3}.apply(v)
			}
		}
		if i%5 == 4 {
			src = noisy(w, h, uint32(i))
		}
		coloured(src, i)
		b, p := l.send(src)
		ps = append(ps, packet{b, p})
	}
	return ps
}

// mutate returns a damaged copy of b.
func mutate(rng *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	switch rng.IntN(5) {
	case 0: // cut short
		return b[:rng.IntN(len(b)+1)]
	case 1: // a few bits
		for range 1 + rng.IntN(8) {
			if len(b) > 0 {
				b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
			}
		}
	case 2: // the rest
		for i := rng.IntN(len(b) + 1); i < len(b); i++ {
			b[i] = byte(rng.Uint32())
		}
	case 3: // the rest at an extreme
		v := byte(-rng.IntN(2))
		for i := rng.IntN(len(b) + 1); i < len(b); i++ {
			b[i] = v
		}
	default: // nothing of it, but for the kind
		first := byte(0)
		if len(b) > 0 {
			first = b[0]
		}
		b = make([]byte, rng.IntN(1500))
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		if len(b) > 6 {
			b[0] = first
			copy(b[1:], []byte{byte(1 + rng.IntN(2)), byte(rng.IntN(4)), byte(rng.Uint32()), byte(rng.IntN(3)), byte(rng.Uint32())})
		}
	}
	return b
}

// TestDecodeDamaged feeds a decoder thousands of damaged pictures among good
// ones. Whatever it makes of them, an error changes nothing, the work is
// bounded by the input, and a key picture makes it right again.
func TestDecodeDamaged(t *testing.T) {
	for _, colour := range []bool{false, true} {
		t.Run(fmt.Sprintf("colour %t", colour), func(t *testing.T) { decodeDamaged(t, colour) })
	}
}

func decodeDamaged(t *testing.T, colour bool) {
	rng := rand.New(rand.NewPCG(11, 12))
	good := record(t, 72, 56, 12, colour)
	d := NewDecoder()
	var out image.YCbCr
	counts := make(map[string]int)
	for n := range 6000 {
		g := good[rng.IntN(len(good))]
		b := mutate(rng, g.b)
		p := g.p
		if rng.IntN(10) == 0 {
			p.Ref = uint16(rng.IntN(14))
		}
		id, ok := d.Newest()
		before := bytes.Clone(out.Y)
		err := d.Decode(b, p, &out)
		switch {
		case err == nil:
			counts["accepted"]++
			if got, ok := d.Newest(); got != p.ID || !ok {
				t.Fatalf("packet %d: Newest = %d, want %d", n, got, p.ID)
			}
		case errors.Is(err, ErrMalformed), errors.Is(err, ErrReference):
			counts["refused"]++
			if got, gotOK := d.Newest(); got != id || gotOK != ok || !bytes.Equal(out.Y, before) {
				t.Fatalf("packet %d: %v, and the Decoder or dst changed", n, err)
			}
		default:
			t.Fatalf("packet %d: Decode(%x) = %v", n, b, err)
		}
		checkBounds(t, d, &out)
		if n%500 == 499 {
			l := &link{tb: t, enc: newEncoder(t, Config{Width: 72, Height: 56, Chroma: colour}), dec: d}
			for i := range 3 {
				l.send(coloured(synthetic(72, 56, i), i))
			}
		}
	}
	t.Logf("6000 damaged pictures: %v", counts)
}

// checkBounds fails the test if d did or holds more than it should.
func checkBounds(t *testing.T, d *Decoder, out *image.YCbCr) {
	t.Helper()
	// A macroblock may read on for its blocks, four and two of colour, after the
	// input has ended.
	const most = maxTrim + 6*64*(2*levelBits+8)/8
	if d.in.pos > len(d.in.in)+most {
		t.Fatalf("%d bytes read of %d", d.in.pos, len(d.in.in))
	}
	if len(d.shelf.held) > shelfSize {
		t.Fatalf("%d pictures held", len(d.shelf.held))
	}
	if size := out.Rect.Size(); size.X > MaxWidth || size.Y > MaxHeight || len(out.Y) != size.X*size.Y {
		t.Fatalf("picture of %v has %d bytes", size, len(out.Y))
	} else if n := (size.X + 1) / 2 * ((size.Y + 1) / 2); len(out.Cb) != len(out.Cr) || len(out.Cb) != 0 && len(out.Cb) != n {
		t.Fatalf("picture of %v has %d and %d bytes of chroma", size, len(out.Cb), len(out.Cr))
	}
}

// FuzzDecode decodes a key picture, then one predicted from it, from anything.
func FuzzDecode(f *testing.F) {
	for i, size := range [][2]int{{16, 16}, {40, 24}, {16, 16}, {40, 24}} {
		ps := record(f, size[0], size[1], 8, i >= 2)
		for i := 1; i < len(ps); i++ {
			f.Add(ps[0].b, ps[i].b)
			f.Add(ps[i].b, ps[0].b)
		}
	}
	f.Add([]byte{0x98, 1, 2, 128, 1, 224}, []byte{0x18})
	f.Add([]byte{0x98, 2, 2, 128, 1, 224}, []byte{0x18})
	f.Fuzz(func(t *testing.T, key, next []byte) {
		d := NewDecoder()
		var out image.YCbCr
		if err := d.Decode(key, Picture{5, 5}, &out); err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("Decode(%x) = %v", key, err)
		} else if err == nil {
			checkBounds(t, d, &out)
			if err := d.Decode(next, Picture{6, 5}, &out); err != nil && !errors.Is(err, ErrMalformed) {
				t.Fatalf("Decode(%x, %x) = %v", key, next, err)
			}
			checkBounds(t, d, &out)
		}
		// The same decoder shows a good picture as a new one does.
		l := &link{tb: t, enc: newEncoder(t, Config{Width: 32, Height: 16}), dec: d}
		l.send(synthetic(32, 16, 1))
		l.send(synthetic(32, 16, 2))
	})
}
