package pulse

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

const (
	ringSize = Rate / 5 // samples: 200 ms, more would be heard as an echo of the past
	maxDelay = 500 * time.Millisecond
)

// quantum is how much sound the servers are asked to handle at a time. PipeWire
// makes 256 samples of it, which is the least that it does unless it is told to.
// It divides a piece: otherwise parts of quanta add up to what is short in the end.
const quantum = 5 * time.Millisecond

// echoBlock is how much sound a canceller handles at a time.
const echoBlock = 10 * time.Millisecond

// A Mic records. One goroutine reads; any goroutine may close.
type Mic struct {
	stream

	// Guarded by mu.
	ring  [ringSize]int16
	first int           // index of the oldest sample
	n     int           // samples in the ring
	clock clock         // of the arrivals
	delay delay         // from the capture of a packet's last sample to its arrival
	start time.Duration // from the opening to the first sample's arrival
	held  time.Duration // of that, what the device takes, as the server says

	// Set by OpenMic.
	name    string // the server's name of the device
	follows bool   // it is to be the default
}

// OpenMic starts recording. ctx bounds the opening only. The server never moves
// the Mic to another device: when its device goes away, so does the Mic, and one
// of the default device also when there is another default. The error wraps ErrNoServer, ErrNotFound, or what the server said.
func OpenMic(ctx context.Context, c Config) (*Mic, error) {
	m := &Mic{}
	m.init("record")
	m.echo = c.Echo
	release, err := m.connect(ctx, c.server(), m.event)
	if err != nil {
		return nil, err
	}
	if err := m.create(c); !release() || err != nil {
		return nil, m.abandon(ctx, err)
	}
	m.tending.Go(func() { m.tend(nil, m.poll) })
	m.attach()
	return m, nil
}

// device finds out which device to record.
func (m *Mic) device(c Config) (err error) {
	if c.Echo != nil {
		m.name = c.Echo.source()
		return nil
	}
	if c.Device == "" {
		m.follows = true
		m.check = m.isDefault
		// before it is asked, so that no change goes unnoticed
		mask := proto.SubscriptionMaskServer | proto.SubscriptionMaskSource
		if err := m.client.proto.Request(&proto.Subscribe{Mask: mask}, nil); err != nil {
			return err
		}
	}
	sources, err := m.client.sources()
	if err != nil {
		return err
	}
	m.name, err = choose(sources, c.Device)
	return err
}

// isDefault returns ErrMoved when there is another default device.
func (m *Mic) isDefault() error {
	sources, err := m.client.sources()
	if err != nil {
		return err
	}
	// When there is none left, the server is about to say so.
	if name, err := choose(sources, ""); err == nil && name != m.name {
		return ErrMoved
	}
	return nil
}

// create asks the server for the stream.
func (m *Mic) create(c Config) error {
	if err := m.device(c); err != nil {
		return err
	}
	buffer := c.Buffer
	if buffer <= 0 {
		buffer = quantum
		if c.Echo != nil {
			// A canceller works in blocks of this length, so that less comes no sooner.
			buffer = echoBlock
		}
	}
	var reply proto.CreateRecordStreamReply
	err := m.client.proto.Request(&proto.CreateRecordStream{
		SampleSpec: sampleSpec, ChannelMap: mono,
		SourceIndex: proto.Undefined, SourceName: m.name,
		BufferMaxLength: proto.Undefined, BufferFragSize: uint32(size(buffer)), AdjustLatency: true,
		// A microphone that is unplugged would otherwise become, without a
		// word, the monitor of the speaker: everybody would hear themselves.
		NoMove:             true,
		DirectOnInputIndex: proto.Undefined,
		Properties:         properties("microphone"), ChannelVolumes: fullVolume,
	}, &reply)
	if err != nil {
		return err
	}
	m.index = reply.StreamIndex
	m.setSuspended(reply.SourceSuspended)
	return nil
}

// event takes what the server says; the connection serves this stream alone. It
// runs on the goroutine that reads the connection.
func (m *Mic) event(e any) {
	switch e := e.(type) {
	case *proto.DataPacket:
		m.record(e.Data, time.Now())
	case *proto.RecordStreamKilled:
		m.fail(ErrGone, nil)
	case *proto.RecordStreamMoved:
		// Not asked for: it may now be what the others say.
		m.fail(ErrGone, nil)
	case *proto.RecordStreamSuspended:
		m.setSuspended(e.Suspended)
	case *proto.SubscribeEvent:
		wake(m.asked)
	}
}

// record appends a packet, which arrived at now, to the ring. The oldest sound
// makes room.
func (m *Mic) record(data []byte, now time.Time) {
	m.mu.Lock()
	if m.clock.next.IsZero() {
		m.start = max(0, now.Sub(m.active))
	}
	m.active = now
	m.clock.stamp(now, duration(len(data)/sampleSize))
	for ; len(data) >= sampleSize; data = data[sampleSize:] {
		m.ring[(m.first+m.n)%ringSize] = int16(binary.LittleEndian.Uint16(data))
		if m.n < ringSize {
			m.n++
		} else {
			m.first = (m.first + 1) % ringSize
		}
	}
	m.mu.Unlock()
	m.changed.Signal()
}

