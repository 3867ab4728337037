package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/program"
)

// A process is a hub or a headless member.
type process struct {
	*program.Process
	name string

	// Guarded by mu.
	mu      sync.Mutex
	cpu     time.Duration // at reset
	up      series        // kB/s
	down    series
	path    string
	heard   map[string]*delays
	started map[string]uint64 // concealed chunks at reset
	before  map[string]uint64 // played chunks at reset
}

// delays are what one member saw of another.
type delays struct {
	voice, picture series // ms
	fps            series
	concealed      uint64
	played         uint64
}

// A series of figures in order of time.
type series struct {
	all []float64
	max float64
}

func (s *series) add(v float64) {
	s.all = append(s.all, v)
	s.max = max(s.max, v)
}

// mean returns the mean of the figures from share a to share b.
func (s *series) mean(a, b float64) float64 {
	part := s.all[int(a*float64(len(s.all))):int(b*float64(len(s.all)))]
	sum := 0.0
	for _, v := range part {
		sum += v
	}
	if len(part) == 0 {
		return 0
	}
	return sum / float64(len(part))
}

// quantile returns the figure that a share q of all are below.
func (s *series) quantile(q float64) float64 {
	if len(s.all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s.all))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// start starts a member.
func start(ctx context.Context, name string, s2c *program.Program, args ...string) (*process, error) {
	p := &process{name: name, heard: make(map[string]*delays), started: make(map[string]uint64), before: make(map[string]uint64)}
	var err error
	p.Process, err = s2c.Start(ctx, []string{"S2C_CONFIG=" + filepath.Join(s2c.Dir, name)}, p.read, args...)
	return p, err
}

func endAll(all []*process) {
	for _, p := range all {
		p.End()
	}
}

// stats is a line of headless output.
type stats struct {
	Event string
	Link  struct {
		Path string
		Up   float64 `json:"up_kB_s"`
		Down float64 `json:"down_kB_s"`
	}
	Members []struct {
		Name      string
		FPS       float64
		Voice     float64 `json:"voice_delay_ms"`
		Picture   float64 `json:"picture_delay_ms"`
		Concealed uint64  `json:"voice_concealed"`
		Played    uint64  `json:"voice_played"`
	}
}

// read takes the lines of a member until it ends.
func (p *process) read(out io.Reader) {
	d := json.NewDecoder(out)
	for {
		var s stats
		if err := d.Decode(&s); err != nil {
			return
		}
		if s.Event != "stats" {
			continue
		}
		p.mu.Lock()
		p.path = s.Link.Path
		p.up.add(s.Link.Up)
		p.down.add(s.Link.Down)
		for _, m := range s.Members {
			h := p.heard[m.Name]
			if h == nil {
				h = new(delays)
				p.heard[m.Name] = h
				p.started[m.Name], p.before[m.Name] = m.Concealed, m.Played
			}
			h.voice.add(m.Voice)
			h.picture.add(m.Picture)
			h.fps.add(m.FPS)
			h.concealed, h.played = m.Concealed-p.started[m.Name], m.Played-p.before[m.Name]
		}
		p.mu.Unlock()
	}
}

// reset starts the figures anew.
func (p *process) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cpu = program.CPUTime(p.PID())
	p.up, p.down = series{}, series{}
	p.heard = make(map[string]*delays)
	p.started, p.before = make(map[string]uint64), make(map[string]uint64)
}

// take returns the delays of everybody but one since the last reset.
func (p *process) take(but string) map[string]delays {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[string]delays)
	for name, d := range p.heard {
		if name != but {
			all[name] = *d
		}
	}
	return all
}

func (p *process) printCost(took time.Duration) {
	rss, peak := program.Memory(p.PID())
	cpu := program.CPUTime(p.PID()) - p.cpu
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Printf("%-10s %8.1f %8.1f %7.1f %9.1f %9.1f\n", p.name, rss, peak,
		100*cpu.Seconds()/took.Seconds(), p.up.mean(0, 1), p.down.mean(0, 1))
}

// printDelays prints what p saw of the others and returns by how much the
// worst of its delays grew.
func (p *process) printDelays() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	worst := time.Duration(0)
	for _, name := range sortedKeys(p.heard) {
		d := p.heard[name]
		fmt.Printf("%-10s %-10s %8.1f /%6.1f /%6.1f %9.1f /%6.1f /%6.1f %10d %6.1f\n", p.name, name,
			d.voice.mean(0, 0.1), d.voice.mean(0.9, 1), d.voice.max,
			d.picture.mean(0, 0.1), d.picture.mean(0.9, 1), d.picture.max, d.concealed, d.fps.mean(0, 1))
		worst = max(worst, msec(d.voice.mean(0.9, 1)-d.voice.mean(0, 0.1)), msec(d.picture.mean(0.9, 1)-d.picture.mean(0, 0.1)))
	}
	return worst
}

func pathOf(all []*process) string {
	p := all[0]
	p.mu.Lock()
	defer p.mu.Unlock()
	return "over " + p.path
}

func msec(v float64) time.Duration {
	return time.Duration(v * float64(time.Millisecond)).Round(100 * time.Microsecond)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func quantile(d []time.Duration, q float64) time.Duration {
	s := slices.Sorted(slices.Values(d))
	return s[min(int(q*float64(len(s))), len(s)-1)].Round(100 * time.Microsecond)
}
