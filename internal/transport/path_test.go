package transport

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

// A pathSim is both ends of a path and the clock between them.
type pathSim struct {
	t           *testing.T
	now         time.Time
	hub, member path
	home        netip.AddrPort // where the member is
	toHub       func(outgoing) bool
	toMember    func(outgoing) bool
	sentByHub   []outgoing
	sentByMem   []outgoing
}

var (
	addrHub  = netip.MustParseAddrPort("192.0.2.1:1122")
	addrHome = netip.MustParseAddrPort("198.51.100.1:4000")
	addrCafe = netip.MustParseAddrPort("203.0.113.1:5000")
	addrEvil = netip.MustParseAddrPort("203.0.113.66:666")
)

func newPathSim(t *testing.T) *pathSim {
	timing := defaultTiming
	through := func(outgoing) bool { return true }
	return &pathSim{
		t: t, now: time.Unix(1000, 0), home: addrHome, toHub: through, toMember: through,
		hub:    path{timing: &timing, hub: true},
		member: path{timing: &timing, addr: addrHub, probeWait: timing.probeFirst},
	}
}

// arrivalOf returns what the receiver of o sees.
func arrivalOf(o outgoing, from netip.AddrPort) *arrival {
	a := &arrival{from: from, size: max(o.size, smallPacket), newest: true}
	a.add(o.kind, o.body[:])
	return a
}

// step lets both ends act and the network deliver, in no time.
func (s *pathSim) step() {
	for range 8 {
		fromMember, _, _ := s.member.tick(s.now, nil)
		for _, o := range fromMember {
			s.sentByMem = append(s.sentByMem, o)
			if s.toHub(o) {
				s.hub.received(arrivalOf(o, s.home), s.now)
			}
		}
		fromHub, _, _ := s.hub.tick(s.now, nil)
		for _, o := range fromHub {
			s.sentByHub = append(s.sentByHub, o)
			if o.to == s.home && s.toMember(o) {
				s.member.received(arrivalOf(o, addrHub), s.now)
			}
		}
	}
}

// run lets time pass in steps of 50 ms.
func (s *pathSim) run(d time.Duration) {
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(50 * time.Millisecond) {
		s.step()
	}
}

func (s *pathSim) want(hub, member bool) {
	s.t.Helper()
	if s.hub.active != hub || s.member.active != member {
		s.t.Fatalf("at %v: hub active %v, member active %v; want %v, %v",
			s.now.Sub(time.Unix(1000, 0)), s.hub.active, s.member.active, hub, member)
	}
}

func TestPathOpensWithoutWaiting(t *testing.T) {
	s := newPathSim(t)
	s.step()
	s.want(true, true)
	if s.hub.addr != addrHome {
		t.Errorf("the hub sends to %v, want %v", s.hub.addr, addrHome)
	}
	var kinds []byte
	for _, o := range s.sentByHub {
		kinds = append(kinds, o.kind)
	}
	if want := string([]byte{frameChallenge, framePing, framePong}); string(kinds) != want {
		t.Errorf("the hub sends kinds %v, want %v", kinds, []byte(want))
	}
	if size := s.sentByMem[0].size; size != maxPacket {
		t.Errorf("the first probe has %d bytes, want %d", size, maxPacket)
	}
}

// Whichever packet of the handshake is lost, probes and pings mend it.
func TestPathOpensInSpiteOfLoss(t *testing.T) {
	for n := range 6 {
		for _, atHub := range []bool{false, true} {
			s := newPathSim(t)
			count := 0
			lose := func(outgoing) bool { count++; return count != n+1 }
			if atHub {
				s.toHub = lose
			} else {
				s.toMember = lose
			}
			s.run(time.Second)
			s.want(true, true)
		}
	}
}

