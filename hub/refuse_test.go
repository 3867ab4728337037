package hub

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// fixedBinding is a connection with a binding that others have too, which TLS
// rules out.
type fixedBinding struct{ transport.Conn }

func (fixedBinding) Info() transport.Info { return transport.Info{Binding: [32]byte{42}} }

func TestRefusals(t *testing.T) {
	limits := Config{Members: 4, PerSession: 2, Sessions: 2}
	tests := []struct {
		name  string
		there []string // sessions of those who are there
		join  func(c *client) wire.Message
		code  wire.ErrorCode
		text  string
	}{
		{"hub full", []string{"one", "one", "two", "two"}, joins("one"), wire.CodeHubFull, "full with 4 members"},
		{"session full", []string{"one", "one"}, joins("one"), wire.CodeSessionFull, "full with 2 members"},
		{"sessions", []string{"one", "two"}, joins("three"), wire.CodeHubFull, "2 sessions"},
		{"not a join", nil, func(*client) wire.Message { return wire.Leave{} }, wire.CodeProtocol, "not a request to join"},
		{"answer of a hub", nil, func(*client) wire.Message { return wire.Joined{} }, wire.CodeProtocol, "not a request to join"},
		{"no hello", nil, func(*client) wire.Message { return wire.Join{} }, wire.CodeProtocol, "malformed hello"},
		{"garbage", nil, func(*client) wire.Message { return raw("\x7fgarbage") }, wire.CodeProtocol, "malformed message"},
		{"empty", nil, func(*client) wire.Message { return raw("") }, wire.CodeProtocol, "malformed message"},
		{"version of hello", nil, edit(func(b []byte) []byte { b[3] = 2; return b }), wire.CodeVersion, "another version"},
		{"suite", nil, edit(func(b []byte) []byte { b[5] = 2; return b }), wire.CodeVersion, "another version"},
		{"cut short", nil, edit(func(b []byte) []byte { return b[:len(b)-1] }), wire.CodeProtocol, "malformed hello"},
		{"bad name", nil, edit(func(b []byte) []byte { b[len(b)-1] = ' '; return b }), wire.CodeProtocol, "malformed hello"},
		{"binding", nil, edit(func(b []byte) []byte { b[8] ^= 1; return b }), wire.CodeProtocol, "another connection"},
		{"another's identity", nil, edit(func(b []byte) []byte { b[40] ^= 1; return b }), wire.CodeProtocol, "of another identity"},
		{"hello changed", nil, edit(func(b []byte) []byte { b[100] ^= 1; return b }), wire.CodeProtocol, "wrong signature"},
		{"no certificate", nil, recertify(func([]byte) []byte { return nil }), wire.CodeProtocol, "certificate"},
		{"certificate cut short", nil, recertify(func(b []byte) []byte { return b[:len(b)-1] }), wire.CodeProtocol, "certificate"},
		{"certificate too long", nil, recertify(func([]byte) []byte { return make([]byte, hello.MaxCert+1) }), wire.CodeProtocol, "certificate"},
		{"signature", nil, recertify(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), wire.CodeProtocol, "wrong signature"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, limits, nil)
				var there []*client
				for _, session := range tt.there {
					there = append(there, r.joinNow(session))
				}
				c := r.dial(simnet.Link{})
				c.send(tt.join(c))
				c.read()
				c.wantEvents("the refused", fmt.Sprintf("error %d", tt.code))
				if c.err != nil && !strings.Contains(c.err.Text, tt.text) {
					t.Errorf("the hub said %q, want something with %q", c.err.Text, tt.text)
				}
				if err := c.conn.SendDatagram([]byte{0}); !errors.Is(err, io.EOF) {
					t.Errorf("after the refusal: %v, want EOF", err)
				}
				if s := r.hub.Stats(); s.Members != len(there) || int(s.Joined) != len(there) {
					t.Errorf("%d members, %d ever, want %d", s.Members, s.Joined, len(there))
				}
				if len(there) > 0 { // when one has left there is room
					there[0].close()
					synctest.Wait()
					next := r.joinNow(tt.there[0])
					if len(next.events) == 0 || !strings.HasPrefix(next.events[0], "joined") {
						t.Errorf("who came when one had left heard %q", next.events)
					}
					next.close()
				}
				r.stop()
				c.close()
				for _, x := range there {
					x.close()
				}
			})
		})
	}
}

