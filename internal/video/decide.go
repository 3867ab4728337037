package video

// kind is a way to predict a macroblock.
type kind uint8

const (
	kindSkip  kind = iota // as it was: no vector, no coefficients
	kindInter             // one vector
	kindSplit             // a vector for each block
	kindIntra             // from its surroundings
)

// trial is one way to code a macroblock, and what comes of it.
type trial struct {
	kind    kind
	vectors [4]vector
	coded   [4]bool // whether a block has any level that is not zero
	levels  [4][64]int16
	pred    [16 * blockStride]byte
	result  [16 * blockStride]byte // what a decoder will see
	errors  int                    // the sum of squares of what is seen
	cost    int64                  // errors and bits, in 1/256 of squared sample values
}

func (t *trial) class() int {
	if t.kind == kindIntra {
		return classIntra
	}
	return classInter
}

// macroblock codes the macroblock whose first block is bx, by.
func (e *Encoder) macroblock(bx, by int) {
	e.bx, e.by = bx, by
	best := e.decide()
	e.place(best)
	e.write(best)
	e.state.cur.luma.set(bx*8, by*8, 16, best.result[:])
}

// decide returns the cheapest trial, without trying what is unlikely to be it.
func (e *Encoder) decide() *trial {
	best, other := &e.trials[0], &e.trials[1]
	e.heed = e.weighErrors()
	if e.state.ref == nil {
		e.tryIntra(best)
		return best
	}
	e.trySkip(best)
	// What the quantiser leaves in a block of 64 samples is about 64/12 of its
	// squared step, in sample values; 64/64 is then certainly good enough.
	fine := e.fine()
	if e.bare || best.errors <= 4*fine || e.vanishes(best) {
		return best
	}
	e.tryInter(other, kindInter, [4]vector{})
	best, other = cheaper(best, other)
	v := e.search(e.bx, e.by, 16, e.state.guess(e.bx, e.by, 2), vector{}, vector{})
	if v != (vector{}) {
		e.tryInter(other, kindInter, [4]vector{v, v, v, v})
		best, other = cheaper(best, other)
	}
	if best.kind != kindSkip && best.errors > 4*fine {
		if vs, differ := e.searchSplit(v, best.vectors[0]); differ {
			e.tryInter(other, kindSplit, vs)
			best, other = cheaper(best, other)
		}
	}
	if best.errors > 24*fine && best.errors > 4*4*64 { // 4: no change is seen below
		e.tryIntra(other)
		best, _ = cheaper(best, other)
	}
	return best
}

func cheaper(best, other *trial) (*trial, *trial) {
	if other.cost < best.cost {
		return other, best
	}
	return best, other
}

// fine returns the squared step in sample values at which the macroblock is
// quantised, roughly.
func (e *Encoder) fine() int {
	step := int64(steps[e.state.qp])
	return int(max(step*step/e.heed, 1)) // /256 for the unit of steps, *256 for that of heed
}

// seen reports whether any sample of block k is in the picture and not beyond
// its edge.
func (e *Encoder) seen(k int) bool {
	x, y, _ := quarter(e.bx, e.by, k)
	return x*8 < e.width && y*8 < e.height
}

// original returns the source's samples of block k.
func (e *Encoder) original(k int) []byte {
	x, y, _ := quarter(e.bx, e.by, k)
	return e.source.pix[e.source.at(x*8, y*8):]
}

// weighErrors returns by how much the errors of the macroblock matter, in
// 1/256. The quantiser is coarser where the picture is rough (finer, in
// predict.go), and the choice between ways to code it must agree: a qp of 6 is
// twice the step and four times the squared error, so 2^(-qp/3).
func (e *Encoder) weighErrors() int64 {
	var samples [8 * blockStride]byte
	sum, n := 0, 0
	for k := range 4 {
		if !e.seen(k) {
			continue
		}
		src := e.original(k)
		for j := range 8 {
			copy(samples[j*blockStride:][:8], src[j*e.source.stride:])
		}
		sum += finer(samples[:])
		n++
	}
	return heeds[sum*4/n+len(heeds)/2]
}

