package main

import (
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	labs "github.com/sanix-darker/s2c/internal/lab"
	"github.com/sanix-darker/s2c/internal/lab/network"
	"github.com/sanix-darker/s2c/internal/lab/program"
)

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-only", "11"}, {"-seconds", "1"}, {"-seconds", "600"}, {"-at-once", "0"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("run(%q) is no error", args)
		}
	}
	want := "clean,0,1,5,10,20,1x3,5x3,10x3,20x3,thin,thin-video,modem,modem-found,modem-blocks,four,ten," +
		"gap-none,gap-no-udp,gap-udp,gap-udp-back,gap-rebind,gap-0.5s,gap-5s,gap-20s,gap-hub,gap-hub-dies,modem-start"
	if got := strings.Join(names(), ","); got != want {
		t.Errorf("the rows are %s, want %s", got, want)
	}
}

// TestPair measures a short call through a real network with real programs.
func TestPair(t *testing.T) {
	n, err := network.New(t.Context())
	labs.Need(t, err)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	l := &lab{options: options{seconds: 2, settle: 500 * time.Millisecond, seed: 1}, dir: t.TempDir(), log: os.Stderr}
	if l.s2c, err = program.Build(t.Context(), l.dir); err != nil {
		t.Fatal(err)
	}
	c := testCase{name: "short", both: true, down: network.Shape{Loss: 0.1}}
	calm := network.Hurry()
	p, err := l.pair(t.Context(), c, babble(8*rate, 1))
	calm()
	if err != nil {
		t.Fatal(err)
	}
	// A file is written by the clock, with silence where nothing comes, or its
	// places would mean nothing.
	for i := range p.members {
		played := time.Duration(p.marks[3].position[i]-p.marks[0].position[i]) * time.Second / rate
		if took := p.marks[3].at.Sub(p.marks[0].at); (played - took).Abs() > 100*time.Millisecond {
			t.Errorf("%s: %v of sound in %v", p.members[i].name, played, took)
		}
	}
	lines, err := l.lines(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range lines {
		if x.kilobits < 24 || x.found < 0.5 || x.told.Played == 0 || len(x.told.instants) < 10 {
			t.Errorf("%s: %+v", x.name, x)
		}
	}
	if x := lines[0]; x.lost == 0 || math.Abs(x.added) > 200 {
		t.Errorf("the bad path lost %.3f and added %.1f ms", x.lost, x.added)
	}
}

func TestShowLines(t *testing.T) {
	one := uint64(1)
	var out bytes.Buffer
	showLines(&out, []line{
		{
			name: "clean", kilobits: 24.04, added: 0.04, worst: 1, found: 1, score: 3.9, plain: 3.91,
			told: figures{Played: 199, Concealed: 1, Repeated: &one, Restored: &one, instants: []instant{{delay: 20}, {delay: 30}}},
		},
		{name: "none", added: math.NaN(), worst: math.NaN(), score: math.NaN(), plain: math.NaN()},
	})
	const want = "" +
		"    row  kbit/s  lost %  added ms  p95  told ms  made up %  copies %  FEC %  late  dropped  silent ms  breaks  found %  PESQ  plain\n" +
		"  clean    24.0     0.0       0.0  1.0       25       0.50      0.50   0.50     0        0          0       0      100  3.90   3.91\n" +
		"   none     0.0     0.0         -    -        -       0.00         -      -     0        0          0       0        0     -      -\n"
	if out.String() != want {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
}

func TestSince(t *testing.T) {
	a, b := uint64(3), uint64(10)
	f := figures{Played: 10, Concealed: 4, Late: 3, Dropped: 2, Repeated: &b, instants: []instant{{delay: 1}, {delay: 2}, {delay: 3}}, Seen: []picture{{Taken: 1}, {Taken: 2}}}
	g := f.since(figures{Played: 1, Concealed: 1, Late: 1, Dropped: 1, Repeated: &a, instants: []instant{{delay: 1}}, Seen: []picture{{Taken: 1}}})
	if g.Played != 9 || g.Concealed != 3 || g.Late != 2 || g.Dropped != 1 || *g.Repeated != 7 || g.Restored != nil || !slices.Equal(g.delays(), []float64{2, 3}) || !slices.Equal(g.Seen, []picture{{Taken: 2}}) {
		t.Errorf("since = %+v", g)
	}
	if g := (figures{Played: 2}).since(f); g.Played != 2 || g.Concealed != 0 || len(g.instants) != 0 {
		t.Errorf("of a new connection, since = %+v", g)
	}
}

// TestScore checks that a program gets both sounds at the same place and rate.
func TestScore(t *testing.T) {
	dir := t.TempDir()
	l := &lab{dir: dir, options: options{pesq: filepath.Join(dir, "pesq")}}
	// Prints the first two digits of the size of a piece, if both are as long and
	// not the same.
	script := "#!/bin/sh\n[ $(stat -c %s $1) = $(stat -c %s $2) ] || exit 1\ncmp -s $1 $2 && exit 1\n" +
		"echo $(stat -c %s $1) | sed 's/^\\(..\\).*/\\1/; s/^\\(.\\)/\\1./'\n"
	if err := os.WriteFile(l.pesq, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	said := babble(20*rate, 1)
	heard := slices.Clone(said)
	for i := range heard {
		heard[i] /= 2
	}
	got, err := l.score(t.Context(), said, heard)
	if err != nil || got < 2.2 || got > 3.2 { // 7 to 10 s of 32,000 bytes a second are 2.2 to 3.2e5
		t.Errorf("score = %v, %v, want about 3", got, err)
	}
	l.pesq = ""
	if got, err := l.score(t.Context(), said, heard); err != nil || !math.IsNaN(got) {
		t.Errorf("without a program the score is %v, %v", got, err)
	}
}

// A hum is never silent, and what is cut out of it is found.
func TestLulls(t *testing.T) {
	pcm := hum(2 * rate)
	if longest, all := lulls(pcm); longest != 0 || all != 0 {
		t.Errorf("%d and %d ms of silence in a sound without any", longest, all)
	}
	clear(pcm[rate/2 : rate/2+rate/10]) // 100 ms
	clear(pcm[rate : rate+rate/5])      // 200 ms
	if longest, all := lulls(pcm); longest != 200 || all != 300 {
		t.Errorf("%d and %d ms of silence, want 200 and 300", longest, all)
	}
}
