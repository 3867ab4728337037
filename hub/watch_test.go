package hub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/wire"
)

// A stage is a session of a sender and others, over perfect links, who have
// forgotten what came of joining.
func stage(t *testing.T, n int) (r *rig, people []*client) {
	t.Helper()
	r = newRig(t, Config{}, nil)
	for range n {
		people = append(people, r.joinNow("s"))
	}
	for _, c := range people {
		c.events = nil
	}
	time.Sleep(time.Second)
	return r, people
}

// end stops the hub and the clients.
func (r *rig) end(people ...*client) {
	r.t.Helper()
	r.stop()
	for _, c := range people {
		c.close()
	}
}

// TestLayersOfThree has three look at one in different sizes, and change.
func TestLayersOfThree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, people := stage(t, 5)
		ann, bob, cyd, dan, eve := people[0], people[1], people[2], people[3], people[4]
		steps := []struct {
			name string
			do   func()
			told string // to ann
			got  [4]string
		}{
			{"nobody has said anything", func() {}, "", [4]string{"0", "0", "0", "0"}},
			{"a guest names a size", func() { bob.watch(at(0, 158, 92, 15)) }, "layers 160x96@15", [4]string{"0", "0", "0", "0"}},
			{"a larger one", func() { cyd.watch(at(0, 640, 480, 30)) }, "layers 640x480@30 160x96@15+", [4]string{"1", "0", "0", "0"}},
			{"one between", func() { dan.watch(at(0, 320, 240, 30)) }, "layers 640x480@30 320x240@30+ 160x96@15+", [4]string{"2", "0", "1", "0"}},
			{"the same again", func() { dan.watch(at(0, 320, 240, 30)) }, "", [4]string{"2", "0", "1", "0"}},
			{"some pixels less", func() { dan.watch(at(0, 315, 234, 30)) }, "", [4]string{"2", "0", "1", "0"}},
			{"as large as the largest", func() { dan.watch(at(0, 640, 480, 30)) }, "layers 640x480@30+ 160x96@15+", [4]string{"1", "0", "0", "0"}},
			{"in colour", func() {
				dan.watch(wire.View{Slot: 0, Size: wire.Size{Width: 640, Height: 480, FPS: 30, Colour: true}})
			}, "layers 640x480@30c 160x96@15", [4]string{"1", "0", "0", "0"}},
			{"elsewhere", func() { dan.watch(at(1, 640, 480, 30)) }, "layers 640x480@30 160x96@15", [4]string{"1", "0", "", "0"}},
			{"back", func() { dan.watch(at(1, 16, 16, 30), at(0, 640, 480, 30)) }, "layers 640x480@30+ 160x96@15", [4]string{"1", "0", "0", "0"}},
			{"the last guest looks at nobody", func() { eve.watch() }, "", [4]string{"1", "0", "0", ""}},
			{"who leaves the size to the sender", func() { eve.watch(at(0, 0, 0, 0)) }, "layers 640x480@30+ 160x96@15", [4]string{"1", "0", "0", "0"}},
			{"a large one leaves", func() { cyd.send(wire.Leave{}) }, "", [4]string{"1", "", "0", "0"}},
			{"the other, too", func() { dan.send(wire.Leave{}) }, "layers 160x96@15+", [4]string{"0", "", "", "0"}},
			{"the small one", func() { bob.watch() }, "layers 0x0@0", [4]string{"", "", "", "0"}},
			{"all", func() { eve.watch() }, "layers", [4]string{}},
			{"one is back", func() { eve.watch(at(0, 100, 100, 10)) }, "layers 104x104@10+", [4]string{"", "", "", "0"}},
		}
		for _, step := range steps {
			time.Sleep(planEvery)
			step.do()
			var want []string
			if step.told != "" {
				want = append(want, step.told)
			}
			synctest.Wait()
			ann.events = slices.DeleteFunc(ann.events, func(s string) bool { return strings.HasPrefix(s, "gone") })
			ann.wantEvents(step.name+": ann", want...)
			ann.show()
			for i, c := range []*client{bob, cyd, dan, eve} {
				c.wantPackets(fmt.Sprintf("%s: viewer %d", step.name, i+1), strings.Fields(step.got[i])...)
			}
		}
		r.end(people...)
	})
}