// joins returns what makes a sound request to join a session.
func joins(session string) func(*client) wire.Message {
	return func(c *client) wire.Message {
		return request(c.t, c.who, c.conn.Info().Binding, session)
	}
}

// edit returns what makes a request to join with a damaged Hello.
func edit(damage func([]byte) []byte) func(*client) wire.Message {
	return func(c *client) wire.Message {
		j := joins("one")(c).(wire.Join)
		j.Hello = damage(j.Hello)
		return j
	}
}

// recertify returns what makes a request to join with a damaged certificate.
func recertify(damage func([]byte) []byte) func(*client) wire.Message {
	return func(c *client) wire.Message {
		j := joins("one")(c).(wire.Join)
		j.Cert = damage(j.Cert)
		return j
	}
}

// raw is a message of any bytes.
type raw string

func (m raw) Append(b []byte) []byte { return append(b, m...) }

func TestSameHelloTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, func(c transport.Conn) transport.Conn { return fixedBinding{c} })
		join := request(t, 0, fixedBinding{}.Info().Binding, "one")
		first, second := r.dial(simnet.Link{}), r.dial(simnet.Link{})
		for _, c := range []*client{first, second} {
			c.send(join)
			c.read()
			synctest.Wait()
		}
		first.wantEvents("the first", "joined 0 of 1")
		second.wantEvents("the second", "error 1")
		first.close()
		synctest.Wait()
		third := r.dial(simnet.Link{})
		third.send(join)
		third.read()
		third.wantEvents("the third", "joined 0 of 1")
		r.stop()
		second.close()
		third.close()
	})
}

func TestLateJoiner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		c := r.dial(simnet.Link{})
		late := r.dial(simnet.Link{})
		time.Sleep(4999 * time.Millisecond)
		c.sendJoin("one")
		c.read()
		start := time.Now()
		late.read()
		late.wantEvents("the late one")
		time.Sleep(time.Millisecond)
		late.wantEvents("the late one", "error 6")
		if !strings.Contains(late.err.Text, "5s") {
			t.Errorf("the hub said %q, want how long it waited", late.err.Text)
		}
		time.Sleep(time.Hour)
		c.wantEvents("the punctual one", "joined 0 of 1")
		if d := time.Since(start); r.hub.Stats().Members != 1 {
			t.Errorf("no member after %v", d)
		}
		r.stop()
		c.close()
		late.close()
	})
}

// TestStrangers connects more who say nothing than a hub keeps.
func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Members: 10}, nil)
		var all []*client
		for range 10 + strangers {
			all = append(all, r.dial(simnet.Link{}))
			synctest.Wait()
		}
		c := r.dial(simnet.Link{})
		if _, err := c.conn.RecvMessage(nil); !errors.Is(err, io.EOF) {
			t.Errorf("one too many: %v, want EOF", err)
		}
		time.Sleep(joinTime)
		synctest.Wait()
		last := r.joinNow("one")
		last.wantEvents("who came later", "joined 0 of 1")
		r.stop()
		for _, c := range append(all, c, last) {
			c.close()
		}
	})
}

func TestGarbageAfterJoin(t *testing.T) {
	for name, garbage := range map[string]wire.Message{
		"unknown type":        raw("\x7f"),
		"empty":               raw(""),
		"join again":          raw(wire.Join{}.Append(nil)),
		"message of a hub":    wire.Gone{},
		"leave with a body":   raw(append(wire.Leave{}.Append(nil), 1)),
		"pair cut short":      wire.Forward{Pair: make([]byte, wire.PairHead-1)},
		"pair of somebody":    wire.Forward{Pair: make([]byte, wire.PairHead)},
		"error as to a child": wire.Error{Code: wire.CodeDenied, Text: "no"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Config{}, nil)
				a, b := r.joinNow("one"), r.joinNow("one")
				a.send(garbage)
				a.wantEvents("a", "joined 0 of 1", "peer 1", "error 1")
				b.wantEvents("b", "joined 1 of 2", "peer 0", "gone 0")
				if err := a.conn.SendMessage([]byte{1}); !errors.Is(err, io.EOF) {
					t.Errorf("after the error: %v, want EOF", err)
				}
				r.stop()
				a.close()
				b.close()
			})
		})
	}
}
