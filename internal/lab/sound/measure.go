package sound

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/pulse"
)

// Options says what to measure. Addresses are as PULSE_SERVER takes them.
type Options struct {
	Mouth    string        // the server of whoever speaks
	Ear      string        // the server of whoever hears; may be the same
	EarFrom  string        // the source to listen to at the ear; "" means SpeakerMonitor, or RoomMonitor where Ear is Mouth
	Duration time.Duration // of the click train; 0 means 15 s
	MaxDelay time.Duration // the longest delay that is looked for; 0 means 3 s
	Seed     uint64        // of the clicks
}

// A Report says how long sound took from mouth to ear. Times are in milliseconds.
type Report struct {
	Sent    int      `json:"sent"`    // clicks that were heard at the mouth and listened for at the ear
	Lost    int      `json:"lost"`    // of them, how many never came to the ear
	Unsent  int      `json:"unsent"`  // clicks that were not even heard at the mouth
	Unheard int      `json:"unheard"` // clicks during which the ear's recorder missed something
	Min     float64  `json:"min_ms"`
	Median  float64  `json:"median_ms"`
	P99     float64  `json:"p99_ms"`
	Max     float64  `json:"max_ms"`
	Minutes []Minute `json:"minutes"` // to see whether the delay grows
	Clicks  []Click  `json:"clicks"`
}

// A Minute is what became of the clicks of one minute.
type Minute struct {
	Sent   int     `json:"sent"`
	Lost   int     `json:"lost"`
	Median float64 `json:"median_ms"`
}

// A Click is one click that was heard at the mouth.
type Click struct {
	At    float64 `json:"at_s"`     // seconds since the first sample was played
	Delay float64 `json:"delay_ms"` // 0 when Lost
	Like  float64 `json:"like"`     // 0 to 1: how little it was harmed
	Lost  bool    `json:"lost,omitempty"`
}

const (
	settle = 500 * time.Millisecond // before and after the train

	// The player keeps much in hand, so that a busy machine does not tear its
	// clicks. When they are heard at the mouth does not matter.
	playerBuffer = 400 * time.Millisecond

	// A recorder may have up to this much more in hand than the other.
	recorderBuffer = 2 * time.Millisecond

	// A click counts as found from this likeness on. Codecs leave 0.8 and more,
	// a cut in the middle half of that, and a stranger comes to 0.3 at most;
	// where one is expected, less will do.
	likeAnywhere = 0.45
	likeExpected = 0.35

	// A click that was stretched or shortened in its middle is found by its two
	// halves, which are this far from their places at most.
	likeHalf  = 0.6
	mostShift = 40 * time.Millisecond

	// How far from its place a click is looked for first.
	nearby = 250 * time.Millisecond

	// The ear is given this much before the mouth, so that the error of the
	// ruler itself shows.
	early = 100 * time.Millisecond
)

// Measure plays a train of clicks into the mouth's room and records there and at
// the ear at the same time. Both recorders are alike, and one clock times them,
// so that what they take themselves cancels. It returns after the Duration and
// MaxDelay, and keeps 20 KB per second of recording.
func Measure(ctx context.Context, o Options) (*Report, error) {
	o = o.withDefaults()
	length := o.Duration + o.MaxDelay + 4*settle
	mouth, ear := newRecording(length), newRecording(length)
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()

	mics := make([]*pulse.Mic, 2)
	for i, c := range []pulse.Config{{Server: o.Mouth, Device: RoomMonitor, Buffer: recorderBuffer}, {Server: o.Ear, Device: o.EarFrom, Buffer: recorderBuffer}} {
		m, err := pulse.OpenMic(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("measure: %s: %w", c.Server, err)
		}
		defer m.Close()
		mics[i] = m
	}
	speaker, err := pulse.OpenSpeaker(ctx, pulse.Config{Server: o.Mouth, Device: Room, Buffer: playerBuffer})
	if err != nil {
		return nil, fmt.Errorf("measure: %s: %w", o.Mouth, err)
	}
	defer speaker.Close()
	defer context.AfterFunc(ctx, func() {
		mics[0].Close()
		mics[1].Close()
		speaker.Close()
	})()

	var wg sync.WaitGroup
	errs := make([]error, 3)
	wg.Go(func() { errs[0] = record(ctx, mics[0], mouth) })
	wg.Go(func() { errs[1] = record(ctx, mics[1], ear) })
	t := newTrain(o.Seed)
	var due []time.Time
	wg.Go(func() { due, errs[2] = play(ctx, speaker, t, o.Duration) })
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
		return nil, fmt.Errorf("measure: %w", cause)
	}
	return compare(o, t.clicks(), due, mouth, ear), nil
}

func (o Options) withDefaults() Options {
	if o.EarFrom == "" {
		o.EarFrom = SpeakerMonitor
		if o.Ear == o.Mouth {
			o.EarFrom = RoomMonitor
		}
	}
	if o.Duration <= 0 {
		o.Duration = 15 * time.Second
	}
	if o.MaxDelay <= 0 {
		o.MaxDelay = 3 * time.Second
	}
	return o
}

