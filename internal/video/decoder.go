package video

import (
	"fmt"
	"image"
)

// A Decoder decompresses the pictures of one member. It is not safe for use by
// several goroutines. Hostile input costs it bounded time and memory: about
// 12 MB at most, and a few dozen steps for each sample of the picture, or fewer
// if the input is short.
type Decoder struct {
	shelf shelf
	state state
	in    rangeDecoder

	// Owned by macroblock.
	pred  [16 * blockStride]byte
	coefs [64]int32
}

// NewDecoder returns a Decoder that holds no picture.
func NewDecoder() *Decoder { return new(Decoder) }

// Decode decompresses the picture p from b into dst, reusing dst's planes.
// dst is of the size that the sender chose, in 4:2:0 with colour and else with
// empty chroma.
//
// It returns an error wrapping ErrMalformed if b is no picture, or not of p's
// kind, and ErrReference if the Decoder does not hold p.Ref, which is one of
// the last 16 that it decoded, and since the size or colour changed, which a key
// picture may do at any time. After an error dst and the pictures held are as
// before. It allocates nothing once warm.
func (d *Decoder) Decode(b []byte, p Picture, dst *image.YCbCr) error {
	h, body, err := parseHeader(b)
	if err != nil {
		return err
	}
	if h.key != p.Key() {
		return fmt.Errorf("%w: key %t as picture %d from %d", ErrMalformed, h.key, p.ID, p.Ref)
	}
	var ref *picture
	if !h.key {
		if ref = d.shelf.find(p.Ref); ref == nil {
			return ErrReference
		}
	}
	cur := d.shelf.next()
	cur.id = p.ID
	d.state.begin(cur, ref, h)
	d.in.reset(body)
	for by := 0; by < cur.luma.h/8; by += 2 {
		for bx := 0; bx < cur.luma.w/8; bx += 2 {
			if !d.macroblock(bx, by) || d.in.overrun() {
				return fmt.Errorf("%w: %d bytes end in or go wrong at block %d,%d", ErrMalformed, len(b), bx, by)
			}
		}
	}
	if !d.in.complete() {
		return fmt.Errorf("%w: %d bytes more than the picture takes", ErrMalformed, len(body)-d.in.pos)
	}
	d.state.end()
	d.shelf.put()
	cur.show(dst)
	return nil
}

// Newest returns the id of the picture decoded last; false when there is none.
func (d *Decoder) Newest() (id uint16, ok bool) {
	if p := d.shelf.newest(); p != nil {
		return p.id, true
	}
	return 0, false
}

// show copies the picture to dst, growing its planes where they are too small.
func (p *picture) show(dst *image.YCbCr) {
	dst.SubsampleRatio = image.YCbCrSubsampleRatio420
	dst.Rect = image.Rect(0, 0, p.width, p.height)
	dst.YStride, dst.CStride = p.width, 0
	dst.Y = grow(dst.Y, p.width*p.height)
	p.luma.store(dst.Y, p.width, p.width, p.height)
	if !p.colour {
		dst.Cb, dst.Cr = dst.Cb[:0], dst.Cr[:0]
		return
	}
	w, h := (p.width+1)/2, (p.height+1)/2
	dst.CStride = w
	dst.Cb, dst.Cr = grow(dst.Cb, w*h), grow(dst.Cr, w*h)
	p.chroma[0].store(dst.Cb, w, w, h)
	p.chroma[1].store(dst.Cr, w, w, h)
}

