package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/sanix-darker/s2c/internal/command"
)

// commands reads lines in a goroutine of its own.
//
// Reading from a file cannot be interrupted in Go when the file is not the
// program's alone, as standard input is not. On Unix the goroutine waits with
// poll instead, and close waits for the goroutine. Elsewhere, and for a reader
// that is no file, close cannot wait: the goroutine then ends with the read
// that it is in, at the latest with the process, and touches nothing but its
// own buffer.
type commands struct {
	lines chan command.Line // closed at the end of the input
	done  chan struct{}
	stop  func() // nil when reading cannot be interrupted
	wg    sync.WaitGroup
}

// readCommands starts to read from r.
func readCommands(r io.Reader) *commands {
	c := &commands{lines: make(chan command.Line), done: make(chan struct{})}
	free := func() {}
	if f, ok := r.(*os.File); ok {
		if w, stop, ok := interruptible(f); ok {
			r, c.stop = w, stop
			free = func() { w.Close() }
		}
	}
	c.wg.Go(func() {
		defer free()
		c.read(r)
	})
	return c
}

// read hands out lines until the input or the call ends.
func (c *commands) read(r io.Reader) {
	defer close(c.lines)
	in := bufio.NewReaderSize(r, command.MaxLine)
	for {
		line, err := in.ReadSlice('\n')
		next := command.Line{Text: strings.TrimSpace(string(line))}
		if errors.Is(err, bufio.ErrBufferFull) {
			next = command.Line{Err: fmt.Errorf("a command has at most %d bytes", command.MaxLine)}
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
		}
		if next != (command.Line{}) {
			select {
			case c.lines <- next:
			case <-c.done:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// close ends the reading.
func (c *commands) close() {
	close(c.done)
	if c.stop != nil {
		c.stop()
		c.wg.Wait()
	}
}
