// Command voicebench prints what losses do to a voice, for ways to protect it:
//
//	go run ./internal/lab/voicebench                       60 s of speech, every loss
//	go run ./internal/lab/voicebench -seconds 20           quicker
//	go run ./internal/lab/voicebench -speech a.wav,b.wav   somebody else speaks
//	go run ./internal/lab/voicebench -pesq PROGRAM         and PESQ-WB
//	go run ./internal/lab/voicebench -wav DIR              keeps what is heard, for other scores
//
// Speech goes through an audio.Encoder, a network in virtual time and an
// audio.Voice. The network takes 20 ms and up to 30 ms more, evenly spread, and
// loses packets: each with the same chance, or three in a row. The same packets
// are lost for every way. A way is "plain", or some of these joined by "+":
//
//	FEC    Opus' own copy of each packet in the one after it; Opus is told the
//	       loss, 10 % at least, as if it were known
//	FEC20  the same, but Opus is always told 20 %
//	RED1   the whole packet before in the same datagram
//	RED3   the whole packet of three before; there may be two such copies
//
// Columns: kbit/s of Opus with its copies; the delay from the capture of a chunk
// to the Get that plays it, mean and 95th percentile; the share of the chunks
// that were made up, restored from FEC, and played from a copy; the share of
// time that was cut out and put in.
//
// The quality is our own measure: the mean difference in dB of the levels in 20
// critical bands up to 7.7 kHz, 20 ms at a time, while somebody speaks. "harm"
// compares with the same packets decoded without a loss, "all" with the
// microphone. "bad" is the share of the time with more than 6 dB of harm. Less
// is better; 0 is the same sound.
//
// PESQ is the mean MOS-LQO of P.862.2 against the microphone, of pieces of 8 to
// 10 s, 4.64 at best. A program for it is not part of Debian: -pesq names one
// that prints the score of two files.
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

	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/lab/speech"
)

// settle is what is not counted: the jitter buffer learns.
const settle = 5 * time.Second

// options are what the flags say.
type options struct {
	speech   string
	wav      string
	pesq     string
	policies string
	losses   string
	seconds  int
	encoder  audio.EncoderConfig
	jitter   time.Duration
	drift    float64
	seed     uint64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "voicebench:", err)
		os.Exit(1)
	}
}

// flags returns the flags of the command.
func (o *options) flags() *flag.FlagSet {
	f := flag.NewFlagSet("voicebench", flag.ContinueOnError)
	f.StringVar(&o.speech, "speech", "", speech.Flag)
	f.StringVar(&o.wav, "wav", "", "write the sound of every row, and of the microphone, to this `directory`")
	f.StringVar(&o.pesq, "pesq", "", speech.PESQFlag)
	f.StringVar(&o.policies, "policies", "plain,FEC10,RED1,RED1+RED3", "`ways` to protect the voice, separated by commas")
	f.StringVar(&o.losses, "losses", "0,1,5,10,20,1x3,5x3,10x3,20x3", "`losses` in percent, with x3 for three in a row")
	f.IntVar(&o.seconds, "seconds", 60, "how long to speak")
	f.IntVar(&o.encoder.Bitrate, "bitrate", 24000, "bit/s of Opus, without whole copies")
	f.DurationVar(&o.encoder.Packet, "packet", audio.LongPacket, "how long the sound of a packet is, 10ms or 20ms")
	f.DurationVar(&o.jitter, "jitter", 30*time.Millisecond, "how much longer than 20 ms a packet may take")
	f.Float64Var(&o.drift, "drift", 0, "by how many millionths the speaker's clock is slower than the microphone's")
	f.Uint64Var(&o.seed, "seed", 1, "of the losses and the jitter")
	return f
}

// run is the command with its arguments.
func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	if err := o.flags().Parse(args); err != nil {
		return err
	}
	if o.seconds < 15 {
		return errors.New("15 seconds or more: the first 5 are not counted")
	}
	policies, err := parseList(o.policies, parsePolicy)
	if err != nil {
		return err
	}
	losses, err := parseList(o.losses, parseLoss)
	if err != nil {
		return err
	}
	pcm, err := speech.Read(ctx, o.speech, o.seconds)
	if err != nil {
		return err
	}
	if err := o.keep("microphone", pcm); err != nil {
		return err
	}
	t := table{options: o, pcm: pcm}
	if o.pesq != "" {
		if t.pesq, err = newRuler(ctx, o.pesq, pcm, settle); err != nil {
			return err
		}
		defer os.RemoveAll(t.pesq.dir)
	}
	return t.write(ctx, out, losses, policies)
}

// A table is what is printed.
type table struct {
	options
	pcm  []int16 // of the microphone
	pesq *ruler  // or nil
}

// write measures and prints.
func (t *table) write(ctx context.Context, out io.Writer, losses []loss, policies []policy) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "loss\tpolicy\tkbit/s\tdelay\tp95 ms\tmade up\tFEC\tcopies\tcut\tput in %\tharm\tbad %\tall dB\t")
	if t.pesq != nil {
		fmt.Fprint(w, "PESQ\t")
	}
	fmt.Fprintln(w)
	for _, l := range losses {
		for _, p := range policies {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := t.row(ctx, w, l, p); err != nil {
				return fmt.Errorf("%v, %s: %w", l, p.name, err)
			}
		}
	}
	return w.Flush()
}

// row measures and prints one row.
func (t *table) row(ctx context.Context, w io.Writer, l loss, p policy) error {
	sent, err := encode(t.pcm, t.encoder, p.told(l))
	if err != nil {
		return err
	}
	clean, err := decode(sent)
	if err != nil {
		return err
	}
	h, err := network{loss: l, jitter: t.jitter, red: p.red, drift: t.drift, seed: t.seed, settle: settle}.play(sent)
	if err != nil {
		return err
	}
	harm, bad := distance(clean, 0, h)
	all, _ := distance(t.pcm, lookAhead, h)
	mean, p95 := h.delays()
	st, n := h.stats(), float64(len(h.points))/100
	fmt.Fprintf(w, "%v\t%s\t%.1f\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.1f\t%.2f\t", l, p.name, h.kilobits, mean, p95,
		float64(st.Concealed)/n, float64(st.Restored)/n, float64(st.Repeated)/n,
		st.Shortened.Seconds()*100/n, st.Lengthened.Seconds()*100/n, harm, 100*bad, all)
	if t.pesq != nil {
		mos, err := t.pesq.score(ctx, h)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%.2f\t", mos)
	}
	fmt.Fprintln(w)
	return t.keep(fmt.Sprintf("%d_by_%d_%s", l.percent, l.row, p.name), h.pcm)
}

// keep writes sound to the directory for it, if there is one.
func (o *options) keep(name string, pcm []int16) error {
	if o.wav == "" {
		return nil
	}
	return speech.WriteWAV(filepath.Join(o.wav, name+".wav"), pcm)
}
