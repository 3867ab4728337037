package cipher

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha512"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
)

// TestRatchet checks a step against the words of RFC 9605, section 5.1, which
// has no vector for it: HKDF-Extract of the base key without a salt, then
// HKDF-Expand with a label, to the length of the hash.
func TestRatchet(t *testing.T) {
	base := keysOf(1).base
	want, err := hkdf.Key(sha512.New, base, nil, "SFrame 1.0 Ratchet", 64)
	if err != nil {
		t.Fatal(err)
	}
	old := bytes.Clone(base)
	g := generation{gen: 3, step: 15, base: newSecret(old)}
	g.ratchet()
	if !bytes.Equal(g.base.bytes(), want) || g.step != 16 || g.gen != 3 {
		t.Errorf("step %d of generation %d has key %x, want %x", g.step, g.gen, g.base.bytes(), want)
	}
	checkCleared(t, "ratchet", map[string][]byte{"step before": old})
}

// TestWelcomeRatchets checks that who joins cannot open what was sealed before,
// and that everybody else goes on without a message.
func TestWelcomeRatchets(t *testing.T) {
	bothKinds(t, func(t *testing.T, passphrase string) {
		a, b, c, d := started(t, 1, passphrase), started(t, 2, passphrase), started(t, 3, passphrase), started(t, 4, passphrase)
		connect(t, a, b)
		if a.own.step != 0 {
			t.Errorf("step %d before anything was sealed", a.own.step)
		}
		checkHears(t, b, a)
		before := [][]byte{mustSeal(t, a, "1"), mustSeal(t, a, "2"), mustSeal(t, a, "3")}
		connect(t, a, c) // a was there before
		if a.own.step != 1 || a.own.gen != 0 {
			t.Errorf("after a joiner: generation %d, step %d, want 0 and 1", a.own.gen, a.own.step)
		}
		for _, packet := range before {
			checkCannot(t, c, packet, ErrUnknownKey)
		}
		checkHears(t, c, a)
		checkHears(t, b, a)
		for _, packet := range before { // overtaken by one of the next step
			if _, _, err := b.Open(nil, packet); err != nil {
				t.Errorf("packet of the step before: %v", err)
			}
			checkCannot(t, b, packet, ErrReplay)
		}
		connect(t, d, a) // a joins d
		if a.own.step != 2 {
			t.Errorf("after meeting somebody: step %d, want 2", a.own.step)
		}
		for _, s := range []*Session{d, b, c} {
			checkHears(t, s, a)
		}
		connect(t, a, started(t, 5, passphrase))
		connect(t, a, started(t, 6, passphrase))
		if a.own.step != 3 {
			t.Errorf("after a batch of two: step %d, want 3: nothing was sealed in between", a.own.step)
		}
	})
}

// TestOvertakenStream has the first packets of a stream come after those of other
// streams at later steps, as a chat line may that goes another way than the voice.
func TestOvertakenStream(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	seal := func(stream sframe.Stream) []byte {
		t.Helper()
		packet, err := a.Seal(nil, stream, 0, []byte("line"))
		if err != nil {
			t.Fatal(err)
		}
		return packet
	}
	opens := func(when string, packet []byte, want error) {
		t.Helper()
		if _, _, err := b.Open(nil, packet); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", when, err, want)
		}
	}
	checkHears(t, b, a)
	first, second := seal(sframe.StreamChat), seal(sframe.StreamChat)
	a.advance()
	checkHears(t, b, a) // the voice is one step on
	next := seal(sframe.StreamChat)
	a.advance()
	checkHears(t, b, a)
	opens("of two steps before", first, nil)
	opens("the same again", first, ErrReplay)
	opens("of one step before", next, nil)
	opens("that again", next, ErrReplay)
	opens("behind its own stream", second, nil) // which is known still
	late := seal(sframe.StreamControl)
	a.advance()
	checkHears(t, b, a)
	screen := seal(sframe.StreamScreen)
	screen[len(screen)-1] ^= 1
	opens("a forged one", screen, ErrAuth)
	b.Due(epoch)
	b.Due(epoch.Add(keepOld - 1))
	opens("after less than 3 s", late, nil)
	late = seal(sframe.StreamScreen)
	a.advance()
	checkHears(t, b, a)
	b.Due(epoch.Add(keepOld))
	opens("after 3 s", late, ErrUnknownKey)
	for step := range 3 { // what may be forgotten is never taken again
		a.advance()
		checkHears(t, b, a)
		opens(fmt.Sprint("chat at step ", step), seal(sframe.StreamChat), nil)
	}
	opens("a replay of long ago", first, ErrUnknownKey)
	opens("another one", second, ErrUnknownKey)
}

// TestManySteps ratchets forty times; the four bits of the step go round twice.
// Of the packets some are lost: the next one heard is up to seven steps ahead.
func TestManySteps(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	lost := 0
	for step := range uint32(41) {
		if a.own.step != step {
			t.Fatalf("step %d, want %d", a.own.step, step)
		}
		packets := [][]byte{mustSeal(t, a, "first"), mustSeal(t, a, "second")}
		if step%7 == 5 || step < 3 || step == 9 { // 1, 3, 4 and 7 steps ahead
			for _, packet := range packets {
				if _, from, err := b.Open(nil, packet); err != nil || from.Slot != 1 {
					t.Fatalf("step %d: %v", step, err)
				}
				checkCannot(t, b, packet, ErrReplay)
			}
		} else {
			lost += len(packets)
		}
		connect(t, a, inSlot(t, 100+int(step), 100+uint16(step), ""))
	}
	t.Logf("%d packets lost, the others heard", lost)
}

