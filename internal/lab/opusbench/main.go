// Command opusbench prints what the voice of a member costs, beside libopus:
//
//	go run ./internal/lab/opusbench                      60 s of speech, 5 rounds
//	go run ./internal/lab/opusbench -seconds 20 -rounds 3
//
// All code the same speech with the same settings: voice, a constant bit rate,
// packets of 20 ms and of 10 ms, the same complexity and mode: that which s2c
// chooses, up to 8 kHz for less than 28 kbit/s.
//
//	s2c      internal/audio: an Encoder, and a Voice with its jitter buffer,
//	         whose packets come evenly
//	gopus    the library in it alone
//	libopus  Debian's, as a C program that this command compiles
//
// All decode the packets that s2c made. What is printed is processor time in
// ms for a second of sound: the median of rounds, in each of which everybody has
// a turn, and how many times that of libopus it is. The garbage collector is
// counted, the start of the programs is not.
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
	"text/tabwriter"
	"time"

	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/lab/opusbench/libopus"
	"github.com/sanix-darker/s2c/internal/lab/speech"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "opusbench:", err)
		if errors.Is(err, libopus.ErrMissing) {
			fmt.Fprintln(os.Stderr, "opusbench: hint: this needs a C compiler and libopus:", libopus.ErrMissing)
		}
		os.Exit(1)
	}
}

// run is the command with its arguments.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("opusbench", flag.ContinueOnError)
	files := flags.String("speech", "", speech.Flag)
	seconds := flags.Int("seconds", 60, "how long to speak")
	rounds := flags.Int("rounds", 5, "how often to measure")
	var s libopus.Settings
	flags.IntVar(&s.Bitrate, "bitrate", 24000, "bit/s")
	flags.IntVar(&s.Complexity, "complexity", 9, "of gopus and libopus, 0 to 10; s2c has its own")
	flags.IntVar(&s.Loss, "loss", 0, "percent of loss that the encoders are told: with any, packets have copies in them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *seconds < 1 || *rounds < 1 {
		return errors.New("at least one second and one round")
	}
	dir, err := os.MkdirTemp("", "opusbench")
	if err != nil {
		return fmt.Errorf("make a directory for libopus' program: %w", err)
	}
	defer os.RemoveAll(dir)
	c, err := libopus.Build(ctx, dir)
	if err != nil {
		return err
	}
	pcm, err := speech.Read(ctx, *files, *seconds)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, %d s, %d rounds, %d bit/s, complexity %d, ms of processor for a second\n", c.Version, *seconds, *rounds, s.Bitrate, s.Complexity)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "packet\twho\tencode\tx\tdecode\tx\tboth\tx\t")
	for _, s.Packet = range []time.Duration{audio.LongPacket, audio.ShortPacket} {
		turns := []turn{{who: "s2c", do: s2c}, {who: "gopus", do: bare}, {who: "libopus", do: peer(c)}}
		if err := measure(ctx, turns, s, pcm, *rounds); err != nil {
			return err
		}
		write(w, turns, s, float64(*seconds))
	}
	return w.Flush()
}

// A turn is somebody who codes.
type turn struct {
	who string

	// do encodes pcm and decodes packets, and returns the processor time of
	// both. Without packets it returns its own.
	do func(ctx context.Context, s libopus.Settings, pcm []int16, packets [][]byte) (cost, error)

	costs []cost // of the rounds
}

// A cost is processor time, and what was made in it.
type cost struct {
	encode, decode time.Duration
	packets        [][]byte
}

// measure gives everybody as many turns as there are rounds. The packets of the
// first are what all decode.
func measure(ctx context.Context, turns []turn, s libopus.Settings, pcm []int16, rounds int) error {
	first, err := turns[0].do(ctx, s, pcm, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", turns[0].who, err)
	}
	s.Mode = mode(first.packets)
	for round := range rounds {
		for i := range turns {
			// Nobody is always the first after somebody else.
			t := &turns[(i+round)%len(turns)]
			c, err := t.do(ctx, s, pcm, first.packets)
			if err != nil {
				return fmt.Errorf("%s: %w", t.who, err)
			}
			t.costs = append(t.costs, c)
		}
	}
	return nil
}

// mode returns how packets are coded: RFC 6716, table 2.
func mode(packets [][]byte) string {
	switch config := packets[0][0] >> 3; {
	case config < 12:
		return "silk"
	case config < 16:
		return "hybrid"
	}
	return "celt"
}

// write prints the rows of one length of packets; libopus is the last.
func write(w io.Writer, turns []turn, s libopus.Settings, seconds float64) {
	middle := func(t turn, of func(c cost) time.Duration) float64 {
		var all []time.Duration
		for _, c := range t.costs {
			all = append(all, of(c))
		}
		slices.Sort(all)
		return all[len(all)/2].Seconds() * 1000 / seconds
	}
	for _, t := range turns {
		fmt.Fprintf(w, "%v\t%s\t", s.Packet, t.who)
		for _, of := range []func(c cost) time.Duration{
			func(c cost) time.Duration { return c.encode },
			func(c cost) time.Duration { return c.decode },
			func(c cost) time.Duration { return c.encode + c.decode },
		} {
			x := middle(t, of)
			fmt.Fprintf(w, "%.2f\t%.2f\t", x, x/middle(turns[len(turns)-1], of))
		}
		fmt.Fprintln(w)
	}
}
