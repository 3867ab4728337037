package cipher

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
)

// snapshot returns all that a message may change in a session, so that two can
// be compared.
func snapshot(s *Session) string {
	var b bytes.Buffer
	key := func(name string, k secret) { fmt.Fprintf(&b, " %s %x", name, sha256.Sum256(k.bytes())) }
	link := func(name string, c *chain) {
		key(name, c.key)
		fmt.Fprintf(&b, " %d %v", c.seq, slices.Sorted(maps.Keys(c.late)))
	}
	for _, p := range s.sorted() {
		fmt.Fprintf(&b, "%x %d %d %q %t %t %t %t", p.hash, p.slot, p.role, p.name, p.sealed, p.confirmed, p.guessing, p.pake != nil)
		fmt.Fprintf(&b, " %x %x %v %v %v %v %v %v\n", p.mine, p.heard, p.deadline, p.repeat, p.asked, p.told, p.said, p.sayings)
		link("outer", &p.outer)
		link("send", &p.send)
		link("recv", &p.recv)
		key("dh", p.run.dh)
		key("ss", p.run.ss)
		if o := s.openers[p.slot]; o != nil {
			for _, g := range o.gens {
				fmt.Fprintf(&b, "\ngeneration %d %d %v", g.gen, g.step, g.used)
				key("base", g.base)
			}
		}
	}
	n, shut := s.guard.Count(epoch)
	fmt.Fprintf(&b, "\n%d %d own %d %d", s.slot, len(s.gone), s.own.gen, s.own.step)
	key("base", s.own.base)
	fmt.Fprintf(&b, "\nturn %v %v %v %d guesses %d %v", s.turn.due, s.turn.pending, len(s.turn.waiting), len(s.openers), n, shut)
	fmt.Fprintf(&b, "\ncode %x %v %v %v %d", s.code.roster, s.code.at, s.code.ok, s.code.changed, len(s.code.rounds))
	return b.String()
}

// altered returns every altered form of m: each bit flipped, cut at each byte,
// extended, and with each other type. With -short, of the 1,120 bytes of a
// ciphertext that M1 holds, every 16th bit is flipped: each takes a KEM.
func altered(m []byte) (list [][]byte) {
	for bit := range len(m) * 8 {
		if in := bit/8 - pairHead; testing.Short() && m[0] == pairFirst && in >= 0 && in < encLen && bit%16 != 0 {
			continue
		}
		bad := bytes.Clone(m)
		bad[bit/8] ^= 1 << (bit % 8)
		list = append(list, bad)
	}
	for cut := range m {
		list = append(list, m[:cut])
	}
	for _, more := range []int{1, 16, 100} {
		list = append(list, append(bytes.Clone(m), make([]byte, more)...))
	}
	for typ := range 256 {
		if bad := append([]byte{byte(typ)}, m[1:]...); bad[0] != m[0] && popcount(bad[0]^m[0]) > 1 {
			list = append(list, bad)
		}
	}
	return list
}

// popcount is 1 for a type that is a flipped bit away, which altered has
// already.
func popcount(b byte) (n int) {
	for ; b > 0; b &= b - 1 {
		n++
	}
	return n
}

// checkAltered gives s every altered form of m, of which nothing may be taken
// and nothing may change, and returns how many there were.
func checkAltered(t *testing.T, s *Session, m []byte) int {
	t.Helper()
	before := snapshot(s)
	list := altered(m)
	for _, bad := range list {
		out, err := s.Handle(epoch, bad)
		if err == nil || len(out.Pair)+len(out.Events) > 0 {
			t.Fatalf("Handle(%x) = %+v, %v, want an error", bad, out, err)
		}
	}
	if snapshot(s) != before {
		t.Fatalf("refused forms of message %d have changed something: %s, was %s", m[0], snapshot(s), before)
	}
	return len(list)
}

// TestAlteredHandshake alters every message of a handshake. The true one is
// accepted afterwards, once.
func TestAlteredHandshake(t *testing.T) {
	bothKinds(t, func(t *testing.T, passphrase string) {
		a, b := started(t, 1, passphrase), started(t, 2, passphrase)
		total := 0
		for to, from, m := b, a, meet(t, a, b); m != nil; to, from = from, to {
			n := checkAltered(t, to, m)
			t.Logf("%d altered forms of message %d (%d bytes) refused", n, m[0], len(m))
			total += n
			out := take(t, to, m)
			before := snapshot(to)
			again, err := to.Handle(epoch, m)
			answer := [][]byte(nil)
			if len(out.Pair) > 0 {
				answer = out.Pair[:1]
			}
			// A repeated message is answered as before, or refused.
			if (err == nil) != (answer != nil) || len(again.Events) > 0 || !slices.EqualFunc(again.Pair, answer, bytes.Equal) || snapshot(to) != before {
				t.Errorf("message %d again: %+v, %v", m[0], again, err)
			}
			// Altered ones are still refused.
			if n := checkAltered(t, to, m); n == 0 {
				t.Error("nothing was altered")
			}
			total += n
			if m = nil; answer != nil {
				m = answer[0]
			}
		}
		checkHears(t, a, b)
		checkHears(t, b, a)
		if n, _ := a.Guesses(epoch); n != 0 {
			t.Errorf("%d guesses were counted", n)
		}
		t.Logf("%d altered messages refused in all", total)
	})
}

