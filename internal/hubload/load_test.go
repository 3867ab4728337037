package hubload

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/hub"
	"github.com/sanix-darker/s2c/internal/transport"
)

func TestHistogram(t *testing.T) {
	for us := range 3_000_000 {
		if us > 5000 && us%997 != 0 {
			continue
		}
		d := time.Duration(us) * time.Microsecond
		if got := value(bucket(d)); got > d || float64(d-got) > float64(d)/16 {
			t.Fatalf("%v is counted as %v", d, got)
		}
	}
	var h, all Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("the median of nothing is %v", got)
	}
	for ms := range 100 {
		h.Add(time.Duration(ms+1) * time.Millisecond)
	}
	all.Merge(&h)
	all.Merge(&h)
	for _, q := range []float64{0.01, 0.5, 0.99, 1} {
		want := time.Duration(100*q) * time.Millisecond
		if got := all.Quantile(q); got > want || float64(want-got) > float64(want)/16 {
			t.Errorf("quantile %v = %v, want %v", q, got, want)
		}
	}
	h.Add(-time.Second)
	if got := h.Quantile(0); got != 0 {
		t.Errorf("the least is %v, want 0", got)
	}
}

// startHub starts a hub on loopback and returns its address.
func startHub(t *testing.T) string {
	t.Helper()
	key, err := transport.NewHubKey()
	if err != nil {
		t.Fatal(err)
	}
	ln, err := transport.Listen(transport.ListenConfig{Addr: "127.0.0.1:0", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := hub.New(hub.Config{}).Serve(ctx, ln); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return ln.Addr()
}

// Every packet of whoever speaks comes to all others of the room and to nobody
// else, over UDP and over TLS.
func TestLoad(t *testing.T) {
	addr := startHub(t)
	who, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	for _, tcp := range []bool{false, true} {
		l := New()
		defer l.Close()
		for i, room := range []string{"one", "one", "one", "two", "two"} {
			m, err := Join(t.Context(), Place{
				Dial: transport.DialConfig{Addr: addr, Verify: func(string) error { return nil }, NoUDP: tcp},
				Who:  who, Session: room, Name: string(rune('a' + i)),
			})
			if err != nil {
				t.Fatal(err)
			}
			l.Add(m, room, i != 2)
		}
		rates := Rates{Voice: 20, VoiceSize: 110, Video: 5, VideoSize: 700}
		calls := 0
		r, err := l.Run(t.Context(), rates, time.Second, func() { calls++ }, func() { calls += 10 })
		if err != nil {
			t.Fatal(err)
		}
		// Four who speak, 25 packets each, of which some may fall out of the second;
		// two have two listeners, two have one.
		if r.Sent < 90 || r.Sent > 110 || r.Expected < 135 || r.Expected > 165 {
			t.Errorf("TLS %v: %d packets sent, %d expected", tcp, r.Sent, r.Expected)
		}
		if lost := r.Lost(); lost > 0.05 || lost < -0.05 {
			t.Errorf("TLS %v: %d of %d received", tcp, r.Received, r.Expected)
		}
		if r.Delays.Quantile(0.5) <= 0 || r.Took < 900*time.Millisecond || calls != 11 {
			t.Errorf("TLS %v: a delay of %v in %v, %d", tcp, r.Delays.Quantile(0.5), r.Took, calls)
		}
		l.Close()
	}
}

func TestJoinFails(t *testing.T) {
	addr := startHub(t)
	who, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	p := Place{Dial: transport.DialConfig{Addr: addr, Verify: func(string) error { return nil }}, Who: who, Session: "bad session", Name: "a"}
	if _, err := Join(t.Context(), p); err == nil {
		t.Error("a session whose name is wrong is no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Session = "one"
	if _, err := Join(ctx, p); !errors.Is(err, context.Canceled) {
		t.Errorf("without time: %v", err)
	}
}

// A way that fails ends Run.
func TestRunFails(t *testing.T) {
	l := New()
	l.Add(&brokenWay{done: make(chan struct{})}, "one", true)
	if _, err := l.Run(t.Context(), Usual, time.Second, nil, nil); !errors.Is(err, errBroken) {
		t.Errorf("Run = %v, want %v", err, errBroken)
	}
	l.Close()
}

var errBroken = errors.New("broken")

type brokenWay struct {
	once sync.Once
	done chan struct{}
}

func (*brokenWay) Send(bool, int, time.Duration) error { return errBroken }

func (w *brokenWay) Receive() (time.Duration, error) {
	<-w.done
	return 0, errBroken
}

func (w *brokenWay) Close() { w.once.Do(func() { close(w.done) }) }
