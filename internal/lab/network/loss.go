package network

import "math/rand/v2"

// Losses says of one frame after the other whether it is lost: each with the same
// chance, or in rows (the model of Gilbert). It is a function of its arguments.
// One goroutine uses it.
type Losses struct {
	rnd         *rand.Rand
	enter, stay float64 // chances of a loss after none and after one
	bad         bool
}

// NewLosses returns Losses of a share of all frames, 0 to 1, with a mean number of
// burst in a row; up to 1 each is lost for itself.
func NewLosses(seed uint64, share, burst float64) *Losses {
	l := &Losses{rnd: rand.New(rand.NewPCG(seed, 1)), enter: share, stay: share} //nolint:gosec // it has to be repeatable, not secret
	if burst > 1 && share < 1 {
		// In the long run, share = enter / (enter + leave), where a row of losses
		// is left with the chance of one in its mean length.
		leave := 1 / burst
		l.enter, l.stay = min(1, leave*share/(1-share)), 1-leave
	}
	return l
}

// Next reports whether the next frame is lost.
func (l *Losses) Next() bool {
	chance := l.enter
	if l.bad {
		chance = l.stay
	}
	l.bad = l.rnd.Float64() < chance
	return l.bad
}