// TestAlteredBoxes alters a box of each kind.
func TestAlteredBoxes(t *testing.T) {
	a, b := fixed(t, 3), fixed(t, 2)
	connect(t, a, b)
	total := 0
	for _, name := range slices.Sorted(maps.Keys(payloads())) {
		if name == "bye" {
			continue // the last one
		}
		total += alterBox(t, a, b, name)
	}
	total += alterBox(t, a, b, "bye")
	t.Logf("%d altered boxes refused in all", total)
	if len(b.Peers()) != 0 {
		t.Error("the goodbye was not taken")
	}
}

// alterBox sends b a box of a kind from a, altered first.
func alterBox(t *testing.T, a, b *Session, name string) int {
	t.Helper()
	m := a.box(a.peers[b.hash], payloads()[name])
	n := checkAltered(t, b, m)
	t.Logf("%s: %d altered forms of %d bytes refused", name, n, len(m))
	take(t, b, m)
	if out, err := b.Handle(epoch, m); !errors.Is(err, ErrReplay) && !errors.Is(err, ErrUnknownKey) || len(out.Pair)+len(out.Events) > 0 {
		t.Errorf("%s again: %+v, %v", name, out, err)
	}
	return n
}

// A letter is a message that only one session may take, and only now.
type letter struct {
	what string
	to   *Session
	b    []byte
}

// TestCrossDelivery gives each message of many handshakes and channels to
// everybody it is not for, and to those it is for in another session, direction
// or connection, and later. All that is refused and changes nothing.
func TestCrossDelivery(t *testing.T) {
	refused, reasons := 0, make(map[string]int)
	wrong := func(what string, s *Session, m []byte) {
		t.Helper()
		before := snapshot(s)
		out, err := s.Handle(epoch, m)
		if err == nil || len(out.Pair)+len(out.Events) > 0 {
			t.Errorf("%s: message %d at slot %d: %+v, %v, want an error", what, m[0], s.slot, out, err)
		}
		if snapshot(s) != before {
			t.Errorf("%s: message %d at slot %d has changed something", what, m[0], s.slot)
		}
		refused++
		reasons[what]++
	}
	for _, passphrase := range []string{"", phrase} {
		const n = 5
		var s, elsewhere [n]*Session
		for i := range s {
			s[i] = started(t, i, passphrase)
			elsewhere[i] = unstarted(t, i, "session2", passphrase)
			if err := elsewhere[i].Start(uint16(i)); err != nil {
				t.Fatal(err)
			}
		}
		var letters []letter
		for i := range n {
			for j := i + 1; j < n; j++ {
				meet(t, elsewhere[i], elsewhere[j])
				letters = append(letters, letter{"M1", s[j], meet(t, s[i], s[j])})
			}
		}
		var done []letter
		scatter := func(l letter) {
			for k := range s {
				if s[k] != l.to {
					wrong("wrong peer", s[k], l.b)
				}
				wrong("other session", elsewhere[k], l.b)
			}
			readdress(s[:], elsewhere[:], l, wrong)
		}
		for len(letters) > 0 {
			var next []letter
			for _, l := range letters {
				scatter(l)
			}
			for _, l := range letters {
				out := take(t, l.to, l.b)
				done = append(done, l)
				for _, m := range out.Pair {
					next = append(next, letter{"answer", byHash(s[:], hello.Hash(m[33:65])), m})
				}
			}
			letters = next
		}
		for i := range s {
			for j := range s {
				if i == j {
					continue
				}
				for name, plain := range payloads() {
					if name == "keyState" || name == "bye" {
						continue // of another slot; and the last one
					}
					l := letter{name, s[j], s[i].box(s[i].peers[s[j].hash], plain)}
					scatter(l)
					take(t, l.to, l.b)
					done = append(done, l)
				}
				checkHears(t, s[i], s[j])
			}
		}
		for _, l := range done {
			scatter(l)
			if l.b[0] == pairThird || l.b[0] == pairBox {
				wrong("again", l.to, l.b)
			}
		}
		afterwards(t, s[:], done, wrong)
	}
	t.Logf("%d messages refused: %v", refused, reasons)
	if refused < 1000 {
		t.Errorf("%d messages refused, want 1,000", refused)
	}
}

