package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/trust"
)

// How long words stay over the pictures.
const (
	noticeTime = 5 * time.Second
	answerTime = 2 * time.Second // to a key
	mutedTime  = 2 * time.Second // after the last word that was spoken while muted
)

// notesKept is how many notices may be shown at once: one line has no room for
// more, and the newest count.
const notesKept = 4

// A note is a notice that is being shown.
type note struct {
	text  string
	warn  bool
	until time.Time
}

// notes are those that are being shown, the newest last.
type notes struct{ list []note }

// add shows a note. It takes the place of one with the same words.
func (n *notes) add(s string, warn bool, until time.Time) {
	kept := n.list[:0]
	for _, k := range n.list {
		if k.text != s {
			kept = append(kept, k)
		}
	}
	if len(kept) == notesKept {
		kept = append(kept[:0], kept[1:]...)
	}
	n.list = append(kept, note{s, warn, until})
}

// replace shows a note in place of those that begin with the same word.
func (n *notes) replace(s string, until time.Time) {
	word, _, _ := strings.Cut(s, " ")
	n.list = slices.DeleteFunc(n.list, func(k note) bool { return strings.HasPrefix(k.text, word) })
	n.add(s, false, until)
}

// line returns what to show at an instant in at most width columns: the newest
// note, and those before it as far as they fit.
func (n *notes) line(now time.Time, width int) (s string, warn bool) {
	kept := n.list[:0]
	for _, k := range n.list {
		if now.Before(k.until) {
			kept = append(kept, k)
		}
	}
	n.list = kept
	const between = "  -  "
	for _, k := range slices.Backward(kept) {
		switch {
		case s == "":
			s = text.Clean(k.text, width)
		case textWidth(s)+len(between)+textWidth(k.text) > width:
			return s, warn
		default:
			s = k.text + between + s
		}
		warn = warn || k.warn
	}
	return s, warn
}

// cleanName returns a name as it is drawn. Gaps, lines and blocks are left out:
// a name could pass for a piece of a border with a state in it.
func cleanName(raw string) string {
	s := strings.Map(func(r rune) rune {
		if 0x2500 <= r && r <= 0x259f {
			return -1
		}
		return r
	}, raw)
	s = strings.Join(strings.Fields(text.Clean(s, text.MaxName)), " ")
	if s == "" {
		return "?"
	}
	return s
}

// noticeText returns the words for a notice, and whether it is a bad one; none
// for what has a place of its own on the screen. isNew says that the member was
// never met before. Everything in the words that came from elsewhere is clean.
func noticeText(n call.Notice, isNew bool) (s string, bad bool) {
	name := cleanName(n.Name)
	device := text.Clean(n.Device, text.MaxName)
	because := ""
	if n.Err != nil {
		because = ": " + text.Clean(n.Err.Error(), 200)
	}
	switch n.Kind {
	case call.MemberJoined:
		if isNew {
			return name + " joined, never met before", false
		}
		return name + " joined", false
	case call.MemberLeft:
		return name + " left", false
	case call.LinkLost:
		return "connection lost" + because, true
	case call.LinkBack:
		return "connected again", false
	case call.MemberAway:
		return name + " is reconnecting", false
	case call.MemberBack:
		return name + " is back", false
	case call.DeviceLost:
		return "no " + device + faultText(n.Err), true
	case call.DeviceBack:
		return "the " + device + " is back", false
	case call.DeviceChanged:
		return "the " + device + " is now " + text.Clean(n.Text, 100), false
	case call.MemberUnanswered:
		if n.Name == "" {
			name = "somebody"
		}
		return name + " did not answer: they cannot hear you, and you get a new key", true
	case call.MemberRemoved:
		return name + " is removed: they hear and see you no more", false
	case call.SelfRemoved:
		return name + " has removed you: you hear and see each other no more", true
	case call.RosterDiffers:
		return name + " does not see the same people as you: compare who is there", true
	case call.WrongPassphrase:
		return "somebody did not know the passphrase", true
	case call.GuessingStopped:
		return "somebody is guessing the passphrase - nobody new is let in for now", true
	case call.CodeReady:
		return "new safety code: p shows it", false
	case call.EchoStays:
		return "the others may hear themselves: use a headset" + because, true
	case call.PicturesPaused:
		if n.Name == "" {
			return "your pictures are not sent for now: the link is too slow", true
		}
		return "no pictures of " + name + " for now: the link is too slow", true
	case call.PicturesBack:
		if n.Name == "" {
			return "your pictures are sent again", false
		}
		return "pictures of " + name + " again", false
	case call.SlowLink:
		return "your link is slow: small pictures and plain voices for all", true
	case call.SlowLinkOver:
		return "trying the usual pictures and voices again", false
	case call.HandRaised:
		return name + " raises a hand", false
	case call.Reaction:
		return name + ": " + text.Clean(n.Text, 16), false
	default: // chat lines, knocks and changed keys
		return "", false
	}
}

// faultText returns what is wrong with a device and, if the error has a Hint, what
// to do about it: then its own words leave out what was tried, as whoever reads
// them knows.
func faultText(err error) string {
	h, ok := errors.AsType[interface {
		error
		Hint() string
		Reason() string
	}](err)
	switch {
	case err == nil:
		return ""
	case !ok || h.Hint() == "":
		return ": " + text.Clean(err.Error(), 200)
	}
	return ": " + text.Clean(h.Reason(), 100) + " - " + text.Clean(h.Hint(), 100)
}

// alarmText returns the words for somebody with another key than before, and
// for how many more there are.
func alarmText(a *alarm, more int) string {
	s := a.name + " has another key than before - compare the code, or remove with p"
	if a.gone {
		s = a.name + " came with another key than before, and has left"
	}
	if more > 0 {
		s += fmt.Sprintf(" (+%d)", more)
	}
	return s
}

// knockText returns the words for somebody who waits to be let in.
func knockText(k *call.Knock, more int) string {
	who := "somebody new"
	if k.Name != "" {
		who = cleanName(k.Name) + ","
		switch k.Mark {
		case trust.Verified:
			who += " verified,"
		case trust.Seen:
			who += " met before,"
		default:
			who += " " + k.Mark.String() + ","
		}
	}
	s := fmt.Sprintf("%s %s... wants to join", who, shortPrint(k.Fingerprint))
	if more > 0 {
		s += fmt.Sprintf(" (+%d more)", more)
	}
	return s
}

// shortPrint returns the beginning of a fingerprint, which tells people apart
// but does not prove anything.
func shortPrint(f hello.Fingerprint) string {
	const shown = len("SHA256:") + 12
	return f.String()[:shown]
}

// codeText returns the words of a safety code with gaps of so many columns, or
// "" while there is none.
func codeText(code *[4]string, gap int) string {
	for _, w := range code {
		if w == "" {
			return ""
		}
	}
	return text.Clean(strings.Join(code[:], strings.Repeat(" ", gap)), 200)
}

// rate returns a rate of kB/s in few characters.
func rate(kB float64) string {
	if kB >= 0.05 && kB < 9.95 {
		return fmt.Sprintf("%.1f", kB)
	}
	return fmt.Sprintf("%.0f", min(max(kB, 0), 1e6))
}

// mirrorHelp is the help of the mirror.
var mirrorHelp = []string{
	"r\tnext look of the picture",
	"[ ]\tless or more contrast",
	"q\tquit",
	"?\tthis help",
	"Ctrl-L\tdraw the screen again",
	"Ctrl-Z\tsuspend; fg comes back",
}
