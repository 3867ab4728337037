package hub

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/wire"
)

// forget drops what the hub has said so far.
func forget(all ...*client) {
	synctest.Wait()
	for _, c := range all {
		c.mu.Lock()
		c.events = nil
		c.mu.Unlock()
	}
}

// TestChat checks that a reliable packet reaches all others once, over links
// that lose half of all datagrams, and in the order of everything else that
// comes from its sender.
func TestChat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		link := simnet.Link{Delay: 30 * time.Millisecond, Loss: 0.5}
		var in []*client
		for range 4 {
			in = append(in, r.join("one", link))
			time.Sleep(time.Second)
		}
		a, b, c, d := in[0], in[1], in[2], in[3]
		other, alone := r.joinNow("two"), r.joinNow("three")
		forget(a, b, c, d, other, alone)

		a.chat("1")
		a.tell(b.hash, "key")
		a.chat("2")
		a.tell(c.hash, "key")
		a.chat("3")
		time.Sleep(time.Second)
		d.chat("4")
		other.chat("to nobody")
		alone.chat("to nobody")
		time.Sleep(time.Second)
		a.wantEvents("a", "chat of 3: 4")
		b.wantEvents("b", "chat of 0: 1", "from 0: key", "chat of 0: 2", "chat of 0: 3", "chat of 3: 4")
		c.wantEvents("c", "chat of 0: 1", "chat of 0: 2", "from 0: key", "chat of 0: 3", "chat of 3: 4")
		d.wantEvents("d", "chat of 0: 1", "chat of 0: 2", "chat of 0: 3")
		other.wantEvents("other")
		alone.wantEvents("alone")

		a.chat("last words")
		a.send(wire.Leave{})
		time.Sleep(time.Second)
		b.wantEvents("b", "chat of 0: last words", "gone 0")
		r.wantDrops(nil)
		r.stop()
		for _, x := range append(in, other, alone) {
			x.close()
		}
	})
}

// TestChatRefused checks that nobody speaks in another's name, and that only
// chat is reliable.
func TestChatRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b, c := r.joinNow("one"), r.joinNow("one"), r.joinNow("one")
		forget(a, b, c)
		version1 := reliable(0, sframe.StreamChat, "x")
		version1[0] |= 1 << 6
		for _, bad := range [][]byte{
			{},
			{0},
			version1,
			reliable(1, sframe.StreamChat, "in the name of b"),
			reliable(maxSlot, sframe.StreamChat, "in the name of the last"),
			reliable(0, sframe.StreamControl, "heartbeat"),
			reliable(0, sframe.StreamVoice, "voice"),
			reliable(0, sframe.StreamVideo, "picture"),
			reliable(0, sframe.StreamScreen, "screen"),
			reliable(0, sframe.Streams, "no such stream"),
		} {
			a.send(wire.Sealed{Packet: bad})
		}
		head := len(reliable(0, sframe.StreamChat, ""))
		longest := strings.Repeat("x", wire.MaxDatagram-head)
		a.chat(longest)
		b.wantEvents("b", "chat of 0: "+longest)
		c.wantEvents("c", "chat of 0: "+longest)
		r.wantDrops(map[string]uint64{"malformed": 3, "forged": 2, "not_chat": 5})

		a.chat(longest + "x") // which no version sends
		a.wantEvents("a", "error 1")
		b.wantEvents("b", "gone 0")
		r.stop()
		for _, x := range []*client{a, b, c} {
			x.close()
		}
	})
}

// TestChatIsPaced has a member that chats far too much: it waits, and nobody
// else does.
func TestChatIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		hasty, calm, target := r.joinNow("one"), r.joinNow("one"), r.joinNow("one")
		forget(hasty, calm, target)
		for i := range 2 * chatBurst {
			hasty.chat(fmt.Sprint(i))
		}
		lines := func(from, to int) (want []string) {
			for i := from; i < to; i++ {
				want = append(want, fmt.Sprintf("chat of 0: %d", i))
			}
			return want
		}
		target.wantEvents("target", lines(0, chatBurst)...)
		for i := chatBurst; i < 2*chatBurst-2; i++ {
			time.Sleep(chatInterval - time.Millisecond)
			target.wantEvents("target", lines(0, 0)...)
			time.Sleep(time.Millisecond)
			target.wantEvents("target", lines(i, i+1)...)
		}
		calm.chat("now")
		target.wantEvents("target", "chat of 1: now")
		hasty.send(wire.Leave{}) // which it waits with, too
		target.wantEvents("target")
		time.Sleep(2 * chatInterval)
		target.wantEvents("target", append(lines(2*chatBurst-2, 2*chatBurst), "gone 0")...)

		for i := range 2 * chatBurst {
			calm.chat(fmt.Sprint(i))
		}
		r.wantDrops(nil) // waiting is no drop
		r.stop()         // while calm waits
		for _, c := range []*client{hasty, calm, target} {
			c.close()
		}
	})
}

