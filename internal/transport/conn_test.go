package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTLSOnly(t *testing.T) {
	tests := []struct {
		name          string
		hub, member   bool // without UDP
		wantSocketHub bool
	}{
		{"hub has no UDP", true, false, false},
		{"member wants no UDP", false, true, true},
		{"neither", true, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := listen(t, ListenConfig{NoUDP: tt.hub})
			hub, member := connect(t, l, DialConfig{NoUDP: tt.member})
			if got := l.mux.first() != nil; got != tt.wantSocketHub {
				t.Errorf("hub has a UDP socket: %v, want %v", got, tt.wantSocketHub)
			}
			transfer(t, member, hub, "up")
			transfer(t, hub, member, "down")
			until(t, "round trips are measured", func() bool {
				return hub.Info().RTT > 0 && member.Info().RTT > 0
			})
			if hub.Info().Path != PathTLS || member.Info().Path != PathTLS {
				t.Errorf("paths %v and %v, want TLS", hub.Info().Path, member.Info().Path)
			}
		})
	}
}

func TestBothEndsAgree(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub, member := connect(t, l, DialConfig{})
	other, _ := connect(t, l, DialConfig{})
	h, m := hub.Info(), member.Info()
	if h.Binding != m.Binding || h.Binding == [32]byte{} {
		t.Errorf("bindings %x and %x, want the same", h.Binding, m.Binding)
	}
	if other.Info().Binding == h.Binding {
		t.Error("two connections have the same binding")
	}
	if m.Remote != l.Addr() {
		t.Errorf("remote of the member is %q, want %q", m.Remote, l.Addr())
	}
	if h.Remote != member.tcp.LocalAddr().String() {
		t.Errorf("remote of the hub is %q, want %q", h.Remote, member.tcp.LocalAddr())
	}
	if hub.id == other.id {
		t.Errorf("two connections have id %d", hub.id)
	}
}

// A member sends at once, moves to UDP, and both ends count the same bytes.
func TestMoveToUDP(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub, member := connect(t, l, DialConfig{})
	transfer(t, member, hub, "before or after")
	onUDP(t, hub, member)
	sent := member.udpSent.Load()
	transfer(t, member, hub, "up")
	transfer(t, hub, member, "down")
	if got := member.udpSent.Load() - sent; got < sealOverhead+frameHead+2 {
		t.Errorf("the member sent %d bytes over UDP, want at least %d", got, sealOverhead+frameHead+2)
	}
	until(t, "round trips are measured over UDP", func() bool {
		return hub.Info().RTT > 0 && member.Info().RTT > 0
	})
	full := bytes.Repeat([]byte("x"), MaxDatagram)
	transfer(t, hub, member, string(full))
	transfer(t, member, hub, string(full))
}

func TestMessages(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub, member := connect(t, l, DialConfig{})
	const count = 200
	sizes := func(i int) int { return i * 997 % (MaxMessage + 1) }
	for _, way := range []struct{ from, to *conn }{{hub, member}, {member, hub}} {
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range count {
				if err := way.from.SendMessage(bytes.Repeat([]byte{byte(i)}, sizes(i))); err != nil {
					t.Error(err)
					return
				}
			}
		})
		var b []byte
		for i := range count {
			var err error
			if b, err = way.to.RecvMessage(b); err != nil {
				t.Fatal(err)
			}
			if want := bytes.Repeat([]byte{byte(i)}, sizes(i)); !bytes.Equal(b, want) {
				t.Fatalf("message %d has %d bytes of %d, want %d of %d", i, len(b), b[0], len(want), byte(i))
			}
		}
		wg.Wait()
	}
}

func TestTooLarge(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub, _ := connect(t, l, DialConfig{})
	if err := hub.SendDatagram(make([]byte, MaxDatagram+1)); err == nil {
		t.Error("SendDatagram took one byte more than MaxDatagram")
	}
	if err := hub.SendMessage(make([]byte, MaxMessage+1)); err == nil {
		t.Error("SendMessage took one byte more than MaxMessage")
	}
}

