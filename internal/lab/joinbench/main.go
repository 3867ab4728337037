// Command joinbench measures how long it takes from the start of s2c join to the
// first picture of another member in the terminal, on this machine.
//
//	go run ./internal/lab/joinbench                  twenty joins of somebody who watches a test card
//	go run ./internal/lab/joinbench -joins 50 -tcp   over TLS alone
//
// The joiner runs in a terminal of its own, of which it sees what a person's would
// send: the answers to its questions come at once. Times are from exec on:
//
//	asked    the program asks the terminal what it can show
//	screen   it has taken the terminal over: connected, with a place in the session
//	name     the other member is on the screen
//	picture  so is the first picture of that member
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/program"
)

// options are what the flags say.
type options struct {
	joins      int
	tcp        bool
	cols, rows int
	pause      time.Duration
	camera     string
	mic        string
}

func main() {
	var o options
	flag.IntVar(&o.joins, "joins", 20, "how often to join")
	flag.BoolVar(&o.tcp, "tcp", false, "keep everything on TLS")
	flag.IntVar(&o.cols, "cols", 120, "columns of the terminal")
	flag.IntVar(&o.rows, "rows", 40, "rows of the terminal")
	flag.DurationVar(&o.pause, "pause", time.Second, "between two joins")
	flag.StringVar(&o.camera, "camera", "none", "camera of the joiner, which is open and off")
	flag.StringVar(&o.mic, "mic", "none", "microphone of the joiner")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	list, err := measure(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "joinbench:", err)
		os.Exit(1)
	}
	report(list)
}

// measure joins again and again, and returns how long each took.
func measure(ctx context.Context, o options) (list []times, err error) {
	dir, err := os.MkdirTemp("", "joinbench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s2c, err := program.Build(ctx, dir)
	if err != nil {
		return nil, err
	}
	hub, err := s2c.Hub(ctx)
	if err != nil {
		return nil, err
	}
	defer hub.End()
	args := []string{"join", "-s", "bench", "--speaker", "none"}
	if o.tcp {
		args = append(args, "--tcp")
	}
	ann, err := s2c.Start(ctx, nil, nil, append(slices.Clone(args), "-c", "ann", "--camera", "test", "--mic", "none", "--headless", "--stats", "0", hub.Addr)...)
	if err != nil {
		return nil, err
	}
	defer ann.End()
	for i := range o.joins + 1 {
		argv := append(append([]string{s2c.Exe}, args...), "-c", fmt.Sprintf("bob%d", i), "--camera", o.camera, "--mic", o.mic, "--camera-off", hub.Addr)
		t, err := join(ctx, o, s2c.Env("TERM=xterm-256color", "COLORTERM=truecolor", "LC_ALL=C.UTF-8"), argv)
		if err != nil {
			return nil, err
		}
		if i > 0 { // the first one makes its key
			list = append(list, t)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(o.pause):
		}
	}
	return list, nil
}

// report prints each phase's time since exec.
func report(list []times) {
	fmt.Printf("%d joins, ms since exec   p50    p95    max\n", len(list))
	for phase, name := range phases {
		var all []float64
		for _, t := range list {
			all = append(all, float64(t[phase].Microseconds())/1000)
		}
		slices.Sort(all)
		fmt.Printf("%-20s %8.1f %6.1f %6.1f\n", name, quantile(all, 0.5), quantile(all, 0.95), all[len(all)-1])
	}
}

// quantile returns the share q of sorted values.
func quantile(sorted []float64, q float64) float64 {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// The phases of a join.
const (
	asked = iota
	screen
	name
	picture
)

var phases = [...]string{"asked", "screen", "name", "picture"}

// times are when each phase was reached, since exec.
type times [len(phases)]time.Duration

// A watcher follows what a program writes to its terminal.
type watcher struct {
	start time.Time
	times times
	tail  []byte // the end of what came, for what is cut in two
	cut   []byte // likewise: the beginning of a character
	cells int    // of pictures so far
}

// pictureCells is how many blocks make a picture: words and meters have fewer.
const pictureCells = 200

// errOutput is returned when the program ends without a picture.
var errOutput = errors.New("the program ended without a picture")
