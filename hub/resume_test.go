package hub

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/wire"
)

// stay joins somebody who can come back.
func (r *rig) stay(session string) *client {
	r.t.Helper()
	c := r.dial(simnet.Link{})
	c.caps = wire.CapResume
	c.sendJoin(session)
	c.read()
	synctest.Wait()
	return c
}

// lose ends the client's connection without a word.
func (c *client) lose() {
	synctest.Wait()
	c.conn.Close()
	c.wg.Wait()
	synctest.Wait()
}

// resume has the client come back over a new connection, which it reads.
func (r *rig) resume(c *client) {
	r.t.Helper()
	r.redial(c)
	c.sendResume()
	c.read()
	synctest.Wait()
}

func (r *rig) redial(c *client) {
	r.t.Helper()
	conn, err := r.net.Dial(r.t.Context(), hubAddr, simnet.Link{}, simnet.Link{})
	if err != nil {
		r.t.Fatal(err)
	}
	c.conn = conn.(*simnet.Conn)
}

func (c *client) sendResume() {
	c.t.Helper()
	c.mu.Lock()
	m := wire.Resume{Token: c.token, Received: c.got}
	c.mu.Unlock()
	c.send(m)
}

func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b, old := r.stay("one"), r.stay("one"), r.joinNow("one")
		if old.token != [32]byte{} || a.token == b.token || a.token == [32]byte{} {
			t.Errorf("tokens %x, %x, and %x for one who does not know of them", a.token, b.token, old.token)
		}
		forget(a, b, old)
		b.lose()
		a.wantEvents("a", "away 1")
		old.wantEvents("who does not know of it")
		if s := r.hub.Stats(); s.Members != 3 || s.Away != 1 || s.Resumed != 0 {
			t.Errorf("%d members, %d away, %d resumed; want 3, 1, 0", s.Members, s.Away, s.Resumed)
		}
		a.tell(b.hash, "one")
		a.chat("two")
		late := r.stay("one")
		late.wantEvents("who came meanwhile", "joined 3 of 4", "peer 0", "peer 1", "peer 2", "away 1")
		old.send(wire.Leave{})
		time.Sleep(29 * time.Second)
		late.tell(b.hash, "three")
		synctest.Wait()
		r.resume(b)
		b.wantEvents("b", "resumed 0", "from 0: one", "chat of 0: two", "peer 3", "gone 2", "from 3: three")
		a.wantEvents("a", "peer 3", "gone 2", "back 1")
		late.wantEvents("late", "gone 2", "back 1")
		b.tell(a.hash, "here")
		a.wantEvents("a", "from 1: here")
		b.say(wire.KindVoice, "v")
		a.wantPackets("a", "v")
		a.say(wire.KindVoice, "w")
		b.wantPackets("b", "w")
		if s := r.hub.Stats(); s.Members != 3 || s.Away != 0 || s.Resumed != 1 || s.Joined != 4 {
			t.Errorf("%d members, %d away, %d resumed, %d joined; want 3, 0, 1, 4", s.Members, s.Away, s.Resumed, s.Joined)
		}
		time.Sleep(time.Minute) // the first break is forgotten
		a.wantEvents("a")
		r.stop()
		for _, c := range []*client{a, b, old, late} {
			c.close()
		}
	})
}

func TestResumeTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b := r.stay("one"), r.stay("one")
		forget(a, b)
		b.lose()
		time.Sleep(resumeTime - time.Nanosecond)
		a.wantEvents("a", "away 1")
		time.Sleep(time.Nanosecond)
		a.wantEvents("a", "gone 1")
		r.resume(b)
		b.wantEvents("b", "error 8")
		if s := r.hub.Stats(); s.Members != 1 || len(r.hub.tokens) != 1 {
			t.Errorf("%d members and %d tokens, want 1", s.Members, len(r.hub.tokens))
		}
		r.stop()
		a.close()
		b.close()
	})
}

