package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/audio"
	"github.com/sanix-darker/s2c/internal/media"
)

// vowels returns seconds of harmonics in syllables, which repeat every two.
func vowels(seconds int) []int16 {
	r := rand.New(rand.NewPCG(1, 1))
	s := make([]int16, 2*media.SampleRate)
	for i := range s {
		t := float64(i) / media.SampleRate
		var x float64
		for h := 1.0; h < 20; h++ {
			x += math.Sin(2*math.Pi*130*h*t+h*h+math.Sin(2*math.Pi*0.5*t)) / h
		}
		s[i] = int16(4000*math.Pow(max(0, math.Sin(2*math.Pi*2*t)), 0.5)*x + 20*r.NormFloat64())
	}
	return slices.Repeat(s, seconds/2+1)[:seconds*media.SampleRate]
}

func TestArrivals(t *testing.T) {
	const count, every = 50000, 20 * time.Millisecond
	for _, l := range []loss{{0, 1}, {1, 1}, {20, 1}, {1, 3}, {5, 3}, {20, 3}} {
		all := network{loss: l, jitter: 30 * time.Millisecond, seed: 3}.arrivals(count, every)
		if got, want := 1-float64(len(all))/count, float64(l.percent)/100; math.Abs(got-want) > 0.15*want {
			t.Errorf("%v: %.4f are lost, want %.4f", l, got, want)
		}
		here := make([]bool, count)
		for _, a := range all {
			here[a.index] = true
			if late := a.at - time.Duration(a.index)*every - way; late < 0 || late >= 30*time.Millisecond {
				t.Fatalf("%v: packet %d comes %v late", l, a.index, late)
			}
		}
		row := 0
		for i, ok := range here {
			if !ok {
				row++
				continue
			}
			if row%l.row != 0 && i > row {
				t.Fatalf("%v: %d lost before packet %d", l, row, i)
			}
			row = 0
		}
		plain := network{loss: l, seed: 3}.arrivals(count, every)
		slices.SortFunc(all, func(a, b arrival) int { return a.index - b.index })
		for i := range plain {
			if plain[i].index != all[i].index {
				t.Fatalf("%v: with jitter other packets are lost", l)
			}
		}
	}
}

// TestScore checks the ruler: nothing is nothing, what was lost is harm, and
// what protects is less harm.
func TestScore(t *testing.T) {
	const seconds, settle = 4, 2 * time.Second
	pcm := vowels(seconds)
	const long, short = audio.LongPacket, audio.ShortPacket
	// Coding is slow with the race detector, so no talk is coded twice.
	type coded struct {
		packet time.Duration
		told   int
	}
	talks, cleans := make(map[coded]*talk), make(map[coded][]int16)
	bad, none := loss{20, 1}, loss{0, 1}
	plain := 0.0 // harm without protection
	for _, tt := range []struct {
		packet time.Duration
		loss   loss
		policy string
		drift  float64
		most   float64 // harm in dB; with a loss, as a share of plain
	}{
		{long, none, "plain", 0, 0.01},
		{short, none, "plain", 0, 0.5},
		// A clock that is off is followed at the cost of almost nothing.
		{long, none, "plain", 2000, 0.5},
		{long, bad, "plain", 0, 1},
		{long, bad, "FEC20", 0, 0.6},
		{long, bad, "RED1", 0, 0.5},
		{long, bad, "RED1+RED3", 0, 0.1},
		{short, bad, "RED1+RED3", 0, 0.1},
	} {
		p, err := parsePolicy(tt.policy)
		if err != nil {
			t.Fatal(err)
		}
		as := coded{tt.packet, p.told(tt.loss)}
		if talks[as] == nil {
			if talks[as], err = encode(pcm, audio.EncoderConfig{Bitrate: 24000, Packet: tt.packet}, as.told); err != nil {
				t.Fatal(err)
			}
			if cleans[as], err = decode(talks[as]); err != nil {
				t.Fatal(err)
			}
		}
		h, err := network{loss: tt.loss, jitter: 30 * time.Millisecond, red: p.red, drift: tt.drift, seed: 1, settle: settle}.play(talks[as])
		if err != nil {
			t.Fatal(err)
		}
		harm, _ := distance(cleans[as], 0, h)
		if tt.loss == bad {
			if tt.policy == "plain" {
				plain = harm
			}
			harm /= plain
		}
		st := h.stats()
		if harm > tt.most || len(p.red) > 0 && st.Repeated < 10 || p.fec > 0 && st.Restored < 5 || tt.loss == none && st.Concealed > 0 {
			t.Errorf("%v packets, %v, %s, drift %v: %.3f of harm, want %v at most: %+v", tt.packet, tt.loss, tt.policy, tt.drift, harm, tt.most, st)
		}
		if got, want := len(h.points), (seconds-2)*100; tt.drift == 0 && got != want {
			t.Errorf("%v packets, %v, %s: %d chunks, want %d", tt.packet, tt.loss, tt.policy, got, want)
		}
	}
	if plain < 2 {
		t.Errorf("%.3f dB of harm with a fifth lost, want 2 or more", plain)
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want string // as printed, "" for an error
	}{
		{"plain", "{plain 0 []}"},
		{"FEC", "{FEC -1 []}"},
		{"FEC20+RED1", "{FEC20+RED1 20 [1]}"},
		{"RED3+RED1", "{RED3+RED1 0 [3 1]}"},
		{"RED1+RED2+RED3", ""},
		{"RED1+RED1", ""},
		{"RED", ""},
		{"RED0", ""},
		{"FEC101", ""},
		{"", ""},
		{"FE", ""},
		{"plain+FEC", ""},
	} {
		p, err := parsePolicy(tt.in)
		if got := fmt.Sprint(p); (err == nil) != (tt.want != "") || err == nil && got != tt.want {
			t.Errorf("parsePolicy(%q) = %v, %v, want %q", tt.in, got, err, tt.want)
		}
	}
	for in, want := range map[string]string{"5": "5 %", "10x3": "10 % by 3", "0": "0 %", "91": "", "x": "", "5x0": "", "-1": "", "": ""} {
		l, err := parseLoss(in)
		if got := l.String(); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("parseLoss(%q) = %v, %v, want %q", in, got, err, want)
		}
	}
}

