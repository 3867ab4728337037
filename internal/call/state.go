package call

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/trust"
	"github.com/sanix-darker/s2c/internal/wire"
)

// silence is the level of no sound, in dBFS.
const silence = -96

// A Phase says how a Call stands with the hub.
type Phase uint8

// The phases.
const (
	Connecting Phase = iota
	Joined
	Reconnecting
)

// Link is the quality of the way to the hub.
type Link struct {
	Phase   Phase
	NextTry time.Time // when Reconnecting tries again
	Path    transport.Path
	Remote  string        // address of the hub
	RTT     time.Duration // to the hub and back; 0 until measured
	Up      float64       // kB/s sent over the last second
	Down    float64       // kB/s received over the last second
	Loss    float64       // share of packets lost on the way here over the last second, 0 to 1
}

// Member is what a screen shows of a member.
type Member struct {
	Slot    uint16
	Name    string // cleaned for a terminal
	Present bool   // false while only joining

	Fingerprint hello.Fingerprint // of the member's identity
	Mark        trust.Mark        // how well the person is known
	Differs     bool              // does not see the same people as this member, for longer than a change takes

	Speaking bool
	Muted    bool
	Deaf     bool          // plays nothing of the others; of Self: as SetDeafened was told
	Hand     bool          // is up
	HandAt   time.Time     // since when; of others by this member's clock
	Camera   bool          // sends pictures
	Level    float64       // of the voice now, dBFS, -96 to 0
	TooLoud  bool          // of Self: more than the microphone can take
	Loss     float64       // share of this member's packets lost over the last second
	Silent   time.Duration // since anything arrived from the member

	// Away says that the member's connection is broken, by the hub's word, and that
	// the member may come back with the same keys.
	Away      bool
	AwaySince time.Time // when this member heard of it

	Down    float64       // kB/s that came of the member over the last second
	FPS     float64       // pictures decoded over the last second
	Width   int           // of the last picture, in pixels; 0 before the first
	Height  int           // likewise
	Volume  float64       // dB, as SetVolume was told, or in an earlier call
	Voice   time.Duration // capture to playing, by the two clocks
	Picture time.Duration // capture to decoded, by the two clocks
	Lag     time.Duration // how much later pictures come than the fastest of the last minute

	MutedHere bool // not heard here, as SetMemberMuted was told, or in an earlier call

	Lips time.Duration // by how much later the last picture was shown than its sound is heard, 0 when there is none

	// Voice packets so far.
	VoicePlayed, VoiceConcealed, VoiceRepeated, VoiceRestored, VoiceLate, VoiceDropped uint64
	Pictures, PicturesLost                                                             uint64 // so far
}

// Knock is somebody who waits to be let in by this member.
type Knock struct {
	Slot        uint16
	Fingerprint hello.Fingerprint
	Mark        trust.Mark // never trust.Changed: the name is not told before
	Name        string     // under which the person was last met; "" when never met
	Since       time.Time
}

// State is a snapshot of a call.
type State struct {
	Session string
	Self    Member
	Members []Member // by slot: everybody whom this member has given a key to
	Knocks  []Knock  // by slot: who waits to be let in

	Code       [4]string // the safety code for everybody present; empty words while it is being agreed on
	Locked     bool      // nobody new gets a key
	Passphrase bool      // the session has a passphrase
	Guesses    int       // who did not know the passphrase in the last hour
	Shut       bool      // too many did not: nobody new is let in for now

	Sends []Sending // the sizes of the pictures that are sent now, the largest first

	Strays uint64 // packets and pair messages so far that were of nobody present, or not authentic

	Link    Link
	Mic     bool // a microphone is open
	Cam     bool // a camera is open
	Speaker bool // a speaker is open
}

// State stores a snapshot in s, reusing its slices.
func (c *Call) State(s *State) {
	c.mu.Lock()
	s.Link = c.stat
	slot := uint16(0)
	if c.link != nil {
		slot = c.link.slot
	}
	own := c.hand
	s.Code = c.code
	s.Sends = append(s.Sends[:0], c.sends...)
	c.mu.Unlock()
	s.Session = c.cfg.Session
	s.Locked = c.Locked()
	s.Passphrase = c.cfg.Passphrase != ""
	s.Guesses, s.Shut = c.guard.Count(time.Now())
	s.Strays = c.stray.Load()
	s.Mic, s.Cam, s.Speaker = c.micOpen.Load(), c.camOpen.Load(), c.spkOpen.Load()
	s.Self = Member{
		Slot: slot, Name: c.cfg.Name, Present: true, Fingerprint: c.cfg.Identity.Fingerprint(),
		Speaking: c.selfTalk.Load(), Muted: c.silent(),
		Deaf: c.deafened.Load(),
		Hand: own.up, HandAt: own.handAt(),
		Camera:  c.cameraOn.Load() && s.Cam,
		Level:   c.selfDB.load(),
		TooLoud: c.tooLoud(),
	}
	s.Members = s.Members[:0]
	for _, m := range *c.members.Load() {
		s.Members = append(s.Members, m.snapshot())
	}
	s.Knocks = c.people.knocksAt(s.Knocks[:0])
}

