package rate

import (
	"math"
	"time"
)

// When a limit becomes less: by the queueing delay, which is how much longer than
// the quickest of the last seconds the quickest packet of a report took, in two
// reports one after the other. Jitter by accident is not in that, and loss by
// accident does not matter.
const (
	delayHigh = 26 * time.Millisecond
	delayMore = 8 * time.Millisecond  // is added for who is denied all: of several who share a link those give way first who have most of what they want
	delayStop = 60 * time.Millisecond // nothing that is not urgent goes before the queue is shorter

	// Where a queue is short packets get lost rather than late: with so much more
	// loss than usual less of a delay is enough.
	lossMore  = 0.05
	delayLoss = 15 * time.Millisecond

	lossHigh = 0.30 // is no accident of a radio link
	lossFull = 0.10 // with it a delay that does not end is that of a full queue, and not of a longer way

	decrease = 0.85                   // of what comes through
	settle   = 100 * time.Millisecond // after a round trip a decrease has had its effect
)

// Where a line is so slow a packet takes long on it that is longer than the quickest
// ones by some words of a voice, or by a part of a picture. That is no queue.
const (
	slowLine = 50_000 // bit/s
	uneven   = 170    // bytes
)

// When a limit becomes more.
const (
	delayLow = 12 * time.Millisecond
	hold     = 400 * time.Millisecond // and a round trip after a decrease

	// At first nearly to what came through when it was too much, and then slowly
	// on: by the square root, so that of two flows the smaller one catches up. At
	// 1 Mbit/s it is 30 kbit/s in a second.
	nearly   = 0.96
	approach = 400 * time.Millisecond
	increase = 30

	// Without a decrease for so long what the limit was for is over, and it grows
	// faster and faster, by so much of itself more in each second.
	calm   = 5 * time.Second
	faster = 0.15

	headroom = 1.3              // it is at most so many times what there is to send
	feels    = 0.8              // of it is to be sent by who may feel it
	forget   = 10 * time.Second // after which nobody has felt it, it is none any more
	least    = 20_000           // bit/s
)

// offeredSpan is over what time is averaged how much there is to send.
const offeredSpan = 500 * time.Millisecond

// A limit is how much may be sent.
type limit struct {
	rate  float64 // bit/s; 0 for no limit
	known float64 // bit/s, what came through when it was too much
	over  int     // reports in a row that say so
	cut   time.Time
	felt  time.Time // when somebody may have sent less because of it
	seen  time.Duration
	usual low // loss, in thousandths

	// Since the latest report, in bytes.
	bytes   int // sent
	urgent  int // of these, what is urgent, without heads
	wanted  int // that somebody asked for
	refused int // of these

	// Averages.
	offered float64 // bit/s, what there was to send
	needed  float64 // bit/s, of that what is urgent
	denied  float64 // share of what somebody asked for
}

// follow follows how much there is to send, dt after the report before.
func (l *limit) follow(dt time.Duration, now time.Time) {
	if dt > 0 {
		bits := 8 / dt.Seconds()
		offered, needed := float64(l.bytes+l.refused)*bits, float64(l.urgent)*bits
		if l.offered == 0 {
			l.offered, l.needed = offered, needed
		}
		part := min(1, dt.Seconds()/offeredSpan.Seconds())
		l.offered += (offered - l.offered) * part
		l.needed += (needed - l.needed) * part
		if l.wanted > 0 {
			l.denied += (float64(l.refused)/float64(l.wanted) - l.denied) * part
		}
	}
	if l.offered >= feels*l.rate {
		l.felt = now
	}
	l.bytes, l.urgent, l.wanted, l.refused = 0, 0, 0, 0
}

// steer changes the limit by what the latest report says, dt after the one before.
func (l *limit) steer(r *reports, dt time.Duration, now time.Time) {
	loss := r.loss()
	slack := l.slack(r.received)
	high := delayHigh + slack + time.Duration(l.denied*float64(delayMore))
	if l.usual.take(int32(1000*loss), false, now) >= 1000*lossMore {
		high = delayLoss + slack
	}
	falls := l.rate > 0 && r.queue < l.seen
	l.seen = r.queue
	switch {
	case r.queue > high || loss > lossHigh:
		l.over++
		if l.over >= 2 && !falls && now.Sub(l.cut) > r.around+settle {
			l.decrease(r.received, now)
		}
		return
	case r.queue < delayLow+slack:
		l.increase(now.Sub(l.cut)-r.around, dt, now)
	}
	l.over = 0
}

// slack returns how much longer than others packets may take without a queue, where
// so much comes through.
func (l *limit) slack(received float64) time.Duration {
	rate := l.rate
	if rate == 0 {
		rate = received
	}
	if rate <= 0 || rate >= slowLine {
		return 0
	}
	return time.Duration(8 * uneven / max(rate, least) * float64(time.Second))
}

// decrease makes the limit less than what comes through, so that the queue becomes
// empty, but not less than what goes anyway.
func (l *limit) decrease(received float64, now time.Time) {
	l.known = l.rate
	if received > 0 && (l.known == 0 || received < l.known) {
		l.known = received
	}
	if l.known == 0 {
		l.known = l.offered
	}
	l.rate = max(l.known*decrease, l.needed, least)
	l.cut, l.felt = now, now
}

// increase makes the limit a little more, so long after a decrease, or none at all
// where nobody feels it.
func (l *limit) increase(since, dt time.Duration, now time.Time) {
	switch {
	case l.rate == 0 || since < hold:
		return
	case now.Sub(l.felt) > forget:
		l.rate = 0
		return
	}
	d := min(dt, 2*reportLate).Seconds()
	rate := l.rate + increase*math.Sqrt(l.rate)*d
	if gap := nearly*l.known - l.rate; gap > 0 {
		rate += gap * min(1, d/approach.Seconds())
	}
	if since > calm {
		rate += l.rate * faster * (since - calm).Seconds() * d
	}
	l.rate = max(l.rate, min(rate, headroom*l.offered))
}
