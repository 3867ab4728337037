package transport

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fastTiming makes what takes seconds take milliseconds. A ping may be
// unanswered for long enough that a busy machine does not look like a dead path.
var fastTiming = timing{
	dial: 5 * time.Second, handshake: 2 * time.Second, stall: 2 * time.Second, dead: 2 * time.Second,
	close: 500 * time.Millisecond,
	ping:  10 * time.Millisecond, pingRetry: 5 * time.Millisecond, pingLost: 80 * time.Millisecond, pingSilent: 80 * time.Millisecond,
	idle:       20 * time.Millisecond,
	probeFirst: 5 * time.Millisecond, probeAgain: 10 * time.Millisecond, probeMost: 20 * time.Millisecond,
	challenge: 2 * time.Millisecond,
}

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

// until waits for a condition that the network makes true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited %v in vain until %s", patience, what)
		case <-tick.C:
		}
	}
}

func testKey(t testing.TB) *HubKey {
	t.Helper()
	key, err := NewHubKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// listen starts a hub on the loopback interface.
func listen(t testing.TB, c ListenConfig) *HubListener {
	t.Helper()
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Key == nil {
		c.Key = testKey(t)
	}
	if c.timing == (timing{}) {
		c.timing = fastTiming
	}
	l, err := Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// listenAgain does what listen does on a port that was in use until now, or
// that another program uses for a moment.
func listenAgain(t *testing.T, c ListenConfig) *HubListener {
	t.Helper()
	if c.Key == nil {
		c.Key = testKey(t)
	}
	c.timing = fastTiming
	var l *HubListener
	until(t, "the port "+c.Addr+" is free", func() bool {
		var err error
		l, err = Listen(c)
		return err == nil
	})
	t.Cleanup(func() { l.Close() })
	return l
}

func anyHub(string) error { return nil }

// connect dials c.Addr, or else l, and returns both ends.
func connect(t testing.TB, l *HubListener, c DialConfig) (hub, member *conn) {
	t.Helper()
	if c.Addr == "" {
		c.Addr = l.Addr()
	}
	if c.Verify == nil {
		c.Verify = anyHub
	}
	if c.timing == (timing{}) {
		c.timing = fastTiming
	}
	member, err := dial(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	hub = accepted.(*conn)
	t.Cleanup(func() {
		hub.Close()
		member.Close()
	})
	return hub, member
}

func pathOf(c Conn) Path { return c.Info().Path }

// onUDP waits until both ends send over UDP.
func onUDP(t *testing.T, hub, member *conn) {
	t.Helper()
	until(t, "both ends send over UDP", func() bool { return pathOf(hub) == PathUDP && pathOf(member) == PathUDP })
}

// transfer sends datagrams until one arrives, which must be the same.
func transfer(t *testing.T, from, to *conn, text string) {
	t.Helper()
	got := make(chan string, 1)
	go func() {
		b := make([]byte, MaxDatagram)
		for {
			n, err := to.RecvDatagram(b)
			if err != nil {
				got <- err.Error()
				return
			}
			if string(b[:n]) == text {
				got <- text
				return
			}
		}
	}()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		if err := from.SendDatagram([]byte(text)); err != nil {
			t.Fatal(err)
		}
		select {
		case s := <-got:
			if s != text {
				t.Fatalf("got %q, want %q", s, text)
			}
			return
		case <-deadline:
			t.Fatalf("datagram %q does not arrive", text)
		case <-tick.C:
		}
	}
}

// ends fails the test unless f returns an error wrapping want.
func ends(t *testing.T, what string, want error, f func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		if !errors.Is(err, want) {
			t.Errorf("%s: error %v, want one wrapping %v", what, err, want)
		}
	case <-time.After(patience):
		t.Errorf("%s does not return", what)
	}
}

// A proxy stands between a member and a hub, TCP and UDP, and drops UDP
// packets when told to.
type proxy struct {
	addr    string
	hub     string
	blocked atomic.Bool
	most    atomic.Int64 // bytes of a packet that gets through; 0 means any
	dropped atomic.Uint64
	tcp     net.Listener
	udp     *net.UDPConn
	wg      sync.WaitGroup

	mu    sync.Mutex
	open  []io.Closer
	ports map[netip.AddrPort]*net.UDPConn // by member address
	ended bool
}

func newProxy(t *testing.T, hub string) *proxy {
	t.Helper()
	tcp, udp, err := listenBoth("127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: tcp.Addr().String(), hub: hub, tcp: tcp, udp: udp[0], ports: make(map[netip.AddrPort]*net.UDPConn)}
	p.keep(tcp)
	p.keep(udp[0])
	p.wg.Go(p.acceptTCP)
	p.wg.Go(p.readUDP)
	t.Cleanup(func() {
		p.mu.Lock()
		p.ended = true
		for _, c := range p.open {
			c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

// blocks reports whether a packet of n bytes is dropped.
func (p *proxy) blocks(n int) bool {
	most := p.most.Load()
	return p.blocked.Load() || most > 0 && int64(n) > most
}

// keep closes c when the test ends.
func (p *proxy) keep(c io.Closer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		c.Close()
	}
	p.open = append(p.open, c)
}

func (p *proxy) acceptTCP() {
	for {
		in, err := p.tcp.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.hub)
		if err != nil {
			in.Close()
			continue
		}
		p.keep(in)
		p.keep(out)
		relay := func(a, b net.Conn) func() {
			return func() {
				io.Copy(a, b)
				a.(*net.TCPConn).CloseWrite()
			}
		}
		p.wg.Go(relay(in, out))
		p.wg.Go(relay(out, in))
	}
}

func (p *proxy) readUDP() {
	b := make([]byte, 2048)
	for {
		n, from, err := p.udp.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if p.blocks(n) {
			p.dropped.Add(1)
			continue
		}
		out := p.ports[from]
		if out == nil {
			c, err := net.Dial("udp", p.hub)
			if err != nil {
				return
			}
			out = c.(*net.UDPConn)
			p.ports[from] = out
			p.keep(out)
			p.wg.Go(func() { p.answer(out, from) })
		}
		out.Write(b[:n])
	}
}

func (p *proxy) answer(out *net.UDPConn, to netip.AddrPort) {
	b := make([]byte, 2048)
	for {
		n, err := out.Read(b)
		if err != nil {
			return
		}
		if p.blocks(n) {
			p.dropped.Add(1)
			continue
		}
		p.udp.WriteToUDPAddrPort(b[:n], to)
	}
}