// heeds holds 256 * 2^(-i/12) for i from -24 to 24, four times the qp.
var heeds = [49]int64{
	1024, 967, 912, 861, 813, 767, 724, 683, 645, 609, 575, 542, 512,
	483, 456, 431, 406, 384, 362, 342, 323, 304, 287, 271, 256, 242,
	228, 215, 203, 192, 181, 171, 161, 152, 144, 136, 128, 121, 114,
	108, 102, 96, 91, 85, 81, 76, 72, 68, 64,
}

// trySkip tries to leave the macroblock as it was.
func (e *Encoder) trySkip(t *trial) {
	t.kind, t.vectors, t.coded, t.errors = kindSkip, [4]vector{}, [4]bool{}, 0
	e.state.past.move(t.result[:], e.bx*8, e.by*8, vector{}, 16)
	for k := range 4 {
		if e.seen(k) {
			_, _, o := quarter(0, 0, k)
			t.errors += squares(e.original(k), e.source.stride, t.result[o:])
		}
	}
	e.price(t)
}

// vanishes reports whether coding what a skipped macroblock misses would come
// to nothing, or to a few lone levels that are not worth it.
func (e *Encoder) vanishes(t *trial) bool {
	var r [64]int32
	for k := range 4 {
		if !e.seen(k) {
			continue
		}
		_, _, o := quarter(0, 0, k)
		pred := t.result[o:]
		e.residual(&r, k, pred)
		fdct(&r)
		most := e.state.step(classInter, pred) * 75 / 64
		for _, c := range r {
			if abs(c) > most {
				return false
			}
		}
	}
	return true
}

// tryInter tries to move the macroblock, or its blocks, by vectors.
func (e *Encoder) tryInter(t *trial, how kind, vectors [4]vector) {
	t.kind, t.vectors, t.errors = how, vectors, 0
	if how == kindInter {
		e.state.past.move(t.pred[:], e.bx*8, e.by*8, vectors[0], 16)
	}
	for k := range 4 {
		x, y, o := quarter(e.bx, e.by, k)
		if how == kindSplit {
			e.state.past.move(t.pred[o:], x*8, y*8, vectors[k], 8)
		}
		e.tryBlock(t, k, t.pred[o:], t.result[o:])
	}
	e.price(t)
}

// tryIntra tries to continue the surroundings. The blocks are put into the
// picture because each is among the surroundings of the next.
func (e *Encoder) tryIntra(t *trial) {
	t.kind, t.vectors, t.errors = kindIntra, [4]vector{}, 0
	for k := range 4 {
		x, y, o := quarter(e.bx, e.by, k)
		e.state.cur.luma.surround(t.pred[o:], x*8, y*8)
		e.tryBlock(t, k, t.pred[o:], t.result[o:])
		e.state.cur.luma.set(x*8, y*8, 8, t.result[o:])
	}
	e.price(t)
}

// tryBlock quantises what the prediction of block k misses.
func (e *Encoder) tryBlock(t *trial, k int, pred, result []byte) {
	for j := range 8 {
		copy(result[j*blockStride:][:8], pred[j*blockStride:])
	}
	t.coded[k] = false
	if !e.seen(k) {
		return // whatever is there, nobody sees it
	}
	if !e.bare {
		var r [64]int32
		e.residual(&r, k, pred)
		fdct(&r)
		step := e.state.step(t.class(), pred)
		round := step * 11 / 64
		if t.kind == kindIntra {
			round = step / 3
		}
		if quantise(&r, &t.levels[k], step, round) {
			t.coded[k] = true
			idct(&r)
			add(result, &r)
		}
	}
	t.errors += squares(e.original(k), e.source.stride, result)
}

