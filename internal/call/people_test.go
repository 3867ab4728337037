package call_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/trust"
	"github.com/sanix-darker/s2c/internal/wire"
)

// guest returns the Config of somebody without devices, who costs little.
func (w *world) guest(name string) call.Config {
	link := simnet.Link{Delay: 5 * time.Millisecond}
	return call.Config{
		Dial: w.dial(link, link), Session: "room", Name: name, Identity: w.identity(),
		Speaker: newDeadSpeaker,
	}
}

// A deadSpeaker never wants a chunk, and so no time is spent on mixing.
type deadSpeaker struct {
	done chan struct{}
	once sync.Once
}

func newDeadSpeaker(context.Context) (media.AudioSink, error) {
	return &deadSpeaker{done: make(chan struct{})}, nil
}

func (s *deadSpeaker) Wait() error {
	<-s.done
	return os.ErrClosed
}

func (s *deadSpeaker) WriteChunk(*media.Chunk) error { return nil }
func (s *deadSpeaker) Latency() time.Duration        { return 0 }

func (s *deadSpeaker) Close() error {
	s.once.Do(func() { close(s.done) })
	return nil
}

// through has the connections of a member go through wrap.
func through(cfg call.Config, wrap func(transport.Conn) transport.Conn) call.Config {
	dial := cfg.Dial
	cfg.Dial = func(ctx context.Context) (transport.Conn, error) {
		c, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		return wrap(c), nil
	}
	return cfg
}

// An unkept connection is to a hub that keeps no places.
type unkept struct{ transport.Conn }

func (c unkept) SendMessage(b []byte) error {
	if m, err := wire.ParseMessage(b); err == nil {
		if j, ok := m.(wire.Join); ok {
			j.Caps = 0
			b = j.Append(nil)
		}
	}
	return c.Conn.SendMessage(b)
}

// cuttable has the connections of a member end when cut is called, and the member
// join anew.
func cuttable(cfg call.Config) (_ call.Config, cut func()) {
	var mu sync.Mutex
	var last transport.Conn
	cfg = through(cfg, func(c transport.Conn) transport.Conn {
		mu.Lock()
		defer mu.Unlock()
		last = c
		return unkept{c}
	})
	return cfg, func() {
		mu.Lock()
		defer mu.Unlock()
		last.Close()
	}
}

