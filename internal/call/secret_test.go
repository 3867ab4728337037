package call_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

func TestCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		var calls []*call.Call
		var before [4]string
		for i := range 3 {
			c, _ := w.enter(w.guest(fmt.Sprintf("p%d", i)))
			calls = append(calls, c)
			time.Sleep(3 * time.Second)
			code := state(c).Code
			if (i > 0) != (code[0] != "" && code[3] != "") {
				t.Errorf("%d members: code %q", i+1, code)
			}
			if i > 0 && code == before {
				t.Errorf("%d members: the code is still %q", i+1, code)
			}
			before = code
			for j, c := range calls {
				if got := state(c).Code; got != code {
					t.Errorf("%d members: p%d has code %q, p%d %q", i+1, j, got, i, code)
				}
			}
		}
		if got := words(told(calls[0])); got != "joined p1, code, joined p2, code" {
			t.Errorf("p0 was told %q, want to be told of each code", got)
		}
	})
}

func TestPassphrase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		with := func(name, passphrase string) *call.Call {
			cfg := w.guest(name)
			cfg.Passphrase = passphrase
			c, _ := w.enter(cfg)
			time.Sleep(8 * time.Second)
			return c
		}
		ann := with("ann", "ember lake")
		bob := with("bob", "ember lake")
		cat := with("cat", "ember cake")
		dan := with("dan", "")
		wantSees(t, "passphrases", map[*call.Call]string{ann: "bob", bob: "ann", cat: "", dan: ""})
		for c, want := range map[*call.Call]bool{ann: true, bob: true, cat: true, dan: false} {
			if s := state(c); s.Passphrase != want || s.Shut {
				t.Errorf("%s: passphrase %v, shut %v; want %v and not shut", s.Self.Name, s.Passphrase, s.Shut, want)
			}
		}
		if s := state(ann); s.Guesses != 1 {
			t.Errorf("ann counts %d guesses, want 1", s.Guesses)
		}
		wantTold(t, ann, "joined bob, wrong-passphrase", call.CodeReady)
		if s := state(dan); s.Guesses != 0 {
			t.Errorf("dan counts %d guesses, want 0", s.Guesses)
		}
	})
}

// TestGuessing has so many guess that nobody new is let in any more, even after
// the connection was lost. Those who are present stay.
func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		secret := w.guest("ann")
		secret.Passphrase = "ember lake"
		secret, cut := cuttable(secret)
		ann, _ := w.enter(secret)
		for i := range 20 {
			cfg := w.guest(fmt.Sprintf("p%d", i))
			cfg.Policy = call.AllowListed // they do not guess with each other
			cfg.Allow = allows(t, state(ann).Self.Fingerprint.String())
			cfg.Passphrase = fmt.Sprint("guess ", i)
			w.enter(cfg)
			time.Sleep(8 * time.Second)
		}
		if s := state(ann); s.Guesses != 20 || !s.Shut {
			t.Errorf("ann counts %d guesses, shut %v; want 20 and shut", s.Guesses, s.Shut)
		}
		want := strings.Repeat("wrong-passphrase, ", 20) + "guessing"
		wantTold(t, ann, want)
		cfg := w.guest("bob")
		cfg.Passphrase, cfg.Identity = secret.Passphrase, person.Identity(t, 15)
		bob, _ := w.enter(cfg)
		time.Sleep(8 * time.Second)
		wantSees(t, "shut", map[*call.Call]string{ann: "", bob: ""})
		cut()
		time.Sleep(8 * time.Second)
		if s := state(ann); !s.Shut {
			t.Error("a lost connection has started the count anew")
		}
	})
}

// A meddler is a connection to a hub that hides a member, by their identity.
type meddler struct {
	transport.Conn
	hidden hello.Fingerprint

	queue [][]byte // owned by RecvMessage
}

func (c *meddler) hides(b []byte) bool {
	m, err := wire.ParseMessage(b)
	if err != nil {
		return false
	}
	p, ok := m.(wire.Peer)
	if !ok {
		return false
	}
	h, err := hello.Parse(p.Hello)
	return err == nil && h.Fingerprint == c.hidden
}

func (c *meddler) RecvMessage(b []byte) ([]byte, error) {
	for {
		if len(c.queue) > 0 {
			b = append(b[:0], c.queue[0]...)
			c.queue = c.queue[1:]
			return b, nil
		}
		b, err := c.Conn.RecvMessage(b)
		if err != nil {
			return b, err
		}
		m, _ := wire.ParseMessage(b)
		joined, ok := m.(wire.Joined)
		if !ok {
			if c.hides(b) {
				continue
			}
			return b, nil
		}
		listed := joined.Peers
		for range listed { // the list is one shorter
			p, err := c.Conn.RecvMessage(nil)
			if err != nil {
				return b, err
			}
			if c.hides(p) {
				joined.Peers--
			} else {
				c.queue = append(c.queue, p)
			}
		}
		return joined.Append(nil), nil
	}
}

