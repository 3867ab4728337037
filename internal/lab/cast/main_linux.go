// Command cast records what a program shows in a terminal, for asciinema and the
// players of its recordings:
//
//	go run ./internal/lab/cast -o docs/demo.cast -size 100x30 -for 20s -key '8s g' -key '14s ?' -- s2c demo
//
// What is typed is in the order of the flags; -key names a time and a key, or text.
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
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sanix-darker/s2c/internal/lab/pty"
)

// endTime is how long a program may take to end when it is asked to.
const endTime = 3 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "cast: error: %v\n", err)
		os.Exit(1)
	}
}

// options are what the flags say.
type options struct {
	cols, rows int
	title      string
	length     time.Duration
	keys       []press
	argv       []string
}

// A press types something at a time from the start.
type press struct {
	at   time.Duration
	text string
}

// keyNames are the keys that -key knows by name.
var keyNames = map[string]string{"Tab": "\t", "Enter": "\r", "Escape": "\x1b", "Space": " "}

// parsePress reads a time and what to type then, as in "8s Tab".
func parsePress(s string) (press, error) {
	at, text, ok := strings.Cut(s, " ")
	d, err := time.ParseDuration(at)
	if err != nil || d < 0 || !ok || text == "" {
		return press{}, fmt.Errorf("%q: want a time and a key, as in '8s Tab'", s)
	}
	if key, ok := keyNames[text]; ok {
		text = key
	}
	return press{d, text}, nil
}

// run is main with its arguments, and stderr for its help.
func run(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("cast", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o options
	out := flags.String("o", "out.cast", "the `file` to write")
	size := flags.String("size", "100x30", "columns and rows of the terminal")
	flags.StringVar(&o.title, "title", "s2c", "the title of the recording")
	flags.DurationVar(&o.length, "for", 20*time.Second, "how long to record")
	flags.Func("key", "at this time type this key, as in `'8s Tab'`", func(s string) error {
		p, err := parsePress(s)
		o.keys = append(o.keys, p)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if n, _ := fmt.Sscanf(*size, "%dx%d", &o.cols, &o.rows); n != 2 || o.cols <= 0 || o.rows <= 0 {
		return fmt.Errorf("size %q: want columns x rows, as in 100x30", *size)
	}
	if o.argv = flags.Args(); len(o.argv) == 0 {
		return errors.New("name the program to record, after --")
	}
	f, err := os.Create(*out)
	if err != nil {
		return err
	}
	err = record(ctx, o, f)
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	return err
}

// record runs the program and writes what it shows.
func record(ctx context.Context, o options, to io.Writer) error {
	w, err := newWriter(to, o.cols, o.rows, o.title)
	if err != nil {
		return err
	}
	ours, theirs, err := pty.Open(o.cols, o.rows)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, o.argv[0], o.argv[1:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=truecolor")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	start := time.Now()
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		ours.Close()
		return err
	}
	var reading sync.WaitGroup
	var wrong error // of reading
	ended := make(chan struct{})
	reading.Go(func() {
		defer close(ended)
		buf := make([]byte, 64<<10)
		for {
			n, err := ours.Read(buf)
			if wrong == nil {
				wrong = w.output(time.Since(start), buf[:n])
			}
			if err != nil { // the program has ended, or the terminal is closed
				return
			}
		}
	})
	err = typeKeys(ctx, ours, o, start, ended)
	_ = cmd.Process.Signal(unix.SIGTERM) // it leaves the terminal as it was
	kill := time.AfterFunc(endTime, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	_ = cmd.Wait() // of our signal
	ours.Close()
	reading.Wait()
	return errors.Join(err, wrong)
}

// typeKeys types what is to be typed until the recording is long enough.
func typeKeys(ctx context.Context, ours io.Writer, o options, start time.Time, ended <-chan struct{}) error {
	for _, p := range append(o.keys, press{at: o.length}) {
		timer := time.NewTimer(time.Until(start.Add(p.at)))
		select {
		case <-timer.C:
		case <-ended:
			timer.Stop()
			return fmt.Errorf("the program ended before %v", p.at)
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		if _, err := io.WriteString(ours, p.text); err != nil {
			return err
		}
	}
	return nil
}
