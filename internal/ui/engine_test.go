package ui

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/trust"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(realEnv) != "" {
		os.Exit(realMain())
	}
	time.Local = time.UTC // the clock in the golden files
	os.Exit(m.Run())
}

// An engine is a call that says what a test wants.
type engine struct {
	changed chan struct{}
	notices chan call.Notice

	mu       sync.Mutex
	state    call.State
	muted    bool
	talking  bool
	cameraOn bool
	pictures map[uint16]*media.Frame // not yet returned
	self     *media.Frame            // likewise
	asked    map[uint16]int          // how often Picture was called
	onState  func()                  // called by State, if any
	states   int                     // how often State was called

	views   []call.View // as Watch was called last
	ownView call.View   // likewise WatchSelf
	watches int         // how often either was called

	// With sends, who is seen after they were not sends the picture once more.
	sends   bool
	last    map[uint16]*media.Frame
	lastOwn *media.Frame

	said []string // what was said, and "admit 20" and the like, in order
	err  error    // of Say and Verify
}

// newEngine returns the engine of a call with n others who send pictures, the
// first of whom speaks.
func newEngine(n int) *engine {
	e := &engine{
		changed: make(chan struct{}, 1), notices: make(chan call.Notice, 64),
		cameraOn: true, pictures: make(map[uint16]*media.Frame), last: make(map[uint16]*media.Frame), asked: make(map[uint16]int),
	}
	e.state = call.State{
		Session: "kitchen-table", Mic: true, Cam: true, Speaker: true,
		Self: call.Member{Slot: 99, Name: "darker", Present: true, Level: -24, Fingerprint: printOf(99)},
		Link: call.Link{
			Phase: call.Joined, Path: transport.PathUDP, RTT: 24 * time.Millisecond,
			Up: 14.2, Down: 31.7, Loss: 0.004,
		},
	}
	names := []string{"anna", "bo", "carol", "dave", "eve", "frank", "grace", "heidi", "ivan", "judy", "mallory", "niaj"}
	for i := range n {
		slot := uint16(10 * (i + 1))
		e.state.Members = append(e.state.Members, call.Member{
			Slot: slot, Name: names[i%len(names)], Present: true, Camera: true, Level: -96,
			Mark: trust.Seen, Fingerprint: printOf(i),
		})
		e.pictures[slot] = drawnFace(i)
	}
	if n > 0 {
		e.state.Members[0].Speaking, e.state.Members[0].Level = true, -12
	}
	e.self = drawnFace(7)
	return e
}

// printOf returns a fingerprint that differs with k.
func printOf(k int) hello.Fingerprint { return sha256.Sum256([]byte{byte(k)}) }

// drawnFace returns a picture of a drawn face, whose light differs with k.
func drawnFace(k int) *media.Frame {
	const w, h = 96, 72
	f := new(media.Frame)
	f.Resize(w, h, false)
	inside := func(x, y, cx, cy, rx, ry float64) bool { return math.Hypot((x-cx)/rx, (y-cy)/ry) < 1 }
	for i := range f.Y {
		x, y := (float64(i%w)+0.5)/w, (float64(i/w)+0.5)/h
		switch {
		case inside(x, y, 0.43, 0.38, 0.04, 0.04), inside(x, y, 0.57, 0.38, 0.04, 0.04):
			f.Y[i] = 20 // eyes
		case inside(x, y, 0.5, 0.58, 0.08, 0.02):
			f.Y[i] = 80 // mouth
		case inside(x, y, 0.5, 0.45, 0.17, 0.3):
			f.Y[i] = 210
		case inside(x, y, 0.5, 0.4, 0.22, 0.36):
			f.Y[i] = 30 // hair
		case y > 0.75 && inside(x, y, 0.5, 1.1, 0.45, 0.36):
			f.Y[i] = 110 // shoulders
		default:
			f.Y[i] = uint8(60 + 10*(k%8) + int(60*x))
		}
	}
	return f
}

func (e *engine) State(s *call.State) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.onState != nil {
		e.onState()
	}
	e.states++
	members, knocks := append(s.Members[:0], e.state.Members...), append(s.Knocks[:0], e.state.Knocks...)
	*s = e.state
	s.Members, s.Knocks = members, knocks
	s.Self.Muted = e.muted || !s.Mic
}

