package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/lab/program"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// joinTime bounds how long one member takes to be on UDP.
const joinTime = 5 * time.Second

// A hubRoom is a hub of s2c.
type hubRoom struct {
	program *program.Program
	process *program.Process
	who     *identity.Identity // of everybody
}

func (h *hubRoom) start(ctx context.Context) (pid int, err error) {
	if h.who, err = identity.Generate(); err != nil {
		return 0, err
	}
	if h.process, err = h.program.Hub(ctx, "--max-members", "5000", "--max-sessions", "5000"); err != nil {
		return 0, err
	}
	return h.process.PID(), nil
}

func (h *hubRoom) end() {
	if h.process != nil {
		h.process.End()
	}
}

// A hubWay is a member that has joined.
type hubWay struct {
	conn     transport.Conn
	slot     uint16
	counters [2]uint64 // of voice and of pictures
	out      [wire.MaxDatagram]byte
	in       [wire.MaxDatagram]byte
	read     chan struct{} // closed when no message comes any more
}

func (h *hubRoom) join(ctx context.Context, i int) (way, error) {
	conn, err := transport.Dial(ctx, transport.DialConfig{Addr: h.process.Addr, Verify: func(string) error { return nil }})
	if err != nil {
		return nil, err
	}
	w := &hubWay{conn: conn, read: make(chan struct{})}
	if err := w.join(h.who, "room"+strconv.Itoa(i/roomSize), "member"+strconv.Itoa(i)); err != nil {
		conn.Close()
		return nil, err
	}
	go w.ignore() // until close, which waits for it
	limit := time.NewTimer(joinTime)
	defer limit.Stop()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for conn.Info().Path != transport.PathUDP {
		select {
		case <-look.C:
		case <-limit.C:
			w.close()
			return nil, errors.New("UDP does not get through")
		case <-ctx.Done():
			w.close()
			return nil, context.Cause(ctx)
		}
	}
	return w, nil
}

// join asks for a place in a session.
func (w *hubWay) join(who *identity.Identity, session, name string) error {
	keys, err := cipher.NewSession(cipher.Config{Identity: who, Binding: w.conn.Info().Binding, Session: session, Name: name})
	if err != nil {
		return err
	}
	defer keys.Close()
	hello, cert, _ := keys.Hello()
	if err := w.conn.SendMessage(wire.Join{Hello: hello, Cert: cert}.Append(nil)); err != nil {
		return err
	}
	b, err := w.conn.RecvMessage(nil)
	if err != nil {
		return err
	}
	m, err := wire.ParseMessage(b)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case wire.Joined:
		w.slot = m.Slot
		return nil
	case wire.Error:
		return fmt.Errorf("the hub refuses: %s", m.Text)
	}
	return fmt.Errorf("the hub says %T", m)
}

// ignore takes the hub's messages off the way.
func (w *hubWay) ignore() {
	defer close(w.read)
	var b []byte
	for {
		var err error
		if b, err = w.conn.RecvMessage(b); err != nil {
			return
		}
	}
}

func (w *hubWay) send(picture bool, size int, now time.Duration) error {
	kind, stream, counter := wire.KindVoice, sframe.StreamVoice, &w.counters[0]
	if picture {
		kind, stream, counter = wire.KindVideo, sframe.StreamVideo, &w.counters[1]
	}
	b := append(w.out[:0], byte(wire.NewClear(kind, 0)))
	b = sframe.AppendHeader(b, uint64(sframe.NewKID(w.slot, stream, 0, 0)), *counter)
	*counter++
	b = binary.BigEndian.AppendUint64(b, uint64(now))
	return w.conn.SendDatagram(w.out[:max(size, len(b))])
}

func (w *hubWay) receive() (time.Duration, error) {
	n, err := w.conn.RecvDatagram(w.in[:])
	if err != nil {
		return 0, err
	}
	p, err := wire.ParsePacket(w.in[:n])
	if err != nil {
		return 0, err
	}
	body := sframe.AppendHeader(nil, uint64(p.KID), p.CTR)
	return time.Duration(binary.BigEndian.Uint64(w.in[1+len(body):])), nil
}

func (w *hubWay) close() {
	w.conn.Close()
	<-w.read
}