// TestNobodyLooks checks that pictures for nobody go no further, and all else
// does.
func TestNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, people := stage(t, 3)
		ann, bob, cyd := people[0], people[1], people[2]
		ann.watch()
		bob.watch()
		ann.wantEvents("ann") // there is a guest
		cyd.watch(at(1, 64, 64, 9), at(7, 64, 64, 9), at(4095, 64, 64, 9), at(65535, 64, 64, 9), at(2, 64, 64, 9))
		ann.wantEvents("ann", "layers")
		bob.wantEvents("bob", "layers 64x64@9")
		cyd.wantEvents("cyd", "layers") // even if it looks at itself
		ann.show()
		ann.say(wire.KindKey, "key")
		ann.say(wire.KindVoice, "voice")
		synctest.Wait()
		ann.say(wire.KindControl, "control")
		bob.wantPackets("bob", "voice", "control")
		cyd.wantPackets("cyd", "voice", "control")
		r.wantDrops(map[string]uint64{"unseen": wire.MaxLayers + 1})
		m := (*r.hub.sessions["s"].members.Load())[0]
		if n := len(m.pictures.slots); n != 0 {
			t.Errorf("the ring of pictures takes %d slots for nobody", n)
		}
		if err := ann.conn.SendDatagram([]byte{byte(wire.NewClear(wire.KindVideo, wire.MaxLayers)), 0, 0}); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		r.wantDrops(map[string]uint64{"unseen": wire.MaxLayers + 1, "malformed": 1})
		r.end(people...)
	})
}

// TestNewcomerBesideViewers has somebody join who has not sent a Watch, where others have,
// at whom some look before they know of it.
func TestNewcomerBesideViewers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, people := stage(t, 2)
		ann, bob := people[0], people[1]
		ann.watch(at(2, 64, 64, 9))
		bob.watch(at(0, 64, 64, 9))
		ann.wantEvents("ann", "layers 64x64@9")
		bob.wantEvents("bob", "layers")
		time.Sleep(time.Second)
		cyd := r.joinNow("s")
		cyd.wantEvents("cyd", "joined 2 of 3", "peer 0", "peer 1", "layers 64x64@9+")
		ann.wantEvents("ann", "peer 2")
		bob.wantEvents("bob", "peer 2", "layers 0x0@0")
		ann.show()
		bob.show()
		cyd.wantPackets("cyd", "0", "0")
		ann.wantPackets("ann")
		bob.wantPackets("bob", "0")
		cyd.show()
		ann.wantPackets("ann", "0")
		bob.wantPackets("bob")

		time.Sleep(time.Second)
		cyd.watch(at(0, 64, 64, 9)) // which it gets already
		ann.wantEvents("ann")
		bob.wantEvents("bob", "layers")
		cyd.close()
		ann.wantEvents("ann", "gone 2")
		time.Sleep(time.Second)
		bob.close() // alone, ann needs no word; but she was told of bob
		time.Sleep(planEvery)
		ann.wantEvents("ann", "gone 1", "layers 0x0@0")
		r.end(ann)
	})
}

// TestFirstWatchMissesNothing has guests name what they get already while
// another change has just been told.
func TestFirstWatchMissesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, people := stage(t, 4)
		ann := people[0]
		const pictures = 100
		for i := range pictures {
			if i >= 20 && i < 80 && i%20 == 0 {
				people[i/20].watch(at(0, 320, 240, 30))
			}
			ann.say(wire.KindVideo, fmt.Sprint(i))
			time.Sleep(time.Millisecond)
		}
		ann.wantEvents("ann", "layers 320x240@30")
		for i, c := range people[1:] {
			got := c.heard()
			if len(got) != pictures {
				t.Errorf("viewer %d got %d pictures, want %d", i+1, len(got), pictures)
			}
			for j, p := range got {
				if p.body != fmt.Sprint(j) {
					t.Fatalf("viewer %d: picture %d is %s", i+1, j, p.body)
				}
			}
		}
		r.end(people...)
	})
}

