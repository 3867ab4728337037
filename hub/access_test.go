package hub

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/wire"
)

// allowList returns the list with the given lines.
func allowList(tb testing.TB, lines ...string) *hello.AllowList {
	tb.Helper()
	a, err := hello.ParseAllowList([]byte(strings.Join(lines, "\n")))
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// ask sends a request to join that may have been changed, and reads from then
// on.
func (c *client) ask(session string, change func(*wire.Join)) {
	c.t.Helper()
	j := request(c.t, c.who, c.conn.Info().Binding, session)
	if change != nil {
		change(&j)
	}
	c.hash = hello.Sum(j.Hello)
	c.send(j)
	c.read()
}

// TestAccess has one person ask a hub with a list, a token or both.
func TestAccess(t *testing.T) {
	const who = 3
	var (
		token   = hello.Token{1, 2, 3}
		other   = hello.Token{1, 2, 4}
		key     = person.Identity(t, who).PublicLine("ann")
		fp      = person.Identity(t, who).Fingerprint().String()
		someone = person.Identity(t, who+1).PublicLine("bob")
	)
	none := func([32]byte) []byte { return nil }
	with := func(t hello.Token) func([32]byte) []byte {
		return func(bind [32]byte) []byte { p := t.Door(bind); return p[:] }
	}
	badSignature := func(j *wire.Join) { j.Cert[len(j.Cert)-1] ^= 1 }
	otherBinding := func(j *wire.Join) { j.Hello[8] ^= 1 }
	tests := []struct {
		name   string
		list   []string // nil: everybody
		door   *hello.Token
		proof  func(bind [32]byte) []byte
		change func(*wire.Join)
		code   wire.ErrorCode // 0: lets the person in
		text   string
	}{
		{"open", nil, nil, none, nil, 0, ""},
		{"open, with a proof", nil, nil, with(token), nil, 0, ""},
		{"key on the list", []string{someone, key}, nil, none, nil, 0, ""},
		{"fingerprint on the list", []string{fp + " ann"}, nil, none, nil, 0, ""},
		{"on the list for this session", []string{`session="two,one" ` + key}, nil, none, nil, 0, ""},
		{"on the list for another session", []string{`session="two" ` + key}, nil, none, nil, wire.CodeDenied, "not for this session"},
		{"not on the list", []string{someone}, nil, none, nil, wire.CodeDenied, "not on this hub's list"},
		{"nobody is on the list", []string{}, nil, none, nil, wire.CodeDenied, "not on this hub's list"},
		{"on the list, without its key", []string{key}, nil, none, badSignature, wire.CodeProtocol, "wrong signature"},
		{"not on the list, nor with a key", []string{someone}, nil, none, badSignature, wire.CodeProtocol, "wrong signature"},

		{"token", nil, &token, with(token), nil, 0, ""},
		{"no token", nil, &token, none, nil, wire.CodeDenied, "none was given"},
		{"another token", nil, &token, with(other), nil, wire.CodeDenied, "wrong door token"},
		{"the token itself", nil, &token, func([32]byte) []byte { return token[:] }, nil, wire.CodeDenied, "wrong door token"},
		{"token for another connection", nil, &token, func([32]byte) []byte { return with(token)([32]byte{9}) }, nil, wire.CodeDenied, "wrong door token"},
		{"token cut short", nil, &token, func(b [32]byte) []byte { return with(token)(b)[:31] }, nil, wire.CodeDenied, "wrong door token"},
		{"token and more", nil, &token, func(b [32]byte) []byte { return append(with(token)(b), 0) }, nil, wire.CodeDenied, "wrong door token"},
		{"token, but a bad signature", nil, &token, with(token), badSignature, wire.CodeProtocol, "wrong signature"},
		{"token, but a copied hello", nil, &token, with(token), otherBinding, wire.CodeProtocol, "another connection"},
		{"junk finds the door before the signature", nil, &token, none, badSignature, wire.CodeDenied, "none was given"},

		{"both", []string{key}, &token, with(token), nil, 0, ""},
		{"token, not on the list", []string{someone}, &token, with(token), nil, wire.CodeDenied, "not on this hub's list"},
		{"on the list, no token", []string{key}, &token, none, nil, wire.CodeDenied, "none was given"},
		{"neither", []string{someone}, &token, with(other), nil, wire.CodeDenied, "wrong door token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				config := Config{Door: tt.door}
				if tt.list != nil {
					config.Allow = allowList(t, tt.list...)
				}
				r := newRig(t, config, nil)
				c := r.dial(simnet.Link{})
				c.who = who
				c.ask("one", func(j *wire.Join) {
					j.Door = tt.proof(c.conn.Info().Binding)
					if tt.change != nil {
						tt.change(j)
					}
				})
				if tt.code == 0 {
					c.wantEvents("the member", "joined 0 of 1")
				} else {
					c.wantEvents("the refused", fmt.Sprintf("error %d", tt.code))
					if c.err != nil && !strings.Contains(c.err.Text, tt.text) {
						t.Errorf("the hub said %q, want something with %q", c.err.Text, tt.text)
					}
				}
				r.stop()
				c.close()
			})
		})
	}
}

