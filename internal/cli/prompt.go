package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// errNoTerminal is wrapped by the error of ask when there is nobody to ask.
var errNoTerminal = errors.New("there is no terminal to ask for it")

// A terminal is where a person is asked. in and out may be the same file.
type terminal struct{ in, out *os.File }

// Read implements io.Reader. It takes one byte at a time, so that what was
// typed ahead is left for the next question, or for the shell.
func (t *terminal) Read(b []byte) (int, error) { return t.in.Read(b[:min(len(b), 1)]) }

// Write implements io.Writer.
func (t *terminal) Write(b []byte) (int, error) { return t.out.Write(b) }

func (t *terminal) close() {
	t.in.Close()
	if t.out != t.in {
		t.out.Close()
	}
}

// control calls f with the descriptor of the input. The Fd method would make
// reading from it something that cannot be interrupted.
func (t *terminal) control(f func(fd int) error) error {
	conn, err := t.in.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := conn.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// ask asks the questions one after the other on the terminal and returns the
// answers, which are not shown as they are typed. The end of ctx, Ctrl-C and
// Ctrl-D end it; the terminal is as before in every case.
func ask(ctx context.Context, questions ...string) ([]string, error) {
	t, err := openTerminal()
	if err != nil {
		return nil, errNoTerminal
	}
	defer t.close()
	var saved *term.State
	if err := t.control(func(fd int) (err error) { saved, err = term.MakeRaw(fd); return err }); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoTerminal, err)
	}
	giveBack := sync.OnceFunc(func() {
		_ = t.control(func(fd int) error { return term.Restore(fd, saved) }) // nothing can be done about it
	})
	defer giveBack()
	stop := context.AfterFunc(ctx, func() {
		giveBack() // at once: where reading cannot be interrupted, a second signal ends the program
		_ = t.in.SetReadDeadline(time.Unix(1, 0))
	})
	defer stop()
	lines := term.NewTerminal(t, "")
	_ = t.control(func(fd int) error {
		width, height, err := term.GetSize(fd)
		if err == nil && width > 0 && height > 0 { // some terminals do not know
			err = lines.SetSize(width, height)
		}
		return err
	})
	var answers []string
	for _, q := range questions {
		line, err := lines.ReadPassword(q)
		switch {
		case err == nil:
			answers = append(answers, line)
			continue
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case errors.Is(err, io.EOF):
			err = context.Canceled
		}
		_, _ = io.WriteString(t, "\r\n")
		return nil, err
	}
	return answers, nil
}
