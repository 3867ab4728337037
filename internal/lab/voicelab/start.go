package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/network"
)

// modemStart is the row of a call that begins on a slow line.
const modemStart = "modem-start"

// startSpan is the length of time of a line of its table.
const startSpan = 2 * time.Second

// start has bob come to a call through a modem, and prints how it goes from then on.
func (l *lab) start(ctx context.Context, out io.Writer) error {
	defer network.Hurry()()
	pcm, err := readSpeech(ctx, l.speech, l.dir)
	if err != nil {
		return err
	}
	speakers, err := l.speakers(ctx, testCase{thin: true, view: cells(letters)}, pcm)
	if err != nil {
		return err
	}
	c, err := l.startCallOn(ctx, modemStart, speakers, modem)
	if err != nil {
		return err
	}
	defer c.close()
	from := c.members[1].started
	var through []network.Counters // both ways
	note := func() {
		up, down := c.net.Counters(bob)
		through = append(through, up, down)
	}
	stood := time.Since(from)
	long := time.Duration(l.seconds) * time.Second
	for at := stood.Truncate(startSpan); at < long; at += startSpan {
		note()
		if err := sleep(ctx, time.Until(from.Add(at+startSpan))); err != nil {
			return err
		}
	}
	note()
	c.warn(l, modemStart)
	fmt.Fprintf(out, "\n%s: both hear each other %.1f s after bob's process began\n\n", modemStart, stood.Seconds())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "from s\tbob hears ms\tmost\tmade up\tsees\tage ms\tmost\tSSIM\tdown kbit/s\talice hears ms\tmost\tmade up\tsees\tage ms\tmost\tSSIM\tup kbit/s\t")
	for at := stood.Truncate(startSpan); at < long; at += startSpan {
		fmt.Fprintf(w, "%.0f\t", at.Seconds())
		n := 2 * int((at-stood.Truncate(startSpan))/startSpan)
		for i, name := range []string{alice, bob} {
			x := c.members[1-i].hears(name).between(from.Add(at), from.Add(at+startSpan))
			counts := through[n+3-i].Since(through[n+1-i])
			fmt.Fprintf(w, "%s%.1f\t", x, float64(counts.Bytes)*8/1000/startSpan.Seconds())
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// between returns the cells of a line for what was told between two moments.
func (f figures) between(from, to time.Time) string {
	var delays, ages, alike []float64
	var before, after uint64
	any := false
	for _, x := range f.instants {
		if !x.at.Before(to) {
			break
		}
		after = x.concealed
		if x.at.Before(from) {
			before = x.concealed
			continue
		}
		any = true
		if x.played > 0 {
			delays = append(delays, x.delay)
		}
	}
	if !any {
		after = before
	}
	for _, p := range f.Seen {
		if at := time.UnixMilli(p.Seen); !at.Before(from) && at.Before(to) {
			ages, alike = append(ages, p.age()), append(alike, p.SSIM)
		}
	}
	most := func(x []float64) float64 {
		if len(x) == 0 {
			return math.NaN()
		}
		return quantile(x, 1)
	}
	return fmt.Sprintf("%s\t%s\t%d\t%d\t%s\t%s\t%s\t", figure("%.0f", quantile(delays, 0.5)), figure("%.0f", most(delays)), after-before,
		len(ages), figure("%.0f", quantile(ages, 0.5)), figure("%.0f", most(ages)), figure("%.3f", quantile(alike, 0.5)))
}
