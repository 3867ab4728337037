package ascii

// A smoother removes the noise of a camera from samples that do not move.
//
// Each sample has an average of its own. A sample that is close to its average
// is noise and moves the average by an eighth of the difference; one that is
// far from it has moved, and the average follows at once.
type smoother struct {
	averages []int16 // in 1/16 level
	moved    []bool  // which samples of the last picture were far from their averages
	started  bool
	limit    int // what counts as far, in 1/16 level
}

// How far a sample may be from its average, in 1/16 level: about three times
// the standard deviation of the noise, between 8 and 12 levels.
const (
	minLimit = 8 * 16
	maxLimit = 12 * 16
)

// reset makes s forget all samples and expect n.
func (s *smoother) reset(n int) {
	s.averages = grow(s.averages, n)
	s.moved = grow(s.moved, n)
	s.started = false
	s.limit = (minLimit + maxLimit) / 2
}

// apply replaces the samples by their averages. Those that elsewhere tells to
// have moved, by another channel of the picture, are taken as they are;
// elsewhere may be nil.
func (s *smoother) apply(samples []uint8, elsewhere []bool) {
	averages := s.averages[:len(samples)]
	moved := s.moved[:len(samples)]
	if !s.started {
		clear(moved)
		for i, v := range samples {
			averages[i] = int16(v) << 4
		}
		s.started = true
		return
	}
	limit := int16(s.limit)
	noise, still := 0, 0
	for i, v := range samples {
		d := int16(v)<<4 - averages[i]
		moved[i] = d > limit || d < -limit || elsewhere != nil && elsewhere[i]
		if moved[i] {
			averages[i] = int16(v) << 4
			continue
		}
		averages[i] += (d + 4) >> 3
		samples[i] = uint8((averages[i] + 8) >> 4)
		noise += int(max(d, -d))
		still++
	}
	if still == 0 {
		return
	}
	// The mean deviation of Gaussian noise is 0.8 of the standard deviation:
	// three times that one is 15/4 of the mean.
	want := min(max(noise*15/(4*still), minLimit), maxLimit)
	s.limit += (want - s.limit) / 4
}
