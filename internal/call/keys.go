package call

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/wire"
)

// The way of a message from the hub, with the goroutine in brackets:
//
//	RecvMessage > wire.ParseMessage [read] > cipher.Meet, Welcome, Handle > screen [control]
//
// control alone decides who is in and takes the steps of the handshake; so it
// needs no lock for them, and recv, which opens packets, never waits for it.

// anewEvery is how often a member joins anew with new keys, which heals what
// somebody may have learned of the old ones. Less or more a tenth by chance, so
// that the members of a session do not do it all at once.
const anewEvery = time.Hour

// anewSoon is how soon a member joins anew because somebody was let in too late
// for this connection: others may be let in with the next few keys pressed.
const anewSoon = time.Second

// errAnew gives up a place in order to join anew.
var errAnew = errors.New("it is time for new keys")

// answerTime is how long after the first message of a handshake an answer to it
// is certain to be taken. Package cipher waits for 5 s; the answer travels.
const answerTime = 4 * time.Second

// pairFirst is the type of the message that begins a handshake; see package
// cipher.
const pairFirst = 1

// An acquaintance is a member who was let in on this connection.
type acquaintance struct {
	fp     hello.Fingerprint
	listed bool // was there before this member
	met    bool // and has answered
}

// readLoop takes the messages of the hub apart and hands them to controlLoop. It
// returns why the connection is to end: a *lostError, or what another connection
// would not help against.
func (c *Call) readLoop(ctx context.Context, l *link) error {
	for {
		b, err := l.conn.RecvMessage(nil) // a message may be kept, so each has its own memory
		if err != nil {
			return &lostError{err}
		}
		m, err := wire.ParseMessage(b)
		if err != nil {
			return errProtocol
		}
		if a, ok := m.(wire.Ack); ok {
			if !l.out.acknowledged(a.Received) {
				return errProtocol
			}
			continue
		}
		select {
		case l.in <- m:
			l.count()
		case <-ctx.Done():
			return nil
		}
	}
}

// controlLoop takes the messages of the hub, the person's decisions, and what
// time asks for, also while there is no connection. It returns why the place is to
// be given up.
func (c *Call) controlLoop(ctx context.Context, l *link) error {
	defer close(l.settled)
	second := time.NewTicker(time.Second)
	defer second.Stop()
	l.anew = time.NewTimer(anewEvery*9/10 + jitter(anewEvery/5))
	defer l.anew.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	tell := time.NewTimer(firstWatch)
	defer tell.Stop()
	wake(c.people.wake) // decisions that were made before
	for {
		var err error
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case m := <-l.in:
			err = c.message(ctx, l, m)
		case <-c.people.wake:
			err = c.decided(ctx, l)
		case now := <-second.C:
			c.second(l, now)
		case <-l.anew.C:
			err = errAnew
		case <-c.views.wake:
			err = c.tellViews(ctx, l, tell)
		case <-tell.C:
			err = c.tellViews(ctx, l, tell)
		case <-due.C:
		}
		if err != nil {
			return err
		}
		// After each step, as each may bring the next work forward.
		out, next := l.keys.Due(time.Now())
		if err := c.obey(ctx, l, out); err != nil {
			return err
		}
		if next.IsZero() {
			due.Stop()
		} else {
			due.Reset(max(time.Until(next), time.Millisecond))
		}
	}
}

// message takes a message of the hub.
func (c *Call) message(ctx context.Context, l *link, m wire.Message) error {
	switch m := m.(type) {
	case wire.Peer:
		return c.meet(ctx, l, m)
	case wire.From:
		return c.pair(ctx, l, m.Pair)
	case wire.Gone:
		c.gone(l, m.Hash)
		return nil
	case wire.Away:
		c.away(m, time.Now())
		return nil
	case wire.Sealed:
		c.hear(l, m.Packet, time.Now())
		return nil
	case wire.Layers:
		c.takeLayers(m)
		return nil
	case wire.Error:
		return refused(m)
	}
	return errProtocol
}

