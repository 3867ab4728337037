package hubload

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// udpTime is how long a member takes at most until its packets go over UDP.
const udpTime = 5 * time.Second

// A Place says where a member joins.
type Place struct {
	Dial    transport.DialConfig
	Who     *identity.Identity // may be the same for all: making one takes long
	Session string
	Name    string

	// Loss is the share, from 0 to 1, of what comes that the member loses: lost
	// pictures it asks the hub for again, as members of a call do.
	Loss float64
}

// A Member is a Way over a hub. Its packets look sealed, and are not.
type Member struct {
	conn     transport.Conn
	slot     uint16
	loss     float64
	counters [2]uint64 // of voice and of pictures
	out      [wire.MaxDatagram]byte
	in       [wire.MaxDatagram]byte
	reads    sync.WaitGroup
	sending  sync.Mutex // held while a datagram is sent
}

// Join joins a session, and waits until packets go over UDP unless they are to go
// over TLS. Errors are those of transport.Dial, or say what the hub answered.
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
	if p.Dial.NoUDP {
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
			err = errors.New("UDP does not get through")
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
	keys, err := cipher.NewSession(cipher.Config{Identity: p.Who, Binding: m.conn.Info().Binding, Session: p.Session, Name: p.Name})
	if err != nil {
		return err
	}
	defer keys.Close()
	hello, cert, _ := keys.Hello()
	if err := m.conn.SendMessage(wire.Join{Hello: hello, Cert: cert}.Append(nil)); err != nil {
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
		return fmt.Errorf("the hub refuses: %q", msg.Text)
	}
	return fmt.Errorf("the hub says %T", msg)
}

// ignore takes the hub's messages off the way.
func (m *Member) ignore() {
	var b []byte
	for {
		var err error
		if b, err = m.conn.RecvMessage(b); err != nil {
			return
		}
	}
}

// Send implements Way.
func (m *Member) Send(picture bool, size int, now time.Duration) error {
	kind, stream, counter := wire.KindVoice, sframe.StreamVoice, &m.counters[0]
	if picture {
		kind, stream, counter = wire.KindVideo, sframe.StreamVideo, &m.counters[1]
	}
	b := append(m.out[:0], byte(wire.NewClear(kind, 0)))
	b = sframe.AppendHeader(b, uint64(sframe.NewKID(m.slot, stream, 0, 0)), *counter)
	*counter++
	b = binary.BigEndian.AppendUint64(b, uint64(now))
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
func (m *Member) Receive() (time.Duration, error) {
	for {
		n, err := m.conn.RecvDatagram(m.in[:])
		if err != nil {
			return 0, err
		}
		if sent, ok := m.read(m.in[:n]); ok {
			return sent, nil
		}
	}
}

// read returns the time with which a packet begins. It reports false for one that
// is of somebody else, or lost.
func (m *Member) read(b []byte) (sent time.Duration, ok bool) {
	p, err := wire.ParsePacket(b)
	if err != nil || len(b) < p.Header+8 || m.lose(p) {
		return 0, false
	}
	return time.Duration(binary.BigEndian.Uint64(b[p.Header:])), true
}

// Deliver implements Deliverer.
func (m *Member) Deliver(take func(sent time.Duration)) {
	m.conn.(transport.Direct).Serve(&taker{m, take}) // what Dial returns is one
}

// A taker is the Peer of a member, to whom it gives nothing.
type taker struct {
	member *Member
	take   func(sent time.Duration)
}

// Take implements transport.Peer.
func (t *taker) Take(b []byte, _ time.Time, _ *transport.Turn) {
	if sent, ok := t.member.read(b); ok {
		t.take(sent)
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
