package call

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/queue"
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
	// Set by join.
	conn    transport.Conn
	keys    *cipher.Session
	slot    uint16
	out     chan wire.Message // messages for the hub; never closed
	in      chan incoming     // read > control; never closed
	settled chan struct{}     // closed by controlLoop when it adds no more to out

	// Set by serve.
	ctx context.Context // of the goroutines of members

	// Owned by controlLoop.
	waiting  int // members whom the hub has yet to list
	known    map[hello.Hash]acquaintance
	anew     *time.Timer   // for joining anew
	digest   [32]byte      // of the people whom this member sees
	digestAt time.Time     // when it was another one before
	quickest time.Duration // round trip to the hub
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
	c.views.begin(time.Now())
	c.demand.everybody()
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
		Identity: c.cfg.Identity, Passphrase: c.cfg.Passphrase, Guard: &c.guard,
		Binding: conn.Info().Binding, Session: c.cfg.Session, Name: c.cfg.Name,
	})
	if err != nil {
		return nil, err
	}
	h, cert, _ := keys.Hello()
	j := wire.Join{Hello: h, Cert: cert}
	if c.cfg.Door != nil {
		proof := c.cfg.Door.Door(conn.Info().Binding)
		j.Door = proof[:]
	}
	before := conn.Info().RTT // nothing is in its way yet
	joined, err := ask(conn, j)
	if err != nil {
		keys.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("join session %q: %w", c.cfg.Session, err)
	}
	if err := keys.Start(joined.Slot); err != nil {
		keys.Close()
		return nil, errProtocol
	}
	l := &link{
		conn: conn, keys: keys, slot: joined.Slot,
		out:     make(chan wire.Message, 64),
		in:      make(chan incoming),
		settled: make(chan struct{}),
		waiting: int(joined.Peers),
		known:   make(map[hello.Hash]acquaintance),
	}
	l.slow(before)
	l.slow(conn.Info().RTT)
	return l, nil
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
	l.ctx = ctx
	var wg sync.WaitGroup
	c.goes(&wg, func() { c.readLoop(ctx, l) })
	c.goes(&wg, func() { cancel(c.recvLoop(l)) })
	c.goes(&wg, func() { cancel(c.sendLoop(ctx, l)) })
	c.goes(&wg, func() { cancel(c.controlLoop(ctx, l)) })
	c.goes(&wg, func() { c.writeLoop(ctx, l) })
	c.goes(&wg, func() { c.beatLoop(ctx, l) })
	c.goes(&wg, func() { c.repairLoop(ctx, l) })
	<-ctx.Done()
	wg.Wait()
	err := context.Cause(ctx)
	c.dropLink(l, errors.Is(err, errAnew))
	return err
}

// dropLink forgets the members and the keys of a connection that has ended. If
// it will be made anew at once, the members of before are expected back.
func (c *Call) dropLink(l *link, anew bool) {
	now := time.Now()
	c.mu.Lock()
	c.link = nil
	if !anew {
		c.stat = Link{Phase: Reconnecting, Remote: c.stat.Remote}
	}
	old := *c.members.Load()
	c.members.Store(new([]*member))
	c.code, c.coded = [4]string{}, nil
	c.mu.Unlock()
	for _, m := range old {
		m.stop()
		if name := m.name(); anew && name != "" {
			c.left(departure{fp: m.fp, name: name, slot: m.slot, told: now.Add(backTime)})
		}
	}
	c.ends.Wait()
	l.keys.Close()
	c.people.mu.Lock()
	c.people.visitors, c.people.removals = nil, nil
	c.people.mu.Unlock()
	if !anew {
		c.tellLeft(now.Add(backTime)) // all, as nobody is expected back
	}
	c.touch()
}

// writeLoop is the only one to send messages. When ctx is done it says goodbye
// to the members and to the hub, and closes the connection.
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
			<-l.settled
			l.goodbye(buf)
			return
		}
	}
}

// goodbye sends what still waits and the last messages of all. It is no loss if
// that fails: the hub then sees the connection end.
func (l *link) goodbye(buf []byte) {
	send := func(m wire.Message) bool {
		buf = m.Append(buf[:0])
		return l.conn.SendMessage(buf) == nil
	}
	for len(l.out) > 0 {
		if !send(<-l.out) {
			return
		}
	}
	for _, pair := range l.keys.Bye() {
		if !send(wire.Forward{Pair: pair}) {
			return
		}
	}
	send(wire.Leave{})
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
			b := p.plain[:p.n]
			if !p.bare {
				var err error
				if b, err = l.keys.Seal(buf[:0], p.stream, byte(p.clear), b); err != nil {
					return err // the key is used up: join anew
				}
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
			c.reportLoss(now)
			c.beat(l, now)
		case <-c.outbox.beat:
			c.beat(l, time.Now())
		case <-c.outbox.ask:
			c.askPictures(time.Now())
		}
	}
}

// beat queues a heartbeat.
func (c *Call) beat(l *link, now time.Time) {
	var buf [64]byte
	c.outbox.put(now, queue.Control, sframe.StreamControl, wire.NewClear(wire.KindControl, 0), wire.Heartbeat{
		Time:   wire.NewMillis(now),
		Muted:  c.silent(),
		Camera: c.cameraOn.Load() && c.camOpen.Load(),
		Deaf:   !c.spkOpen.Load(),
		Digest: l.keys.Digest(),
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
