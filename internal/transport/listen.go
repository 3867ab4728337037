package transport

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// ListenConfig says where a hub listens and how.
type ListenConfig struct {
	// Addr is "host:port", or ":port" for all addresses of the machine. Port 0
	// picks one that is free for both TCP and UDP.
	Addr string

	// Key is what members know the hub by. It must not be nil.
	Key *HubKey

	// NoUDP leaves the UDP port alone; all goes over TLS.
	NoUDP bool

	// Shards is how many sockets share the UDP port, each with a goroutine of its
	// own, where the system can do that; 0 means one for each processor, 8 at most.
	Shards int

	Handshakes int // that are worked on at once; 0 means 64. Four times as many connections may be about to shake hands
	PerAddress int // connections of one IPv4 address or IPv6 /64 before Accept returns them; 0 means 32

	timing timing // zero means defaultTiming
	gather int    // of shards, for tests
}

// A HubListener accepts members at a hub. It implements Listener.
type HubListener struct {
	// Set by Listen.
	tcp    net.Listener
	tls    *tls.Config
	mux    *mux
	timing timing

	accepted chan *conn    // never closed; nobody waits in it
	slots    chan struct{} // holds a token for each handshake; never closed
	done     chan struct{} // closed by Close
	wg       sync.WaitGroup
	once     sync.Once
	closeErr error // set in once

	// Guarded by mu.
	mu     sync.Mutex
	door   door
	open   map[*countedConn]struct{} // connections that wait or shake hands
	closed bool
}

var _ Listener = (*HubListener)(nil)

// Listen starts a hub's TCP listener and its UDP socket, on the same port.
func Listen(c ListenConfig) (*HubListener, error) {
	if c.Key == nil {
		return nil, errors.New("listen: no hub key")
	}
	if c.timing == (timing{}) {
		c.timing = defaultTiming
	}
	shards := cmp.Or(c.Shards, min(runtime.GOMAXPROCS(0), 8))
	if c.NoUDP {
		shards = 0
	}
	tcp, udp, err := listenBoth(c.Addr, shards)
	if err != nil {
		return nil, err
	}
	mux, err := newMux(udp, c.gather)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %q: %w", c.Addr, err), tcp.Close())
	}
	handshakes := cmp.Or(c.Handshakes, 64)
	l := &HubListener{
		tcp:      tcp,
		tls:      hubTLS(c.Key),
		mux:      mux,
		timing:   c.timing,
		accepted: make(chan *conn),
		slots:    make(chan struct{}, handshakes),
		done:     make(chan struct{}),
		door:     newDoor(4*handshakes, cmp.Or(c.PerAddress, 32)),
		open:     make(map[*countedConn]struct{}),
	}
	l.wg.Go(l.acceptLoop)
	return l, nil
}

// listenBoth listens on one port number with TCP and with so many UDP sockets,
// or one where they cannot share it. For port 0 it tries again when the number
// that TCP got is not free for UDP.
func listenBoth(addr string, shards int) (net.Listener, []*net.UDPConn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, fmt.Errorf("listen on %q: %w", addr, err)
	}
	tries := 1
	if port == "0" || port == "" {
		tries = 32
	}
	var lc net.ListenConfig
	for range tries {
		var tcp net.Listener
		if tcp, err = lc.Listen(context.Background(), "tcp", addr); err != nil {
			break
		}
		var udp []*net.UDPConn
		if udp, err = listenUDP(tcp.Addr().String(), shards); err == nil {
			return tcp, udp, nil
		}
		_ = tcp.Close()
	}
	return nil, nil, fmt.Errorf("listen on %q: %w", addr, err)
}

// listenUDP opens so many sockets on one port. The first takes it alone, so that
// no other program has it.
func listenUDP(addr string, shards int) (list []*net.UDPConn, err error) {
	var lc net.ListenConfig
	if canShare && shards > 1 {
		alone, err := lc.ListenPacket(context.Background(), "udp", addr)
		if err != nil {
			return nil, err
		}
		if err := alone.Close(); err != nil {
			return nil, err
		}
		lc.Control = share
	} else {
		shards = min(shards, 1)
	}
	for range shards {
		udp, err := lc.ListenPacket(context.Background(), "udp", addr)
		if err != nil {
			for _, u := range list {
				_ = u.Close()
			}
			return nil, err
		}
		list = append(list, udp.(*net.UDPConn))
	}
	return list, nil
}