// When one end closes, the other gets what was sent, and then io.EOF.
func TestCloseSendsWhatWasAccepted(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub, member := connect(t, l, DialConfig{})
	// The member's own bytes are unread at the hub while it closes, which must
	// not reset the connection under the hub's last words.
	if err := member.SendMessage(make([]byte, MaxMessage)); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := hub.SendMessage(fmt.Appendf(nil, "message %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := hub.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		b, err := member.RecvMessage(nil)
		if err != nil || string(b) != fmt.Sprintf("message %d", i) {
			t.Fatalf("message %d is %q, %v", i, b, err)
		}
	}
	ends(t, "RecvMessage", io.EOF, func() error { _, err := member.RecvMessage(nil); return err })
	ends(t, "RecvDatagram", io.EOF, func() error {
		_, err := member.RecvDatagram(make([]byte, MaxDatagram))
		return err
	})
	ends(t, "SendMessage", io.EOF, func() error { return member.SendMessage([]byte("x")) })
	ends(t, "SendDatagram", io.EOF, func() error { return member.SendDatagram([]byte("x")) })
	if err := member.Close(); err != nil {
		t.Errorf("Close after the other end's: %v", err)
	}
}

// hurried returns a timing that has no patience with Close.
func hurried() timing {
	t := fastTiming
	t.close = 50 * time.Millisecond
	return t
}

func TestCloseUnblocks(t *testing.T) {
	l := listen(t, ListenConfig{NoUDP: true})
	hub, member := connect(t, l, DialConfig{timing: hurried()})
	// Nobody receives a message at the hub, so its buffers and ours fill up.
	var wg sync.WaitGroup
	calls := map[string]func() error{
		"SendMessage":  func() error { return member.SendMessage(make([]byte, MaxMessage)) },
		"SendDatagram": func() error { return member.SendDatagram(make([]byte, MaxDatagram)) },
		"RecvMessage":  func() error { _, err := member.RecvMessage(nil); return err },
		"RecvDatagram": func() error { _, err := member.RecvDatagram(make([]byte, MaxDatagram)); return err },
	}
	for name, call := range calls {
		wg.Go(func() {
			for {
				if err := call(); err != nil {
					if !errors.Is(err, net.ErrClosed) {
						t.Errorf("%s: %v, want one wrapping %v", name, err, net.ErrClosed)
					}
					return
				}
			}
		})
	}
	until(t, "the hub's inbox is full", hub.stalled.Load)
	sent, since := member.tcp.sent.Load(), time.Now()
	until(t, "the kernel takes no more", func() bool {
		if now := member.tcp.sent.Load(); now != sent {
			sent, since = now, time.Now()
		}
		return time.Since(since) > 100*time.Millisecond
	})
	if err := member.Close(); err == nil {
		t.Error("Close reports that all was sent, and it was not")
	}
	wg.Wait()
	if err1, err2 := member.Close(), member.Close(); err1 == nil || !errors.Is(err2, err1) {
		t.Errorf("Close again: %v, then %v; want the same", err1, err2)
	}
	for name, call := range calls {
		ends(t, name+" after Close", net.ErrClosed, call)
	}
}

// A member that takes nothing blocks its own senders, then loses its
// connection; another member does not notice.
func TestSlowMemberBlocksOnlyItself(t *testing.T) {
	short := fastTiming
	short.stall = 300 * time.Millisecond
	short.dead = time.Hour
	l := listen(t, ListenConfig{NoUDP: true, timing: short})
	raw, err := tls.Dial("tcp", l.Addr(), memberTLS(anyHub))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	slow := accepted.(*conn)
	defer slow.Close()
	hub, member := connect(t, l, DialConfig{})

	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if err := slow.SendDatagram(make([]byte, MaxDatagram)); err != nil {
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("send to the slow member: %v, want one wrapping %v", err, os.ErrDeadlineExceeded)
				}
				return
			}
		}
	})
	until(t, "the sender to the slow member waits", func() bool {
		slow.out.cond.L.Lock()
		defer slow.out.cond.L.Unlock()
		return len(slow.out.datagrams)+recordHead+MaxDatagram > maxWaitingDatagrams
	})
	transfer(t, hub, member, "to a member that reads")
	transfer(t, member, hub, "from a member that reads")
	wg.Wait()
	transfer(t, hub, member, "still there")
}

