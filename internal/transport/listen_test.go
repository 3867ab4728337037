package transport

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestListenAddresses(t *testing.T) {
	l := listen(t, ListenConfig{Addr: ":0"})
	host, port, err := net.SplitHostPort(l.Addr())
	if err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("Addr() = %q, want 127.0.0.1 and a port", l.Addr())
	}
	if udp, err := net.ListenPacket("udp", ":"+port); err == nil {
		udp.Close()
		t.Errorf("UDP port %s, that of TCP, is free", port)
	}
	hub, member := connect(t, l, DialConfig{})
	onUDP(t, hub, member) // also from IPv4 to a socket for both families

	for _, addr := range []string{"", "nonsense", "127.0.0.1:port", "127.0.0.1:70000", l.Addr()} {
		if again, err := Listen(ListenConfig{Addr: addr, Key: testKey(t)}); err == nil {
			again.Close()
			t.Errorf("Listen on %q succeeds", addr)
		} else if !strings.Contains(err.Error(), addr) {
			t.Errorf("Listen on %q: error %q does not name it", addr, err)
		}
	}
	if _, err := Listen(ListenConfig{Addr: "127.0.0.1:0"}); err == nil {
		t.Error("Listen succeeds without a key")
	}
}

func TestIPv6(t *testing.T) {
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6: ", err)
	}
	probe.Close()
	l := listen(t, ListenConfig{Addr: "[::1]:0"})
	hub, member := connect(t, l, DialConfig{})
	onUDP(t, hub, member)
	transfer(t, hub, member, "down")
}

// A UDP port that is taken makes Listen fail or, with port 0, try another.
func TestListenNeedsBoth(t *testing.T) {
	tcp, udp, err := listenBoth("127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer udp[0].Close()
	tcp.Close()
	addr := udp[0].LocalAddr().String()
	if l, err := Listen(ListenConfig{Addr: addr, Key: testKey(t)}); err == nil {
		l.Close()
		t.Fatal("Listen succeeds without its UDP port")
	}
	l := listenAgain(t, ListenConfig{Addr: addr, NoUDP: true})
	if l.Addr() != addr {
		t.Errorf("Addr() = %q, want %q", l.Addr(), addr)
	}
}

func TestAcceptEndsWithClose(t *testing.T) {
	l := listen(t, ListenConfig{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			ends(t, "Accept", net.ErrClosed, func() error { _, err := l.Accept(); return err })
		})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	ends(t, "Accept after Close", net.ErrClosed, func() error { _, err := l.Accept(); return err })
	if err := l.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

// Close ends handshakes under way and connections that nobody accepted.
func TestCloseEndsHandshakes(t *testing.T) {
	slow := fastTiming
	slow.handshake = time.Hour
	l := listen(t, ListenConfig{timing: slow, Handshakes: 2})
	for range 4 { // two in their handshake, two in wait
		c, err := net.Dial("tcp", l.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	until(t, "they wait", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.door.inside == 4
	})
	ends(t, "Close", nil, l.Close)

	l = listen(t, ListenConfig{})
	member, err := Dial(t.Context(), DialConfig{Addr: l.Addr(), Verify: anyHub, timing: fastTiming})
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	ends(t, "Close", nil, l.Close)
	ends(t, "RecvMessage", io.EOF, func() error { _, err := member.RecvMessage(nil); return err })
}

// Whoever connects and says nothing is shown out, and holds up nobody.
func TestSlowHandshakes(t *testing.T) {
	short := fastTiming
	short.handshake = 300 * time.Millisecond
	l := listen(t, ListenConfig{timing: short, PerAddress: 8})
	var silent []net.Conn
	for range 8 {
		c, err := net.Dial("tcp", l.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		silent = append(silent, c)
	}
	until(t, "they shake hands", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.door.inside == 8 || l.door.inside == 0
	})
	for _, c := range silent {
		c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a silent connection reads %v, want its end", err)
		}
	}
	until(t, "they are gone", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.door.inside == 0 && len(l.open) == 0
	})
	hub, member := connect(t, l, DialConfig{})
	transfer(t, hub, member, "welcome")
}

// Who does not ask for our protocol gets no hello and reaches nobody.
func TestHubWantsItsProtocol(t *testing.T) {
	l := listen(t, ListenConfig{})
	for _, protocols := range [][]string{nil, {"h2"}} {
		config := memberTLS(anyHub)
		config.NextProtos, config.VerifyConnection = protocols, nil
		c, err := tls.Dial("tcp", l.Addr(), config)
		if err != nil {
			continue
		}
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(patience))
		if b, err := io.ReadAll(c); len(b) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("with protocols %q the hub says %x, %v; want nothing", protocols, b, err)
		}
	}
	hub, member := connect(t, l, DialConfig{}) // and no other is accepted
	transfer(t, hub, member, "welcome")
}