// sees returns the names on a member's screen; those who are only joining are
// in brackets.
func sees(c *call.Call) string {
	var names []string
	for _, m := range state(c).Members {
		if m.Present {
			names = append(names, m.Name)
		} else {
			names = append(names, "("+m.Name+")")
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func wantSees(t *testing.T, when string, want map[*call.Call]string) {
	t.Helper()
	for c, names := range want {
		if got := sees(c); got != names {
			t.Errorf("%s: %s sees %q, want %q", when, state(c).Self.Name, got, names)
		}
	}
}

// told returns the notices so far that nobody has read.
func told(c *call.Call) (list []call.Notice) {
	for {
		select {
		case n := <-c.Notices():
			list = append(list, n)
		default:
			return list
		}
	}
}

// words returns notices as words, such as "joined bob".
func words(list []call.Notice) string {
	var w []string
	for _, n := range list {
		w = append(w, strings.TrimSpace(n.Kind.String()+" "+n.Name))
	}
	return strings.Join(w, ", ")
}

// wantTold checks the notices since the last look, without those of some kinds.
func wantTold(t *testing.T, c *call.Call, want string, but ...call.NoticeKind) {
	t.Helper()
	list := slices.DeleteFunc(told(c), func(n call.Notice) bool { return slices.Contains(but, n.Kind) })
	if got := words(list); got != want {
		t.Errorf("%s was told %q, want %q", state(c).Self.Name, got, want)
	}
}

// knows returns a file of people.
func knows(t *testing.T, people ...trust.Person) *trust.Peers {
	t.Helper()
	p, err := trust.OpenPeers(filepath.Join(t.TempDir(), "known_peers"))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range people {
		if x.Verified {
			err = p.Verify(time.Now(), x)
		} else {
			err = p.Met(x.Fingerprint, x.Name, time.Now())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func allows(t *testing.T, lines ...string) *hello.AllowList {
	t.Helper()
	a, err := hello.ParseAllowList([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPolicies has a member with a policy meet another one, once as the one
// who is there first and once as the one who joins.
func TestPolicies(t *testing.T) {
	bob := person.Identity(t, 1).Fingerprint()
	seen := trust.Person{Fingerprint: bob, Name: "bob"}
	verified := trust.Person{Fingerprint: bob, Name: "bob", Verified: true}
	other := trust.Person{Fingerprint: person.Identity(t, 2).Fingerprint(), Name: "bob", Verified: true}
	tests := []struct {
		name    string
		policy  call.Policy
		people  []trust.Person
		allowed []string
		meets   bool
	}{
		{"open", call.Open, nil, nil, true},
		{"known, but new", call.Known, nil, nil, false},
		{"known and seen", call.Known, []trust.Person{seen}, nil, true},
		{"known and verified", call.Known, []trust.Person{verified}, nil, true},
		{"known by name only", call.Known, []trust.Person{other}, nil, false},
		{"ask, new", call.Ask, nil, nil, false},
		{"ask, seen", call.Ask, []trust.Person{seen}, nil, false},
		{"ask, verified", call.Ask, []trust.Person{verified}, nil, true},
		{"on the list", call.AllowListed, nil, []string{bob.String() + " bob"}, true},
		{"on the list for this session", call.AllowListed, nil, []string{`session="x,room" ` + bob.String()}, true},
		{"on the list for another session", call.AllowListed, nil, []string{`session="other" ` + bob.String()}, false},
		{"not on the list", call.AllowListed, []trust.Person{verified}, []string{other.Fingerprint.String()}, false},
		{"no such policy", call.Policy(99), []trust.Person{verified}, nil, false},
	}
	for _, test := range tests {
		for _, joins := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				picky, easy := w.guest("ann"), w.guest("bob")
				picky.Policy, picky.Peers = test.policy, knows(t, test.people...)
				picky.Allow = allows(t, test.allowed...)
				if joins {
					picky.Identity, easy.Identity = person.Identity(t, 0), person.Identity(t, 1)
				}
				var ann, bob *call.Call
				if joins {
					bob, _ = w.enter(easy)
					time.Sleep(time.Second)
					ann, _ = w.enter(picky)
				} else {
					ann, _ = w.enter(picky)
					time.Sleep(time.Second)
					bob, _ = w.enter(easy)
				}
				time.Sleep(7 * time.Second)
				want := map[*call.Call]string{ann: "", bob: ""}
				if test.meets {
					want = map[*call.Call]string{ann: "bob", bob: "ann"}
				}
				wantSees(t, fmt.Sprintf("%s, joins %v", test.name, joins), want)
			})
		}
	}
}

// TestPolicyAllowListedWithoutList lets nobody in.
func TestPolicyAllowListedWithoutList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("ann")
		cfg.Policy = call.AllowListed
		ann, _ := w.enter(cfg)
		bob, _ := w.enter(w.guest("bob"))
		time.Sleep(time.Second)
		wantSees(t, "without a list", map[*call.Call]string{ann: "", bob: ""})
	})
}

func TestKnock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("ann")
		cfg.Policy = call.Ask
		ids := []*identity.Identity{person.Identity(t, 1), person.Identity(t, 2)}
		cfg.Peers = knows(t, trust.Person{Fingerprint: ids[0].Fingerprint(), Name: "bobby"})
		ann, _ := w.enter(cfg)
		cfg = w.guest("bob")
		bob, _ := w.enter(cfg)
		cfg, cut := cuttable(w.guest("eve"))
		eve, _ := w.enter(cfg)
		time.Sleep(time.Minute)
		wantSees(t, "before the answer", map[*call.Call]string{ann: "", bob: "eve", eve: "bob"})
		wantTold(t, ann, "knock bobby, knock")
		k := state(ann).Knocks
		if len(k) != 2 || k[0].Name != "bobby" || k[0].Mark != trust.Seen || k[0].Slot != 1 || k[0].Fingerprint != ids[0].Fingerprint() ||
			k[1].Name != "" || k[1].Mark != trust.New || k[1].Slot != 2 || k[1].Fingerprint != ids[1].Fingerprint() {
			t.Fatalf("knocks %+v, want bobby, seen, in slot 1 and somebody new in slot 2", k)
		}
		if since := time.Since(k[0].Since).Round(time.Second); since != time.Minute {
			t.Errorf("bob knocks for %v, want about a minute", since)
		}
		if ann.Admit(7) || ann.Deny(7) || !ann.Admit(1) || ann.Admit(1) || ann.Deny(1) || !ann.Deny(2) || ann.Deny(2) || ann.Admit(2) {
			t.Error("Admit and Deny do not report who knocks")
		}
		if k := state(ann).Knocks; len(k) != 0 {
			t.Errorf("knocks %+v after the answers, want none", k)
		}
		time.Sleep(time.Second)
		wantSees(t, "after the answer", map[*call.Call]string{ann: "bob", bob: "ann eve", eve: "bob"})

		cut() // whoever is denied may come again and is not even asked about
		time.Sleep(5 * time.Second)
		wantSees(t, "after eve came again", map[*call.Call]string{ann: "bob", bob: "ann eve", eve: "bob"})
		wantTold(t, ann, "joined bob", call.CodeReady, call.RosterDiffers)
	})
}

