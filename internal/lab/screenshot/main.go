// Command screenshot runs a program in a terminal of its own and saves what it
// shows as a picture:
//
//	go run ./internal/lab/screenshot -o out.png -size 100x30 -wait you -- s2c demo
//	go run ./internal/lab/screenshot -wait carol -press Tab -type hello -press Enter -- s2c demo
//
// Keys have tmux's names. What is typed and pressed is so in the order of the flags,
// after what is waited for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/screen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "screenshot: error: %v\n", err)
		os.Exit(1)
	}
}

// run is main with its arguments, and stderr for its help.
func run(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("screenshot", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "screen.png", "the picture to write")
	size := flags.String("size", "80x24", "columns and rows of the terminal")
	wait := flags.String("wait", "", "wait until the screen shows this text")
	var keys []string
	flags.Func("type", "then type this `text`", func(s string) error {
		for _, r := range s {
			keys = append(keys, string(r))
		}
		return nil
	})
	flags.Func("press", "then press this `key`", func(s string) error {
		keys = append(keys, s)
		return nil
	})
	after := flags.Duration("after", 0, "then wait as long as this")
	timeout := flags.Duration("timeout", 30*time.Second, "how long to wait for the text")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var cols, rows int
	if n, _ := fmt.Sscanf(*size, "%dx%d", &cols, &rows); n != 2 || cols <= 0 || rows <= 0 {
		return fmt.Errorf("size %q: want columns x rows, as in 80x24", *size)
	}

	s, err := screen.Start(ctx, cols, rows, nil, flags.Args()...)
	if err != nil {
		return err
	}
	err = shoot(ctx, s, *out, *wait, *timeout, keys, *after)
	return errors.Join(err, s.Close())
}

// keyPause is between two keys, for programs that take a key for more than one.
const keyPause = 30 * time.Millisecond

// shoot waits for what is asked for, presses keys and writes the picture.
func shoot(ctx context.Context, s *screen.Session, out, wait string, timeout time.Duration, keys []string, after time.Duration) error {
	if _, err := s.WaitText(wait, timeout); err != nil {
		return err
	}
	for _, k := range keys {
		if err := s.Keys(k); err != nil {
			return err
		}
		select {
		case <-time.After(keyPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case <-time.After(after):
	case <-ctx.Done():
		return ctx.Err()
	}
	g, err := s.Capture()
	if err != nil {
		return err
	}
	return g.Save(out)
}
