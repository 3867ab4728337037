package main

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/opusbench/libopus"
)

// TestTable checks the arithmetic and that everybody decodes the packets of the
// first.
func TestTable(t *testing.T) {
	packets := [][]byte{{1}, {2}}
	clock := func(costs ...time.Duration) func(context.Context, libopus.Settings, []int16, [][]byte) (cost, error) {
		return func(_ context.Context, _ libopus.Settings, _ []int16, got [][]byte) (cost, error) {
			if got == nil {
				return cost{packets: packets}, nil
			}
			if len(got) != len(packets) {
				return cost{}, errors.New("other packets")
			}
			c := cost{encode: costs[0] * time.Millisecond, decode: time.Millisecond}
			costs = costs[1:]
			return c, nil
		}
	}
	turns := []turn{{who: "a", do: clock(10, 90, 20)}, {who: "b", do: clock(4, 4, 40)}}
	s := libopus.Settings{Packet: audio.LongPacket}
	if err := measure(t.Context(), turns, s, nil, 3); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	write(&out, turns, s, 2)
	const want = "20ms\ta\t10.00\t5.00\t0.50\t1.00\t10.50\t4.20\t\n20ms\tb\t2.00\t1.00\t0.50\t1.00\t2.50\t1.00\t\n"
	if out.String() != want {
		t.Errorf("the table is %q, want %q", out.String(), want)
	}
}

// TestRun measures for a second.
func TestRun(t *testing.T) {
	_, err := exec.LookPath("ffmpeg")
	lab.Need(t, err)
	var out strings.Builder
	err = run(t.Context(), []string{"-seconds", "1", "-rounds", "1"}, &out)
	if errors.Is(err, libopus.ErrMissing) || err != nil && strings.Contains(err.Error(), "install alsa-utils") {
		lab.Need(t, err)
	}
	if got := strings.Count(out.String(), "\n"); err != nil || got != 8 {
		t.Errorf("%v, %d lines, want 8:\n%s", err, got, out.String())
	}
}
