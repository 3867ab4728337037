package call_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
)

// A wayOut is a member's way to the network, which can break.
type wayOut struct {
	w *world

	mu   sync.Mutex
	down bool
	last *simnet.Conn
}

// shaky returns the Config of somebody whose way to the hub can break.
func (w *world) shaky(cfg call.Config) (call.Config, *wayOut) {
	n := &wayOut{w: w}
	dial := cfg.Dial
	cfg.Dial = func(ctx context.Context) (transport.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		// As TCP does: the first packet goes again after 1, 3 and 7 s.
		for again := time.Second; n.isDown(); again *= 2 {
			select {
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-time.After(again):
			}
		}
		c, err := dial(ctx)
		if err != nil {
			return nil, err
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.last = c.(*simnet.Conn)
		return c, nil
	}
	return cfg, n
}

func (n *wayOut) isDown() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.down
}

// cut has nothing get through from now on, or everything again that is new.
func (n *wayOut) cut(down bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down = down
	if down {
		n.last.Cut(true, true)
	}
}

// find has the member find out that its connection is broken, and the hub if hub
// is true.
func (n *wayOut) find(hub bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if hub {
		n.w.mu.Lock()
		end := n.w.ends[n.last.Info().Binding]
		n.w.mu.Unlock()
		end.Close()
	}
	n.last.Close()
}

// chatLines returns the chat lines among notices.
func chatLines(list []call.Notice) string {
	var l []string
	for _, n := range list {
		if n.Kind == call.ChatLine {
			l = append(l, n.Name+": "+n.Text)
		}
	}
	return strings.Join(l, ", ")
}

func without(list []call.Notice, kinds ...call.NoticeKind) []call.Notice {
	return slices.DeleteFunc(slices.Clone(list), func(n call.Notice) bool { return slices.Contains(kinds, n.Kind) })
}

// TestResumes breaks the way of a member for some time, which both ends find out
// after a second, while others speak, come and leave.
func TestResumes(t *testing.T) {
	tests := []struct {
		broken   time.Duration
		same     bool // the place is resumed
		ann, bob string
	}{
		{1100 * time.Millisecond, true, "", ""}, // a blink
		{10 * time.Second, true, "away bob, back bob", "link-lost, link-back"},
		{29 * time.Second, true, "away bob, back bob", "link-lost, link-back"}, // a try takes up to 3 s
		{30 * time.Second, true, "away bob, back bob", "link-lost, link-back"},
		{40 * time.Second, false, "away bob, left bob, joined bob", ""},
		{60 * time.Second, false, "away bob, left bob, joined bob", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.broken), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				ann, _ := w.enter(w.guest("ann"))
				cfg, way := w.shaky(w.guest("bob"))
				bob, _ := w.enter(cfg)
				ctx, leave := context.WithCancel(w.ctx)
				dan, _ := w.enterUntil(ctx, w.guest("dan"))
				time.Sleep(5 * time.Second)
				wantSees(t, "before", map[*call.Call]string{ann: "bob dan", bob: "ann dan", dan: "ann bob"})
				told(ann)
				told(bob)

				way.cut(true)
				say(t, ann, "one")
				say(t, bob, "two")
				time.Sleep(time.Second)
				way.find(true)
				time.Sleep(10 * time.Millisecond)
				if s := state(bob); s.Link.Phase != call.Reconnecting || len(s.Members) != 2 {
					t.Errorf("bob without a connection: phase %v, %d members", s.Link.Phase, len(s.Members))
				}
				if err := bob.Say("lost"); err == nil {
					t.Error("bob can speak without a connection")
				}
				if m := state(ann).Members[0]; !m.Away || m.AwaySince.IsZero() || m.Name != "bob" {
					t.Errorf("ann sees %q away %v since %v", m.Name, m.Away, m.AwaySince)
				}
				say(t, ann, "three")
				leave()
				cat, _ := w.enter(w.guest("cat"))
				time.Sleep(tt.broken - time.Second)
				way.cut(false)
				time.Sleep(20 * time.Second)

				for c, want := range map[*call.Call]string{ann: "bob cat", bob: "ann cat", cat: "ann bob"} {
					if got := sortedNames(c); got != want {
						t.Errorf("after: %s sees %q, want %q", state(c).Self.Name, got, want)
					}
				}
				if m := member(ann, "bob"); m.Away || m.Differs {
					t.Errorf("ann sees bob away %v, differing %v", m.Away, m.Differs)
				}
				if slot := state(bob).Self.Slot; slot != 1 && tt.same {
					t.Errorf("bob has slot %d, want 1", slot)
				}
				fromBob, toBob := told(ann), told(bob)
				wantAnn, wantBob := "ann: one, ann: three, bob: two", "bob: two, ann: one, ann: three"
				if !tt.same {
					wantAnn, wantBob = "ann: one, ann: three", "bob: two"
				}
				if got := chatLines(fromBob); got != wantAnn {
					t.Errorf("ann: %q, want %q", got, wantAnn)
				}
				if got := chatLines(toBob); got != wantBob {
					t.Errorf("bob: %q, want %q", got, wantBob)
				}
				others := []call.NoticeKind{call.ChatLine, call.CodeReady}
				if got := about(without(fromBob, others...), "bob"); got != tt.ann {
					t.Errorf("ann was told %q of bob, want %q", got, tt.ann)
				}
				if tt.same {
					if got := words(without(toBob, append(others, call.MemberJoined, call.MemberLeft)...)); got != tt.bob {
						t.Errorf("bob was told %q, want %q", got, tt.bob)
					}
					if got := words(slices.DeleteFunc(toBob, func(n call.Notice) bool { return n.Kind != call.MemberJoined && n.Kind != call.MemberLeft })); got != "joined cat, left dan" && got != "left dan, joined cat" {
						t.Errorf("bob was told %q of others", got)
					}
				}
				if c := state(ann).Code; c[0] == "" || c != state(bob).Code || c != state(cat).Code {
					t.Errorf("codes %q, %q, %q", c, state(bob).Code, state(cat).Code)
				}
			})
		})
	}
}

