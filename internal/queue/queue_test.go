package queue

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// start is any time.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// limits are small enough for tables: control lives for ever, voice 200 ms and
// video 300 ms.
var limits = [Classes]Limit{
	Control: {Len: 2},
	Voice:   {Len: 3, MaxAge: 200 * time.Millisecond},
	Video:   {Len: 4, MaxAge: 300 * time.Millisecond},
}

// pushed is what a test pushes, some milliseconds after start.
type pushed struct {
	class Class
	v     string
	ms    int
}

func after(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// drain pops until nothing waits.
func drain(q *Queue[string], now time.Time) (got []string) {
	for {
		v, ok := q.Pop(now)
		if !ok {
			return got
		}
		got = append(got, v)
	}
}

func TestQueue(t *testing.T) {
	tests := []struct {
		name  string
		push  []pushed
		pop   int // milliseconds after start
		want  []string
		full  [Classes]uint64
		stale [Classes]uint64
	}{
		{name: "empty"},
		{
			name: "one class is first in, first out",
			push: []pushed{{Video, "a", 0}, {Video, "b", 0}, {Video, "c", 1}},
			pop:  1,
			want: []string{"a", "b", "c"},
		},
		{
			name: "control before voice before video",
			push: []pushed{{Video, "p1", 0}, {Voice, "v1", 1}, {Control, "c1", 2}, {Video, "p2", 3}, {Voice, "v2", 4}, {Control, "c2", 5}},
			pop:  5,
			want: []string{"c1", "c2", "v1", "v2", "p1", "p2"},
		},
		{
			name: "a full class loses its oldest and no other class anything",
			push: []pushed{{Video, "p1", 0}, {Voice, "v1", 0}, {Voice, "v2", 0}, {Voice, "v3", 0}, {Voice, "v4", 0}, {Voice, "v5", 0}, {Control, "c1", 0}},
			want: []string{"c1", "v3", "v4", "v5", "p1"},
			full: [Classes]uint64{Voice: 2},
		},
		{
			name: "full control",
			push: []pushed{{Control, "c1", 0}, {Control, "c2", 0}, {Control, "c3", 0}, {Control, "c4", 0}, {Control, "c5", 0}},
			want: []string{"c4", "c5"},
			full: [Classes]uint64{Control: 3},
		},
		{
			name: "an entry of exactly the greatest age is sent",
			push: []pushed{{Voice, "v1", 0}, {Video, "p1", 0}},
			pop:  200,
			want: []string{"v1", "p1"},
		},
		{
			name:  "older ones are not",
			push:  []pushed{{Voice, "v1", 0}, {Voice, "v2", 1}, {Video, "p1", 0}},
			pop:   201,
			want:  []string{"v2", "p1"},
			stale: [Classes]uint64{Voice: 1},
		},
		{
			name:  "each class has its own age",
			push:  []pushed{{Control, "c1", 0}, {Voice, "v1", 0}, {Video, "p1", 0}, {Video, "p2", 100}},
			pop:   301,
			want:  []string{"c1", "p2"},
			stale: [Classes]uint64{Voice: 1, Video: 1},
		},
		{
			name: "no limit of age",
			push: []pushed{{Control, "c1", 0}},
			pop:  1e9,
			want: []string{"c1"},
		},
		{
			name:  "what a full class lost is not counted as stale",
			push:  []pushed{{Voice, "v1", 0}, {Voice, "v2", 0}, {Voice, "v3", 0}, {Voice, "v4", 0}},
			pop:   1000,
			full:  [Classes]uint64{Voice: 1},
			stale: [Classes]uint64{Voice: 3},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := New[string](limits)
			var dropped [Classes]uint64
			for _, p := range tt.push {
				if q.Push(p.class, p.v, after(p.ms)) {
					dropped[p.class]++
				}
			}
			if dropped != tt.full {
				t.Errorf("Push of %v dropped %v, want %v", tt.push, dropped, tt.full)
			}
			if got := drain(q, after(tt.pop)); !slices.Equal(got, tt.want) {
				t.Errorf("pushed %v, popped %q after %d ms, want %q", tt.push, got, tt.pop, tt.want)
			}
			for c := range Classes {
				if full, stale := q.Drops(c); full != tt.full[c] || stale != tt.stale[c] {
					t.Errorf("pushed %v: Drops(%d) = %d, %d, want %d, %d", tt.push, c, full, stale, tt.full[c], tt.stale[c])
				}
			}
		})
	}
}

// TestAgainstModel compares a long mixed sequence with slices, so that every
// ring wraps around at every length.
func TestAgainstModel(t *testing.T) {
	q := New[string](limits)
	var model [Classes][]pushed
	state := uint32(1)
	for i := range 10000 {
		state = state*1664525 + 1013904223
		c := Class(state >> 24 % uint32(Classes))
		if state>>16&3 != 0 {
			p := pushed{c, fmt.Sprint(i), 40 * i}
			want := len(model[c]) == limits[c].Len
			if want {
				model[c] = model[c][1:]
			}
			model[c] = append(model[c], p)
			if got := q.Push(c, p.v, after(p.ms)); got != want {
				t.Fatalf("step %d: Push(%d) = %v, want %v", i, c, got, want)
			}
			continue
		}
		want := ""
	search:
		for c := range model {
			for len(model[c]) > 0 {
				p := model[c][0]
				model[c] = model[c][1:]
				if age := time.Duration(40*(i-p.ms/40)) * time.Millisecond; limits[c].MaxAge == 0 || age <= limits[c].MaxAge {
					want = p.v
					break search
				}
			}
		}
		if got, ok := q.Pop(after(40 * i)); got != want || ok != (want != "") {
			t.Fatalf("step %d: Pop = %q, %v, want %q", i, got, ok, want)
		}
	}
}

