package plain

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/command"
	"github.com/sanix-darker/s2c/internal/text"
)

// Words are the commands that plain mode has besides those of every call.
var Words = []command.Word{
	{Name: "people", Help: "who is there, and how they are"},
	{Name: "code", Help: "the safety code"},
	{Name: "invite", Help: "what others type to join"},
	{Name: "speaking", Args: "on|off", Help: "tell who speaks, or do not"},
	{Name: "times", Args: "on|off", Help: "begin lines with the time, or do not"},
	{Name: "help", Help: "all commands"},
}

// do does what a command says.
func (t *teller) do(now time.Time, line string) error {
	name, rest, _ := strings.Cut(line, " ")
	switch name {
	case "say":
		if rest != "" {
			t.chat(now, rest)
			return nil
		}
	case "speaking":
		return setTelling(&t.tellSpeaking, name, rest)
	case "times":
		return setTelling(&t.tellTimes, name, rest)
	}
	if rest != "" {
		err := command.Do(t.Engine, line)
		t.told = t.told || err == nil && slices.Contains(noticed, name)
		return err
	}
	switch name {
	case "people":
		t.listPeople(now)
	case "code":
		return t.tellCode(now)
	case "verify":
		return t.verify(now)
	case "invite":
		return t.tellInvite(now)
	case "help":
		t.help(now)
	default:
		return command.Do(t.Engine, line)
	}
	return nil
}

// noticed are the commands of which a notice tells how they went.
var noticed = []string{"use", "remove", "react"}

// setTelling sets what is told by a word that is on or off.
func setTelling(tell *bool, name, how string) error {
	if how != "on" && how != "off" {
		return fmt.Errorf("usage: /%s on|off", name)
	}
	*tell = how == "on"
	return nil
}

func (t *teller) help(now time.Time) {
	for _, words := range [][]command.Word{command.Words, Words} {
		for _, w := range words {
			t.say(now, "/"+w.Usage()+": "+w.Help+".")
		}
	}
	t.say(now, "WHO is a name, a slot number as in /people, or the start of a fingerprint. A line with // is said with one slash.")
}

// errNoCode says that members have not agreed on a code, or that there are none.
var errNoCode = errors.New("there is no safety code yet")

// tellCode tells the safety code, if there is one.
func (t *teller) tellCode(now time.Time) error {
	t.Engine.State(&t.state)
	if t.state.Code[0] == "" {
		return errNoCode
	}
	t.code = t.state.Code
	t.say(now, "The safety code is: "+strings.Join(t.code[:], " ")+
		". Read it aloud: if everybody has the same, nobody is in between, and /verify remembers these people.")
	return nil
}

// verify remembers everybody here as verified, if the code that was told still
// holds.
func (t *teller) verify(now time.Time) error {
	t.Engine.State(&t.state)
	switch {
	case t.state.Code[0] == "":
		return errNoCode
	case t.state.Code != t.code:
		return errors.Join(t.tellCode(now), errors.New("verify: compare this code first, and then /verify again"))
	}
	if err := t.Engine.Verify(); err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	t.say(now, "Everybody here is verified, by the code "+strings.Join(t.code[:], " ")+".")
	return nil
}

func (t *teller) tellInvite(now time.Time) error {
	if t.Invite == "" {
		return errors.New("invite: nobody else can join this call")
	}
	t.say(now, "Others join with: "+t.Invite)
	return nil
}

// notice tells what has happened.
func (t *teller) notice(n call.Notice) {
	t.Engine.State(&t.state)
	switch n.Kind {
	case call.ChatLine:
		own := n.Slot == t.state.Self.Slot && n.Fingerprint == t.state.Self.Fingerprint
		if own && t.own > 0 {
			t.own-- // the terminal has it
			return
		}
		t.say(n.At, shown(n.Name)+": "+n.Text)
	case call.MemberKnocks:
		for i := range t.state.Knocks {
			if k := &t.state.Knocks[i]; k.Slot == n.Slot && k.Fingerprint == n.Fingerprint {
				t.say(n.At, knockText(k))
			}
		}
	case call.CodeReady:
		if t.state.Code[0] != "" && t.state.Code != t.code { // else another notice comes
			_ = t.tellCode(n.At) // there is one
		}
	case call.HandRaised:
		if k := t.people[person{n.Slot, n.Fingerprint}]; k != nil {
			k.hand = true // it may be lowered before somebody looks
		}
		t.say(n.At, noticeText(n))
	default:
		t.say(n.At, noticeText(n))
	}
}

