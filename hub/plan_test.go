package hub

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/wire"
)

// crowd returns a session of n members each of whom looks at as many others as
// it can, in sizes for three layers.
func crowd(n int) []*member {
	h := New(Config{PerSession: n})
	for i := range n {
		m := newMember(h, nil, &benchConn{})
		m.writing = true // nobody but the test takes what is for it
		m.hash[0], m.hash[1] = byte(i), byte(i>>8)
		if e := h.enter(m, "room", time.Now()); e != nil {
			panic(e.Text)
		}
	}
	members := *h.sessions["room"].members.Load()
	for i, m := range members {
		m.session.look(m, crowdViews(i, n, uint16(i%3)), time.Now())
	}
	return members
}

// crowdViews returns how member i of n looks at those after it.
func crowdViews(i, n int, size uint16) (views []wire.View) {
	for j := range min(n-1, wire.MaxViews) {
		views = append(views, at(uint16((i+1+j)%n), 64<<size, 48<<size, 15))
	}
	return views
}

// BenchmarkPlan is for one sender in a session where all look at 64 others, or
// at all if they are fewer.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{4, 64, 500} {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			m := crowd(n)[0]
			b.ReportAllocs()
			for b.Loop() {
				m.session.planLocked(m)
			}
		})
	}
}

// BenchmarkWatch is for a Watch in such a session that changes everything: one
// after which everybody seen is planned at once, and one of a storm, after
// which they are planned later.
func BenchmarkWatch(b *testing.B) {
	for _, n := range []int{4, 64, 500} {
		for _, storm := range []bool{false, true} {
			b.Run(fmt.Sprintf("members=%d/storm=%v", n, storm), func(b *testing.B) {
				m := crowd(n)[0]
				msgs := [2][]byte{
					wire.Watch{Views: crowdViews(0, n, 1)}.Append(nil),
					wire.Watch{Views: crowdViews(0, n, 0)}.Append(nil),
				}
				now := time.Now()
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if !storm {
						now = now.Add(planEvery)
					}
					if _, e := m.handle(msgs[i&1], now); e != nil {
						b.Fatal(e.Text)
					}
					i++
				}
			})
		}
	}
}

// BenchmarkJoinLeave has a guest join such a session, send a Watch, and leave.
func BenchmarkJoinLeave(b *testing.B) {
	for _, n := range []int{4, 64, 500} {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			s := crowd(n)[0].session
			s.limit++
			views := crowdViews(0, n, 1)
			now := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				now = now.Add(slotRest)
				m := newMember((*s.members.Load())[0].hub, nil, &benchConn{})
				m.writing = true // nobody but the test takes what is for it
				m.hash[2] = 1
				if e := s.add(m, [32]byte{}, now); e != nil {
					b.Fatal(e.Text)
				}
				now = now.Add(time.Second)
				s.look(m, slices.Clone(views), now)
				now = now.Add(time.Second)
				if !s.remove(m, now) {
					b.Fatal("not removed")
				}
				for _, o := range *s.members.Load() {
					o.log = queue.Log{}
				}
			}
		})
	}
}
