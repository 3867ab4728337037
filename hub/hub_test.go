package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

func TestConstantsMatchSFrame(t *testing.T) {
	if maxSlot != sframe.MaxSlot {
		t.Errorf("maxSlot = %d, want %d", maxSlot, sframe.MaxSlot)
	}
	if streamChat != sframe.StreamChat {
		t.Errorf("streamChat = %d, want %d", streamChat, sframe.StreamChat)
	}
}

func TestJoinPeerGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a := r.joinNow("one")
		a.wantEvents("a", "joined 0 of 1")
		b := r.joinNow("one")
		b.wantEvents("b", "joined 1 of 2", "peer 0")
		a.wantEvents("a", "peer 1")
		c := r.joinNow("one")
		c.wantEvents("c", "joined 2 of 3", "peer 0", "peer 1")
		a.wantEvents("a", "peer 2")
		b.wantEvents("b", "peer 2")
		if a.peers[1] != b.hash || b.peers[0] != a.hash || c.peers[1] != b.hash {
			t.Error("a member was told another's hello")
		}

		a.say(wire.KindVoice, "v")
		b.say(wire.KindVideo, "p")
		c.say(wire.KindControl, "c")
		for name, got := range map[string]*client{"a": a, "b": b, "c": c} {
			var bodies []string
			for _, p := range got.heard() {
				bodies = append(bodies, p.body)
			}
			slices.Sort(bodies)
			want := map[string]string{"a": "cp", "b": "cv", "c": "pv"}[name]
			if strings.Join(bodies, "") != want {
				t.Errorf("%s received %q, want %q", name, bodies, want)
			}
		}

		b.send(wire.Leave{})
		a.wantEvents("a", "gone 1")
		c.wantEvents("c", "gone 1")
		b.wantEvents("b")
		if _, err := b.conn.RecvMessage(nil); !errors.Is(err, io.EOF) {
			t.Errorf("after leaving: %v, want EOF", err)
		}
		b.close()
		c.close() // without a word
		a.wantEvents("a", "gone 2")
		s := r.hub.Stats()
		if s.Members != 1 || s.Sessions != 1 || s.Joined != 3 || s.Packets != 3 || s.Forwarded != 6 || s.Bytes == 0 {
			t.Errorf("stats %+v", s)
		}
		r.stop()
		a.wantEvents("a", "error 5")
		a.close()
		if got := r.hub.Stats(); got.Packets != s.Packets || got.Bytes != s.Bytes || got.Forwarded != s.Forwarded {
			t.Errorf("stats %+v after everybody has left, want the sums of before, %+v", got, s)
		}
	})
}

func TestSessionsAreSeparate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		const sessions = 20
		var all [][]*client
		for range 3 {
			for i := range sessions {
				if len(all) <= i {
					all = append(all, nil)
				}
				all[i] = append(all[i], r.joinNow(fmt.Sprintf("session-%d", i)))
			}
		}
		for i, members := range all {
			for j, c := range members {
				c.say(wire.KindVoice, fmt.Sprintf("%d.%d", i, j))
				synctest.Wait() // or the order of those from different members is open
			}
		}
		for i, members := range all {
			members[0].wantEvents("the first", "joined 0 of 1", "peer 1", "peer 2")
			members[0].wantPackets("the first", fmt.Sprintf("%d.1", i), fmt.Sprintf("%d.2", i))
			members[2].wantPackets("the third", fmt.Sprintf("%d.0", i), fmt.Sprintf("%d.1", i))
			members[1].close()
			members[0].wantEvents("the first", "gone 1")
		}
		if s := r.hub.Stats(); s.Sessions != sessions || s.Members != 2*sessions {
			t.Errorf("%d sessions and %d members, want %d and %d", s.Sessions, s.Members, sessions, 2*sessions)
		}
		r.stop()
		for _, members := range all {
			members[0].close()
			members[2].close()
		}
	})
}

func TestBadPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b := r.joinNow("one"), r.joinNow("one")
		version1 := sealed(0, wire.KindVoice, 1, "x")
		version1[0] |= 1 << 6
		longKID := append([]byte{byte(wire.NewClear(wire.KindVoice, 0))}, sframe.AppendHeader(nil, 1<<24, 1)...)
		for _, bad := range [][]byte{
			{},
			{0},
			{0xff, 0xff},
			version1, append(longKID, "sealed"...),
			sealed(0, 4, 1, "no such kind"),
			sealed(1, wire.KindVoice, 1, "in the name of b"),
			sealed(7, wire.KindVoice, 1, "in the name of nobody"),
			sealed(maxSlot, wire.KindKey, 1, "in the name of the last"),
		} {
			if err := a.conn.SendDatagram(bad); err != nil {
				t.Error(err)
			}
		}
		a.say(wire.KindVoice, "good")
		b.wantPackets("b", "good")
		r.wantDrops(map[string]uint64{"malformed": 6, "forged": 3})
		r.stop()
		r.wantDrops(map[string]uint64{"malformed": 6, "forged": 3})
		a.close()
		b.close()
	})
}

func TestPairMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b, c := r.joinNow("one"), r.joinNow("one"), r.joinNow("one")
		other := r.joinNow("two")
		for _, x := range []*client{a, b, c, other} {
			synctest.Wait()
			x.events = nil
		}
		longest := strings.Repeat("x", wire.MaxMessage-1-wire.PairHead)
		a.tell(b.hash, "hello")
		b.tell(a.hash, "")
		a.wantEvents("a", "from 1: ")
		c.tell(a.hash, longest)
		a.wantEvents("a", "from 2: "+longest)
		b.wantEvents("b", "from 0: hello")
		c.wantEvents("c")

		a.tell(other.hash, "over the fence")
		a.tell(a.hash, "to myself")
		a.tell(hello.Hash{1, 2, 3}, "to nobody")
		c.close()
		a.wantEvents("a", "gone 2")
		a.tell(c.hash, "too late")
		a.tell(b.hash, "still here")
		b.wantEvents("b", "gone 2", "from 0: still here")
		a.wantEvents("a")
		other.wantEvents("other")
		r.wantDrops(map[string]uint64{"stranger": 4})

		a.send(wire.Forward{Pair: pair(b.hash, b.hash, "in the name of b")})
		a.wantEvents("a", "error 1")
		b.wantEvents("b", "gone 0")
		r.stop()
		for _, x := range []*client{a, b, other} {
			x.close()
		}
	})
}

// TestSlots checks which slot a joiner gets after others have left.
func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b, c := r.joinNow("one"), r.joinNow("one"), r.joinNow("one")
		b.close()
		time.Sleep(slotRest - time.Millisecond)
		d := r.joinNow("one")
		if d.slot != 3 {
			t.Errorf("slot %d before the time, want 3", d.slot)
		}
		time.Sleep(time.Millisecond)
		e := r.joinNow("one")
		if e.slot != 1 {
			t.Errorf("slot %d after the time, want 1", e.slot)
		}
		if f := r.joinNow("one"); f.slot != 4 {
			t.Errorf("slot %d, want 4", f.slot)
		} else {
			f.close()
		}
		r.stop()
		for _, x := range []*client{a, c, d, e} {
			x.close()
		}
	})
}

// TestSlotsRunOut takes and frees every slot within the time that one rests.
func TestSlotsRunOut(t *testing.T) {
	s := newSession("one", 64)
	now := time.Now()
	for i := range maxSlot + 1 {
		if got := s.takeSeat(now); int(got) != i {
			t.Fatalf("slot %d, want %d", got, i)
		}
	}
	s.seats[7] = seat{since: now.Add(2 * time.Second)}
	s.seats[9] = seat{since: now.Add(1 * time.Second)}
	now = now.Add(3 * time.Second)
	for _, want := range []uint16{9, 7} {
		if got := s.takeSeat(now); got != want {
			t.Errorf("slot %d, want %d, which has been free for longest", got, want)
		}
	}
}

// TestFullSession fills a session of the default size over links of all kinds.
func TestFullSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		var all []*client
		for i := range 64 {
			all = append(all, r.join("one", simnet.Link{Delay: time.Duration(i%7) * 10 * time.Millisecond, Loss: 0.5}))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for i, c := range all {
			if len(c.peers) != 63 {
				t.Errorf("member %d knows %d others, want 63", i, len(c.peers))
			}
		}
		r.stop()
		for _, c := range all {
			c.close()
		}
	})
}

// TestShutdown ends a hub with a member that never reads, one that has not
// joined, and one whose connection is cut.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		link := simnet.Link{Delay: 100 * time.Millisecond}
		reader := r.join("one", link)
		time.Sleep(time.Second)
		deaf := r.dial(simnet.Link{})
		deaf.sendJoin("one")
		synctest.Wait()
		lost := r.joinNow("one")
		silent := r.dial(simnet.Link{})
		time.Sleep(time.Second)
		reader.wantEvents("the reader", "joined 0 of 1", "peer 1", "peer 2")
		for range 100 { // more than the connection takes
			reader.tell(deaf.hash, "read me")
		}
		time.Sleep(time.Second)
		lost.conn.Cut(true, true)
		r.stop()
		reader.wantEvents("the reader", "error 5")
		if text := reader.err.Text; !strings.Contains(text, "shutting down") {
			t.Errorf("the hub said %q", text)
		}
		silent.read()
		silent.wantEvents("who had not joined", "error 5")
		lost.conn.Cut(false, false)
		for _, c := range []*client{reader, silent, deaf, lost} {
			c.close()
		}
	})
}

// brokenListener fails when it is told to.
type brokenListener struct {
	transport.Listener
	accepted     bool
	fail, closed chan struct{}
}

var errBroken = errors.New("the cable is out")

func (l *brokenListener) Accept() (transport.Conn, error) {
	if l.accepted {
		<-l.fail
		return nil, errBroken
	}
	l.accepted = true
	return l.Listener.Accept()
}

