package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/hubload"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// What a member of the call can do that the others could notice.

// enter joins the call over TLS.
func (t *target) enter(ctx context.Context) (*tls.Conn, func(), error) {
	s, end, err := t.secure(ctx, host(0))
	if err != nil {
		return nil, nil, err
	}
	if err := t.join(s, t.session); err != nil {
		end()
		return nil, nil, err
	}
	_ = s.SetDeadline(time.Time{})
	return s, end, nil
}

// enterUDP joins the call as those do who are measured.
func (t *target) enterUDP(ctx context.Context, addr string) (*hubload.Member, error) {
	return hubload.Join(ctx, hubload.Place{
		Dial: transport.DialConfig{Addr: addr, Verify: func(string) error { return nil }},
		Who:  t.who, Session: t.session, Name: "stranger",
	})
}

// paced calls work with how many are to be done, at most so many at once, every
// millisecond until ctx is done or it fails. What was not done in time is done later,
// and only what is done counts.
func (t *target) paced(ctx context.Context, aSecond float64, most int, work func(n int) error) {
	start := time.Now()
	for pause(ctx, time.Millisecond) {
		due := int64(time.Since(start).Seconds()*aSecond) - int64(t.did.Load())
		if due <= 0 {
			continue
		}
		n := min(int(due), most)
		if err := work(n); err != nil {
			t.ended(ctx)
			return
		}
		t.did.Add(uint64(n))
	}
}

// alive is a ping over TLS: a sign of life of who does not answer the hub's.
var alive = []byte{recordPing, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1}

// live shows life once a second until ctx is done. It returns an error once the hub
// has ended the connection.
func live(ctx context.Context, s *tls.Conn) error {
	for pause(ctx, time.Second) {
		if _, err := s.Write(alive); err != nil {
			return err
		}
	}
	return nil
}

// spoofed is a member that sends voice in the name of others.
func spoofed(ctx context.Context, t *target) {
	const aSecond, most = 20_000, 100
	s, end, err := t.enter(ctx)
	if err != nil {
		t.ended(ctx)
		return
	}
	defer end()
	var reads sync.WaitGroup
	defer reads.Wait()
	defer end()
	reads.Go(func() { _, _ = io.Copy(io.Discard, s) })
	var buf []byte
	counter := uint64(0)
	t.paced(ctx, aSecond, most, func(n int) error {
		buf = buf[:0]
		for range n {
			body := append([]byte{}, byte(wire.NewClear(wire.KindVoice, 0)))
			body = sframe.AppendHeader(body, uint64(sframe.NewKID(uint16(counter%callers), sframe.StreamVoice, 0, 0)), counter)
			body = append(body, make([]byte, 100)...)
			buf = append(binary.BigEndian.AppendUint16(append(buf, recordDatagram), uint16(len(body))), body...)
			counter++
		}
		_, err := s.Write(buf)
		return err
	})
}

// flood is a member that sends far more than the best pictures take, half of it
// said to be voice, and one that sends messages that say nothing as long as it may.
func flood(ctx context.Context, t *target) {
	const aSecond, most = 20_000, 200
	m, err := t.enterUDP(ctx, t.addr)
	if err != nil {
		t.ended(ctx)
		return
	}
	defer m.Close()
	var says sync.WaitGroup
	defer says.Wait()
	says.Go(func() {
		for pause(ctx, 100*time.Millisecond) {
			t.sayNothing(ctx)
		}
	})
	number := uint32(0)
	t.paced(ctx, aSecond, most, func(n int) error {
		for range n {
			number++
			p := hubload.Packet{Number: number, Picture: number%2 == 0}
			if err := m.Send(&p, 700); err != nil {
				return err
			}
		}
		return nil
	})
}

// bursts is a member that sends nothing for a second and then all that it may, and more,
// at once: of voice, for which others wait.
func bursts(ctx context.Context, t *target) {
	const atOnce = 1000
	m, err := t.enterUDP(ctx, t.addr)
	if err != nil {
		t.ended(ctx)
		return
	}
	defer m.Close()
	number := uint32(0)
	for pause(ctx, time.Second) {
		for range atOnce {
			number++
			if err := m.Send(&hubload.Packet{Number: number}, hubload.Usual.VoiceSize); err != nil {
				t.ended(ctx)
				return
			}
			t.did.Add(1)
		}
	}
}

// sayNothing sends messages of a type that there is not, until the hub ends it.
func (t *target) sayNothing(ctx context.Context) {
	s, end, err := t.enter(ctx)
	if err != nil {
		t.ended(ctx)
		return
	}
	defer end()
	nothing := bytes.Repeat([]byte{recordMessage, 0, 4, 0xee, 1, 2, 3}, 100)
	for err == nil && pause(ctx, 100*time.Millisecond) {
		_, err = s.Write(nothing)
	}
	t.ended(ctx)
}