// TestWatchStorm has everybody in a full session change its mind all the time,
// and holds how often the others hear of it, and that the last word counts.
func TestWatchStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 64
		r, people := stage(t, n)
		random := rand.New(rand.NewPCG(7, 8))
		start := time.Now()
		for time.Since(start) < time.Second {
			for _, c := range people {
				c.watch(randomViews(random, n)...)
			}
			time.Sleep(7 * time.Millisecond)
		}
		time.Sleep(3 * time.Second) // some had to wait for their meter
		for i, c := range people {
			c.mu.Lock()
			for j := 1; j < len(c.told); j++ {
				if d := c.told[j].Sub(c.told[j-1]); d < planEvery {
					t.Errorf("member %d was told twice in %v, want %v", i, d, planEvery)
				}
			}
			// The first Watch may have named it without a size, which is no news.
			if len(c.told) < 10 || c.told[0].Sub(start) > planEvery {
				t.Errorf("member %d was told %d times, first after %v", i, len(c.told), c.told[0].Sub(start))
			}
			c.mu.Unlock()
		}
		checkPlans(t, r.hub.sessions["s"], func(m *member) string { return people[m.slot].events[len(people[m.slot].events)-1] })
		r.end(people...)
	})
}

// randomViews returns some views of members in the slots below n.
func randomViews(r *rand.Rand, n int) (views []wire.View) {
	for range r.IntN(wire.MaxViews + 1) {
		views = append(views, wire.View{Slot: uint16(r.IntN(n)), Size: allowed(randomSize(r))})
	}
	return views
}

// checkPlans checks the plans of a session at rest against the wants of its
// members, one by one. last returns the text of the Layers that a member got
// last, "" if none.
func checkPlans(t *testing.T, s *session, last func(*member) string) {
	t.Helper()
	members := *s.members.Load()
	for _, m := range members {
		var wants []wire.Size
		var viewers []*member
		guests := 0
		for _, o := range members {
			l := o.looks.Load()
			if o == m {
				continue
			}
			if l == nil {
				guests++
			} else if i := slices.IndexFunc(l.views, func(v wire.View) bool { return v.Slot == m.slot }); i >= 0 {
				wants, viewers = append(wants, l.views[i].Size), append(viewers, o)
			}
		}
		place := make([]uint8, len(wants))
		want := group(wants, place)
		if len(wants) == 0 && (guests > 0 || len(members) == 1) {
			want.n = 1
		}
		p := m.plan.Load()
		if p.layers != want || m.told != want {
			t.Errorf("slot %d: planned %v and told %v, want %v", m.slot, p.layers, m.told, want)
		}
		got := 0
		for k, to := range p.to {
			for _, o := range to {
				if i := slices.Index(viewers, o); i < 0 || int(place[i]) != k {
					t.Errorf("slot %d: slot %d gets layer %d", m.slot, o.slot, k)
				}
			}
			got += len(to)
		}
		if got != len(viewers) {
			t.Errorf("slot %d: %d are in its plan, want %d", m.slot, got, len(viewers))
		}
		checkLast(t, m, want, last(m))
	}
}

// checkLast checks that the last word to m was the layers l.
func checkLast(t *testing.T, m *member, l layers, last string) {
	t.Helper()
	text := layersText(wire.Layers{Layers: asLayers(l)})
	if last = strings.ReplaceAll(last, "+", ""); last == "" {
		last = "layers 0x0@0"
	}
	if last != text {
		t.Errorf("slot %d was last told %q, want %q", m.slot, last, text)
	}
}

func asLayers(l layers) (all []wire.Layer) {
	for _, s := range l.size[:l.n] {
		all = append(all, wire.Layer{Size: s})
	}
	return all
}