func (l *brokenListener) Close() error {
	close(l.closed)
	return l.Listener.Close()
}

func TestListenerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(1)
		ln, err := n.Listen(hubAddr)
		if err != nil {
			t.Fatal(err)
		}
		broken := &brokenListener{Listener: ln, fail: make(chan struct{}), closed: make(chan struct{})}
		r := &rig{t: t, net: n, hub: New(Config{})}
		served := make(chan error)
		go func() { served <- r.hub.Serve(t.Context(), broken) }()
		c := r.joinNow("one")
		c.wantEvents("the member", "joined 0 of 1")
		close(broken.fail)
		if err := <-served; !errors.Is(err, errBroken) || !strings.Contains(err.Error(), hubAddr) {
			t.Errorf("Serve = %v, want %v and the address", err, errBroken)
		}
		<-broken.closed
		c.wantEvents("the member", "error 5")
		c.close()
	})
	synctest.Test(t, func(t *testing.T) { // closed by somebody else
		ln, err := simnet.New(1).Listen(hubAddr)
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
		if err := New(Config{}).Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Serve = %v, want net.ErrClosed", err)
		}
	})
}

// TestChurn has 100 members come and go at random in 8 sessions. The clients
// check every message against those before; in the end all know who is there.
func TestChurn(t *testing.T) {
	for seed := range uint64(2) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			r := newRig(t, Config{}, nil)
			sessions := make(map[string][]*client)
			var gone []*client
			names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
			members := 0
			for range 1000 {
				time.Sleep(time.Duration(rnd.IntN(30)) * time.Millisecond)
				name := names[rnd.IntN(len(names))]
				there := sessions[name]
				switch n := len(there); {
				case members < 100 && rnd.IntN(200) >= members:
					ms := time.Duration(rnd.IntN(100)) * time.Millisecond
					sessions[name] = append(there, r.join(name, simnet.Link{Delay: ms, Jitter: ms / 2, Loss: 0.1}))
					members++
				case n > 0:
					i := rnd.IntN(n)
					c := there[i]
					switch rnd.IntN(3) {
					case 0:
						c.send(wire.Leave{})
						gone = append(gone, c)
					case 1:
						c.conn.SendMessage([]byte("garbage"))
						gone = append(gone, c)
					default:
						c.close()
					}
					sessions[name] = slices.Delete(there, i, i+1)
					members--
				}
				for _, c := range sessions[name] {
					c.say(wire.KindVoice, "v")
				}
			}
			time.Sleep(time.Second)
			synctest.Wait()
			for name, there := range sessions {
				for _, c := range there {
					want := make(map[uint16]hello.Hash)
					for _, o := range there {
						if o != c {
							want[o.slot] = o.hash
						}
					}
					if !maps.Equal(c.peers, want) {
						t.Errorf("seed %d, session %s: slot %d knows %d others, want %d", seed, name, c.slot, len(c.peers), len(want))
					}
				}
			}
			if s := r.hub.Stats(); s.Members != members {
				t.Errorf("seed %d: %d members, want %d", seed, s.Members, members)
			}
			r.stop()
			for _, there := range sessions {
				gone = append(gone, there...)
			}
			for _, c := range gone {
				c.close()
			}
		})
	}
}

// TestLogKeepsSecrets checks that nobody can tell from the log who met whom,
// unless it is at Debug.
func TestLogKeepsSecrets(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			r := newRig(t, Config{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))}, nil)
			c := r.joinNow("top-secret")
			bad := r.dial(simnet.Link{})
			bad.send(wire.Leave{})
			synctest.Wait()
			r.stop()
			c.close()
			bad.close()
			text := log.String()
			for _, want := range []string{"member joined", "slot=0", "members=1", "member refused", "member left", "shutting down"} {
				if !strings.Contains(text, want) {
					t.Errorf("level %v: no %q in\n%s", level, want, text)
				}
			}
			for _, secret := range []string{"top-secret", "memory:1"} {
				if strings.Contains(text, secret) != (level == slog.LevelDebug) {
					t.Errorf("level %v: %q is wrong in\n%s", level, secret, text)
				}
			}
		})
	}
}

// TestTwoListeners serves the same hub at two places.
func TestTwoListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		ln, err := r.net.Listen("elsewhere:1122")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error)
		go func() { served <- r.hub.Serve(ctx, ln) }()
		a := r.joinNow("one")
		conn, err := r.net.Dial(t.Context(), ln.Addr(), simnet.Link{}, simnet.Link{})
		if err != nil {
			t.Fatal(err)
		}
		b := &client{t: t, conn: conn.(*simnet.Conn), peers: make(map[uint16]hello.Hash)}
		b.sendJoin("one")
		b.read()
		b.wantEvents("b", "joined 1 of 2", "peer 0")
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
		a.wantEvents("a", "joined 0 of 1", "peer 1", "gone 1")
		b.wantEvents("b", "error 5")
		r.stop()
		a.close()
		b.close()
	})
}
