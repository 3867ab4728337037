package mailbox

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// put publishes v and returns what Put does.
func put(m *Mailbox[int], v int) bool {
	*m.Back() = v
	return m.Put()
}

func TestNewestWins(t *testing.T) {
	m := New[int]()
	if v := m.Take(); v != nil {
		t.Errorf("Take of an empty mailbox = %d", *v)
	}
	steps := []struct {
		put       []int
		want      int
		lastTaken bool // what the last Put reports
		dropped   uint64
	}{
		{[]int{1}, 1, true, 0},
		{[]int{2, 3}, 3, false, 1},
		{[]int{4}, 4, true, 1},
		{[]int{5, 6, 7, 8}, 8, false, 4},
		{[]int{9}, 9, true, 4},
	}
	for _, step := range steps {
		var taken bool
		for _, v := range step.put {
			taken = put(m, v)
		}
		if taken != step.lastTaken {
			t.Errorf("the last Put of %d = %v, want %v", step.put, taken, step.lastTaken)
		}
		if v := m.Take(); v == nil || *v != step.want {
			t.Errorf("Take after Put of %d = %v, want %d", step.put, v, step.want)
		}
		if v := m.Take(); v != nil {
			t.Errorf("the second Take = %d, want nil", *v)
		}
		if n := m.Dropped(); n != step.dropped {
			t.Errorf("Dropped after Put of %d = %d, want %d", step.put, n, step.dropped)
		}
	}
}

// TestThreeValues checks that the reader's value is left alone whatever the
// writer does, and that no fourth value is ever made.
func TestThreeValues(t *testing.T) {
	m := New[int]()
	seen := map[*int]bool{m.Back(): true}
	for i := range 100 {
		put(m, i)
		seen[m.Back()] = true
		if i%3 == 0 {
			v := m.Take()
			if v == nil || *v != i {
				t.Fatalf("Take = %v, want %d", v, i)
			}
			seen[v] = true
			for j := range 5 {
				put(m, 1000+j)
				if m.Back() == v || *v != i {
					t.Fatalf("the writer got the reader's value; it is %d, want %d", *v, i)
				}
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d values were in use, want 3", len(seen))
	}
}

func TestGetWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New[int]()
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range 3 {
				time.Sleep(time.Second)
				put(m, i)
			}
		})
		for want := range 3 {
			v, err := m.Get(t.Context())
			if err != nil || *v != want {
				t.Errorf("Get = %v, %v, want %d", v, err, want)
			}
			if got, after := time.Since(start), time.Duration(want+1)*time.Second; got != after {
				t.Errorf("Get of %d returned after %v, want %v", want, got, after)
			}
		}
		wg.Wait()
	})
}

func TestGetEnds(t *testing.T) {
	cause := errors.New("the call is over")
	synctest.Test(t, func(t *testing.T) {
		m := New[int]()
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(cause) })
		start := time.Now()
		if v, err := m.Get(ctx); !errors.Is(err, cause) || v != nil {
			t.Errorf("Get = %v, %v, want %v", v, err, cause)
		}
		if got := time.Since(start); got != time.Minute {
			t.Errorf("Get returned after %v, want a minute", got)
		}
	})
}

// TestStaleToken takes a value without waiting for it, which leaves a token
// behind: Get must not return before there is something new.
func TestStaleToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New[int]()
		put(m, 1)
		if v := m.Take(); v == nil || *v != 1 {
			t.Fatalf("Take = %v, want 1", v)
		}
		start := time.Now()
		time.AfterFunc(time.Second, func() { put(m, 2) })
		v, err := m.Get(t.Context())
		if err != nil || *v != 2 || time.Since(start) != time.Second {
			t.Errorf("Get = %v, %v after %v, want 2 after a second", v, err, time.Since(start))
		}
	})
}

// TestReady waits as a loop does that has other things to wait for.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New[int]()
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range 10 { // two at a time: the first of each two is lost
				if i%2 == 0 {
					time.Sleep(time.Second)
				}
				put(m, i)
			}
		})
		end := time.After(6 * time.Second)
		var got []int
		for end != nil {
			select {
			case <-m.Ready():
				synctest.Wait() // until both were put
				if v := m.Take(); v != nil {
					got = append(got, *v)
				}
			case <-end:
				end = nil
			}
		}
		wg.Wait()
		if len(got) != 5 || m.Dropped() != 5 {
			t.Errorf("read %d, %d were dropped, want 1 3 5 7 9 and 5", got, m.Dropped())
		}
		for i, v := range got {
			if v != 2*i+1 {
				t.Errorf("value %d is %d, want %d", i, v, 2*i+1)
			}
		}
	})
}

// TestRace has a writer and a reader run as fast as they can, with values that
// show a mix of two.
func TestRace(t *testing.T) {
	const last = 100_000
	type value struct{ a, b [16]int }
	m := New[value]()
	var lost uint64
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 1; i <= last; i++ {
			v := m.Back()
			for j := range v.a {
				v.a[j], v.b[len(v.b)-1-j] = i, i
			}
			if !m.Put() {
				lost++
			}
		}
	})
	read, newest := uint64(0), 0
	for newest < last {
		v, err := m.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		first := v.a[0]
		for j := range v.a {
			if v.a[j] != first || v.b[j] != first {
				t.Fatalf("a value is a mix: %+v", *v)
			}
		}
		if first <= newest {
			t.Fatalf("%d was read after %d", first, newest)
		}
		newest = first
		read++
	}
	wg.Wait()
	if read+lost != last || m.Dropped() != lost {
		t.Errorf("%d read and %d lost, Dropped is %d; want %d in all", read, lost, m.Dropped(), last)
	}
}

func TestAllocs(t *testing.T) {
	m := New[[1000]byte]()
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() {
		for range 2 {
			m.Back()[0]++
			m.Put()
		}
		if _, err := m.Get(ctx); err != nil {
			t.Fatal(err)
		}
		if m.Take() != nil {
			t.Fatal("there is a second value")
		}
	}); n != 0 {
		t.Errorf("Put, Get and Take allocate %v times", n)
	}
}

func BenchmarkPutGet(b *testing.B) {
	m := New[[1000]byte]()
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		m.Back()[0]++
		m.Put()
		if _, err := m.Get(ctx); err != nil {
			b.Fatal(err)
		}
	}
}
