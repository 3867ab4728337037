// Command callbench runs whole calls as separate processes on this machine, a
// hub and headless members, and prints what they cost and how late they are.
//
//	go run ./internal/lab/callbench                         four members for 30 s: memory, CPU, kB/s
//	go run ./internal/lab/callbench -members 3 -time 10m    does any lag grow?
//	go run ./internal/lab/callbench -freeze 10s             one member stopped: does anybody else notice?
//	go run ./internal/lab/callbench -unsealed 4             what sealing costs: four rounds with it and without
//	go run ./internal/lab/callbench -screen 120x40          kB/s of four members, each in a terminal, who film a person
//	go run ./internal/lab/callbench -binary                 size and start-up time of the binary
//
// Delays are capture to playing (voice) and capture to decoded (picture), by
// the one clock of this machine; sound devices are not part of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/program"
)

// options are what the flags say.
type options struct {
	members int
	length  time.Duration
	freeze  time.Duration
	binary  bool
	rounds  int
	tcp     bool
	camera  string
	mic     string
	speaker string
	every   time.Duration
	screen  string
	look    string
	shots   string
}

func main() {
	var o options
	flag.IntVar(&o.members, "members", 4, "members of the session")
	flag.DurationVar(&o.length, "time", 30*time.Second, "how long to measure")
	flag.DurationVar(&o.freeze, "freeze", 0, "stop one member (SIGSTOP) for this long, and watch the others and a second session")
	flag.BoolVar(&o.binary, "binary", false, "print the size and the start-up time of the binary")
	flag.IntVar(&o.rounds, "unsealed", 0, "measure so many `rounds` of -time each, with sealed packets and beside it with a test build that seals none")
	flag.BoolVar(&o.tcp, "tcp", false, "keep everything on TLS")
	flag.StringVar(&o.camera, "camera", "test", "camera of every member")
	flag.StringVar(&o.mic, "mic", "test", "microphone of every member")
	flag.StringVar(&o.speaker, "speaker", "test", "speaker of every member")
	flag.DurationVar(&o.every, "every", 100*time.Millisecond, "how often to look at the delays")
	flag.StringVar(&o.screen, "screen", "", "run each member in a terminal of this `size`, as in 120x40, and measure what they send and receive")
	flag.StringVar(&o.look, "look", "auto", "with -screen: how the members draw pictures")
	flag.StringVar(&o.shots, "shot", "", "with -screen: save what the first member sees to this `file`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "callbench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "callbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s2c, err := program.Build(ctx, dir)
	if err != nil {
		return err
	}
	if o.binary {
		return binary(ctx, s2c)
	}
	if o.members < 2 {
		return errors.New("a call needs two members")
	}
	if o.screen != "" {
		return onScreens(ctx, o, s2c, dir)
	}
	if o.rounds > 0 {
		return unsealed(ctx, o, s2c, dir)
	}
	hub, err := s2c.Hub(ctx)
	if err != nil {
		return err
	}
	h := &process{Process: hub, name: "hub"}
	defer h.End()
	if o.freeze > 0 {
		return freeze(ctx, o, s2c, h)
	}
	return cost(ctx, o, s2c, h)
}

// binary prints the size of the binary and how long it takes to start.
func binary(ctx context.Context, s2c *program.Program) error {
	info, err := os.Stat(s2c.Exe)
	if err != nil {
		return err
	}
	fmt.Printf("binary %.2f MB (stripped, CGO_ENABLED=0)\n", float64(info.Size())/1e6)
	var times []time.Duration
	for range 20 {
		start := time.Now()
		if err := exec.CommandContext(ctx, s2c.Exe, "--version").Run(); err != nil {
			return err
		}
		times = append(times, time.Since(start))
	}
	fmt.Printf("s2c --version: median %v, slowest %v of %d\n", quantile(times, 0.5), quantile(times, 1), len(times))
	for _, what := range []string{"first start, makes its key", "later start"} {
		start := time.Now()
		h, err := s2c.Hub(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("s2c server until it listens (%s): %v\n", what, time.Since(start).Round(time.Millisecond))
		h.End()
	}
	return nil
}

// startAll starts n members of a session.
func startAll(ctx context.Context, o options, s2c *program.Program, session string, h *process, n int) ([]*process, error) {
	var all []*process
	for i := range n {
		name := fmt.Sprintf("%s-%d", session, i)
		args := []string{
			"join", "-s", session, "-c", name, "--headless", "--stats", o.every.String(),
			"--camera", o.camera, "--mic", o.mic, "--speaker", o.speaker, h.Addr,
		}
		if o.tcp {
			args = append(args, "--tcp")
		}
		p, err := start(ctx, name, s2c, args...)
		if err != nil {
			return all, err
		}
		all = append(all, p)
	}
	return all, nil
}

// cost measures what a call costs and how its delays move.
func cost(ctx context.Context, o options, s2c *program.Program, h *process) error {
	all, err := startAll(ctx, o, s2c, "bench", h, o.members)
	defer endAll(all)
	if err != nil {
		return err
	}
	if err := sleep(ctx, 8*time.Second); err != nil { // buffers and paths settle
		return err
	}
	procs := append([]*process{h}, all...)
	for _, p := range procs {
		p.reset()
	}
	began := time.Now()
	if err := sleep(ctx, o.length); err != nil {
		return err
	}
	took := time.Since(began)
	fmt.Printf("%d members, %v, %s\n\n", o.members, took.Round(time.Second), pathOf(all))
	fmt.Printf("%-10s %8s %8s %7s %9s %9s\n", "process", "RSS MB", "peak MB", "CPU %", "up kB/s", "down kB/s")
	for _, p := range procs {
		p.printCost(took)
	}
	fmt.Printf("\n%-10s %-10s %24s %24s %10s %6s\n", "listener", "speaker", "voice ms first/last/max", "picture ms first/last/max", "concealed", "fps")
	worst := time.Duration(0)
	for _, p := range all {
		worst = max(worst, p.printDelays())
	}
	fmt.Printf("\ngreatest growth of a delay from the first tenth to the last: %v\n", worst)
	return nil
}

// freeze stops one member and watches its session and another one.
func freeze(ctx context.Context, o options, s2c *program.Program, h *process) error {
	own, err := startAll(ctx, o, s2c, "own", h, o.members)
	defer endAll(own)
	if err != nil {
		return err
	}
	other, err := startAll(ctx, o, s2c, "other", h, 2)
	defer endAll(other)
	if err != nil {
		return err
	}
	if err := sleep(ctx, 8*time.Second); err != nil {
		return err
	}
	frozen, watched := own[len(own)-1], append(own[:len(own)-1:len(own)-1], other...)
	for _, p := range watched {
		p.reset()
	}
	if err := sleep(ctx, o.freeze); err != nil {
		return err
	}
	before := make(map[string]delays)
	for _, p := range watched {
		for name, d := range p.take(frozen.name) {
			before[p.name+" hears "+name] = d
		}
		p.reset()
	}
	if err := frozen.Signal(program.Stop); err != nil {
		return err
	}
	err = sleep(ctx, o.freeze)
	after := make(map[string]delays)
	for _, p := range watched {
		for name, d := range p.take(frozen.name) {
			after[p.name+" hears "+name] = d
		}
	}
	if err2 := frozen.Signal(program.Continue); err == nil {
		err = err2
	}
	if err != nil {
		return err
	}
	fmt.Printf("%s stopped for %v, %s; greatest delays before and during\n\n", frozen.name, o.freeze, pathOf(own[:1]))
	fmt.Printf("%-24s %22s %22s %18s\n", "", "voice ms before/during", "picture ms before/during", "concealed chunks")
	worst := time.Duration(0)
	for _, key := range sortedKeys(before) {
		b, a := before[key], after[key]
		fmt.Printf("%-24s %11.0f / %8.0f %13.0f / %8.0f %9d / %6d\n", key,
			b.voice.max, a.voice.max, b.picture.max, a.picture.max, b.concealed, a.concealed)
		worst = max(worst, msec(a.voice.max-b.voice.max), msec(a.picture.max-b.picture.max))
	}
	fmt.Printf("\ngreatest delay more than before: %v\n", worst)
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
