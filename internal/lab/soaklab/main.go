// Command soaklab has a hub and many members of calls live in one process for long,
// and looks whether anything is left over:
//
//	go run -race ./internal/lab/soaklab                        30 minutes, 100 members
//	go run -race ./internal/lab/soaklab -minutes 2 -members 20
//
// The members are those of internal/call, each behind a network of its own; four of
// them speak and hear. They join a session of a random one of the rooms, stay for 5 s
// to a minute, leave, and come again. Meanwhile, at random, they write, lock the
// session, say what they want to see, lose up to 30 % of their packets each way, have
// their port changed by a router, and lose their network for up to six seconds.
//
// It prints once a minute what they have done so far and what the process uses:
// goroutines, the heap after a collection, descriptors and resident memory. In the
// end all leave. A join that fails is tried again, five times. It fails when somebody was stuck, when a call ended by itself, when
// the hub still knows anybody, or when more goroutines, descriptors or heap are used
// than before. It takes Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/hubload"
	"github.com/sanix-darker/s2c/internal/transport"
)

const (
	talkers  = 4
	roomSize = 8 // members, on average

	// awayTime is more than for how long the hub keeps the place of a member whose
	// connection is broken.
	awayTime = 40 * time.Second

	// What may be left over: what the runtime keeps, and caches that are filled once.
	spareGoroutines = 4
	spareFiles      = 4
	spareHeap       = 8 << 20 // bytes
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soaklab:", err)
		os.Exit(1)
	}
}

// A use is what the process uses.
type use struct {
	goroutines, files int
	heap              uint64 // bytes, after a collection
	resident          int64  // bytes
}

func measure() (u use) {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.goroutines, u.heap = runtime.NumGoroutine(), m.HeapAlloc
	if list, err := os.ReadDir("/proc/self/fd"); err == nil {
		u.files = len(list)
	}
	u.resident, _ = hubload.Memory(os.Getpid())
	return u
}

// run is the command with its arguments.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("soaklab", flag.ContinueOnError)
	minutes := flags.Float64("minutes", 30, "how long")
	members := flags.Int("members", 100, "how many")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *minutes <= 0 || *members < 2 {
		return errors.New("some time, and two members at least")
	}
	s, err := newSoak(*members)
	if err != nil {
		return err
	}
	first := measure()
	end, cancel := context.WithTimeout(ctx, time.Duration(*minutes*float64(time.Minute)))
	defer cancel()
	last, err := s.run(end, out)
	if err == nil {
		err = compare(first, last)
	}
	if err == nil {
		fmt.Fprintln(out, "nothing is left over, and nobody was stuck")
	}
	return err
}

// compare reports what is left over.
func compare(first, last use) error {
	var errs []error
	if n := last.goroutines - first.goroutines; n > spareGoroutines {
		errs = append(errs, fmt.Errorf("%d more goroutines than before", n))
	}
	if n := last.files - first.files; n > spareFiles {
		errs = append(errs, fmt.Errorf("%d more descriptors than before", n))
	}
	if last.heap > first.heap+spareHeap {
		errs = append(errs, fmt.Errorf("%d KB more in the heap than before", (last.heap-first.heap)>>10))
	}
	return errors.Join(errs...)
}

// A soak is a hub and its members.
type soak struct {
	members []*member
	count   counters
	began   time.Time

	mu       sync.Mutex
	out      io.Writer // guarded by mu
	problems []error   // likewise
}

func newSoak(n int) (*soak, error) {
	s := &soak{}
	for i := range n {
		who, err := identity.Generate()
		if err != nil {
			return nil, err
		}
		s.members = append(s.members, &member{
			number: i, rooms: max(1, n/roomSize), talks: i < talkers, who: who, count: &s.count, problem: s.problem,
		})
	}
	return s, nil
}

func (s *soak) problem(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problems = append(s.problems, err)
	fmt.Fprintf(s.out, "%.1f min: %v\n", time.Since(s.began).Minutes(), err)
}

// run has everybody live until ctx is done, and returns what is used when all have
// left.
func (s *soak) run(ctx context.Context, out io.Writer) (last use, err error) {
	key, err := transport.NewHubKey()
	if err != nil {
		return last, err
	}
	n := len(s.members)
	ln, err := transport.Listen(transport.ListenConfig{Addr: "127.0.0.1:0", Key: key, Handshakes: n, PerAddress: n})
	if err != nil {
		return last, err
	}
	h := hub.New(hub.Config{PerAddress: 2 * n, Joins: 60 * n})
	serving, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.Serve(serving, ln) }() // received from below

	s.began, s.out = time.Now(), out
	var living sync.WaitGroup
	for _, m := range s.members {
		m.hub = ln.Addr()
		living.Go(func() { m.live(ctx) })
	}
	w := tabwriter.NewWriter(out, 8, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "min\tin\tjoins\tfailed\tleaves\tchats\tread\tlocks\tviews\tlossy\troams\tcuts\tback\tgoroutines\theap KB\tfiles\tMB\tproblems\t")
	for pause(ctx, time.Minute) {
		s.show(w, measure())
	}
	living.Wait()
	// The hub learns of the last goodbyes, and keeps the places of those for a while
	// whose network was gone when they left.
	stats := h.Stats()
	for end := time.Now().Add(awayTime); stats.Members > 0 && time.Now().Before(end); stats = h.Stats() {
		pause(context.Background(), time.Second/10)
	}
	stop()
	err = <-served
	pause(context.Background(), time.Second) // timers of closed connections
	last = measure()
	s.show(w, last)
	if stats.Members != 0 || stats.Sessions != 0 {
		err = errors.Join(err, fmt.Errorf("the hub still has %d members in %d sessions", stats.Members, stats.Sessions))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.problems); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d problems, see above", n))
	}
	return last, err
}

// show prints a row.
func (s *soak) show(w *tabwriter.Writer, u use) {
	s.mu.Lock()
	defer s.mu.Unlock()
	problems, c := len(s.problems), &s.count
	fmt.Fprintf(w, "%.1f\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.0f\t%d\t\n", time.Since(s.began).Minutes(),
		c.in.Load(), c.joins.Load(), c.failed.Load(), c.leaves.Load(), c.chats.Load(), c.read.Load(), c.locks.Load(), c.views.Load(),
		c.lossy.Load(), c.roams.Load(), c.cuts.Load(), c.back.Load(),
		u.goroutines, u.heap>>10, u.files, float64(u.resident)/1e6, problems)
	_ = w.Flush()
}
