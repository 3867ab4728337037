package transport

import (
	"sync"
	"time"
)

// A keeper calls a function again and again, when that wants it and when somebody
// else does, without a goroutine that waits meanwhile.
type keeper struct {
	do func() (next time.Time)

	// Guarded by mu.
	mu      sync.Mutex
	timer   *time.Timer
	armed   sync.WaitGroup // of the times that timer was set and has not been done with
	running bool           // the function runs
	again   bool           // and is to be called once more
	set     bool           // timer is set
	at      time.Time      // to when
	stopped bool
}

// newKeeper returns a keeper that calls do from the first kick on, one call at a
// time. do returns when to call it next at the latest, zero for never.
func newKeeper(do func() (next time.Time)) *keeper {
	k := &keeper{do: do}
	k.timer = time.AfterFunc(time.Hour, k.fire)
	k.timer.Stop()
	return k
}

// kick has the function called soon. It does not wait.
func (k *keeper) kick() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.setLocked(0)
}

// soon has the function called after a while at the latest.
func (k *keeper) soon(wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.running:
		k.again = true
	case !k.set || time.Until(k.at) > wait:
		k.setLocked(wait)
	}
}

// setLocked has the function called after a while, and not before.
func (k *keeper) setLocked(wait time.Duration) {
	if k.stopped {
		return
	}
	k.set, k.at = true, time.Now().Add(wait)
	if !k.timer.Reset(wait) {
		k.armed.Add(1)
	}
}

// fire runs when the timer does.
func (k *keeper) fire() {
	defer k.armed.Done()
	if k.begin() {
		k.end(k.do())
	}
}

// begin reports whether the function is to be called now.
func (k *keeper) begin() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set = false
	if k.running {
		k.again = true // for the one who runs it
		return false
	}
	k.running = !k.stopped
	return k.running
}

// end takes what the function has returned. It is called once more at once if it
// was to be called meanwhile.
func (k *keeper) end(next time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running = false
	switch {
	case k.again:
		k.again = false
		k.setLocked(0)
	case !next.IsZero():
		k.setLocked(time.Until(next))
	}
}

// stop waits until the function has returned and is not called any more. It must
// not be called by the function.
func (k *keeper) stop() {
	k.mu.Lock()
	k.stopped = true
	if k.timer.Stop() {
		k.armed.Done()
	}
	k.mu.Unlock()
	k.armed.Wait()
}

// A controlPacket is where packets without datagrams are made, which are few.
type controlPacket struct {
	mu sync.Mutex
	packet
}