// An application that receives no messages holds up its own peer, and loses
// none of them.
func TestSlowReceiverOfMessages(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub, member := connect(t, l, DialConfig{})
	const count = 200 // 800 KB, more than all buffers hold
	sent := make(chan error, 1)
	go func() {
		for i := range count {
			if err := hub.SendMessage(append(make([]byte, MaxMessage-1), byte(i))); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	until(t, "the receiver's inbox is full", member.stalled.Load)
	for i := range count {
		b, err := member.RecvMessage(nil)
		if err != nil || b[MaxMessage-1] != byte(i) {
			t.Fatalf("message %d ends with %v, %v", i, b[MaxMessage-1:], err)
		}
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// A peer that keeps its socket open and is silent is found out by pings.
func TestSilentPeer(t *testing.T) {
	short := fastTiming
	short.dead = 100 * time.Millisecond
	l := listen(t, ListenConfig{timing: short})
	raw, err := tls.Dial("tcp", l.Addr(), memberTLS(anyHub))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	hub, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Close()
	ends(t, "RecvMessage", os.ErrDeadlineExceeded, func() error { _, err := hub.RecvMessage(nil); return err })
}

// What no version of s2c sends ends the connection, and only that one.
func TestBadRecords(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub, member := connect(t, l, DialConfig{})
	bad := map[string][]byte{
		"unknown kind":       {9, 0, 0},
		"kind 0":             {0, 0, 0},
		"hello from member":  {recordHello, 0, 4, 1, 2, 3, 4},
		"message too long":   {recordMessage, 0x10, 1},
		"message of 65535":   {recordMessage, 0xff, 0xff},
		"datagram too long":  {recordDatagram, 0x04, 0x91},
		"ping of 7 bytes":    {recordPing, 0, 7},
		"pong without bytes": {recordPong, 0, 0},
	}
	for name, b := range bad {
		raw, err := tls.Dial("tcp", l.Addr(), memberTLS(anyHub))
		if err != nil {
			t.Fatal(err)
		}
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := raw.Write(b); err != nil {
			t.Fatal(err)
		}
		ends(t, "RecvMessage after "+name, errRecord, func() error { _, err := c.RecvMessage(nil); return err })
		c.Close()
		raw.Close()
	}
	transfer(t, member, hub, "nobody else noticed")
}

// Everything that was started has ended, and the port is free, when all is
// closed; in whatever order.
func TestNothingIsLeft(t *testing.T) {
	for _, listenerFirst := range []bool{false, true} {
		before := runtime.NumGoroutine()
		l, err := Listen(ListenConfig{Addr: "127.0.0.1:0", Key: testKey(t), timing: fastTiming})
		if err != nil {
			t.Fatal(err)
		}
		var conns []*conn
		for range 3 {
			hub, member := connect(t, l, DialConfig{})
			onUDP(t, hub, member)
			conns = append(conns, member, hub)
		}
		if listenerFirst {
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			transfer(t, conns[0], conns[1], "accepted connections live on")
			onUDP(t, conns[1], conns[0]) // the socket did not close with the listener
		}
		for _, c := range conns {
			c.Close()
		}
		l.Close()
		until(t, "goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
		listenAgain(t, ListenConfig{Addr: l.Addr()}).Close()
	}
}

func TestDialCancelled(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	mine := errors.New("the user has changed his mind")
	ctx, cancel := context.WithCancelCause(t.Context())
	ends(t, "Dial", mine, func() error {
		go func() {
			c, err := silent.Accept()
			if err == nil {
				io.ReadFull(c, make([]byte, 5)) // the handshake is under way
				defer c.Close()
			}
			cancel(mine)
			<-ctx.Done()
		}()
		_, err := Dial(ctx, DialConfig{Addr: silent.Addr().String(), Verify: anyHub, timing: fastTiming})
		return err
	})
}

func TestErrorsNameThePeer(t *testing.T) {
	l := listen(t, ListenConfig{})
	hub, member := connect(t, l, DialConfig{})
	hub.Close()
	_, err := member.RecvMessage(nil)
	if want := "receive from hub " + l.Addr() + ": EOF"; err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	err = hub.SendMessage(nil)
	if err == nil || !strings.HasPrefix(err.Error(), "send message to member 127.0.0.1:") {
		t.Errorf("error %q names no member", err)
	}
}
