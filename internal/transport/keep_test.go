package transport

import (
	"testing"
	"testing/synctest"
	"time"
)

// A keeper calls at the times that the function asks for and when it is kicked,
// once at a time, and not after stop.
func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var calls []time.Duration
		k := newKeeper(func() time.Time {
			calls = append(calls, time.Since(begin))
			switch len(calls) {
			case 3:
				return time.Time{} // until the next kick
			case 4:
				time.Sleep(time.Second) // kicks meanwhile count
			}
			return time.Now().Add(time.Minute)
		})
		k.kick()
		time.Sleep(5 * time.Minute)
		k.kick()
		synctest.Wait()
		k.kick()
		k.kick()
		time.Sleep(30 * time.Second)
		k.kick()
		synctest.Wait()
		k.stop()
		k.kick()
		time.Sleep(time.Hour)
		want := []time.Duration{0, time.Minute, 2 * time.Minute, 5 * time.Minute, 5*time.Minute + time.Second, 5*time.Minute + 30*time.Second}
		if len(calls) != len(want) {
			t.Fatalf("called at %v, want %v", calls, want)
		}
		for i := range want {
			if calls[i] != want[i] {
				t.Fatalf("called at %v, want %v", calls, want)
			}
		}
	})
}

// stop waits for the function that runs.
func TestKeeperStopWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := false
		k := newKeeper(func() time.Time {
			time.Sleep(time.Second)
			done = true
			return time.Now()
		})
		k.kick()
		synctest.Wait()
		k.stop()
		if !done {
			t.Error("stop did not wait")
		}
	})
}

// TestKeeperSooner checks that soon brings forward what is to be called later, and
// does not put off what is to be called sooner.
func TestKeeperSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var calls []time.Duration
		k := newKeeper(func() time.Time {
			calls = append(calls, time.Since(begin))
			return time.Time{}
		})
		for _, wait := range []time.Duration{90, 5, 20} {
			k.soon(wait * time.Millisecond)
		}
		time.Sleep(time.Second)
		k.stop()
		if len(calls) != 1 || calls[0] != 5*time.Millisecond {
			t.Errorf("called at %v, want after 5ms alone", calls)
		}
	})
}

// TestKeeperSoon checks that a keeper that is to call soon waits, but no longer.
func TestKeeperSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var calls []time.Duration
		k := newKeeper(func() time.Time {
			calls = append(calls, time.Since(begin))
			return time.Time{}
		})
		for range 14 {
			k.soon(5 * time.Millisecond)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		k.stop()
		k.soon(time.Millisecond)
		time.Sleep(time.Second)
		if len(calls) != 3 || calls[0] != 5*time.Millisecond || calls[2] > 20*time.Millisecond {
			t.Errorf("called at %v, want 3 times, 5 ms after the first of each", calls)
		}
	})
}
