package hub

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/wire"
)

func TestCountsRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Members: 3, PerSession: 2}, nil)
		want := map[string]uint64{"protocol": 0, "version": 0, "hub_full": 0, "session_full": 0, "closing": 0, "slow": 0, "denied": 0, "crowded": 0, "expired": 0, "too_many": 0}
		check := func(after string) {
			t.Helper()
			time.Sleep(lingerTime + time.Second) // until the connection has ended
			synctest.Wait()
			if got := r.hub.Stats().Refused; !maps.Equal(got, want) {
				t.Errorf("after %s: refused %v, want %v", after, got, want)
			}
		}
		check("the start")
		a, b := r.joinNow("one"), r.joinNow("one")
		all := []*client{a, b}
		ask := func(what string, m func(*client) wire.Message, reason string) {
			c := r.dial(simnet.Link{})
			c.send(m(c))
			c.read()
			all = append(all, c)
			want[reason]++
			check(what)
		}
		ask("garbage", func(*client) wire.Message { return raw("garbage") }, "protocol")
		ask("an old hello", edit(func(b []byte) []byte { b[3] = 2; return b }), "version")
		ask("a third", joins("one"), "session_full")
		all = append(all, r.joinNow("two"))
		ask("a fourth", joins("two"), "hub_full")

		silent := r.dial(simnet.Link{})
		time.Sleep(joinTime)
		want["slow"]++
		check("one who says nothing")
		gone := r.dial(simnet.Link{})
		gone.close()
		check("one who hangs up")
		a.send(raw("garbage")) // is a member
		check("a member's garbage")

		ask("a wrong token", func(*client) wire.Message { return wire.Resume{Token: [32]byte{1}} }, "expired")
		r.hub.Drain()
		ask("one who comes late", joins("one"), "closing")
		r.stop()
		if got := r.hub.Stats().Refused; !maps.Equal(got, want) {
			t.Errorf("after the end: refused %v, want %v", got, want)
		}
		silent.close()
		for _, c := range all {
			c.close()
		}
	})
}

func TestCountsDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Door: &hello.Token{1}}, nil)
		c := r.joinNow("one")
		c.wantEvents("who has no token", "error 7")
		r.stop()
		if got := r.hub.Stats().Refused; got["denied"] != 1 {
			t.Errorf("refused %v, want 1 denied", got)
		}
		c.close()
	})
}

// TestCountsCrowded connects more who say nothing than a hub keeps, and ends
// the hub before they have said anything.
func TestCountsCrowded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const members, more = 10, 3
		r := newRig(t, Config{Members: members}, nil)
		var all []*client
		for range members + strangers + more {
			all = append(all, r.dial(simnet.Link{}))
			synctest.Wait()
		}
		r.stop()
		got := r.hub.Stats().Refused
		if got["crowded"] != more || got["closing"] != members+strangers {
			t.Errorf("refused %v, want %d crowded, %d closing", got, more, members+strangers)
		}
		for _, c := range all {
			c.close()
		}
	})
}
