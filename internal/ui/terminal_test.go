package ui

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/trust"
)

// setTerm makes the environment that of an xterm with 24-bit colours, or with
// 256.
func setTerm(t *testing.T, rgb bool) {
	for k, v := range map[string]string{
		"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "NO_COLOR": "", "LINES": "", "COLUMNS": "", "COLORTERM": "",
	} {
		t.Setenv(k, v)
	}
	if rgb {
		t.Setenv("COLORTERM", "truecolor")
	}
}

// vtRun shows a call on a terminal, which belongs to the bubble that calls it,
// in the same way as Run does on a real one. It sends what that returned.
func vtRun(ctx context.Context, t *testing.T, c Config) (*vt, <-chan error) {
	t.Helper()
	v := newVT(80, 24)
	g := newGate(v)
	s, err := tcell.NewTerminfoScreenFromTty(g)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		c.Screen = s
		term, err := open(c.setup(), g)
		if err == nil {
			err = term.loop(ctx, newCallView(c), c.Engine.Changed())
			term.close()
		}
		ended <- err
	}()
	return v, ended
}

// TestWholeScreen checks against a terminal that what is drawn piece by piece
// is what is drawn as a whole: after any keys, sizes and pictures, drawing the
// screen again changes nothing.
func TestWholeScreen(t *testing.T) {
	for _, rgb := range []bool{true, false} {
		setTerm(t, rgb)
		synctest.Test(t, func(t *testing.T) {
			e := newEngine(3)
			ctx, cancel := context.WithCancel(t.Context())
			v, ended := vtRun(ctx, t, Config{Engine: e, Look: ascii.LookHalf})
			pass(time.Second)
			rng := rand.New(rand.NewPCG(3, 4))
			names := []string{"anna", "日本語の名前", "Jose\u0301"}
			keys := []string{
				"m", "v", "r", "s", "?", "x", "\x1b[6~", "\x1b[5~", "p", "j", "c", "y", "n", "L", "\x1bOP",
				"\t", "\r", "\x1b", "\x1b", "日", "\x7f", "\x1b[200~some words\rthat were pasted\x1b[201~",
			}
			for i := range 150 {
				if i%5 == 0 {
					v.setSize(1+rng.IntN(150), 1+rng.IntN(50))
				}
				v.in <- []byte(keys[rng.IntN(len(keys))])
				e.change(func() {
					m := e.state.Members[:3][:rng.IntN(4)]
					for k := range m {
						m[k].Name, m[k].Camera, m[k].Speaking = names[rng.IntN(3)], rng.IntN(5) > 0, rng.IntN(2) == 0
						e.pictures[m[k].Slot] = drawnFace(rng.IntN(8))
					}
					e.state.Members, e.self = m, drawnFace(rng.IntN(8))
					for k := range m {
						m[k].Mark, m[k].Differs = trust.Mark(rng.IntN(4)), rng.IntN(4) == 0
						m[k].Silent = time.Duration(rng.IntN(20)) * time.Second
					}
					e.state.Code, e.state.Knocks = [4]string{}, nil
					if rng.IntN(2) == 0 {
						e.state.Code = [4]string{"ember", "lake", "tiger", "nine"}
						e.state.Knocks = []call.Knock{{Slot: uint16(rng.IntN(3)), Name: names[rng.IntN(3)]}}
					}
				})
				if i%4 == 0 {
					e.notices <- call.Notice{Kind: call.ChatLine, Name: names[rng.IntN(3)], Text: strings.Repeat("words and more ", rng.IntN(20))}
				}
				pass(time.Duration(rng.IntN(300)) * time.Millisecond)
			}
			e.change(func() { e.state.Members = e.state.Members[:3] })
			v.setSize(100, 30)
			pass(chatTime + time.Second) // meters and notices come to rest
			before := v.snapshot()
			v.in <- []byte("\x0c") // Ctrl-L
			pass(5 * time.Second)  // and nobody says any more how many bytes that took
			for i, after := range v.snapshot() {
				if after != before[i] {
					t.Fatalf("cell %d,%d is %+v, and %+v after drawing the whole screen", i%v.w, i/v.w, before[i], after)
				}
			}
			if got := v.text(); !slices.ContainsFunc([]string{"▀▀▀", "EEE", "OOO", "ggg"}, func(s string) bool { return strings.Contains(got, s) }) {
				t.Errorf("no pictures on\n%s", got)
			}
			cancel()
			<-ended
			if len(v.unknown) > 0 {
				t.Errorf("the terminal was sent %v", v.unknown)
			}
			if v.writes == 0 || v.sync || v.running {
				t.Errorf("in the end: %d frames, in a frame: %v, in raw mode: %v", v.writes, v.sync, v.running)
			}
		})
	}
}