// residual stores in r what pred misses of block k.
func (e *Encoder) residual(r *[64]int32, k int, pred []byte) {
	src := e.original(k)
	for j := range 8 {
		a, b, out := src[j*e.source.stride:][:8], pred[j*blockStride:][:8], r[j*8:][:8]
		for i := range out {
			out[i] = int32(a[i]) - int32(b[i])
		}
	}
}

// price sets the cost of a trial: its errors, and its bits at a fifth of the
// squared step each.
func (e *Encoder) price(t *trial) {
	e.place(t)
	e.out.dry, e.out.spent = true, 0
	e.write(t)
	e.out.dry = false
	step := int64(steps[e.state.qp])
	t.cost = int64(t.errors)*e.heed + step*step/5*int64(e.out.spent)/256
}

// place makes the trial what the neighbours of the macroblock see of it.
func (e *Encoder) place(t *trial) {
	for k := range 4 {
		x, y, _ := quarter(e.bx, e.by, k)
		e.state.cells[e.state.cell(x, y)] = cell{
			vector: t.vectors[k],
			known:  true,
			skip:   t.kind == kindSkip,
			intra:  t.kind == kindIntra,
			coded:  t.coded[k],
		}
	}
}

// write writes the macroblock as in the trial, which was placed.
func (e *Encoder) write(t *trial) {
	s := &e.state
	if s.ref != nil {
		i := s.cell(e.bx, e.by)
		e.out.bit(&s.model[ctxSkip+s.skipsAround(i)], t.kind != kindSkip)
		if t.kind == kindSkip {
			return
		}
		e.out.bit(&s.model[ctxIntra+s.intraAround(i)], t.kind == kindIntra)
	}
	switch t.kind {
	case kindInter:
		e.out.bit(&s.model[ctxSplit], false)
		e.writeVector(t.vectors[0], s.guess(e.bx, e.by, 2))
	case kindSplit:
		e.out.bit(&s.model[ctxSplit], true)
		for k := range 4 {
			x, y, _ := quarter(e.bx, e.by, k)
			e.writeVector(t.vectors[k], s.guess(x, y, 1))
		}
	case kindSkip, kindIntra:
	}
	for k := range 4 {
		x, y, _ := quarter(e.bx, e.by, k)
		e.out.bit(&s.model[ctxCoded+t.class()*3+s.codedAround(s.cell(x, y))], t.coded[k])
		if t.coded[k] {
			e.writeLevels(&t.levels[k], t.class())
		}
	}
}

// writeVector writes a vector that the decoder guesses.
func (e *Encoder) writeVector(v, guess vector) {
	e.writeComponent(0, int(v.x-guess.x))
	e.writeComponent(1, int(v.y-guess.y))
}

// writeComponent writes by how much component i of a vector differs from its
// guess.
func (e *Encoder) writeComponent(i, d int) {
	m := &e.state.model
	e.out.bit(&m[ctxMove+i], d != 0)
	if d == 0 {
		return
	}
	e.out.raw(d < 0)
	at := ctxVector + i*vectorBits
	e.out.writeNumber(m[at:at+vectorBits], abs(d))
}

// writeLevels writes the levels of a block, of which at least one is not zero.
func (e *Encoder) writeLevels(levels *[64]int16, class int) {
	m := &e.state.model
	end := 64
	for levels[end-1] == 0 {
		end--
	}
	last := 0
	for i, l := range levels {
		t := token(class, i, last)
		if last > 0 {
			e.out.bit(&m[ctxEnd+t], i == end)
			if i == end {
				return
			}
		}
		e.out.bit(&m[ctxZero+t], l != 0)
		if l == 0 {
			last = 0
			continue
		}
		size := abs(int(l))
		last = min(size, 2)
		e.out.bit(&m[ctxOne+t], size > 1)
		if size > 1 {
			at := ctxLevel + class*levelBits
			e.out.writeNumber(m[at:at+levelBits], size-1)
		}
		e.out.raw(l < 0)
	}
}
