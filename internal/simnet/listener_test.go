package simnet

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/transport"
)

func TestListener(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(1)
		link := Link{Delay: 10 * time.Millisecond}
		if _, err := n.Dial(t.Context(), "hub:1", link, link); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Dial without a listener: %v, want ECONNREFUSED", err)
		}
		ln, err := n.Listen("hub:1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Listen("hub:1"); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("Listen twice: %v, want EADDRINUSE", err)
		}
		for late, want := range map[time.Duration]error{5 * time.Millisecond: context.DeadlineExceeded, 15 * time.Millisecond: context.DeadlineExceeded} {
			ctx, cancel := context.WithTimeout(t.Context(), late)
			_, err := n.Dial(ctx, "hub:1", link, link)
			if _, ok := errors.AsType[*net.OpError](err); !ok || !errors.Is(err, want) {
				t.Errorf("Dial for %v: %v, want an OpError with %v", late, err, want)
			}
			cancel()
		}
		// Of those two the second had reached the listener before it gave up.
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if _, err := c.RecvMessage(nil); !errors.Is(err, io.EOF) {
			t.Errorf("RecvMessage from one who gave up: %v, want EOF", err)
		}
		c.Close()

		var waiting []transport.Conn
		for range backlog {
			c, err := n.Dial(t.Context(), "hub:1", Link{}, Link{})
			if err != nil {
				t.Fatal(err)
			}
			waiting = append(waiting, c)
		}
		if _, err := n.Dial(t.Context(), "hub:1", Link{}, Link{}); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("Dial when %d wait: %v, want ECONNREFUSED", backlog, err)
		}
		live, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := ln.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close: %v, want net.ErrClosed", err)
		}
		if err := waiting[0].SendMessage([]byte("hello")); err != nil {
			t.Errorf("an accepted connection ended with its listener: %v", err)
		}
		if b, err := live.RecvMessage(nil); err != nil || string(b) != "hello" {
			t.Errorf("an accepted connection received %q, %v", b, err)
		}
		live.Close()
		for i, c := range waiting {
			if _, err := c.RecvMessage(nil); !errors.Is(err, io.EOF) {
				t.Errorf("member %d of those who waited: %v, want EOF", i, err)
			}
			c.Close()
		}
		if ln, err = n.Listen("hub:1"); err != nil {
			t.Errorf("Listen where a listener has closed: %v", err)
		}
		wakes := make(chan error)
		go func() { _, err := ln.Accept(); wakes <- err }()
		synctest.Wait()
		ln.Close()
		if err := <-wakes; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept while Close: %v, want net.ErrClosed", err)
		}
	})
}
