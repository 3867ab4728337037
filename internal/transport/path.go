package transport

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"time"
)

// A path decides for one end whether its datagrams go over UDP, and where to.
// It does no I/O: received says what has arrived, tick what to send.
//
//	member                              hub
//	probe (1200 bytes)            >
//	                              <     challenge, to where the probe came from
//	response (1200 bytes)         >
//	                              <     ping; the hub sends over UDP from here on
//	pong; the member does, too    >
//
// A probe as large as the largest packet tries what packets the path takes; when two
// have no answer a smaller one follows each, and the challenge and the response are as
// large as the probe that came through. Packets are no larger from then on. See also
// sizer. A member that changes its address goes on; the hub challenges the new address
// and moves when the response is right. Until then it sends nothing else
// there, so whoever copies or forges packets gets at most one packet back for
// each, no larger than his, and moves nothing. Each end pings once a second
// and falls back to TLS by itself when there is no answer.
type path struct {
	timing *timing
	hub    bool // this end is the hub

	active bool           // datagrams go over UDP
	addr   netip.AddrPort // to this address; a hub has none while it is not active
	ping   pinger
	size   sizer
	silent bool // for a second the other end has not said that anything comes of what it is sent

	// Of a member.
	responded bool          // a challenge was answered since the last fall back
	around    time.Duration // round trip over TLS, of which a probe takes two and more; 0 if it is not known
	probeAt   time.Time     // when to probe while not active
	probeWait time.Duration // until the probe after that
	probes    int           // since the last fall back
	smallAt   time.Time     // when to probe with a small packet; zero for never

	// Of a hub: an address that may become addr.
	candidate  netip.AddrPort
	nonce      [challengeSize]byte
	challenged time.Time

	// What tick sends.
	proof outgoing // challenge or response
	pong  outgoing
}

// An outgoing is a UDP packet that is to be sent.
type outgoing struct {
	kind byte
	body [8]byte
	to   netip.AddrPort // not valid if there is nothing to send
	size int            // of the packet in bytes; padded to it
}

// An arrival is what a path must know of an authentic packet.
type arrival struct {
	from   netip.AddrPort
	size   int  // of the packet in bytes
	newest bool // no later packet came before it

	// The last frame of each kind, if has[kind].
	has                             [framePong + 1]bool
	ping, pong, challenge, response [8]byte
}

// add takes a frame that is not a datagram and ignores what it cannot use.
func (a *arrival) add(kind byte, body []byte) {
	var to *[8]byte
	switch kind {
	case frameProbe:
		a.has[kind] = true
		return
	case frameChallenge:
		to = &a.challenge
	case frameResponse:
		to = &a.response
	case framePing:
		to = &a.ping
	case framePong:
		to = &a.pong
	}
	if to != nil && len(body) >= len(to) {
		a.has[kind] = true
		copy(to[:], body)
	}
}

// received takes an authentic packet. It reports whether tick has to be called.
func (p *path) received(a *arrival, now time.Time) bool {
	if a.has[framePong] {
		number := binary.BigEndian.Uint64(a.pong[:])
		p.ping.pong(number, now)
		p.size.pong(number, now)
	}
	if p.hub {
		return p.receivedByHub(a, now)
	}
	if a.has[frameChallenge] {
		if !p.active && (!p.responded || a.size > p.size.most) {
			p.size.start(a.size, now)
		}
		p.responded = true
		p.proof = outgoing{frameResponse, a.challenge, p.addr, p.size.most}
		return true
	}
	switched := p.responded && !p.active
	if switched {
		p.active = true
		p.ping.restart()
	}
	if a.has[framePing] {
		p.pong = outgoing{framePong, a.ping, p.addr, smallPacket}
	}
	return switched || a.has[framePing]
}