// knockText tells of somebody who waits, and what to do about it.
func knockText(k *call.Knock) string {
	met := ", never met before,"
	if k.Name != "" {
		met = ", last met as " + shown(k.Name) + ","
	}
	return fmt.Sprintf("Somebody with the key %s%s waits to be let in: /admit %d or /deny %d.", k.Fingerprint, met, k.Slot, k.Slot)
}

// noticeText returns the sentence for a notice.
func noticeText(n call.Notice) string {
	name := shown(n.Name)
	device := text.Clean(n.Device, text.MaxName)
	switch n.Kind {
	case call.MemberJoined:
		return name + " joined."
	case call.MemberLeft:
		return name + " left."
	case call.LinkLost:
		return "The connection is lost" + fault(n.Err) + ". It is tried again."
	case call.LinkBack:
		return "Connected again."
	case call.DeviceLost:
		return "There is no " + device + fault(n.Err) + "."
	case call.DeviceBack:
		return "The " + device + " is back."
	case call.DeviceChanged:
		return "The " + device + " is now " + text.Clean(n.Text, 100) + "."
	case call.MemberChanged:
		return fmt.Sprintf("Warning: %s has another key than before. Compare the code, /code, or send them away, /remove %d.", name, n.Slot)
	case call.MemberUnanswered:
		return name + " did not answer: they cannot hear you, and you get a new key."
	case call.MemberRemoved:
		return name + " is removed: they hear and see you no more."
	case call.SelfRemoved:
		return name + " has removed you: you hear and see each other no more."
	case call.RosterDiffers:
		return name + " does not see the same people as you: compare who is there, /people."
	case call.WrongPassphrase:
		return "Somebody did not know the passphrase."
	case call.GuessingStopped:
		return "Somebody is guessing the passphrase: nobody new is let in for now."
	case call.EchoStays:
		return "The others may hear themselves" + fault(n.Err) + ". Use a headset."
	case call.PicturesPaused:
		if n.Name == "" {
			return "Your pictures are not sent for now: the link is too slow."
		}
		return "No pictures of " + name + " for now: the link is too slow."
	case call.PicturesBack:
		if n.Name == "" {
			return "Your pictures are sent again."
		}
		return "Pictures of " + name + " come again."
	case call.MemberAway:
		return name + " is reconnecting."
	case call.MemberBack:
		return name + " is back."
	case call.SlowLink:
		return "Your link is slow: small pictures and plain voices for all."
	case call.SlowLinkOver:
		return "The usual pictures and voices are tried again."
	case call.HandRaised:
		return name + " raises a hand."
	case call.Reaction:
		return name + " reacts: " + text.Clean(n.Text, 16)
	default: // those that are no matter of n alone
		return ""
	}
}

// fault returns what is wrong and, if the error knows, what to do about it.
func fault(err error) string {
	if err == nil {
		return ""
	}
	h, ok := errors.AsType[interface {
		error
		Hint() string
		Unwrap() error
	}](err)
	if !ok || h.Hint() == "" {
		return ": " + text.Clean(err.Error(), 200)
	}
	return ": " + text.Clean(h.Unwrap().Error(), 100) + " - " + text.Clean(h.Hint(), 100)
}

// shown returns a name so that nobody can take it for more than one: one that is
// not a single word of letters and digits is put into quotes.
func shown(name string) string {
	name = strings.Join(strings.Fields(text.Clean(name, text.MaxName)), " ")
	other := func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.N, unicode.M) && !strings.ContainsRune("-_.", r)
	}
	switch {
	case name == "":
		return "Somebody"
	case strings.ContainsFunc(name, other), strings.EqualFold(name, "you"), strings.EqualFold(name, "somebody"):
		return `"` + strings.ReplaceAll(name, `"`, "'") + `"`
	}
	return name
}