func grow(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// macroblock reads the macroblock whose first block is bx, by and puts it into
// the picture. It reports whether what it read makes sense.
func (d *Decoder) macroblock(bx, by int) bool {
	s := &d.state
	i := s.cell(bx, by)
	c := cell{known: true, intra: s.ref == nil}
	if s.ref != nil {
		c.skip = !d.in.bit(&s.model[ctxSkip+s.skipsAround(i)])
		c.intra = !c.skip && d.in.bit(&s.model[ctxIntra+s.intraAround(i)])
	}
	split := !c.skip && !c.intra && d.in.bit(&s.model[ctxSplit])
	if !split {
		if !c.skip && !c.intra {
			c.vector = d.vector(s.guess(bx, by, 2))
		}
		for k := range 4 {
			s.cells[i+k&1+k>>1*s.stride] = c
		}
		if !valid(c.vector) {
			return false
		}
		if !c.intra {
			s.past.move(d.pred[:], bx*8, by*8, c.vector, 16)
		}
	} else if !d.split(bx, by) {
		return false
	}
	if c.skip {
		s.cur.luma.set(bx*8, by*8, 16, d.pred[:])
		d.tints(bx, by, c.skip)
		return true
	}
	for k := range 4 {
		x, y, o := quarter(bx, by, k)
		d.block(x, y, d.pred[o:], c.intra)
	}
	d.tints(bx, by, c.skip)
	return true
}

// split reads the vectors of four blocks and predicts them.
func (d *Decoder) split(bx, by int) bool {
	s := &d.state
	for k := range 4 {
		x, y, o := quarter(bx, by, k)
		v := d.vector(s.guess(x, y, 1))
		if !valid(v) {
			return false
		}
		s.cells[s.cell(x, y)] = cell{known: true, vector: v}
		s.past.move(d.pred[o:], x*8, y*8, v, 8)
	}
	return true
}

// vector reads a vector that was guessed.
func (d *Decoder) vector(guess vector) vector {
	return vector{guess.x + d.component(0), guess.y + d.component(1)}
}

// component reads by how much component i of a vector differs from its guess.
func (d *Decoder) component(i int) int16 {
	m := &d.state.model
	if !d.in.bit(&m[ctxMove+i]) {
		return 0
	}
	negative := d.in.raw()
	at := ctxVector + i*vectorBits
	n := d.in.readNumber(m[at : at+vectorBits])
	if negative {
		n = -n
	}
	return int16(n)
}

// valid reports whether v may be sent.
func valid(v vector) bool {
	return v.x >= -maxVector && v.x <= maxVector && v.y >= -maxVector && v.y <= maxVector
}

// block reads the coefficients of the block x, y and puts it, with its
// prediction, into the picture. An intra block is predicted here, because its
// surroundings must be complete.
func (d *Decoder) block(x, y int, pred []byte, intra bool) {
	s := &d.state
	class := classInter
	if intra {
		class = classIntra
		s.cur.luma.surround(pred, x*8, y*8)
	}
	i := s.cell(x, y)
	if d.in.bit(&s.model[ctxCoded+class*3+s.codedAround(i)]) {
		s.cells[i].coded = true
		clear(d.coefs[:])
		step := s.step(class, pred)
		if d.in.bit(&s.model[ctxSmall+class]) {
			for k := range 4 {
				d.levels(classSmall, d.coefs[quarterOf(k):], scan4[:], step)
			}
			idct4(&d.coefs)
		} else {
			d.levels(class, d.coefs[:], scan[:], step)
			idct(&d.coefs)
		}
		add(pred, &d.coefs)
	}
	s.cur.luma.set(x*8, y*8, 8, pred)
}

// levels reads the levels of a block or a quarter and stores the coefficients
// they stand for.
func (d *Decoder) levels(class int, coefs []int32, scan []uint8, step int32) {
	m := &d.state.model
	last, mayEnd := 0, class == classSmall
	for i, z := range scan {
		t := token(class, i, last)
		if mayEnd && d.in.bit(&m[ctxEnd+t]) {
			return
		}
		mayEnd = d.in.bit(&m[ctxZero+t])
		if !mayEnd {
			last = 0
			continue
		}
		level := 1
		last = 1
		if d.in.bit(&m[ctxOne+t]) {
			at := ctxLevel + class*levelBits
			level += d.in.readNumber(m[at : at+levelBits])
			last = 2
		}
		if d.in.raw() {
			level = -level
		}
		coefs[z] = dequantise(int32(level), step)
	}
}

// add adds a residual to a block of 8x8.
func add(pred []byte, r *[64]int32) {
	for j := range 8 {
		row, rest := pred[j*blockStride:][:8], r[j*8:][:8]
		for i, v := range rest {
			row[i] = clamp8(int32(row[i]) + v)
		}
	}
}
