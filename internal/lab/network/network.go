// Package network is the part of the lab that is a bad network: hosts, which are
// network namespaces of this machine, joined by a wire with delay, jitter, loss,
// bottlenecks and outages. Programs run on the hosts with the sockets of the
// kernel; what the wire does to them is a function of its shapes alone. It takes
// Linux, the rights of root and "ip" of iproute2, and no netem.
//
//	host > veth > Up path of the host > Down path of the other host > veth > host
//
// A frame that one host sends to another passes the sender's Up path and then the
// receiver's Down path. The wire carries IPv4 alone; hosts know each other's
// hardware addresses from the start, so that a lost ARP packet delays nobody. A
// datagram that is longer than 1500 bytes travels in pieces, as anywhere.
package network

import (
	"errors"
	"fmt"
	"time"
)

// A Direction says which paths of a host are meant.
type Direction int

// The directions.
const (
	Up   Direction = 1 << iota // what the host sends
	Down                       // what the host receives
	Both = Up | Down
)

// A Shape is what a path does to frames. The zero Shape passes everything at once.
//
// A frame waits in the queue of the bottleneck, takes its time on it, may be lost
// then, and arrives after delay and jitter.
type Shape struct {
	// Delay of every frame, without the time that the bottleneck takes.
	Delay time.Duration

	// Jitter is added to Delay: between none and all of it, evenly spread, or,
	// if Exponential, of this mean and without a limit.
	Jitter      time.Duration
	Exponential bool

	// Reorder lets frames overtake each other. Without it one that was held
	// holds those behind it, as routers do.
	Reorder bool

	// Loss is the share of the frames that are lost, 0 to 1, and Burst the mean
	// number that are lost in a row (the model of Gilbert); up to 1 each is lost
	// for itself.
	Loss  float64
	Burst float64

	// Rate is that of a bottleneck in kbit/s, whole frames counted, with
	// Ethernet's 14 bytes; 0 means that there is none. A frame that would have to
	// wait for longer than Queue is dropped; 0 means 200 ms.
	Rate  float64
	Queue time.Duration

	// Cut lets nothing in. What is on its way arrives. CutUDP does so with the
	// datagrams of UDP.
	Cut, CutUDP bool

	// Seed of losses and jitter.
	Seed uint64
}

const defaultQueue = 200 * time.Millisecond

// check returns why a shape makes no sense.
func (s Shape) check() error {
	switch {
	case s.Delay < 0 || s.Jitter < 0 || s.Queue < 0:
		return errors.New("a time is negative")
	case !(s.Loss >= 0 && s.Loss <= 1):
		return fmt.Errorf("loss %v is not a share", s.Loss)
	case !(s.Rate >= 0) || !(s.Burst >= 0):
		return errors.New("a figure is negative")
	}
	return nil
}

// Counters are what happened on a path so far.
type Counters struct {
	Frames  uint64 // that came to it
	Bytes   uint64 // of these, whole frames
	Lost    uint64 // frames lost by Loss or Cut
	Dropped uint64 // frames for which the queue was too long
}

// Since returns what happened after the earlier counters were read.
func (c Counters) Since(earlier Counters) Counters {
	return Counters{c.Frames - earlier.Frames, c.Bytes - earlier.Bytes, c.Lost - earlier.Lost, c.Dropped - earlier.Dropped}
}

// Fidelity says how well the wire kept to its shapes on this machine.
type Fidelity struct {
	Frames uint64        // that were delivered
	Late   uint64        // of these, how many more than a millisecond after they were due
	Worst  time.Duration // by how much one was at most
	Missed uint64        // frames for which the machine was too slow: these figures are worth nothing
}
