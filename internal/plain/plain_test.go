package plain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/command"
)

// A fake is a call with ann in it, that does what it is told.
type fake struct {
	notices chan call.Notice

	mu sync.Mutex

	// Guarded by mu.
	state    call.State
	muted    bool
	said     []string
	verified int
	fails    error
}

// set changes the call.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) State(s *call.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	members, knocks := append(s.Members[:0], f.state.Members...), append(s.Knocks[:0], f.state.Knocks...)
	*s = f.state
	s.Members, s.Knocks = members, knocks
}
func (f *fake) Notices() <-chan call.Notice { return f.notices }
func (f *fake) Watch(views []call.View) {
	if len(views) > 0 {
		panic("plain mode looks at pictures")
	}
}

func (f *fake) Muted() (muted bool) {
	f.set(func() { muted = f.muted })
	return muted
}

func (f *fake) SetMuted(on bool)               { f.set(func() { f.muted = on }) }
func (f *fake) CameraOn() bool                 { return true }
func (f *fake) SetLocked(on bool)              { f.set(func() { f.state.Locked = on }) }
func (f *fake) SetTalking(bool)                {}
func (f *fake) UseDevice(string, string) error { return nil }

func (f *fake) SetCamera(bool)                 {}
func (f *fake) SetVolume(uint16, float64) bool { return true }
func (f *fake) Admit(uint16) bool              { return true }
func (f *fake) Deny(uint16) bool               { return true }
func (f *fake) Remove(uint16) bool             { return true }

func (f *fake) Verify() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.verified++
	return f.fails
}

func (f *fake) Say(line string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails != nil {
		return f.fails
	}
	f.said = append(f.said, line)
	f.notices <- call.Notice{At: time.Now(), Kind: call.ChatLine, Slot: f.state.Self.Slot, Name: f.state.Self.Name, Text: line, Fingerprint: f.state.Self.Fingerprint}
	return nil
}

// printOf returns a fingerprint that differs with k.
func printOf(k byte) hello.Fingerprint { return hello.Fingerprint{k} }

// A run is a call in plain mode.
type run struct {
	*fake
	t     *testing.T
	lines chan command.Line
	out   output
	ended error
	done  chan struct{}
	stop  context.CancelFunc
}

// An output is what was written and not yet taken.
type output struct {
	mu sync.Mutex
	b  []byte
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.b = append(o.b, b...)
	return len(b), nil
}

// take returns what was written since the last time.
func (o *output) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := string(o.b)
	o.b = nil
	return s
}

// start starts plain mode. The times of its lines are cut off.
func start(t *testing.T, typed bool) *run {
	r := &run{
		fake: &fake{notices: make(chan call.Notice, 9)}, t: t,
		lines: make(chan command.Line), done: make(chan struct{}),
	}
	r.state = call.State{Session: "room", Self: call.Member{Name: "ann", Present: true, Fingerprint: printOf(9), Slot: 9}}
	ctx, stop := context.WithCancel(t.Context())
	r.stop = stop
	go func() {
		defer close(r.done)
		r.ended = Run(ctx, Config{Engine: r.fake, Out: &r.out, Lines: r.lines, Typed: typed, Invite: "s2c join room"})
	}()
	r.expect("TIME You are ann in session room, not muted, with the camera off. What you type is said to everybody; /help lists the commands, /leave leaves.\n" + is(typed, "> ", ""))
	return r
}

// expect makes sure of what was written since the last time.
func (r *run) expect(want string) {
	r.t.Helper()
	synctest.Wait()
	got := r.out.take()
	lines := strings.SplitAfter(got, "\n")
	for i, s := range lines {
		if len(s) > 6 && s[2] == ':' && s[5] == ' ' && strings.Trim(s[:5], "0123456789") == ":" {
			lines[i] = "TIME" + s[5:]
		}
	}
	if got = strings.Join(lines, ""); got != want {
		r.t.Helper()
		r.t.Errorf("written is\n%q, want\n%q", got, want)
	}
	for _, c := range got {
		if c != '\n' && !unicode.IsGraphic(c) {
			r.t.Errorf("%q has the character %q", got, c)
		}
	}
}

func (r *run) tell(line string) { r.lines <- command.Line{Text: line} }

func (r *run) end(want error) {
	r.t.Helper()
	<-r.done
	if !errors.Is(r.ended, want) {
		r.t.Errorf("Run() = %v, want %v", r.ended, want)
	}
}

