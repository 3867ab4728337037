package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/device"
	"github.com/sanix-darker/s2c/internal/lab/sound"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/pulse"
)

// A part of the way from mouth to ear.
type part struct {
	name string
	ms   float64
}

// showParts prints the parts, their sum, and what is left of the measured median.
func showParts(out io.Writer, parts []part, median float64) {
	sum := 0.0
	for _, p := range parts {
		fmt.Fprintf(out, "%8.1f ms  %s\n", p.ms, p.name)
		sum += p.ms
	}
	fmt.Fprintf(out, "%8.1f ms  the rest of the median\n", median-sum)
}

// A mean is that of durations, in milliseconds. Zeros, which mean that something
// is not known, do not count.
type mean struct{ sum, n float64 }

func (m *mean) add(d time.Duration) {
	if d > 0 {
		m.sum += float64(d) / float64(time.Millisecond)
		m.n++
	}
}

func (m *mean) value() float64 { return m.sum / max(1, m.n) }

// sampleEvery is how often delays are asked for.
const sampleEvery = 250 * time.Millisecond

// A relay is a call without the call: one microphone, a chunk at a time, and a
// speaker, in one process. It shows what the devices take.
type relay struct {
	echo    *pulse.Echo // nil without cancellation
	mic     *pulse.Mic
	speaker *pulse.Speaker
	queue   chan heard // of 3; the oldest goes
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu                                                sync.Mutex
	micDevice, micBuffer, waits, spkBuffer, spkDevice mean // guarded by mu
	gaps                                              int  // guarded by mu: chunks of silence since the first sound
}

// heard is a chunk and when it was read.
type heard struct {
	pcm [media.ChunkSamples]int16
	at  time.Time
}

// startRelay starts a relay between the default devices of a server.
func startRelay(ctx context.Context, server string, how settings) (_ *relay, err error) {
	r := &relay{queue: make(chan heard, 3)}
	if how.aec {
		if r.echo, err = pulse.OpenEcho(ctx, pulse.EchoConfig{Server: server}); err != nil {
			return nil, err
		}
	}
	c := pulse.Config{Server: server, Echo: r.echo}
	if r.mic, err = pulse.OpenMic(ctx, c); err != nil {
		r.close()
		return nil, err
	}
	if c.Buffer = how.buffer; how.lowLatency && c.Buffer == 0 {
		c.Buffer = device.LowBuffer
	}
	if r.speaker, err = pulse.OpenSpeaker(ctx, c); err != nil {
		r.close()
		return nil, err
	}
	ctx, r.cancel = context.WithCancel(ctx)
	r.running.Go(r.listen)
	r.running.Go(r.play)
	r.running.Go(func() { r.sample(ctx) })
	return r, nil
}

// listen reads the microphone until it is closed.
func (r *relay) listen() {
	for {
		var h heard
		if _, err := r.mic.Read(h.pcm[:]); err != nil {
			return
		}
		h.at = time.Now()
		for sent := false; !sent; {
			select {
			case r.queue <- h:
				sent = true
			default:
				select {
				case <-r.queue:
				default:
				}
			}
		}
	}
}

// play plays what was heard until the speaker is closed.
func (r *relay) play() {
	started := false
	for {
		if r.speaker.Wait() != nil {
			return
		}
		var h heard
		select {
		case h = <-r.queue:
			started = true
			r.mu.Lock()
			r.waits.add(time.Since(h.at))
			r.mu.Unlock()
		default:
			if started {
				r.mu.Lock()
				r.gaps++
				r.mu.Unlock()
			}
		}
		if r.speaker.Write(h.pcm[:]) != nil {
			return
		}
	}
}

// sample asks the devices for their delays until ctx is done.
func (r *relay) sample(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m, s := r.mic.Delay(), r.speaker.Delay()
		r.mu.Lock()
		r.micDevice.add(m.Device)
		r.micBuffer.add(m.Buffer)
		r.spkBuffer.add(s.Buffer)
		r.spkDevice.add(s.Device)
		r.mu.Unlock()
	}
}

// parts returns where the time goes, and how many chunks of silence there were.
func (r *relay) parts() (list []part, gaps int, underruns uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return []part{
		{"microphone: device", r.micDevice.value()},
		{"microphone: server's queue", r.micBuffer.value()},
		{"collecting a chunk", float64(media.ChunkTime / time.Millisecond)},
		{"waiting for the speaker", r.waits.value()},
		{"speaker: server's queue", r.spkBuffer.value()},
		{"speaker: device", r.spkDevice.value()},
	}, r.gaps, r.speaker.Underruns()
}

// close ends everything, the canceller last.
func (r *relay) close() {
	if r.cancel != nil {
		r.cancel()
	}
	if r.mic != nil {
		r.mic.Close()
	}
	if r.speaker != nil {
		r.speaker.Close()
	}
	r.running.Wait()
	if r.echo != nil {
		r.echo.Close()
	}
}

// measureDevices measures the way from microphone to speaker through one process
// and prints where the time goes.
func measureDevices(ctx context.Context, kind sound.Kind, how settings, o sound.Options, out io.Writer) error {
	server, err := start(kind)
	if err != nil {
		return err
	}
	defer server.close()
	r, err := startRelay(ctx, server.Address(), how)
	if err != nil {
		return err
	}
	defer r.close()
	o.Mouth, o.Ear, o.EarFrom = server.Address(), server.Address(), sound.SpeakerMonitor
	report, err := sound.Measure(ctx, o)
	if err != nil {
		return err
	}
	if err := show(out, report); err != nil {
		return err
	}
	parts, gaps, underruns := r.parts()
	showParts(out, parts, report.Median)
	fmt.Fprintf(out, "chunks missing %d, underruns of the speaker %d\n", gaps, underruns)
	return nil
}

// A watcher asks the servers of a call what s2c's streams take, until it is
// closed. Old PipeWire does not say.
type watcher struct {
	packet  time.Duration
	stop    chan struct{}
	running sync.WaitGroup

	// Owned by the goroutine until it has ended.
	mic, speaker [2]mean // queue and device
}

func watch(mouth, ear *sound.Server, packet time.Duration) *watcher {
	w := &watcher{packet: packet, stop: make(chan struct{})}
	w.running.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-tick.C:
			}
			note(mouth, sound.FromMics, &w.mic)
			note(ear, sound.ToSpeakers, &w.speaker)
		}
	})
	return w
}

// note adds what the server says of s2c's streams. One that does not answer is
// asked again soon.
func note(s *sound.Server, d sound.Direction, to *[2]mean) {
	list, err := s.Streams(d)
	if err != nil {
		return
	}
	for _, stream := range list {
		if stream.Client == "s2c" {
			to[0].add(stream.Held)
			to[1].add(stream.Inside)
		}
	}
}

// parts ends the watch and returns what was seen.
func (w *watcher) parts() []part {
	close(w.stop)
	w.running.Wait()
	return []part{
		{"microphone: device", w.mic[1].value()},
		{"microphone: server's queue", w.mic[0].value()},
		{"collecting a packet", float64(w.packet / time.Millisecond)},
		{"speaker: server's queue", w.speaker[0].value()},
		{"speaker: device", w.speaker[1].value()},
	}
}