func TestNewNeedsLengths(t *testing.T) {
	for c := range Classes {
		short := limits
		short[c].Len = 0
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New accepted class %d without a length", c)
				}
			}()
			New[int](short)
		}()
	}
}

// TestForgets checks that a popped or dropped value is no longer held.
func TestForgets(t *testing.T) {
	q := New[*int](limits)
	for range 3 {
		q.Push(Control, new(int), start)
	}
	q.Pop(start)
	q.Pop(start)
	for i, e := range q.rings[Control].slots {
		if e.v != nil {
			t.Errorf("slot %d still holds a value", i)
		}
	}
}

// TestReady checks the promise of Ready: a reader that pops until nothing is
// left, and then waits, misses nothing of any number of writers.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const writers, each = 5, 200
		q := New[int]([Classes]Limit{{Len: writers * each}, {Len: writers * each}, {Len: writers * each}})
		stop := make(chan struct{})
		var got []int
		var reader, wg sync.WaitGroup
		reader.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-q.Ready():
				}
				for {
					v, ok := q.Pop(time.Now())
					if !ok {
						break
					}
					got = append(got, v)
				}
			}
		})
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					q.Push(Class(i%int(Classes)), w*each+i, time.Now())
					if i%(w+1) == 0 {
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		close(stop)
		reader.Wait()
		slices.Sort(got)
		for i, v := range got {
			if v != i {
				t.Fatalf("value %d in place %d", v, i)
			}
		}
		if len(got) != writers*each {
			t.Errorf("%d values read, want %d", len(got), writers*each)
		}
	})
}

// TestSlowReader reads every 100 ms what is written every 10 ms: nothing older
// than its class allows comes out, voice first each time, the rest is counted.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type stamp struct {
			class Class
			at    time.Time
		}
		const maxAge = 50 * time.Millisecond // less than 8 entries take
		q := New[stamp]([Classes]Limit{{Len: 1}, {Len: 8, MaxAge: maxAge}, {Len: 8, MaxAge: maxAge}})
		const writes = 300
		var wg sync.WaitGroup
		wg.Go(func() {
			for range writes {
				now := time.Now()
				q.Push(Video, stamp{Video, now}, now)
				q.Push(Voice, stamp{Voice, now}, now)
				time.Sleep(10 * time.Millisecond)
			}
		})
		var sent [Classes]uint64
		time.Sleep(5 * time.Millisecond) // so that no read meets a write
		for range writes / 10 {
			time.Sleep(100 * time.Millisecond)
			<-q.Ready()
			last := Control
			for {
				s, ok := q.Pop(time.Now())
				if !ok {
					break
				}
				if age := time.Since(s.at); age > maxAge {
					t.Errorf("class %d sent after %v, want at most %v", s.class, age, maxAge)
				}
				if s.class < last {
					t.Errorf("class %d after class %d", s.class, last)
				}
				last = s.class
				sent[s.class]++
			}
		}
		wg.Wait()
		for _, c := range []Class{Voice, Video} {
			full, stale := q.Drops(c)
			if sent[c] == 0 || full == 0 || stale == 0 || sent[c]+full+stale != writes {
				t.Errorf("class %d: %d sent, %d dropped as full, %d as stale; want %d in all", c, sent[c], full, stale, writes)
			}
		}
	})
}

func TestAllocatesNothing(t *testing.T) {
	q := New[[2]uint64](limits)
	n := testing.AllocsPerRun(1000, func() {
		for c := range Classes {
			for range 5 { // more than fit
				q.Push(c, [2]uint64{1, 2}, start)
			}
		}
		for {
			if _, ok := q.Pop(start); !ok {
				return
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkPushPop(b *testing.B) {
	q := New[[2]uint64](limits)
	b.ReportAllocs()
	for b.Loop() {
		q.Push(Voice, [2]uint64{1, 2}, start)
		if _, ok := q.Pop(start); !ok {
			b.Fatal("nothing waits")
		}
	}
}

// TestGrow pushes and pops as a model does, so that the room grows while the
// oldest entry is anywhere in it, and never beyond the limit.
func TestGrow(t *testing.T) {
	const most = 50
	q := New[int]([Classes]Limit{Control: {Len: 1}, Voice: {Len: most}, Video: {Len: 1}})
	if n := len(q.rings[Voice].slots); n != 0 {
		t.Errorf("an empty queue has room for %d entries", n)
	}
	var model []int
	next := 0
	for step := range 400 {
		for range step%7 + step/40 {
			if dropped := q.Push(Voice, next, start); dropped != (len(model) == most) {
				t.Fatalf("step %d: with %d entries, dropped %v", step, len(model), dropped)
			}
			model = append(model, next)
			model = model[max(0, len(model)-most):]
			next++
		}
		for range step % 5 {
			got, ok := q.Pop(start)
			if ok != (len(model) > 0) || ok && got != model[0] {
				t.Fatalf("step %d: popped %d, %v, want the first of %v", step, got, ok, model)
			}
			if ok {
				model = model[1:]
			}
		}
		if n := len(q.rings[Voice].slots); n > most || n > 2*max(firstSlots, next) {
			t.Fatalf("step %d: room for %d entries", step, n)
		}
	}
	if n := len(q.rings[Voice].slots); n != most {
		t.Errorf("in the end there is room for %d entries, want %d", n, most)
	}
}
