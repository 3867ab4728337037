package rate

import "time"

// Over what time is averaged what comes through, and what gets lost.
const (
	receivedSpan = 250 * time.Millisecond
	lossSpan     = 3 * time.Second
	staleReport  = 2 * time.Second // one before that is compared with nothing
)

// reports are what a Sender has learnt of those that have come.
type reports struct {
	heard  bool // there was one
	newest uint64
	last   time.Time // when the latest came
	past   [8]past   // by their number
	n      int       // since the last pause

	received float64 // bit/s that come; 0 if it is not known
	lost     float64 // packets of lately
	all      float64 // packets of lately of which those were lost
	around   time.Duration
	base     low // delay, in ticks, by difference
	counts   bool
	offset   uint32 // what differences are counted from
	flat     flat
	queue    time.Duration
}

// A past is a report that came before.
type past struct {
	packets uint16
	bytes   uint32
	time    uint32
}

// take takes a report and returns how long it came after the one before; 0 after a
// pause.
func (p *reports) take(r Report, newest uint64, now time.Time) (dt time.Duration) {
	if p.heard {
		dt = now.Sub(p.last)
	}
	if dt > staleReport {
		dt = 0
	}
	if dt == 0 {
		p.n = 0
	} else {
		p.countLoss(r, newest, dt)
	}
	p.heard, p.newest, p.last = true, newest, now
	p.receive(r)
	return dt
}

// countLoss follows the loss, which is numbers that have passed but for packets
// that came.
func (p *reports) countLoss(r Report, newest uint64, dt time.Duration) {
	all := float64(newest - p.newest)
	got := float64(r.Packets - p.past[(p.n-1)%len(p.past)].packets)
	fade := 1 - dt.Seconds()/lossSpan.Seconds()
	p.all = p.all*fade + all
	p.lost = min(max(p.lost*fade+all-got, 0), p.all)
}

// loss returns the share of packets that were lost lately.
func (p *reports) loss() float64 {
	if p.all < 1 {
		return 0
	}
	return p.lost / p.all
}

// receive finds at what rate packets come.
func (p *reports) receive(r Report) {
	p.received = 0
	for back := 1; back <= min(p.n, len(p.past)); back++ {
		h := p.past[(p.n-back)%len(p.past)]
		span := time.Duration(short(r.Time-h.time)) * tick
		if span < reportEvery/2 || span > staleReport {
			continue
		}
		bytes := uint64(r.Bytes-h.bytes) + headBytes*uint64(r.Packets-h.packets)
		p.received = float64(8*bytes) / span.Seconds()
		if span >= receivedSpan {
			break
		}
	}
	p.past[p.n%len(p.past)] = past{r.Packets, r.Bytes, r.Time}
	p.n++
}

// learnAround takes how long it took from a packet to the report of it.
func (p *reports) learnAround(d time.Duration) {
	if p.around == 0 {
		p.around = d
	}
	p.around += (d - p.around) / 8
}

// delay finds the queueing delay. It reports false if it is not known any more when
// the packets were sent. limited says that the delay may be that of other packets
// of this Sender no more.
func (p *reports) delay(r Report, newest uint64, sent *times, limited bool, now time.Time) bool {
	full := limited && p.loss() > lossFull
	quickest, known := int32(0), false
	note := func(counter uint64, at uint32) {
		went, ok := sent.get(counter)
		if !ok {
			return
		}
		if !p.counts {
			p.counts, p.offset = true, at-went
		}
		if d := short(at - went - p.offset); !known || d < quickest {
			quickest, known = d, true
		}
	}
	note(newest, r.Time)
	for _, x := range r.Samples[:r.N] {
		if uint64(x.Back) < newest {
			note(newest-uint64(x.Back), r.Time-uint32(int32(x.Before)))
		}
	}
	if known {
		if p.flat.take(quickest, now) >= flatTime && p.queue > 0 && limited && !full {
			p.base = low{} // a queue goes up and down; this is a longer way
		}
		p.queue = time.Duration(p.base.take(quickest, full, now)) * tick
	}
	return known
}

// lowSpan is how long a low is remembered at least, and twice that at most: clocks
// drift, and a way may become longer.
const lowSpan = 10 * time.Second

// A low follows the least of some figures.
type low struct {
	set   bool
	least [2]int32 // of this span and the one before
	since time.Time
}

// take takes a figure and returns how much it is above the least. keep says that
// the least of before is not to be forgotten yet.
func (b *low) take(v int32, keep bool, now time.Time) (above int32) {
	switch age := now.Sub(b.since); {
	case !b.set, age >= 3*lowSpan:
		b.set, b.least, b.since = true, [2]int32{v, v}, now
	case age < lowSpan:
	case keep:
		b.least[0], b.since = min(b.least[0], b.least[1]), now
	default:
		b.least[1], b.least[0], b.since = b.least[0], v, now
	}
	b.least[0] = min(b.least[0], v)
	return v - min(b.least[0], b.least[1])
}

// A delay that has been the same for so long, but for so many ticks, is none of a
// queue.
const (
	flatTime = 4 * time.Second
	flatMost = int32(6 * time.Millisecond / tick)
)

// A flat follows for how long figures have been about the same.
type flat struct {
	least, most int32
	since       time.Time
}

// take takes a figure and returns for how long it has been one like it.
func (f *flat) take(v int32, now time.Time) time.Duration {
	f.least, f.most = min(f.least, v), max(f.most, v)
	if f.since.IsZero() || f.most-f.least > flatMost {
		*f = flat{v, v, now}
	}
	return now.Sub(f.since)
}
