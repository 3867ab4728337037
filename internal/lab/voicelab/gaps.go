package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/network"
	"github.com/sanix-darker/s2c/internal/lab/speech"
)

// An accident is what befalls a call of two.
type accident struct {
	name   string
	first  network.Shape // of bob's path, from the start
	lasts  time.Duration // of what is
	path   network.Shape // bob's path meanwhile
	rebind bool          // bob's router forgets its bindings
	hub    bool          // the hub ends, and is started again afterwards
	kill   bool          // it does so without a word
}

var accidents = []accident{
	{name: "gap-none"},
	{name: "gap-no-udp", first: network.Shape{CutUDP: true}},
	{name: "gap-udp", path: network.Shape{CutUDP: true}, lasts: time.Hour},
	{name: "gap-udp-back", path: network.Shape{CutUDP: true}, lasts: 6 * time.Second},
	{name: "gap-rebind", rebind: true},
	{name: "gap-0.5s", path: network.Shape{Cut: true}, lasts: 500 * time.Millisecond},
	{name: "gap-5s", path: network.Shape{Cut: true}, lasts: 5 * time.Second},
	{name: "gap-20s", path: network.Shape{Cut: true}, lasts: 20 * time.Second},
	{name: "gap-hub", hub: true, lasts: time.Second},
	{name: "gap-hub-dies", hub: true, kill: true, lasts: time.Second},
}

const (
	lull     = rate / 100 // samples that are silent or not
	silentAt = 0.003      // of full scale: less is silence
	recovers = 30 * time.Second
)

// gaps runs the accidents that are asked for and prints their table.
func (l *lab) gaps(ctx context.Context, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	none := true
	for _, a := range accidents {
		if !slices.Contains(l.only, a.name) {
			continue
		}
		if none {
			fmt.Fprintln(w, "\naccident\tbob hears nothing for ms\tin all\tmade up\talice\tin all\tmade up\tpath\tbreaks\tplaces\t")
			none = false
		}
		if err := l.gap(ctx, w, a); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	return w.Flush()
}

// gap runs one accident and prints its row.
func (l *lab) gap(ctx context.Context, w io.Writer, a accident) error {
	defer network.Hurry()()
	sound := hum(5 * rate)
	c, err := l.startCallOn(ctx, a.name, []voice{{name: "alice", pcm: sound}, {name: "bob", pcm: sound}}, a.first)
	if err != nil {
		return err
	}
	defer c.close()
	alice, bob := c.members[0], c.members[1]
	if err := sleep(ctx, l.settle); err != nil {
		return err
	}
	before, from := bob.place(), [2]int{}
	made := [2]figures{alice.hears("bob"), bob.hears("alice")}
	for i, m := range c.members {
		if from[i], err = m.position(); err != nil {
			return err
		}
	}
	places := [2]place{alice.place(), before}
	if err := l.befall(ctx, c, a); err != nil {
		return err
	}
	if err := sleep(ctx, recovers); err != nil {
		return err
	}
	after := [2]place{alice.place(), bob.place()}
	made[0], made[1] = alice.hears("bob").since(made[0]), bob.hears("alice").since(made[1])
	breaks := bob.broken()
	c.end()
	var cells []string
	for _, i := range []int{1, 0} {
		pcm, err := speech.ReadWAV(c.members[i].record)
		if err != nil {
			return err
		}
		longest, all := lulls(pcm[min(from[i], len(pcm)):])
		cells = append(cells, fmt.Sprintf("%d\t%d\t%d", longest, all, made[i].Concealed*10))
	}
	kept := "kept"
	if after[0].slot != places[0].slot || after[1].slot != places[1].slot {
		kept = "other"
	}
	c.warn(l, a.name)
	_, err = fmt.Fprintf(w, "%s\t%s\t%s > %s\t%d\t%s\t\n", a.name, strings.Join(cells, "\t"), before.path, after[1].path, breaks, kept)
	return err
}

// befall has the accident happen, and end.
func (l *lab) befall(ctx context.Context, c *call, a accident) error {
	usual := a.first
	usual.Delay = leg
	if a.rebind {
		c.net.Rebind("bob")
	}
	if a.kill {
		_ = c.hub.Signal(os.Kill)
	}
	if a.hub {
		c.endHub()
	}
	if a.path != (network.Shape{}) {
		s := a.path
		s.Delay = leg
		c.net.Set("bob", network.Both, s)
	}
	if a.lasts < time.Minute {
		if err := sleep(ctx, a.lasts); err != nil {
			return err
		}
		c.net.Set("bob", network.Both, usual)
	}
	if a.hub {
		return c.startHub(ctx, l.s2c)
	}
	return nil
}

// hum returns a sound without a pause that is taken for speech: a tone that jumps
// twenty times a second, louder and less loud four times.
func hum(n int) []int16 {
	pcm := make([]int16, n)
	phase := 0.0
	for i := range pcm {
		step := i / (rate / 20)
		phase += 2 * math.Pi * float64(300+step*7%11*60) / rate
		loud := 0.3 + 0.1*math.Cos(2*math.Pi*4*float64(i)/rate)
		pcm[i] = int16(math.MaxInt16 * loud * math.Sin(phase))
	}
	return pcm
}

// lulls returns the longest silence in a sound and all of it, in milliseconds.
func lulls(pcm []int16) (longest, all int) {
	run := 0
	for ; len(pcm) >= lull; pcm = pcm[lull:] {
		sum := 0.0
		for _, v := range pcm[:lull] {
			sum += float64(v) * float64(v)
		}
		if math.Sqrt(sum/lull) >= silentAt*math.MaxInt16 {
			run = 0
			continue
		}
		run++
		longest, all = max(longest, run), all+1
	}
	const ms = 1000 * lull / rate
	return longest * ms, all * ms
}
