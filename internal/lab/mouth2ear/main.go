// Command mouth2ear measures how long sound takes from one sound server's
// microphone to another's loudspeaker, through whatever connects the two:
//
//	go run ./internal/lab/mouth2ear -mouth unix:/a/pulse.sock -ear unix:/b/pulse.sock -seconds 600
//
// With -call it makes the whole way itself: two sound servers, a hub, and two
// members (or more, -members), of whom the first speaks and the second is heard:
//
//	go run ./internal/lab/mouth2ear -call pulse -seconds 60
//
// It then also prints where the time goes, as far as the sound servers tell. What
// the devices alone take, and what echo cancellation adds, is shown by a process
// that plays what it hears,
//
//	go run ./internal/lab/mouth2ear -devices pulse -aec=false
//	go run ./internal/lab/mouth2ear -devices pulse -low-latency
//
// and what cancellation is good for by
//
//	go run ./internal/lab/mouth2ear -echo pulse
//
// Both servers need the devices of internal/lab/sound: a sink "room", whose
// monitor the microphone is, and a sink "speaker"; one started with
//
//	go run ./internal/lab/mouth2ear -serve pulse
//
// has them, and is the default for a program that runs with the variable it
// prints. With -self-test the command starts a server itself and compares its
// room with itself, which shows the error of the ruler.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/sound"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mouth2ear:", err)
		os.Exit(1)
	}
}

// run is the command with its arguments.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mouth2ear", flag.ContinueOnError)
	var o sound.Options
	flags.StringVar(&o.Mouth, "mouth", "", "`address` of the server whose room is spoken into")
	flags.StringVar(&o.Ear, "ear", "", "`address` of the server whose speaker is listened to")
	flags.StringVar(&o.EarFrom, "ear-from", "", "`source` to listen to (default speaker.monitor)")
	seconds := flags.Float64("seconds", 15, "how long to speak")
	maxDelay := flags.Duration("max-delay", 3*time.Second, "the longest delay to look for")
	asJSON := flags.Bool("json", false, "print JSON, every click included")
	self := flags.String("self-test", "", "start a server of this `kind`, pulse or pipewire, and measure the ruler")
	call := flags.String("call", "", "measure a call of s2c between two servers of this `kind`, pulse or pipewire")
	members := flags.Int("members", 2, "with -call: members of the session; those after the second make test sounds and pictures")
	tcp := flags.Bool("tcp", false, "with -call: keep everything on TLS")
	devices := flags.String("devices", "", "measure the devices of a server of this `kind` without a call")
	var how settings
	flags.BoolVar(&how.aec, "aec", true, "with -call and -devices: cancel echo, as s2c does unless it is told not to")
	flags.BoolVar(&how.lowLatency, "low-latency", false, "with -call and -devices: as s2c does with this flag")
	flags.DurationVar(&how.buffer, "buffer", 0, "with -devices: what the server keeps for the speaker (default as s2c)")
	echo := flags.String("echo", "", "measure echo cancellation with a server of this `kind`")
	serve := flags.String("serve", "", "only start a server of this `kind` and run it until interrupted")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *serve != "" {
		return serveUntil(ctx, sound.Kind(*serve), out)
	}
	o.Duration, o.MaxDelay = time.Duration(*seconds*float64(time.Second)), *maxDelay
	if *devices != "" {
		sound.Hurry()
		return measureDevices(ctx, sound.Kind(*devices), how, o, out)
	}
	if *echo != "" {
		return measureEcho(ctx, sound.Kind(*echo), out)
	}
	if *self != "" {
		server, err := start(sound.Kind(*self))
		if err != nil {
			return err
		}
		defer server.close()
		o.Mouth, o.Ear = server.Address(), server.Address()
	}
	var parts func() []part
	if *call != "" {
		c, err := startCall(ctx, sound.Kind(*call), *members, append(how.args(), transport(*tcp)...))
		if err != nil {
			return err
		}
		defer c.close()
		o.Mouth, o.Ear = c.mouth.Address(), c.ear.Address()
		parts = sync.OnceValue(watch(c.mouth.Server, c.ear.Server, how.packet()).parts)
		defer parts()
	}
	if o.Mouth == "" || o.Ear == "" {
		return errors.New("say which servers: -mouth ADDRESS -ear ADDRESS, or -call pulse, or -self-test pulse")
	}
	sound.Hurry()
	r, err := sound.Measure(ctx, o)
	if err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	if err := show(out, r); err != nil {
		return err
	}
	if parts != nil {
		showParts(out, parts(), r.Median)
	}
	return nil
}

