package rate

import "time"

// How much may be sent at once, in time of the rate; or one packet.
const (
	burst     = 40 * time.Millisecond
	burstBits = 1300 * 8
	spare     = 0.5                    // of that must be left for something to start
	debt      = 60 * time.Millisecond  // may be owed for the rest of something begun
	mostOwed  = 100 * time.Millisecond // is owed at most, after voice for which there was no room
)

// When reports stop coming (RFC 8083, RFC 8085). A packet is answered at the
// latest when it comes reportLatest after one that was not, if neither gets lost.
const (
	answerTime = reportLatest + 50*time.Millisecond
	silentSome = time.Second            // of silence: nothing that is not urgent any more
	silentPace = 500 * time.Millisecond // but so often one, or there were nothing to report
	silentVery = 3 * time.Second        // and half of what is
)

// headBytes is what IP and UDP put before a packet.
const headBytes = 28

// A Want says how much a datagram is wanted.
type Want uint8

// The wants, the strongest first.
const (
	Urgent Want = iota // it goes even where there is no room
	Rest               // it is the rest of something of which the first part went
	Next               // it goes where there is room
	Start              // it goes where there is room to spare, as more follows
	Left               // it does not go, but would have if there had been room
)

// A State is what a Sender knows of its path.
type State struct {
	Rate   int           // bit/s with the heads of IP and UDP; 0 means that no limit is known
	Queue  time.Duration // queueing delay by the latest report
	Loss   float64       // share of packets lost in the last seconds
	Silent bool          // nobody says what comes, so that nearly nothing is sent
}

// A Sender decides how much may be sent to one Receiver. It allows all until the
// first sign that it is too much, and to one that never reports. The zero Sender
// is ready.
type Sender struct {
	clock   clock
	sent    times
	reports reports
	limit   limit

	// What may be sent now.
	tokens   float64 // bits
	filled   time.Time
	reserved int // bytes of datagrams that are allowed and of which Sent has not heard

	// Silence.
	first   time.Time // when the first packet went since the latest report; zero for none
	due     time.Time // when one did that must have been answered; zero for none
	probed  time.Time
	skipped bool // the latest urgent datagram was
}

// Allow reports whether a datagram of so many bytes is to be sent now, which then
// has to be. Who sends less because of State need not ask.
func (s *Sender) Allow(n int, w Want, now time.Time) bool {
	ok := s.allow(n, w, now)
	switch {
	case ok:
		s.reserved += n
		s.tokens -= float64(8 * n)
		if w == Urgent {
			s.limit.urgent += n
		} else {
			s.limit.wanted += n
		}
	case w != Urgent:
		s.limit.wanted += n
		s.limit.refused += n
		s.limit.felt = now
	}
	return ok
}

func (s *Sender) allow(n int, w Want, now time.Time) bool {
	silent := s.silent(now)
	switch {
	case w == Left:
		return false
	case w == Urgent:
		s.skipped = silent >= silentVery && !s.skipped
		return !s.skipped
	case silent >= silentSome:
		if now.Sub(s.probed) < silentPace {
			return false
		}
		s.probed = now
		return true
	case s.limit.rate == 0:
		return true
	case s.reports.queue > delayStop+s.limit.slack(0):
		return false
	}
	s.fill(now)
	switch w {
	case Rest:
		return s.tokens+s.limit.rate*debt.Seconds() >= float64(8*n)
	case Start:
		return s.tokens >= spare*s.most()
	default:
		return s.tokens >= float64(8*n)
	}
}

// Sent takes note that the packet of a number, greater than those before, goes now
// with so many bytes. worth is what the Receiver's Arrive will be told of it.
func (s *Sender) Sent(counter uint64, size int, worth bool, now time.Time) {
	s.sent.put(counter, s.clock.ticks(now))
	s.fill(now)
	s.tokens -= float64(8 * (size + headBytes - s.reserved))
	s.limit.bytes += size + headBytes
	s.reserved = 0
	switch {
	case !worth || !s.reports.heard:
	case s.first.IsZero():
		s.first = now
	case s.due.IsZero() && now.Sub(s.first) >= answerTime:
		s.due = now
	}
}

// Take takes a Report. One that is late, or of packets that were never sent,
// changes nothing.
func (s *Sender) Take(r Report, now time.Time) {
	newest, ok := s.sent.whole(r.Newest)
	if !ok || s.reports.heard && newest <= s.reports.newest {
		return
	}
	s.first, s.due, s.skipped = time.Time{}, time.Time{}, false
	s.fill(now)
	dt := s.reports.take(r, newest, now)
	s.limit.follow(dt, now)
	if at, ok := s.sent.get(newest); ok {
		// Clocks are read by several goroutines, of which one may be a little behind.
		s.reports.learnAround(time.Duration(max(int32(s.clock.ticks(now)-at), 0)) * tick)
	}
	if s.reports.delay(r, newest, &s.sent, s.limit.rate > 0, now) {
		s.limit.steer(&s.reports, dt, now)
	}
}

// Limited reports whether a limit is known.
func (s *Sender) Limited() bool { return s.limit.rate > 0 }

// Restart forgets all but what was sent: the way is another one.
func (s *Sender) Restart() {
	*s = Sender{clock: s.clock, sent: s.sent, reserved: s.reserved}
}

// State returns what is known at time now.
func (s *Sender) State(now time.Time) State {
	return State{
		Rate: int(s.limit.rate), Queue: s.reports.queue, Loss: s.reports.loss(),
		Silent: s.silent(now) >= silentSome,
	}
}

// most returns how many bits may be sent at once.
func (s *Sender) most() float64 { return max(s.limit.rate*burst.Seconds(), burstBits) }

// fill adds what may be sent since the last time.
func (s *Sender) fill(now time.Time) {
	r := s.limit.rate
	if r == 0 {
		s.tokens = 0
	} else {
		s.tokens = max(min(s.tokens+r*now.Sub(s.filled).Seconds(), s.most()), -r*mostOwed.Seconds())
	}
	s.filled = now
}

// silent returns for how long reports have been missing that could have come.
func (s *Sender) silent(now time.Time) time.Duration {
	if s.due.IsZero() {
		return 0
	}
	return now.Sub(s.first) - s.reports.around
}