// receivedByHub causes at most one packet, none larger than the one received.
func (p *path) receivedByHub(a *arrival, now time.Time) bool {
	switch {
	case a.has[frameResponse] && a.from == p.candidate && a.response == p.nonce:
		p.addr, p.candidate = a.from, netip.AddrPort{}
		p.active = true
		p.size.start(a.size, now)
		p.ping.restart()
		return true
	case p.active && a.from == p.addr && !a.has[frameProbe]:
		if a.has[framePing] {
			p.pong = outgoing{framePong, a.ping, a.from, smallPacket}
		}
		return a.has[framePing]
	case !a.newest || a.size < smallPacket:
		return false // somebody may repeat what the member sent from its old address
	case a.from != p.candidate:
		p.candidate = a.from
		rand.Read(p.nonce[:])
	case now.Sub(p.challenged) < p.timing.challenge:
		return false
	}
	p.challenged = now
	p.proof = outgoing{frameChallenge, p.nonce, a.from, a.size}
	return true
}

// tick appends to out what is to be sent at time now and returns when to call
// it next at the latest, zero for never. It reports whether the path fell back.
func (p *path) tick(now time.Time, out []outgoing) (_ []outgoing, next time.Time, fell bool) {
	for _, o := range []*outgoing{&p.proof, &p.pong} {
		if o.to.IsValid() {
			out = append(out, *o)
			*o = outgoing{}
		}
	}
	if p.active {
		since := p.ping.waiting()
		if !since.IsZero() && now.Sub(since) >= p.lost() {
			p.fallBack(now)
			fell = true
		}
	}
	switch {
	case p.active:
		if !now.Before(p.pingDue()) {
			number := p.ping.next(now)
			ping := outgoing{kind: framePing, to: p.addr, size: p.size.next(number, now)}
			binary.BigEndian.PutUint64(ping.body[:], number)
			out = append(out, ping)
		}
		next = p.pingDue()
		if since := p.ping.waiting(); !since.IsZero() {
			if lost := since.Add(p.lost()); lost.Before(next) {
				next = lost
			}
		}
	case !p.hub:
		if !now.Before(p.probeAt) {
			out = append(out, outgoing{kind: frameProbe, to: p.addr, size: maxPacket})
			if p.probes++; p.probes > 2 {
				p.smallAt = now.Add(2 * max(p.timing.challenge, p.around))
			}
			p.probeAt = now.Add(max(p.probeWait, 4*p.around))
			p.probeWait = min(2*p.probeWait, p.timing.probeMost)
		}
		if !p.smallAt.IsZero() && !now.Before(p.smallAt) {
			small := packetSizes[1:]
			out = append(out, outgoing{kind: frameProbe, to: p.addr, size: small[(p.probes-3)%len(small)]})
			p.smallAt = time.Time{}
		}
		next = p.probeAt
		if !p.smallAt.IsZero() && p.smallAt.Before(next) {
			next = p.smallAt
		}
	}
	return out, next, fell
}

// pingDue returns when the next ping is due. What is known of the way is that over TLS
// until the first pong has come: a line that is slow is not to be filled with pings.
func (p *path) pingDue() time.Time {
	retry := p.timing.pingRetry
	if p.ping.rtt == 0 {
		retry = max(retry, min(p.around*3/2, p.timing.ping))
	}
	return p.ping.due(p.timing.ping, retry)
}

// lost returns for how long pings must have no answer before UDP is given up: on a
// slow line they take long. That no report comes says the same, but not of which way,
// nor of an end that has nothing to send.
func (p *path) lost() time.Duration {
	least := p.timing.pingLost
	if p.silent {
		least = p.timing.pingSilent
	}
	return max(least, min(4*p.ping.rtt, mostLost))
}

// mostLost is the most of lost.
const mostLost = 10 * time.Second

// fallBack gives UDP up until a member's probe gets through again.
func (p *path) fallBack(now time.Time) {
	p.active, p.responded, p.probes, p.smallAt = false, false, 0, time.Time{}
	p.candidate = netip.AddrPort{}
	if p.hub {
		p.addr = netip.AddrPort{}
		return
	}
	p.probeAt, p.probeWait = now, p.timing.probeAgain
}