// On a slow line a probe takes long, and what is sent before it can have come makes
// it longer.
func TestPathOpensOnASlowLine(t *testing.T) {
	const takes = 300 * time.Millisecond // a probe or what answers it, one way
	s := newPathSim(t)
	s.member.around = takes
	type flight struct {
		outgoing
		at time.Time
	}
	var up, down []flight
	free := [2]time.Time{}
	send := func(line *time.Time, o outgoing) flight {
		if line.Before(s.now) {
			*line = s.now
		}
		*line = line.Add(takes * time.Duration(max(o.size, smallPacket)) / maxPacket)
		return flight{o, *line}
	}
	counts := make(map[byte]int)
	for end := s.now.Add(4 * time.Second); s.now.Before(end); s.now = s.now.Add(10 * time.Millisecond) {
		out, _, _ := s.member.tick(s.now, nil)
		for _, o := range out {
			counts[o.kind]++
			up = append(up, send(&free[0], o))
		}
		out, _, _ = s.hub.tick(s.now, nil)
		for _, o := range out {
			counts[o.kind]++
			down = append(down, send(&free[1], o))
		}
		for len(up) > 0 && !up[0].at.After(s.now) {
			s.hub.received(arrivalOf(up[0].outgoing, s.home), s.now)
			up = up[1:]
		}
		for len(down) > 0 && !down[0].at.After(s.now) {
			s.member.received(arrivalOf(down[0].outgoing, addrHub), s.now)
			down = down[1:]
		}
		if s.now.Sub(time.Unix(1000, 0)) == time.Second {
			s.want(true, true)
		}
	}
	if counts[frameProbe] != 1 || counts[frameChallenge] != 1 || counts[frameResponse] != 1 || counts[framePing] > 8 {
		t.Errorf("%d probes, %d challenges, %d responses and %d pings in 4 s, want 1, 1, 1 and 8 at most",
			counts[frameProbe], counts[frameChallenge], counts[frameResponse], counts[framePing])
	}
}

func TestPathFallsBackAfterThreeSeconds(t *testing.T) {
	for _, tt := range []struct {
		name            string
		toHub, toMember bool // go through
	}{
		{"both ways", false, false},
		{"to the hub", false, true},
		{"to the member", true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newPathSim(t)
			s.run(5 * time.Second)
			s.toHub = func(outgoing) bool { return tt.toHub }
			s.toMember = func(outgoing) bool { return tt.toMember }
			s.run(2900 * time.Millisecond)
			s.want(true, true)
			s.run(1200 * time.Millisecond) // until a ping was due, and 3 s
			s.want(false, false)
			// Probing backs off: at once, after 5 s, and then every 10 s.
			s.sentByMem = nil
			s.run(40 * time.Second)
			probes := 0
			for _, o := range s.sentByMem {
				if o.kind == frameProbe && o.size == maxPacket {
					probes++
				}
			}
			if probes < 4 || probes > 5 {
				t.Errorf("%d probes in 40 s, want 4 or 5", probes)
			}
			through := func(outgoing) bool { return true }
			s.toHub, s.toMember = through, through
			s.run(10100 * time.Millisecond)
			s.want(true, true)
		})
	}
}

// Where something is sent all the time, that nobody reports it tells earlier.
func TestPathFallsBackSoonerWithoutReports(t *testing.T) {
	s := newPathSim(t)
	s.run(5 * time.Second)
	// Reports alone get lost, as on a way that loses much.
	s.hub.silent, s.member.silent = true, true
	s.run(5 * time.Second)
	s.want(true, true)
	s.hub.silent, s.member.silent = false, false
	// The way ends.
	s.toHub = func(outgoing) bool { return false }
	s.toMember = s.toHub
	s.run(time.Second)
	s.want(true, true)
	s.hub.silent, s.member.silent = true, true
	s.run(700 * time.Millisecond) // a ping was due in the second before
	s.want(false, false)
}

