package main

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/internal/lab/program"
)

// What each member sends.
const (
	voiceEvery   = 20 * time.Millisecond
	voiceSize    = 110 // bytes of a sealed packet
	pictureEvery = 50 * time.Millisecond
	pictureSize  = 700

	step   = time.Millisecond // between looks who is to send
	settle = 2 * time.Second  // of sending that is not counted
	late   = time.Second      // for the last packets to arrive
)

// A histogram counts delays, to about a sixteenth.
type histogram [1024]uint64

func (h *histogram) add(d time.Duration) { h[bucket(d)]++ }

// bucket returns the index of a delay in microseconds: 16 for each power of two.
func bucket(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < 16 {
		return int(us)
	}
	power := bits.Len64(us) - 5
	return 16*power + int(us>>power)
}

// value returns the least delay of a bucket.
func value(i int) time.Duration {
	if i < 32 {
		return time.Duration(i) * time.Microsecond
	}
	power := i/16 - 1
	return time.Duration(i%16+16) << power * time.Microsecond
}

// quantile returns the delay that a share q does not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	var all, sum uint64
	for _, n := range h {
		all += n
	}
	for i, n := range h {
		if sum += n; n > 0 && float64(sum) >= q*float64(all) {
			return value(i)
		}
	}
	return 0
}

// A listener counts what comes to one member.
type listener struct {
	received uint64
	delays   histogram
}

// measure runs one round.
func measure(ctx context.Context, o options, r room) (res result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer r.end()
	pid, err := r.start(ctx)
	if err != nil {
		return res, err
	}
	empty, _ := program.Memory(pid)
	begin := time.Now()
	var counting atomic.Bool
	listeners := make([]listener, o.members)
	ways := make([]way, 0, o.members)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() {
		for _, w := range ways {
			w.close()
		}
	}()
	var from, until atomic.Int64 // of the packets that count
	for i := range o.members {
		w, err := r.join(ctx, i)
		if err != nil {
			return res, fmt.Errorf("member %d: %w", i, err)
		}
		ways = append(ways, w)
		wg.Go(func() {
			l := &listeners[i]
			for {
				sent, err := w.receive()
				if err != nil {
					return
				}
				if counting.Load() && int64(sent) >= from.Load() && int64(sent) < until.Load() {
					l.received++
					l.delays.add(time.Since(begin) - sent)
				}
			}
		})
	}
	full, _ := program.Memory(pid)
	res.memory = (full - empty) * 1000 / float64(o.members)

	if _, err := send(ctx, ways, begin, settle); err != nil {
		return res, err
	}
	cpu, start := program.CPUTime(pid), time.Since(begin)
	from.Store(int64(start))
	until.Store(int64(start + time.Duration(o.seconds)*time.Second))
	counting.Store(true)
	if res.sent, err = send(ctx, ways, begin, time.Duration(o.seconds)*time.Second); err != nil {
		return res, err
	}
	res.took = time.Since(begin) - start
	res.cpu = program.CPUTime(pid) - cpu
	select {
	case <-ctx.Done():
		return res, context.Cause(ctx)
	case <-time.After(late):
	}
	for _, w := range ways {
		w.close()
	}
	wg.Wait()
	for i := range listeners {
		res.received += listeners[i].received
		for b, n := range listeners[i].delays {
			res.delays[b] += n
		}
	}
	if res.received == 0 {
		return res, errors.New("nothing arrives")
	}
	return res, nil
}

// send has all members send for so long, each at times of its own, and returns
// how many packets that were.
func send(ctx context.Context, ways []way, begin time.Time, d time.Duration) (sent uint64, err error) {
	first := time.Since(begin)
	next := make([][2]time.Duration, len(ways))
	for i := range next {
		next[i][0] = first + voiceEvery*time.Duration(i)/time.Duration(len(ways))
		next[i][1] = first + pictureEvery*time.Duration(i*7%len(ways))/time.Duration(len(ways))
	}
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return sent, context.Cause(ctx)
		case <-tick.C:
		}
		now := time.Since(begin)
		if now-first >= d {
			return sent, nil
		}
		for i, w := range ways {
			if now >= next[i][0] {
				next[i][0] += voiceEvery
				if err := w.send(false, voiceSize, time.Since(begin)); err != nil {
					return sent, err
				}
				sent++
			}
			if now >= next[i][1] {
				next[i][1] += pictureEvery
				if err := w.send(true, pictureSize, time.Since(begin)); err != nil {
					return sent, err
				}
				sent++
			}
		}
	}
}