// TestResumeBeforeTheEnd has a member change its network: the hub does not know
// yet that the connection is broken, nor has what came over it last.
func TestResumeBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b := r.stay("one"), r.stay("one")
		b.watch(at(0, 160, 96, 15))
		time.Sleep(time.Second)
		forget(a, b)
		first := b.conn
		first.Cut(true, true)
		for i := range 3 {
			a.tell(b.hash, fmt.Sprint("lost ", i))
		}
		synctest.Wait()
		r.redial(b) // and hears no more of the first
		first.Close()
		b.wg.Wait()
		b.sendResume()
		b.read()
		b.wantEvents("b", "resumed 1", "from 0: lost 0", "from 0: lost 1", "from 0: lost 2")
		a.show()
		b.wantPackets("b", "0")
		a.wantEvents("a")       // nothing of it all
		first.Cut(false, false) // the hub now learns of its end
		time.Sleep(5 * time.Second)
		a.tell(b.hash, "more")
		b.wantEvents("b", "from 0: more")
		a.wantEvents("a")
		if n := r.conns(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		r.stop()
		a.close()
		b.close()
	})
}

// TestResumeTwice breaks connections in a row, before and after something was
// acknowledged.
func TestResumeTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b := r.stay("one"), r.stay("one")
		forget(a, b)
		for round := range 3 {
			b.lose()
			a.tell(b.hash, "x")
			a.chat("y")
			time.Sleep(10 * time.Second)
			r.resume(b)
			b.wantEvents("b", "resumed 0", "from 0: x", "chat of 0: y")
			a.wantEvents("a", "away 1", "back 1")
			if round == 1 {
				b.mu.Lock()
				ack := wire.Ack{Received: b.got}
				b.mu.Unlock()
				b.send(ack)
			}
		}
		a.lose()
		b.wantEvents("b", "away 0")
		b.lose()
		time.Sleep(time.Second)
		r.resume(a)
		a.wantEvents("a", "resumed 6", "away 1")
		r.resume(b)
		b.wantEvents("b", "resumed 0", "back 0")
		a.wantEvents("a", "back 1")
		r.stop()
		a.close()
		b.close()
	})
}

// TestResumeKeepsPictures checks that one who comes back gets the pictures that
// it looks at, in its layer, and that these begin anew; and is told what has
// changed of its own.
func TestResumeKeepsPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b, c := r.stay("one"), r.stay("one"), r.stay("one")
		b.watch(at(0, 640, 480, 30))
		time.Sleep(time.Second)
		c.watch(at(0, 160, 96, 15), at(1, 160, 96, 15))
		time.Sleep(time.Second)
		forget(a, b, c)
		b.lose()
		time.Sleep(time.Second)
		a.wantEvents("a", "away 1")
		c.watch(at(0, 160, 96, 15), at(1, 320, 240, 15))
		time.Sleep(time.Second)
		r.resume(b)
		time.Sleep(time.Second)
		a.wantEvents("a", "layers 640x480@30+ 160x96@15", "back 1")
		b.wantEvents("b", "resumed 1", "layers 320x240@15")
		c.wantEvents("c", "away 1", "back 1")
		a.show()
		b.wantPackets("b", "0")
		c.wantPackets("c", "1")
		b.show()
		c.wantPackets("c", "0")
		checkPlans(t, r.hub.sessions["one"], func(m *member) string { return layersText(wireLayers(m.told)) })
		r.stop()
		for _, c := range []*client{a, b, c} {
			c.close()
		}
	})
}

// wireLayers returns layers as a member is told of them.
func wireLayers(l layers) (m wire.Layers) {
	for i := range l.n {
		m.Layers = append(m.Layers, wire.Layer{Size: l.size[i]})
	}
	return m
}

