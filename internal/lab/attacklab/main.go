// Command attacklab prints what calls notice of attacks on their hub, and of a member
// who misbehaves:
//
//	go run ./internal/lab/attacklab                    every attack, 10 s each
//	go run ./internal/lab/attacklab -only junk,joins   some of them
//
// A hub with its usual limits runs as a process of its own. There are two sessions,
// "call" of eight, which is attacked, and "other" of ten; with the attackers the first
// is not so large that the hub chooses whose voice it sends on. All members send voice, 50
// packets a second of 110 bytes, and pictures, 20 of 700 bytes. Each row has a hub of
// its own and measures twice: without the attack, and with it. The attackers are
// another process, with a lower priority, so that the row is of the hub rather than
// of who shares its machine; what the kernel does for their packets is in it. They
// come from addresses 127.0.1.1 and following.
//
// Columns: how many connections, packets or messages the attackers tried, and how
// many of these the hub ended or refused; of either session the share of packets
// lost with the attack, and the median and 99th percentile of their delay without and
// with it; the hub's CPU time for a second, likewise; its resident memory before the
// attack, at its end and some time after it; and how long somebody took to join the
// call meanwhile, "-" when that failed. A machine that others use too makes delays
// longer in whatever row, and loses no packets. It takes Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/hubload"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/transport"
)

const (
	callers = 8  // in the call
	others  = 10 // in the other one
	session = "call"
	other   = "other"

	// after is how long after an attack the hub's memory is looked at: connections
	// that say nothing live for 10 s at most.
	after = 15 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "attacklab:", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	only    []string
	seconds int
	after   time.Duration
}

// run is the command with its arguments.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	var all []string
	for _, a := range attacks {
		all = append(all, a.name)
	}
	o := options{only: all}
	flags := flag.NewFlagSet("attacklab", flag.ContinueOnError)
	only := flags.String("only", "", "`names` of attacks, separated by commas (default all: "+strings.Join(all, ",")+")")
	flags.IntVar(&o.seconds, "seconds", 10, "how long each lasts")
	flags.DurationVar(&o.after, "after", after, "how long after it the memory is looked at")
	at := flags.String("at", "", "be the attackers of the one attack of -only on the hub at `HOST:PORT`, until the input ends")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	for _, name := range o.only {
		if !slices.Contains(all, name) {
			return fmt.Errorf("no attack is called %q: there are %s", name, strings.Join(all, ", "))
		}
	}
	if o.seconds < 1 {
		return errors.New("one second at least")
	}
	if *at != "" {
		return attackUntil(ctx, o.only[0], *at, in, out)
	}
	return o.table(ctx, out)
}

// attackUntil runs an attack until in ends, and prints what it tried and how much of
// it was refused.
func attackUntil(ctx context.Context, name, addr string, in io.Reader, out io.Writer) error {
	who, err := identity.Generate()
	if err != nil {
		return err
	}
	t := &target{addr: addr, session: session, who: who}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { // ends with the input, or with the process
		_, _ = io.Copy(io.Discard, in)
		stop()
	}()
	i := slices.IndexFunc(attacks, func(a attack) bool { return a.name == name })
	if _, err := fmt.Fprintln(out, "ready"); err != nil {
		return err
	}
	attacks[i].run(ctx, t)
	_, err = fmt.Fprintln(out, t.did.Load(), t.refused.Load())
	return err
}

// table measures all that is asked for.
func (o *options) table(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "attacklab")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := program.Build(ctx, dir)
	if err != nil {
		return err
	}
	who, err := identity.Generate()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "attack\ttried\tended\tcall: lost %\tp50/p99 ms\twith it\tother: lost %\tp50/p99 ms\twith it\tCPU ms/s\twith it\tMB before\tat the end\tafter\tjoin ms\t")
	for _, a := range attacks {
		if !slices.Contains(o.only, a.name) {
			continue
		}
		if err := o.measure(ctx, w, p, who, a); err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, a := range attacks {
		if slices.Contains(o.only, a.name) {
			fmt.Fprintf(out, "%s: %s\n", a.name, a.says)
		}
	}
	return nil
}

// A phase is what was measured without the attack, or with it.
type phase struct {
	call, other hubload.Result
	cpu         float64 // ms of the hub for a second
}

