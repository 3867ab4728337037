package video

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"testing"
)

func TestNewEncoder(t *testing.T) {
	tests := []struct {
		config Config
		ok     bool
	}{
		{Config{Width: 160, Height: 96}, true},
		{Config{Width: 16, Height: 16, Bitrate: 1, FPS: 1, MaxBytes: 128}, true},
		{Config{Width: MaxWidth, Height: MaxHeight}, true},
		{Config{}, false},
		{Config{Width: 15, Height: 96}, false},
		{Config{Width: 160, Height: 15}, false},
		{Config{Width: MaxWidth + 1, Height: 96}, false},
		{Config{Width: 160, Height: MaxHeight + 1}, false},
		{Config{Width: 160, Height: 96, Bitrate: -1}, false},
		{Config{Width: 160, Height: 96, FPS: -1}, false},
		{Config{Width: 160, Height: 96, MaxBytes: 127}, false},
		{Config{Width: 160, Height: 96, MaxBytes: -1}, false},
		{Config{Width: 160, Height: 96, Quantiser: maxQP, FirstID: 65535, Denoise: true, Chroma: true}, true},
		{Config{Width: 160, Height: 96, Quantiser: maxQP + 1}, false},
		{Config{Width: 160, Height: 96, Quantiser: -1}, false},
	}
	for _, tt := range tests {
		if _, err := NewEncoder(tt.config); (err == nil) != tt.ok {
			t.Errorf("NewEncoder(%+v) = %v, want success %t", tt.config, err, tt.ok)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	sizes := [][2]int{{16, 16}, {17, 31}, {60, 20}, {120, 40}, {160, 96}, {161, 97}, {320, 192}, {MaxWidth, MaxHeight}}
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			l := newLink(t, Config{Width: size[0], Height: size[1]})
			for i := range 6 {
				src := synthetic(size[0], size[1], i)
				b, p := l.send(src)
				if p.ID != uint16(i) || p.Key() != (i == 0) || i > 0 && p.Ref != p.ID-1 {
					t.Errorf("picture %d is %+v", i, p)
				}
				if got := psnr(src, &l.out); got < 30 {
					t.Errorf("picture %d: %.1f dB in %d bytes, want 30", i, got, len(b))
				}
			}
		})
	}
}

// TestEveryQP sends scenes that change at once, so that every way to code a
// macroblock is used, at every qp.
func TestEveryQP(t *testing.T) {
	for qp := range maxQP + 1 {
		l := newLink(t, Config{Width: 72, Height: 56})
		for i, src := range []*image.YCbCr{
			synthetic(72, 56, 1), synthetic(72, 56, 2), noisy(72, 56, 1), synthetic(72, 56, 30),
		} {
			l.enc.rate.qp16 = qp * 16
			b, _ := l.send(src)
			if got := psnr(src, &l.out); qp == 0 && got < 50 {
				t.Errorf("picture %d at qp 0: %.1f dB in %d bytes, want 50", i, got, len(b))
			}
		}
	}
}

// TestKinds makes sure that the tests above see every kind of macroblock.
func TestKinds(t *testing.T) {
	l := newLink(t, Config{Width: 160, Height: 96})
	var kinds [kindIntra + 1]int
	for _, src := range loadClip(t) {
		l.send(src)
		s := &l.enc.state
		for by := 0; by < 96/8; by += 2 {
			for bx := 0; bx < 160/8; bx += 2 {
				c := s.cells[s.cell(bx, by)]
				d := s.cells[s.cell(bx+1, by+1)]
				switch {
				case c.skip:
					kinds[kindSkip]++
				case c.intra:
					kinds[kindIntra]++
				case c.vector != d.vector:
					kinds[kindSplit]++
				default:
					kinds[kindInter]++
				}
			}
		}
	}
	for k, n := range kinds {
		if n < 20 {
			t.Errorf("kind %d was used %d times, want more (all: %v)", k, n, kinds)
		}
	}
}

