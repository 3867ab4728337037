package transport

import "time"

// timing holds the intervals of a connection, so that tests may shorten them.
type timing struct {
	dial      time.Duration // for Dial in all
	handshake time.Duration // for a member to become established at the hub
	stall     time.Duration // the TLS connection fails when the other end takes nothing for so long
	dead      time.Duration // and when a ping is unanswered and nothing arrives for so long
	close     time.Duration // for Close to send what was accepted

	ping       time.Duration // between pings on the path in use
	pingRetry  time.Duration // over UDP, while the last ping is unanswered
	pingLost   time.Duration // over UDP, unanswered for so long means fall back
	pingSilent time.Duration // likewise while reports are missing as well
	idle       time.Duration // between pings over TLS while UDP is in use

	probeFirst time.Duration // between the first two probes; doubles
	probeAgain time.Duration // likewise after a fall back
	probeMost  time.Duration // between probes at most
	challenge  time.Duration // between challenges to one address at least
}

var defaultTiming = timing{
	dial:      10 * time.Second,
	handshake: 5 * time.Second,
	stall:     10 * time.Second,
	dead:      10 * time.Second,
	close:     time.Second,

	ping: time.Second,
	// Three pings a second apart must fail before UDP is given up. Asking again
	// sooner in that time keeps a path with 20 % loss each way: that all of 9
	// pings or their answers get lost happens once in 10,000 times, that all of
	// 3 do once in 20.
	pingRetry: 250 * time.Millisecond,
	pingLost:  3 * time.Second,
	// With 20 % loss each way that three pings fail while no report has come for a
	// second, in which there were five and more, happens once in 60,000 times.
	pingSilent: 600 * time.Millisecond,
	idle:       15 * time.Second,

	probeFirst: 250 * time.Millisecond,
	probeAgain: 5 * time.Second,
	probeMost:  10 * time.Second,
	challenge:  100 * time.Millisecond,
}

// pingSlots is how many pings may be under way: 16 * 250 ms = 4 s, more than pingLost.
const pingSlots = 16

// A pinger measures the round trip of one path and notices when it ends. The
// zero value works.
type pinger struct {
	last     uint64               // number of the newest ping
	answered uint64               // number of the newest answered ping, or given up
	sent     [pingSlots]time.Time // when ping n left, at n%pingSlots
	rtt      time.Duration        // smoothed; 0 until measured
}

// restart forgets what is unanswered and the round trip of an earlier path, so
// that the next ping is due at once.
func (p *pinger) restart() {
	p.answered = p.last
	p.rtt = 0
	p.sent = [pingSlots]time.Time{}
}

// due returns when the next ping is due, with one every so often, and again
// sooner while there is no answer, but not before one can have come.
func (p *pinger) due(every, retry time.Duration) time.Time {
	at := p.sent[p.last%pingSlots]
	if at.IsZero() {
		return at
	}
	if p.answered < p.last {
		return at.Add(max(retry, min(p.rtt*3/2, every)))
	}
	return at.Add(every)
}

// next returns the number of a ping that is sent now.
func (p *pinger) next(now time.Time) uint64 {
	p.last++
	p.sent[p.last%pingSlots] = now
	return p.last
}

// waiting returns since when there was no answer; zero if there was one.
func (p *pinger) waiting() time.Time {
	if p.answered == p.last {
		return time.Time{}
	}
	oldest := p.answered + 1
	if p.last >= pingSlots {
		oldest = max(oldest, p.last-pingSlots+1)
	}
	return p.sent[oldest%pingSlots]
}

// pong takes the answer to a ping, which counts for those before it as well.
func (p *pinger) pong(number uint64, now time.Time) {
	if number <= p.answered || number > p.last || p.last-number >= pingSlots {
		return
	}
	p.answered = number
	sample := now.Sub(p.sent[number%pingSlots])
	if p.rtt == 0 {
		p.rtt = max(sample, 1)
		return
	}
	// With one sample a second, a quarter follows a change within 5 s.
	p.rtt += (sample - p.rtt) / 4
}
