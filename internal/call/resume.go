package call

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sanix-darker/s2c/internal/wire"
)

// What lives how long, with the goroutines in brackets:
//
//	the call        devices, what the person has decided
//	                    [camera, encode, mic, speaker, remember]
//	the place       keys, members with their decoders and voices, messages that
//	                have not come to the hub   [control, decode]
//	the connection  [read, recv, send, write, beat, repair]
//
// When a connection is lost the place is resumed over another one, with the same
// keys: sealing and opening go on counting where they were. The hub keeps the
// place for 35 s. When that fails, this member joins anew.

const (
	// placeTime is for how long a place is tried to resume. The hub may have
	// found out later that the connection is lost, and keep it for longer.
	placeTime = 45 * time.Second

	// resumeTry is how long one try may take, and placePause the longest pause
	// between two. Dialling sends its first packet again after 1 s and 3 s, so one
	// comes through soon after the network is back.
	resumeTry  = 3 * time.Second
	placePause = time.Second

	// The hub is told how many messages have come so often, and after so many.
	ackEvery = time.Second
	ackAfter = 16

	// lostToTell is how long the own connection may be lost before the person is
	// told of it.
	lostToTell = 2 * time.Second

	// healTime is how long after a connection was lost a handshake fails for that
	// reason.
	healTime = 10 * time.Second

	// youngTime is for how long after it was taken a place is not resumed while
	// members who were there before have not answered: they will have given up.
	youngTime = 20 * time.Second
)

// errExpired says that the hub does not keep the place (any more).
var errExpired = errors.New("the hub has given up this member's place")

// A lostError says why a connection was lost.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// stay takes part in the session over l, and other connections after the first,
// until the place is lost or ctx is done, and says why. All its goroutines have
// ended when it returns.
func (c *Call) stay(ctx context.Context, l *link) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	l.ctx = ctx
	var wg sync.WaitGroup
	c.goes(&wg, func() { giveUp(c.controlLoop(ctx, l)) })
	for ctx.Err() == nil {
		err := c.serve(ctx, l, giveUp)
		if ctx.Err() != nil {
			break
		}
		if l.resumable() {
			err = c.resume(ctx, l, err)
		}
		if err != nil {
			giveUp(err)
		}
	}
	wg.Wait()
	err := context.Cause(ctx)
	c.dropLink(l, errors.Is(err, errAnew) || errors.Is(err, errExpired))
	return err
}

// serve takes part in the session over one connection until that ends, and says
// why: a *lostError, if ctx is not done. It gives up the place for what another
// connection would not help against. All its goroutines have ended when it
// returns.
func (c *Call) serve(ctx context.Context, l *link, giveUp context.CancelCauseFunc) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := func(err error) {
		if _, lost := errors.AsType[*lostError](err); err != nil && !lost {
			giveUp(err)
		}
		if err != nil {
			cancel(err)
		}
	}
	var wg sync.WaitGroup
	c.goes(&wg, func() { end(c.readLoop(ctx, l)) })
	c.goes(&wg, func() { c.recvLoop(l) })
	c.goes(&wg, func() { end(c.sendLoop(ctx, l)) })
	c.goes(&wg, func() { end(c.writeLoop(ctx, l)) })
	c.goes(&wg, func() { c.beatLoop(ctx, l) })
	c.goes(&wg, func() { c.repairLoop(ctx, l) })
	<-ctx.Done()
	wg.Wait()
	return context.Cause(ctx)
}

// resumable reports whether the hub keeps the place when a connection is lost.
func (l *link) resumable() bool { return l.token != [32]byte{} }

// count counts a message of the hub.
func (l *link) count() {
	if n := l.received.Add(1); n%ackAfter == 0 {
		l.out.acknowledge(n)
	}
}

// resume tries to resume the place of l, whose connection was lost because of
// lost, until it has a connection again. It fails when ctx is done, when the hub
// refuses, and after placeTime, with the reason for which the connection was lost
// or the last try failed.
func (c *Call) resume(ctx context.Context, l *link, lost error) error {
	began := time.Now()
	c.cfg.Log.Warn("connection lost", "err", lost)
	l.lostAt.Store(began.UnixNano())
	c.offline.Store(true)
	defer c.offline.Store(false)
	c.mu.Lock()
	c.stat = Link{Phase: Reconnecting, Remote: c.stat.Remote}
	c.mu.Unlock()
	c.touch()
	tell := time.AfterFunc(lostToTell, func() { c.tellLost(lost) })
	defer tell.Stop()
	pause := firstPause
	for {
		err := c.tryResume(ctx, l)
		switch {
		case err == nil:
			c.back(l, time.Now())
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errExpired), errors.Is(err, errProtocol):
			return err
		case time.Since(began) >= placeTime:
			return &lostError{err}
		}
		if r, ok := errors.AsType[*RefusedError](err); ok && !r.Again() {
			return err
		}
		c.cfg.Log.Warn("cannot resume yet", "err", err)
		wait := pause - jitter(pause/4)
		c.setPhase(Reconnecting, time.Now().Add(wait))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(wait):
		}
		pause = min(pause*8/5, placePause)
	}
}

