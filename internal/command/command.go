// Package command is the words with which a call is steered: the same ones in
// the chat line, in s2c ctl, on a headless member's standard input and in plain
// mode. It reads a line and does to a call what the line says.
package command

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
)

// MaxLine is the longest line in bytes: "say " and the longest chat line, and
// room for a slip.
const MaxLine = 4096

// A Line is what somebody has typed or sent; Err says why it cannot be taken.
type Line struct {
	Text string
	Err  error
}

// ErrLeave is wrapped by the error of Do for the command to leave: the person is
// done.
var ErrLeave = errors.New("leave")

// ErrUnknown is wrapped by the error of Do for a word that it does not have.
var ErrUnknown = errors.New("unknown command")

// An Engine is what commands are done to; *call.Call has it.
type Engine interface {
	State(s *call.State)
	Say(text string) error
	SetLocked(locked bool)
	Admit(slot uint16) bool
	Deny(slot uint16) bool
	Remove(slot uint16) bool
	Verify() error
	SetMuted(muted bool)
	Muted() bool
	SetTalking(talking bool)
	SetCamera(on bool)
	CameraOn() bool
	SetVolume(slot uint16, db float64) bool
}

// A Word is a kind of command, for a person to read.
type Word struct {
	Name string // the first word of the line
	Args string // what follows it, "" for nothing
	Help string // what it does, in a few words
}

// Usage returns the name and what follows it.
func (w Word) Usage() string { return strings.TrimSpace(w.Name + " " + w.Args) }

// A verb is a word and what it does.
type verb struct {
	Word
	run func(e Engine, rest string) error
}

// verbs are all words, in the order in which a person is told of them.
var verbs = []verb{
	{Word{"say", "TEXT", "say a chat line to everybody"}, Engine.Say},
	{Word{"mute", "", "mute the microphone"}, func(e Engine, _ string) error { e.SetMuted(true); return nil }},
	{Word{"unmute", "", "let the microphone be heard"}, func(e Engine, _ string) error { e.SetMuted(false); return nil }},
	{Word{"toggle", "", "mute, or unmute"}, func(e Engine, _ string) error { e.SetMuted(!e.Muted()); return nil }},
	{Word{"talk", "", "be heard while muted, until hush"}, func(e Engine, _ string) error { e.SetTalking(true); return nil }},
	{Word{"hush", "", "end talk"}, func(e Engine, _ string) error { e.SetTalking(false); return nil }},
	{Word{"deafen", "", "hear nobody, and be muted meanwhile"}, func(e Engine, _ string) error { return setDeafened(e, true) }},
	{Word{"undeafen", "", "hear the others again"}, func(e Engine, _ string) error { return setDeafened(e, false) }},
	{Word{"camera", "on|off|toggle", "send pictures, or none"}, setCamera},
	{Word{"hand", "up|down", "raise or lower the hand"}, setHand},
	{Word{"react", "TEXT", "show a short text to everybody for some seconds"}, react},
	{Word{"volume", "DB WHO", "make somebody louder or quieter here"}, setVolume},
	{Word{"silence", "WHO", "do not hear somebody"}, func(e Engine, who string) error { return setSilenced(e, who, true) }},
	{Word{"unsilence", "WHO", "hear somebody again"}, func(e Engine, who string) error { return setSilenced(e, who, false) }},
	{Word{"use", "camera|microphone|speaker NAME", "take another device"}, useDevice},
	{Word{"lock", "", "let nobody new in"}, func(e Engine, _ string) error { e.SetLocked(true); return nil }},
	{Word{"unlock", "", "let new people in again"}, func(e Engine, _ string) error { e.SetLocked(false); return nil }},
	{Word{"admit", "WHO", "let somebody in who waits"}, func(e Engine, who string) error { return toKnock(e, who, e.Admit) }},
	{Word{"deny", "WHO", "send somebody away who waits"}, func(e Engine, who string) error { return toKnock(e, who, e.Deny) }},
	{Word{"remove", "WHO", "send somebody away who is here"}, func(e Engine, who string) error { return toMember(e, who, e.Remove) }},
	{Word{"verify", "", "remember everybody here as verified: the codes match"}, func(e Engine, _ string) error { return e.Verify() }},
	{Word{"leave", "", "leave the call"}, func(Engine, string) error { return ErrLeave }},
}