// TestRosterDiffers has a hub hide two members from each other.
func TestRosterDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		hiding := func(name string, hidden int) call.Config {
			return through(w.guest(name), func(c transport.Conn) transport.Conn {
				return &meddler{Conn: c, hidden: person.Identity(t, hidden).Fingerprint()}
			})
		}
		ann, _ := w.enter(w.guest("ann"))
		bob, _ := w.enter(hiding("bob", 2))
		time.Sleep(10 * time.Second)
		if s := state(ann); s.Members[0].Differs {
			t.Error("two members see different people")
		}
		told(ann)
		told(bob)
		cat, _ := w.enter(hiding("cat", 1))
		time.Sleep(2 * time.Second)
		wantSees(t, "hidden", map[*call.Call]string{ann: "bob cat", bob: "ann", cat: "ann"})
		if s := state(ann); s.Members[0].Differs || s.Members[1].Differs {
			t.Error("a difference is shown after 2 s, which a change may take")
		}
		time.Sleep(4 * time.Second)
		for _, c := range []*call.Call{ann, bob, cat} {
			for _, m := range state(c).Members {
				if !m.Differs {
					t.Errorf("%s is not shown that %s sees other people", state(c).Self.Name, m.Name)
				}
			}
		}
		time.Sleep(10 * time.Second)
		wantTold(t, bob, "roster-differs ann", call.CodeReady)
		wantTold(t, ann, "joined cat, roster-differs bob, roster-differs cat", call.CodeReady)
	})
}

// TestRosterAgreesAgain ends a difference.
func TestRosterAgreesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, _ := w.enter(w.guest("ann"))
		bob, _ := w.enter(w.guest("bob"))
		cat, _ := w.enter(w.guest("cat"))
		time.Sleep(time.Second)
		if !ann.Remove(2) {
			t.Fatal("no cat to remove")
		}
		time.Sleep(6 * time.Second)
		if m := state(ann).Members[0]; !m.Differs {
			t.Error("bob, who still sees cat, is not shown to see other people")
		}
		if !bob.Remove(2) {
			t.Fatal("no cat to remove")
		}
		time.Sleep(3 * time.Second)
		if m := state(ann).Members[0]; m.Differs {
			t.Error("bob, who has removed cat too, is shown to see other people")
		}
		wantSees(t, "removed by both", map[*call.Call]string{ann: "bob", bob: "ann", cat: ""})
		wantTold(t, ann, "joined bob, joined cat, removed cat, roster-differs bob", call.CodeReady)
	})
}

// TestRosterOfOthersChanges has a member let somebody in who still waits to be
// let in by the other one.
func TestRosterOfOthersChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("ann")
		cfg.Policy = call.Ask
		ann, _ := w.enter(cfg)
		bob, _ := w.enter(w.guest("bob"))
		time.Sleep(time.Second)
		ann.Admit(1)
		time.Sleep(10 * time.Second)
		cat, _ := w.enter(w.guest("cat"))
		for _, want := range []bool{false, true} {
			time.Sleep(5 * time.Second / 2)
			wantSees(t, "one waits", map[*call.Call]string{ann: "bob", bob: "ann cat", cat: "bob"})
			if got := state(ann).Members[0].Differs; got != want {
				t.Errorf("bob is shown to see other people: %v, want %v", got, want)
			}
		}
		ann.Admit(2)
		time.Sleep(3 * time.Second)
		if state(ann).Members[0].Differs {
			t.Error("bob is shown to see other people after cat was let in")
		}
	})
}

// A leaky is a connection whose datagrams can be lost.
type leaky struct {
	*simnet.Conn
	lose *atomic.Bool
}

func (c leaky) SendDatagram(b []byte) error {
	if c.lose.Load() {
		return nil
	}
	return c.Conn.SendDatagram(b)
}

