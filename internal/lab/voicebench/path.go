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
	packet = audio.LongPacket
	way    = 20 * time.Millisecond // of the fastest packet
	settle = 5 * time.Second       // is not counted

	// device is by how much a Get comes after a chunk is captured, give or take
	// whole chunks.
	device = 7 * time.Millisecond
)

// encode returns the packets of speech for a link with that loss.
func encode(pcm []int16, bitrate int, l loss, p policy) ([][]byte, error) {
	e, err := audio.NewEncoder(audio.EncoderConfig{Bitrate: bitrate})
	if err != nil {
		return nil, err
	}
	if p.fec {
		if err := e.SetLoss(max(l.percent, 1)); err != nil {
			return nil, err
		}
	}
	var packets [][]byte
	var c media.Chunk
	for ; len(pcm) >= len(c.PCM); pcm = pcm[len(c.PCM):] {
		copy(c.PCM[:], pcm)
		b, err := e.Encode(nil, &c)
		if err != nil {
			return nil, err
		}
		if len(b) > 0 {
			packets = append(packets, b)
		}
	}
	return packets, nil
}

// A network carries packets in virtual time.
type network struct {
	loss   loss
	jitter time.Duration
	again  int
	drift  float64 // of the speaker's clock, in millionths: slower when positive
	seed   uint64
}

// An arrival is a packet that came.
type arrival struct {
	at    time.Duration
	index int
}

// arrivals says when which of n packets come. The losses are the same for every
// jitter.
func (n network) arrivals(count int) []arrival {
	lost, held := rand.New(rand.NewPCG(n.seed, 1)), rand.New(rand.NewPCG(n.seed, 2))
	// Of the packets that could start a row, so many do.
	share := float64(n.loss.percent) / 100
	start := share / (float64(n.loss.row) - share*float64(n.loss.row-1))
	var all []arrival
	row := 0
	for i := range count {
		at := time.Duration(i)*packet + way
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
	pcm         []int16 // from settle on
	points      []point // of each chunk of it
	first, last audio.VoiceStats
	kilobits    float64 // a second
}

// play sends packets through the network and a Voice.
func (n network) play(sent [][]byte) (*heard, error) {
	v, err := audio.NewVoice()
	if err != nil {
		return nil, err
	}
	h := new(heard)
	begin := time.Unix(1e9, 0)
	come := n.arrivals(len(sent))
	size := 0
	for i, p := range sent {
		size += len(p)
		if i >= n.again && n.again > 0 {
			size += len(sent[i-n.again])
		}
	}
	h.kilobits = float64(size) * 8 / 1000 / (float64(len(sent)) * packet.Seconds())
	var c media.Chunk
	for i := range 2 * len(sent) {
		now := time.Duration(float64(i)*float64(media.ChunkTime)*(1+n.drift/1e6)) + device
		if now > time.Duration(len(sent))*packet {
			break // a slow speaker is not done when the microphone is
		}
		for ; len(come) > 0 && come[0].at <= now; come = come[1:] {
			n.put(v, begin, come[0], sent)
		}
		ok := v.Get(begin.Add(now), &c)
		if now < settle {
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

// put gives a datagram to a Voice.
func (n network) put(v *audio.Voice, begin time.Time, a arrival, sent [][]byte) {
	now := begin.Add(a.at)
	age := a.at - time.Duration(a.index)*packet
	v.Put(now, audio.Packet{Index: uint16(2 * a.index), Age: age, Opus: sent[a.index]})
	if old := a.index - n.again; n.again > 0 && old >= 0 {
		v.Put(now, audio.Packet{
			Index: uint16(2 * old), Behind: uint8(n.again),
			Age: age + time.Duration(n.again)*packet, Opus: sent[old],
		})
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

// decode returns what is heard of packets on a perfect network: chunk for
// chunk, without the delay.
func decode(sent [][]byte) ([]int16, error) {
	v, err := audio.NewVoice()
	if err != nil {
		return nil, err
	}
	pcm := make([]int16, 2*len(sent)*media.ChunkSamples)
	begin := time.Unix(1e9, 0)
	var c media.Chunk
	for i := range 2 * len(sent) {
		now := begin.Add(time.Duration(i) * media.ChunkTime)
		if i%2 == 0 {
			v.Put(now, audio.Packet{Index: uint16(i), Opus: sent[i/2]})
		}
		if v.Get(now.Add(device), &c) {
			at := int(c.At.Sub(begin) * media.SampleRate / time.Second)
			if at >= 0 {
				copy(pcm[at:], c.PCM[:])
			}
		}
	}
	return pcm, nil
}