// A path that loses a fifth each way is still better than TCP over it.
func TestPathSurvivesLoss(t *testing.T) {
	s := newPathSim(t)
	s.run(time.Second)
	state := uint64(1)
	lossy := func(outgoing) bool {
		state = state*6364136223846793005 + 1442695040888963407
		return state>>33%5 != 0
	}
	s.toHub, s.toMember = lossy, lossy
	for range 600 {
		s.run(time.Second)
		s.want(true, true)
	}
}

func TestPathPingsOncePerSecond(t *testing.T) {
	s := newPathSim(t)
	s.run(time.Second)
	s.sentByHub, s.sentByMem = nil, nil
	s.run(60 * time.Second)
	for name, sent := range map[string][]outgoing{"hub": s.sentByHub, "member": s.sentByMem} {
		count := make(map[byte]int)
		for _, o := range sent {
			count[o.kind]++
		}
		if count[framePing] != 60 || count[framePong] != 60 || len(count) != 2 {
			t.Errorf("the %s sends %v in 60 s, want 60 pings, 60 pongs and nothing else", name, count)
		}
	}
}

func TestPathRoams(t *testing.T) {
	s := newPathSim(t)
	s.run(time.Second)
	s.home = addrCafe
	a := &arrival{from: addrCafe, size: 150, newest: true} // media
	s.hub.received(a, s.now)
	if s.hub.addr != addrHome {
		t.Fatalf("the hub sends to %v before it has challenged it", s.hub.addr)
	}
	s.step()
	if s.hub.addr != addrCafe {
		t.Fatalf("the hub sends to %v, want %v", s.hub.addr, addrCafe)
	}
	for _, o := range s.sentByHub {
		if o.kind == frameChallenge && o.to == addrCafe && o.size > 150 {
			t.Errorf("a challenge of %d bytes for a packet of 150", o.size)
		}
	}
	s.want(true, true)
}

// Nothing but the right response, from the address that was challenged, moves
// the hub; and nothing is answered with more than came.
func TestHubPathIsNotMoved(t *testing.T) {
	ready := func(t *testing.T) *pathSim {
		s := newPathSim(t)
		s.run(time.Second)
		s.sentByHub = nil
		return s
	}
	wrong := &arrival{from: addrEvil, size: 1200, newest: true}
	wrong.add(frameResponse, []byte("12345678"))
	padding := &arrival{from: addrEvil, size: 1200, newest: true}
	padding.add(frameProbe, nil)
	ping := &arrival{from: addrEvil, size: smallPacket, newest: true}
	ping.add(framePing, make([]byte, 8))
	tests := []struct {
		name    string
		arrival *arrival
		answers int
	}{
		{"old packet from another address", &arrival{from: addrEvil, size: 1200}, 0},
		{"packet smaller than a challenge", &arrival{from: addrEvil, size: smallPacket - 1, newest: true}, 0},
		{"media", &arrival{from: addrEvil, size: 100, newest: true}, 1},
		{"ping", ping, 1},
		{"probe", padding, 1},
		{"wrong response", wrong, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := ready(t)
			for range 3 { // the same in the same moment is answered once
				s.hub.received(tt.arrival, s.now.Add(-time.Millisecond))
			}
			out, _, _ := s.hub.tick(s.now.Add(-time.Millisecond), nil)
			count := 0
			for _, o := range out {
				if o.to != addrEvil {
					continue
				}
				count++
				if o.kind != frameChallenge || o.size > tt.arrival.size {
					t.Errorf("kind %d with %d bytes goes out for %d bytes", o.kind, o.size, tt.arrival.size)
				}
			}
			if count != tt.answers {
				t.Errorf("%d answers, want %d", count, tt.answers)
			}
			// The right response from a third address does not count either.
			stolen := &arrival{from: addrCafe, size: 1200, newest: false}
			stolen.add(frameResponse, s.hub.nonce[:])
			s.hub.received(stolen, s.now)
			if s.hub.addr != addrHome {
				t.Errorf("the hub sends to %v, want %v", s.hub.addr, addrHome)
			}
			s.run(5 * time.Second)
			s.want(true, true)
			if s.hub.addr != addrHome {
				t.Errorf("5 s later the hub sends to %v, want %v", s.hub.addr, addrHome)
			}
		})
	}
}

