// Command pathlab prints what comes to one member of a session over bad paths from
// the hub: of voice, in time, and of pictures.
//
//	go run ./internal/lab/pathlab                      every row, 20 s each
//	go run ./internal/lab/pathlab -only 1M-q300,5%     some of them
//
// A hub, nine members who send voice, 50 packets a second of 110 bytes, and
// pictures, 20 of 700 bytes, and one who receives are in this process and use the
// loopback interface. Between the hub and the one who receives is a router that
// passes TCP on late and UDP as the row says: with a round trip, independent loss,
// jitter in order, a rate with a queue that drops what does not fit. Loss, jitter
// and delay are the same both ways; the rate is that towards the member.
//
// Columns: of voice the share that came, and for how much longer than over a
// perfect path 50, 95 and 99 % of it took at most; of pictures the share that came,
// and that which the hub withheld; the longest time without a picture of a sender,
// the median of the nine; the limit that the hub has found in the end; and packets
// that the router dropped from its queue. Delays are of a busy machine in real time.
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
	"strings"
	"text/tabwriter"
	"time"
)

// A row is a path.
type row struct {
	name string
	path shape
}

const ms = time.Millisecond

var rows = []row{
	{"perfect", shape{delay: 20 * ms}},
	{"5%", shape{delay: 20 * ms, loss: 0.05}},
	{"20%", shape{delay: 20 * ms, loss: 0.20}},
	{"20%-rtt200", shape{delay: 100 * ms, loss: 0.20}},
	{"2%-jitter30", shape{delay: 20 * ms, loss: 0.02, jitter: 30 * ms}},
	{"1M-q50", shape{delay: 20 * ms, rate: 1e6, queue: 50 * ms}},
	{"1M-q300", shape{delay: 20 * ms, rate: 1e6, queue: 300 * ms}},
	{"1M-q300-rtt200", shape{delay: 100 * ms, rate: 1e6, queue: 300 * ms}},
	{"1M-q300-5%", shape{delay: 20 * ms, rate: 1e6, queue: 300 * ms, loss: 0.05}},
	{"0.6M-q300", shape{delay: 20 * ms, rate: 0.6e6, queue: 300 * ms}},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pathlab:", err)
		os.Exit(1)
	}
}

// run is the command with its arguments.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("pathlab", flag.ContinueOnError)
	only := flags.String("only", "", "which rows, with commas between them; all if empty")
	seconds := flags.Int("seconds", 20, "how long each row takes")
	seed := flags.Uint64("seed", 1, "what chooses the losses")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	if *seconds < 1 {
		return errors.New("one second at least")
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tvoice %\tp50 ms\tp95\tp99\tpictures %\twithheld %\tpause s\tlimit kbit/s\tdropped\t")
	for _, r := range chosen {
		res, err := measure(ctx, r.path, *seed, time.Duration(*seconds)*time.Second)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		res.show(w, r)
	}
	return w.Flush()
}

// choose returns the rows with the given names.
func choose(only string) (chosen []row, err error) {
	if only == "" {
		return rows, nil
	}
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(rows, func(r row) bool { return r.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no row %q", name)
		}
		chosen = append(chosen, rows[i])
	}
	return chosen, nil
}

// show prints a row.
func (r *result) show(w io.Writer, of row) {
	late := func(q float64) float64 {
		return float64(max(r.voice.Quantile(q)-of.path.delay, 0)) / float64(ms)
	}
	fmt.Fprintf(w, "%s\t%.2f\t%.0f\t%.0f\t%.0f\t%.1f\t%.1f\t%.1f\t%d\t%d\t\n", of.name,
		percent(r.voices, r.voicesSent), late(0.5), late(0.95), late(0.99),
		percent(r.pictures, r.picturesSent), percent(r.withheld, r.picturesSent),
		r.pause.Seconds(), r.limit/1000, r.dropped)
}

func percent(part, all uint64) float64 { return 100 * float64(part) / float64(max(all, 1)) }