// TestOver checks that what was drawn over a still picture leaves nothing
// behind, and that a screen that others wrote to can be drawn again.
func TestOver(t *testing.T) {
	setTerm(t, true)
	real := stopper
	defer func() { stopper = real }()
	stopper = func() error { return nil }
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(1)
		e.sends = true
		ctx, cancel := context.WithCancel(t.Context())
		v, ended := vtRun(ctx, t, Config{Engine: e, Look: ascii.LookHalf})
		pass(time.Second)
		before := v.snapshot()
		same := func(what string) {
			t.Helper()
			pass(time.Second)
			for i, after := range v.snapshot() {
				if after != before[i] {
					t.Fatalf("after %s cell %d,%d is %+v, want %+v:\n%s", what, i%v.w, i/v.w, after, before[i], v.text())
				}
			}
		}
		sees := func(what, words string) {
			t.Helper()
			pass(time.Second)
			if got := v.text(); !strings.Contains(got, words) {
				t.Fatalf("after %s the screen is\n%s", what, got)
			}
		}
		v.in <- []byte("?")
		sees("?", "Esc closes")
		v.in <- []byte("?")
		same("the help")
		e.notices <- call.Notice{Kind: call.MemberJoined, Name: "bo"}
		sees("a notice", "bo joined")
		pass(noticeTime)
		same("a notice")
		v.in <- []byte("s")
		sees("s", "show self")
		v.in <- []byte("s")
		pass(answerTime)
		e.change(func() { e.self = drawnFace(7) })
		same("hiding oneself")
		v.in <- []byte("\x0c?") // both before the next frame
		sees("Ctrl-L and ?", "Esc closes")
		v.in <- []byte("\x0c?")
		same("Ctrl-L and a key")
		v.in <- []byte("\x1a") // Ctrl-Z
		same("Ctrl-Z")
		if _, err := v.Write([]byte("\x1b[3;1Hwall: the system goes down\x1b[m\x1b[1;1H\x1b[41mNOW\x1b[24;70H日本")); err != nil {
			t.Fatal(err)
		}
		v.in <- []byte("\x0c")
		same("Ctrl-L over what others wrote")
		cancel()
		<-ended
	})
}

// TestStill checks that a still screen sends nothing.
func TestStill(t *testing.T) {
	setTerm(t, true)
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(1)
		ctx, cancel := context.WithCancel(t.Context())
		v, ended := vtRun(ctx, t, Config{Engine: e, Look: ascii.LookHalf})
		pass(5 * time.Second)
		before, frames := v.written(), e.painted()
		pass(10 * time.Second)
		if n := v.written() - before; n != 0 || e.painted() < frames+50 {
			t.Errorf("%d bytes in %d frames of a still screen", n, e.painted()-frames)
		}
		cancel()
		<-ended
	})
}

// TestPace checks how often is painted: seldom when nothing happens, not too
// often when all the time something does, and at once after a while and after
// a key.
func TestPace(t *testing.T) {
	e := newEngine(1)
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, s *simScreen) {
		frames := func(d time.Duration) int {
			n := e.painted()
			pass(d)
			return e.painted() - n
		}
		if got, want := frames(10*time.Second), int(10*time.Second/idleEvery); got < want-1 || got > want+1 {
			t.Errorf("%d frames in 10 idle seconds, want about %d", got, want)
		}
		busy := 0
		for range 1000 {
			e.change(func() {})
			busy += frames(10 * time.Millisecond)
		}
		if want := int(10 * time.Second / rungs[0].every()); busy < want-1 || busy > want+1 {
			t.Errorf("%d frames in 10 busy seconds, want about %d", busy, want)
		}
		pass(rungs[0].every())
		e.change(func() {})
		if got := frames(0); got != 1 {
			t.Errorf("%d frames at once after a change, want 1", got)
		}
		n := e.painted()
		s.press("m")
		if got := e.painted() - n; got != 1 {
			t.Errorf("%d frames at once after a key, want 1", got)
		}
	})
}