// meet takes the news of a member. Those whom the hub lists after Joined were
// there first and will write to us; a later one is ours to welcome.
func (c *Call) meet(ctx context.Context, l *link, p wire.Peer) error {
	listed := l.waiting > 0
	if listed {
		l.waiting--
	}
	h, err := hello.Verify(p.Hello, p.Cert)
	if err != nil {
		c.cfg.Log.Warn("hub tells of a member who cannot be taken", "err", err)
		return nil
	}
	v := &visitor{slot: p.Slot, hello: h, listed: listed, since: time.Now()}
	switch c.judge(v.fingerprint()) {
	case welcome:
		return c.letIn(ctx, l, v)
	case inquire:
		c.leaveOutside(v)
		c.knock(v)
	case later:
		c.leaveOutside(v)
	case refuse:
		c.cfg.Log.Info("member not let in", "slot", v.slot, "key", v.fingerprint())
	}
	return nil
}

// letIn begins the handshake with somebody who may have this member's key.
func (c *Call) letIn(ctx context.Context, l *link, v *visitor) error {
	id, now := v.hello.Hash(), time.Now()
	if v.first != nil && now.Sub(v.firstAt) > answerTime {
		// They have given up on this member, for as long as this Hello lasts.
		l.anew.Reset(anewSoon)
		return nil
	}
	var pair []byte
	var err error
	if v.listed {
		err = l.keys.Meet(now, v.slot, v.hello)
	} else {
		pair, err = l.keys.Welcome(now, v.slot, v.hello)
	}
	if err != nil {
		c.cfg.Log.Warn("member cannot be let in", "err", err)
		return nil
	}
	l.known[id] = acquaintance{fp: v.fingerprint(), listed: v.listed}
	c.syncScreen(l)
	switch {
	case pair != nil:
		return l.write(ctx, wire.Forward{Pair: pair})
	case v.first != nil:
		return c.pair(ctx, l, v.first)
	}
	return nil
}

// pair takes a pair message from another member.
func (c *Call) pair(ctx context.Context, l *link, b []byte) error {
	from, _, err := wire.ParsePair(b)
	if err != nil {
		c.stray.Add(1)
		c.cfg.Log.Debug("pair message refused", "err", err)
		return nil
	}
	a, ok := l.known[from]
	if !ok {
		c.keepFirst(from, b)
		return nil
	}
	// Whom this member has given no key yet may have been let in before the
	// session was locked.
	if c.memberByID(from) == nil && c.judge(a.fp) != welcome {
		c.stray.Add(1)
		return nil
	}
	out, err := l.keys.Handle(time.Now(), b)
	if err != nil {
		c.stray.Add(1)
		c.cfg.Log.Debug("pair message refused", "err", err)
		return nil
	}
	return c.obey(ctx, l, out)
}

// keepFirst keeps the message that begins the handshake with a visitor.
func (c *Call) keepFirst(from hello.Hash, b []byte) {
	v := c.people.visitor(from)
	switch {
	case v == nil || !v.listed || b[0] != pairFirst:
		c.stray.Add(1)
	case v.first == nil: // else it is said again
		v.first, v.firstAt = b, time.Now()
	}
}

// obey does what a step of the handshake asks for.
func (c *Call) obey(ctx context.Context, l *link, out cipher.Out) error {
	for _, e := range out.Events {
		// The later one of two with the same name goes, before anybody sees it.
		if e.Kind == cipher.Confirmed && l.known[e.Peer.ID].listed && sameName(e.Peer.Name, c.cfg.Name) {
			return &RefusedError{NameTaken: true, Name: c.cfg.Name}
		}
	}
	c.syncScreen(l)
	for _, e := range out.Events {
		c.event(l, e)
	}
	for _, b := range out.Pair {
		if err := l.write(ctx, wire.Forward{Pair: b}); err != nil {
			return err
		}
	}
	return nil
}