// TestTyped is a person at a terminal.
func TestTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, true)
		r.tell("hello there")
		r.expect("") // the terminal shows it
		time.Sleep(lookTime)
		r.expect("> ")
		r.notices <- call.Notice{At: time.Now(), Kind: call.ChatLine, Name: "bob", Text: "hi", Slot: 1}
		r.expect("\nTIME bob: hi\n")
		r.notices <- call.Notice{At: time.Now(), Kind: call.MemberLeft, Name: "bob", Slot: 1}
		r.expect("TIME bob left.\n")
		time.Sleep(lookTime)
		r.expect("> ")
		time.Sleep(10 * lookTime)
		r.expect("") // nothing is asked twice
		r.tell("//home is a folder\x1b[A")
		time.Sleep(lookTime)
		r.expect("> ")
		if want := []string{"hello there", "/home is a folder[A"}; !slices.Equal(r.said, want) {
			t.Errorf("said was %q, want %q", r.said, want)
		}
		r.notices <- call.Notice{At: time.Now(), Kind: call.ChatLine, Name: "ann", Text: "from elsewhere", Slot: 9, Fingerprint: printOf(9)}
		r.expect("\nTIME ann: from elsewhere\n")
		close(r.lines) // Ctrl-D
		r.expect("TIME You left.\n")
		r.end(nil)
	})
}

// TestPiped is a program that writes lines, and reads them.
func TestPiped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, false)
		r.tell("hello")
		r.expect("TIME ann: hello\n")
		r.tell("/say hello")
		r.expect("TIME ann: hello\n")
		close(r.lines)
		time.Sleep(time.Minute)
		r.expect("")
		r.stop()
		r.expect("")
		r.end(context.Canceled)
	})
}

func TestCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, false)
		r.set(func() {
			r.state.Members = []call.Member{{Slot: 1, Name: "bob", Present: true, Fingerprint: printOf(1), Muted: true, Volume: -6}}
		})
		r.set(func() { r.state.Knocks = []call.Knock{{Slot: 3, Fingerprint: printOf(3)}} })
		for _, test := range []struct{ line, want string }{
			{"/mute", "TIME You are muted.\n"},
			{"/mute", "TIME Done.\n"},
			{"/unmute", "TIME You are not muted any more.\n"},
			{"/lock", "TIME The session is locked: nobody new is let in.\n"},
			{"/unlock", "TIME The session is open again.\n"},
			{"/talk", "TIME Done.\n"},
			{"/dance", "TIME Not done: unknown command \"dance\"; /help lists the commands.\n"},
			{"/people here", "TIME Not done: unknown command \"people\"; /help lists the commands.\n"},
			{"/say", "TIME Not done: usage: say TEXT.\n"},
			{"/speaking maybe", "TIME Not done: usage: /speaking on|off.\n"},
			{"/use camera test", ""}, // a notice tells how it went
			{"/use tv test", "TIME Not done: use: \"tv\" is neither camera nor microphone nor speaker.\n"},
			{"/invite", "TIME Others join with: s2c join room\n"},
			{"/verify", "TIME Not done: there is no safety code yet.\n"},
			{"/code", "TIME Not done: there is no safety code yet.\n"},
			{"", ""},
			{"/people", "TIME 9: ann, no microphone, no speaker, you.\n" +
				"TIME 1: bob, muted, volume here -6 dB, new, " + printOf(1).String() + ".\n" +
				"TIME Somebody with the key " + printOf(3).String() + ", never met before, waits to be let in: /admit 3 or /deny 3.\n"},
			{"/times off", "Done.\n"},
			{"/times on", "TIME Done.\n"},
		} {
			r.tell(test.line)
			r.expect(test.want)
		}
		r.tell("/help")
		synctest.Wait()
		help := r.out.take()
		for _, w := range slices.Concat(command.Words, Words) {
			if !strings.Contains(help, " /"+w.Usage()+": ") {
				t.Errorf("the help has no %q", w.Usage())
			}
		}
		r.lines <- command.Line{Err: errors.New("too long")}
		r.expect("TIME Not done: too long.\n")
		r.set(func() { r.fails = errors.New("not connected to the hub") })
		r.tell("hello?")
		r.expect("TIME Not said: not connected to the hub.\n")
		r.tell("/leave")
		r.expect("TIME You left.\n")
		r.end(nil)
	})
}

