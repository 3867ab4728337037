package call

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher"
	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/simnet"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// TestJoinOfTheFiftieth has a member join 49 others at a round trip of 50 ms,
// all of whom speak. Everybody must hear the new one, who must hear everybody,
// soon after the request to join: keys take one round trip after the hub's
// answer, one and a half with a passphrase. The clock is that of the
// simulation: what computing takes comes on top, and is in
// BenchmarkJoinOfTheFiftieth.
func TestJoinOfTheFiftieth(t *testing.T) {
	if testing.Short() {
		t.Skip("49 members take some seconds")
	}
	for _, test := range []struct {
		passphrase string
		within     time.Duration
	}{
		{"", 300 * time.Millisecond},
		{"ember-lake-tiger", 400 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			took, hears, heard := joinOfTheFiftieth(t, test.passphrase)
			t.Logf("passphrase %v: dial to the last of the 49 heard %v, to the last of the 49 who hears %v", test.passphrase != "", hears, heard)
			if took > test.within {
				t.Errorf("with passphrase %q everybody is heard after %v, want %v", test.passphrase, took, test.within)
			}
		})
	}
}

// joinOfTheFiftieth returns how long it takes until everybody is heard, until
// the new one hears everybody, and until everybody hears the new one.
func joinOfTheFiftieth(t *testing.T, passphrase string) (took, hears, heard time.Duration) {
	const others = 49
	ctx, cancel := context.WithCancel(t.Context())
	net := simnet.New(50)
	ln, err := net.Listen("hub")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { _ = hub.New(hub.Config{}).Serve(ctx, ln) })
	var all []*speaker
	start := func(i int) *speaker {
		s := &speaker{heard: make(map[uint16]time.Time), ready: make(chan struct{})}
		all = append(all, s)
		wg.Go(func() { s.run(ctx, t, net, i, passphrase) })
		<-s.ready
		return s
	}
	for i := range others {
		start(i)
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(10 * time.Second)
	began := time.Now()
	last := start(others)
	time.Sleep(2 * time.Second)
	cancel()
	wg.Wait()
	if len(last.heard) != others {
		t.Errorf("the new member heard %d of %d", len(last.heard), others)
	}
	for _, at := range last.heard {
		hears = max(hears, at.Sub(began))
	}
	for i, s := range all[:others] {
		at, ok := s.heard[last.slot]
		if !ok {
			t.Errorf("member %d never heard the new one", i)
		}
		heard = max(heard, at.Sub(began))
	}
	return max(hears, heard), hears, heard
}

// A speaker is a member without devices and codecs, who sends a packet every
// 20 ms, of control as not every voice has the floor, and notes when it opened the
// first of each other member.
type speaker struct {
	slot  uint16
	heard map[uint16]time.Time // owned by the receiving goroutine until run returns
	ready chan struct{}        // closed when joined
}

func (s *speaker) run(ctx context.Context, t *testing.T, net *simnet.Net, i int, passphrase string) {
	way := simnet.Link{Delay: 25 * time.Millisecond}
	conn, err := net.Dial(ctx, "hub", way, way)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	keys, err := cipher.NewSession(cipher.Config{
		Identity: person.Identity(t, i), Binding: conn.Info().Binding, Session: "fifty", Name: fmt.Sprintf("m%d", i), Passphrase: passphrase,
	})
	if err != nil {
		t.Error(err)
		return
	}
	raw, cert, _ := keys.Hello()
	if err := conn.SendMessage(wire.Join{Hello: raw, Cert: cert}.Append(nil)); err != nil {
		t.Error(err)
		return
	}
	messages := make(chan wire.Message, 512)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer conn.Close()
	wg.Go(func() {
		defer close(messages)
		for {
			b, err := conn.RecvMessage(nil)
			if err != nil {
				return
			}
			if m, err := wire.ParseMessage(b); err == nil {
				messages <- m
			}
		}
	})
	wg.Go(func() {
		var buf, plain [wire.MaxDatagram]byte
		for {
			n, err := conn.RecvDatagram(buf[:])
			if err != nil {
				return
			}
			if _, from, err := keys.Open(plain[:0], buf[:n]); err == nil {
				if _, ok := s.heard[from.Slot]; !ok {
					s.heard[from.Slot] = time.Now()
				}
			}
		}
	})
	s.speak(ctx, t, conn, keys, messages)
}

