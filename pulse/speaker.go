package pulse

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

const (
	speakerBuffer = 25 * time.Millisecond
	pieceSamples  = Rate / 100 // how much is sent at a time: 10 ms
	pieceSize     = pieceSamples * sampleSize
)

// A Speaker plays. One goroutine writes; any goroutine may close.
type Speaker struct {
	stream
	latency   atomic.Int64 // time.Duration; updated by tend
	held      atomic.Int64 // time.Duration; of that, what the device takes; updated by tend
	underruns atomic.Uint64

	// Guarded by mu.
	credit int  // bytes that the server wants
	target int  // bytes that the server tries to hold
	played bool // something has been written
	late   int  // bytes: the most that the writer came too late by since adapt looked

	// Owned by the goroutine that writes.
	piece [pieceSize]byte

	// Owned by tend.
	growth growth
}

// OpenSpeaker starts playing. ctx bounds the opening only. When the device goes
// away the server may move the Speaker to another. The error wraps ErrNoServer,
// ErrNotFound, or what the server said.
func OpenSpeaker(ctx context.Context, c Config) (*Speaker, error) {
	s := &Speaker{}
	s.init("play")
	s.echo = c.Echo
	release, err := s.connect(ctx, c.server(), s.event)
	if err != nil {
		return nil, err
	}
	if err := s.create(c); !release() || err != nil {
		return nil, s.abandon(ctx, err)
	}
	s.tending.Go(func() { s.tend(s.adapt, s.poll) })
	s.attach()
	return s, nil
}

// create asks the server for the stream.
//
// With early requests the device takes no more than a quantum at a time, and asks
// for it at once, so that all of the queue but the piece that we are about to
// send is there for when we come late. When the server is left to share the
// length between queue and device, it makes both so coarse that with a length of
// 30 ms as little as 5 ms may be left, though 22 ms are waited for.
func (s *Speaker) create(c Config) error {
	name := "" // the default, which the server may change under us
	switch {
	case c.Echo != nil:
		name = c.Echo.sink()
	case c.Device != "":
		sinks, err := s.client.sinks()
		if err != nil {
			return err
		}
		if name, err = choose(sinks, c.Device); err != nil {
			return err
		}
	}
	buffer := c.Buffer
	if buffer <= 0 {
		buffer = speakerBuffer
	}
	var reply proto.CreatePlaybackStreamReply
	err := s.client.proto.Request(&proto.CreatePlaybackStream{
		SampleSpec: sampleSpec, ChannelMap: mono,
		SinkIndex: proto.Undefined, SinkName: name,
		BufferMaxLength: proto.Undefined, BufferTargetLength: uint32(size(buffer)),
		BufferPrebufferLength: 0, // start at once, and never stop to wait for us
		BufferMinimumRequest:  uint32(size(quantum)), EarlyRequests: true,
		NoMove:     c.Echo != nil, // past the canceller, everybody would hear themselves
		Properties: properties("voices"), ChannelVolumes: fullVolume,
	}, &reply)
	if err != nil {
		return err
	}
	s.index = reply.StreamIndex
	s.growth = newGrowth(buffer)
	s.latency.Store(int64(duration(int(reply.BufferTargetLength) / sampleSize)))
	s.setSuspended(reply.SinkSuspended)
	s.setTarget(int(reply.BufferTargetLength))
	s.grant(int(reply.Missing))
	return nil
}

// event takes what the server says; the connection serves this stream alone. It
// runs on the goroutine that reads the connection.
func (s *Speaker) event(e any) {
	switch e := e.(type) {
	case *proto.Request:
		s.grant(int(e.Length))
	case *proto.Underflow:
		s.underrun()
	case *proto.PlaybackBufferAttrChanged:
		s.setTarget(int(e.BufferTargetLength))
	case *proto.PlaybackStreamMoved:
		s.setTarget(int(e.BufferTargetLength))
		s.setSuspended(e.Suspended)
	case *proto.PlaybackStreamSuspended:
		s.setSuspended(e.Suspended)
	case *proto.PlaybackStreamKilled:
		s.fail(ErrGone, nil)
	}
}

// grant notes that the server wants n bytes more.
func (s *Speaker) grant(n int) {
	s.mu.Lock()
	s.credit += n
	s.active = time.Now()
	s.mu.Unlock()
	s.changed.Signal()
}

func (s *Speaker) setTarget(n int) {
	s.mu.Lock()
	s.target = n
	s.mu.Unlock()
}

func (s *Speaker) underrun() {
	s.mu.Lock()
	if s.played { // before that it is only waiting for the first sound
		s.underruns.Add(1)
	}
	s.mu.Unlock()
}

