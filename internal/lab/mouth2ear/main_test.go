package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/sound"
	"github.com/sanix-darker/s2c/pulse"
)

func TestUsage(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{"-mouth", "unix:/a"}, &out)
	if err == nil || !strings.Contains(err.Error(), "-ear") {
		t.Errorf("without an ear: %v, want a hint", err)
	}
	err = run(t.Context(), []string{"-mouth", "unix:/missing", "-ear", "unix:/missing"}, &out)
	if err == nil || !strings.Contains(err.Error(), "/missing") {
		t.Errorf("without servers: %v, want their address", err)
	}
}

func TestSelfTest(t *testing.T) {
	_, err := exec.LookPath("pulseaudio")
	lab.Need(t, err)
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-self-test", "pulse", "-seconds", "2", "-max-delay", "500ms", "-json"}, &out); err != nil {
		t.Fatal(err)
	}
	var r sound.Report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Sent == 0 || len(r.Clicks) != r.Sent {
		t.Errorf("-json printed %s: %v", out.Bytes(), err)
	}
}

func TestServe(t *testing.T) {
	_, err := exec.LookPath("pulseaudio")
	lab.Need(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-serve", "pulse"}, w) }()
	var address string
	if _, err := fmt.Fscanf(r, "export PULSE_SERVER=%s\n", &address); err != nil {
		t.Fatal(err)
	}
	s, err := pulse.OpenSpeaker(t.Context(), pulse.Config{Server: address})
	if err != nil {
		t.Errorf("the server at %q: %v", address, err)
	} else {
		s.Close()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := pulse.OpenSpeaker(t.Context(), pulse.Config{Server: address}); !errors.Is(err, pulse.ErrNoServer) {
		t.Errorf("after the end the server at %q: %v, want ErrNoServer", address, err)
	}
}

func TestShow(t *testing.T) {
	var out bytes.Buffer
	r := &sound.Report{
		Sent: 10, Lost: 1, Unsent: 2, Min: 1.25, Median: 2, P99: 3, Max: 4,
		Minutes: []sound.Minute{{Sent: 10, Lost: 1, Median: 2}},
	}
	const want = `clicks sent 10, lost 1
not counted, by a fault of this machine: 2 at the mouth, 0 at the ear
delay ms: min 1.2, median 2.0, p99 3.0, max 4.0
minute  1: median 2.0 ms, sent 10, lost 1
`
	if err := show(&out, r); err != nil || out.String() != want {
		t.Errorf("show printed %v\n%s\nwant\n%s", err, out.String(), want)
	}
	if err := show(&out, &sound.Report{}); err == nil {
		t.Error("a report of nothing is no error")
	}
}

func TestShowParts(t *testing.T) {
	var m mean
	for _, d := range []time.Duration{0, 10 * time.Millisecond, 15 * time.Millisecond} { // zero: not known
		m.add(d)
	}
	var out bytes.Buffer
	showParts(&out, []part{{"one", m.value()}, {"none", new(mean).value()}}, 20)
	const want = "    12.5 ms  one\n     0.0 ms  none\n     7.5 ms  the rest of the median\n"
	if out.String() != want {
		t.Errorf("showParts printed\n%s\nwant\n%s", out.String(), want)
	}
}

func TestSettings(t *testing.T) {
	tests := []struct {
		how  settings
		want string
	}{
		{settings{aec: true}, ""},
		{settings{}, "--no-aec"},
		{settings{aec: true, lowLatency: true}, "--low-latency"},
		{settings{lowLatency: true}, "--no-aec --low-latency"},
	}
	for _, tt := range tests {
		if got := strings.Join(tt.how.args(), " "); got != tt.want {
			t.Errorf("%+v become %q, want %q", tt.how, got, tt.want)
		}
	}
}

// TestDevices measures the devices alone, without and with cancellation.
func TestDevices(t *testing.T) {
	_, err := exec.LookPath("pulseaudio")
	lab.Need(t, err)
	for _, args := range [][]string{{"-devices", "pulse", "-aec=false"}, {"-devices", "pulse", "-low-latency"}} {
		var out bytes.Buffer
		if err := run(t.Context(), append(args, "-seconds", "2", "-max-delay", "500ms"), &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "ms  speaker: device\n") || !strings.Contains(out.String(), "chunks missing") {
			t.Errorf("%v printed no parts:\n%s", args, out.String())
		}
	}
}
