package cipher

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// TestLeave has a member leave: who is left gets a new key, which the ex-member
// cannot open, as soon as everybody has it.
func TestLeave(t *testing.T) {
	bothKinds(t, func(t *testing.T, passphrase string) {
		p := newParty(t, 4, passphrase)
		p.pass(time.Second)
		left := p.members[3]
		p.leave(left)
		gens := func() (list []uint32) {
			for _, s := range p.members {
				list = append(list, s.own.gen)
			}
			return list
		}
		p.pass(turnDelay - time.Nanosecond)
		if g := gens(); !slices.Equal(g, []uint32{0, 0, 0}) {
			t.Errorf("generations %v before %v", g, turnDelay)
		}
		p.checkAllHear("somebody has left")
		p.pass(time.Nanosecond)
		if g := gens(); !slices.Equal(g, []uint32{1, 1, 1}) { // the acks come at once
			t.Errorf("generations %v after %v", g, turnDelay)
		}
		for _, s := range p.members {
			if n := p.count(s, Rekeyed); n != 1 {
				t.Errorf("slot %d has %d events of a new key", s.slot, n)
			}
			checkCannot(t, left, mustSeal(t, s, "x"), ErrUnknownKey)
		}
		p.checkAllHear("new generation")
		p.pass(time.Minute)
		if g := gens(); !slices.Equal(g, []uint32{1, 1, 1}) {
			t.Errorf("generations %v a minute later", g)
		}
		p.checkAllHear("later")
	})
}

// ackLen, askLen and keyLen are the sizes of messages: that a generation has
// arrived, that one is asked for, and the least of one that tells one.
const (
	ackLen = pairHead + boxOverhead + 5
	askLen = pairHead + boxOverhead + 1
	keyLen = pairHead + boxOverhead + keyStateHead
)

// acksOf loses what one says to another of generations that have arrived.
func acksOf(silent, a *Session) func(from, to *Session, m []byte) bool {
	return func(from, to *Session, m []byte) bool {
		return from == silent && to == a && m[0] == pairBox && len(m) == ackLen
	}
}

// TestSilentPeer has one peer not say that it has the new key: the sender
// switches after two seconds all the same.
func TestSilentPeer(t *testing.T) {
	p := newParty(t, 4, "")
	a, silent := p.members[0], p.members[1]
	p.pass(10 * time.Second) // the code is done
	p.lose = acksOf(silent, a)
	left := p.members[3]
	p.leave(left)
	p.pass(turnDelay)
	made := p.now
	if !a.turn.pending || a.own.gen != 0 || p.members[2].own.gen != 1 {
		t.Fatalf("generations %d and %d, pending %v", a.own.gen, p.members[2].own.gen, a.turn.pending)
	}
	p.checkAllHear("waiting for one")
	p.pass(turnWait - time.Nanosecond)
	if a.own.gen != 0 {
		t.Errorf("switched after %v, before %v", p.now.Sub(made), turnWait)
	}
	p.pass(time.Nanosecond)
	if a.own.gen != 1 || p.count(a, Rekeyed) != 1 {
		t.Errorf("not switched after %v", p.now.Sub(made))
	}
	p.checkAllHear("switched") // the silent one has got the key
	checkCannot(t, left, mustSeal(t, a, "x"), ErrUnknownKey)
}

// TestSilentPeerGone has the one peer leave whom all is waiting for.
func TestSilentPeerGone(t *testing.T) {
	p := newParty(t, 4, "")
	a, silent := p.members[0], p.members[1]
	p.lose = acksOf(silent, a)
	p.leave(p.members[3])
	p.pass(turnDelay)
	if !a.turn.pending {
		t.Fatal("not waiting")
	}
	p.leave(silent)
	if a.turn.pending || a.own.gen != 1 {
		t.Errorf("still waiting for somebody who has left: generation %d", a.own.gen)
	}
	p.pass(turnPause)
	if a.own.gen != 2 { // as the silent one had generation 1
		t.Errorf("generation %d, want 2", a.own.gen)
	}
	p.lose = nil
	p.checkAllHear("in the end")
}

