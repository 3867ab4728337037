// Package ui shows a call on a terminal and reads its keys.
//
// The screen has two layers. Words, borders and bars are the canvas, which
// tcell draws. Pictures are the plane: their cells are locked in tcell, and
// what changed of them is written to the terminal in one piece a frame, which
// costs a tenth of drawing them through tcell.
//
//	Engine.State > layout > canvas > tcell cells > tty                [Run]
//	Engine.Picture > ascii.Render > plane > changed cells > tty       [Run]
//	layout > whose tiles are seen, in how many pixels > Engine.Watch  [Run]
//	keys, resizes > handled before the next frame                     [poll > Run]
//
// A terminal that takes too long, or more bytes than it may, is sent fewer
// pictures, then fewer colours, then simpler looks (ladder). What there is no
// room for now waits as a difference between two planes: nothing is queued.
//
// In brackets: the goroutine. The one that calls Run paints and is the only
// one that writes pictures; poll reads events for it and ends before Run
// returns.
package ui

import (
	"context"
	"errors"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/ascii"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/media"
	"github.com/sanix-darker/s2c/internal/term"
)

// Engine is what the screen needs of a call; *call.Call has it. The screen
// calls all of it from one goroutine, and nothing of it may block.
type Engine interface {
	// State stores a snapshot of the call, reusing the slices of s.
	State(s *call.State)

	// Picture returns the newest picture of the member in slot if it has not
	// been returned before, else nil. The screen copies it at once.
	Picture(slot uint16) *media.Frame

	// SelfPicture returns the newest own picture, as Picture does.
	SelfPicture() *media.Frame

	// Watch says whose pictures are on the screen and how large, and WatchSelf
	// the same of the own one: what is not on it need not be sent. The screen
	// calls them whenever that may have changed.
	Watch(views []call.View)
	WatchSelf(v call.View)

	// Changed yields after something on the screen would change.
	Changed() <-chan struct{}

	// Notices yields what the person should be told once.
	Notices() <-chan call.Notice

	SetMuted(muted bool)
	Muted() bool

	// SetTalking lets a muted person be heard while a key is held.
	SetTalking(talking bool)
	Talking() bool

	// SetVolume makes the member in a slot louder or quieter by so many dB.
	SetVolume(slot uint16, db float64) bool

	SetCamera(on bool)
	CameraOn() bool

	SetLocked(locked bool)
	Locked() bool

	// Admit and Deny answer the member who knocks from a slot, and Remove sends
	// one away who is there. They report false when there is no such member.
	Admit(slot uint16) bool
	Deny(slot uint16) bool
	Remove(slot uint16) bool

	// Verify notes that the codes match.
	Verify() error

	// Say sends a chat line to everybody present. It comes back as a notice
	// with the own slot and fingerprint.
	Say(text string) error

	// SetDeafened: nothing of the others is played, and the microphone is muted
	// with it; when it ends the microphone is as before.
	SetDeafened(deafened bool)
	Deafened() bool

	// SetHand raises or lowers the own hand.
	SetHand(up bool)
	Hand() bool

	// React shows a short text to everybody for some seconds. It comes back as a
	// notice with the own slot and fingerprint.
	React(text string) error

	// SetMemberMuted has the member in a slot not be heard here.
	SetMemberMuted(slot uint16, muted bool) bool

	// UseDevice changes the "camera", the "microphone" or the "speaker". How it went
	// comes as a notice.
	UseDevice(kind, name string) error
}

// Config is what Run needs.
type Config struct {
	Engine Engine // must not be nil

	// Screen is what is drawn on. Run calls its Init and its Fini; nil means
	// the terminal of this process.
	Screen tcell.Screen

	// Terminal is what is known of the terminal. Of the zero one nothing is, and
	// it is taken for what tcell says of its colours, without finer blocks.
	Terminal term.Info

	// Look is the look to start with. With Auto each tile has the look that
	// shows most in it on this terminal, until the person chooses another one.
	// Where the terminal cannot show a look, Auto takes its place.
	Look ascii.Look
	Auto bool

	// LookChosen, unless nil, is called after the person has chosen a look, by
	// the goroutine that paints. With auto, l does not count.
	LookChosen func(l ascii.Look, auto bool)

	// Rate is how many bytes a second are written to the terminal at most; 0
	// means as many as it takes.
	Rate int

	// Mouse has clicks and the wheel be for the screen, not for the terminal, unless
	// Settings say otherwise.
	Mouse bool

	// Settings are what the person has chosen before. Keep, unless nil, is called
	// after they have changed something, by the goroutine that paints.
	Settings Settings
	Keep     func(Settings)

	// Borders is BordersASCII where borders are to be of ASCII; else they are lines
	// where the terminal has them.
	Borders string

	// Do does a command line that is none of the screen's, and Words are those that
	// it knows. It must not block. Without it there are the screen's alone.
	Do    func(line string) error
	Words []Word

	// Requests yields command lines from elsewhere; it is never closed. Run answers
	// each.
	Requests <-chan Request

	Invite Invite

	// Hosting says that the call of all ends when the person leaves, so that they are
	// asked.
	Hosting bool

	// Bell rings when somebody joins, waits to be let in, or writes. Noticed, unless
	// nil, is called with each notice by the goroutine that paints, and must not
	// block.
	Bell    bool
	Noticed func(call.Notice)

	Title string // in the top bar; "" means "s2c"
	Hint  string // shown until somebody else is there, such as how others join
}

// ErrTerminal is wrapped by Run's and Mirror's error when there is no terminal
// that can be used.
var ErrTerminal = errors.New("open terminal")

// Run shows the call until the person leaves, with nil, or until ctx is done,
// with its cause. Other errors say what the terminal did. Whatever happens in
// Run, a panic too, it leaves the terminal as it was.
func Run(ctx context.Context, c Config) error {
	v, s := newCallView(c), c.setup()
	s.requests, s.obey = c.Requests, v.request
	return show(ctx, s, v, c.Engine.Changed())
}

// setup returns what the terminal is opened with.
func (c *Config) setup() setup {
	return setup{screen: c.Screen, info: c.Terminal, pictures: pictures{c.Look, c.Auto, c.LookChosen}, rate: c.Rate, mouse: c.Mouse, settings: c.Settings, borders: c.Borders}
}