func (s *speaker) speak(ctx context.Context, t *testing.T, conn transport.Conn, keys *cipher.Session, messages <-chan wire.Message) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	voice := make([]byte, 80)
	listed := 0
	for {
		var out cipher.Out
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			out, _ = keys.Due(time.Now())
			if b, err := keys.Seal(nil, sframe.StreamControl, byte(wire.NewClear(wire.KindControl, 0)), voice); err == nil {
				_ = conn.SendDatagram(b)
			}
		case m, ok := <-messages:
			if !ok {
				return
			}
			out = s.take(t, keys, m, &listed)
		}
		for _, pair := range out.Pair {
			_ = conn.SendMessage(wire.Forward{Pair: pair}.Append(nil))
		}
	}
}

func (s *speaker) take(t *testing.T, keys *cipher.Session, m wire.Message, listed *int) (out cipher.Out) {
	switch m := m.(type) {
	case wire.Joined:
		*listed, s.slot = int(m.Peers), m.Slot
		if err := keys.Start(m.Slot); err != nil {
			t.Error(err)
		}
		close(s.ready)
	case wire.Peer:
		v, err := hello.Verify(m.Hello, m.Cert)
		if err == nil && *listed > 0 {
			*listed--
			err = keys.Meet(time.Now(), m.Slot, v)
		} else if err == nil {
			var pair []byte
			if pair, err = keys.Welcome(time.Now(), m.Slot, v); err == nil {
				out.Pair = [][]byte{pair}
			}
		}
		if err != nil {
			t.Errorf("slot %d: %v", m.Slot, err)
		}
	case wire.From:
		out, _ = keys.Handle(time.Now(), m.Pair)
	}
	return out
}

// BenchmarkJoinOfTheFiftieth measures what the new member computes when 49
// others are there: its own keys and certificate, 49 certificates and 49
// handshakes.
func BenchmarkJoinOfTheFiftieth(b *testing.B) {
	for _, passphrase := range []string{"", "ember-lake-tiger"} {
		name := "open"
		if passphrase != "" {
			name = "passphrase"
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				now := time.Now()
				var others []*cipher.Session
				for i := range 49 {
					others = append(others, newKeys(b, i, uint16(i), passphrase))
				}
				b.StartTimer()
				mine := newKeys(b, 49, 49, passphrase)
				raw, cert, _ := mine.Hello()
				b.StopTimer()
				v, err := hello.Verify(raw, cert)
				if err != nil {
					b.Fatal(err)
				}
				for i, o := range others {
					theirs, theirCert, _ := o.Hello()
					m1, err := o.Welcome(now, 49, v)
					if err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
					ov, err := hello.Verify(theirs, theirCert)
					if err == nil {
						err = mine.Meet(now, uint16(i), ov)
					}
					out, err2 := mine.Handle(now, m1)
					b.StopTimer()
					if err != nil || err2 != nil {
						b.Fatal(err, err2)
					}
					answer, err := o.Handle(now, out.Pair[0])
					if err != nil {
						b.Fatal(err)
					}
					for _, m3 := range answer.Pair {
						b.StartTimer()
						_, err := mine.Handle(now, m3)
						b.StopTimer()
						if err != nil {
							b.Fatal(err)
						}
					}
				}
				b.StartTimer()
			}
		})
	}
}

// newKeys returns the keys of a member in a slot.
func newKeys(tb testing.TB, i int, slot uint16, passphrase string) *cipher.Session {
	s, err := cipher.NewSession(cipher.Config{Identity: person.Identity(tb, i), Session: "fifty", Name: fmt.Sprintf("m%d", i), Passphrase: passphrase})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Start(slot); err != nil {
		tb.Fatal(err)
	}
	return s
}