func (e *engine) Picture(slot uint16) *media.Frame {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked[slot]++
	f := e.pictures[slot]
	if e.pictures[slot] = nil; f != nil {
		e.last[slot] = f
	}
	return f
}

func (e *engine) SelfPicture() *media.Frame {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := e.self
	if e.self = nil; f != nil {
		e.lastOwn = f
	}
	return f
}

func (e *engine) Watch(views []call.View) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watches++
	for _, v := range views {
		if was := e.last[v.Slot]; e.sends && was != nil && !slices.ContainsFunc(e.views, func(o call.View) bool { return o.Slot == v.Slot }) {
			e.pictures[v.Slot] = was
		}
	}
	e.views = slices.Clone(views)
}

func (e *engine) WatchSelf(v call.View) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watches++
	if e.sends && e.lastOwn != nil && e.ownView.Width == 0 {
		e.self = e.lastOwn
	}
	e.ownView = v
}

func (e *engine) Changed() <-chan struct{}    { return e.changed }
func (e *engine) Notices() <-chan call.Notice { return e.notices }

func (e *engine) SetMuted(muted bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.muted = muted
}

func (e *engine) Muted() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.muted
}

func (e *engine) SetTalking(talking bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.talking = talking
}

func (e *engine) Talking() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.talking
}

func (e *engine) SetVolume(slot uint16, db float64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.state.Members {
		if e.state.Members[i].Slot == slot {
			e.state.Members[i].Volume = db
			return true
		}
	}
	return false
}

func (e *engine) SetCamera(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cameraOn = on
}

func (e *engine) CameraOn() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cameraOn
}

func (e *engine) SetLocked(locked bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state.Locked = locked
}

func (e *engine) Locked() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Locked
}

// answer notes what is done with somebody who knocks.
func (e *engine) answer(verb string, slot uint16) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, fmt.Sprintf("%s %d", verb, slot))
	n := len(e.state.Knocks)
	e.state.Knocks = slices.DeleteFunc(e.state.Knocks, func(k call.Knock) bool { return k.Slot == slot })
	return len(e.state.Knocks) < n
}

func (e *engine) Admit(slot uint16) bool { return e.answer("admit", slot) }
func (e *engine) Deny(slot uint16) bool  { return e.answer("deny", slot) }

func (e *engine) Remove(slot uint16) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, fmt.Sprintf("remove %d", slot))
	n := len(e.state.Members)
	e.state.Members = slices.DeleteFunc(e.state.Members, func(m call.Member) bool { return m.Slot == slot })
	return len(e.state.Members) < n
}

func (e *engine) Verify() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, "verify")
	if e.err == nil {
		for i := range e.state.Members {
			e.state.Members[i].Mark = trust.Verified
		}
	}
	return e.err
}

func (e *engine) Say(text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, "say "+text)
	if e.err == nil {
		e.notices <- call.Notice{
			Kind: call.ChatLine, Slot: e.state.Self.Slot, Name: e.state.Self.Name, Text: text, Fingerprint: e.state.Self.Fingerprint,
		}
	}
	return e.err
}

func (e *engine) SetDeafened(deafened bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state.Self.Deaf = deafened
}

func (e *engine) Deafened() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Self.Deaf
}

func (e *engine) SetHand(up bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.state.Self.Hand = up
}

func (e *engine) Hand() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Self.Hand
}

func (e *engine) React(text string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, "react "+text)
	if e.err == nil {
		e.notices <- call.Notice{
			Kind: call.Reaction, Slot: e.state.Self.Slot, Name: e.state.Self.Name, Text: text, Fingerprint: e.state.Self.Fingerprint,
		}
	}
	return e.err
}

func (e *engine) SetMemberMuted(slot uint16, muted bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.state.Members {
		if e.state.Members[i].Slot == slot {
			e.state.Members[i].MutedHere = muted
			return true
		}
	}
	return false
}

func (e *engine) UseDevice(kind, name string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, "use "+kind+" "+name)
	return e.err
}

// did returns what was done since the last call of it, in one line.
func (e *engine) did() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := strings.Join(e.said, ", ")
	e.said = nil
	return s
}

// change changes the engine and says so, as a call does.
func (e *engine) change(f func()) {
	e.mu.Lock()
	f()
	e.mu.Unlock()
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// painted returns how many frames the screen has painted.
func (e *engine) painted() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.states
}
