package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/media"
)

const (
	way = 20 * time.Millisecond // of the fastest packet

	// device is by how much a Get comes after a chunk is captured, give or take
	// whole chunks.
	device = 7 * time.Millisecond
)

// A talk is speech as packets.
type talk struct {
	packets [][]byte
	length  time.Duration // of a packet
	step    int           // chunks in a packet
}

// encode returns speech as the packets that are sent.
func encode(pcm []int16, cfg audio.EncoderConfig, lossTold int) (*talk, error) {
	e, err := audio.NewEncoder(cfg)
	if err != nil {
		return nil, err
	}
	if err := e.SetLoss(lossTold); err != nil {
		return nil, err
	}
	t := &talk{length: cfg.Packet, step: int(cfg.Packet / media.ChunkTime)}
	var c media.Chunk
	for ; len(pcm) >= len(c.PCM); pcm = pcm[len(c.PCM):] {
		copy(c.PCM[:], pcm)
		b, err := e.Encode(nil, &c)
		if err != nil {
			return nil, err
		}
		if len(b) > 0 {
			t.packets = append(t.packets, b)
		}
	}
	return t, nil
}

// lasts returns how long the talk is.
func (t *talk) lasts() time.Duration { return time.Duration(len(t.packets)) * t.length }

// sound returns what Put takes for packet i, behind packets later, which came at
// that time of the talk.
func (t *talk) sound(at time.Duration, i, behind int) audio.Packet {
	i -= behind
	return audio.Packet{Index: uint16(i * t.step), Behind: uint8(behind), Age: at - time.Duration(i)*t.length, Opus: t.packets[i]}
}

// A network carries packets in virtual time.
type network struct {
	loss   loss
	jitter time.Duration
	red    []int   // as policy
	drift  float64 // of the speaker's clock, in millionths: slower when positive
	seed   uint64
	settle time.Duration // is not counted
}

// An arrival is a packet that came.
type arrival struct {
	at    time.Duration
	index int
}

// arrivals says when which of count packets come that are sent so often. The
// losses are the same for every jitter.
func (n network) arrivals(count int, every time.Duration) []arrival {
	lost, held := rand.New(rand.NewPCG(n.seed, 1)), rand.New(rand.NewPCG(n.seed, 2))
	// Of the packets that could start a row, so many do.
	share := float64(n.loss.percent) / 100
	start := share / (float64(n.loss.row) - share*float64(n.loss.row-1))
	var all []arrival
	row := 0
	for i := range count {
		at := time.Duration(i)*every + way
		if n.jitter > 0 {
			at += time.Duration(held.Int64N(int64(n.jitter)))
		}
		if row == 0 && lost.Float64() < start {
			row = n.loss.row
		}
		if row > 0 {
			row--
			continue
		}
		all = append(all, arrival{at, i})
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	return all
}

// A point is a chunk as it was heard.
type point struct {
	delay float64 // ms
	at    int     // sample of the speech that it begins with
}

// What was heard.
type heard struct {
	pcm         []int16 // after the network's settle
	points      []point // of each chunk of it
	first, last audio.VoiceStats
	kilobits    float64 // a second
}

// play sends a talk through the network and a Voice.
func (n network) play(t *talk) (*heard, error) {
	v, err := audio.NewVoice()
	if err != nil {
		return nil, err
	}
	h := &heard{kilobits: n.rate(t)}
	begin := time.Unix(1e9, 0)
	come := n.arrivals(len(t.packets), t.length)
	var c media.Chunk
	for i := 0; ; i++ {
		now := time.Duration(float64(i)*float64(media.ChunkTime)*(1+n.drift/1e6)) + device
		if now > t.lasts() {
			break // a fast speaker has more to play, a slow one less
		}
		for ; len(come) > 0 && come[0].at <= now; come = come[1:] {
			n.put(v, begin, come[0], t)
		}
		ok := v.Get(begin.Add(now), &c)
		if now < n.settle {
			h.first = v.Stats()
			continue
		}
		p := point{at: int(c.At.Sub(begin) * media.SampleRate / time.Second), delay: float64(begin.Add(now).Sub(c.At)) / 1e6}
		if !ok && len(h.points) > 0 {
			before := h.points[len(h.points)-1]
			p = point{at: before.at + media.ChunkSamples, delay: before.delay}
		}
		h.points = append(h.points, p)
		h.pcm = append(h.pcm, c.PCM[:]...)
	}
	h.last = v.Stats()
	return h, nil
}

// rate returns the kbit/s of Opus with its copies.
func (n network) rate(t *talk) float64 {
	size := 0
	for i, p := range t.packets {
		size += len(p)
		for _, behind := range n.red {
			if i >= behind {
				size += len(t.packets[i-behind])
			}
		}
	}
	return float64(size) * 8 / 1000 / t.lasts().Seconds()
}

// put gives a datagram to a Voice.
func (n network) put(v *audio.Voice, begin time.Time, a arrival, t *talk) {
	now := begin.Add(a.at)
	v.Put(now, t.sound(a.at, a.index, 0))
	for _, behind := range n.red {
		if a.index >= behind {
			v.Put(now, t.sound(a.at, a.index, behind))
		}
	}
}

// stats returns what became of the packets.
func (h *heard) stats() audio.VoiceStats {
	s := h.last
	s.Concealed -= h.first.Concealed
	s.Restored -= h.first.Restored
	s.Repeated -= h.first.Repeated
	s.Shortened -= h.first.Shortened
	s.Lengthened -= h.first.Lengthened
	return s
}

// delays returns the mean and the 95th percentile in ms.
func (h *heard) delays() (mean, p95 float64) {
	var all []float64
	for _, p := range h.points {
		all = append(all, p.delay)
		mean += p.delay
	}
	slices.Sort(all)
	return mean / float64(len(all)), all[len(all)*95/100]
}

// decode returns what is heard of a talk on a perfect network: chunk for chunk,
// without the delay.
func decode(t *talk) ([]int16, error) {
	v, err := audio.NewVoice()
	if err != nil {
		return nil, err
	}
	pcm := make([]int16, len(t.packets)*t.step*media.ChunkSamples)
	begin := time.Unix(1e9, 0)
	var c media.Chunk
	for i := range len(t.packets) * t.step {
		now := time.Duration(i) * media.ChunkTime
		if i%t.step == 0 {
			v.Put(begin.Add(now), t.sound(now, i/t.step, 0))
		}
		if v.Get(begin.Add(now+device), &c) {
			at := int(c.At.Sub(begin) * media.SampleRate / time.Second)
			if at >= 0 {
				copy(pcm[at:], c.PCM[:])
			}
		}
	}
	return pcm, nil
}