// TestSlowTerminal checks that a terminal that takes its time is left half of
// it, but painted once a second all the same.
func TestSlowTerminal(t *testing.T) {
	for _, tt := range []struct{ takes, every time.Duration }{
		{10 * time.Millisecond, rungs[0].every()},
		{100 * time.Millisecond, 200 * time.Millisecond},
		{300 * time.Millisecond, 600 * time.Millisecond},
		{800 * time.Millisecond, slowest},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, e := newSim(80, 24), newEngine(1)
			s.slow = tt.takes
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- Run(ctx, Config{Engine: e, Screen: s}) }()
			pass(5 * time.Second)
			n := e.painted()
			for i := range 3000 {
				e.change(func() { e.state.Link.RTT = time.Duration(i+10) * time.Millisecond })
				pass(10 * time.Millisecond)
			}
			n = e.painted() - n
			if want := int(30 * time.Second / tt.every); n < want*9/10 || n > want+1 {
				t.Errorf("%d frames in 30 s where each takes %v, want about %d", n, tt.takes, want)
			}
			cancel()
			<-ended
		})
	}
}

// TestPanic checks that a panic leaves the terminal as it was.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(80, 24)
		e := newEngine(1)
		e.onState = func() { panic("on purpose") }
		func() {
			defer func() {
				if p := recover(); p != "on purpose" {
					t.Errorf("recovered %v", p)
				}
			}()
			_ = Run(t.Context(), Config{Engine: e, Screen: s})
		}()
		if s.finis != 1 {
			t.Errorf("the screen was finished %d times", s.finis)
		}
	})
}

// TestNoTerminal checks the error where no terminal can be opened.
func TestNoTerminal(t *testing.T) {
	t.Setenv("TERM", "no-such-terminal")
	err := Run(t.Context(), Config{Engine: newEngine(0)})
	if err == nil || !strings.HasPrefix(err.Error(), "open terminal: ") {
		t.Errorf("Run = %v, want an error", err)
	}
}

// TestBrokenTerminal checks that a terminal that cannot be written to ends Run.
func TestBrokenTerminal(t *testing.T) {
	setTerm(t, true)
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(1)
		v, ended := vtRun(t.Context(), t, Config{Engine: e, Look: ascii.LookHalf})
		pass(time.Second)
		gone := errors.New("gone")
		v.mu.Lock()
		v.fail = gone
		v.mu.Unlock()
		e.change(func() { e.pictures[10] = drawnFace(5) })
		if err := <-ended; !errors.Is(err, gone) || !strings.HasPrefix(err.Error(), "write terminal: ") {
			t.Errorf("Run = %v, want that writing failed", err)
		}
	})
}

// TestPaste checks that what is pasted is not taken for keys, and that the end
// of Run does not wait for somebody to read it all.
func TestPaste(t *testing.T) {
	setTerm(t, true)
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(1)
		v, ended := vtRun(t.Context(), t, Config{Engine: e})
		pass(time.Second)
		v.in <- []byte("\x1b[200~")
		for range 100 {
			v.in <- []byte(strings.Repeat("quit m ", 18))
		}
		v.in <- []byte("\x1b[201~")
		pass(time.Second)
		if e.Muted() {
			t.Error("a pasted m mutes")
		}
		select {
		case err := <-ended:
			t.Fatalf("a paste ended Run with %v", err)
		default:
		}
		v.in <- []byte("m")
		pass(time.Second)
		if !e.Muted() {
			t.Error("after a paste m does not mute")
		}
		go func() { // typed without brackets, more than all queues hold
			for range 100 {
				select {
				case v.in <- []byte("q" + strings.Repeat("m", 100)):
				case <-v.drained:
					return
				}
			}
		}()
		if err := <-ended; err != nil {
			t.Errorf("q ended Run with %v", err)
		}
	})
}

// pieces is a tty on which these pieces are typed.
type pieces struct {
	tcell.Tty
	list []string
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.list) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.list[0])
	p.list = p.list[1:]
	return n, nil
}