// TestPlansAlways has members come, look and go at random, and checks the plans
// whenever all is at rest.
func TestPlansAlways(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 9))
			h := New(Config{})
			const most = 12
			var names byte
			told := make(map[*member]string)
			present := func() []*member {
				if s := h.sessions["room"]; s != nil {
					return *s.members.Load()
				}
				return nil
			}
			for range 150 {
				members := present()
				switch k := r.IntN(10); {
				case len(members) == 0 || k < 2 && len(members) < most:
					m := newMember(h, nil, &benchConn{})
					m.writing = true // nobody but the test takes what is for it
					names++
					m.hash[0] = names
					if e := h.enter(m, "room", time.Now()); e != nil {
						t.Fatal(e.Text)
					}
					m.wg.Go(m.planLoop)
				case k < 3:
					m := members[r.IntN(len(members))]
					h.leave(m)
					m.end(nil)
					m.wg.Wait()
				default:
					m := members[r.IntN(len(members))]
					if _, e := m.handle(wire.Watch{Views: randomViews(r, most+3)}.Append(nil), time.Now()); e != nil {
						t.Fatal(e.Text)
					}
				}
				if r.IntN(2) == 0 {
					time.Sleep(time.Duration(r.IntN(30)) * time.Millisecond)
				}
				if r.IntN(4) > 0 || len(present()) == 0 {
					continue
				}
				time.Sleep(planEvery)
				synctest.Wait()
				for _, m := range present() {
					told[m] = lastLayers(t, m, told[m])
				}
				checkPlans(t, present()[0].session, func(m *member) string { return told[m] })
			}
			for _, m := range present() {
				h.leave(m)
				m.end(nil)
				m.wg.Wait()
			}
		})
	}
}

// lastLayers takes what waits for m and returns its last Layers, or else
// before.
func lastLayers(t *testing.T, m *member, before string) string {
	t.Helper()
	for {
		b := m.next()
		if b == nil {
			m.mu.Lock()
			m.writing = true // as it was
			m.mu.Unlock()
			return before
		}
		msg, err := wire.ParseMessage(b)
		if err != nil {
			t.Fatal(err)
		}
		if l, ok := msg.(wire.Layers); ok {
			before = layersText(l)
		}
	}
}

// TestWatchAfterLeaving has the Watch of a member overtaken by its end.
func TestWatchAfterLeaving(t *testing.T) {
	members := room(2)
	m := members[1]
	m.conn = &benchConn{}
	m.hub.leave(m)
	m.session.seats[m.slot] = seat{} // it has rested
	other := newMember(m.hub, nil, nil)
	other.hash[0] = 9
	if e := m.hub.enter(other, "room", time.Now()); e != nil || other.slot != m.slot {
		t.Fatalf("the next member is in slot %d, want %d: %v", other.slot, m.slot, e)
	}
	m.session.look(m, []wire.View{at(0, 64, 64, 9)}, time.Now())
	m.session.plan(m, time.Now())
	if m.looks.Load() != nil || other.looks.Load() != nil || members[0].plan.Load().seen() {
		t.Error("one who has left looks at others")
	}
}

// TestGoneIsForgotten checks that nothing of a session points at one who has
// left: its rings would stay.
func TestGoneIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, people := stage(t, 3)
		gone := (*r.hub.sessions["s"].members.Load())[2]
		people[2].watch(at(0, 64, 64, 9), at(1, 300, 300, 9))
		people[1].watch(at(0, 640, 480, 30))
		synctest.Wait()
		people[2].close()
		time.Sleep(planEvery)
		synctest.Wait()
		s := r.hub.sessions["s"]
		held := slices.Contains(s.viewers[:cap(s.viewers)], gone) || slices.Contains(*s.guests.Load(), gone)
		for _, m := range *s.members.Load() {
			for _, to := range m.plan.Load().to {
				held = held || slices.Contains(to[:cap(to)], gone)
			}
		}
		for _, x := range s.seats {
			held = held || x.member == gone
		}
		if held {
			t.Error("one who has left is still held")
		}
		r.end(people[:2]...)
	})
}

// TestLayersOverSlowLink checks that Layers keep their order with all else.
func TestLayersOverSlowLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		link := simnet.Link{Delay: 100 * time.Millisecond}
		ann := r.join("s", link)
		time.Sleep(time.Second)
		bob := r.join("s", link)
		time.Sleep(time.Second)
		bob.watch(at(0, 64, 64, 9))
		bob.watch(at(0, 640, 64, 9))
		bob.watch(at(0, 64, 64, 9))
		bob.watch(at(0, 64, 64, 10), at(0, 640, 64, 9))
		time.Sleep(time.Second)
		ann.wantEvents("ann", "joined 0 of 1", "peer 1", "layers 64x64@9", "layers 64x64@10")
		if d := ann.told[1].Sub(ann.told[0]); d != planEvery {
			t.Errorf("the second word came %v after the first, want %v", d, planEvery)
		}
		r.end(ann, bob)
	})
}
