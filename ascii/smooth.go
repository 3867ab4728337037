package ascii

// A smoother removes the noise of a camera from samples that do not move.
//
// Each sample has an average of its own. A sample that is close to its average
// is noise and moves the average by an eighth of the difference, in the first
// pictures by more; one that is far from it has moved, and the average follows at once. Of thousands of
// samples a few are far by noise too, and each would flash: to have moved, a
// sample must be very far, or have a neighbour that is far, or be far twice in
// a row.
type smoother struct {
	width    int     // samples in a row
	averages []int16 // in 1/16 level
	moved    []bool  // which samples of the last picture moved
	far, was marks   // which were far from their averages in the last picture, and in the one before
	pictures int     // how many there were, as far as it matters
	limit    int     // what counts as far, in 1/16 level
}

// marks are the few of many samples for which something holds.
type marks struct {
	on   []bool
	list []int32 // those that are on
}

// reset forgets all marks and makes room for n.
func (m *marks) reset(n int) {
	m.on = grow(m.on, n)
	clear(m.on)
	m.list = grow(m.list, n)[:0]
}

// forget removes all marks.
func (m *marks) forget() {
	for _, i := range m.list {
		m.on[i] = false
	}
	m.list = m.list[:0]
}

// add marks sample i.
func (m *marks) add(i int) {
	m.on[i] = true
	m.list = append(m.list, int32(i))
}

// How far a sample may be from its average, in 1/16 level: about three times
// the standard deviation of the noise, between 8 and 18 levels. More would
// leave trails behind what moves.
const (
	minLimit = 8 * 16
	maxLimit = 18 * 16
)

// reset makes s forget all samples and expect n, in rows of width.
func (s *smoother) reset(n, width int) {
	s.width = width
	s.averages = grow(s.averages, n)
	s.moved = grow(s.moved, n)
	clear(s.moved)
	s.far.reset(n)
	s.was.reset(n)
	s.pictures = 0
	s.limit = (minLimit + 12*16) / 2
}

// apply replaces the samples by their averages. Those that elsewhere tells to
// have moved, by another channel of the picture, are taken as they are;
// elsewhere may be nil.
func (s *smoother) apply(samples []uint8, elsewhere []bool) {
	averages := s.averages[:len(samples)]
	if s.pictures++; s.pictures == 1 {
		for i, v := range samples {
			averages[i] = int16(v) << 4
		}
		return
	}
	for _, i := range s.far.list {
		s.moved[i] = false
	}
	s.was.forget()
	s.far, s.was = s.was, s.far
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
	s.adapt(samples)
	half := int16(1) << (shift - 1)
	limit := int16(s.limit)
	for i, v := range samples {
		d := int16(v)<<4 - averages[i]
		if uint16(d+limit) > uint16(2*limit) || elsewhere != nil && elsewhere[i] {
			s.far.add(i)
			continue
		}
		a := averages[i] + (d+half)>>shift
		averages[i] = a
		samples[i] = uint8((a + 8) >> 4)
	}
	for _, i := range s.far.list {
		v := samples[i]
		if elsewhere != nil && elsewhere[i] || s.hasMoved(int(i), v) {
			s.moved[i] = true
			averages[i] = int16(v) << 4
			continue
		}
		d := int16(v)<<4 - averages[i]
		averages[i] += min(max(d, -limit), limit) >> 3
		samples[i] = uint8((averages[i] + 8) >> 4)
	}
}

// adapt makes the limit follow the noise of the samples that are not far.
func (s *smoother) adapt(samples []uint8) {
	averages := s.averages[:len(samples)]
	noise, still := 0, 0
	for i := 0; i < len(samples); i += len(samples)/enough | 1 {
		if off := abs(int(samples[i])<<4 - int(averages[i])); off <= s.limit {
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

// hasMoved reports whether sample i, which is far and has the value v, is so
// by more than noise.
func (s *smoother) hasMoved(i int, v uint8) bool {
	if d := abs(int(v)<<4 - int(s.averages[i])); d > 2*s.limit || s.was.on[i] {
		return true
	}
	far, w := s.far.on, s.width
	// At the ends of rows a neighbour may be that of another row: no harm.
	return i > 0 && far[i-1] || i+1 < len(far) && far[i+1] || i >= w && far[i-w] || i+w < len(far) && far[i+w]
}
