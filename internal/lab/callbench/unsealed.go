package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/program"
)

// unsealedTag is the build tag of a program that seals no packet.
const unsealedTag = "s2c_test_unsealed"

// A side is one of the two builds that are compared.
type side struct {
	name              string
	s2c               *program.Program
	voice, picture    series // ms
	played, concealed uint64 // chunks
	cpu               time.Duration
	took              time.Duration
}

// unsealed runs calls with sealing and without it side by side, and prints both.
func unsealed(ctx context.Context, o options, s2c *program.Program, dir string) error {
	without, err := program.Build(ctx, dir, unsealedTag)
	if err != nil {
		return err
	}
	sides := []*side{{name: "sealed", s2c: s2c}, {name: "unsealed", s2c: without}}
	for range o.rounds {
		// At the same time, so that what else the machine does is the same for both.
		var errs [2]error
		var wg sync.WaitGroup
		for i, s := range sides {
			wg.Go(func() { errs[i] = s.round(ctx, o) })
		}
		wg.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			return err
		}
	}
	fmt.Printf("%d members each, both at the same time, %d rounds of %v\n\n", o.members, o.rounds, o.length)
	fmt.Printf("%-10s %28s %28s %12s %12s %8s\n", "build", "voice ms median/p99/max", "picture ms median/p99/max", "chunks", "concealed", "CPU %")
	for _, s := range sides {
		fmt.Printf("%-10s %12.2f /%6.2f /%6.2f %12.2f /%6.2f /%6.2f %12d %12d %8.2f\n", s.name,
			s.voice.quantile(0.5), s.voice.quantile(0.99), s.voice.max,
			s.picture.quantile(0.5), s.picture.quantile(0.99), s.picture.max,
			s.played+s.concealed, s.concealed, 100*s.cpu.Seconds()/s.took.Seconds())
	}
	// Of a link, the voice's delay has a part that is chance: where the ticks of
	// its two sound devices fall. Many links of short calls average it out.
	a, b := sides[0], sides[1]
	fmt.Printf("\nsealing adds on average, over %d links: voice %.2f ms, picture %.2f ms; at the median: picture %.2f ms\n",
		o.rounds*o.members*(o.members-1), a.voice.mean(0, 1)-b.voice.mean(0, 1), a.picture.mean(0, 1)-b.picture.mean(0, 1),
		a.picture.quantile(0.5)-b.picture.quantile(0.5))
	return nil
}

// round runs one call.
func (s *side) round(ctx context.Context, o options) error {
	hub, err := s.s2c.Hub(ctx)
	if err != nil {
		return err
	}
	h := &process{Process: hub, name: "hub"}
	defer h.End()
	all, err := startAll(ctx, o, s.s2c, s.name, h, o.members)
	defer endAll(all)
	if err != nil {
		return err
	}
	if err := sleep(ctx, 8*time.Second); err != nil { // buffers and paths settle
		return err
	}
	for _, p := range all {
		p.reset()
	}
	began := time.Now()
	if err := sleep(ctx, o.length); err != nil {
		return err
	}
	for _, p := range all {
		for _, d := range p.take("") {
			for _, v := range d.voice.all {
				s.voice.add(v)
			}
			for _, v := range d.picture.all {
				s.picture.add(v)
			}
			s.played, s.concealed = s.played+d.played, s.concealed+d.concealed
		}
		s.cpu += program.CPUTime(p.PID()) - p.cpu
	}
	s.took += time.Since(began) * time.Duration(len(all))
	return nil
}
