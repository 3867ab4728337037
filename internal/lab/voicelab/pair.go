package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	engine "github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/lab/network"
	"github.com/sanix-darker/s2c/internal/lab/speech"
)

// The two of a call.
const (
	alice = "alice"
	bob   = "bob"
)

const (
	// mostLate is the share of the frames that the wire may deliver late before
	// somebody is told.
	mostLate = 0.005

	// leastFound is the share of the speech that has to be found for a score: PESQ
	// looks for words itself, and makes nothing of those that it misses.
	leastFound = 0.8
)

// A line is one of the table.
type line struct {
	name         string
	kilobits     float64 // a second that the speaker sends, whole frames
	lost         float64 // share, on the way to the receiver
	added, worst float64 // ms, mean and 95th percentile
	found        float64 // share of the windows with speech that were found
	told         figures
	silent       int     // ms
	breaks       int     // connections lost, of both
	score, plain float64 // PESQ, or NaN
	seen         sightings
}

// A marker is a moment of a call.
type marker struct {
	at       time.Time
	position [2]int // of alice's speaker and bob's
	told     [2]figures
	breaks   int
	up, down [2]network.Counters
}

// pairs runs the calls of two that are asked for and prints their table.
func (l *lab) pairs(ctx context.Context, out io.Writer) error {
	var asked []testCase
	for _, c := range cases() {
		if slices.Contains(l.only, c.name) {
			asked = append(asked, c)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	pcm, err := readSpeech(ctx, l.speech, l.dir)
	if err != nil {
		return err
	}
	// First all calls and then all the arithmetic, which would disturb them.
	done, errs := make([]*pairCall, len(asked)), make([]error, len(asked))
	calm := network.Hurry()
	each(len(asked), l.atOnce, func(i int) {
		if done[i], errs[i] = l.pair(ctx, asked[i], pcm); errs[i] != nil {
			errs[i] = fmt.Errorf("%s: %w", asked[i].name, errs[i])
		}
	})
	calm()
	lines := make([][]line, len(asked))
	each(len(asked), runtime.NumCPU(), func(i int) {
		if errs[i] == nil {
			lines[i], errs[i] = l.lines(ctx, done[i])
		}
	})
	fmt.Fprintf(out, "%d s of speech each, jitter 0 to %v in the rows with losses\n\n", l.seconds, jitter)
	showLines(out, slices.Concat(lines...))
	showSightings(out, slices.Concat(lines...))
	return errors.Join(errs...)
}

// each calls f for each number below n, some at once.
func each(n, atOnce int, f func(i int)) {
	var running sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for i := range n {
		turns <- struct{}{}
		running.Go(func() {
			f(i)
			<-turns
		})
	}
	running.Wait()
}

// A pairCall is a call of two that is over.
type pairCall struct {
	testCase
	said    [2][]int16
	members []*member
	marks   [4]marker
}

// pair runs one call of two.
func (l *lab) pair(ctx context.Context, c testCase, pcm []int16) (*pairCall, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p := &pairCall{testCase: c}
	speakers, err := l.speakers(ctx, c, pcm)
	if err != nil {
		return nil, err
	}
	for i, v := range speakers {
		p.said[i] = v.pcm
	}
	call, err := l.startCall(ctx, c.name, speakers)
	if err != nil {
		return nil, err
	}
	defer call.close()
	call.net.Fidelity() // of the start, in which keys are made, nobody asks
	if p.marks, err = call.measure(ctx, l, c); err != nil {
		return nil, err
	}
	call.warn(l, c.name)
	p.members = call.members
	return p, nil
}

// speakers returns the two of a call. Bob says the same as alice, but something else
// at any time.
func (l *lab) speakers(ctx context.Context, c testCase, pcm []int16) ([]voice, error) {
	all := []voice{{name: alice, pcm: pcm}, {name: bob, pcm: slices.Concat(pcm[len(pcm)/2:], pcm[:len(pcm)/2])}}
	for i := range all {
		all[i].camera, all[i].thin = c.camera, c.thin
		if c.view == (engine.View{}) {
			continue
		}
		clip, err := l.clip(ctx)
		if err != nil {
			return nil, err
		}
		// To start the clip in the past has it run when the first camera opens.
		all[i].eyes = &eyes{clip: clip, began: time.Now().Add(-time.Second), view: c.view}
		all[i].eyes.view.FPS = l.fps
	}
	return all, nil
}

// lines judges what was heard in a call of two.
func (l *lab) lines(ctx context.Context, p *pairCall) ([]line, error) {
	x, err := l.judge(ctx, p, 1)
	if err != nil || !p.both {
		x.name = p.name
		return []line{x}, err
	}
	y, err := l.judge(ctx, p, 0)
	x.name, y.name = p.name+" down", p.name+" up"
	return []line{x, y}, err
}

// measure lets a call pass and returns its moments: the beginning and the end of
// the clean path, and of the bad one.
func (c *call) measure(ctx context.Context, l *lab, test testCase) (marks [4]marker, err error) {
	bad := func(s network.Shape) network.Shape {
		s.Delay, s.Seed = leg, l.seed
		return s
	}
	long := time.Duration(l.seconds) * time.Second
	settle := l.settle
	if test.thin || test.view != (engine.View{}) {
		settle += modemSettle
	}
	for i, d := range []time.Duration{l.settle / 2, min(long, mostClean*time.Second), settle, long} {
		if i == 2 {
			c.net.Set(bob, network.Down, bad(test.down))
			c.net.Set(bob, network.Up, bad(test.up))
		}
		if err := sleep(ctx, d); err != nil {
			return marks, err
		}
		if marks[i], err = c.mark(); err != nil {
			return marks, err
		}
	}
	return marks, nil
}

// mark notes how a call of two stands.
func (c *call) mark() (m marker, err error) {
	m.at = time.Now()
	for i, x := range c.members {
		if m.position[i], err = x.position(); err != nil {
			return m, err
		}
		m.told[i] = x.hears(c.members[1-i].name)
		m.breaks += x.broken()
		m.up[i], m.down[i] = c.net.Counters(x.name)
	}
	return m, nil
}

// judge returns what number i of the two heard of the other.
func (l *lab) judge(ctx context.Context, p *pairCall, i int) (line, error) {
	x := line{score: math.NaN(), plain: math.NaN()}
	listener, said, marks := p.members[i], p.said[1-i], &p.marks
	heard, err := speech.ReadWAV(listener.record)
	if err != nil {
		return x, err
	}
	down, up := marks[3].down[i].Since(marks[2].down[i]), marks[3].up[1-i].Since(marks[2].up[1-i])
	x.kilobits = float64(up.Bytes) * 8 / 1000 / marks[3].at.Sub(marks[2].at).Seconds()
	x.lost = float64(down.Lost+down.Dropped) / float64(max(1, down.Frames))
	if i == 0 { // its path is clean; the speaker's is not
		x.lost = float64(up.Lost+up.Dropped) / float64(max(1, up.Frames))
	}
	x.told = marks[3].told[i].since(marks[2].told[i])
	x.breaks = marks[3].breaks - marks[1].breaks

	t, sharp := newTape(said), emphasize(decimate(heard, rate/coarse))
	at := func(mark int) int { return marks[mark].position[i] * coarse / rate }
	if at(3) > len(sharp) {
		return x, fmt.Errorf("%s recorded %d samples, want %d", listener.name, len(heard), marks[3].position[i])
	}
	place, like := t.find(sharp[at(0):at(1)])
	if like < likeness {
		return x, fmt.Errorf("%s does not hear the voice even on a clean path: likeness %.2f", listener.name, like)
	}
	before := lagsOf(t.follow(sharp, at(0), at(1), at(0)-place))
	base := quantile(before, 0.5)
	sights := t.follow(sharp, at(1), at(3), int(base))
	var added []float64
	long := marks[3].at.Sub(marks[2].at)
	minutes := newMinutes(long)
	all := 0
	for _, s := range sights {
		if s.at < at(2) {
			continue
		}
		all++
		if s.like >= likeness {
			ms := (float64(s.lag) - base) * 1000 / coarse
			added = append(added, ms)
			minutes.add(time.Duration(s.at-at(2))*time.Second/coarse, ms)
		}
	}
	x.seen = sightingsOf(x.told.Seen, marks[2].at, long)
	x.seen.voice = minutes
	x.added, x.worst, x.found = mean(added), quantile(added, 0.95), float64(len(added))/float64(max(1, all))

	from, to := marks[2].position[i], marks[3].position[i]
	lag := int(quantile(lagsOf(sights), 0.5)) * rate / coarse
	said = cut(said, from-lag, to-from)
	x.silent = silences(said, heard[from:to])
	if x.found >= leastFound {
		if x.score, err = l.score(ctx, said, heard[from:to]); err != nil {
			return x, err
		}
	}
	if p.plain && l.pesq != "" {
		alone, err := plain(said, l.seed, p.down.Loss, p.down.Burst)
		if err != nil {
			return x, fmt.Errorf("opus without help: %w", err)
		}
		if x.plain, err = l.score(ctx, said, alone[:len(said)]); err != nil {
			return x, err
		}
	}
	return x, l.keepSound(fmt.Sprintf("%s_%s", p.name, listener.name), said, heard[from:to])
}

// lagsOf returns the lags of what was found.
func lagsOf(sights []sight) []float64 {
	var all []float64
	for _, s := range sights {
		if s.like >= likeness {
			all = append(all, float64(s.lag))
		}
	}
	return all
}

// showLines prints the table.
func showLines(out io.Writer, lines []line) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "row\tkbit/s\tlost %\tadded ms\tp95\ttold ms\tmade up %\tcopies %\tFEC %\tlate\tdropped\tsilent ms\tbreaks\tfound %\tPESQ\tplain\t")
	for _, x := range lines {
		t := x.told
		n := float64(max(1, t.Played+t.Concealed)) / 100
		cells := []string{
			x.name, figure("%.1f", x.kilobits), figure("%.1f", 100*x.lost), figure("%.1f", x.added), figure("%.1f", x.worst),
			figure("%.0f", mean(t.delays())), figure("%.2f", float64(t.Concealed)/n), share(t.Repeated, n), share(t.Restored, n),
			fmt.Sprint(t.Late), fmt.Sprint(t.Dropped), fmt.Sprint(x.silent), fmt.Sprint(x.breaks), figure("%.0f", 100*x.found),
			figure("%.2f", x.score), figure("%.2f", x.plain),
		}
		fmt.Fprintln(w, strings.Join(cells, "\t")+"\t")
	}
	_ = w.Flush() // to a writer that errors elsewhere
}

// figure prints a number, or "-" for none.
func figure(format string, v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// share prints what a member may tell, as a share of so many hundreds.
func share(count *uint64, hundreds float64) string {
	if count == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", float64(*count)/hundreds)
}
