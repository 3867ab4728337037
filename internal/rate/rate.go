// Package rate finds out how much a path takes before its queues do: the end that
// receives reports when packets came, and the end that sends compares that with
// when they went.
//
//	sender                                    receiver
//	Allow > the packet > Sent            >    Arrive
//	Take: queueing delay, rate, loss     <    Report, every 50 ms while packets come
//
// It is pure computation: time is an argument, nothing waits, and no type here is
// safe for use by more than one goroutine at a time.
package rate

import (
	"encoding/binary"
	"errors"
	"time"
)

// tick is the unit of the times in a Report.
const tick = 100 * time.Microsecond

// Times and samples in a Report have so many bits.
const (
	timeBits = 24
	timeMask = 1<<timeBits - 1 // 28 minutes
)

// MaxSamples is how many packets besides the newest a Report can tell the time of.
const MaxSamples = 7

// Sizes in bytes.
const (
	reportHead = 13
	sampleSize = 3

	// MaxReport is the size of the largest Report.
	MaxReport = reportHead + MaxSamples*sampleSize
)

// A Report says what has come. Packets and Bytes are counted from the beginning,
// so that it does not matter if a Report is lost. Its encoding, integers
// big-endian:
//
//	+------------+-------------+-----------+----------+------------------------+
//	| newest u32 | packets u16 | bytes u32 | time u24 | samples, at most 7     |
//	+------------+-------------+-----------+----------+------------------------+
//	                                                  | back u8   | before i16 |
type Report struct {
	Newest  uint32 // the greatest number of a packet, modulo 2^32
	Packets uint16 // modulo 2^16
	Bytes   uint32 // of them, modulo 2^32
	Time    uint32 // when Newest came, in units of 0.1 ms, modulo 2^24
	N       int    // how many of Samples there are
	Samples [MaxSamples]Sample
}

// A Sample says when a packet came.
type Sample struct {
	Back   uint8 // its number is so much less than that of the newest; at least 1
	Before int16 // it came so much earlier, in units of 0.1 ms; negative if later
}

// ErrMalformed is what Parse returns for bytes that are no Report.
var ErrMalformed = errors.New("malformed report")

// Append appends the encoding of r, at most MaxReport bytes, to b.
func (r *Report) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, r.Newest)
	b = binary.BigEndian.AppendUint16(b, r.Packets)
	b = binary.BigEndian.AppendUint32(b, r.Bytes)
	b = append(b, byte(r.Time>>16), byte(r.Time>>8), byte(r.Time))
	for _, s := range r.Samples[:r.N] {
		b = append(b, s.Back)
		b = binary.BigEndian.AppendUint16(b, uint16(s.Before))
	}
	return b
}

// Parse decodes a Report.
func Parse(b []byte) (r Report, err error) {
	n := (len(b) - reportHead) / sampleSize
	if len(b) < reportHead || n > MaxSamples || len(b) != reportHead+n*sampleSize {
		return r, ErrMalformed
	}
	r.Newest = binary.BigEndian.Uint32(b)
	r.Packets = binary.BigEndian.Uint16(b[4:])
	r.Bytes = binary.BigEndian.Uint32(b[6:])
	r.Time = uint32(b[10])<<16 | uint32(b[11])<<8 | uint32(b[12])
	for i := range n {
		s := b[reportHead+i*sampleSize:]
		if s[0] == 0 {
			return Report{}, ErrMalformed
		}
		r.Samples[i] = Sample{Back: s[0], Before: int16(binary.BigEndian.Uint16(s[1:]))}
	}
	r.N = n
	return r, nil
}

// A clock turns times into ticks since its first one.
type clock struct{ began time.Time }

func (c *clock) ticks(now time.Time) uint32 {
	if c.began.IsZero() {
		c.began = now
	}
	return uint32(now.Sub(c.began) / tick)
}

// short returns a difference of times of timeBits as a number with a sign.
func short(v uint32) int32 { return int32(v<<(32-timeBits)) >> (32 - timeBits) }