// Whoever begins a handshake and goes no further takes no slot from a member, and at
// a full door no place from somebody of another address.
func TestHandshakesHoldUpNobody(t *testing.T) {
	slow := fastTiming
	slow.handshake = time.Hour
	l := listen(t, ListenConfig{timing: slow, Handshakes: 1, PerAddress: 8})
	for i := range 8 { // four have their way with the door
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i%2))}}
		c, err := d.DialContext(t.Context(), "tcp", l.Addr())
		if err != nil {
			t.Skip("no such addresses here: ", err)
		}
		defer c.Close()
		if _, err := c.Write([]byte{22, 3, 1}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the door is full", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.door.inside == l.door.most
	})
	m, err := Dial(t.Context(), DialConfig{Addr: l.Addr(), Verify: anyHub, timing: fastTiming})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestDoor(t *testing.T) {
	a := func(s string) netip.Addr { return netip.MustParseAddr(s) }
	d := newDoor(4, 2)
	var all [12]countedConn
	steps := []struct {
		from string
		ok   bool
		out  int // who has to go; 0 for nobody
	}{
		1: {"192.0.2.1", true, 0},
		2: {"::ffff:192.0.2.1", true, 0}, // the same
		3: {"192.0.2.1", false, 0},
		4: {"2001:db8:0:1::1", true, 0},
		5: {"2001:db8:0:2::1", true, 0},
		6: {"2001:db8:0:1:ffff::2", false, 0}, // full, and the same /64 as one inside
		7: {"2001:db8:0:3::1", true, 1},       // full, but nobody else of this
		8: {"2001:db8:0:4::1", false, 0},      // full, and all others are alone
	}
	for i, s := range steps[1:] {
		out, ok := d.enter(a(s.from), &all[i+1])
		var want *countedConn
		if s.out > 0 {
			want = &all[s.out]
		}
		if ok != s.ok || out != want {
			t.Errorf("step %d: enter(%s) = %p, %v, want %p, %v", i+1, s.from, out, ok, want, s.ok)
		}
	}
	d.leave(a("192.0.2.1"), &all[1]) // was put out
	if d.inside != 4 {
		t.Errorf("%d inside, want 4", d.inside)
	}
	d.leave(a("192.0.2.1"), &all[2])
	if _, ok := d.enter(a("2001:db8:0:4::1"), &all[9]); !ok {
		t.Error("no room after one has left")
	}
	for from, i := range map[string]int{"2001:db8:0:1::9": 4, "2001:db8:0:2::1": 5, "2001:db8:0:3::1": 7, "2001:db8:0:4::1": 9} {
		d.leave(a(from), &all[i])
	}
	if d.inside != 0 || len(d.addresses) != 0 {
		t.Errorf("when all have left, %d are inside, by address %v", d.inside, d.addresses)
	}
}

// A poorListener has no file descriptors left for a while.
type poorListener struct {
	net.Listener
	errs  int
	calls []time.Duration
	start time.Time
}

func (p *poorListener) Accept() (net.Conn, error) {
	p.calls = append(p.calls, time.Since(p.start))
	if len(p.calls) <= p.errs {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	return nil, net.ErrClosed
}

// Errors of accept are no reason to end or to spin.
func TestAcceptBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &poorListener{errs: 10, start: time.Now()}
		l := &HubListener{tcp: p, done: make(chan struct{})}
		l.acceptLoop()
		wait := 5 * time.Millisecond
		for i := 1; i < len(p.calls); i++ {
			if got := p.calls[i] - p.calls[i-1]; got != wait {
				t.Errorf("wait %d is %v, want %v", i, got, wait)
			}
			wait = min(2*wait, time.Second)
		}
		if len(p.calls) != 11 {
			t.Errorf("%d calls, want 11", len(p.calls))
		}
	})
}
