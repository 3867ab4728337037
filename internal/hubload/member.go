package hubload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

const (
	udpTime = 5 * time.Second // that a member takes at most until its packets go over UDP
	atOnce  = 8               // how many join, or leave, at the same time
)

// ErrNoUDP says that no UDP gets through to the hub.
var ErrNoUDP = errors.New("UDP does not get through")

// A RefusedError says that the hub did not let a member join.
type RefusedError struct {
	Code wire.ErrorCode
	Text string // of the hub, as it came
}

func (e *RefusedError) Error() string { return fmt.Sprintf("the hub refuses: %q", e.Text) }

// A Place says where a member joins.
type Place struct {
	Dial    transport.DialConfig
	Who     *identity.Identity // may be the same for all: making one takes long
	Session string
	Name    string
	Door    *hello.Token // nil: the hub asks for none

	// Loss is the share, from 0 to 1, of what comes that the member loses: lost
	// pictures it asks the hub for again, as members of a call do.
	Loss float64
}

// A Member is a Way over a hub. Its packets look sealed, and are not.
type Member struct {
	conn  transport.Conn
	slot  uint16
	loss  float64
	out   [wire.MaxDatagram]byte // of Send
	in    [wire.MaxDatagram]byte // of Receive
	reads sync.WaitGroup

	sending sync.Mutex // held while a datagram is sent

	// Guarded by mu.
	mu     sync.Mutex
	err    error       // why the connection has ended
	failed func(error) // of Deliver
}

// JoinAll calls join for each i below n, several at a time, and returns the ways
// in their order. An error is that of the first who could not join; nobody stays
// then.
func JoinAll(ctx context.Context, n int, join func(ctx context.Context, i int) (Way, error)) ([]Way, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ways := make([]Way, n)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, atOnce) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				w, err := join(ctx, i)
				if err != nil {
					cancel(err)
					return
				}
				ways[i] = w
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		closeAll(ways)
		return nil, err
	}
	return ways, nil
}

// closeAll closes ways, several at a time. Some may be nil.
func closeAll(ways []Way) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(len(ways), atOnce) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(ways); i = int(next.Add(1)) - 1 {
				if ways[i] != nil {
					ways[i].Close()
				}
			}
		})
	}
	wg.Wait()
}