// tryResume dials the hub and asks for the place of l.
func (c *Call) tryResume(ctx context.Context, l *link) error {
	if l.spoilt.Load() || l.entering.Load() && time.Unix(0, l.lostAt.Load()).Sub(l.began) < youngTime {
		return errExpired
	}
	ctx, cancel := context.WithTimeoutCause(ctx, resumeTry, errNoAnswer)
	defer cancel()
	conn, err := c.cfg.Dial(ctx)
	if err != nil {
		return err
	}
	cut := context.AfterFunc(ctx, func() { conn.Close() })
	answer, err := ask(conn, wire.Resume{Token: l.token, Received: l.received.Load()})
	if !cut() && err == nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		m, ok := answer.(wire.Resumed)
		if ok && l.out.rewind(m.Received, l.received.Load()) {
			l.conn = conn
			return nil
		}
		err = errProtocol
	}
	conn.Close()
	if r, ok := errors.AsType[*RefusedError](err); ok && r.Code == wire.CodeExpired {
		return errExpired
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// back takes note that l has a connection again.
func (c *Call) back(l *link, now time.Time) {
	away := now.Sub(time.Unix(0, l.lostAt.Load()))
	for _, m := range *c.members.Load() {
		m.excuse(away)
		m.restart(now)
	}
	l.backAt.Store(now.UnixNano())
	l.lostAt.Store(0)
	c.setPhase(Joined, time.Time{})
	c.cfg.Log.Info("connection resumed", "after", away.Round(time.Millisecond))
	c.tellBack()
	c.wantKeys() // what was sent last may be lost
	wake(c.outbox.beat)
}

// isEntering reports whether members who were there before have not answered.
// controlLoop calls it.
func (l *link) isEntering() bool {
	if l.waiting > 0 {
		return true
	}
	for _, a := range l.known {
		if a.listed && !a.met {
			return true
		}
	}
	return false
}

// brokenOff reports whether a handshake has failed because there was no
// connection. The two have given up on each other then, for as long as this
// member's Hello lasts.
func (c *Call) brokenOff(l *link, now time.Time) bool {
	switch {
	case l.lostAt.Load() != 0:
		l.spoilt.Store(true)
	case l.backAt.Load() != 0 && now.Sub(time.Unix(0, l.backAt.Load())) < healTime:
		l.anew.Reset(anewSoon)
	default:
		return false
	}
	return true
}

// tellLost tells the person that the connection is lost, once.
func (c *Call) tellLost(err error) {
	if !c.lost.Swap(true) {
		c.notify(Notice{Kind: LinkLost, Err: err})
	}
}

// tellBack tells the person that there is a connection again, if they know that
// there was none.
func (c *Call) tellBack() {
	if c.lost.Swap(false) {
		c.notify(Notice{Kind: LinkBack})
	}
}

// away takes the hub's word that a member's connection is broken, or is not any
// more.
func (c *Call) away(a wire.Away, now time.Time) {
	m := c.memberByID(a.Hash)
	if m == nil {
		return // not let in, or gone
	}
	told := m.setAway(a.Away, now)
	if !a.Away {
		m.restart(now)
		if told {
			c.notify(Notice{Kind: MemberBack, Slot: m.slot, Name: m.name(), Fingerprint: m.fp})
		}
	}
	c.touch()
}

// tellAway tells the person of those who have been away for some time.
func (c *Call) tellAway(now time.Time) {
	for _, m := range *c.members.Load() {
		if m.awayNews(now) {
			c.notify(Notice{Kind: MemberAway, Slot: m.slot, Name: m.name(), Fingerprint: m.fp})
		}
	}
}

// An absence is what the hub says of a member's connection. Guarded by the
// member's mu.
type absence struct {
	away   bool
	at     time.Time // since when
	since  time.Time // the same, as member.heard counts
	told   bool      // the person knows
	unsure bool      // the member was not heard since it was away the last time
}

// setAway takes note that m is away, or is not. It reports whether the person
// knew that m was.
func (m *member) setAway(away bool, now time.Time) (told bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := &m.absence
	if a.away == away {
		return false
	}
	told = a.told
	*a = absence{away: away, at: now, since: now, unsure: true}
	return told
}

// awayNews reports whether the person should be told now that m is away.
func (m *member) awayNews(now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := &m.absence
	if !m.isAwayLocked() || a.told || now.Sub(a.at) < awayToTell || m.nick == "" {
		return false
	}
	a.told = true
	return true
}

// toldAway reports whether the person knows that m is away.
func (m *member) toldAway() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.absence.told
}

// isAwayLocked reports whether m is away. What was under way comes after the
// hub's word; what comes later shows that it is not true.
func (m *member) isAwayLocked() bool {
	return m.absence.away && m.heard.Sub(m.absence.since) < time.Second
}

// patienceWith returns for how long m may be silent before it is forgotten. The
// hub cannot make that longer more than once, whatever it says.
func (m *member) patienceWith() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := &m.absence; a.unsure && m.heard.Sub(a.since) < time.Second {
		return awayLimit
	}
	return silentLimit
}

// silentFor returns for how long m was silent while it could be heard.
func (m *member) silentFor(now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Sub(m.heard)
}

// excuse says that m could not be heard for some time.
func (m *member) excuse(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.heard = m.heard.Add(d)
	m.absence.since = m.absence.since.Add(d)
}

// restart has the packets of m counted anew, as those in between were never
// sent, or never could come. What m sees of others may need some time to agree.
func (m *member) restart(now time.Time) {
	m.gaps.restart()
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.streams {
		m.streams[i] = counter{}
	}
	m.digestAt = now
}
