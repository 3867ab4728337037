package ui

import (
	"fmt"
	"slices"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/text"
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

// noticeText returns the words for a notice, and whether it is a bad one.
// Everything in them that came from elsewhere is clean.
func noticeText(n call.Notice) (s string, bad bool) {
	name := text.Clean(n.Name, text.MaxName)
	device := text.Clean(n.Device, text.MaxName)
	because := ""
	if n.Err != nil {
		because = ": " + text.Clean(n.Err.Error(), 200)
	}
	switch n.Kind {
	case call.MemberJoined:
		return name + " joined", false
	case call.MemberLeft:
		return name + " left", false
	case call.LinkLost:
		return "connection lost" + because, true
	case call.LinkBack:
		return "connected again", false
	case call.DeviceLost:
		return "no " + device + because, true
	case call.DeviceBack:
		return "the " + device + " is back", false
	}
	return "", false
}

// rate returns a rate of kB/s in few characters.
func rate(kB float64) string {
	if kB >= 0.05 && kB < 9.95 {
		return fmt.Sprintf("%.1f", kB)
	}
	return fmt.Sprintf("%.0f", min(max(kB, 0), 1e6))
}

// callHelp is the help of a call: keys and what they do.
var callHelp = []string{
	"m\tmute or unmute the microphone",
	"v\tstop or start the camera",
	"r\tnext look of the pictures",
	"s\thide or show yourself",
	"q\tleave the call",
	"PgUp PgDn\tmore members",
	"?\tthis help",
	"Ctrl-L\tdraw the screen again",
	"Ctrl-Z\tsuspend; fg comes back",
	"",
	"any key closes this",
}

// mirrorHelp is the help of the mirror.
var mirrorHelp = []string{
	"r\tnext look of the picture",
	"q\tquit",
	"?\tthis help",
	"Ctrl-L\tdraw the screen again",
	"Ctrl-Z\tsuspend; fg comes back",
	"",
	"any key closes this",
}