// TestSmall checks which transform is chosen: quarters where one of them alone
// differs, the whole block where all of it does.
func TestSmall(t *testing.T) {
	e := newEncoder(t, Config{Width: 16, Height: 16})
	e.state.begin(e.shelf.next(), nil, header{key: true, width: 16, height: 16, qp: 20})
	e.heed = 256
	pred := make([]byte, 8*blockStride)
	fill(pred, 100)
	wave := [8]byte{120, 117, 111, 104, 96, 89, 83, 80} // a coefficient of 8x8
	for _, tt := range []struct {
		name  string
		value func(x, y int) byte
		some  bool
		small bool
	}{
		{"as predicted", func(int, int) byte { return 100 }, false, false},
		{"a quarter", func(x, y int) byte {
			if x >= 4 && y >= 4 {
				return 140
			}
			return 100
		}, true, true},
		{"a wave", func(x, _ int) byte { return wave[x%8] }, true, false},
	} {
		src := gray(16, 16)
		for i := range src.Y {
			src.Y[i] = tt.value(i%16, i/16)
		}
		if err := e.load(src); err != nil {
			t.Fatal(err)
		}
		var tr trial
		copy(tr.result[:], pred)
		some := e.tryLevels(&tr, 0, pred, tr.result[:])
		if some != tt.some || tr.small[0] != tt.small {
			t.Errorf("%s: levels %t in quarters %t, want %t, %t", tt.name, some, tr.small[0], tt.some, tt.small)
		}
	}
}

// TestFirstID starts where another encoder has ended.
func TestFirstID(t *testing.T) {
	d := NewDecoder()
	first := uint16(65530)
	for range 3 {
		l := newLink(t, Config{Width: 32, Height: 32, FirstID: first})
		l.dec = d
		for i := range 5 {
			if _, p := l.send(synthetic(32, 32, i)); p.ID != first || p.Key() != (i == 0) {
				t.Errorf("picture %d is %+v, want the id %d", i, p, first)
			}
			first++
		}
	}
}

// TestQuantiser checks that a finer quantiser keeps more and takes more.
func TestQuantiser(t *testing.T) {
	clip := loadClip(t)[:10]
	last := floor{PSNR: 100, Bytes: 1 << 30}
	for _, q := range []int{4, 12, 20, 28, 36, 50} {
		l := newLink(t, Config{Width: 160, Height: 96, Quantiser: q})
		f := floor{QP: q}
		for _, src := range clip {
			b, _ := l.send(src)
			f.Bytes += len(b)
			f.PSNR += psnr(src, &l.out) / float64(len(clip))
		}
		if f.PSNR >= last.PSNR || f.Bytes >= last.Bytes {
			t.Errorf("quantiser %d: %.2f dB in %d bytes, want less than %.2f and %d", q, f.PSNR, f.Bytes, last.PSNR, last.Bytes)
		}
		last = f
	}
}

func TestUnchangedPicture(t *testing.T) {
	for _, size := range [][2]int{{60, 20}, {160, 96}, {MaxWidth, MaxHeight}} {
		l := newLink(t, Config{Width: size[0], Height: size[1]})
		src := synthetic(size[0], size[1], 7)
		for range 4 { // the quantiser comes to rest
			l.send(src)
		}
		for i := range 3 {
			if b, _ := l.send(src); len(b) > 6 {
				t.Errorf("%dx%d: unchanged picture %d took %d bytes, want at most 6", size[0], size[1], i, len(b))
			}
		}
	}
}

func TestBrightnessChange(t *testing.T) {
	clip := loadClip(t)
	l := newLink(t, Config{Width: 160, Height: 96})
	l.send(clip[0])
	weighted := 0
	for i := range 5 {
		src := gray(160, 96)
		for k, v := range clip[0].Y {
			src.Y[k] = weight{gain: uint8(120 - 6*i)}.apply(v)
		}
		b, _ := l.send(src)
		if b[0]&flagWeighted != 0 {
			weighted++
		}
		if got := psnr(src, &l.out); got < 34 {
			t.Errorf("dimmed picture %d: %.1f dB, want 34", i, got)
		}
	}
	if weighted != 5 {
		t.Errorf("%d of 5 dimmed pictures are weighted, want 5", weighted)
	}
}

func TestSource(t *testing.T) {
	e := newEncoder(t, Config{Width: 32, Height: 32})
	short := gray(32, 32)
	short.Y = short.Y[:1000]
	narrow := gray(32, 32)
	narrow.YStride = 31
	for _, src := range []*image.YCbCr{nil, {}, gray(0, 5), short, narrow} {
		if b, _, err := e.Encode([]byte{7}, src); err == nil || len(b) != 1 {
			t.Errorf("Encode(%v) = %d bytes, %v, want an error and dst as it was", src, len(b), err)
		}
	}
	// A part of a larger picture, and one of another size.
	whole := synthetic(64, 64, 1)
	cut := &image.YCbCr{Y: whole.Y[whole.YOffset(16, 8):], YStride: 64, Rect: image.Rect(16, 8, 48, 40)}
	for i, src := range []*image.YCbCr{cut, whole, synthetic(200, 100, 1)} {
		want := gray(32, 32)
		Scale(want, src)
		b, p, err := e.Encode(nil, src)
		if err != nil || p.ID != uint16(i) {
			t.Fatalf("Encode(%v) = %+v, %v, want id %d", src.Rect, p, err, i)
		}
		got := gray(32, 32)
		e.shelf.newest().show(got)
		if q := psnr(got, want); q < 30 {
			t.Errorf("Encode(%v): %.1f dB in %d bytes, want 30", src.Rect, q, len(b))
		}
	}
}

