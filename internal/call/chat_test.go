package call_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// lines returns the chat lines among the notices so far.
func lines(c *call.Call) (list []call.Notice) {
	for _, n := range told(c) {
		if n.Kind == call.ChatLine {
			list = append(list, n)
		}
	}
	return list
}

func TestChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		var calls []*call.Call
		for _, name := range []string{"ann", "bob", "cat"} {
			c, _ := w.enter(w.guest(name))
			calls = append(calls, c)
			time.Sleep(time.Second)
		}
		tests := []struct{ said, shown string }{
			{"hello", "hello"},
			{"one\ntwo\r\nthree\u2028four", "one two three four"},
			{"\x1b[31mred\x1b]52;c;aGk=\a", "[31mred]52;c;aGk="},
			{"\u202eevil\u200b \xff\x9b2J", "evil 2J"},
			{strings.Repeat("x", wire.MaxChat), strings.Repeat("x", wire.MaxChat)},
			{strings.Repeat("漢", wire.MaxChat/3), strings.Repeat("漢", wire.MaxChat/3)},
		}
		for _, test := range tests {
			if err := calls[1].Say(test.said); err != nil {
				t.Fatalf("Say(%q): %v", test.said, err)
			}
			time.Sleep(time.Second)
			for _, c := range calls {
				got := lines(c)
				if len(got) != 1 || got[0].Text != test.shown || got[0].Name != "bob" || got[0].Slot != 1 {
					t.Errorf("%s sees %+v when bob says %q, want %q", state(c).Self.Name, got, test.said, test.shown)
				}
			}
		}
		for _, bad := range []string{"", " \n\x1b", strings.Repeat("x", wire.MaxChat+1)} {
			if err := calls[1].Say(bad); err == nil {
				t.Errorf("Say(%q): no error", bad)
			}
		}
		said := 0
		for range 30 { // more than anybody types
			if err := calls[1].Say("flood"); err == nil {
				said++
			}
		}
		time.Sleep(100 * time.Millisecond)
		if n := len(lines(calls[0])); said != 5 || n != said {
			t.Errorf("%d lines of a flood are said and %d shown, want 5", said, n)
		}
		time.Sleep(time.Second)
		if err := calls[1].Say("again"); err != nil {
			t.Errorf("a second after a flood: %v", err)
		}
	})
}

// TestChatNotJoined has nobody to say a line to.
func TestChatNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		c, err := call.New(w.guest("ann"))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Say("hello"); err == nil {
			t.Error("Say before joining: no error")
		}
		if got := lines(c); len(got) != 0 {
			t.Errorf("a line that was not said is shown: %+v", got)
		}
	})
}

// TestChatIsForMembers has a member say something to those only who have let
// them in.
func TestChatIsForMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		cfg := w.guest("ann")
		cfg.Policy = call.Ask
		ann, _ := w.enter(cfg)
		bob, _ := w.enter(w.guest("bob"))
		eve, _ := w.enter(w.guest("eve"))
		time.Sleep(time.Second)
		before := state(ann).Strays
		for _, c := range []*call.Call{ann, bob} {
			if err := c.Say("from " + state(c).Self.Name); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		if got := lines(eve); len(got) != 1 || got[0].Text != "from bob" {
			t.Errorf("eve sees %+v, want the line of bob alone", got)
		}
		if got := lines(ann); len(got) != 1 || got[0].Text != "from ann" {
			t.Errorf("ann sees %+v, want her own line alone", got)
		}
		if state(ann).Strays == before {
			t.Error("the line of somebody who was not let in was not counted")
		}
	})
}

// A swapper is a connection to a hub that holds all datagrams back and sends
// the last of them in place of a chat line.
type swapper struct {
	transport.Conn
	mu   sync.Mutex
	beat []byte
}

func (c *swapper) RecvDatagram(b []byte) (int, error) {
	for {
		n, err := c.Conn.RecvDatagram(b)
		if err != nil {
			return n, err
		}
		c.mu.Lock()
		c.beat = append(c.beat[:0], b[:n]...)
		c.mu.Unlock()
	}
}

func (c *swapper) RecvMessage(b []byte) ([]byte, error) {
	b, err := c.Conn.RecvMessage(b)
	if err != nil {
		return b, err
	}
	if m, err := wire.ParseMessage(b); err == nil {
		if _, ok := m.(wire.Sealed); ok {
			c.mu.Lock()
			defer c.mu.Unlock()
			return wire.Sealed{Packet: c.beat}.Append(nil), nil
		}
	}
	return b, nil
}

// TestOnlyChatComesAsMessage has a heartbeat come as a message.
func TestOnlyChatComesAsMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.close()
		ann, _ := w.enter(through(w.guest("ann"), func(c transport.Conn) transport.Conn { return &swapper{Conn: c} }))
		bob, _ := w.enter(w.guest("bob"))
		time.Sleep(2 * time.Second)
		before := state(ann).Strays
		if err := bob.Say("hello"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		s := state(ann)
		if got := lines(ann); s.Strays != before+1 || len(got) > 0 {
			t.Errorf("a heartbeat in a message: %d strays, lines %+v; want 1 and none", s.Strays-before, got)
		}
	})
}
