package hubload

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/lab/person"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/wire"
)

// startHub starts a hub on loopback and returns its address. stop ends it.
func startHub(t *testing.T, c hub.Config) (addr string, stop func()) {
	t.Helper()
	key, err := transport.NewHubKey()
	if err != nil {
		t.Fatal(err)
	}
	ln, err := transport.Listen(transport.ListenConfig{Addr: "127.0.0.1:0", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := hub.New(c).Serve(ctx, ln); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return ln.Addr(), stop
}

// place returns where somebody joins a hub.
func place(t *testing.T, addr, session string, tcp bool) Place {
	return Place{
		Dial: transport.DialConfig{Addr: addr, Verify: func(string) error { return nil }, NoUDP: tcp},
		Who:  person.Identity(t, 0), Session: session, Name: "somebody",
	}
}

// joinAll returns a load of members in rooms, of whom the last ones listen.
func joinAll(t *testing.T, addr string, tcp bool, rooms []string, speak int) (*Load, []Way) {
	t.Helper()
	ways, err := JoinAll(t.Context(), len(rooms), func(ctx context.Context, i int) (Way, error) {
		return Join(ctx, place(t, addr, rooms[i], tcp))
	})
	if err != nil {
		t.Fatal(err)
	}
	l := New()
	t.Cleanup(l.Close)
	for i, w := range ways {
		l.Add(w, rooms[i], i < speak)
	}
	return l, ways
}

// Every packet of whoever speaks comes once to all others of the room and to
// nobody else, over UDP and over TLS, each time that the load runs.
func TestLoad(t *testing.T) {
	addr, _ := startHub(t, hub.Config{})
	for _, tcp := range []bool{false, true} {
		rooms := []string{"one", "two", "one", "two", "one", "two", "two"}
		l, ways := joinAll(t, addr, tcp, rooms, 6) // three of each speak, one of two listens
		for run := range 2 {
			calls := 0
			all, err := l.Run(t.Context(), Usual, time.Second, func() { calls++ }, func() { calls += 10 })
			if err != nil {
				t.Fatal(err)
			}
			if calls != 11 {
				t.Errorf("begun and ended were called %d times", calls)
			}
			for _, test := range []struct {
				name           string
				r              Result
				sent, expected uint64
			}{
				{"all", all, 6 * 70, 3*70*2 + 3*70*3},
				{"one", l.Room("one"), 3 * 70, 3 * 70 * 2},
				{"two", l.Room("two"), 3 * 70, 3 * 70 * 3},
				{"three", l.Room("three"), 0, 0},
				{"who speaks", l.Of(ways[5]), 70, 2 * 70},
				{"who listens", l.Of(ways[6]), 0, 3 * 70},
				{"nobody", l.Of(nil), 0, 0},
			} {
				r := &test.r
				if r.Sent != test.sent || r.Expected != test.expected || r.Received != r.Expected || r.Lost() != 0 || r.Again != 0 {
					t.Errorf("TLS %v, run %d, %s: %d sent, %d expected, %d received, %d again, want %d, %d, %[8]d, 0",
						tcp, run, test.name, r.Sent, r.Expected, r.Received, r.Again, test.sent, test.expected)
				}
				if r.Delays.Count() != r.Received || r.Received > 0 && (r.Delays.Max() <= 0 || r.Took < time.Second) {
					t.Errorf("TLS %v, run %d, %s: %d delays up to %v in %v", tcp, run, test.name, r.Delays.Count(), r.Delays.Max(), r.Took)
				}
			}
		}
	}
}

func TestRates(t *testing.T) {
	l := New()
	for _, r := range []Rates{{Voice: 1, VoiceSize: LeastSize - 1}, {Video: 1, VideoSize: 0}} {
		if _, err := l.Run(t.Context(), r, time.Second, nil, nil); err == nil {
			t.Errorf("packets too small for what is in them, %+v, are no error", r)
		}
	}
}

func TestJoinFails(t *testing.T) {
	addr, _ := startHub(t, hub.Config{})
	if _, err := Join(t.Context(), place(t, addr, "bad session", false)); err == nil {
		t.Error("a session whose name is wrong is no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Join(ctx, place(t, addr, "one", false)); !errors.Is(err, context.Canceled) {
		t.Errorf("without time: %v", err)
	}
}

// A hub that is full, and one with a door, refuse; nobody stays.
func TestRefused(t *testing.T) {
	var token hello.Token
	full, _ := startHub(t, hub.Config{Members: 4})
	closed, _ := startHub(t, hub.Config{Door: &token})
	join := func(addr string, door *hello.Token) error {
		ways, err := JoinAll(t.Context(), 6, func(ctx context.Context, i int) (Way, error) {
			p := place(t, addr, "room"+strconv.Itoa(i/2), false)
			p.Door = door
			return Join(ctx, p)
		})
		for _, w := range ways {
			w.Close()
		}
		return err
	}
	for addr, code := range map[string]wire.ErrorCode{full: wire.CodeHubFull, closed: wire.CodeDenied} {
		err := join(addr, nil)
		if r, ok := errors.AsType[*RefusedError](err); !ok || r.Code != code {
			t.Errorf("JoinAll = %v, want code %d", err, code)
		}
	}
	if err := join(closed, &token); err != nil {
		t.Errorf("with the token of the door: %v", err)
	}
}

// Run ends when it is interrupted, and when the hub ends.
func TestRunEnds(t *testing.T) {
	addr, stop := startHub(t, hub.Config{})
	l, _ := joinAll(t, addr, false, []string{"one", "one", "one"}, 2)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := l.Run(ctx, Usual, time.Minute, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	time.AfterFunc(100*time.Millisecond, stop)
	if _, err := l.Run(t.Context(), Usual, time.Minute, nil, nil); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("without its hub: %v", err)
	}
}

// A loop is a room in memory: each packet comes to all others in it after delay,
// but for every lose-th copy, and every again-th comes twice.
type loop struct {
	delay       time.Duration
	lose, again int

	copies int
	ends   []*loopEnd
}

type loopEnd struct {
	loop   *loop
	number uint16
	in     chan loopPacket
	once   sync.Once
	done   chan struct{}
}

type loopPacket struct {
	Packet
	from uint16
	at   time.Time
}

func (l *loop) join() *loopEnd {
	e := &loopEnd{loop: l, number: uint16(len(l.ends)), in: make(chan loopPacket, 1000), done: make(chan struct{})}
	l.ends = append(l.ends, e)
	return e
}

func (e *loopEnd) Send(p *Packet, _ int) error {
	l := e.loop
	out := loopPacket{*p, e.number, time.Now().Add(l.delay)}
	for _, o := range l.ends {
		if o == e {
			continue
		}
		l.copies++
		if l.lose == 0 || l.copies%l.lose != 0 {
			o.in <- out
		}
		if l.again != 0 && l.copies%l.again == 0 {
			o.in <- out
		}
	}
	return nil
}

func (e *loopEnd) Receive(p *Packet) (uint16, error) {
	select {
	case <-e.done:
		return 0, net.ErrClosed
	case in := <-e.in:
		time.Sleep(time.Until(in.at))
		*p = in.Packet
		return in.from, nil
	}
}

func (e *loopEnd) Close() { e.once.Do(func() { close(e.done) }) }

// What is lost and what comes twice is counted, and how long it takes.
func TestLost(t *testing.T) {
	for _, test := range []struct {
		lose, again int
		lost, twice uint64
		late        time.Duration // until Run returns
	}{
		{0, 0, 0, 0, 10 * time.Millisecond},
		{7, 0, 600, 0, time.Second},
		{0, 6, 0, 700, 10 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, room := New(), &loop{delay: 10 * time.Millisecond}
			defer l.Close()
			for range 3 {
				l.Add(room.join(), "room", true)
			}
			var begin, end time.Time
			r, err := l.Run(t.Context(), Usual, 10*time.Second,
				func() { begin, room.lose, room.again = time.Now(), test.lose, test.again }, func() { end = time.Now() })
			if err != nil {
				t.Fatal(err)
			}
			room.lose, room.again = 0, 0
			if r.Sent != 2100 || r.Expected != 4200 || r.Expected-r.Received != test.lost || r.Again != test.twice {
				t.Errorf("%+v: %d sent, %d expected, %d received, %d again", test, r.Sent, r.Expected, r.Received, r.Again)
			}
			if took := end.Sub(begin); r.Took != 10*time.Second || took != r.Took {
				t.Errorf("%+v: sent for %v, or %v", test, r.Took, took)
			}
			if late := time.Since(end); late < test.late-10*time.Millisecond || late > test.late+10*time.Millisecond {
				t.Errorf("%+v: waited for %v, want %v", test, late, test.late)
			}
			if got := r.Delays.Quantile(0.99); got != 10*time.Millisecond {
				t.Errorf("%+v: 99 %% take %v, want 10 ms", test, got)
			}
		})
	}
}

// A way that fails ends Run, whichever end of it.
func TestRunFails(t *testing.T) {
	for _, w := range []*brokenWay{{sends: true, done: make(chan struct{})}, {done: make(chan struct{})}} {
		l := New()
		l.Add(w, "one", true)
		if _, err := l.Run(t.Context(), Usual, time.Second, nil, nil); !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("Run = %v, want %v", err, io.ErrNoProgress)
		}
		l.Close()
	}
}

// A brokenWay cannot send, or cannot receive.
type brokenWay struct {
	sends bool
	once  sync.Once
	done  chan struct{}
}

func (w *brokenWay) Send(*Packet, int) error {
	if w.sends {
		return nil
	}
	return io.ErrNoProgress
}

func (w *brokenWay) Receive(*Packet) (uint16, error) {
	if w.sends {
		return 0, io.ErrNoProgress
	}
	<-w.done
	return 0, net.ErrClosed
}

func (w *brokenWay) Close() { w.once.Do(func() { close(w.done) }) }

func TestSeen(t *testing.T) {
	var s seen
	for _, test := range []struct {
		number uint32
		first  bool
	}{
		{5, true},
		{5, false},
		{3, true},
		{3, false},
		{70, true}, // 5 is out of sight
		{5, false},
		{7, true},
		{7, false},
		{6, false},
		{1000, true},
		{70, false},
		{999, true},
		{1<<32 - 1, false},
	} {
		if got := s.add(test.number); got != test.first {
			t.Fatalf("number %d comes for the first time: %v, want %v", test.number, got, test.first)
		}
	}
	s = seen{any: true, newest: 1<<32 - 1, bits: 1}
	if !s.add(0) || s.add(1<<32-1) || s.add(0) {
		t.Error("numbers do not go on after the last")
	}
}

func TestPacket(t *testing.T) {
	for _, p := range []Packet{{}, {Picture: true, Number: 1 << 31, Sent: 3 * time.Hour, Round: 255}} {
		b := p.Append(nil)
		var got Packet
		if !got.Parse(b) || got != p || len(b) != packetSize {
			t.Errorf("%+v is %x, which is %+v", p, b, got)
		}
		if got.Parse(b[:packetSize-1]) {
			t.Errorf("%x is a packet", b[:packetSize-1])
		}
		if b[1] = 2; got.Parse(b) {
			t.Errorf("%x is a packet", b)
		}
	}
}

func TestTakeAllocs(t *testing.T) {
	m, p := new(member), Packet{Round: 1}
	m.count(1)
	b := p.Append(make([]byte, 0, packetSize))
	if n := testing.AllocsPerRun(1000, func() {
		p.Number++
		b = p.Append(b[:0])
		p.Parse(b)
		m.take(3, &p, time.Millisecond)
	}); n != 0 {
		t.Errorf("a packet takes %v allocations", n)
	}
	if m.received != 1001 {
		t.Errorf("%d packets were received, want 1001", m.received)
	}
}

func BenchmarkTake(b *testing.B) {
	m, p := new(member), Packet{Round: 1}
	m.count(1)
	b.ReportAllocs()
	for b.Loop() {
		p.Number++
		m.take(3, &p, time.Millisecond)
	}
}