// Read waits until pcm is full and returns when its first sample was recorded.
// A reader that falls more than 200 ms behind loses the oldest sound. While the
// device is suspended there is no sound, and Read waits. It returns an error
// wrapping ErrGone when the device or the server went away. Close unblocks it;
// it then returns an error wrapping os.ErrClosed.
func (m *Mic) Read(pcm []int16) (time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var at time.Time
	for got := 0; got < len(pcm); {
		if m.err != nil {
			return time.Time{}, m.err
		}
		if m.n == 0 {
			m.changed.Wait()
			continue
		}
		if got == 0 {
			at = m.clock.next.Add(-duration(m.n) - m.delay.value)
		}
		// up to the end of the array; the rest in the next round
		k := copy(pcm[got:], m.ring[m.first:min(m.first+m.n, ringSize)])
		m.first = (m.first + k) % ringSize
		m.n -= k
		got += k
	}
	return at, nil
}

// poll asks the server how long sound takes from the microphone to us. All that
// had been captured when it answered was: what we have got, what waits in the
// server's queue, and what the device holds. An answer that took long says
// nothing: nobody knows of which moment it is.
func (m *Mic) poll() error {
	asked := time.Now()
	var r proto.GetRecordLatencyReply
	err := m.client.proto.Request(&proto.GetRecordLatency{StreamIndex: m.index, Time: serverTime(asked)}, &r)
	if err != nil {
		return err
	}
	now := time.Now()
	if now.Sub(asked) > maxAnswer {
		return nil
	}
	device := min(time.Duration(min(r.Latency, proto.Microseconds(maxDelay/time.Microsecond)))*time.Microsecond, maxDelay)
	m.learn(now, device, duration(int(max(0, r.WriteIndex-r.ReadIndex))/sampleSize))
	return nil
}

// Delay estimates how long it takes from the capture of a sample until Read has
// it, besides the time until the rest of what Read waits for is captured. It is
// zero until the server has been asked three times, within the first second.
func (m *Mic) Delay() Delay {
	m.mu.Lock()
	defer m.mu.Unlock()
	device := min(m.held, m.delay.value)
	return Delay{Device: device, Buffer: m.delay.value - device}
}

// learn takes into account how much sound the server says that the device and
// its own queue held at time now. Zero means that it does not know.
//
// Servers are wrong about their queue at times, by hundreds of milliseconds. It
// cannot hold more than was captured before the first sound came, and what is
// late since.
func (m *Mic) learn(now time.Time, device, queue time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if device+queue == 0 || m.clock.next.IsZero() {
		return
	}
	queue = min(queue, m.start+max(0, now.Sub(m.clock.next)))
	m.held += (device - m.held) / 4
	m.delay.add(min(max(0, m.clock.next.Sub(now.Add(-device-queue))), maxDelay))
}

// Close ends the recording, and returns when nothing of it is left. It returns nil.
func (m *Mic) Close() error {
	m.close()
	return nil
}

const (
	clockGap   = 50 * time.Millisecond // a later packet starts a new reckoning
	clockSlope = 256                   // packets until most of a lasting shift is believed
)

// A clock turns the arrivals of packets into the times at which their sound
// happened. Packets come late by chance, never early, so it goes by those that
// came early and follows the others slowly.
type clock struct {
	next time.Time // when the next packet's sound begins
}

// stamp takes a packet of length d that arrived at now, and returns when its
// sound began.
func (c *clock) stamp(now time.Time, d time.Duration) time.Time {
	start := now.Add(-d)
	late := start.Sub(c.next)
	if late > 0 && late < clockGap {
		start = c.next.Add(late / clockSlope)
	}
	c.next = start.Add(d)
	return start
}

const (
	maxAnswer    = 20 * time.Millisecond // a later answer is not believed
	delayReports = 5                     // whose median counts
	delayEnough  = 3                     // from so many on
	delayRise    = 2 * time.Millisecond  // with each report, at most
)

// A delay is that of a device, of which the server tells now and then. It hardly
// ever changes, and the server may be wrong.
type delay struct {
	value   time.Duration
	reports [delayReports]time.Duration // the last ones
	n       int                         // of all
}

// add takes what the server says.
func (d *delay) add(v time.Duration) {
	d.reports[d.n%delayReports] = v
	d.n++
	last := d.reports
	known := last[:min(d.n, delayReports)]
	slices.Sort(known)
	median := known[len(known)/2]
	switch {
	case d.n < delayEnough:
	case d.n == delayEnough:
		d.value = median
	default:
		d.value += min((median-d.value)/4, delayRise)
	}
}
