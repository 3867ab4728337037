package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	labs "github.com/sanix-darker/s2c/internal/lab"
)

// clip returns the clip that runs before cameras, which is written once.
func (l *lab) clip(ctx context.Context) (string, error) {
	l.film.Lock()
	defer l.film.Unlock()
	if found, err := filepath.Glob(filepath.Join(l.dir, "*.y4m")); err != nil || len(found) > 0 {
		return found[0], err
	}
	return labs.WriteClip(ctx, l.dir, true)
}

// minutes are figures by the minute of a measurement, or by its halves if it is
// shorter than two.
type minutes struct {
	span time.Duration
	list [][]float64
}

func newMinutes(long time.Duration) minutes {
	span := min(time.Minute, long/2)
	return minutes{span, make([][]float64, max(1, long/max(span, 1)))}
}

// add adds a figure of some time after the beginning. What is left over counts for
// the last minute.
func (m *minutes) add(at time.Duration, v float64) {
	i := max(0, min(int(at/max(m.span, 1)), len(m.list)-1))
	m.list[i] = append(m.list[i], v)
}

// first, last and worst return means, NaN of nothing.
func (m *minutes) first() float64 { return mean(m.list[0]) }
func (m *minutes) last() float64  { return mean(m.list[len(m.list)-1]) }

func (m *minutes) worst() float64 {
	most := math.NaN()
	for _, x := range m.list {
		if v := mean(x); math.IsNaN(most) || v > most {
			most = v
		}
	}
	return most
}

// sightings are what was seen of somebody.
type sightings struct {
	rate      float64 // pictures a second
	ssim, age []float64
	picture   minutes // ages
	voice     minutes // added delay
}

// sightingsOf returns what the pictures of a measurement come to.
func sightingsOf(seen []picture, from time.Time, long time.Duration) sightings {
	x := sightings{rate: float64(len(seen)) / long.Seconds(), picture: newMinutes(long)}
	for _, p := range seen {
		x.ssim, x.age = append(x.ssim, p.SSIM), append(x.age, p.age())
		x.picture.add(time.UnixMilli(p.Seen).Sub(from), p.age())
	}
	return x
}

// showSightings prints the table of those lines in which somebody saw something.
func showSightings(out io.Writer, lines []line) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	any := false
	for _, x := range lines {
		s := &x.seen
		if len(s.ssim) == 0 {
			continue
		}
		if !any {
			fmt.Fprintln(w, "\nrow\tpictures/s\tSSIM\t5th %\tage ms\tp95\tvoice ms first\tlast\tworst minute\tpictures ms first\tlast\tworst minute\t")
			any = true
		}
		cells := []string{
			x.name, figure("%.1f", s.rate), figure("%.4f", quantile(s.ssim, 0.5)), figure("%.4f", quantile(s.ssim, 0.05)),
			figure("%.0f", quantile(s.age, 0.5)), figure("%.0f", quantile(s.age, 0.95)),
		}
		for _, m := range []*minutes{&s.voice, &s.picture} {
			cells = append(cells, figure("%.1f", m.first()), figure("%.1f", m.last()), figure("%.1f", m.worst()))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t")+"\t")
	}
	_ = w.Flush() // to a writer that errors elsewhere
}
