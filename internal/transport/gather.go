package transport

import "time"

// How long a shard gathers packets before it handles and sends them, by how busy
// it is: waking up and sending are what costs, and fewer, fuller packets cost
// less. With little to do nothing is gained by it.
var gatherSteps = [...]gatherStep{
	{0, 0.30, 0},
	{time.Millisecond, 0.40, 0.10},
	{2 * time.Millisecond, 0.45, 0.20},
	{5 * time.Millisecond, 2, 0.25},
}

type gatherStep struct {
	wait time.Duration
	up   float64 // the share of time at work from which on the next step is taken
	down float64 // and below which the one before
}

// gatherLimited is how long a hub gathers, however little it has to do, for a member
// to whom the path is found to take no more than so much: fewer packets have fewer
// heads. Those of nine voices take a fifth of 0.6 Mbit/s less.
const gatherLimited = 5 * time.Millisecond

// gatherSpan is how long a shard watches how busy it is.
const gatherSpan = 100 * time.Millisecond

// A gather decides how long a shard gathers. The zero gather is ready.
type gather struct {
	never bool // a packet at a time is read, so that gathering is but waiting
	step  int
	least int           // step
	begin time.Time     // of the span
	busy  time.Duration // at work since
}

// wait returns how long to gather now.
func (g *gather) wait() time.Duration {
	if g.never {
		return 0
	}
	return gatherSteps[g.step].wait
}

// worked tells of some time at work.
func (g *gather) worked(from, to time.Time) {
	if g.begin.IsZero() {
		g.begin = from
	}
	g.busy += to.Sub(from)
	span := to.Sub(g.begin)
	if span < gatherSpan {
		return
	}
	switch share := float64(g.busy) / float64(span); {
	case share >= gatherSteps[g.step].up:
		g.step++
	case share < gatherSteps[g.step].down && g.step > g.least:
		g.step--
	}
	g.begin, g.busy = to, 0
}
