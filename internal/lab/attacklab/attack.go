package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/wire"
)

// An attack is what strangers, or a member, do to a hub.
type attack struct {
	name string
	says string // for the table
	run  func(ctx context.Context, t *target)
}

// A target is a hub under attack.
type target struct {
	addr    string // of the hub
	session string // one in which there is a call
	who     *identity.Identity
	did     atomic.Uint64 // connections, packets or messages
	refused atomic.Uint64 // of these, those that the hub ended or did not take
}

var attacks = []attack{
	{"slowloris", "1,000 connections that say a byte a second, from 40 addresses", slowloris},
	{"silent", "1,000 connections that never ask to join, from 40 addresses", silent},
	{"joins", "10,000 a minute join a session and leave, from 50 addresses", joins},
	{"junk", "100,000 UDP packets a second of nobody", junk},
	{"lengths", "members that claim lengths, 100 a second from 10 addresses", lengths},
	{"spoofed", "a member of the call that sends 20,000 packets a second in the name of others, over TLS", spoofed},
	{"flood", "a member of the call that sends 20,000 packets a second of its own, over UDP, and others that send messages of no type", flood},
	{"bursts", "a member of the call that sends 1,000 packets of voice at once, once a second", bursts},
	{"never-reads", "a member of the call, over TLS, that never reads", neverReads},
	{"thin-link", "a member of the call that reads 64 kbit/s over TLS, and one to whom 64 kbit/s get through over UDP", thinLink},
}

// host returns the address of a stranger.
func host(i int) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i))} }

// each runs n workers until ctx is done, and waits for them.
func each(n int, work func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { work(i) })
	}
	wg.Wait()
}

// pause waits and reports whether ctx is still not done.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// again calls what until ctx is done, at most so often a second, counting.
func (t *target) again(ctx context.Context, every time.Duration, what func() error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if what() != nil {
			t.ended(ctx)
		}
		t.did.Add(1)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// ended counts one that the hub has ended or refused. What ends with ctx has not been.
func (t *target) ended(ctx context.Context) {
	if ctx.Err() == nil {
		t.refused.Add(1)
	}
}

// dial connects from an address; the connection ends with ctx.
func (t *target) dial(ctx context.Context, from *net.TCPAddr) (net.Conn, func(), error) {
	d := net.Dialer{LocalAddr: from, Timeout: 5 * time.Second}
	c, err := d.DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	return c, func() { stop(); c.Close() }, nil
}

// secure is dial with TLS, as a member of s2c has it.
func (t *target) secure(ctx context.Context, from *net.TCPAddr) (*tls.Conn, func(), error) {
	c, end, err := t.dial(ctx, from)
	if err != nil {
		return nil, nil, err
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	s := tls.Client(c, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, NextProtos: []string{"s2c/1"}}) //nolint:gosec // whose hub it is does not matter
	if err := s.HandshakeContext(ctx); err != nil {
		end()
		return nil, nil, err
	}
	var hello [7]byte
	if _, err := io.ReadFull(s, hello[:]); err != nil {
		end()
		return nil, nil, err
	}
	return s, end, nil
}

// slowloris begins TLS handshakes that never get anywhere.
func slowloris(ctx context.Context, t *target) {
	const connections, addresses = 1000, 40
	hello := []byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3} // the start of a ClientHello of 512 bytes
	each(connections, func(i int) {
		t.again(ctx, 100*time.Millisecond, func() error {
			c, end, err := t.dial(ctx, host(i%addresses))
			if err != nil {
				return err
			}
			defer end()
			for k := 0; ; k++ {
				b := byte(0)
				if k < len(hello) {
					b = hello[k]
				}
				if _, err := c.Write([]byte{b}); err != nil {
					return err
				}
				if !pause(ctx, time.Second) {
					return nil
				}
			}
		})
	})
}

// silent does the handshake and then nothing.
func silent(ctx context.Context, t *target) {
	const connections, addresses = 1000, 40
	each(connections, func(i int) {
		if !pause(ctx, time.Duration(i)*5*time.Millisecond) {
			return
		}
		t.again(ctx, 100*time.Millisecond, func() error {
			s, end, err := t.secure(ctx, host(i%addresses))
			if err != nil {
				return err
			}
			defer end()
			_ = s.SetDeadline(time.Time{})
			var b [256]byte
			for err == nil {
				_, err = s.Read(b[:])
			}
			return err
		})
	})
}

