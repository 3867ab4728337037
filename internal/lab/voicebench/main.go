// Command voicebench prints what losses do to a voice, for ways to protect it:
//
//	go run ./internal/lab/voicebench                       60 s of speech, every loss
//	go run ./internal/lab/voicebench -seconds 20           quicker
//	go run ./internal/lab/voicebench -speech a.wav,b.wav   somebody else speaks
//	go run ./internal/lab/voicebench -wav DIR              keeps what is heard, for other scores
//
// Speech goes through an audio.Encoder, a network in virtual time and an
// audio.Voice. The network takes 20 ms and up to 30 ms more, evenly spread, and
// loses packets: each with the same chance, or three in a row. The same packets
// are lost for every way.
//
//	plain      nothing is done about losses
//	FEC        Opus' own copy of each chunk in the packet after it; Opus is told
//	           the loss, 10 % at least, as if it were known
//	FEC+RED1   and the whole packet before in the same datagram
//	FEC+RED3   and the whole packet of three before instead
//
// Columns: kbit/s of Opus with its copies; the delay from the capture of a chunk
// to the Get that plays it, mean and 95th percentile; the share of the chunks
// that were made up, restored from FEC, and played from a copy; the share of
// time that was cut out and put in.
//
// The quality is our own measure, not PESQ: the mean difference in dB of the
// levels in 20 critical bands up to 7.7 kHz, 20 ms at a time, while somebody
// speaks. "harm" compares with the same packets decoded without a loss, "all"
// with the microphone. "bad" is the share of the time with more than 6 dB of
// harm. Less is better; 0 is the same sound.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"text/tabwriter"
	"time"
)

// options are what the flags say.
type options struct {
	speech  string
	wav     string
	seconds int
	bitrate int
	jitter  time.Duration
	drift   float64
	seed    uint64
}

// A policy is a way to protect a voice.
type policy struct {
	name  string
	fec   bool
	again int // how many packets before is sent again, 0 for none
}

var policies = []policy{{"plain", false, 0}, {"FEC", true, 0}, {"FEC+RED1", true, 1}, {"FEC+RED3", true, 3}}

// A loss is what the network does to packets.
type loss struct {
	percent int
	row     int // packets that are lost in a row
}

func (l loss) String() string {
	if l.row == 1 {
		return fmt.Sprintf("%d %%", l.percent)
	}
	return fmt.Sprintf("%d %% by %d", l.percent, l.row)
}

var losses = []loss{{0, 1}, {1, 1}, {5, 1}, {10, 1}, {20, 1}, {1, 3}, {5, 3}, {10, 3}, {20, 3}}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "voicebench:", err)
		os.Exit(1)
	}
}

// run is the command with its arguments.
func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("voicebench", flag.ContinueOnError)
	flags.StringVar(&o.speech, "speech", "", "`files` with speech that FFmpeg reads, separated by commas (default the words of Debian's alsa-utils)")
	flags.StringVar(&o.wav, "wav", "", "write the sound of every row, and of the microphone, to this `directory`")
	flags.IntVar(&o.seconds, "seconds", 60, "how long to speak")
	flags.IntVar(&o.bitrate, "bitrate", 24000, "bit/s of Opus, without whole copies")
	flags.DurationVar(&o.jitter, "jitter", 30*time.Millisecond, "how much longer than 20 ms a packet may take")
	flags.Float64Var(&o.drift, "drift", 0, "by how many millionths the speaker's clock is slower than the microphone's")
	flags.Uint64Var(&o.seed, "seed", 1, "of the losses and the jitter")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.seconds < 15 {
		return errors.New("15 seconds or more: the first 5 are not counted")
	}
	pcm, err := readSpeech(ctx, o.speech, o.seconds)
	if err != nil {
		return err
	}
	if err := o.keep("microphone", pcm); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "loss\tpolicy\tkbit/s\tdelay\tp95 ms\tmade up\tFEC\tcopies\tcut\tput in %\tharm\tbad %\tall dB\t")
	for _, l := range losses {
		for _, p := range policies {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := o.row(w, l, p, pcm); err != nil {
				return fmt.Errorf("%v, %s: %w", l, p.name, err)
			}
		}
	}
	return w.Flush()
}

// row measures and prints one row.
func (o *options) row(w io.Writer, l loss, p policy, pcm []int16) error {
	sent, err := encode(pcm, o.bitrate, l, p)
	if err != nil {
		return err
	}
	clean, err := decode(sent)
	if err != nil {
		return err
	}
	h, err := network{loss: l, jitter: o.jitter, again: p.again, drift: o.drift, seed: o.seed}.play(sent)
	if err != nil {
		return err
	}
	harm, bad := distance(clean, 0, h)
	all, _ := distance(pcm, lookAhead, h)
	mean, p95 := h.delays()
	st, n := h.stats(), float64(len(h.points))/100
	fmt.Fprintf(w, "%v\t%s\t%.1f\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%.2f\t\n", l, p.name, h.kilobits, mean, p95,
		float64(st.Concealed)/n, float64(st.Restored)/n, float64(st.Repeated)/n,
		st.Shortened.Seconds()*100/n, st.Lengthened.Seconds()*100/n, harm, 100*bad, all)
	return o.keep(fmt.Sprintf("%d_by_%d_%s", l.percent, l.row, p.name), h.pcm)
}

// keep writes sound to the directory for it, if there is one.
func (o *options) keep(name string, pcm []int16) error {
	if o.wav == "" {
		return nil
	}
	return writeWAV(filepath.Join(o.wav, name+".wav"), pcm)
}
