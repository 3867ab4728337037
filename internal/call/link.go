package call

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
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

// A link is a place in the session. It outlives the connections over which it is
// held: see resume.go.
type link struct {
	// Set by join.
	keys    *cipher.Session
	slot    uint16
	token   [32]byte // to resume the place with; zero if the hub does not keep it
	began   time.Time
	out     post              // messages for the hub
	in      chan wire.Message // read > control; never closed
	settled chan struct{}     // closed by controlLoop when it adds no more to out

	// Set by join, and by resume while none of the goroutines of a connection runs.
	conn transport.Conn

	// Set by stay.
	ctx context.Context // of all that lives as long as the place

	// Updated by any goroutine.
	received atomic.Uint64 // messages of the hub that count, as wire.Ack says
	lostAt   atomic.Int64  // since when there is no connection, ns since 1970; 0 while there is
	backAt   atomic.Int64  // when there was one again, likewise; 0 for never
	entering atomic.Bool   // members who were there before have not answered
	spoilt   atomic.Bool   // a handshake was broken off: only joining anew heals that

	// Owned by controlLoop.
	waiting  int // members whom the hub has yet to list
	known    map[hello.Hash]acquaintance
	anew     *time.Timer   // for joining anew
	digest   [32]byte      // of the people whom this member sees
	digestAt time.Time     // when it was another one before
	quickest time.Duration // round trip to the hub, over the present connection
	since    int64         // backAt, of that
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
	c.joinedAt.Store(l.began.UnixNano())
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
	j := wire.Join{Hello: h, Cert: cert, Caps: wire.CapResume}
	if c.cfg.Door != nil {
		proof := c.cfg.Door.Door(conn.Info().Binding)
		j.Door = proof[:]
	}
	before := conn.Info().RTT // nothing is in its way yet
	answer, err := ask(conn, j)
	if err != nil {
		keys.Close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("join session %q: %w", c.cfg.Session, err)
	}
	joined, ok := answer.(wire.Joined)
	if !ok || keys.Start(joined.Slot) != nil {
		keys.Close()
		return nil, errProtocol
	}
	l := &link{
		conn: conn, keys: keys, slot: joined.Slot, token: joined.Token, began: time.Now(),
		in:      make(chan wire.Message),
		settled: make(chan struct{}),
		waiting: int(joined.Peers),
		known:   make(map[hello.Hash]acquaintance),
	}
	l.out.init(l.resumable())
	l.entering.Store(l.waiting > 0)
	l.slow(before, tideHigh)
	l.slow(conn.Info().RTT, tideHigh)
	return l, nil
}

// errNoAnswer says that something took the connection and then kept silent.
var errNoAnswer = errors.New("the hub does not answer")

// errProtocol says that the hub broke the protocol.
var errProtocol = errors.New("the hub sent something unexpected")

// ask sends the first message of a connection and waits for the answer. That of
// a hub which refuses is an error.
func ask(conn transport.Conn, m wire.Message) (wire.Message, error) {
	if err := conn.SendMessage(m.Append(nil)); err != nil {
		return nil, err
	}
	b, err := conn.RecvMessage(nil)
	if err != nil {
		return nil, err
	}
	answer, err := wire.ParseMessage(b)
	if err != nil {
		return nil, errProtocol
	}
	if e, ok := answer.(wire.Error); ok {
		return nil, refused(e)
	}
	return answer, nil
}

// dropLink forgets the members and the keys of a place that is lost. If another
// one is taken at once, the members of before are expected back.
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

// writeLoop is the only one to send messages. When the place is given up it says
// goodbye to the members and to the hub. It closes the connection. It returns an
// error if another connection would not help.
func (c *Call) writeLoop(ctx context.Context, l *link) error {
	defer l.conn.Close()
	tick := time.NewTicker(ackEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.out.ready:
		case <-tick.C:
			l.out.acknowledge(l.received.Load())
		case <-ctx.Done():
			if l.ctx.Err() != nil {
				l.goodbye()
			}
			return nil
		}
		if ok, err := l.send(); err != nil {
			return err
		} else if !ok {
			<-ctx.Done()
			return nil
		}
	}
}

// goodbye sends what still waits and the last messages of all. It is no loss if
// that fails: the hub then sees the connection end.
func (l *link) goodbye() {
	stuck := time.AfterFunc(leaveTimeout, func() { l.conn.Close() })
	defer stuck.Stop()
	<-l.settled
	if ok, _ := l.send(); !ok {
		return
	}
	for _, pair := range l.keys.Bye() {
		if l.conn.SendMessage(wire.Forward{Pair: pair}.Append(nil)) != nil {
			return
		}
	}
	_ = l.conn.SendMessage(wire.Leave{}.Append(nil))
}

// write queues a message for the hub.
func (l *link) write(ctx context.Context, m wire.Message) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return l.out.put(m)
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

// beat queues a heartbeat, and what is said of the own hand.
func (c *Call) beat(l *link, now time.Time) {
	var buf [64]byte
	c.outbox.put(now, queue.Control, sframe.StreamControl, wire.NewClear(wire.KindControl, 0), wire.Heartbeat{
		Time:   wire.NewMillis(now),
		Muted:  c.silent(),
		Camera: c.cameraOn.Load() && c.camOpen.Load(),
		Deaf:   c.deaf(),
		Thin:   c.thinLink(),
		Digest: l.keys.Digest(),
	}.Append(buf[:0]))
	c.showHand(now)
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
