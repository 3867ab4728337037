package transport

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"
)

// DialConfig says which hub to connect to and how.
type DialConfig struct {
	// Addr is "host:port". All addresses of the host are tried.
	Addr string

	// Verify decides whether the hub is the right one. It is called with the
	// hub's fingerprint during the TLS handshake, before the hub has proved
	// that it holds the key; both must succeed. Its error comes back wrapped
	// from Dial. It must not be nil.
	Verify func(fingerprint string) error

	// NoUDP keeps datagrams inside the TLS connection.
	NoUDP bool

	// Proxy is that through which to connect, http://[name:password@]host[:port];
	// nil for none. Datagrams stay inside the TLS connection then.
	Proxy *url.URL

	timing timing // zero means defaultTiming
}

// Dial connects to a hub and waits until the connection is established, for
// at most ten seconds. Once it has returned, ctx has no effect any more. Datagrams may be
// sent at once, over TLS; they move to UDP by themselves if it gets through.
// The error wraps ErrNotHub, or what Verify returned, or a *net.OpError when
// no hub answers, or a *ProxyError, or the cause of ctx.
func Dial(ctx context.Context, c DialConfig) (Conn, error) {
	conn, err := dial(ctx, c)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// dial does what Dial does.
func dial(ctx context.Context, c DialConfig) (*conn, error) {
	if c.Verify == nil {
		return nil, errors.New("connect to a hub: nothing verifies its key")
	}
	if c.timing == (timing{}) {
		c.timing = defaultTiming
	}
	ctx, cancel := context.WithTimeout(ctx, c.timing.dial)
	defer cancel()
	addr := c.Addr
	if c.Proxy != nil {
		var err error
		if addr, err = proxyAddr(c.Proxy); err != nil {
			return nil, dialError(ctx, c.Addr, err)
		}
		c.NoUDP = true // the way there is not known
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil && c.Proxy != nil {
		err = &ProxyError{Proxy: addr, Err: err}
	}
	if err != nil {
		return nil, dialError(ctx, c.Addr, err)
	}
	tcp := &countedConn{TCPConn: raw.(*net.TCPConn)}
	tuneTCP(tcp.TCPConn, c.timing.stall)
	stop := context.AfterFunc(ctx, func() { _ = tcp.SetDeadline(time.Unix(1, 0)) })
	conn, err := establish(tcp, c)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = tcp.Close()
		return nil, dialError(ctx, c.Addr, err)
	}
	if !c.NoUDP {
		_ = conn.rebind() // without a socket everything goes over TLS
	}
	conn.start()
	if conn.udp.Load() != nil {
		conn.wg.Go(conn.udpLoop)
	}
	return conn, nil
}

// dialError adds the hub, and the cause of ctx if that is why Dial failed.
func dialError(ctx context.Context, addr string, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("connect to hub %s: %w: %w", addr, cause, err)
	}
	return fmt.Errorf("connect to hub %s: %w", addr, err)
}

// establish does the handshake, through the proxy if there is one, and reads the
// hub's hello.
func establish(tcp *countedConn, c DialConfig) (*conn, error) {
	if c.Proxy != nil {
		if err := tunnel(tcp, c.Proxy, c.Addr); err != nil {
			return nil, err
		}
	}
	var refused error
	tc := tls.Client(tcp, memberTLS(func(fingerprint string) error {
		refused = c.Verify(fingerprint)
		return refused
	}))
	asked := time.Now()
	err := tc.Handshake()
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, handshakeError(err)
	}
	records := &recordReader{r: tc}
	id, err := readHello(records)
	if err != nil {
		return nil, handshakeError(err)
	}
	conn, err := newConn(tcp, tc, records, id, atMember, c.timing)
	if err != nil {
		return nil, err
	}
	conn.path.around = time.Since(asked) // with what its packets, as large as a probe, take on a slow line
	conn.control = new(controlPacket)
	conn.name = "hub " + c.Addr
	hub := tcp.RemoteAddr().(*net.TCPAddr).AddrPort()
	conn.path.addr = netip.AddrPortFrom(hub.Addr().Unmap(), hub.Port())
	return conn, nil
}

// readHello waits for the hub's first record and returns the connection id.
func readHello(records *recordReader) (id uint32, err error) {
	kind, body, err := records.next()
	if err != nil {
		return 0, err
	}
	if kind != recordHello {
		return 0, fmt.Errorf("%w: kind %d in place of the hello", errRecord, kind)
	}
	return binary.BigEndian.Uint32(body), nil
}