// run measures a phase.
func (o *options) run(ctx context.Context, load *hubload.Load, hub int) (ph phase, err error) {
	var used time.Duration
	all, err := load.Run(ctx, hubload.Usual, time.Duration(o.seconds)*time.Second,
		func() { used = -program.CPUTime(hub) }, func() { used += program.CPUTime(hub) })
	ph.call, ph.other = load.Room(session), load.Room(other)
	ph.cpu = 1000 * used.Seconds() / all.Took.Seconds()
	return ph, err
}

// measure has an attack on a hub of its own.
func (o *options) measure(ctx context.Context, w io.Writer, p *program.Program, who *identity.Identity, a attack) error {
	hub, err := p.Hub(ctx)
	if err != nil {
		return err
	}
	defer hub.End()
	join := func(ctx context.Context, i int) (hubload.Way, error) {
		return hubload.Join(ctx, hubload.Place{
			Dial: transport.DialConfig{Addr: hub.Addr, Verify: func(string) error { return nil }},
			Who:  who, Session: sessionOf(i), Name: "member" + strconv.Itoa(i),
		})
	}
	load := hubload.New()
	defer load.Close()
	ways, err := hubload.JoinAll(ctx, callers+others, join)
	if err != nil {
		return err
	}
	for i, way := range ways {
		load.Add(way, sessionOf(i), true)
	}
	without, err := o.run(ctx, load, hub.PID())
	if err != nil {
		return err
	}
	before, _ := program.Memory(hub.PID())
	foes, err := startFoes(ctx, a.name, hub.Addr)
	if err != nil {
		return err
	}
	defer func() { _, _, _ = foes.end() }()
	with, err := o.run(ctx, load, hub.PID())
	if err != nil {
		return err
	}
	joined := "-"
	begin := time.Now()
	if m, err := join(ctx, 0); err == nil {
		joined = strconv.FormatInt(time.Since(begin).Milliseconds(), 10)
		m.Close()
	}
	atEnd, _ := program.Memory(hub.PID())
	tried, refused, err := foes.end()
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(o.after):
	}
	later, _ := program.Memory(hub.PID())
	_, err = fmt.Fprintf(w, "%s\t%d\t%d\t%.3f\t%s\t%s\t%.3f\t%s\t%s\t%.0f\t%.0f\t%.1f\t%.1f\t%.1f\t%s\t\n",
		a.name, tried, refused, 100*with.call.Lost(), delays(&without.call), delays(&with.call),
		100*with.other.Lost(), delays(&without.other), delays(&with.other), without.cpu, with.cpu, before, atEnd, later, joined)
	return err
}

// sessionOf returns where member number i is.
func sessionOf(i int) string {
	if i < callers {
		return session
	}
	return other
}

// delays returns the median and the 99th percentile, in milliseconds.
func delays(r *hubload.Result) string {
	ms := func(q float64) float64 { return float64(r.Delays.Quantile(q).Microseconds()) / 1000 }
	return fmt.Sprintf("%.1f/%.1f", ms(0.5), ms(0.99))
}

// foes are the process of the attackers.
type foes struct {
	cmd *exec.Cmd
	in  io.Closer
	out io.Reader

	ended          bool
	tried, refused uint64
	err            error
}

// startFoes starts an attack.
func startFoes(ctx context.Context, name, addr string) (*foes, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "nice", "-n", "10", self, "-only", name, "-at", addr)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	f := &foes{cmd: cmd, in: in, out: out}
	var ready string
	if _, err := fmt.Fscan(out, &ready); err != nil {
		_, _, _ = f.end()
		return nil, fmt.Errorf("attackers: %w", err)
	}
	return f, nil
}

// end ends the attack and returns what it tried and what was refused of it. It may
// be called more than once.
func (f *foes) end() (tried, refused uint64, err error) {
	if f.ended {
		return f.tried, f.refused, f.err
	}
	f.ended = true
	_ = f.in.Close()
	_, f.err = fmt.Fscan(f.out, &f.tried, &f.refused)
	f.err = errors.Join(f.err, f.cmd.Wait())
	return f.tried, f.refused, f.err
}