// TestVerify makes sure that only a code that was told is taken for compared.
func TestVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, false)
		const rest = ". Read it aloud: if everybody has the same, nobody is in between, and /verify remembers these people.\n"
		r.set(func() { r.state.Code = [4]string{"oak", "elm", "ash", "fir"} })
		r.notices <- call.Notice{At: time.Now(), Kind: call.CodeReady}
		r.expect("TIME The safety code is: oak elm ash fir" + rest)
		r.set(func() { r.state.Code[3] = "yew" })
		r.tell("/verify")
		r.expect("TIME The safety code is: oak elm ash yew" + rest + "TIME Not done: verify: compare this code first, and then /verify again.\n")
		if r.verified != 0 {
			t.Error("a code is verified that nobody has seen")
		}
		r.tell("/verify")
		r.expect("TIME Everybody here is verified, by the code oak elm ash yew.\n")
		r.set(func() { r.fails = errors.New("disk full") })
		r.tell("/verify")
		r.expect("TIME Not done: verify: disk full.\n")
		r.stop()
		r.end(context.Canceled)
	})
}

// TestLook makes sure that what is no notice is told, once.
func TestLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, false)
		r.set(func() {
			r.state.Members = []call.Member{{Slot: 1, Name: "bob", Present: true, Fingerprint: printOf(1)}}
		})
		bob := &r.state.Members[0]
		after := func(d time.Duration, want string) {
			t.Helper()
			time.Sleep(d)
			r.expect(want)
		}
		after(time.Second, "")
		r.set(func() { bob.Muted = true }) // the first word of it, as he has just come
		after(lookTime, "")
		after(2*time.Second, "TIME bob is muted.\n")
		r.set(func() { bob.Muted = false })
		after(lookTime, "TIME bob is not muted any more.\n")
		r.set(func() { bob.Deaf = true })
		after(lookTime, "TIME bob hears nobody.\n")
		r.set(func() { bob.Speaking = true })
		after(lookTime, "TIME bob speaks.\n")
		after(11*time.Second, "") // still the same words
		r.set(func() { bob.Speaking = false })
		after(lookTime, "")
		r.set(func() { bob.Speaking = true })
		after(lookTime, "TIME bob speaks.\n")
		for range 9 * 5 / 2 { // 9 s of short words
			r.set(func() { bob.Speaking = !bob.Speaking })
			after(2*lookTime, "")
		}
		r.set(func() { bob.Speaking = false })
		after(2*time.Second, "")
		r.tell("/speaking off")
		r.expect("TIME Done.\n")
		r.set(func() { bob.Speaking = true })
		after(2*time.Second, "")
		r.set(func() { bob.Hand = true }) // of which a notice tells
		after(lookTime, "")
		r.set(func() { bob.Hand = false })
		after(lookTime, "TIME bob lowers the hand.\n")
		r.notices <- call.Notice{At: time.Now(), Kind: call.HandRaised, Slot: 1, Name: "bob", Fingerprint: printOf(1)}
		after(lookTime, "TIME bob raises a hand.\nTIME bob lowers the hand.\n") // at once
		r.set(func() { r.muted = true })                                        // by another program
		after(lookTime, "TIME You are muted.\n")
		r.set(func() { r.state.Self.Deaf, r.state.Self.Hand = true, true })
		after(lookTime, "TIME You hear nobody, and nobody hears you.\nTIME Your hand is up.\n")
		r.stop()
		r.end(context.Canceled)
	})
}

// kinds returns all kinds of notices.
func kinds() (all []call.NoticeKind) {
	defer func() { _ = recover() }() // of String, for a kind that there is none of
	for k := call.NoticeKind(0); ; k++ {
		_ = k.String()
		all = append(all, k)
	}
}

// TestNotices makes sure that there is a line for each kind, and that nothing in
// it can harm a terminal or pass for another line.
func TestNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const evil = "x\x1b[2J\u202e\r\n"
		r := start(t, false)
		r.set(func() { r.state.Knocks = []call.Knock{{Slot: 3, Fingerprint: printOf(3), Name: evil}} })
		r.set(func() { r.state.Code = [4]string{"oak", "elm", "ash", "fir"} })
		for _, k := range kinds() {
			r.notices <- call.Notice{At: time.Now(), Kind: k, Slot: 3, Fingerprint: printOf(3), Name: evil, Device: evil, Text: evil, Err: errors.New(evil)}
			synctest.Wait()
			got := r.out.take()
			if strings.Count(got, "\n") != 1 || len(got) < len("12:34 x: x\n") || strings.ContainsAny(got, "\x1b\r\u202e") {
				t.Errorf("%v is %q", k, got)
			}
		}
		r.stop()
		r.end(context.Canceled)
	})
}