// TestResumeRefused has somebody ask for a place whom it is not for, and members
// whose places are not kept.
func TestResumeRefused(t *testing.T) {
	tests := []struct {
		name string
		do   func(r *rig, a, b *client) // b then resumes
		code string
		then string // what a hears in all
	}{
		{"wrong token", func(_ *rig, _, b *client) { b.lose(); b.token[31] ^= 1 }, "error 8", "away 1"},
		{"no token", func(_ *rig, _, b *client) { b.lose(); b.token = [32]byte{} }, "error 8", "away 1"},
		{"left", func(_ *rig, _, b *client) { b.send(wire.Leave{}); b.lose() }, "error 8", "gone 1"},
		{"broke the protocol", func(_ *rig, _, b *client) { b.send(raw("x")); b.lose() }, "error 8", "gone 1"},
		{"more than was sent", func(_ *rig, _, b *client) { b.lose(); b.got += 2 }, "error 8", "away 1"}, // one is Away
		{"less than it had", func(r *rig, _, b *client) {
			b.send(wire.Ack{Received: b.got})
			b.lose()
			b.got--
		}, "error 8", "away 1"},
		{"an ack of more than was sent", func(_ *rig, _, b *client) { b.send(wire.Ack{Received: b.got + 1}); b.lose() }, "error 8", "gone 1"},
		{"off the list", func(r *rig, a, b *client) {
			b.lose()
			r.hub.SetAllow(allowList(r.t, person.Identity(r.t, a.who).Fingerprint().String()))
		}, "error 7", "away 1"},
		{"too much was said meanwhile", func(r *rig, a, b *client) {
			b.lose()
			for range outLen + peerWeight*r.hub.config.PerSession {
				a.tell(b.hash, "x")
				time.Sleep(messageInterval)
			}
		}, "error 8", "away 1, gone 1"},
		{"joined anew with the same key", func(r *rig, _, b *client) {
			b.lose()
			again := r.dial(simnet.Link{})
			again.who = b.who
			again.sendJoin("one")
			synctest.Wait()
		}, "error 8", "away 1, gone 1, peer 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{}, nil)
				a, b := r.stay("one"), r.stay("one")
				forget(a, b)
				tt.do(r, a, b)
				b.wg.Wait()
				b.mu.Lock()
				b.events = nil
				b.mu.Unlock()
				r.resume(b)
				b.wantEvents("b", tt.code)
				synctest.Wait()
				a.mu.Lock()
				if got := strings.Join(a.events, ", "); got != tt.then {
					t.Errorf("a heard %q, want %q", got, tt.then)
				}
				a.mu.Unlock()
				r.stop()
				a.close()
				b.close()
			})
		})
	}
}

// TestResumeSpam has a member take over its place again and again: it has to
// wait, and the others are told nothing.
func TestResumeSpam(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b := r.stay("one"), r.stay("one")
		forget(a, b)
		start := time.Now()
		var conns []*simnet.Conn
		for range returnBurst + 3 {
			conns = append(conns, b.conn)
			r.redial(b)
			b.sendResume()
			if m, err := b.conn.RecvMessage(nil); err != nil || m[0] != (wire.Resumed{}).Append(nil)[0] {
				t.Fatalf("received %x, %v; want Resumed", m, err)
			}
		}
		if d := time.Since(start); d != 3*returnInterval {
			t.Errorf("%d connections had the place in %v, want %v", returnBurst+3, d, 3*returnInterval)
		}
		a.wantEvents("a")
		time.Sleep(3 * time.Second)
		if n := r.conns(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		r.stop()
		for _, c := range conns {
			c.Close()
		}
		a.close()
		b.close()
	})
}

// TestAwayCounts checks that a place that is kept counts as a member, and what
// becomes of it when the hub drains or ends.
func TestAwayCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Members: 2}, nil)
		a, b := r.stay("one"), r.stay("one")
		forget(a, b)
		b.lose()
		c := r.stay("one")
		c.wantEvents("c", "error 3")
		empty := r.hub.Drain()
		a.send(wire.Leave{})
		wantEmpty(t, "with b away", empty, false)
		r.resume(b)
		b.wantEvents("b", "resumed 0", "gone 0")
		b.lose()
		time.Sleep(resumeTime)
		wantEmpty(t, "without anybody", empty, true)
		r.stop()
		for _, c := range []*client{a, b, c} {
			c.close()
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b := r.stay("one"), r.stay("one")
		forget(a, b)
		b.lose()
		time.Sleep(5 * time.Second)
		r.stop() // checks that nothing is left, within 2 s
		a.wantEvents("a", "away 1", "error 5")
		a.close()
	})
}