// A member that fell back alone gets a challenge from a hub that did not, else
// it could not come back.
func TestHubChallengesAProbeFromTheKnownAddress(t *testing.T) {
	s := newPathSim(t)
	s.run(time.Second)
	s.sentByHub = nil
	s.member.fallBack(s.now)
	s.want(true, false)
	s.step()
	s.want(true, true)
	if len(s.sentByHub) == 0 || s.sentByHub[0].kind != frameChallenge {
		t.Errorf("the hub sends %v, want a challenge first", s.sentByHub)
	}
}

// A member that has answered no challenge since its last fall back stays with
// TLS, whatever arrives.
func TestMemberPathNeedsItsResponse(t *testing.T) {
	s := newPathSim(t)
	a := &arrival{from: addrHub, size: 100, newest: true}
	a.add(framePing, make([]byte, 8))
	s.member.received(a, s.now)
	s.want(false, false)
}

func TestArrivalIgnoresShortBodies(t *testing.T) {
	for kind := range byte(20) {
		for size := range challengeSize {
			var a arrival
			a.add(kind, make([]byte, size))
			if kind != frameProbe && a.has != [framePong + 1]bool{} {
				t.Errorf("kind %d with %d bytes counts", kind, size)
			}
		}
	}
}

func TestPinger(t *testing.T) {
	var p pinger
	at := func(ms int) time.Time { return time.Unix(1, 0).Add(time.Duration(ms) * time.Millisecond) }
	const every, retry = time.Second, 250 * time.Millisecond
	if due := p.due(every, retry); !due.IsZero() {
		t.Errorf("the first ping is due at %v, want at once", due)
	}
	p.next(at(0))
	if due := p.due(every, retry); !due.Equal(at(250)) {
		t.Errorf("unanswered, the next ping is due at %v, want %v", due, at(250))
	}
	p.next(at(250))
	p.pong(2, at(350))
	if due := p.due(every, retry); !due.Equal(at(1250)) {
		t.Errorf("answered, the next ping is due at %v, want %v", due, at(1250))
	}
	if p.rtt != 100*time.Millisecond {
		t.Errorf("round trip %v, want 100ms", p.rtt)
	}
	for _, number := range []uint64{0, 1, 2, 3, 1 << 63} { // old, repeated, never sent
		p.pong(number, at(900))
	}
	if p.rtt != 100*time.Millisecond || !p.waiting().IsZero() {
		t.Errorf("round trip %v, waiting since %v; want 100ms, never", p.rtt, p.waiting())
	}
	p.next(at(1250))
	p.pong(3, at(1450))
	if want := 125 * time.Millisecond; p.rtt != want {
		t.Errorf("smoothed round trip %v, want %v", p.rtt, want)
	}
	for i := range 40 { // more than there are slots
		p.next(at(2000 + i))
	}
	if want := at(2000 + 40 - pingSlots); !p.waiting().Equal(want) {
		t.Errorf("waiting since %v, want %v", p.waiting(), want)
	}
	p.pong(4, at(3000)) // its slot has been used again
	if p.rtt != 125*time.Millisecond {
		t.Errorf("a pong too old changed the round trip to %v", p.rtt)
	}
	p.restart()
	if p.rtt != 0 || !p.waiting().IsZero() || !p.due(every, retry).IsZero() {
		t.Errorf("after restart: %v, %v, %v", p.rtt, p.waiting(), p.due(every, retry))
	}
	p.next(at(4000))
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], p.last)
	p.pong(binary.BigEndian.Uint64(b[:]), at(4000))
	if p.rtt <= 0 {
		t.Errorf("a round trip too short for the clock is %v, want more than 0", p.rtt)
	}
}
