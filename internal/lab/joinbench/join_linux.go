package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sanix-darker/s2c/internal/lab/pty"
)

// joinWithin is how long a join may take.
const joinWithin = 20 * time.Second

// join runs a program in a terminal until it shows a picture, and ends it.
func join(ctx context.Context, o options, env, argv []string) (t times, err error) {
	ctx, cancel := context.WithTimeout(ctx, joinWithin)
	defer cancel()
	ours, theirs, err := pty.Open(o.cols, o.rows)
	if err != nil {
		return t, err
	}
	defer ours.Close()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, theirs, theirs, theirs
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	w := watcher{start: time.Now()}
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return t, err
	}
	defer func() {
		_, _ = ours.WriteString("q")
		_, _ = drain(ours) // or its last words would make it wait
		_ = cmd.Wait()     // it ends when it is asked to, or is killed
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := ours.Read(buf)
		if err != nil {
			return t, fmt.Errorf("%w: %w; it said: %q", errOutput, err, w.tail)
		}
		say, done := w.take(buf[:n], time.Now())
		if _, err := ours.WriteString(say); err != nil {
			return t, err
		}
		if done {
			return w.times, nil
		}
	}
}

// drain reads until the program has ended.
func drain(f *os.File) (n int, err error) {
	buf := make([]byte, 64<<10)
	for {
		m, err := f.Read(buf)
		if n += m; err != nil {
			return n, err
		}
	}
}