// TestChatAndSlowMember has a member that reads nothing: the others get each
// line at once, and it is disconnected when too much waits.
func TestChatAndSlowMember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{PerSession: 4}, nil)
		deaf := r.dial(simnet.Link{})
		deaf.sendJoin("one")
		synctest.Wait()
		a, b := r.joinNow("one"), r.joinNow("one")
		forget(a, b)
		sent := 0
		for r.hub.Stats().Members == 3 && sent < 2*outLen {
			start := time.Now()
			a.chat("line")
			synctest.Wait()
			if d := time.Since(start); d != 0 {
				t.Fatalf("line %d took %v", sent, d)
			}
			sent++
			time.Sleep(chatInterval)
		}
		if least, most := outLen, outLen+4*peerWeight+70; sent < least || sent > most {
			t.Errorf("disconnected after %d lines, want %d to %d", sent, least, most)
		}
		b.wantEvents("b", append(slices.Repeat([]string{"chat of 1: line"}, sent), "gone 0")...)
		time.Sleep(2 * time.Second)
		if n := r.conns(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
		r.stop()
		for _, c := range []*client{deaf, a, b} {
			c.close()
		}
	})
}

// TestChatAfterGone checks that nothing comes from a member after its Gone.
func TestChatAfterGone(t *testing.T) {
	members := room(3)
	members[0].session.remove(members[0], time.Now())
	for _, m := range members {
		m.log = queue.Log{}
	}
	members[0].chat(reliable(0, sframe.StreamChat, "x"))
	for i, m := range members {
		if n := m.log.Unsent(); n != 0 {
			t.Errorf("member %d received %d messages", i, n)
		}
	}
	members[1].chat(reliable(1, sframe.StreamChat, "x"))
	if n, gone := members[2].log.Unsent(), members[0].log.Unsent(); n != 1 || gone != 0 {
		t.Errorf("%d and %d messages, want 1 and 0", n, gone)
	}
}

// TestWeights holds the sizes of messages against the limits of a queue.
func TestWeights(t *testing.T) {
	longest := wire.Peer{Hello: make([]byte, hello.MaxLen), Cert: make([]byte, hello.MaxCert)}.Append(nil)
	if got := weight(longest); got != peerWeight {
		t.Errorf("the longest Peer message, %d bytes, weighs %d, want %d", len(longest), got, peerWeight)
	}
	if n := len(wire.Join{Hello: longest[:hello.MaxLen], Cert: longest[:hello.MaxCert], Door: make([]byte, 32)}.Append(nil)); n > wire.MaxMessage {
		t.Errorf("the longest Join message has %d bytes, more than %d", n, wire.MaxMessage)
	}
	for n, want := range map[int]int{0: 1, 1023: 1, 1024: 2, wire.MaxMessage: 5} {
		if got := weight(make([]byte, n)); got != want {
			t.Errorf("%d bytes weigh %d, want %d", n, got, want)
		}
	}
	// A joiner that has read nothing yet has room for what the others send it.
	h := New(Config{})
	var last *member
	for i := range h.config.PerSession {
		last = newMember(h, nil, nil)
		last.hash = hello.Hash{byte(i)}
		last.hello, last.cert = longest[:hello.MaxLen], longest[:hello.MaxCert]
		if e := h.enter(last, "room", time.Now()); e != nil {
			t.Fatal(e.Text)
		}
	}
	for range outLen {
		last.put([]byte{1})
	}
	if last.ending {
		t.Errorf("the last of %d was disconnected with a weight of %d", h.config.PerSession, last.log.Weight())
	}
	sum := 0
	for b := last.next(); b != nil; b = last.next() {
		sum += weight(b)
	}
	if left := last.log.Weight(); left != 0 || sum < outLen+(h.config.PerSession-1)*peerWeight {
		t.Errorf("a weight of %d is left of %d", left, sum)
	}
}

// TestLongMessagesArePaced checks that long messages cost their sender more:
// one member cannot fill the link of another.
func TestLongMessagesArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{}, nil)
		a, b := r.joinNow("one"), r.joinNow("one")
		forget(a, b)
		body := strings.Repeat("x", wire.MaxMessage-1-wire.PairHead) // of weight 5
		line := "from 0: " + body
		const atOnce = messageBurst / 5
		for range atOnce + 2 {
			a.tell(b.hash, body)
		}
		b.wantEvents("b", slices.Repeat([]string{line}, atOnce)...)
		time.Sleep(4*messageInterval - time.Millisecond) // 1 of the burst was left
		b.wantEvents("b")
		time.Sleep(time.Millisecond)
		b.wantEvents("b", line)
		time.Sleep(5*messageInterval - time.Millisecond)
		b.wantEvents("b")
		time.Sleep(time.Millisecond)
		b.wantEvents("b", line)
		r.stop()
		a.close()
		b.close()
	})
}
