package call

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/cipher/sframe"
	"github.com/sanix-darker/s2c/internal/text"
	"github.com/sanix-darker/s2c/internal/wire"
)

// maxLine is how many columns of a chat line are shown: all of those that
// wire.MaxChat bytes of ordinary letters take.
const maxLine = wire.MaxChat

// A member says so many lines at once and then one each interval. A hub would
// make further ones wait, and with them the messages that carry keys. From
// others some more are shown, as lines may come together on the way, but not so
// many that they push out what the person must see.
const (
	sayBurst     = 5
	hearBurst    = 10
	lineInterval = time.Second / 2
)

// A lineMeter lets a burst of lines pass at once and then one each interval.
type lineMeter struct {
	next time.Time // when the lines so far would have been said, one each interval
}

// take reports whether a line may pass now.
func (m *lineMeter) take(now time.Time, burst int) bool {
	if m.next.Before(now) {
		m.next = now
	}
	if m.next.Sub(now) > time.Duration(burst-1)*lineInterval {
		return false
	}
	m.next = m.next.Add(lineInterval)
	return true
}

// Why a line cannot be said.
var (
	errEmptyLine = errors.New("a chat line needs at least one character")
	errNotJoined = errors.New("not connected to the hub")
	errTooFast   = errors.New("too many chat lines at once")
	errBusy      = errors.New("too many messages wait for the hub")
)

// Say sends a chat line to everybody present. It fails for a text of more than
// wire.MaxChat bytes, for an empty one, while not joined, and for more than five
// lines at once or two a second. The line is a notice here too, with the own
// name and slot.
func (c *Call) Say(line string) error {
	shown := cleanLine(line)
	switch {
	case shown == "":
		return errEmptyLine
	case len(line) > wire.MaxChat:
		return fmt.Errorf("a chat line has at most %d bytes, not %d", wire.MaxChat, len(line))
	}
	now := time.Now()
	c.mu.Lock()
	l := c.link
	if c.stat.Phase != Joined {
		l = nil // it would come late, or never
	}
	ok := l != nil && c.lines.take(now, sayBurst)
	c.mu.Unlock()
	switch {
	case l == nil:
		return errNotJoined
	case !ok:
		return errTooFast
	}
	if l.out.busy() {
		return errBusy
	}
	if err := l.out.putSealed(wire.Chat{Time: wire.NewMillis(now), Text: line}); err != nil {
		return err
	}
	c.notify(Notice{Kind: ChatLine, Slot: l.slot, Name: c.cfg.Name, Text: shown, Fingerprint: c.cfg.Identity.Fingerprint()})
	return nil
}

// hear takes a sealed packet that came as a message: a chat line or a reaction of
// somebody present. Everything else is dropped and counted.
func (c *Call) hear(l *link, packet []byte, now time.Time) {
	b, from, err := l.keys.Open(nil, packet)
	if err != nil {
		c.stray.Add(1)
		return
	}
	m := c.member(from.Slot)
	if m == nil || m.name() == "" || from.Stream != sframe.StreamChat {
		c.stray.Add(1)
		return
	}
	m.hear(now)
	if r, err := wire.ParseReaction(b); err == nil {
		c.hearReaction(m, r, now)
		return
	}
	chat, err := wire.ParseChat(b)
	if err != nil {
		c.stray.Add(1)
		return
	}
	line := cleanLine(chat.Text)
	if line == "" {
		return
	}
	if !m.lines.take(now, hearBurst) {
		c.cfg.Log.Warn("member says too much", "slot", m.slot)
		return
	}
	c.notify(Notice{Kind: ChatLine, Slot: m.slot, Name: m.name(), Text: line, Fingerprint: m.fp})
}

// breaks are what ends a line somewhere. They become spaces, as one line must
// not pass for two.
var breaks = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ", "\v", " ", "\f", " ", "\u0085", " ", "\u2028", " ", "\u2029", " ")

// cleanLine returns a chat line as a terminal may show it.
func cleanLine(s string) string { return text.Clean(breaks.Replace(s), maxLine) }