func TestAppends(t *testing.T) {
	a, b := newEncoder(t, Config{Width: 32, Height: 32}), newEncoder(t, Config{Width: 32, Height: 32})
	src := synthetic(32, 32, 0)
	plain, _, err := a.Encode(nil, src)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := b.Encode([]byte("before"), src)
	if err != nil || !bytes.Equal(got, append([]byte("before"), plain...)) {
		t.Errorf("Encode did not append the same to dst: %x, %v, want %x", got, err, plain)
	}
}

func TestRefer(t *testing.T) {
	l := newLink(t, Config{Width: 48, Height: 32})
	l.enc.id = 65526 // ids wrap
	for i := range 20 {
		l.send(synthetic(48, 32, i))
	}
	for i, tt := range []struct {
		back  uint16 // of the id referred to, behind the next
		force bool
		key   bool
	}{
		{back: 1},
		{back: 2},
		{back: 16},
		{back: 17, key: true},
		{back: 16},
		{back: 5, force: true, key: true},
		{back: 0, key: true},
		{back: 40000, key: true},
	} {
		id := l.enc.id - tt.back
		l.enc.Refer(id)
		if tt.force {
			l.enc.ForceKey()
		}
		_, p := l.send(synthetic(48, 32, 20+i))
		if p.Key() != tt.key || !tt.key && p.Ref != id {
			t.Errorf("after Refer(%d), forced %t: picture %+v, want key %t", id, tt.force, p, tt.key)
		}
		if _, p := l.send(synthetic(48, 32, 21+i)); p.Ref != p.ID-1 {
			t.Errorf("the picture after that is %+v, want it predicted from the last", p)
		}
	}
	// Only the last word counts.
	l.enc.Refer(40000)
	l.enc.Refer(l.enc.id - 3)
	if _, p := l.send(synthetic(48, 32, 50)); p.Ref != p.ID-3 {
		t.Errorf("picture %+v, want it predicted from the third last", p)
	}
}

func TestDecodeErrors(t *testing.T) {
	l := newLink(t, Config{Width: 48, Height: 32})
	key, keyID := l.send(synthetic(48, 32, 0))
	next, nextID := l.encode(synthetic(48, 32, 1))
	before := bytes.Clone(l.out.Y)
	tests := []struct {
		name string
		b    []byte
		p    Picture
		want error
	}{
		{"empty", nil, keyID, ErrMalformed},
		{"key as another's follower", key, Picture{1, 0}, ErrMalformed},
		{"follower as key", next, Picture{1, 1}, ErrMalformed},
		{"reference not held", next, Picture{1, 7}, ErrReference},
		{"reference is itself's future", next, Picture{0, 1}, ErrReference},
		{"too long", append(bytes.Clone(next), make([]byte, 60)...), nextID, ErrMalformed},
		{"header alone, qp 24", key[:6], keyID, nil},
		{"cut short", key[:len(key)/2], keyID, ErrMalformed},
	}
	for _, tt := range tests {
		d := l.dec
		if tt.want == nil {
			d = NewDecoder() // a key picture of nothing but zeros is gray
		}
		err := d.Decode(tt.b, tt.p, &l.out)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: Decode = %v, want %v", tt.name, err, tt.want)
		}
		if id, ok := l.dec.Newest(); id != 0 || !ok {
			t.Errorf("%s: Newest = %d, %t, want 0, true", tt.name, id, ok)
		}
		if tt.want != nil && !bytes.Equal(l.out.Y, before) {
			t.Errorf("%s: dst was changed", tt.name)
		}
		if tt.want == nil {
			copy(l.out.Y, before)
		}
	}
	if err := l.dec.Decode(next, nextID, &l.out); err != nil {
		t.Errorf("Decode after the errors = %v", err)
	}
	l.check(nextID)
	if _, ok := NewDecoder().Newest(); ok {
		t.Error("Newest of a new Decoder is true")
	}
}