// setPhase changes what State says of the link.
func (c *Call) setPhase(p Phase, next time.Time) {
	c.mu.Lock()
	c.stat.Phase, c.stat.NextTry = p, next
	c.mu.Unlock()
	c.touch()
}

// A NoticeKind says what happened.
type NoticeKind uint8

// The kinds of notices.
const (
	MemberJoined NoticeKind = iota // Name
	MemberLeft                     // Name
	LinkLost                       // Err
	LinkBack
	DeviceLost       // Device, Err: the call goes on without it and tries again
	DeviceBack       // Device
	ChatLine         // Name, Text
	MemberKnocks     // Slot, Name (may be ""), Fingerprint: waits to be let in
	MemberChanged    // Slot, Name, Fingerprint: the name belongs to somebody with another key
	MemberUnanswered // Name (may be ""): was offered a key and did not answer
	MemberRemoved    // Name: this member has sent them away
	SelfRemoved      // Name: they have sent this member away
	RosterDiffers    // Name: does not see the same people
	WrongPassphrase  // somebody did not know the passphrase
	GuessingStopped  // too many did not: nobody new is let in for now
	CodeReady        // State.Code is agreed on
	EchoStays        // Err: the others may hear themselves from the speaker
	PicturesPaused   // Slot, Name: the way is too slow for their pictures, or for one's own if Name is ""
	PicturesBack     // Slot, Name
	MemberAway       // Slot, Name, Fingerprint: the connection is broken, for some seconds already
	MemberBack       // Slot, Name, Fingerprint: after MemberAway
	SlowLink         // this member's link is a thin one: all voices and pictures are made small for it
	SlowLinkOver     // that is over, or tried again
	DeviceChanged    // Device, Text: another one of that name is in use, as UseDevice was told
	HandRaised       // Slot, Name, Fingerprint
	Reaction         // Slot, Name, Text, Fingerprint; one's own too
)

// String returns the word that headless output uses.
func (k NoticeKind) String() string {
	switch k {
	case MemberJoined:
		return "joined"
	case MemberLeft:
		return "left"
	case LinkLost:
		return "link-lost"
	case LinkBack:
		return "link-back"
	case DeviceLost:
		return "device-lost"
	case DeviceBack:
		return "device-back"
	case ChatLine:
		return "chat"
	case MemberKnocks:
		return "knock"
	case MemberChanged:
		return "key-changed"
	case MemberUnanswered:
		return "unanswered"
	case MemberRemoved:
		return "removed"
	case SelfRemoved:
		return "removed-by"
	case RosterDiffers:
		return "roster-differs"
	case WrongPassphrase:
		return "wrong-passphrase"
	case GuessingStopped:
		return "guessing"
	case CodeReady:
		return "code"
	case EchoStays:
		return "echo"
	case PicturesPaused:
		return "pictures-paused"
	case PicturesBack:
		return "pictures-back"
	case MemberAway:
		return "away"
	case MemberBack:
		return "back"
	case SlowLink:
		return "slow-link"
	case SlowLinkOver:
		return "slow-link-over"
	case DeviceChanged:
		return "device"
	case HandRaised:
		return "hand"
	case Reaction:
		return "reaction"
	}
	panic("call: internal error: notice of no kind")
}

// A Notice is something that a person should be told once.
type Notice struct {
	At     time.Time
	Kind   NoticeKind
	Slot   uint16 // of the member, if any
	Name   string // of the member, cleaned for a terminal
	Device string // "camera", "microphone" or "speaker"
	Text   string // of a chat line or a reaction, or a device's name, cleaned for a terminal
	Err    error

	Fingerprint hello.Fingerprint // of the member, if any
}

// A RefusedError says that the hub or the session does not take this member.
type RefusedError struct {
	Code      wire.ErrorCode // what the hub said; 0 when a member's answer decided
	Text      string         // the hub's words, cleaned for a terminal
	NameTaken bool           // a member of the session has this name
	Name      string         // the name that is taken
}

func (e *RefusedError) Error() string {
	if e.NameTaken {
		return fmt.Sprintf("somebody in the session is called %q already", e.Name)
	}
	return fmt.Sprintf("the hub refused: %q", e.Text)
}

// Again reports whether trying again later may help.
func (e *RefusedError) Again() bool {
	return e.Code == wire.CodeClosing || e.Code == wire.CodeSlow || e.Code == wire.CodeTooMany
}

func refused(m wire.Error) error {
	return &RefusedError{Code: m.Code, Text: text.Clean(m.Text, 200)}
}

// jitter returns a random duration in [0, d).
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

// atomicFloat is a float64 that any goroutine may load and store.
type atomicFloat struct{ bits atomic.Uint64 }

func (f *atomicFloat) load() float64   { return math.Float64frombits(f.bits.Load()) }
func (f *atomicFloat) store(v float64) { f.bits.Store(math.Float64bits(v)) }