// TestAcks checks how often a member is told what has come.
func TestAcks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b := r.stay("one"), r.stay("one")
		want := func(want ...uint64) {
			t.Helper()
			synctest.Wait()
			a.mu.Lock()
			defer a.mu.Unlock()
			if !slices.Equal(a.acks, want) {
				t.Errorf("acknowledged %d, want %d", a.acks, want)
			}
			a.acks = nil
		}
		time.Sleep(time.Minute)
		want()
		a.tell(b.hash, "1")
		time.Sleep(ackTime - time.Millisecond)
		want()
		time.Sleep(time.Millisecond)
		want(1)
		for range 2*ackAfter + 1 {
			a.tell(b.hash, "x")
			synctest.Wait()
		}
		want(1+ackAfter, 1+2*ackAfter)
		time.Sleep(ackTime)
		want(2 + 2*ackAfter)
		a.send(wire.Ack{Received: 1}) // does not count
		time.Sleep(time.Minute)
		want()
		r.stop()
		a.close()
		b.close()
	})
}

// TestNothingIsLostOrDoubled breaks connections at random, at both ends, while
// two say things to each other that they number.
func TestNothingIsLostOrDoubled(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			r := newRig(t, Config{}, nil)
			people := []*client{r.stay("one"), r.stay("one")}
			forget(people...)
			var logs [2][]string // what each has said and the hub may lack
			var acked [2]uint64
			var said [2]int
			for range 400 {
				i := rnd.IntN(2)
				p, o := people[i], people[1-i]
				time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
				if rnd.IntN(12) > 0 {
					line := fmt.Sprint("m", said[i])
					said[i]++
					logs[i] = append(logs[i], line)
					p.tell(o.hash, line)
					if rnd.IntN(3) == 0 {
						synctest.Wait()
					}
					continue
				}
				old := p.conn
				if rnd.IntN(2) == 0 { // what is under way is lost in part
					old.Cut(rnd.IntN(2) == 0, rnd.IntN(2) == 0)
					p.tell(o.hash, fmt.Sprint("m", said[i]))
					logs[i] = append(logs[i], fmt.Sprint("m", said[i]))
					said[i]++
				}
				synctest.Wait()
				if rnd.IntN(2) == 0 {
					old.Close()
					p.wg.Wait()
					time.Sleep(time.Duration(rnd.IntN(20)) * time.Second)
				}
				old.Close() // what comes over it from now on does not count
				p.wg.Wait()
				r.redial(p)
				p.sendResume()
				b, err := p.conn.RecvMessage(nil)
				m, _ := wire.ParseMessage(b)
				back, ok := m.(wire.Resumed)
				if err != nil || !ok || back.Received < acked[i] || back.Received > uint64(said[i]) {
					t.Fatalf("seed %d: received %#v, %v; want Resumed from %d to %d", seed, m, err, acked[i], said[i])
				}
				logs[i] = logs[i][back.Received-acked[i]:]
				acked[i] = back.Received
				p.read()
				for _, line := range logs[i] {
					p.tell(o.hash, line)
				}
			}
			time.Sleep(time.Second)
			for i, p := range people {
				var want []string
				for k := range said[1-i] {
					want = append(want, fmt.Sprintf("from %d: m%d", 1-i, k))
				}
				synctest.Wait()
				got := slices.DeleteFunc(p.events, func(e string) bool { return !strings.HasPrefix(e, "from") })
				if !slices.Equal(got, want) {
					t.Errorf("seed %d: %d heard %q, want %q", seed, i, got, want)
				}
			}
			r.stop()
			for _, p := range people {
				p.close()
			}
		})
	}
}

// TestAwayIsCheap checks what a place takes whose member is away.
func TestAwayIsCheap(t *testing.T) {
	members := room(3)
	h := members[0].hub
	for _, m := range members {
		m.gate, m.resumes = new(gate), true
	}
	now := time.Now()
	for i := range 2 * ringMax {
		members[0].forward(sealed(0, wire.KindVideo, uint64(i), "x"), now, nil)
	}
	members[0].conn = &benchConn{}
	place := h.part(members[0])
	if place == nil || len(place.ring.slots)+len(place.pictures.slots) != 0 {
		t.Fatalf("the place %v has a memory of packets", place)
	}
	members[1].forward(sealed(1, wire.KindVoice, 1, "x"), now, nil)
	if _, ok := place.queue.Pop(now); !ok {
		t.Error("nothing waits for who is away")
	}
	if h.part(members[0]) != nil {
		t.Error("a place is kept twice")
	}
	if place.hash != (hello.Hash{0}) || h.Stats().Away != 1 {
		t.Errorf("hash %x, %d away", place.hash, h.Stats().Away)
	}
}
