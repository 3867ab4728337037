package call

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/queue"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// joinTimeout bounds the time from the connection to the hub's answer.
const joinTimeout = 5 * time.Second

// leaveTimeout bounds the time that a last word to the hub may take.
const leaveTimeout = 500 * time.Millisecond

// heartbeatEvery is how often a member says that it is there.
const heartbeatEvery = time.Second

// A link is one joined connection to the hub.
type link struct {
	conn transport.Conn
	keys *cipher.Session
	slot uint16
	out  chan wire.Message // messages for the hub; never closed

	// Owned by controlLoop.
	waiting int // members whom the hub has yet to list
}

// connect dials the hub and joins the session.
func (c *Call) connect(ctx context.Context) (*link, error) {
	conn, err := c.cfg.Dial(ctx)
	if err != nil {
		return nil, err
	}
	l, err := c.join(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	c.mu.Lock()
	c.link = l
	c.mu.Unlock()
	c.setPhase(Joined, time.Time{})
	return l, nil
}

// join asks the hub for a place in the session and waits for its answer.
func (c *Call) join(ctx context.Context, conn transport.Conn) (*link, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, joinTimeout, errNoAnswer)
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	keys, err := cipher.NewSession(cipher.Config{
		Binding: conn.Info().Binding, Session: c.cfg.Session, Name: c.cfg.Name,
	})
	if err != nil {
		return nil, err
	}
	h, _ := keys.Hello()
	joined, err := ask(conn, wire.Join{Hello: h})
	if err != nil {
		keys.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("join session %q: %w", c.cfg.Session, err)
	}
	if joined.Slot > sframe.MaxSlot {
		keys.Close()
		return nil, errProtocol
	}
	keys.Start(joined.Slot)
	return &link{
		conn: conn, keys: keys, slot: joined.Slot,
		out:     make(chan wire.Message, 64),
		waiting: int(joined.Peers),
	}, nil
}

// errNoAnswer says that something took the connection and then kept silent.
var errNoAnswer = errors.New("the hub does not answer")

// errProtocol says that the hub broke the protocol.
var errProtocol = errors.New("the hub sent something unexpected")

// ask sends a Join and waits for the answer.
func ask(conn transport.Conn, j wire.Join) (wire.Joined, error) {
	var joined wire.Joined
	if err := conn.SendMessage(j.Append(nil)); err != nil {
		return joined, err
	}
	b, err := conn.RecvMessage(nil)
	if err != nil {
		return joined, err
	}
	m, err := wire.ParseMessage(b)
	if err != nil {
		return joined, errProtocol
	}
	switch m := m.(type) {
	case wire.Joined:
		return m, nil
	case wire.Error:
		return joined, refused(m)
	}
	return joined, errProtocol
}

// serve takes part in the session over l until the connection ends or ctx is
// done, and says why. All its goroutines have ended when it returns.
func (c *Call) serve(ctx context.Context, l *link) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	c.goes(&wg, func() { cancel(c.recvLoop(l)) })
	c.goes(&wg, func() { cancel(c.sendLoop(ctx, l)) })
	c.goes(&wg, func() { cancel(c.controlLoop(ctx, l)) })
	c.goes(&wg, func() { c.writeLoop(ctx, l) })
	c.goes(&wg, func() { c.beatLoop(ctx, l) })
	<-ctx.Done()
	wg.Wait()
	c.dropLink(l)
	return context.Cause(ctx)
}

// dropLink forgets the members and the keys of a connection that has ended.
func (c *Call) dropLink(l *link) {
	c.mu.Lock()
	c.link = nil
	c.stat = Link{Phase: Reconnecting, Remote: c.stat.Remote}
	old := *c.members.Load()
	c.members.Store(new([]*member))
	c.mu.Unlock()
	for _, m := range old {
		m.stop()
	}
	c.ends.Wait()
	l.keys.Close()
	c.touch()
}

// writeLoop is the only one to send messages. When ctx is done it says goodbye
// and closes the connection.
func (c *Call) writeLoop(ctx context.Context, l *link) {
	defer l.conn.Close()
	var buf []byte
	for {
		select {
		case m := <-l.out:
			buf = m.Append(buf[:0])
			if err := l.conn.SendMessage(buf); err != nil {
				return // the loops that receive say why
			}
		case <-ctx.Done():
			stuck := time.AfterFunc(leaveTimeout, func() { l.conn.Close() })
			defer stuck.Stop()
			// It is no loss if this fails: the hub then sees the connection end.
			_ = l.conn.SendMessage(wire.Leave{}.Append(buf[:0]))
			return
		}
	}
}

// controlLoop takes the messages of the hub.
func (c *Call) controlLoop(ctx context.Context, l *link) error {
	var buf []byte
	for {
		b, err := l.conn.RecvMessage(buf[:0])
		if err != nil {
			return err
		}
		buf = b
		m, err := wire.ParseMessage(b)
		if err != nil {
			return errProtocol
		}
		switch m := m.(type) {
		case wire.Peer:
			err = c.meet(ctx, l, m)
		case wire.From:
			err = c.pair(ctx, l, m.Pair)
		case wire.Gone:
			c.gone(l, m.Hash)
		case wire.Error:
			err = refused(m)
		default:
			err = errProtocol
		}
		if err != nil {
			return err
		}
	}
}