// The kinds of records over TLS that members send, as the transport has them.
const recordMessage, recordDatagram, recordPing = 2, 3, 4

// message is a record with a message.
func message(m wire.Message) []byte {
	body := m.Append(nil)
	return append(binary.BigEndian.AppendUint16([]byte{recordMessage}, uint16(len(body))), body...)
}

// join asks for a place.
func (t *target) join(s *tls.Conn, session string) error {
	cs := s.ConnectionState()
	b, err := cs.ExportKeyingMaterial("EXPORTER-s2c-join", nil, 32)
	if err != nil {
		return err
	}
	keys, err := cipher.NewSession(cipher.Config{Identity: t.who, Binding: [32]byte(b), Session: session, Name: "stranger"})
	if err != nil {
		return err
	}
	defer keys.Close()
	hello, cert, _ := keys.Hello()
	if _, err := s.Write(message(wire.Join{Hello: hello, Cert: cert})); err != nil {
		return err
	}
	joined := (wire.Joined{}).Append(nil)[0]
	for {
		var head [3]byte // kind and length
		if _, err := io.ReadFull(s, head[:]); err != nil {
			return err
		}
		body := make([]byte, binary.BigEndian.Uint16(head[1:]))
		if _, err := io.ReadFull(s, body); err != nil {
			return err
		}
		switch {
		case head[0] != recordMessage || len(body) == 0:
		case body[0] == joined:
			return nil
		default:
			return fmt.Errorf("not let in: message %#02x", body[0])
		}
	}
}

// joins lets strangers come and go.
func joins(ctx context.Context, t *target) {
	const aMinute, addresses = 10_000, 50
	each(addresses, func(i int) {
		t.again(ctx, time.Minute*addresses/aMinute, func() error {
			s, end, err := t.secure(ctx, host(i))
			if err != nil {
				return err
			}
			defer end()
			return t.join(s, "crowd")
		})
	})
}

// lengths sends what claims to be longer than it is, or than it may be.
func lengths(ctx context.Context, t *target) {
	const aSecond, addresses = 100, 10
	long := append([]byte{0x01}, 0xff, 0xff) // a Join whose first part has 65,535 bytes
	claims := [][]byte{
		{2, 0xff, 0xff},          // a message of 65,535 bytes
		{3, 0xff, 0xff},          // a datagram likewise
		{9, 0, 1, 0},             // of no kind
		{2, 0, 3, 1, 0xff, 0xff}, // a message of 3 bytes: the Join
		append(binary.BigEndian.AppendUint16([]byte{2}, 4096), append(long, make([]byte, 4093)...)...),
	}
	each(addresses, func(i int) {
		k := i
		t.again(ctx, time.Second*addresses/aSecond, func() error {
			s, end, err := t.secure(ctx, host(i))
			if err != nil {
				return err
			}
			defer end()
			k++
			if _, err := s.Write(claims[k%len(claims)]); err != nil {
				return err
			}
			if err := s.CloseWrite(); err != nil {
				return err
			}
			var b [512]byte
			for err == nil {
				_, err = s.Read(b[:])
			}
			return err
		})
	})
}

// junk sends UDP packets that nobody has asked for, of all sizes; half of them
// look like s2c's.
func junk(ctx context.Context, t *target) {
	const aSecond, batch = 100_000, 64
	to, err := net.ResolveUDPAddr("udp4", t.addr)
	if err != nil {
		return
	}
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: host(0).IP})
	if err != nil {
		return
	}
	defer udp.Close()
	noise := make([]byte, 64<<10)
	_, _ = rand.Read(noise)
	ms := make([]ipv4.Message, batch)
	for i := range ms {
		b := noise[i*512 : i*512+40+i*13]
		if i%2 == 0 {
			b[0] = 0 // the type of a sealed packet
		}
		ms[i] = ipv4.Message{Buffers: [][]byte{b}, Addr: to}
	}
	p := ipv4.NewPacketConn(udp)
	start := time.Now()
	for ctx.Err() == nil {
		due := uint64(time.Since(start).Seconds() * aSecond)
		for t.did.Load() < due {
			binary.BigEndian.PutUint64(noise[1:], t.did.Load()*0x9e3779b97f4a7c15)
			n, err := p.WriteBatch(ms, 0)
			if err != nil || n == 0 {
				t.refused.Add(batch)
				n = batch
			}
			t.did.Add(uint64(n))
		}
		if !pause(ctx, time.Millisecond) {
			return
		}
	}
}
