package ascii

// A smoother removes the noise of a camera from samples that do not move.
//
// Each sample has an average of its own. A sample that is close to its average
// is noise and moves the average by an eighth of the difference, in the first
// pictures by more; one that is far from it has moved, and the average follows
// at once. Of thousands of samples a few are far by noise too, and each would
// flash: to have moved, a sample must be very far, or have a neighbour that is
// far, or be far twice in a row.
//
// Averages are in 1/16 level, in lanes: two words for every eight samples. Of
// differences the lanes hold topBits more.
type smoother struct {
	width    int      // samples in a row
	averages []uint64 // of the even and of the odd samples by turns
	moved    []uint8  // 1 for the samples of the last picture that moved
	far, was []uint8  // 1 for those that were far from their averages in the last picture, and in the one before, with margins
	margin   int      // of far and was: more than a row, at each end
	pictures int      // how many there were, as far as it matters
	limit    int      // what counts as far, in 1/16 level
}

// How far a sample may be from its average, in 1/16 level: about three times
// the standard deviation of the noise, between 8 and 18 levels. More would
// leave trails behind what moves.
const (
	minLimit = 8 * 16
	maxLimit = 18 * 16
)

// reset makes s forget all samples and expect n, in whole words, in rows of
// width.
func (s *smoother) reset(n, width int) {
	s.width = width
	s.margin = padded(width) + wordSize
	s.averages = grow(s.averages, n/4)
	s.moved = grow(s.moved, n)
	s.far, s.was = grow(s.far, n+2*s.margin), grow(s.was, n+2*s.margin)
	clear(s.moved)
	clear(s.far)
	clear(s.was)
	s.pictures = 0
	s.limit = (minLimit + 12*16) / 2
}

// apply replaces the samples by their averages. Those that elsewhere tells to
// have moved, by another channel of the picture, are taken as they are;
// elsewhere may be nil.
func (s *smoother) apply(samples, elsewhere []uint8) {
	if s.pictures++; s.pictures == 1 {
		for x := 0; x < len(samples); x += wordSize {
			e, o := lanes(load(samples[x:]))
			s.averages[x/4], s.averages[x/4+1] = e<<4, o<<4
		}
		return
	}
	// 1/2, 1/4, then 1/8: at first that is nearly the mean of all.
	shift := 3
	switch {
	case s.pictures < 4:
		shift = 1
	case s.pictures < 8:
		shift = 2
	default:
		s.pictures = 8
	}
	s.far, s.was = s.was, s.far
	s.adapt(samples)
	s.average(samples, elsewhere, shift)
	s.follow(samples, elsewhere)
}

// average finds the samples that are far from their averages, and moves the
// averages of all others.
func (s *smoother) average(samples, elsewhere []uint8, shift int) {
	limit := uint64(s.limit) * eachLane
	half := uint64(eachLane) << (shift - 1)
	keep := 0xffff >> shift * uint64(eachLane) // what a shift leaves of each lane
	bias := uint64(topBits) >> shift
	far := s.far[s.margin:]
	for x := 0; x < len(samples); x += wordSize {
		v := load(samples[x:])
		e, o := lanes(v)
		a := s.averages[x/4:][:2]
		de, do := e<<4+topBits-a[0], o<<4+topBits-a[1]
		flags := beyond(de, limit)>>15 | beyond(do, limit)>>7
		if elsewhere != nil {
			flags |= load(elsewhere[x:])
		}
		store(far[x:], flags)
		if flags == eachByte {
			continue
		}
		e = a[0] + (de+half)>>shift&keep - bias
		o = a[1] + (do+half)>>shift&keep - bias
		if flags != 0 {
			fe, fo := fillLanes(flags&eachLane), fillLanes(flags>>8&eachLane)
			e, o = e&^fe|a[0]&fe, o&^fo|a[1]&fo
		}
		a[0], a[1] = e, o
		out := merge((e+8*eachLane)>>4&evenBytes, (o+8*eachLane)>>4&evenBytes)
		if flags != 0 {
			f := fillBytes(flags)
			out = out&^f | v&f
		}
		store(samples[x:], out)
	}
}

// beyond returns the top bits of the lanes of differences that are more than
// limit.
func beyond(d, limit uint64) uint64 {
	return (^(d + limit) | (d - limit - eachLane)) & topBits
}

// follow makes the averages follow the far samples that have moved, and
// replaces those that have not.
func (s *smoother) follow(samples, elsewhere []uint8) {
	limit := uint64(s.limit) * eachLane
	step := uint64(s.limit / 8)
	m, w := s.margin, s.width
	for x := 0; x < len(samples); x += wordSize {
		flags := load(s.far[m+x:])
		if flags == 0 {
			store(s.moved[x:], 0)
			continue
		}
		e, o := lanes(load(samples[x:]))
		a := s.averages[x/4:][:2]
		if flags == eachByte { // all have a neighbour
			store(s.moved[x:], eachByte)
			a[0], a[1] = e<<4, o<<4
			continue
		}
		de, do := e<<4+topBits-a[0], o<<4+topBits-a[1]
		// At the ends of rows a neighbour may be that of another row: no harm.
		moved := load(s.far[m+x-1:]) | load(s.far[m+x+1:]) | load(s.far[m+x-w:]) | load(s.far[m+x+w:]) |
			load(s.was[m+x:]) | beyond(de, 2*limit)>>15 | beyond(do, 2*limit)>>7
		if elsewhere != nil {
			moved |= load(elsewhere[x:])
		}
		moved &= flags
		store(s.moved[x:], moved)
		alone := flags &^ moved
		a[0] = settle(a[0], e, de, moved, alone, step)
		a[1] = settle(a[1], o, do, moved>>8, alone>>8, step)
		store(samples[x:], merge((a[0]+8*eachLane)>>4&evenBytes, (a[1]+8*eachLane)>>4&evenBytes))
	}
}

// settle returns averages as the far samples v of differences d make them:
// those of samples that moved follow, those of ones that are alone go a step.
func settle(averages, v, d, moved, alone, step uint64) uint64 {
	m := fillLanes(moved & eachLane)
	up, down := alone&eachLane&(d>>15), alone&eachLane&(^d>>15)
	return (averages&^m | v<<4&m) + up*step - down*step
}

// enoughNoise is how many samples tell how much noise there is.
const enoughNoise = 1 << 11

// adapt makes the limit follow the noise of the samples that are not far.
func (s *smoother) adapt(samples []uint8) {
	noise, still := 0, 0
	for i := 0; i < len(samples); i += len(samples)/enoughNoise | 1 {
		average := int(s.averages[i/8*2+i&1] >> (i / 2 & 3 * 16) & 0xffff)
		if off := abs(int(samples[i])<<4 - average); off <= s.limit {
			noise += off
			still++
		}
	}
	if still == 0 {
		return
	}
	// The mean deviation of Gaussian noise is 0.8 of the standard deviation:
	// three times that one is 15/4 of the mean.
	want := min(max(noise*15/(4*still), minLimit), maxLimit)
	s.limit += (want - s.limit) / 4
}
