package call

import (
	"sync/atomic"
	"time"
)

// A strain finds out whether this member's link is a thin one, when nobody has said
// so: little goes through it, and what goes has to wait. That cannot be known of a
// link that nobody strains. So what was found counts for a time, after which the
// call is tried as it would be otherwise; each time that fails soon, it counts for
// twice as long. The goroutine of control owns it.
type strain struct {
	thin  atomic.Bool   // any goroutine reads it
	felt  time.Time     // since when it shows; zero for not
	until time.Time     // thin until then
	holds time.Duration // for how long
	way   int64         // of which connection all that is known
}

const (
	// thinBelow is what a thin link takes, in bit/s. A voice takes 56 kbit/s with
	// all heads when nothing is done about them.
	thinBelow = 60_000

	strainTime  = 4 * time.Second // it must show for so long,
	strainSoon  = time.Second     // or so long where words wait for strainDeep already
	strainDeep  = 400 * time.Millisecond
	strainHold  = 10 * time.Minute // and counts for so long at first: to try costs some words
	strainMost  = 40 * time.Minute // and at most
	strainCalm  = 2 * time.Minute  // without it, it is like the first time
	strainQueue = uplinkQueue
)

// A load is what is known of a link in use.
type load struct {
	way      int64         // when the connection was made: another one may be another link
	rate     int           // bit/s that the way to the hub takes, 0 for no limit
	queue    time.Duration // there
	up, down float64       // bit/s sent and received
	told     bool          // all who hear this member say that it takes longer and longer
	late     bool          // and so it is with all whom it hears
}

// strained reports whether it looks like that of a thin link.
func (l load) strained() bool {
	return 0 < l.rate && l.rate < thinBelow && l.queue > strainQueue ||
		l.told && l.up < thinBelow || l.late && l.down < thinBelow
}

// lasts returns for how long that must show.
func (l load) lasts() time.Duration {
	if 0 < l.rate && l.rate < thinBelow && l.queue >= strainDeep {
		return strainSoon
	}
	return strainTime
}

// second takes what is known, once a second, and reports whether the answer is
// another one than before.
func (s *strain) second(l load, now time.Time) (changed bool) {
	thin := s.thin.Load()
	if l.way != s.way {
		s.way, s.holds, s.felt, s.until = l.way, 0, time.Time{}, time.Time{}
	}
	switch {
	case now.Before(s.until):
		return false
	case !l.strained():
		s.felt = time.Time{}
	case s.felt.IsZero():
		s.felt = now
	}
	if thin || s.felt.IsZero() || now.Sub(s.felt) < l.lasts() {
		s.thin.Store(false)
		return thin
	}
	if now.Sub(s.until) > strainCalm {
		s.holds = 0
	}
	s.holds = min(max(2*s.holds, strainHold), strainMost)
	s.felt, s.until = time.Time{}, now.Add(s.holds)
	s.thin.Store(true)
	return true
}

// feelStrain finds out whether this member's link is a thin one. The goroutine of
// control calls it once a second.
func (c *Call) feelStrain(l *link, now time.Time) {
	if c.cfg.Thin || !c.strain.second(c.load(l, now), now) {
		return
	}
	kind := SlowLinkOver
	if c.strain.thin.Load() {
		kind = SlowLink
	}
	c.cfg.Log.Info("thin link", "thin", kind == SlowLink)
	c.notify(Notice{Kind: kind})
}

// load returns what is known of the link.
func (c *Call) load(l *link, now time.Time) load {
	c.mu.Lock()
	stat := c.stat
	c.mu.Unlock()
	x := load{
		way: l.backAt.Load(), rate: int(c.uplink.rate.Load()), queue: time.Duration(c.uplink.queue.Load()),
		up: stat.Up * 8000, down: stat.Down * 8000,
	}
	var present, told, heard, late int
	for _, m := range *c.members.Load() {
		present++
		if _, slow := m.toldLoss(now); slow {
			told++
		}
		switch high, known := m.tide.state(now, c.mostTide()); {
		case high:
			late++
			heard++
		case known:
			heard++
		}
	}
	x.told, x.late = present > 0 && told == present, heard > 0 && late == heard
	return x
}