// Join joins a session, and waits until packets go over UDP unless they are to go
// over TLS, as they do through a proxy. Errors are those of transport.Dial, a
// *RefusedError, ErrNoUDP, or the cause of ctx.
func Join(ctx context.Context, p Place) (*Member, error) {
	conn, err := transport.Dial(ctx, p.Dial)
	if err != nil {
		return nil, err
	}
	m := &Member{conn: conn, loss: p.Loss}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := m.join(&p); err != nil {
		conn.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	m.reads.Go(m.ignore) // until Close, which waits for it
	if p.Dial.NoUDP || p.Dial.Proxy != nil {
		return m, nil
	}
	limit := time.NewTimer(udpTime)
	defer limit.Stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for conn.Info().Path != transport.PathUDP {
		select {
		case <-look.C:
			continue
		case <-limit.C:
			err = ErrNoUDP
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		m.Close()
		return nil, err
	}
	return m, nil
}

// join asks for a place in a session.
func (m *Member) join(p *Place) error {
	binding := m.conn.Info().Binding
	keys, err := cipher.NewSession(cipher.Config{Identity: p.Who, Binding: binding, Session: p.Session, Name: p.Name})
	if err != nil {
		return err
	}
	defer keys.Close()
	var join wire.Join
	join.Hello, join.Cert, _ = keys.Hello()
	if p.Door != nil {
		proof := p.Door.Door(binding)
		join.Door = proof[:]
	}
	if err := m.conn.SendMessage(join.Append(nil)); err != nil {
		return err
	}
	b, err := m.conn.RecvMessage(nil)
	if err != nil {
		return err
	}
	msg, err := wire.ParseMessage(b)
	if err != nil {
		return err
	}
	switch msg := msg.(type) {
	case wire.Joined:
		m.slot = msg.Slot
		return nil
	case wire.Error:
		return &RefusedError{msg.Code, msg.Text}
	}
	return fmt.Errorf("the hub says %T", msg)
}

// ignore takes the hub's messages off the way, until that ends.
func (m *Member) ignore() {
	var b []byte
	for {
		var err error
		if b, err = m.conn.RecvMessage(b); err != nil {
			m.end(err)
			return
		}
	}
}

// end tells who asked for it why the connection has ended, unless that was Close.
func (m *Member) end(err error) {
	m.mu.Lock()
	m.err = err
	failed := m.failed
	m.mu.Unlock()
	if failed != nil && !errors.Is(err, net.ErrClosed) {
		failed(err)
	}
}

// Send implements Way.
func (m *Member) Send(p *Packet, size int) error {
	kind, stream := wire.KindVoice, sframe.StreamVoice
	if p.Picture {
		kind, stream = wire.KindVideo, sframe.StreamVideo
	}
	b := append(m.out[:0], byte(wire.NewClear(kind, 0)))
	b = sframe.AppendHeader(b, uint64(sframe.NewKID(m.slot, stream, 0, 0)), uint64(p.Number))
	b = p.Append(b)
	m.sending.Lock()
	defer m.sending.Unlock()
	return m.conn.SendDatagram(m.out[:min(max(size, len(b)), len(m.out))])
}

// lose reports whether a packet is lost, and asks for a picture again.
func (m *Member) lose(p wire.Packet) bool {
	if m.loss == 0 || rand.Float64() >= m.loss {
		return false
	}
	if k := p.Clear.Kind(); k == wire.KindVideo || k == wire.KindKey {
		n := wire.Nack{KID: p.KID, First: p.CTR, Bits: 1}
		m.sending.Lock()
		defer m.sending.Unlock()
		_ = m.conn.SendDatagram(n.Append(nil)) // Receive fails too when the connection has ended
	}
	return true
}

// Receive implements Way.
func (m *Member) Receive(p *Packet) (from uint16, err error) {
	for {
		n, err := m.conn.RecvDatagram(m.in[:])
		if err != nil {
			return 0, err
		}
		if from, ok := m.read(m.in[:n], p); ok {
			return from, nil
		}
	}
}

// read decodes a packet. It reports false for one that is of somebody else, or
// lost.
func (m *Member) read(b []byte, p *Packet) (from uint16, ok bool) {
	head, err := wire.ParsePacket(b)
	if err != nil || !p.Parse(b[head.Header:]) || m.lose(head) {
		return 0, false
	}
	return head.KID.Slot(), true
}

// Deliver implements Deliverer.
func (m *Member) Deliver(take func(from uint16, p *Packet), failed func(error)) {
	m.mu.Lock()
	m.failed = failed
	err := m.err
	m.mu.Unlock()
	if err != nil {
		m.end(err)
		return
	}
	m.conn.(transport.Direct).Serve(&taker{member: m, take: take}) // what Dial returns is one
}

// A taker is the Peer of a member, to whom it gives nothing.
type taker struct {
	member *Member
	take   func(from uint16, p *Packet)
	packet Packet // of Take
}

// Take implements transport.Peer.
func (t *taker) Take(b []byte, _ time.Time, _ *transport.Turn) {
	if from, ok := t.member.read(b, &t.packet); ok {
		t.take(from, &t.packet)
	}
}

// Give implements transport.Peer.
func (*taker) Give([]byte, time.Time) (n int, more bool) { return 0, false }

var _ Deliverer = (*Member)(nil)

// Info returns what is known of the connection.
func (m *Member) Info() transport.Info { return m.conn.Info() }

// Close implements Way.
func (m *Member) Close() {
	_ = m.conn.Close() // what is not sent counts as lost
	m.reads.Wait()
}