// neverReads is a member to whom all is sent over TLS, and that takes none of it. It
// shows life, so that nothing but what it does not take can be why the hub ends it.
func neverReads(ctx context.Context, t *target) {
	t.again(ctx, time.Second, func() error {
		s, end, err := t.enter(ctx)
		if err != nil {
			return err
		}
		defer end()
		return live(ctx, s)
	})
}

const thinRate = 8000 // bytes a second

// thinLink is two members whose links take little.
func thinLink(ctx context.Context, t *target) {
	each(2, func(i int) {
		t.again(ctx, time.Second, func() error {
			if i == 0 {
				return t.thinTLS(ctx)
			}
			return t.thinUDP(ctx)
		})
	})
}

// thinTLS is a member that reads so much. The kernel keeps little for it, as else the
// link would only seem thin once some seconds are under way.
func (t *target) thinTLS(ctx context.Context) error {
	s, end, err := t.enter(ctx)
	if err != nil {
		return err
	}
	defer end()
	if tcp, ok := s.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(thinRate / 2) // the system may give more
	}
	var lives sync.WaitGroup
	defer lives.Wait()
	defer end()
	lives.Go(func() { _ = live(ctx, s) }) // reading tells of the end, too
	b := make([]byte, thinRate/10)
	for pause(ctx, time.Second/10) {
		if _, err := io.ReadFull(s, b); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// thinUDP is a member to whom so much gets through. What is more is lost before it, so
// the hub sees what it sees of a member whose link is thin: a socket of its own that is
// not read would take up to its buffer, and hide behind it how little that is.
func (t *target) thinUDP(ctx context.Context) error {
	f, err := newFunnel(t.addr)
	if err != nil {
		return err
	}
	defer f.close()
	m, err := t.enterUDP(ctx, f.addr)
	if err != nil {
		return err
	}
	defer m.Close()
	ended := make(chan struct{})
	m.Deliver(func(uint16, *hubload.Packet) {}, func(error) { close(ended) })
	select {
	case <-ctx.Done():
		return nil
	case <-ended:
		return errors.New("the connection has ended")
	}
}

// A funnel passes everything on between one member and a hub, but so much UDP a
// second only towards the member, with a third of a second's worth at once.
type funnel struct {
	addr string
	tcp  net.Listener
	in   *net.UDPConn // to the member
	out  *net.UDPConn // to the hub
	wg   sync.WaitGroup

	// Guarded by mu.
	mu     sync.Mutex
	from   net.Addr // the member
	open   []net.Conn
	closed bool
}

func newFunnel(hub string) (f *funnel, err error) {
	f = &funnel{}
	for range 32 { // until a port is free for both
		if f.tcp, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
			return nil, err
		}
		at := f.tcp.Addr().(*net.TCPAddr)
		if f.in, err = net.ListenUDP("udp4", &net.UDPAddr{IP: at.IP, Port: at.Port}); err == nil {
			break
		}
		_ = f.tcp.Close()
	}
	if err != nil {
		return nil, err
	}
	f.addr = f.tcp.Addr().String()
	out, err := net.Dial("udp4", hub)
	if err != nil {
		return nil, errors.Join(err, f.tcp.Close(), f.in.Close())
	}
	f.out = out.(*net.UDPConn)
	f.wg.Go(func() { f.accept(hub) })
	f.wg.Go(f.up)
	f.wg.Go(f.down)
	return f, nil
}

// accept passes the one TCP connection on.
func (f *funnel) accept(hub string) {
	a, err := f.tcp.Accept()
	if err != nil {
		return
	}
	b, err := net.Dial("tcp4", hub)
	if err != nil {
		a.Close()
		return
	}
	f.mu.Lock()
	f.open = append(f.open, a, b)
	if f.closed {
		_, _ = a.Close(), b.Close()
	}
	f.mu.Unlock()
	for _, way := range [2][2]net.Conn{{a, b}, {b, a}} {
		f.wg.Go(func() {
			_, _ = io.Copy(way[1], way[0])
			_ = way[1].Close()
		})
	}
}

func (f *funnel) up() {
	b := make([]byte, 2048)
	for {
		n, from, err := f.in.ReadFrom(b)
		if err != nil {
			return
		}
		f.mu.Lock()
		f.from = from
		f.mu.Unlock()
		_, _ = f.out.Write(b[:n])
	}
}

func (f *funnel) down() {
	const most = thinRate / 3
	b := make([]byte, 2048)
	tokens, at := float64(most), time.Now()
	for {
		n, err := f.out.Read(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		now := time.Now()
		tokens = min(tokens+thinRate*now.Sub(at).Seconds(), most)
		at = now
		f.mu.Lock()
		to := f.from
		f.mu.Unlock()
		if err != nil || to == nil || tokens < float64(n) {
			continue
		}
		tokens -= float64(n)
		_, _ = f.in.WriteTo(b[:n], to)
	}
}

func (f *funnel) close() {
	_ = f.tcp.Close()
	_ = f.in.Close()
	_ = f.out.Close()
	f.mu.Lock()
	f.closed = true
	for _, c := range f.open {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}