// TestGateText checks what is left of what is typed: tcell's parser would not end
// if something were not UTF-8.
func TestGateText(t *testing.T) {
	for _, tt := range []struct {
		typed []string
		raw   bool
		want  string
	}{
		{[]string{"abc", "é\x1b[A", "日本"}, false, "abcé\x1b[A日本"},
		{[]string{"a\xe9b", "\x9b\x9b", "c"}, false, "abc"},
		{[]string{"\xc3", "\xa9", "\xe6\x97", "\xa5!"}, false, "é日!"},
		{[]string{"\xf0\x9f", "\x91", "\x8b", "\xf0\x9f", "x"}, false, "👋x"},
		{[]string{"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xafy", "\ufffd"}, false, "y\ufffd"},
		{[]string{"x\xc3"}, false, "x"},
		{[]string{"a\xe9b"}, true, "a\xe9b"},
	} {
		g := newGate(&pieces{list: tt.typed})
		g.raw.Store(tt.raw)
		var got []byte
		for {
			var b [8]byte
			n, err := g.Read(b[:])
			got = append(got, b[:n]...)
			if err != nil {
				break
			}
		}
		if string(got) != tt.want {
			t.Errorf("typed %q, raw %v: %q, want %q", tt.typed, tt.raw, got, tt.want)
		}
	}
}

// TestGate checks that a reader that is held keeps what it has read, in each
// order of things, and that the tty can be started again.
func TestGate(t *testing.T) {
	for _, before := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			v := newVT(80, 24)
			g := newGate(v)
			for range 2 {
				if err := g.Start(); err != nil {
					t.Fatal(err)
				}
				var got []string
				ended := make(chan struct{})
				step := make(chan struct{}) // the reader does something else before each read
				go func() {
					defer close(ended)
					for range step {
						var b [8]byte
						n, err := g.Read(b[:])
						if err != nil {
							return
						}
						got = append(got, string(b[:n]))
					}
				}()
				step <- struct{}{}
				v.in <- []byte("a")
				synctest.Wait()
				held := make(chan struct{})
				if before { // hold while the reader waits for input
					step <- struct{}{}
					synctest.Wait()
				}
				go func() {
					g.hold()
					close(held)
				}()
				synctest.Wait()
				if !before { // hold while it does not: it must come first
					select {
					case <-held:
						t.Fatal("hold does not wait for the reader")
					default:
					}
					step <- struct{}{}
				}
				<-held
				select {
				case v.in <- []byte("b"):
				default:
				}
				synctest.Wait()
				select {
				case <-ended:
					t.Fatal("the reader left while it was held")
				default:
				}
				if err := g.Drain(); err != nil {
					t.Fatal(err)
				}
				<-ended
				if s := strings.Join(got, ""); s != "a" {
					t.Errorf("the reader got %q, want a alone", s)
				}
				g.hold() // the reader has gone: nothing to wait for
				for len(v.in) > 0 {
					<-v.in
				}
			}
		})
	}
}

// TestSuspend checks what Ctrl-Z does around stopping the process.
func TestSuspend(t *testing.T) {
	if stopper == nil {
		t.Skip("this system cannot stop a process from a key")
	}
	real := stopper
	defer func() { stopper = real }()
	e := newEngine(1)
	e.sends = true
	var s *simScreen
	stopper = func() error {
		s.stops = append(s.stops, "stop")
		e.change(func() {
			if len(e.views) > 0 || e.ownView.Width != 0 {
				t.Errorf("while the process is stopped somebody is seen: %v, %v", e.views, e.ownView)
			}
		})
		return nil
	}
	onScreen(t, Config{Engine: e}, 80, 24, func(t *testing.T, sim *simScreen) {
		s = sim
		before := s.text()
		e.change(func() {
			if len(e.views) != 1 || e.ownView.Width == 0 {
				t.Errorf("on the screen are %v and %v, want anna and oneself", e.views, e.ownView)
			}
		})
		s.key(tcell.KeyCtrlZ)
		pass(2 * idleEvery)
		if got := strings.Join(s.stops, " "); got != "suspend stop resume" {
			t.Errorf("Ctrl-Z does %q", got)
		}
		if got := s.text(); got != before {
			t.Errorf("after Ctrl-Z the screen is\n%s\nwant\n%s", got, before)
		}
	})
}