// event takes note of what a step of the handshake has found out. Whoever was
// forgotten in it has been taken off the screen.
func (c *Call) event(l *link, e cipher.Event) {
	p, now := e.Peer, time.Now()
	switch e.Kind {
	case cipher.Confirmed:
		if a, ok := l.known[p.ID]; ok {
			a.met = true
			l.known[p.ID] = a
		}
		l.entering.Store(l.isEntering())
		c.confirm(p, now)
	case cipher.GivenUp:
		delete(l.known, p.ID)
		c.departed(p, now)
		c.brokenOff(l, now)
	case cipher.Expired:
		delete(l.known, p.ID)
		if c.brokenOff(l, now) {
			return
		}
		c.cfg.Log.Info("member did not answer", "slot", p.Slot, "key", p.Fingerprint)
		c.notify(Notice{Kind: MemberUnanswered, Slot: p.Slot, Name: c.lastName(p), Fingerprint: p.Fingerprint})
	case cipher.Departed:
		delete(l.known, p.ID)
		c.departed(p, now)
	case cipher.Removed:
		delete(l.known, p.ID)
		c.notify(Notice{Kind: SelfRemoved, Slot: p.Slot, Name: shownName(p), Fingerprint: p.Fingerprint})
	case cipher.GuessFailed:
		delete(l.known, p.ID)
		if c.brokenOff(l, now) {
			return
		}
		c.cfg.Log.Warn("wrong passphrase", "slot", p.Slot, "key", p.Fingerprint)
		c.notify(Notice{Kind: WrongPassphrase, Slot: p.Slot, Fingerprint: p.Fingerprint})
		c.minded(now)
	case cipher.Rekeyed:
		c.wantKeys()
	case cipher.CodeChanged:
		c.codeChanged(l)
	}
}

// minded says when wrong passphrases have become too many, and when no more.
func (c *Call) minded(now time.Time) {
	_, shut := c.guard.Count(now)
	if shut && !c.shut {
		c.notify(Notice{Kind: GuessingStopped})
	}
	c.shut = shut
}

// codeChanged takes over the safety code, and for whom it stands.
func (c *Call) codeChanged(l *link) {
	words, ok := l.keys.Code()
	var coded []*member
	if ok {
		for _, m := range *c.members.Load() {
			if m.name() != "" {
				coded = append(coded, m)
			}
		}
	}
	c.mu.Lock()
	c.code, c.coded = words, coded
	c.mu.Unlock()
	if ok {
		c.notify(Notice{Kind: CodeReady})
	}
	c.touch()
}

// decided does what the person has decided.
func (c *Call) decided(ctx context.Context, l *link) error {
	p := &c.people
	p.mu.Lock()
	removals := p.removals
	p.removals = nil
	p.mu.Unlock()
	for _, id := range removals {
		m := c.memberByID(id)
		if m == nil {
			continue // gone meanwhile
		}
		pair, _ := l.keys.Remove(time.Now(), id)
		delete(l.known, id)
		c.syncScreen(l)
		c.notify(Notice{Kind: MemberRemoved, Slot: m.slot, Name: m.name(), Fingerprint: m.fp})
		if pair == nil {
			continue
		}
		if err := l.write(ctx, wire.Forward{Pair: pair}); err != nil {
			return err
		}
	}
	for _, v := range c.review() {
		if err := c.letIn(ctx, l, v); err != nil {
			return err
		}
	}
	return nil
}

// gone takes leave of a member of whom the hub says so.
func (c *Call) gone(l *link, id hello.Hash) {
	m, now := c.memberByID(id), time.Now()
	l.keys.Forget(now, id)
	delete(l.known, id)
	c.people.drop(func(v *visitor) bool { return v.hello.Hash() == id })
	c.syncScreen(l)
	if m != nil && m.name() != "" {
		c.left(departure{fp: m.fp, name: m.name(), slot: m.slot, told: now.Add(leftHold), away: m.toldAway()})
	}
	c.touch()
}

// sameName reports whether two names look the same to a person.
func sameName(a, b string) bool {
	return strings.EqualFold(text.Clean(a, text.MaxName), text.Clean(b, text.MaxName))
}

// shownName returns the name under which a member is shown.
func shownName(p cipher.Peer) string {
	if name := text.Clean(p.Name, text.MaxName); name != "" {
		return name
	}
	return fmt.Sprintf("member %d", p.Slot)
}

// lastName returns the name of a member who has not told it: under which the
// person was last met, or "".
func (c *Call) lastName(p cipher.Peer) string {
	_, who := c.cfg.Peers.Check(p.Fingerprint, "")
	return text.Clean(who.Name, text.MaxName)
}
