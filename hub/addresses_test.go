package hub

import (
	"fmt"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

func TestAddresses(t *testing.T) {
	now := time.Now()
	a := addresses{members: 3, joins: 6}
	step := func(remote string, after time.Duration, want bool) {
		t.Helper()
		now = now.Add(after)
		e := a.enter(remote, now)
		if (e == nil) != want {
			t.Errorf("%s after %v: %+v, want it let in: %v", remote, after, e, want)
		}
		if e != nil && e.Code != wire.CodeTooMany {
			t.Errorf("code %d", e.Code)
		}
	}
	for range 3 {
		step("192.0.2.1:1000", 0, true)
	}
	step("192.0.2.1:1001", 0, false)
	step("[::ffff:192.0.2.1]:7", 0, false) // the same host
	step("192.0.2.2:1000", 0, true)
	step("pipe", 0, true) // of no address
	for range 3 {
		a.leave("192.0.2.1:1000")
	}
	for range 3 {
		step("192.0.2.1:1000", 0, true)
		a.leave("192.0.2.1:1000")
	}
	step("192.0.2.1:1000", 0, false) // six in a minute
	step("192.0.2.1:1000", 10*time.Second, true)

	for range 3 {
		step("[2001:db8:1:2::1]:5", 0, true)
	}
	step("[2001:db8:1:2:ffff::9]:5", 0, false)
	step("[2001:db8:1:3::1]:5", 0, true)

	var none addresses
	for range 1000 {
		if e := none.enter("192.0.2.1:1000", now); e != nil {
			t.Fatal(e)
		}
	}
}

// Who was there once is not remembered for ever, who is there is.
func TestAddressesForget(t *testing.T) {
	now := time.Now()
	a := addresses{members: 1, joins: 60}
	if e := a.enter("198.51.100.1:1", now); e != nil {
		t.Fatal(e)
	}
	for i := range 100_000 {
		now = now.Add(100 * time.Millisecond)
		remote := fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255)
		if e := a.enter(remote, now); e != nil {
			t.Fatal(e)
		}
		a.leave(remote)
	}
	if len(a.known) > 2*knownMost {
		t.Errorf("%d addresses are remembered", len(a.known))
	}
	if e := a.enter("198.51.100.1:1", now); e == nil {
		t.Error("a member's address was forgotten")
	}
}