// record reads from m until ctx ends.
func record(ctx context.Context, m *pulse.Mic, r *recording) error {
	var pcm [chunkSamples]int16
	for {
		at, err := m.Read(pcm[:])
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // the end, as it was meant to be
		case err != nil:
			return err
		}
		r.add(pcm[:], at)
	}
}

// play plays silence, then the train for as long as d says, then silence until
// ctx ends. It returns about when each click was heard: not all at the times of
// the train, since a machine that stalls for longer than the player has in hand
// shifts all that follow.
func play(ctx context.Context, s *pulse.Speaker, t *train, d time.Duration) (due []time.Time, err error) {
	var pcm [chunkSamples]int16
	for written := -settle; ; written += chunkTime {
		clear(pcm[:])
		if written >= 0 && written < d {
			t.read(pcm[:])
		}
		err := s.Write(pcm[:])
		if ctx.Err() != nil {
			return due, nil //nolint:nilerr // the end, as it was meant to be
		}
		if err != nil {
			return due, err
		}
		for len(due) < t.begun() {
			due = append(due, time.Now().Add(s.Latency()))
		}
	}
}

// compare finds the clicks in both recordings. clicks says when they begin in
// the train, and due about when they were heard.
func compare(o Options, clicks []time.Duration, due []time.Time, mouth, ear *recording) *Report {
	mouth.smooth()
	ear.smooth()
	r := &Report{Minutes: make([]Minute, int(math.Ceil(o.Duration.Minutes())))}
	delay := time.Duration(-1)
	for k, at := range clicks {
		tmpl := template(o.Seed, uint64(k))
		said := mouth.find(tmpl, due[k].Add(-nearby), due[k].Add(2*nearby))
		if said.like < likeAnywhere {
			r.Unsent++
			continue
		}
		heard := listen(ear, tmpl, said.at, delay, o.MaxDelay)
		if heard.at.IsZero() && ear.hole(said.at.Add(max(0, delay)), clickTime) {
			r.Unheard++ // by a fault of this machine
			continue
		}
		c := Click{At: round(at.Seconds()), Like: round(heard.like), Lost: heard.at.IsZero()}
		if !c.Lost {
			delay = heard.at.Sub(said.at)
			c.Delay = round(float64(delay) / float64(time.Millisecond))
		}
		r.Clicks = append(r.Clicks, c)
	}
	r.summarize()
	return r
}

// listen looks for a click at the ear, first where the last one's delay makes it
// likely, then everywhere. The time is zero if there is none.
func listen(ear *recording, tmpl []float32, said time.Time, delay, maxDelay time.Duration) match {
	var near match
	if delay >= 0 {
		near = ear.find(tmpl, said.Add(max(delay-nearby, -early)), said.Add(min(delay+nearby, maxDelay)))
		if near.like > 0.8 {
			return near
		}
	}
	far := ear.find(tmpl, said.Add(-early), said.Add(maxDelay))
	switch {
	case far.like >= likeAnywhere:
		return far
	case near.like >= likeExpected:
		return near
	case delay >= 0:
		return ear.halves(tmpl, said.Add(delay))
	default:
		return match{like: far.like}
	}
}

// halves looks for a click of which one half may have moved from where it is
// expected. The match is that of the half which is less like itself, at the
// mean of both. The time is zero unless both are there.
func (r *recording) halves(tmpl []float32, expected time.Time) match {
	var found [2]match
	for i := range found {
		part := tmpl[i*len(tmpl)/2 : (i+1)*len(tmpl)/2]
		lead := time.Duration(i) * clickTime / 2
		found[i] = r.find(part, expected.Add(lead-mostShift), expected.Add(lead+mostShift))
		found[i].at = found[i].at.Add(-lead)
	}
	m := match{like: min(found[0].like, found[1].like)}
	if m.like >= likeHalf {
		m.at = found[0].at.Add(found[1].at.Sub(found[0].at) / 2)
	}
	return m
}

// summarize fills in everything that follows from the clicks.
func (r *Report) summarize() {
	var all []float64
	minutes := make([][]float64, len(r.Minutes))
	for _, c := range r.Clicks {
		m := min(int(c.At/60), len(r.Minutes)-1)
		r.Sent++
		r.Minutes[m].Sent++
		if c.Lost {
			r.Lost++
			r.Minutes[m].Lost++
			continue
		}
		all = append(all, c.Delay)
		minutes[m] = append(minutes[m], c.Delay)
	}
	for i, list := range minutes {
		slices.Sort(list)
		r.Minutes[i].Median = quantile(list, 0.5)
	}
	slices.Sort(all)
	r.Min, r.Median, r.P99, r.Max = quantile(all, 0), quantile(all, 0.5), quantile(all, 0.99), quantile(all, 1)
}

// quantile returns the value that a share q of the sorted list does not exceed,
// 0 for an empty one.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// round keeps three decimals: more would be noise.
func round(x float64) float64 { return math.Round(x*1000) / 1000 }