// Words are all words that Do has. WHO in them is a slot, a name, or the start
// of a fingerprint.
var Words = func() (words []Word) {
	for _, v := range verbs {
		words = append(words, v.Word)
	}
	return words
}()

// Do does to e what a line says. The error wraps ErrLeave for the command to
// leave, and ErrUnknown for a word that is none; its text is clean for a terminal.
func Do(e Engine, line string) error {
	name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.Name == name })
	if i < 0 {
		return fmt.Errorf("%w %q", ErrUnknown, text.Clean(name, 40))
	}
	do := verbs[i]
	if (rest != "") != (do.Args != "") {
		return fmt.Errorf("usage: %s", do.Usage())
	}
	if err := do.run(e, rest); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func setCamera(e Engine, how string) error {
	switch how {
	case "on", "off":
		e.SetCamera(how == "on")
	case "toggle":
		e.SetCamera(!e.CameraOn())
	default:
		return fmt.Errorf("%q is neither on nor off nor toggle", how)
	}
	return nil
}

// toKnock answers somebody who waits to be let in.
func toKnock(e Engine, who string, answer func(uint16) bool) error {
	var s call.State
	e.State(&s)
	var list []somebody
	for i := range s.Knocks {
		k := &s.Knocks[i]
		list = append(list, somebody{k.Slot, k.Name, k.Fingerprint.String()})
	}
	return to(who, list, "waits to be let in", answer)
}

// setVolume makes a member louder or quieter here.
func setVolume(e Engine, how string) error {
	level, who, _ := strings.Cut(how, " ")
	db, err := strconv.ParseFloat(level, 64)
	if err != nil || !(db >= call.MinVolume && db <= call.MaxVolume) {
		return fmt.Errorf("%q is no number of dB from %d to %d", level, call.MinVolume, call.MaxVolume)
	}
	return toMember(e, strings.TrimSpace(who), func(slot uint16) bool { return e.SetVolume(slot, db) })
}

// toMember does something to somebody who is here.
func toMember(e Engine, who string, something func(slot uint16) bool) error {
	var s call.State
	e.State(&s)
	var list []somebody
	for i := range s.Members {
		m := &s.Members[i]
		list = append(list, somebody{m.Slot, m.Name, m.Fingerprint.String()})
	}
	return to(who, list, "is here", something)
}

// A somebody has a place in the session, a name that may be "", and a
// fingerprint.
type somebody struct {
	slot  uint16
	name  string
	print string
}

// Fingerprints begin with printPrefix. Without it, minPrint characters of the
// rest are needed, so that a slip is not taken for one.
const (
	printPrefix = "SHA256:"
	minPrint    = 6
)

// is reports whether who names s, by name or by the start of the fingerprint.
// What looks like a fingerprint is one: a name of that kind is no way to be
// taken for somebody else.
func (s *somebody) is(who string) (byName, byPrint bool) {
	rest, prefixed := strings.CutPrefix(who, printPrefix)
	byPrint = len(rest) >= minPrint && strings.HasPrefix(s.print, printPrefix+rest)
	return !prefixed && strings.EqualFold(s.name, who), byPrint
}

// to does something to the one on a list whom who names: by slot, by name, or
// else by the start of the fingerprint. does says what those on the list do.
func to(who string, list []somebody, does string, something func(slot uint16) bool) error {
	slot, err := strconv.ParseUint(who, 10, 16)
	var bySlot, byName, byPrint []uint16
	for i := range list {
		s := &list[i]
		name, print := s.is(who)
		if err == nil && s.slot == uint16(slot) {
			bySlot = append(bySlot, s.slot)
		}
		if name {
			byName = append(byName, s.slot)
		}
		if print {
			byPrint = append(byPrint, s.slot)
		}
	}
	found := bySlot // a slot is one's own, names may be anything
	if len(found) == 0 {
		found = byName
	}
	if len(found) == 0 {
		found = byPrint
	}
	switch {
	case len(found) > 1:
		return fmt.Errorf("%d are called %q; give the slot", len(found), text.Clean(who, 80))
	case len(found) == 0 || !something(found[0]): // or gone in this moment
		return fmt.Errorf("nobody in slot or called %q %s", text.Clean(who, 80), does)
	}
	return nil
}
