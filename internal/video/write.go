package video

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
			e.writeBlock(&t.levels[k], t.class(), t.small[k])
		}
	}
	e.writeTints(t)
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

// writeBlock writes the levels of a block, of which at least one is not zero.
func (e *Encoder) writeBlock(levels *[64]int16, class int, small bool) {
	e.out.bit(&e.state.model[ctxSmall+class], small)
	if !small {
		e.writeLevels(levels[:], class)
		return
	}
	for k := range 4 {
		e.writeLevels(levels[k*16:k*16+16], classSmall)
	}
}

// writeLevels writes levels in the order of their scan. Only those of a quarter
// may all be zero.
func (e *Encoder) writeLevels(levels []int16, class int) {
	m := &e.state.model
	end := len(levels)
	for end > 0 && levels[end-1] == 0 {
		end--
	}
	last, mayEnd := 0, class == classSmall
	for i, l := range levels {
		t := token(class, i, last)
		if mayEnd {
			e.out.bit(&m[ctxEnd+t], i == end)
			if i == end {
				return
			}
		}
		e.out.bit(&m[ctxZero+t], l != 0)
		mayEnd = l != 0
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