// TestKnockOfJoiner has a member who asks join somebody who is there already,
// and let them in soon, or long after they have given up.
func TestKnockOfJoiner(t *testing.T) {
	for _, after := range []time.Duration{2 * time.Second, 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			ann, _ := w.enter(w.guest("ann"))
			cfg := w.guest("bob")
			cfg.Policy = call.Ask
			bob, _ := w.enter(cfg)
			time.Sleep(after)
			wantSees(t, fmt.Sprint(after), map[*call.Call]string{bob: ""})
			if k := state(bob).Knocks; len(k) != 1 || k[0].Slot != 0 || !bob.Admit(0) {
				t.Fatalf("bob is asked about %+v, want about slot 0", k)
			}
			time.Sleep(5 * time.Second)
			wantSees(t, fmt.Sprintf("let in after %v", after), map[*call.Call]string{ann: "bob", bob: "ann"})
			wantTold(t, bob, "knock, joined ann", call.CodeReady)
		})
	}
}

// TestKnockEnds has those who knock leave, or wait for too long.
func TestKnockEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("ann")
		cfg.Policy = call.Ask
		ann, _ := w.enter(cfg)
		cfg, cut := cuttable(w.guest("bob"))
		w.enter(cfg)
		w.enter(w.guest("eve"))
		time.Sleep(time.Second)
		if k := state(ann).Knocks; len(k) != 2 {
			t.Fatalf("%d knock, want 2", len(k))
		}
		cut()
		time.Sleep(100 * time.Millisecond)
		if k := state(ann).Knocks; len(k) != 1 || k[0].Slot != 2 {
			t.Errorf("knocks %+v after bob has gone, want slot 2 alone", k)
		}
		time.Sleep(4 * time.Minute) // bob has come back
		if k := state(ann).Knocks; len(k) != 2 {
			t.Errorf("%d knock after four minutes, want 2", len(k))
		}
		time.Sleep(2 * time.Minute)
		if k := state(ann).Knocks; len(k) != 0 {
			t.Errorf("%d knock after six minutes, want 0", len(k))
		}
		if ann.Admit(2) {
			t.Error("somebody was let in after five minutes")
		}
	})
}

func TestKnocksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("ann")
		cfg.Policy = call.Ask
		ann, _ := w.enter(cfg)
		for i := range 18 {
			cfg := w.guest(fmt.Sprintf("p%d", i))
			cfg.Policy = call.AllowListed // they need not meet each other
			w.enter(cfg)
			time.Sleep(time.Second)
		}
		k := state(ann).Knocks
		if len(k) != 16 || k[0].Slot != 3 || k[15].Slot != 18 {
			t.Errorf("%d knock, in slots %d to %d; want 16, in 3 to 18", len(k), k[0].Slot, k[len(k)-1].Slot)
		}
	})
}

func TestLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, _ := w.enter(w.guest("ann"))
		cfg, cut := cuttable(w.guest("bob"))
		bob, _ := w.enter(cfg)
		time.Sleep(time.Second)
		ann.SetLocked(true)
		if !ann.Locked() || !state(ann).Locked || bob.Locked() {
			t.Error("Locked does not say what SetLocked did")
		}
		eve, _ := w.enter(w.guest("eve"))
		time.Sleep(7 * time.Second)
		wantSees(t, "locked", map[*call.Call]string{ann: "bob", bob: "ann eve", eve: "bob"})
		cut()
		time.Sleep(3 * time.Second)
		wantSees(t, "after bob came back", map[*call.Call]string{ann: "bob", bob: "ann eve", eve: "bob"})
		ann.SetLocked(false)
		time.Sleep(time.Second)
		wantSees(t, "unlocked", map[*call.Call]string{ann: "bob eve", bob: "ann eve", eve: "ann bob"})
		if n := len(state(ann).Knocks); n > 0 {
			t.Errorf("%d knock where nobody is asked about", n)
		}
	})
}

// TestLockOutlivesTheConnection locks a session, and then the hub restarts.
func TestLockOutlivesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, net: simnet.New(3)}
		w.ctx, w.stop = context.WithCancel(t.Context())
		stopHub := w.serve()
		defer w.close()
		ann, _ := w.enter(w.guest("ann"))
		bob, _ := w.enter(w.guest("bob"))
		eve, _ := w.enter(w.guest("eve"))
		time.Sleep(time.Second)
		if !ann.Remove(2) || ann.Remove(9) {
			t.Error("Remove does not say whether somebody is there")
		}
		ann.SetLocked(true)
		time.Sleep(time.Second)
		wantSees(t, "before", map[*call.Call]string{ann: "bob", bob: "ann eve", eve: "bob"})
		stopHub()
		time.Sleep(time.Second)
		w.serve()
		dan, _ := w.enter(w.guest("dan"))
		time.Sleep(20 * time.Second)
		wantSees(t, "after", map[*call.Call]string{ann: "bob", bob: "ann dan eve", eve: "bob dan", dan: "bob eve"})
		if !ann.Locked() {
			t.Error("the lock did not outlive the connection")
		}
	})
}

// TestLockWithAsk has somebody knock while the session is locked, or before.
func TestLockWithAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("ann")
		cfg.Policy = call.Ask
		ann, _ := w.enter(cfg)
		bob, _ := w.enter(w.guest("bob"))
		time.Sleep(time.Second)
		ann.SetLocked(true)
		w.enter(w.guest("eve"))
		time.Sleep(time.Second)
		if k := state(ann).Knocks; len(k) != 0 || ann.Admit(1) || ann.Admit(2) {
			t.Errorf("knocks %+v while locked, want none", k)
		}
		ann.SetLocked(false)
		time.Sleep(time.Second)
		if k := state(ann).Knocks; len(k) != 2 || !ann.Admit(1) {
			t.Errorf("knocks %+v after unlocking, want two", k)
		}
		time.Sleep(time.Second)
		wantSees(t, "after unlocking", map[*call.Call]string{ann: "bob", bob: "ann eve"})
		wantTold(t, ann, "knock, knock, joined bob", call.CodeReady)
	})
}

// TestLockDuringHandshake locks the session while a handshake is under way in
// which the member has told no key yet.
func TestLockDuringHandshake(t *testing.T) {
	link := simnet.Link{Delay: 50 * time.Millisecond}
	tests := []struct {
		name       string
		passphrase string
		first      bool // the one who is there first locks
		after      time.Duration
	}{
		// The hub's answer has come; M1 takes another 200 ms.
		{"joiner", "", false, 50 * time.Millisecond},
		{"joiner with a passphrase", "ember", false, 50 * time.Millisecond},
		// M1 has been sent 50 ms after the hub's answer; M2 takes another 200 ms.
		{"who is there first, with a passphrase", "ember", true, 150 * time.Millisecond},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			defer w.close()
			var calls []*call.Call
			for _, name := range []string{"ann", "bob"} {
				cfg := w.guest(name)
				cfg.Dial, cfg.Passphrase = w.dial(link, link), test.passphrase
				c, _ := w.enter(cfg)
				calls = append(calls, c)
				if name == "ann" {
					time.Sleep(time.Second)
				}
			}
			time.Sleep(test.after)
			if test.first {
				calls[0].SetLocked(true)
			} else {
				calls[1].SetLocked(true)
			}
			time.Sleep(10 * time.Second)
			wantSees(t, test.name, map[*call.Call]string{calls[0]: "", calls[1]: ""})
		})
	}
}
