package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/hubload"
	"github.com/sanix-darker/s2c/internal/lab/program"
)

// TestMain lets the test binary be the relay, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "-relay" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-members", "5"}, {"-members", "25"}, {"-seconds", "0"}, {"-rounds", "0"}, {"-no-such-flag"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("run(%q) is no error", args)
		}
	}
}

// TestRooms measures a second of both, in which every packet arrives.
func TestRooms(t *testing.T) {
	p, err := program.Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []room{&hubRoom{program: p}, &relayRoom{}} {
		res, err := measure(t.Context(), options{members: 2 * roomSize, seconds: 1, rounds: 1}, r)
		if err != nil {
			t.Fatalf("%T: %v", r, err)
		}
		// 50 voices and 20 pictures of each of 20.
		if res.Sent != 1400 || res.Expected != 9*1400 || res.lost() > 2 {
			t.Errorf("%T: %d packets sent, %d expected, %d received", r, res.Sent, res.Expected, res.Received)
		}
	}
}

func TestShow(t *testing.T) {
	r := result{Result: hubload.Result{Sent: 1000, Expected: 9000, Received: 8991, Took: time.Second}, cpu: 45 * time.Millisecond, memory: 40}
	r.Delays.Add(2 * time.Millisecond)
	var out bytes.Buffer
	show(&out, "hub", []result{r}, 10)
	if got, want := out.String(), "hub\t8991\t0.100\t5.01\t0.50\t4\t2.00\t2.00\t2.0\t40\t\n"; got != want {
		t.Errorf("the row is %q, want %q", got, want)
	}
}

func TestEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"-members", "10", "-seconds", "1"}, io.Discard); err == nil || strings.Contains(err.Error(), "panic") {
		t.Errorf("a run that is interrupted ends with %v", err)
	}
}
