package video

import "math/bits"

const (
	// qualityQP gives an SSIM of about 0.977 on the test clip.
	qualityQP = 24

	// Under a bitrate the qp stays between these: finer is not seen, and
	// coarser there is no picture left.
	minRateQP = 18
	maxRateQP = 51
	startQP   = 28

	defaultFPS = 15
)

// rate chooses the qp of pictures so that they take a bitrate: a leaky bucket
// holds what was sent too much, and is to be empty in about half a second. A
// key picture is many times as long as the others at the same qp. It says nothing
// of theirs, and they pay for it with a quarter of the bitrate until it is paid,
// so that the picture sharpens at once.
type rate struct {
	target int // bits per picture; 0 means constant quality
	fps    int
	bucket int // bits
	debt   int // bits of key pictures not yet paid for
	qp16   int // the next qp, in 1/16
}

// newRate returns the rate control for bitrate in bit/s; 0 is no control.
func newRate(bitrate, fps int) rate {
	if fps == 0 {
		fps = defaultFPS
	}
	if bitrate == 0 {
		return rate{qp16: qualityQP * 16}
	}
	return rate{target: max(bitrate/fps, 1), fps: fps, qp16: startQP * 16}
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
		r.debt = min(r.debt+max(n-r.target, 0), r.fps*r.target)
		return
	}
	pay := min(r.debt, r.target/4)
	r.debt -= pay
	share := r.target - pay
	r.bucket = min(max(r.bucket+n-share, -8*r.target), r.fps*r.target)
	want := max(share-2*r.bucket/r.fps, r.target/4, 1)
	change := (log16(n) - log16(want)) * 6 / 5 // a step of qp is 12 % of the bits
	change = max(-48, min(change, 48))
	r.qp16 = max(minRateQP*16, min(qp*16+change, maxRateQP*16))
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