// TestTurnRate has somebody leave every 100 ms for some seconds: not more than
// one generation is made in two seconds, and the last one after the last has
// left.
func TestTurnRate(t *testing.T) {
	p := newParty(t, 1, "")
	a := p.members[0]
	p.join(fixed(t, 1))
	var left []*Session
	for i := range 60 {
		s := inSlot(t, 100+i, 100+uint16(i), "")
		connect(t, a, s)
		a.Forget(p.now, s.hash)
		left = append(left, s)
		p.due(a)
		gen, start := a.turn.next.gen, p.now
		p.pass(100 * time.Millisecond)
		if a.turn.next.gen > gen+1 {
			t.Fatalf("%d generations in %v", a.turn.next.gen-gen, p.now.Sub(start))
		}
	}
	p.pass(5 * time.Second)
	if a.own.gen < 3 || a.own.gen > 4 {
		t.Errorf("%d generations in 6 s of people leaving, want 3 or 4", a.own.gen)
	}
	packet := mustSeal(t, a, "x")
	for _, s := range left {
		checkCannot(t, s, packet, ErrUnknownKey)
	}
	p.checkAllHear("in the end")
}

// TestManyGenerations makes 40 generations; the four bits go round twice.
func TestManyGenerations(t *testing.T) {
	p := newParty(t, 2, "")
	a, b := p.members[0], p.members[1]
	var old [][]byte
	for gen := range uint32(40) {
		if a.own.gen != gen {
			t.Fatalf("generation %d, want %d", a.own.gen, gen)
		}
		packet := mustSeal(t, a, "x")
		if gen%3 != 1 { // lost
			if _, _, err := b.Open(nil, packet); err != nil {
				t.Errorf("generation %d: %v", gen, err)
			}
		}
		for _, before := range old {
			if _, _, err := b.Open(nil, before); err == nil {
				t.Errorf("generation %d: a packet of before was opened", gen)
			}
		}
		old = append(old, packet)
		if gen%3 == 1 {
			old = old[:len(old)-1] // not opened: it may be, once
		}
		s := inSlot(t, 100, 100, "")
		s.hash[0] = byte(gen) // another one each time
		a.peers[s.hash] = &peer{hash: s.hash, slot: 100, sealed: true}
		a.Forget(p.now, s.hash)
		p.due(a)
		p.pass(turnPause)
	}
	p.checkAllHear("in the end")
}

// TestOldGeneration checks how long the key before is kept: three seconds after
// the first packet of the new one.
func TestOldGeneration(t *testing.T) {
	p := newParty(t, 3, "")
	a, b := p.members[0], p.members[1]
	checkHears(t, b, a)
	var late [][]byte
	for range 10 {
		late = append(late, mustSeal(t, a, "late"))
	}
	open := func(n int, want error) {
		t.Helper()
		if _, _, err := b.Open(nil, late[n]); !errors.Is(err, want) {
			t.Errorf("late packet %d: %v, want %v", n, err, want)
		}
	}
	p.leave(p.members[2])
	p.pass(turnDelay)
	if a.own.gen != 1 {
		t.Fatalf("generation %d", a.own.gen)
	}
	open(0, nil)
	p.pass(10 * time.Second)
	open(1, nil) // as long as there is nothing newer
	checkHears(t, b, a)
	base := b.openers[a.slot].gens[0].base.bytes()
	p.due(b)
	open(2, nil)
	p.pass(keepOld - time.Nanosecond)
	open(3, nil)
	p.pass(tick) // Due comes at least once a second
	open(4, ErrUnknownKey)
	checkCleared(t, "three seconds", map[string][]byte{"old key": base})
	checkHears(t, b, a)
}