type hinting struct{ error }

func (hinting) Hint() string    { return "plug it in" }
func (h hinting) Unwrap() error { return h.error }

func TestNoticeText(t *testing.T) {
	for _, test := range []struct {
		n    call.Notice
		want string
	}{
		{call.Notice{Kind: call.MemberJoined, Name: "bob"}, "bob joined."},
		{call.Notice{Kind: call.MemberJoined, Name: "Bo Vine"}, `"Bo Vine" joined.`},
		{call.Notice{Kind: call.MemberJoined, Name: `ann: "x`}, `"ann: 'x" joined.`},
		{call.Notice{Kind: call.MemberLeft, Name: "You"}, `"You" left.`},
		{call.Notice{Kind: call.MemberUnanswered}, "Somebody did not answer: they cannot hear you, and you get a new key."},
		{call.Notice{Kind: call.DeviceLost, Device: "camera", Err: hinting{errors.New("no such device")}}, "There is no camera: no such device - plug it in."},
		{call.Notice{Kind: call.DeviceLost, Device: "camera", Err: errors.New("busy")}, "There is no camera: busy."},
		{call.Notice{Kind: call.DeviceLost, Device: "camera"}, "There is no camera."},
		{call.Notice{Kind: call.PicturesPaused}, "Your pictures are not sent for now: the link is too slow."},
		{call.Notice{Kind: call.PicturesBack}, "Your pictures are sent again."},
		{call.Notice{Kind: call.MemberChanged, Name: "bob", Slot: 4}, "Warning: bob has another key than before. Compare the code, /code, or send them away, /remove 4."},
		{call.Notice{Kind: call.Reaction, Name: "bob", Text: "+1"}, "bob reacts: +1"},
	} {
		if got := noticeText(test.n); got != test.want {
			t.Errorf("notice %v of %q is %q, want %q", test.n.Kind, test.n.Name, got, test.want)
		}
	}
}

// TestLeftElsewhere has another program end the call.
func TestLeftElsewhere(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("by a key: %w", command.ErrLeave))
	var out output
	if err := Run(ctx, Config{Engine: new(fake), Out: &out}); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if got := out.take(); !strings.HasSuffix(got, " You left.\n") {
		t.Errorf("written is %q, want it to end with that you left", got)
	}
}

// A shut is a pipe whose reader has gone.
type shut struct{}

func (shut) Write([]byte) (int, error) { return 0, fmt.Errorf("write: %w", errGone) }

var errGone = errors.New("nobody reads")

func TestNobodyReads(t *testing.T) {
	f := &fake{notices: make(chan call.Notice)}
	if err := Run(t.Context(), Config{Engine: f, Out: shut{}}); !errors.Is(err, errGone) {
		t.Errorf("Run() = %v, want %v", err, errGone)
	}
}

// FuzzTake makes sure that whatever is typed, and whatever others say, whole lines
// without anything that a terminal acts on are written.
func FuzzTake(f *testing.F) {
	for _, w := range slices.Concat(command.Words, Words) {
		f.Add("/"+w.Usage(), "bob")
	}
	f.Add("//etc", "a\x1b]0;x\x07\r\n")
	f.Fuzz(func(t *testing.T, line, said string) {
		var out output
		e := &fake{notices: make(chan call.Notice, 1)}
		e.state.Self = call.Member{Slot: 9, Name: "ann", Fingerprint: printOf(9)}
		e.state.Members = []call.Member{{Slot: 1, Name: said, Present: true}}
		r := &teller{Config: Config{Engine: e, Out: &out, Typed: true}, people: make(map[person]*known)}
		r.take(command.Line{Text: line})
		r.notice(call.Notice{Kind: call.ChatLine, Name: said, Text: said})
		r.look(time.Now())
		got := out.take()
		if !strings.HasSuffix(got, "\n") {
			t.Errorf("written is %q, which does not end a line", got)
		}
		for _, c := range got {
			if c != '\n' && !unicode.IsGraphic(c) {
				t.Errorf("written is %q, with the character %q", got, c)
			}
		}
	})
}
