package video

import "math/bits"

const (
	// qualityQP gives an SSIM of 0.975 to 0.99 from 60x20 to 320x192, with every
	// picture in one datagram. Finer is not seen.
	qualityQP = 22

	// Under a bitrate the qp gets no coarser: there would be no picture left.
	maxRateQP = 51

	defaultFPS = 15
)

// rate chooses the qp of pictures so that they take a bitrate: a leaky bucket
// holds what was sent too much, and is to be empty in about half a second. A
// key picture is many times as long as the others at the same qp. It says nothing
// of theirs, and they pay for it with a quarter of the bitrate until it is paid,
// so that the picture sharpens at once.
//
// The bitrate is a cap: pictures that take less at the finest qp are coded with
// that, and what they leave is not made up for.
type rate struct {
	finest int // qp: the constant quality
	target int // bits per picture; 0 means constant quality
	fps    int
	bucket int // bits
	debt   int // bits of key pictures not yet paid for
	qp16   int // the next qp, in 1/16
}

// newRate returns the rate control for at most bitrate in bit/s, 0 being no
// limit, and the constant quality quantiser, 0 being qualityQP.
func newRate(bitrate, fps, quantiser int) rate {
	r := rate{finest: quantiser, fps: fps}
	if r.finest == 0 {
		r.finest = qualityQP
	}
	if r.fps == 0 {
		r.fps = defaultFPS
	}
	r.qp16 = r.finest * 16
	r.limit(bitrate)
	return r
}

// limit changes the bitrate.
func (r *rate) limit(bitrate int) {
	r.target = 0
	if bitrate > 0 {
		r.target = max(bitrate/r.fps, 1)
	} else {
		r.qp16 = r.finest * 16
	}
	r.bucket = min(r.bucket, r.fps*r.target)
	r.debt = min(r.debt, 2*r.fps*r.target)
}

// qp returns the qp to code the next picture with.
func (r *rate) qp() int { return (r.qp16 + 8) / 16 }

// sent accounts for a picture that took n bytes at qp.
func (r *rate) sent(n, qp int, key bool) {
	if r.target == 0 {
		return
	}
	n *= 8
	if key {
		r.debt = min(r.debt+max(n-r.target, 0), 2*r.fps*r.target)
		return
	}
	pay := min(r.debt, r.target/4)
	r.debt -= pay
	share := r.target - pay
	r.bucket = min(max(r.bucket+n-share, -8*r.target), r.fps*r.target)
	want := max(share-2*r.bucket/r.fps, r.target/4, 1)
	change := (log16(n) - log16(want)) * 6 / 5 // a step of qp is 12 % of the bits
	change = max(-48, min(change, 48))
	r.qp16 = max(r.finest*16, min(qp*16+change, maxRateQP*16))
}

// log16 returns 16*log2(n), which is at least 1, within 1.4.
func log16(n int) int {
	whole := bits.Len(uint(n)) - 1
	return whole*16 + n<<4>>whole&15
}

// coarser returns a qp at which a picture of n bytes at qp should fit into most
// bytes, seven for each halving. It grows faster the more often it was tried, so
// that maxTries tries always reach maxQP.
func coarser(qp, n, most, try int) int {
	return min(qp+1<<max(try-1, 0)+7*(log16(n)-log16(most))/16, maxQP)
}

// maxTries times the growth of coarser is more than maxQP:
// 1 + 1 + 2 + 4 + ... + 32 = 64.
const maxTries = 7