// TestOldGenerationNext has another generation follow soon: the one before is
// kept its three seconds then, too.
func TestOldGenerationNext(t *testing.T) {
	for _, gap := range []time.Duration{0, 500 * time.Millisecond, time.Second, 2 * time.Second, 2900 * time.Millisecond, 3 * time.Second} {
		p := newParty(t, 2, "")
		a, b := p.members[0], p.members[1]
		turn := func() {
			a.turn.due = p.now
			p.due(a)
			if a.turn.pending {
				t.Fatal("the generation is not acknowledged")
			}
		}
		turn()
		checkHears(t, b, a)
		p.due(b) // notes that the new one is in use
		p.pass(gap)
		late := [][]byte{mustSeal(t, a, "1"), mustSeal(t, a, "2"), mustSeal(t, a, "3")}
		turn()
		checkHears(t, b, a)
		p.due(b)
		for i := range late {
			if _, _, err := b.Open(nil, late[i]); err != nil {
				t.Errorf("gap %v: packet of the generation before, %v after the switch: %v", gap, time.Duration(i)*time.Second, err)
			}
			p.pass(time.Second)
		}
	}
}

// TestTurnAge lets nothing happen for an hour but time.
func TestTurnAge(t *testing.T) {
	p := newParty(t, 2, "")
	a := p.members[0]
	last, shortest, longest := p.now, time.Hour, time.Duration(0)
	gen := a.own.gen
	for p.now.Sub(epoch) < 3*time.Hour {
		p.pass(time.Second)
		if a.own.gen == gen {
			continue
		}
		if a.own.gen != gen+1 {
			t.Fatalf("generation %d follows %d", a.own.gen, gen)
		}
		age := p.now.Sub(last)
		shortest, longest = min(shortest, age), max(longest, age)
		last, gen = p.now, a.own.gen
		p.checkAllHear("new generation")
	}
	t.Logf("%d generations in 3 hours, each %v to %v after the one before", gen, shortest, longest)
	if gen < 16 || gen > 20 || shortest < turnAge*9/10 || longest > turnAge*11/10+time.Second {
		t.Errorf("%d generations in 3 hours, %v to %v apart, want one every %v give or take a tenth", gen, shortest, longest, turnAge)
	}
}

// TestTurnUse seals so many packets that the key is replaced for that alone,
// once, and with the time that everybody needs to have the next.
func TestTurnUse(t *testing.T) {
	p := newParty(t, 3, "")
	a := p.members[0]
	p.pass(10 * time.Second)
	a.sealers[sframe.StreamVideo].next = turnUse - 1
	p.due(a)
	if a.turn.pending || a.own.gen != 0 {
		t.Fatal("too early")
	}
	a.sealers[sframe.StreamVideo].next++
	p.lose = func(_, to *Session, m []byte) bool { return to == a && len(m) == ackLen }
	p.due(a)
	if !a.turn.pending || a.own.gen != 0 {
		t.Fatalf("generation %d, pending %v, want the next one told", a.own.gen, a.turn.pending)
	}
	for range 5 { // Due is called after every message
		p.pass(100 * time.Millisecond)
		p.due(a)
		if !a.turn.pending || a.own.gen != 0 || a.turn.next.gen != 1 {
			t.Fatalf("%v later: generation %d is in use and %d the next, want 0 and 1", p.now.Sub(a.turn.made), a.own.gen, a.turn.next.gen)
		}
	}
	p.pass(turnWait)
	if a.own.gen != 1 || a.turn.pending {
		t.Errorf("generation %d after %v, pending %v", a.own.gen, turnWait, a.turn.pending)
	}
	p.pass(10 * time.Second)
	if a.own.gen != 1 {
		t.Errorf("generation %d: the key was replaced again and again", a.own.gen)
	}
	p.checkAllHear("in the end")
}

