package cipher

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
)

// TestNonces seals from eight goroutines while people come and go, so that the
// key is ratcheted and replaced all the time. No key meets a counter twice.
//
// What is sealed is zeros, so that a packet shows the keystream itself: two
// packets have the same one if and only if they have the same key and counter.
func TestNonces(t *testing.T) {
	const workers = 8
	const minMoves = 50 // ratchets, and half as many generations
	each := 10_000_000 / workers
	if testing.Short() {
		each = 1_000_000 / workers
	}
	s, ghost := fixed(t, 1), verified(t, fixed(t, 2))
	var streams [workers][]uint64
	var first [workers]int // packets with counter 0: one for each key of a stream
	var moves atomic.Int64
	var sealing sync.WaitGroup
	for w := range workers {
		streams[w] = make([]uint64, 0, each)
		sealing.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 0))
			var b []byte
			var zeros [8]byte
			for n := 0; n < each || moves.Load() < minMoves; n++ {
				var err error
				if b, err = s.Seal(b[:0], sframe.Stream(rng.IntN(sframe.Streams)), 0, zeros[:]); err != nil {
					t.Error(err)
					return
				}
				_, ctr, n, err := sframe.ParseHeader(b[1:])
				if err != nil {
					t.Error(err)
					return
				}
				if ctr == 0 {
					first[w]++
				}
				streams[w] = append(streams[w], binary.BigEndian.Uint64(b[1+n:]))
			}
		})
	}
	var done atomic.Bool
	var moving sync.WaitGroup
	steps, gens := 0, uint32(0)
	moving.Go(func() {
		for now := epoch; !done.Load(); now = now.Add(turnPause) {
			for range 3 {
				was := s.own.step
				if _, err := s.Welcome(now, 2, ghost); err != nil {
					t.Error(err)
					return
				}
				if s.own.step != was {
					steps++
				}
				s.Forget(now, ghost.Hash())
				s.mu.Lock()
				delete(s.gone, ghost.Hash())
				s.mu.Unlock()
			}
			s.Due(now)
			moves.Store(int64(min(steps, 2*int(s.own.gen)))) // however the goroutines are scheduled
		}
		gens = s.own.gen
	})
	sealing.Wait()
	done.Store(true)
	moving.Wait()
	all := slices.Concat(streams[:]...)
	slices.Sort(all)
	keys := 0
	for _, n := range first {
		keys += n
	}
	t.Logf("%d packets, %d ratchets, %d generations, %d keys", len(all), steps, gens, keys)
	if n := len(all); n < workers*each || steps < minMoves || gens < minMoves/2 || keys < minMoves {
		t.Errorf("%d packets of %d, in %d steps and %d generations: too few to show anything", n, workers*each, steps, gens)
	}
	if n, u := len(all), len(slices.Compact(all)); u != n {
		t.Errorf("%d packets have only %d pairs of key and counter", n, u)
	}
}

// TestCounters checks that no counter is left out, or there twice, in any
// stream of one key.
func TestCounters(t *testing.T) {
	const workers, each = 8, 5000
	s := fixed(t, 1)
	var got [workers][]uint64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 0))
			var b []byte
			for range each {
				var err error
				if b, err = s.Seal(b[:0], sframe.Stream(rng.IntN(sframe.Streams)), 0, []byte("x")); err != nil {
					t.Error(err)
					return
				}
				kid, ctr, _, err := sframe.ParseHeader(b[1:])
				if err != nil {
					t.Error(err)
					return
				}
				got[w] = append(got[w], uint64(kid)<<32|ctr)
			}
		})
	}
	wg.Wait()
	all := slices.Sorted(slices.Values(slices.Concat(got[:]...)))
	if len(all) != workers*each {
		t.Fatalf("%d packets, want %d", len(all), workers*each)
	}
	for i := 1; i < len(all); i++ {
		if all[i] != all[i-1]+1 && uint32(all[i]) != 0 {
			t.Fatalf("KID and CTR %x follow %x", all[i], all[i-1])
		}
	}
}

// TestConcurrentUse opens and seals while members come and go.
func TestConcurrentUse(t *testing.T) {
	const rounds = 40
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	done := make(chan struct{})
	var wg sync.WaitGroup
	var opened atomic.Int64
	// b's packets stay readable throughout. Each goroutine has its own stream:
	// in a common one the packets of the slower one grow too old.
	for _, stream := range []sframe.Stream{sframe.StreamVoice, sframe.StreamVideo} {
		wg.Go(func() {
			var packet, plain []byte
			for {
				select {
				case <-done:
					return
				default:
				}
				var err error
				if packet, err = b.Seal(packet[:0], stream, 0, []byte("x")); err != nil {
					t.Error(err)
					return
				}
				if plain, _, err = a.Open(plain[:0], packet); err != nil {
					t.Error(err)
					return
				}
				opened.Add(1)
				if _, err = a.Seal(packet[:0], sframe.StreamChat, 0, plain); err != nil {
					t.Error(err)
					return
				}
				a.Peers()
				a.Code()
				a.Digest()
				a.Guesses(epoch)
			}
		})
	}
	for i := range rounds {
		c := inSlot(t, 10+i, 3, "")
		connect(t, a, c)
		packets := make([][]byte, 100)
		for i := range packets {
			packets[i] = mustSeal(t, c, "x")
		}
		var opening sync.WaitGroup
		opening.Go(func() {
			for _, p := range packets {
				// Forget may come in between; then all that follow fail.
				_, _, err := a.Open(nil, p)
				if err != nil && !errors.Is(err, ErrUnknownKey) {
					t.Errorf("Open while Forget runs: %v", err)
				}
			}
		})
		now := epoch.Add(time.Duration(i) * time.Second)
		a.Forget(now, c.hash)
		out, _ := a.Due(now)
		for _, m := range out.Pair { // generations of a
			if hello.Hash(m[33:65]) == b.hash {
				for _, answer := range take(t, b, m).Pair {
					take(t, a, answer)
				}
			}
		}
		opening.Wait()
		checkCannot(t, a, mustSeal(t, c, "x"), ErrUnknownKey)
	}
	close(done)
	wg.Wait()
	if opened.Load() == 0 || a.own.gen == 0 {
		t.Errorf("%d packets opened, generation %d: nothing went on meanwhile", opened.Load(), a.own.gen)
	}
	b.Due(epoch.Add(rounds * time.Second))
	checkHears(t, b, a)
}