// readdress gives the letter to others with addresses that suit it there.
func readdress(s, elsewhere []*Session, l letter, wrong func(string, *Session, []byte)) {
	from, to := byHash(s, hello.Hash(l.b[1:33])), l.to
	address := func(from, to *Session) []byte {
		m := append([]byte{l.b[0]}, from.hash[:]...)
		return append(append(m, to.hash[:]...), l.b[pairHead:]...)
	}
	wrong("other direction", from, address(to, from))
	wrong("other session, readdressed", elsewhere[to.slot], address(elsewhere[from.slot], elsewhere[to.slot]))
	for _, o := range s {
		if o != from && o != to {
			wrong("other recipient, readdressed", o, address(from, o))
			wrong("other sender, readdressed", to, address(o, to))
		}
	}
}

// byHash returns the session of a Hello.
func byHash(list []*Session, id hello.Hash) *Session {
	for _, s := range list {
		if s.hash == id {
			return s
		}
	}
	return nil
}

// afterwards has everybody forget everybody, and then meet the same people
// anew, some of them on other connections. No message of before is taken.
func afterwards(t *testing.T, s []*Session, done []letter, wrong func(string, *Session, []byte)) {
	t.Helper()
	for _, a := range s {
		for _, b := range s {
			a.Forget(epoch, b.hash)
		}
	}
	for _, l := range done {
		wrong("after Forget", l.to, l.b)
	}
	passphrase := string(s[0].password.bytes())
	for i, a := range s {
		b := inSlot(t, 50+i, 500, passphrase) // the next connection of the next one
		meet(t, a, b)
		connect(t, b, inSlot(t, 60+i, 501, passphrase))
		for _, l := range done {
			if l.to != a {
				continue
			}
			m := bytes.Clone(l.b)
			copy(m[1:], b.hash[:])
			wrong("of an earlier connection", a, m)
			copy(m[33:], b.hash[:])
			copy(m[1:], a.hash[:])
			wrong("for a later connection", b, m)
		}
	}
	// The same Hellos in sessions that have lost their memory: all is another
	// run, as each has its own encapsulation and shares.
	for _, l := range done {
		if l.b[0] == pairFirst {
			continue // the run is M1's; a Session remembers whom it has met
		}
		from := byHash(s, hello.Hash(l.b[1:33]))
		x, y := started(t, int(l.to.slot), passphrase), started(t, int(from.slot), passphrase)
		connect(t, x, y)
		wrong("of an earlier run", x, l.b)
		x, y = started(t, int(l.to.slot), passphrase), started(t, int(from.slot), passphrase)
		m1 := meet(t, x, y)
		wrong("of an earlier run, half way", x, l.b)
		take(t, y, m1)
	}
}

// TestLaterTime gives the messages of a handshake to sessions that have given
// up waiting for them.
func TestLaterTime(t *testing.T) {
	bothKinds(t, func(t *testing.T, passphrase string) {
		late := epoch.Add(answerTime)
		a, b := started(t, 1, passphrase), started(t, 2, passphrase)
		m1 := meet(t, a, b)
		m2 := take(t, b, m1).Pair[0]
		a.Due(late)
		if out, err := a.Handle(late, m2); !errors.Is(err, ErrUnknownKey) || len(out.Pair) > 0 || len(a.Peers()) > 0 {
			t.Errorf("M2 after %v: %+v, %v, want %v", answerTime, out, err, ErrUnknownKey)
		}
		if passphrase == "" {
			return
		}
		a, b = started(t, 1, passphrase), started(t, 2, passphrase)
		m1 = meet(t, a, b)
		m2 = take(t, b, m1).Pair[0]
		m3 := take(t, a, m2).Pair[0]
		b.Due(late)
		if out, err := b.Handle(late, m3); !errors.Is(err, ErrUnknownKey) || len(out.Pair) > 0 || len(b.Peers()) > 0 {
			t.Errorf("M3 after %v: %+v, %v, want %v", answerTime, out, err, ErrUnknownKey)
		}
		// In between it is taken: the time is over with Due, not before.
		c := started(t, 3, passphrase)
		m1 = meet(t, a, c)
		m2 = take(t, c, m1).Pair[0]
		if _, err := a.Handle(epoch.Add(answerTime-time.Millisecond), m2); err != nil {
			t.Errorf("M2 in time: %v", err)
		}
	})
}