// TestPESQ checks that pieces are cut in pauses, and that each is compared with
// the sound that is heard of it.
func TestPESQ(t *testing.T) {
	for _, program := range []string{"ffmpeg", "sh"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	const seconds, begin, delay = 12, 1, 3000
	pcm := vowels(seconds)
	script := filepath.Join(t.TempDir(), "same")
	// Scores 4 when the two files are as long, give or take two chunks.
	err := os.WriteFile(script, []byte(`#!/bin/sh
a=$(wc -c <"$1") b=$(wc -c <"$2")
[ $((a-b)) -gt 700 ] || [ $((b-a)) -gt 700 ] || [ "$a" -lt 256000 ] || [ "$a" -gt 320000 ] && echo 1 && exit
echo "MOS-LQO 4.0"
`), 0o700)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRuler(t.Context(), script, pcm, begin*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(r.dir)
	if len(r.cuts) != 2 {
		t.Fatalf("cuts at %v, want one piece of 8 to 10 s", r.cuts)
	}
	for _, at := range r.cuts[1:] {
		if _, loudest := spectrum(pcm[at-window/2:][:window]); loudest > talking {
			t.Errorf("cut at %.2f s, where the sound has %.0f dB", float64(at)/media.SampleRate, loudest)
		}
	}
	h := &heard{pcm: append(make([]int16, delay), pcm[begin*media.SampleRate:]...)}
	for at := begin*media.SampleRate - delay; at+media.ChunkSamples <= len(pcm); at += media.ChunkSamples {
		h.points = append(h.points, point{at: at})
	}
	if mos, err := r.score(t.Context(), h); err != nil || mos != 4 {
		t.Errorf("score %v, %v, want 4", mos, err)
	}
	r.program = filepath.Join(t.TempDir(), "missing")
	if _, err := r.score(t.Context(), h); err == nil {
		t.Error("a score without a program")
	}
}

// TestSpectrum checks the levels of a tone in its band and in the others.
func TestSpectrum(t *testing.T) {
	pcm := make([]int16, window)
	for i := range pcm {
		pcm[i] = int16(3276.8 * math.Sin(2*math.Pi*1000*float64(i)/media.SampleRate))
	}
	l, loudest := spectrum(pcm)
	const at = 7 // 920 to 1080 Hz
	// A Hann window spreads a line over three: 1.76 dB more.
	if math.Abs(l[at]+20) > 2 || loudest != l[at] || l[0] > -60 || l[19] > -60 {
		t.Errorf("a tone of -20 dB has the levels %.1f", l)
	}
}
