package rate

import (
	"math"
	"time"
)

// How often a receiver reports: every 50 ms, but where little comes every 200, as
// the way back may be as narrow: a report of 34 bytes for every 700 is 5 %. Where
// few packets come, as over the line of a modem, it is every 400 ms.
const (
	reportEvery   = 50 * time.Millisecond
	reportLate    = 200 * time.Millisecond
	reportLatest  = 400 * time.Millisecond
	reportBytes   = 700
	reportPackets = 6
)

// After a pause in which nothing came no report is made yet: it may have been the
// receiver that stood still, and what has waited for it comes now, the quickest last.
// Where little comes all packets follow pauses.
const (
	pauseTime    = 30 * time.Millisecond
	pauseGathers = 5 * time.Millisecond
)

// sampleEvery is how far apart samples are: eight of them fill reportEvery.
const sampleEvery = 6 * time.Millisecond

// A Receiver takes note of the packets that come from one Sender. The zero
// Receiver is ready.
type Receiver struct {
	clock    clock
	started  bool
	newest   uint64
	newestAt uint32 // ticks
	last     time.Time
	gathers  time.Time // until when what has waited may come
	packets  uint16
	bytes    uint32

	// Since the last report.
	reported time.Time
	fresh    bool // something has come that is to be reported
	size     int  // bytes
	since    int  // packets
	n        int
	samples  [MaxSamples]struct {
		counter uint64
		at      uint32 // ticks
	}
	sampled time.Time
}

// Arrive takes an authentic packet of so many bytes, which came once. worth says
// that the sender wants to hear of it: not so of a packet with nothing but a
// report in it, or two ends would report each other's reports.
func (r *Receiver) Arrive(counter uint64, size int, worth bool, now time.Time) {
	at := r.clock.ticks(now)
	if now.Sub(r.last) > pauseTime {
		r.gathers = now.Add(pauseGathers)
	}
	r.last = now
	r.packets++
	r.bytes += uint32(size)
	r.size += size
	r.since++
	r.fresh = r.fresh || worth
	if r.started && r.n < MaxSamples && now.Sub(r.sampled) >= sampleEvery {
		r.samples[r.n].counter, r.samples[r.n].at = counter, at
		r.n++
		r.sampled = now
	}
	if !r.started || counter > r.newest {
		r.started, r.newest, r.newestAt = true, counter, at
	}
}

// Due reports whether it is time for a Report. It is asked when something has come.
func (r *Receiver) Due(now time.Time) bool {
	if !r.fresh {
		return false
	}
	since := now.Sub(r.reported)
	switch {
	case since >= reportLatest:
		return true
	case now.Before(r.gathers):
		return false
	}
	return since >= reportLate && r.since >= reportPackets || since >= reportEvery && r.size >= reportBytes
}

// Report returns what has come since the last one.
func (r *Receiver) Report(now time.Time) Report {
	rep := Report{Newest: uint32(r.newest), Packets: r.packets, Bytes: r.bytes, Time: r.newestAt & timeMask}
	for _, s := range r.samples[:r.n] {
		before := int32(r.newestAt - s.at)
		if s.counter >= r.newest || r.newest-s.counter > math.MaxUint8 || before != int32(int16(before)) {
			continue // it is the newest itself, or too old
		}
		rep.Samples[rep.N] = Sample{Back: uint8(r.newest - s.counter), Before: int16(before)}
		rep.N++
	}
	r.reported, r.fresh, r.size, r.since, r.n = now, false, 0, 0, 0
	return rep
}