// TestRestart sends the pictures of encoders that take one another's place, in
// other sizes, with and without colour, to one decoder. A picture that is
// predicted from one of another size or colour is never taken for good: not when
// the new encoder's key picture was lost, nor when an old one's comes late.
func TestRestart(t *testing.T) {
	d := NewDecoder()
	first := uint16(65520) // ids wrap
	var late []packet      // predicted pictures of the encoder before
	for n, c := range []Config{
		{Width: 48, Height: 32},
		{Width: 48, Height: 32, Chroma: true},
		{Width: 200, Height: 150, Chroma: true},
		{Width: 16, Height: 16},
		{Width: 161, Height: 97},
		{Width: 97, Height: 161, Chroma: true},
		{Width: 48, Height: 32},
	} {
		c.FirstID = first
		l := newLink(t, c)
		l.dec = d
		source := func(i int) *image.YCbCr { return coloured(synthetic(c.Width, c.Height, i), i) }
		if n > 0 {
			l.encode(source(0)) // a key picture, lost
			for i := range 4 {
				b, p := l.encode(source(1 + i))
				refuse(t, d, &l.out, packet{b, p})
			}
			l.enc.ForceKey()
		}
		for i := range 4 {
			_, p := l.send(source(5 + i))
			if p.Key() != (i == 0) {
				t.Errorf("%+v: picture %d is %+v", c, i, p)
			}
			if got := (len(l.out.Cb) > 0); got != c.Chroma || l.out.Rect.Dx() != c.Width || l.out.Rect.Dy() != c.Height {
				t.Errorf("%+v: picture %d is of %v, colour %t", c, i, l.out.Rect, got)
			}
			for _, k := range late {
				refuse(t, d, &l.out, k)
			}
		}
		late = nil
		for i := range 3 {
			l.enc.Refer(l.enc.id - 1 - uint16(i))
			b, p := l.encode(source(9 + i))
			late = append(late, packet{b, p})
		}
		first = l.enc.id
	}
}

// refuse gives the decoder a picture whose reference it must not have.
func refuse(t *testing.T, d *Decoder, out *image.YCbCr, k packet) {
	t.Helper()
	before, rect := bytes.Clone(out.Y), out.Rect
	id, _ := d.Newest()
	if err := d.Decode(k.b, k.p, out); !errors.Is(err, ErrReference) {
		t.Errorf("Decode(%+v) = %v, want %v", k.p, err, ErrReference)
	}
	if got, _ := d.Newest(); got != id || out.Rect != rect || !bytes.Equal(out.Y, before) {
		t.Errorf("Decode(%+v) changed dst or the Decoder", k.p)
	}
}

// TestLoss drops pictures at random. The receiver reports the newest picture
// it has, which the sender hears of three pictures later.
func TestLoss(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	clip := loadClip(t)
	for _, percent := range []int{5, 20, 35} {
		rng := rand.New(rand.NewPCG(uint64(percent), 3))
		l := newLink(t, Config{Width: 160, Height: 96})
		type report struct {
			at int
			id uint16
		}
		var reports []report
		keys, missed, shown, stuck := 0, 0, 0, 0
		for i := range 400 {
			for len(reports) > 0 && reports[0].at <= i {
				l.enc.Refer(reports[0].id)
				reports = reports[1:]
			}
			b, p := l.encode(clip[i%len(clip)])
			if p.Key() {
				keys++
			}
			if i > 0 && rng.IntN(100) < percent {
				continue
			}
			switch err := l.dec.Decode(b, p, &l.out); {
			case err == nil:
				shown, stuck = shown+1, 0
				l.check(p)
			case errors.Is(err, ErrReference):
				missed++
				stuck++
				id, _ := l.dec.Newest()
				reports = append(reports, report{i + 3, id})
			default:
				t.Fatalf("Decode(%+v) = %v", p, err)
			}
			if stuck > 15 {
				t.Fatalf("%d %%: nothing shown since %d pictures arrived", percent, stuck)
			}
		}
		if keys != 1 || missed == 0 || shown < 100 {
			t.Errorf("%d %%: %d key pictures, %d without reference, %d shown, want 1, some, 100", percent, keys, missed, shown)
		}
		t.Logf("%d %% lost: %d of 400 shown, %d without reference", percent, shown, missed)
	}
}