// meet takes the news of a member. Those whom the hub lists after Joined were
// there first and will write to us; a later one is ours to welcome.
func (c *Call) meet(ctx context.Context, l *link, p wire.Peer) error {
	if l.waiting > 0 {
		l.waiting--
		if _, err := l.keys.Meet(p.Slot, p.Hello); err != nil {
			c.cfg.Log.Warn("hub listed a member with a bad hello", "err", err)
		}
		return nil
	}
	pair, err := l.keys.Welcome(p.Slot, p.Hello)
	if err != nil {
		c.cfg.Log.Warn("cannot welcome a member", "err", err)
		return nil
	}
	c.addMember(ctx, cipher.Peer{ID: hello.Sum(p.Hello), Slot: p.Slot})
	return l.write(ctx, wire.Forward{Pair: pair})
}

// pair takes a pair message from another member.
func (c *Call) pair(ctx context.Context, l *link, b []byte) error {
	answer, p, err := l.keys.Handle(b)
	if err != nil {
		c.cfg.Log.Debug("pair message refused", "err", err)
		return nil // hostile or damaged: counted by nobody's fault of ours
	}
	if answer != nil {
		if sameName(p.Name, c.cfg.Name) {
			return &RefusedError{NameTaken: true, Name: c.cfg.Name}
		}
		if err := l.write(ctx, wire.Forward{Pair: bytes.Clone(answer)}); err != nil {
			return err
		}
	}
	if p.Confirmed {
		c.confirm(c.addMember(ctx, p), p)
	}
	return nil
}

// sameName reports whether two names look the same to a person.
func sameName(a, b string) bool {
	return strings.EqualFold(text.Clean(a, text.MaxName), text.Clean(b, text.MaxName))
}

// write queues a message for the hub.
func (l *link) write(ctx context.Context, m wire.Message) error {
	select {
	case l.out <- m:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// addMember puts a member on the screen, unless it is there already, and
// starts its decoder.
func (c *Call) addMember(ctx context.Context, p cipher.Peer) *member {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := *c.members.Load()
	for _, m := range old {
		if m.id == p.ID {
			return m
		}
	}
	m := newMember(ctx, p)
	c.goes(&c.ends, func() { c.decodeLoop(m) })
	now := append(slices.Clip(old), m)
	slices.SortFunc(now, func(a, b *member) int { return int(a.slot) - int(b.slot) })
	c.members.Store(&now)
	return m
}

// confirm marks a member as present.
func (c *Call) confirm(m *member, p cipher.Peer) {
	name := text.Clean(p.Name, text.MaxName)
	if name == "" {
		name = fmt.Sprintf("member %d", p.Slot)
	}
	if !m.present(name) {
		return
	}
	c.want.key() // they have no picture of us yet
	wake(c.outbox.beat)
	c.notify(Notice{Kind: MemberJoined, Slot: m.slot, Name: name})
}

// gone takes a member off the screen.
func (c *Call) gone(l *link, id hello.Hash) {
	l.keys.Forget(id)
	c.mu.Lock()
	old := *c.members.Load()
	i := slices.IndexFunc(old, func(m *member) bool { return m.id == id })
	if i < 0 {
		c.mu.Unlock()
		return
	}
	m := old[i]
	now := slices.Delete(slices.Clone(old), i, i+1)
	c.members.Store(&now)
	c.mu.Unlock()
	m.stop()
	if name := m.name(); name != "" {
		c.notify(Notice{Kind: MemberLeft, Slot: m.slot, Name: name})
	}
	c.touch()
}

// sendLoop seals what waits in the outbox and sends it.
func (c *Call) sendLoop(ctx context.Context, l *link) error {
	var p payload
	var buf [wire.MaxDatagram]byte
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.outbox.queue.Ready():
		}
		for c.outbox.get(time.Now(), &p) {
			b, err := l.keys.Seal(buf[:0], p.stream, byte(p.clear), p.plain[:p.n])
			if err != nil {
				return err // the key is used up: join anew
			}
			if err := l.conn.SendDatagram(b); err != nil {
				return err
			}
		}
	}
}

// beatLoop tells the others once a second how this member is, asks for
// pictures that are missing, and measures the link.
func (c *Call) beatLoop(ctx context.Context, l *link) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	var meter linkMeter
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			c.measure(&meter, l, now)
			c.beat(now)
		case <-c.outbox.beat:
			c.beat(time.Now())
		case <-c.outbox.ask:
			c.askPictures(time.Now())
		}
	}
}

// beat queues a heartbeat.
func (c *Call) beat(now time.Time) {
	var buf [16]byte
	c.outbox.put(now, queue.Control, sframe.StreamControl, wire.NewClear(wire.KindControl, 0), wire.Heartbeat{
		Time:   wire.NewMillis(now),
		Muted:  c.muted.Load() || !c.micOpen.Load(),
		Camera: c.cameraOn.Load() && c.camOpen.Load(),
		Deaf:   !c.spkOpen.Load(),
	}.Append(buf[:0]))
}

// A linkMeter remembers the counters of a second ago.
type linkMeter struct {
	at       time.Time
	up, down uint64
}

// measure updates what State says of the link and of each member.
func (c *Call) measure(m *linkMeter, l *link, now time.Time) {
	info := l.conn.Info()
	var got, lost uint64
	for _, o := range *c.members.Load() {
		g, x := o.second(now)
		got, lost = got+g, lost+x
	}
	c.mu.Lock()
	if d := now.Sub(m.at).Seconds(); !m.at.IsZero() && d > 0 {
		c.stat.Up = float64(info.Sent-m.up) / 1000 / d
		c.stat.Down = float64(info.Received-m.down) / 1000 / d
		c.stat.Loss = 0
		if got+lost > 0 {
			c.stat.Loss = float64(lost) / float64(got+lost)
		}
	}
	c.stat.Path, c.stat.RTT, c.stat.Remote = info.Path, info.RTT, info.Remote
	c.mu.Unlock()
	*m = linkMeter{now, info.Sent, info.Received}
	c.touch()
}