// settings are what s2c lets its user choose.
type settings struct {
	aec, lowLatency bool
	buffer          time.Duration // of the speaker; 0 means what s2c takes
}

// args returns the settings as arguments of s2c.
func (s settings) args() (args []string) {
	if !s.aec {
		args = append(args, "--no-aec")
	}
	if s.lowLatency {
		args = append(args, "--low-latency")
	}
	return args
}

// packet returns how much sound s2c puts in a packet.
func (s settings) packet() time.Duration {
	if s.lowLatency {
		return 10 * time.Millisecond
	}
	return 20 * time.Millisecond
}

// transport returns the arguments that choose it.
func transport(tcp bool) []string {
	if tcp {
		return []string{"--tcp"}
	}
	return nil
}

// measureEcho prints what cancellation does to the far voice and the near one.
func measureEcho(ctx context.Context, kind sound.Kind, out io.Writer) error {
	server, err := start(kind)
	if err != nil {
		return err
	}
	defer server.close()
	o, err := server.EchoRoom()
	if err != nil {
		return err
	}
	r, err := sound.MeasureEcho(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "far voice in the microphone: %.1f dBFS without cancellation, %.1f dBFS with: %.1f dB lower\n", r.Off.Far, r.On.Far, r.Reduction)
	fmt.Fprintf(out, "in its first second: %.1f dB lower\n", r.First)
	fmt.Fprintf(out, "near voice: %+.1f dB\n", r.Near)
	return nil
}

// serveUntil runs a server until ctx ends.
func serveUntil(ctx context.Context, kind sound.Kind, out io.Writer) error {
	server, err := start(kind)
	if err != nil {
		return err
	}
	defer server.close()
	fmt.Fprintf(out, "export PULSE_SERVER=%s\n", server.Address())
	<-ctx.Done()
	return nil
}

// show writes the report for people.
func show(out io.Writer, r *sound.Report) error {
	fmt.Fprintf(out, "clicks sent %d, lost %d\n", r.Sent, r.Lost)
	if r.Unsent+r.Unheard > 0 {
		fmt.Fprintf(out, "not counted, by a fault of this machine: %d at the mouth, %d at the ear\n", r.Unsent, r.Unheard)
	}
	fmt.Fprintf(out, "delay ms: min %.1f, median %.1f, p99 %.1f, max %.1f\n", r.Min, r.Median, r.P99, r.Max)
	for i, m := range r.Minutes {
		fmt.Fprintf(out, "minute %2d: median %.1f ms, sent %d, lost %d\n", i+1, m.Median, m.Sent, m.Lost)
	}
	if r.Sent == 0 {
		return errors.New("nothing was heard even at the mouth")
	}
	return nil
}

// A temporary server and its directory.
type temporary struct {
	*sound.Server
	dir string
}

func start(kind sound.Kind) (*temporary, error) {
	dir, err := os.MkdirTemp("", "s2c-sound-")
	if err != nil {
		return nil, err
	}
	s, err := sound.Start(dir, kind)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &temporary{s, dir}, nil
}

func (t *temporary) close() {
	if err := errors.Join(t.Stop(), os.RemoveAll(t.dir)); err != nil {
		fmt.Fprintln(os.Stderr, "mouth2ear:", err)
	}
}
