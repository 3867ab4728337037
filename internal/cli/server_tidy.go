package cli

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// hubGC is the percentage by which a hub's memory may grow before it is tidied
	// up. Forwarding makes no garbage, joining does: less than Go's 100 costs next
	// to nothing.
	hubGC = 50

	tidyEvery = 1500 * time.Millisecond // between looks
	tidyFrom  = 1 << 20                 // bytes that are worth it
	tidyCalm  = 256 << 10               // bytes in tidyEvery that are no hurry
)

// startTidying gives back what a crowd of joins has left behind, once it is over,
// until stop is called. By itself Go does so minutes later.
func startTidying() (stop func()) {
	debug.SetGCPercent(hubGC)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(tidyEvery)
		defer tick.Stop()
		t := newTidier()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if t.look() {
					debug.FreeOSMemory()
				}
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

// A tidier knows when there is something to give back.
type tidier struct {
	samples   [4]metrics.Sample
	allocated uint64 // bytes ever
}

func newTidier() *tidier {
	return &tidier{samples: [...]metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}}
}

// look reports whether there is much in memory that nobody needs, and no more comes
// at the moment.
func (t *tidier) look() bool {
	metrics.Read(t.samples[:])
	v := func(i int) uint64 { return t.samples[i].Value.Uint64() }
	allocated, live, objects, free := v(0), v(1), v(2), v(3)
	calm := allocated-t.allocated < tidyCalm
	t.allocated = allocated
	unneeded := free + objects - min(objects, live)
	return calm && unneeded >= max(tidyFrom, live/10)
}
