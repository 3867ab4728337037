package call_test

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/transport"
)

// A proxy passes TCP connections on to a hub, unless it is down.
type proxy struct {
	ln net.Listener
	to string
	wg sync.WaitGroup

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]struct{}
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, to: to, conns: make(map[net.Conn]struct{})}
	p.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.pass(c) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		p.cut(true)
		p.wg.Wait()
	})
	return p
}

// keep notes a connection. It reports false, and closes it, while p is down.
func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		c.Close()
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *proxy) pass(c net.Conn) {
	defer c.Close()
	if !p.keep(c) {
		return
	}
	out, err := net.Dial("tcp", p.to)
	if err != nil || !p.keep(out) {
		return
	}
	var wg sync.WaitGroup
	copyAll := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		to.Close()
		from.Close()
	}
	wg.Go(func() { copyAll(out, c) })
	copyAll(c, out)
	wg.Wait()
}

// cut ends all connections and takes none, or takes them again.
func (p *proxy) cut(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
	for c := range p.conns {
		c.Close()
		delete(p.conns, c)
	}
}

// eventually waits for something, in real time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// TestResumesOverTCP cuts a member's connection through real sockets for 2 s.
func TestResumesOverTCP(t *testing.T) {
	key, err := transport.NewHubKey()
	if err != nil {
		t.Fatal(err)
	}
	ln, err := transport.Listen(transport.ListenConfig{Addr: "127.0.0.1:0", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := hub.New(hub.Config{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		if err := h.Serve(ctx, ln); err != nil {
			t.Error(err)
		}
	})
	way := newProxy(t, ln.Addr())
	enter := func(i int, name, addr string) *call.Call {
		c, err := call.New(call.Config{
			Session: "room", Name: name, Identity: person.Identity(t, i),
			Mic:     func(ctx context.Context) (media.AudioSource, error) { return newTestMic(ctx) },
			Speaker: func(context.Context) (media.AudioSink, error) { return newTestSpeaker(), nil },
			Dial: func(ctx context.Context) (transport.Conn, error) {
				return transport.Dial(ctx, transport.DialConfig{Addr: addr, NoUDP: addr != ln.Addr(), Verify: func(string) error { return nil }})
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Join(ctx); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { _ = c.Run(ctx) })
		return c
	}
	ann, bob := enter(0, "ann", ln.Addr()), enter(1, "bob", way.ln.Addr().String())
	eventually(t, "both hear each other", func() bool {
		return member(ann, "bob").VoicePlayed > 50 && member(bob, "ann").VoicePlayed > 50 && state(ann).Code[0] != ""
	})
	code := state(ann).Code
	for round := range 2 {
		say(t, bob, "before")
		way.cut(true)
		eventually(t, "ann sees that bob is away", func() bool { return member(ann, "bob").Away })
		say(t, ann, "meanwhile")
		time.Sleep(2 * time.Second)
		way.cut(false)
		eventually(t, "bob is back", func() bool { return !member(ann, "bob").Away && state(bob).Link.Phase == call.Joined })
		played := member(ann, "bob").VoicePlayed
		eventually(t, "ann hears bob again", func() bool { return member(ann, "bob").VoicePlayed > played+50 })
		say(t, ann, "after")
		var fromBob, toBob string
		eventually(t, "all lines have come", func() bool {
			fromBob += chatLines(told(ann)) + "; "
			toBob += chatLines(told(bob)) + "; "
			return strings.Count(fromBob, "bob: before") == 1 && strings.Count(toBob, "ann: meanwhile") == 1 && strings.Count(toBob, "ann: after") == 1
		})
		if s := h.Stats(); s.Resumed != uint64(round+1) || s.Joined != 2 || s.Members != 2 {
			t.Errorf("%d resumed, %d joined, %d members; want %d, 2, 2", s.Resumed, s.Joined, s.Members, round+1)
		}
	}
	if state(ann).Code != code || state(bob).Code != code || state(bob).Self.Slot != 1 {
		t.Errorf("codes %q and %q, slot %d; want %q and 1", state(ann).Code, state(bob).Code, state(bob).Self.Slot, code)
	}
}