// TestStepEdges has a packet come that is some steps ahead.
func TestStepEdges(t *testing.T) {
	for ahead := range 20 {
		a, b := fixed(t, 1), fixed(t, 2)
		connect(t, a, b)
		checkHears(t, b, a)
		for range ahead {
			a.own.ratchet()
		}
		a.startSealers()
		packet := mustSeal(t, a, "x")
		before := snapshot(b)
		_, _, err := b.Open(nil, packet)
		if ok := ahead <= maxAhead; (err == nil) != (ok && ahead > 0) && ahead != 0 {
			t.Errorf("%d steps ahead: %v, want ok %v", ahead, err, ok)
		}
		if err != nil && snapshot(b) != before {
			t.Errorf("%d steps ahead: the refused packet has changed something", ahead)
		}
	}
}

// exchange delivers messages between two until there are no more.
func exchange(tb testing.TB, now time.Time, a, b *Session, out Out) {
	tb.Helper()
	for len(out.Pair) > 0 {
		var next Out
		for _, m := range out.Pair {
			for _, s := range []*Session{a, b} {
				if !bytes.Equal(m[33:65], s.hash[:]) {
					continue
				}
				answer, err := s.Handle(now, m)
				if err != nil {
					tb.Fatal(err)
				}
				next.Pair = append(next.Pair, answer.Pair...)
			}
		}
		out = next
	}
}

// TestTooManySteps loses more steps than a packet can bridge, or several
// generations. Who misses them asks, and hears again within three seconds.
func TestTooManySteps(t *testing.T) {
	for _, test := range []struct {
		name        string
		heard, lost int // steps
		gens        int
		packets     int // heard of the last step
	}{
		{"8 steps", 0, 8, 0, 1},
		{"8 steps after the first 10", 10, 8, 0, 1},
		{"10 steps after the first 10", 10, 10, 0, 1},
		{"15 steps after the first 20", 20, 15, 0, 1},
		{"16 steps", 3, 16, 0, 1},
		{"40 steps", 30, 40, 0, 1},
		{"one generation", 0, 0, 1, 1},
		{"three generations", 2, 0, 3, 1},
		{"sixteen generations", 0, 0, 16, 1},
		{"seventeen generations and steps", 5, 9, 17, 1},
		// Then the first packets have counters that were there before.
		{"15 steps, after many packets", 20, 15, 0, 3000},
		{"16 steps, after many packets", 3, 16, 0, 3000},
		{"16 generations, after many packets", 3, 0, 16, 3000},
	} {
		a, b := fixed(t, 1), fixed(t, 2)
		connect(t, a, b)
		for range test.heard {
			checkHears(t, b, a)
			a.advance()
		}
		for range test.packets {
			checkHears(t, b, a)
		}
		if test.lost == 15 { // the step that the new one is taken for is the one before
			a.advance()
			checkHears(t, b, a)
		}
		for range test.lost {
			mustSeal(t, a, "lost")
			a.advance()
		}
		for range test.gens { // whose messages are lost too
			a.own = generation{gen: a.own.gen + 1, base: newSecret(bytes.Repeat([]byte{byte(a.own.gen) + 1}, baseLen))}
			a.startSealers()
		}
		asked := 0
		var healed time.Duration = -1
		for d := time.Duration(0); d <= 5*time.Second; d += 20 * time.Millisecond {
			now := epoch.Add(d)
			_, _, err := b.Open(nil, mustSeal(t, a, "speech"))
			if err == nil && healed < 0 {
				healed = d
			}
			if err != nil && healed >= 0 {
				t.Errorf("%s: not heard any more after %v: %v", test.name, d, err)
				break
			}
			// As in a call: now and then, and at least once a second.
			if d%(500*time.Millisecond) == 0 {
				out, next := b.Due(now)
				if next.IsZero() || next.Sub(now) > time.Second {
					t.Errorf("%s: next Due is in %v", test.name, next.Sub(now))
				}
				asked += len(out.Pair)
				out.Pair = slices.DeleteFunc(out.Pair, func(m []byte) bool { return len(m) != askLen })
				exchange(t, now, a, b, out)
			}
		}
		t.Logf("%s: heard again after %v", test.name, healed)
		if healed < 0 || healed > 3*time.Second {
			t.Errorf("%s: heard again after %v, want at most 3 s", test.name, healed)
		}
	}
}

// TestAskSeldom has a hub play somebody's forged packets all the time: who
// cannot open them asks once in two seconds, and is told once in a second.
func TestAskSeldom(t *testing.T) {
	a, b := fixed(t, 1), fixed(t, 2)
	connect(t, a, b)
	forged := mustSeal(t, a, "x")
	forged[len(forged)-1]++
	asked, told := 0, 0
	for d := time.Duration(0); d < 20*time.Second; d += 10 * time.Millisecond {
		now := epoch.Add(d)
		checkCannot(t, b, forged, ErrAuth)
		out, _ := b.Due(now)
		for _, m := range out.Pair {
			if len(m) == askLen {
				asked++
			}
			answer, err := a.Handle(now, m)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range answer.Pair {
				if len(m) >= keyLen {
					told++
				}
			}
		}
	}
	if asked < 5 || asked > 10 || told != asked {
		t.Errorf("asked %d times in 20 s, told %d times, want 5 to 10", asked, told)
	}
	for range 100 { // who asks all the time is not told all the time
		for _, m := range take(t, a, b.box(b.peers[a.hash], keyRequest{}.encode())).Pair {
			if len(m) >= keyLen {
				told++
			}
		}
	}
	if told > asked+1 {
		t.Errorf("told %d times for 100 requests", told-asked)
	}
	checkHears(t, b, a)
}