// TestSetAllow changes the list while the hub runs.
func TestSetAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := func(who int) string { return person.Identity(t, who).Fingerprint().String() }
		r := newRig(t, Config{Allow: allowList(t, line(1))}, nil)
		var all []*client
		join := func(who int, want string) {
			t.Helper()
			c := r.dial(simnet.Link{})
			c.who = who
			c.ask(fmt.Sprintf("session-%d", len(all)), nil)
			c.wantEvents(fmt.Sprintf("person %d", who), want)
			all = append(all, c)
		}
		const in, out = "joined 0 of 1", "error 7"
		join(1, in)
		join(2, out)
		r.hub.SetAllow(allowList(t, line(2)))
		join(1, out)
		join(2, in)
		if n := r.hub.Stats().Members; n != 2 {
			t.Errorf("%d members, want 2: who was there stays", n)
		}
		r.hub.SetAllow(allowList(t))
		join(2, out)
		r.hub.SetAllow(nil)
		join(1, in)
		join(5, in)
		r.stop()
		for _, c := range all {
			c.close()
		}
	})
}

// TestSetAllowWhileJoining changes the list as fast as it can while people
// join; the race detector watches.
func TestSetAllowWhileJoining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both := []*hello.AllowList{allowList(t), nil}
		r := newRig(t, Config{}, nil)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 1000 {
				r.hub.SetAllow(both[i%2])
			}
		}()
		var all []*client
		for range 20 {
			all = append(all, r.join("one", simnet.Link{}))
		}
		<-done
		synctest.Wait()
		refused := 0
		for _, c := range all {
			if c.err != nil {
				refused++
			}
		}
		if got := r.hub.Stats().Members; got != len(all)-refused {
			t.Errorf("%d members and %d refused of %d", got, refused, len(all))
		}
		r.stop()
		for _, c := range all {
			c.close()
		}
	})
}

// TestAccessLogKeepsSecrets checks that nobody who reads the log learns whose
// keys came, unless it is at Debug, and nobody at all what opens the door.
func TestAccessLogKeepsSecrets(t *testing.T) {
	token := hello.Token([]byte("0123456789abcdef"))
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			r := newRig(t, Config{
				Log:   slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level})),
				Allow: allowList(t, person.Identity(t, 1).Fingerprint().String()),
				Door:  &token,
			}, nil)
			var all []*client
			var proof [32]byte
			for who := 1; who < 4; who++ {
				c := r.dial(simnet.Link{})
				proof = token.Door(c.conn.Info().Binding)
				c.ask("top-secret", func(j *wire.Join) {
					if who < 3 {
						j.Door = proof[:]
					}
				})
				synctest.Wait()
				all = append(all, c)
			}
			r.stop()
			for _, c := range all {
				c.close()
			}
			text := log.String()
			for _, want := range []string{"member joined", "code=7", "not on this hub's list", "none was given"} {
				if !strings.Contains(text, want) {
					t.Errorf("level %v: no %q in\n%s", level, want, text)
				}
			}
			atDebug := []string{"top-secret", person.Identity(t, 2).Fingerprint().String()}
			for _, secret := range atDebug {
				if strings.Contains(text, secret) != (level == slog.LevelDebug) {
					t.Errorf("level %v: %q is wrong in\n%s", level, secret, text)
				}
			}
			never := []string{string(token[:]), fmt.Sprintf("%x", token[:]), token.String(), fmt.Sprint([16]byte(token)), fmt.Sprintf("%x", proof), fmt.Sprint(proof)}
			for _, secret := range never {
				if strings.Contains(text, secret) {
					t.Errorf("level %v: %q is in\n%s", level, secret, text)
				}
			}
			if level == slog.LevelInfo && strings.Contains(text, "SHA256:") {
				t.Errorf("a fingerprint is in\n%s", text)
			}
		})
	}
}

