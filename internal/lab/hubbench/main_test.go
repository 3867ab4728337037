package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

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

func TestHistogram(t *testing.T) {
	for us := range 3_000_000 {
		if us > 5000 && us%997 != 0 {
			continue
		}
		d := time.Duration(us) * time.Microsecond
		if got := value(bucket(d)); got > d || float64(d-got) > float64(d)/16 {
			t.Fatalf("%v is counted as %v", d, got)
		}
	}
	var h histogram
	for ms := range 100 {
		h.add(time.Duration(ms+1) * time.Millisecond)
	}
	for _, q := range []float64{0.01, 0.5, 0.99, 1} {
		want := time.Duration(100*q) * time.Millisecond
		if got := h.quantile(q); got > want || float64(want-got) > float64(want)/16 {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
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
		// 50 voices and 20 pictures of each, less the last ones that fell out of the second.
		if res.sent < 1300 || res.sent > 1440 || res.lost() > 2 || res.lost() < -2 {
			t.Errorf("%T: %d packets sent, %d received, %.2f %% lost", r, res.sent, res.received, res.lost())
		}
	}
}

func TestShow(t *testing.T) {
	r := result{sent: 1000, received: 8991, cpu: 45 * time.Millisecond, took: time.Second, memory: 40}
	r.delays.add(2 * time.Millisecond)
	var out bytes.Buffer
	show(&out, "hub", []result{r}, 10)
	if got, want := out.String(), "hub\t8991\t0.100\t5.01\t0.50\t4\t1.98\t1.98\t2.0\t40\t\n"; got != want {
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