// Wait waits until the server wants the next 10 ms. Write then begins at once.
// It fails as Write does.
func (s *Speaker) Wait() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.credit < pieceSize && s.err == nil {
		s.changed.Wait()
	}
	return s.err
}

// Write waits until the server wants len(pcm) samples more and hands them over,
// 10 ms at a time, so that the device's clock paces its caller. While the device
// is suspended it wants nothing, and Write waits. A writer that comes too late
// hears nothing of what it missed: the server played silence instead. Write
// returns an error wrapping ErrGone when the device or the server went away.
// Close unblocks it; it then returns an error wrapping os.ErrClosed.
func (s *Speaker) Write(pcm []int16) error {
	for len(pcm) > 0 {
		n := min(len(pcm), pieceSamples)
		late, err := s.await(n * sampleSize)
		if err != nil {
			return err
		}
		clear(s.piece[:])
		for ; late > 0; late -= pieceSize {
			s.send(min(late, pieceSize))
		}
		for i, v := range pcm[:n] {
			binary.LittleEndian.PutUint16(s.piece[i*sampleSize:], uint16(v))
		}
		s.send(n * sampleSize)
		pcm = pcm[n:]
	}
	return nil
}

// await waits until the server wants n bytes, and takes them off the account.
//
// A server that had nothing to play goes on asking, and later throws away what
// should have been heard meanwhile. Left to it, a writer that stood still for a
// second would then be rid of a second of sound at once, unheard. So await
// returns how many bytes of silence to give it instead. What the server wants is
// what it tries to hold less what it has, so anything beyond that is late.
func (s *Speaker) await(n int) (late int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.credit < n && s.err == nil {
		s.changed.Wait()
	}
	if s.err != nil {
		return 0, s.err
	}
	late = max(0, s.credit-max(s.target, n))
	if s.played { // before that nobody was waiting
		s.late = max(s.late, late)
	}
	s.credit -= late + n
	s.played = true
	return late, nil
}

// send sends the first n bytes of the piece.
func (s *Speaker) send(n int) {
	if err := s.client.proto.Send(s.index, s.piece[:n]); err != nil {
		s.fail(ErrGone, err)
	}
}

// poll asks the server how long its queue is, and its device's.
func (s *Speaker) poll() error {
	var r proto.GetPlaybackLatencyReply
	err := s.client.proto.Request(&proto.GetPlaybackLatency{StreamIndex: s.index, Time: serverTime(time.Now())}, &r)
	if err != nil {
		return err
	}
	queue := r.WriteIndex - r.ReadIndex
	if queue < 0 {
		return nil // it has run out of sound, which says nothing about the next
	}
	s.mu.Lock()
	now := duration(s.target / sampleSize)
	s.mu.Unlock()
	held := time.Duration(min(r.Latency, proto.Microseconds(maxDelay/time.Microsecond))) * time.Microsecond
	if r.Latency > 0 {
		now = duration(int(queue)/sampleSize) + time.Duration(r.Latency)*time.Microsecond
	}
	// Old PipeWire says zero of its device, and its queue empties in large
	// steps: there what the queue is to hold is the better estimate.
	old := s.Latency()
	s.latency.Store(int64(old + (now-old)/2))
	s.held.Store((s.held.Load() + int64(held)) / 2)
	return nil
}

// adapt lets the server hold more when it ran out of sound too often, and less
// when it did not for long.
func (s *Speaker) adapt(now time.Time) {
	s.mu.Lock()
	late := duration(s.late / sampleSize)
	s.late = 0
	s.mu.Unlock()
	if !s.growth.step(now, s.underruns.Load(), late) {
		return
	}
	var reply proto.SetPlaybackStreamBufferAttrReply
	err := s.client.proto.Request(&proto.SetPlaybackStreamBufferAttr{
		StreamIndex:     s.index,
		BufferMaxLength: proto.Undefined, BufferTargetLength: uint32(size(s.growth.length)),
		BufferPrebufferLength: 0, BufferMinimumRequest: uint32(size(quantum)), EarlyRequests: true,
	}, &reply)
	if err == nil { // otherwise it stays as it is, and poll finds out why
		s.setTarget(int(reply.BufferTargetLength))
	}
}

// Latency estimates how long a sample written now takes until it is heard.
func (s *Speaker) Latency() time.Duration { return time.Duration(s.latency.Load()) }

// Delay is Latency in its parts.
func (s *Speaker) Delay() Delay {
	all := s.Latency()
	device := min(time.Duration(s.held.Load()), all)
	return Delay{Device: device, Buffer: all - device}
}

// Underruns returns how often the server ran out of sound.
func (s *Speaker) Underruns() uint64 { return s.underruns.Load() }

// Close ends the sound, and returns when nothing of it is left. It returns nil.
func (s *Speaker) Close() error {
	s.close()
	return nil
}
