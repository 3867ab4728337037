// Command hubbench prints what a hub costs for each packet that it forwards, beside
// a plain relay that reads, seals and writes one packet at a time:
//
//	go run ./internal/lab/hubbench                       rooms of 10, 250 members
//	go run ./internal/lab/hubbench -members 500 -rounds 1
//
// Each member sends voice, 50 packets a second of 110 bytes, and pictures, 20 of
// 700 bytes, to the nine others of its room. Hub and relay are processes of their
// own with one processor each, which this one, the members, keeps off. The rounds take
// turns. The hub is s2c server, its members join over TLS and send over UDP as
// those of a call do. The relay has no TLS and no rooms to join: whoever sends is
// a member; it opens and seals with AES-128-GCM as the hub does.
//
// Columns: packets forwarded in a second, and lost; processor seconds for a
// million of them, median of the rounds, and how many times that of the relay it
// is; delay from member to member, of which the members' own part is some; and
// resident memory, before anybody sends, for each member.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/sanix-darker/s2c/internal/hubload"
	"github.com/sanix-darker/s2c/internal/lab/program"
)

const roomSize = 10

// options are what the flags say.
type options struct {
	members int
	seconds int
	rounds  int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hubbench:", err)
		os.Exit(1)
	}
}

// run is the command with its arguments.
func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("hubbench", flag.ContinueOnError)
	flags.IntVar(&o.members, "members", 250, "how many members there are, in rooms of 10")
	flags.IntVar(&o.seconds, "seconds", 10, "how long they send")
	flags.IntVar(&o.rounds, "rounds", 3, "how often to measure")
	relay := flags.Bool("relay", false, "be the plain relay, until interrupted")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *relay {
		return runRelay(ctx, out)
	}
	if o.members < roomSize || o.members%roomSize != 0 || o.seconds < 1 || o.rounds < 1 {
		return errors.New("members in rooms of 10, one second and one round at least")
	}
	dir, err := os.MkdirTemp("", "hubbench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// One processor for the hub, as far as the language's scheduler goes.
	if err := os.Setenv("GOMAXPROCS", "1"); err != nil {
		return err
	}
	p, err := program.Build(ctx, dir)
	if err != nil {
		return err
	}
	var hubs, relays []result
	for range o.rounds {
		r, err := measure(ctx, o, &hubRoom{program: p})
		if err != nil {
			return fmt.Errorf("hub: %w", err)
		}
		hubs = append(hubs, r)
		if r, err = measure(ctx, o, &relayRoom{}); err != nil {
			return fmt.Errorf("plain relay: %w", err)
		}
		relays = append(relays, r)
	}
	fmt.Fprintf(out, "%d members in rooms of %d, %d s, %d rounds\n", o.members, roomSize, o.seconds, o.rounds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tforwarded/s\tlost %\tCPU s/million\tx\tbusy %\tp50 ms\tp99\tmax\tKB/member\t")
	base := middle(relays, result.cost)
	show(w, "hub", hubs, base)
	show(w, "plain relay", relays, base)
	return w.Flush()
}

// A result is one round.
type result struct {
	hubload.Result
	cpu    time.Duration
	memory float64 // KB for each member
}

func (r result) cost() float64 { return r.cpu.Seconds() / float64(r.Received) * 1e6 }

// lost returns the share of packets that did not arrive, in percent.
func (r result) lost() float64 { return 100 * r.Lost() }

// middle returns the median of a figure.
func middle(list []result, of func(result) float64) float64 {
	var all []float64
	for _, r := range list {
		all = append(all, of(r))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// show prints a row.
func show(w io.Writer, name string, list []result, base float64) {
	at := func(q float64) float64 {
		return middle(list, func(r result) float64 { return float64(r.Delays.Quantile(q)) / float64(time.Millisecond) })
	}
	cost := middle(list, result.cost)
	fmt.Fprintf(w, "%s\t%.0f\t%.3f\t%.2f\t%.2f\t%.0f\t%.2f\t%.2f\t%.1f\t%.0f\t\n", name,
		middle(list, func(r result) float64 { return float64(r.Received) / r.Took.Seconds() }),
		middle(list, result.lost), cost, cost/base,
		middle(list, func(r result) float64 { return 100 * r.cpu.Seconds() / r.Took.Seconds() }),
		at(0.5), at(0.99), at(1), middle(list, func(r result) float64 { return r.memory }))
}

// A room is what members are in: a hub, or the relay.
type room interface {
	// start starts the process and returns its number.
	start(ctx context.Context) (pid int, err error)

	// join returns the way to it of member number i.
	join(ctx context.Context, i int) (hubload.Way, error)

	end()
}

// measure runs one round.
func measure(ctx context.Context, o options, r room) (res result, err error) {
	defer r.end()
	var pid int
	restore, err := hubload.Alone(func() (err error) {
		pid, err = r.start(ctx)
		return err
	})
	defer restore()
	if err != nil {
		return res, err
	}
	empty, _ := program.Memory(pid)
	load := hubload.New()
	defer load.Close()
	ways, err := hubload.JoinAll(ctx, o.members, r.join)
	if err != nil {
		return res, err
	}
	for i, w := range ways {
		load.Add(w, strconv.Itoa(i/roomSize), true)
	}
	full, _ := program.Memory(pid)
	res.memory = (full - empty) * 1000 / float64(o.members)
	res.Result, err = load.Run(ctx, hubload.Usual, time.Duration(o.seconds)*time.Second,
		func() { res.cpu = -program.CPUTime(pid) }, func() { res.cpu += program.CPUTime(pid) })
	if err == nil && res.Received == 0 {
		err = errors.New("nothing arrives")
	}
	return res, err
}