// TestStoppedClock has a machine sleep: both clocks go on, and nothing was done
// in the meantime. It must not go on with counters that it may have used.
func TestStoppedClock(t *testing.T) {
	for _, test := range []struct {
		sleep time.Duration
		turns bool
	}{{time.Second, false}, {tick + jump, false}, {tick + jump + time.Nanosecond, true}, {time.Hour / 10, true}} {
		p := newParty(t, 2, "")
		p.pass(10 * time.Second)
		a := p.members[0]
		p.due(a)
		now := p.now.Add(test.sleep)
		out, _ := a.Due(now)
		told := 0
		for _, m := range out.Pair {
			if len(m) >= keyLen {
				told++
			}
		}
		if (told == 1) != test.turns || (a.own.gen == 1) != test.turns || a.turn.pending {
			t.Errorf("after %v of sleep: told %d keys, generation %d, pending %v", test.sleep, told, a.own.gen, a.turn.pending)
		}
	}
	// What was told before, and not used yet, may be in use elsewhere.
	p := newParty(t, 3, "")
	p.pass(10 * time.Second)
	a := p.members[0]
	p.due(a)
	a.Forget(p.now, p.members[2].hash)
	a.Due(p.now.Add(turnDelay))
	told := a.turn.next.base.bytes()
	if !a.turn.pending || a.turn.next.gen != 1 {
		t.Fatalf("no generation was told: %+v", a.turn)
	}
	a.Due(p.now.Add(time.Minute))
	if a.own.gen != 2 || a.turn.pending || !bytes.Equal(told, make([]byte, baseLen)) {
		t.Errorf("after a jump: generation %d, pending %v, the one told before is %x", a.own.gen, a.turn.pending, told)
	}
	alone := fixed(t, 1)
	alone.Due(epoch)
	if alone.Due(epoch.Add(time.Minute)); alone.own.gen != 0 {
		t.Error("who is alone, and called once in a while, makes new keys")
	}
}

// TestApart checks what counts as a machine that was suspended: nobody can set
// the two clocks of a time.Time apart.
func TestApart(t *testing.T) {
	const ns = time.Nanosecond
	tests := []struct {
		wall, steady time.Duration
		peers, want  bool
	}{
		{time.Second, time.Second, true, false},
		{0, 0, true, false},
		{time.Second + jump, time.Second, true, false},
		{time.Second + jump + ns, time.Second, true, true},
		{time.Second + jump + ns, time.Second, false, true},
		{time.Second, time.Second + jump, true, false},
		{-jump - ns, 0, true, true}, // set back
		{time.Hour, time.Second, false, true},
		{tick + jump, tick + jump, true, false},
		{tick + jump + ns, tick + jump + ns, true, true},
		{tick + jump + ns, tick + jump + ns, false, false},
		{time.Hour, time.Hour, false, false},
	}
	for _, test := range tests {
		if got := apart(test.wall, test.steady, test.peers); got != test.want {
			t.Errorf("apart(%v, %v, %v) = %v, want %v", test.wall, test.steady, test.peers, got, test.want)
		}
	}
}

// TestJoinWhileTurning has somebody join while a generation is told and not in
// use yet.
func TestJoinWhileTurning(t *testing.T) {
	bothKinds(t, func(t *testing.T, passphrase string) {
		p := newParty(t, 4, passphrase)
		a, silent := p.members[0], p.members[1]
		p.lose = acksOf(silent, a)
		p.leave(p.members[3])
		p.pass(turnDelay)
		if !a.turn.pending {
			t.Fatal("not waiting")
		}
		before := mustSeal(t, a, "before")
		s := started(t, 7, passphrase)
		p.join(s)
		checkCannot(t, s, before, ErrUnknownKey)
		checkHears(t, s, a)
		p.pass(turnWait)
		if a.own.gen != 1 {
			t.Fatalf("generation %d", a.own.gen)
		}
		p.lose = nil
		p.checkAllHear("who joined in between")
	})
}

// TestOldGenerationAgain has a peer tell a generation again that is not in use
// any more: its packets could be played back a second time.
func TestOldGenerationAgain(t *testing.T) {
	p := newParty(t, 2, "")
	a, b := p.members[0], p.members[1]
	packet := mustSeal(t, a, "once")
	if _, _, err := b.Open(nil, packet); err != nil {
		t.Fatal(err)
	}
	old := generation{gen: a.own.gen, base: newSecret(keysOf(0).base)}
	a.turn.due = p.now
	p.due(a)
	checkHears(t, b, a)
	p.pass(keepOld + 2*tick)
	checkCannot(t, b, packet, ErrUnknownKey)
	take(t, b, a.box(a.peers[b.hash], a.state(&old)))
	checkCannot(t, b, packet, ErrUnknownKey)
	if n := len(b.openers[a.slot].gens); n != 1 {
		t.Errorf("%d generations are held", n)
	}
	checkHears(t, b, a)
}
