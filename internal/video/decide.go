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
	small   [4]bool // whether it is transformed in quarters
	levels  [4][64]int16
	pred    [16 * blockStride]byte
	result  [16 * blockStride]byte // what a decoder will see
	errors  int                    // the sum of squares of what is seen
	cost    int64                  // errors and bits, in 1/256 of squared sample values

	// In a picture with colour.
	tints      [2]tintTrial
	tintErrors int // weighed as in luma
}

func (t *trial) class() int {
	if t.kind == kindIntra {
		return classIntra
	}
	return classInter
}

// history is what is known of a macroblock from pictures before.
type history struct {
	qp  uint8 // of the picture that it was last coded in
	now bool  // it is coded in this one
}

// roughBy is how much coarser than now a macroblock was coded last, when all that
// is seen of it is to be refined: after a key picture that had to fit into few
// bytes, or when the scene comes to rest. Less is what the rate control's qp
// trembles by.
const roughBy = 3

// wasRough reports whether a macroblock that was coded last at qp is to be refined.
func (e *Encoder) wasRough(qp int) bool {
	if e.state.qp == e.rate.finest {
		return qp > e.state.qp // there is no better to wait for
	}
	return qp > e.state.qp+roughBy
}

// round returns how much a coefficient may lack of a level to be rounded up.
// What moves is soon predicted anew, which rounding up would not be worth.
func (e *Encoder) round(t *trial, step int32) int32 {
	if t.kind == kindIntra || e.rough {
		return step / 3
	}
	return step * 6 / 64
}

// macroblock codes the macroblock whose first block is bx, by.
func (e *Encoder) macroblock(bx, by int) {
	e.bx, e.by = bx, by
	h := &e.history[by/2*(e.source.w/16)+bx/2]
	e.rough = e.state.ref != nil && e.wasRough(int(h.qp))
	best := e.decide()
	h.now = e.state.ref == nil || e.rough || best.coded != [4]bool{}
	e.place(best)
	e.placeTints(best)
	e.write(best)
	e.state.cur.luma.set(bx*8, by*8, 16, best.result[:])
	for n := range e.state.cur.tints() {
		e.state.cur.chroma[n].set(bx*4, by*4, 8, best.tints[n].result[:])
	}
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
	if e.bare || !e.rough && best.errors <= 4*fine && best.tintErrors <= 2*fine || e.vanishes(best) {
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
	for k := range 4 {
		if !e.seen(k) {
			continue
		}
		_, _, o := quarter(0, 0, k)
		pred := t.result[o:]
		if !e.vanish(e.original(k), e.source.stride, pred, e.state.step(classInter, pred)) {
			return false
		}
	}
	return e.tintsVanish(t)
}

// vanish is vanishes for one block, which would be quantised with a step.
func (e *Encoder) vanish(original []byte, stride int, pred []byte, step int32) bool {
	var r [64]int32
	residual(&r, original, stride, pred)
	fdct(&r)
	most := step * 75 / 64
	if e.rough {
		most = step * 43 / 64 // what round leaves
	}
	for _, c := range r {
		if abs(c) > most {
			return false
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
	if !e.bare && e.tryLevels(t, k, pred, result) {
		t.coded[k] = true
	}
	t.errors += squares(e.original(k), e.source.stride, result)
}

// tryLevels quantises what pred misses of block k, by the transform that is
// cheaper, and adds it to result. It reports false, with result as it was, if
// all comes to nothing.
func (e *Encoder) tryLevels(t *trial, k int, pred, result []byte) bool {
	var whole, parts [64]int32
	residual(&whole, e.original(k), e.source.stride, pred)
	parts = whole
	class := t.class()
	step := e.state.step(class, pred)
	t.small[k] = false
	fdct(&whole)
	if !quantise(&whole, &t.levels[k], step, e.round(t, step)) {
		return false
	}
	idct(&whole)
	add(result, &whole)
	var levels [64]int16
	fdct4(&parts)
	if !quantise4(&parts, &levels, step, e.round(t, step)) {
		return true
	}
	idct4(&parts)
	var result4 [8 * blockStride]byte
	for j := range 8 {
		copy(result4[j*blockStride:][:8], pred[j*blockStride:])
	}
	add(result4[:], &parts)
	src := e.original(k)
	cost := e.levelsCost(&t.levels[k], class, false, squares(src, e.source.stride, result))
	if e.levelsCost(&levels, class, true, squares(src, e.source.stride, result4[:])) < cost {
		t.small[k] = true
		t.levels[k] = levels
		for j := range 8 {
			copy(result[j*blockStride:][:8], result4[j*blockStride:])
		}
	}
	return true
}

// levelsCost returns the cost of a block's levels with the errors that they leave.
func (e *Encoder) levelsCost(levels *[64]int16, class int, small bool, errors int) int64 {
	e.out.dry, e.out.spent = true, 0
	e.writeBlock(levels, class, small)
	e.out.dry = false
	return e.cost(errors)
}

// cost returns the cost of errors and of the bits that a dry run has spent:
// each bit counts as a fifth of the squared step.
func (e *Encoder) cost(errors int) int64 {
	step := int64(steps[e.state.qp])
	return int64(errors)*e.heed + step*step/5*int64(e.out.spent)/256
}

// residual stores in r what pred misses of a block of 8x8.
func residual(r *[64]int32, original []byte, stride int, pred []byte) {
	for j := range 8 {
		a, b, out := original[j*stride:][:8], pred[j*blockStride:][:8], r[j*8:][:8]
		for i := range out {
			out[i] = int32(a[i]) - int32(b[i])
		}
	}
}

// price tries the colour of a trial too and sets its cost.
func (e *Encoder) price(t *trial) {
	e.place(t)
	e.tryTints(t)
	e.out.dry, e.out.spent = true, 0
	e.write(t)
	e.out.dry = false
	t.cost = e.cost(t.errors + t.tintErrors)
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

// placeTints does as much for what tryTints found out.
func (e *Encoder) placeTints(t *trial) {
	for n := range e.state.cur.tints() {
		if t.tints[n].coded {
			e.state.setTint(e.bx, e.by, n)
		}
	}
}