func say(t *testing.T, c *call.Call, line string) {
	t.Helper()
	if err := c.Say(line); err != nil {
		t.Errorf("Say(%q): %v", line, err)
	}
}

// about returns the notices of somebody as words.
func about(list []call.Notice, name string) string {
	return words(slices.DeleteFunc(slices.Clone(list), func(n call.Notice) bool { return n.Name != name }))
}

// sortedNames returns the names of those present, in order.
func sortedNames(c *call.Call) string {
	names := strings.Fields(sees(c))
	slices.Sort(names)
	return strings.Join(names, " ")
}

// member returns what c shows of somebody.
func member(c *call.Call, name string) call.Member {
	for _, m := range state(c).Members {
		if m.Name == name {
			return m
		}
	}
	return call.Member{}
}

// TestResumeKeepsKeys checks that nothing is agreed on anew when nobody else came
// or left, and that voice and pictures go on, whichever of the two was away.
func TestResumeKeepsKeys(t *testing.T) {
	t.Parallel()
	modes := []string{"one", "roams", "both", "twice"}
	if testing.Short() {
		modes = []string{"both"}
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				defer w.close()
				link := simnet.Link{Delay: 20 * time.Millisecond}
				cfg, ears := w.person("ann", link)
				cfg.Width, cfg.Height = 48, 36 // larger ones take most of the time
				cfg, wayAnn := w.shaky(cfg)
				ann, _ := w.enter(cfg)
				cfg, earsBob := w.person("bob", link)
				cfg.Width, cfg.Height = 48, 36
				cfg, way := w.shaky(cfg)
				bob, _ := w.enter(cfg)
				time.Sleep(5 * time.Second)
				code := state(ann).Code
				told(ann)
				told(bob)
				outage := func(broken time.Duration) {
					way.cut(true)
					if mode == "both" {
						wayAnn.cut(true)
					}
					time.Sleep(500 * time.Millisecond)
					if mode == "roams" { // the hub has not found out
						way.cut(false)
						way.find(false)
					} else {
						way.find(true)
					}
					if mode == "both" {
						wayAnn.find(true)
					}
					time.Sleep(broken - 500*time.Millisecond)
					way.cut(false)
					wayAnn.cut(false)
				}
				outage(20 * time.Second)
				if mode == "twice" {
					time.Sleep(3500 * time.Millisecond)
					outage(25 * time.Second)
				}
				time.Sleep(4 * time.Second)
				pictures := member(ann, "bob").Pictures
				loudAnn, _ := ears.heard()
				loudBob, _ := earsBob.heard()
				time.Sleep(2 * time.Second)
				if n := member(ann, "bob").Pictures - pictures; n < 25 {
					t.Errorf("%d pictures of bob in 2 s, want at least 25", n)
				}
				for name, got := range map[string][2]int{"ann": heardMore(ears, loudAnn), "bob": heardMore(earsBob, loudBob)} {
					if got[0] < 98 {
						t.Errorf("%s heard %d loud chunks in 2 s, want at least 98", name, got[0])
					}
				}
				for _, c := range []*call.Call{ann, bob} {
					s := state(c)
					if len(s.Members) != 1 || s.Code != code || s.Members[0].Loss > 0 {
						t.Errorf("%s: %d members, code %q, loss %v; want 1 and %q", s.Self.Name, len(s.Members), s.Code, s.Members[0].Loss, code)
					}
				}
				if a, b := state(ann).Self.Slot, state(bob).Self.Slot; a != 0 || b != 1 {
					t.Errorf("slots %d and %d, want 0 and 1", a, b)
				}
				wantAnn := map[string]string{
					"one": "away bob, back bob", "roams": "", "both": "link-lost, link-back",
					"twice": "away bob, back bob, away bob, back bob",
				}[mode]
				if got := words(without(told(ann), call.MemberAway, call.MemberBack)); mode == "both" && got != wantAnn {
					t.Errorf("ann was told %q, want %q", got, wantAnn)
				} else if mode != "both" && got != "" {
					t.Errorf("ann was told %q besides, want nothing", got)
				}
			})
		})
	}
}

