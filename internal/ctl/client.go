package ctl

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// A Client speaks to a call. One goroutine may use it.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
	wait time.Duration // for an answer
}

// A RefusedError says why a call did not do what it was told.
type RefusedError struct{ Text string }

func (e *RefusedError) Error() string { return e.Text }

// Dial connects to the call whose socket is at path.
func Dial(ctx context.Context, path string) (*Client, error) {
	conn, err := dial(ctx, path)
	if err != nil {
		return nil, err
	}
	return newClient(conn), nil
}

func dial(ctx context.Context, path string) (net.Conn, error) {
	return (&net.Dialer{Timeout: IdleTime}).DialContext(ctx, "unix", path)
}

func newClient(conn net.Conn) *Client {
	return &Client{conn, bufio.NewReaderSize(conn, maxAnswer), IdleTime}
}

// Close ends the connection, and with it what was begun by "talk".
func (c *Client) Close() { c.conn.Close() }

// Do has the call do what a line says. The error is a *RefusedError if it did
// not.
func (c *Client) Do(line string) error {
	_, err := c.ask(line)
	return err
}

// Status asks how the call stands.
func (c *Client) Status() (Status, error) {
	a, err := c.ask("status")
	switch {
	case err != nil:
		return Status{}, err
	case a.Status == nil:
		return Status{}, errors.New("the call answers without a status")
	}
	return *a.Status, nil
}

func (c *Client) ask(line string) (Answer, error) {
	switch {
	case len(line) > MaxLine:
		return Answer{}, fmt.Errorf("a command has at most %d bytes, not %d", MaxLine, len(line))
	case strings.ContainsAny(line, "\r\n"):
		return Answer{}, errors.New("a command is one line")
	}
	if err := c.conn.SetDeadline(time.Now().Add(c.wait)); err != nil {
		return Answer{}, err
	}
	if _, err := c.conn.Write([]byte(line + "\n")); err != nil {
		return Answer{}, fmt.Errorf("the call does not listen: %w", err)
	}
	b, err := readLine(c.in)
	if err != nil {
		return Answer{}, fmt.Errorf("the call does not answer: %w", err)
	}
	a, err := parseAnswer(b)
	if err == nil && !a.OK {
		err = &RefusedError{a.Error}
	}
	return a, err
}