// TestSilentMember has a member of whom no packet comes any more, though the
// hub says nothing.
func TestSilentMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		var lose atomic.Bool
		ann, _ := w.enter(w.guest("ann"))
		bob, _ := w.enter(through(w.guest("bob"), func(c transport.Conn) transport.Conn { return leaky{c.(*simnet.Conn), &lose} }))
		eve, _ := w.enter(w.guest("eve"))
		time.Sleep(5 * time.Second)
		if m := state(ann).Members[0]; m.Silent > 1100*time.Millisecond {
			t.Errorf("bob, who sends heartbeats only, is silent for %v", m.Silent)
		}
		told(ann)
		lose.Store(true)
		time.Sleep(28 * time.Second)
		wantSees(t, "silent for 28 s", map[*call.Call]string{ann: "bob eve", eve: "ann bob"})
		if m := state(ann).Members[0]; m.Silent < 27*time.Second {
			t.Errorf("bob is silent for %v, want at least 27s", m.Silent)
		}
		time.Sleep(5 * time.Second)
		wantSees(t, "silent for 33 s", map[*call.Call]string{ann: "eve", eve: "ann"})
		wantTold(t, ann, "left bob", call.CodeReady, call.RosterDiffers)
		time.Sleep(40 * time.Second) // bob has no key any more, and so hears nobody
		wantSees(t, "at last", map[*call.Call]string{ann: "eve", eve: "ann", bob: ""})
	})
}

// A secretive is a connection through which no news of who is gone arrives.
type secretive struct{ transport.Conn }

func (c secretive) RecvMessage(b []byte) ([]byte, error) {
	for {
		b, err := c.Conn.RecvMessage(b)
		if err != nil {
			return b, err
		}
		m, _ := wire.ParseMessage(b)
		if _, gone := m.(wire.Gone); !gone {
			return b, nil
		}
	}
}

// TestGoodbye has a member leave through a hub that does not tell.
func TestGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, _ := w.enter(through(w.guest("ann"), func(c transport.Conn) transport.Conn { return secretive{c} }))
		ctx, leave := context.WithCancel(t.Context())
		w.enterUntil(ctx, w.guest("bob"))
		time.Sleep(time.Second)
		wantSees(t, "before", map[*call.Call]string{ann: "bob"})
		leave()
		time.Sleep(time.Second)
		wantSees(t, "after", map[*call.Call]string{ann: ""})
		time.Sleep(3 * time.Second)
		wantTold(t, ann, "joined bob, left bob", call.CodeReady)
	})
}

// TestComesBack cuts a member's connection: whoever is back at once has never
// been away.
func TestComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, _ := w.enter(w.guest("ann"))
		cfg, cut := cuttable(w.guest("bob"))
		bob, _ := w.enter(cfg)
		time.Sleep(time.Second)
		told(ann)
		told(bob)
		cut()
		time.Sleep(100 * time.Millisecond)
		wantSees(t, "cut", map[*call.Call]string{ann: "", bob: ""})
		time.Sleep(5 * time.Second)
		wantSees(t, "back", map[*call.Call]string{ann: "bob", bob: "ann"})
		wantTold(t, ann, "", call.CodeReady)
		wantTold(t, bob, "link-lost, link-back, joined ann", call.CodeReady)
	})
}

// TestJoinsAnew lets more than an hour pass.
func TestJoinsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		var mu sync.Mutex
		dials := make(map[string]int)
		var calls []*call.Call
		for _, name := range []string{"ann", "bob"} {
			cfg := through(w.guest(name), func(c transport.Conn) transport.Conn {
				mu.Lock()
				defer mu.Unlock()
				dials[name]++
				return c
			})
			c, _ := w.enter(cfg)
			calls = append(calls, c)
		}
		time.Sleep(10 * time.Second)
		for _, c := range calls {
			told(c)
		}
		time.Sleep(75 * time.Minute)
		wantSees(t, "after 75 minutes", map[*call.Call]string{calls[0]: "bob", calls[1]: "ann"})
		for _, c := range calls {
			wantTold(t, c, "", call.CodeReady)
		}
		mu.Lock()
		defer mu.Unlock()
		if dials["ann"] != 2 || dials["bob"] != 2 {
			t.Errorf("%v connections in 75 minutes, want 2 of each", dials)
		}
	})
}

// TestStrays counts what nobody can open.
func TestStrays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		var mu sync.Mutex
		var conn transport.Conn
		ann, _ := w.enter(w.guest("ann"))
		w.enter(through(w.guest("bob"), func(c transport.Conn) transport.Conn {
			mu.Lock()
			defer mu.Unlock()
			conn = c
			return c
		}))
		time.Sleep(2 * time.Second)
		before := state(ann).Strays
		junk := append([]byte{byte(wire.NewClear(wire.KindVoice, 0))}, 0x90, 0x11, 0x00, 0x05) // slot 1, voice
		mu.Lock()
		conn.SendDatagram(append(junk, make([]byte, 40)...))
		mu.Unlock()
		time.Sleep(100 * time.Millisecond)
		if got := state(ann).Strays - before; got != 1 {
			t.Errorf("%d strays, want 1", got)
		}
	})
}
