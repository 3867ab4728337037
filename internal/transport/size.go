package transport

import "time"

// packetSizes are the sizes that packets are tried in, in bytes, the largest first.
// The least fits what every IPv4 host takes, 576 bytes with its heads (RFC 791).
var packetSizes = [...]int{maxPacket, 1000, 800, 548}

const (
	leastPacket = 548
	sizeEvery   = 5 * time.Second  // between pings that try a size
	sizeRaise   = 30 * time.Second // between tries of a larger one
	sizeLost    = 4                // tries in a row without an answer mean that the path does not take it any more: with a fifth lost each way that is chance once in 60
)

// A sizer knows how large packets a path takes, and keeps trying while there are
// large ones: in a tunnel, or where routes change, they may vanish while small ones
// get through. Now and then a ping is as large, and the ping after it shows whether
// it has got lost. What is too large goes over TLS.
type sizer struct {
	most  int  // bytes of a packet
	large bool // packets larger than the least were sent since the last try

	tried  time.Time
	raised time.Time // when most was found, or a larger size tried
	number uint64    // of the ping that tries a size; 0 for none
	size   int       // which
	failed int       // tries of most in a row
}

// start begins with a size that has come through. It may be that of any packet.
func (s *sizer) start(size int, now time.Time) {
	*s = sizer{most: max(leastPacket, min(size, maxPacket)), tried: now, raised: now}
}

// next returns how large the ping of a number is to be.
func (s *sizer) next(number uint64, now time.Time) int {
	if s.number != 0 || !s.large || now.Sub(s.tried) < sizeEvery {
		return smallPacket
	}
	s.large, s.tried = false, now
	s.number, s.size = number, s.most
	if s.failed == 0 && s.most < maxPacket && now.Sub(s.raised) >= sizeRaise {
		s.raised = now
		for _, size := range packetSizes {
			if size > s.most {
				s.size = size // the least of them in the end
			}
		}
	}
	return s.size
}

// pong takes note that the ping of a number is answered.
func (s *sizer) pong(number uint64, now time.Time) {
	switch {
	case s.number == 0 || number < s.number:
		return
	case number == s.number:
		s.most, s.failed = s.size, 0
	case s.size == s.most:
		if s.failed++; s.failed == sizeLost && s.most > leastPacket {
			s.failed, s.raised = 0, now
			for _, size := range packetSizes {
				if size < s.most {
					s.most = size
					break
				}
			}
		}
	}
	s.number = 0
}