// BenchmarkJoin is what one request to join costs a hub, besides TLS: those who
// are let in, with keys of several sizes and into an empty and a full session,
// and those who are refused, for one reason each. A member who was let in
// leaves again.
func BenchmarkJoin(b *testing.B) {
	token := hello.Token{1}
	long, err := identity.Generate()
	if err != nil {
		b.Fatal(err)
	}
	benches := []struct {
		name   string
		id     *identity.Identity
		others int
		change func(*wire.Join)
		want   wire.ErrorCode
	}{
		{"in/bits=2048", person.Identity(b, 0), 0, nil, 0},
		{"in/bits=3072", long, 0, nil, 0},
		{"in/bits=3072/others=63", long, 63, nil, 0},
		{"out/no-token", long, 0, func(j *wire.Join) { j.Door = nil }, wire.CodeDenied},
		{"out/binding", long, 0, func(j *wire.Join) { j.Hello[8] ^= 1 }, wire.CodeProtocol},
		{"out/identity", long, 0, func(j *wire.Join) { j.Hello[40] ^= 1 }, wire.CodeProtocol},
		{"out/signature", long, 0, func(j *wire.Join) { j.Cert[len(j.Cert)-1] ^= 1 }, wire.CodeProtocol},
		{"out/list", person.Identity(b, 1), 0, nil, wire.CodeDenied},
	}
	for _, bench := range benches {
		b.Run(bench.name, func(b *testing.B) {
			h := New(Config{Door: &token, Allow: allowList(b,
				long.Fingerprint().String(), person.Identity(b, 0).Fingerprint().String())})
			for i := range bench.others {
				m := newMember(h, nil, nil)
				m.hash = hello.Hash{byte(i)}
				m.hello, m.cert = make([]byte, hello.MaxLen), make([]byte, hello.MaxCert)
				if e := h.enter(m, "bench", time.Now()); e != nil {
					b.Fatal(e.Text)
				}
			}
			there := *h.sessionOf(b, "bench", bench.others > 0)
			conn := &benchConn{binding: [32]byte{7}}
			j := certified(b, bench.id, hello.Hello{Binding: conn.binding, Session: "bench"})
			proof := token.Door(conn.binding)
			j.Door = proof[:]
			if bench.change != nil {
				bench.change(&j)
			}
			b.ReportAllocs()
			for b.Loop() {
				m := newMember(h, nil, conn)
				e := m.join(j, time.Now())
				if (e == nil) != (bench.want == 0) || e != nil && e.Code != bench.want {
					b.Fatalf("join = %+v, want code %d", e, bench.want)
				}
				h.leave(m)
				for _, o := range there {
					o.log = queue.Log{}
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "joins/s")
		})
	}
}

// sessionOf returns the members of a session, if there should be one.
func (h *Hub) sessionOf(tb testing.TB, name string, there bool) *[]*member {
	tb.Helper()
	s := h.sessions[name]
	if (s != nil) != there {
		tb.Fatalf("session %q: %v", name, s)
	}
	if s == nil {
		return new([]*member)
	}
	return s.members.Load()
}