func heardMore(s *testSpeaker, before int) [2]int {
	loud, all := s.heard()
	return [2]int{loud - before, all}
}

// TestHubRestarts ends the hub without a word, and starts another one.
func TestHubRestarts(t *testing.T) {
	for _, broken := range []time.Duration{time.Second, 20 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, net: simnet.New(3)}
			w.ctx, w.stop = context.WithCancel(t.Context())
			stopHub := w.serve()
			defer w.close()
			var calls []*call.Call
			for _, name := range []string{"ann", "bob", "cat"} {
				c, _ := w.enter(w.guest(name))
				calls = append(calls, c)
				time.Sleep(time.Second)
			}
			time.Sleep(3 * time.Second)
			for _, c := range calls {
				told(c)
			}
			w.mu.Lock()
			for _, end := range w.ends {
				end.Close()
			}
			w.mu.Unlock()
			stopHub()
			time.Sleep(broken)
			w.serve()
			time.Sleep(15 * time.Second)
			for _, c := range calls {
				s := state(c)
				var names []string
				for _, m := range s.Members {
					names = append(names, m.Name)
				}
				slices.Sort(names)
				if len(names) != 2 || s.Link.Phase != call.Joined || s.Code[0] == "" {
					t.Errorf("after %v: %s sees %q, phase %v, code %q", broken, s.Self.Name, names, s.Link.Phase, s.Code)
				}
				list := without(told(c), call.CodeReady)
				if broken < time.Minute {
					list = without(list, call.MemberAway, call.MemberBack)
					want := "link-lost, link-back"
					if broken < 2*time.Second { // a blink
						want = ""
					}
					if got := words(list); got != want {
						t.Errorf("after %v: %s was told %q, want %q", broken, s.Self.Name, got, want)
					}
				}
			}
		})
	}
}

// TestResumeInHandshake breaks a connection in the middle of the handshake with
// somebody who has just come. They have given up on each other when it is back,
// and meet all the same.
func TestResumeInHandshake(t *testing.T) {
	for _, passphrase := range []string{"", "ember lake"} {
		for _, which := range []string{"joiner", "resident"} {
			for ms := range 6 {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t)
					defer w.close()
					ways := make(map[string]*wayOut)
					var calls []*call.Call
					enter := func(name string) {
						cfg := w.guest(name)
						cfg.Passphrase = passphrase
						cfg, ways[name] = w.shaky(cfg)
						c, _ := w.enter(cfg)
						calls = append(calls, c)
					}
					enter("resident")
					enter("third")
					time.Sleep(3 * time.Second)
					enter("joiner")
					time.Sleep(time.Duration(ms) * 4 * time.Millisecond)
					ways[which].cut(true)
					time.Sleep(2 * time.Second)
					ways[which].find(true)
					time.Sleep(10 * time.Second)
					ways[which].cut(false)
					time.Sleep(20 * time.Second)
					for _, c := range calls {
						s := state(c)
						n := 0
						for _, m := range s.Members {
							if m.Present && !m.Differs && !m.Away {
								n++
							}
						}
						if n != 2 {
							t.Errorf("%s away after %d ms, passphrase %q: %s sees %d of 2 others: %s",
								which, 4*ms, passphrase, s.Self.Name, n, sees(c))
						}
					}
				})
			}
		}
	}
}

// TestHubNeverSaysGone has a hub that says of a member who is lost that they are
// away, and nothing more.
func TestHubNeverSaysGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, _ := w.enter(through(w.guest("ann"), func(c transport.Conn) transport.Conn { return secretive{c} }))
		cfg, way := w.shaky(w.guest("bob"))
		w.enter(cfg)
		time.Sleep(5 * time.Second)
		way.cut(true)
		time.Sleep(10 * time.Second)
		way.find(true)
		time.Sleep(48 * time.Second)
		wantSees(t, "after 58 s", map[*call.Call]string{ann: "bob"})
		if !member(ann, "bob").Away {
			t.Error("bob is not shown to be away")
		}
		time.Sleep(4 * time.Second)
		wantSees(t, "after 62 s", map[*call.Call]string{ann: ""})
		wantTold(t, ann, "joined bob, away bob, left bob", call.CodeReady)
	})
}