// Addr implements Listener. A hub that listens on all addresses returns the
// one of this machine, 127.0.0.1.
func (l *HubListener) Addr() string {
	a := l.tcp.Addr().(*net.TCPAddr)
	if a.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port))
	}
	return a.String()
}

// Accept implements Listener.
func (l *HubListener) Accept() (Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.done:
		return nil, fmt.Errorf("accept a member on %s: %w", l.Addr(), net.ErrClosed)
	}
}

// Close implements Listener. It ends handshakes under way, and connections
// that were never accepted, and waits for the goroutines of the listener.
func (l *HubListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		l.closeErr = l.tcp.Close()
		l.mu.Lock()
		l.closed = true
		for tcp := range l.open {
			_ = tcp.Close()
		}
		l.mu.Unlock()
		l.wg.Wait()
		l.mux.drop()
		l.mux.wait()
	})
	return l.closeErr
}

// Unsent returns how many packets the system did not take, all told. Any goroutine may
// call it.
func (l *HubListener) Unsent() uint64 { return l.mux.refused.Load() }

// acceptLoop accepts TCP connections until Close. It waits for nothing else.
func (l *HubListener) acceptLoop() {
	const least, most = 5 * time.Millisecond, time.Second
	wait := least
	for {
		raw, err := l.tcp.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			// Too many open files, or a member that was gone at once.
			select {
			case <-l.done:
				return
			case <-time.After(wait):
			}
			wait = min(2*wait, most)
			continue
		}
		wait = least
		l.admit(&countedConn{TCPConn: raw.(*net.TCPConn)})
	}
}

// admit starts to greet a member, or closes the connection when there are too
// many that wait.
func (l *HubListener) admit(tcp *countedConn) {
	from := tcp.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()
	l.mu.Lock()
	var out *countedConn
	ok := !l.closed
	if ok {
		out, ok = l.door.enter(from, tcp)
	}
	if ok {
		l.open[tcp] = struct{}{}
	}
	l.mu.Unlock()
	if !ok {
		out = tcp
	}
	if out != nil {
		_ = out.Close()
	}
	if !ok {
		return
	}
	l.wg.Go(func() {
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.door.leave(from, tcp)
			delete(l.open, tcp)
		}()
		c := l.greet(tcp)
		if c == nil {
			_ = tcp.Close()
			return
		}
		select {
		case l.accepted <- c:
		case <-l.done:
			_ = c.Close()
		}
	})
}

// greet waits for its turn, does the handshake and tells the member its
// connection id. It returns nil when that fails or takes too long: whoever
// cannot say hello is not worth a line in a log.
func (l *HubListener) greet(tcp *countedConn) *conn {
	deadline := time.Now().Add(l.timing.handshake)
	_ = tcp.SetDeadline(deadline)
	late := time.NewTimer(l.timing.handshake)
	defer late.Stop()
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-late.C:
		return nil
	case <-l.done:
		return nil
	}
	tuneTCP(tcp.TCPConn, l.timing.stall)
	turns := &turnConn{countedConn: tcp, slots: l.slots}
	tc := tls.Server(turns, l.tls)
	err := tc.Handshake()
	turns.over = true
	l.mu.Lock()
	delete(l.open, tcp) // from here on Close says goodbye
	l.mu.Unlock()
	if err != nil || tc.ConnectionState().NegotiatedProtocol != alpn {
		return nil
	}
	id := l.mux.reserve()
	c, err := newConn(tcp, tc, &recordReader{r: tc}, id, atHub, l.timing)
	if err != nil {
		l.mux.remove(id)
		return nil
	}
	c.control = &l.mux.control
	c.socket = l.mux.first()
	c.release = func() { l.mux.remove(id) }
	c.udpWait = l.mux.wait
	l.mux.add(c) // before the hello: the answer to it may be a probe
	var hello [helloSize]byte
	binary.BigEndian.PutUint32(hello[:], id)
	if _, err := tc.Write(appendRecord(nil, recordHello, hello[:])); err != nil {
		l.mux.remove(id)
		return nil
	}
	_ = tcp.SetDeadline(time.Time{})
	c.start()
	return c
}
