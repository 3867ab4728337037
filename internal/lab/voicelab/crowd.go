package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/network"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/lab/speech"
)

// A party is a call in which all speak at the same time.
type party struct {
	name    string
	members int
}

var crowds = []party{{"four", 4}, {"ten", 10}}

const (
	crowdWindow = 4 * coarse
	crowdReach  = coarse / 5 // 200 ms
	crowdNear   = coarse / 25
	heardFrom   = 4  // times the usual likeness of strangers: a voice that is heard
	anywhere    = 10 // the same where it may be at any time
	sought      = 20 * coarse
)

// A hearing is what one member heard of another.
type hearing struct {
	found, windows int
}

// share returns the share of the windows in which the voice was found.
func (h hearing) share() float64 { return float64(h.found) / float64(max(1, h.windows)) }

// A moment is how all stand at one time.
type moment struct {
	at    time.Time
	hub   time.Duration // CPU time
	seats []seat        // of the members
}

// A seat is how a member stands.
type seat struct {
	position int // of its speaker, in samples
	cpu      time.Duration
	up, down network.Counters
	told     map[string]figures
}

// crowd runs a call in which all speak and prints its table.
func (l *lab) crowd(ctx context.Context, out io.Writer, p party) error {
	speakers := make([]voice, p.members)
	for i := range speakers {
		pcm, err := crowdSpeech(ctx, l.dir, i)
		if err != nil {
			return err
		}
		speakers[i] = voice{name: fmt.Sprintf("member-%d", i), pcm: pcm}
	}
	c, moments, err := l.talk(ctx, p, speakers)
	if err != nil {
		return err
	}
	before, after := moments[0], moments[1]
	took := after.at.Sub(before.at).Seconds()
	fmt.Fprintf(out, "\n%d members, all speak at the same time, %d s\n\n", p.members, l.seconds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "listener\tvoices heard\tleast found %\tmean\tits own %\tmade up %\tdelay ms\tCPU ms/s\tup kbit/s\tdown\t")
	heard, pairs := 0, 0
	for i, m := range c.members {
		b, a := &before.seats[i], &after.seats[i]
		all, own, err := hearAll(m, i, speakers, b.position, a.position)
		if err != nil {
			return err
		}
		r := summary{took: took, own: own}
		r.add(all, b, a)
		heard += r.heard
		pairs += len(all)
		fmt.Fprintf(w, "%s\t%s\n", m.name, r.cells(b, a))
	}
	fmt.Fprintf(w, "hub\t\t\t\t\t\t\t%.1f\t\t\t\n", 1000*(after.hub-before.hub).Seconds()/took)
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d of %d voices arrive\n", heard, pairs)
	return nil
}

// talk runs the call and returns it with its beginning and its end.
func (l *lab) talk(ctx context.Context, p party, speakers []voice) (c *call, moments [2]moment, err error) {
	defer network.Hurry()()
	if c, err = l.startCall(ctx, p.name, speakers); err != nil {
		return nil, moments, err
	}
	defer c.close()
	for i, d := range []time.Duration{l.settle, time.Duration(l.seconds) * time.Second} {
		c.net.Fidelity() // of the start nobody asks
		if err := sleep(ctx, d); err != nil {
			return nil, moments, err
		}
		if moments[i], err = c.moment(); err != nil {
			return nil, moments, err
		}
	}
	c.warn(l, p.name)
	return c, moments, nil
}

// moment notes how all stand.
func (c *call) moment() (n moment, err error) {
	n.at, n.hub = time.Now(), program.CPUTime(c.hub.PID())
	for _, m := range c.members {
		s := seat{cpu: program.CPUTime(m.PID()), told: make(map[string]figures)}
		if s.position, err = m.position(); err != nil {
			return n, err
		}
		s.up, s.down = c.net.Counters(m.name)
		for _, o := range c.members {
			if o != m {
				s.told[o.name] = m.hears(o.name)
			}
		}
		n.seats = append(n.seats, s)
	}
	return n, nil
}

// hearAll looks for all voices in what member number i heard between two samples.
// It returns what was found of the others, and the share of its own voice.
func hearAll(m *member, i int, speakers []voice, from, to int) (others map[string]hearing, own float64, err error) {
	pcm, err := speech.ReadWAV(m.record)
	if err != nil {
		return nil, 0, err
	}
	if to > len(pcm) {
		return nil, 0, fmt.Errorf("%s recorded %d samples, want %d", m.name, len(pcm), to)
	}
	heard := emphasize(decimate(pcm[from:to], rate/coarse))
	list := make([]hearing, len(speakers))
	var running sync.WaitGroup
	for k, v := range speakers {
		running.Go(func() { list[k] = newTape(v.pcm).listen(heard) })
	}
	running.Wait()
	others = make(map[string]hearing)
	for k, v := range speakers {
		if k != i {
			others[v.name] = list[k]
		}
	}
	return others, list[i].share(), nil
}

// listen looks for the voice of a tape among others.
func (t *tape) listen(heard []float64) (h hearing) {
	start := heard[:min(len(heard), sought)]
	all := likenesses(start, part(t.sharp, 0, len(t.sharp)+len(start)-1))
	place, like := best(all)
	lag := -place
	steady := like > anywhere*usual(all)
	for at := 0; at+crowdWindow <= len(heard); at += crowdWindow {
		if loud(part(t.loudness, at-lag, crowdWindow)) < audible {
			continue
		}
		h.windows++
		near := likenesses(heard[at:at+crowdWindow], part(t.sharp, at-lag-crowdReach, crowdWindow+2*crowdReach))
		place, like := best(near)
		if off := crowdReach - place; steady && like > heardFrom*usual(near) && off < crowdNear && off > -crowdNear {
			h.found++
			lag += off // clocks and buffers move
		}
	}
	return h
}

// usual returns how alike two strangers are.
func usual(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum / float64(len(x)))
}

// A summary is the line of a listener.
type summary struct {
	took, own, least, mean float64
	heard                  int
	concealed, played      uint64
	delays                 []float64
}

// add counts what was heard of the others.
func (r *summary) add(all map[string]hearing, before, after *seat) {
	var shares []float64
	for name, h := range all {
		told := after.told[name].since(before.told[name])
		r.concealed += told.Concealed
		r.played += told.Played
		r.delays = append(r.delays, told.delays()...)
		shares = append(shares, h.share())
		if h.found > 0 && told.Played > 0 {
			r.heard++
		}
	}
	r.least, r.mean = slices.Min(shares), mean(shares)
}

// cells returns the line after its name.
func (r *summary) cells(before, after *seat) string {
	kilobits := func(c network.Counters) float64 { return float64(c.Bytes) * 8 / 1000 / r.took }
	return fmt.Sprintf("%d\t%.0f\t%.0f\t%.0f\t%.2f\t%.0f\t%.1f\t%.0f\t%.0f\t",
		r.heard, 100*r.least, 100*r.mean, 100*r.own, 100*float64(r.concealed)/float64(max(1, r.played+r.concealed)), mean(r.delays),
		1000*(after.cpu-before.cpu).Seconds()/r.took, kilobits(after.up.Since(before.up)), kilobits(after.down.Since(before.down)))
}
