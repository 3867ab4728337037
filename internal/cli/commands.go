package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/sanix-darker/s2c/internal/call"
)

// maxCommand is the longest command, in bytes: "say " and the longest chat
// line, and room for a slip.
const maxCommand = 4096

// errLeave says that the person is done.
var errLeave = errors.New("leave")

// A command is a line of standard input; err says why it is none.
type command struct {
	line string
	err  error
}

// commands reads lines in a goroutine of its own.
//
// Reading from a file cannot be interrupted in Go when the file is not the
// program's alone, as standard input is not. On Unix the goroutine waits with
// poll instead, and close waits for the goroutine. Elsewhere, and for a reader
// that is no file, close cannot wait: the goroutine then ends with the read
// that it is in, at the latest with the process, and touches nothing but its
// own buffer.
type commands struct {
	lines chan command // closed at the end of the input
	done  chan struct{}
	stop  func() // nil when reading cannot be interrupted
	wg    sync.WaitGroup
}

// readCommands starts to read from r.
func readCommands(r io.Reader) *commands {
	c := &commands{lines: make(chan command), done: make(chan struct{})}
	free := func() {}
	if f, ok := r.(*os.File); ok {
		if w, stop, ok := interruptible(f); ok {
			r, c.stop = w, stop
			free = func() { w.Close() }
		}
	}
	c.wg.Go(func() {
		defer free()
		c.read(r)
	})
	return c
}

// read hands out lines until the input or the call ends.
func (c *commands) read(r io.Reader) {
	defer close(c.lines)
	in := bufio.NewReaderSize(r, maxCommand)
	for {
		line, err := in.ReadSlice('\n')
		next := command{line: strings.TrimSpace(string(line))}
		if errors.Is(err, bufio.ErrBufferFull) {
			next = command{err: fmt.Errorf("a command has at most %d bytes", maxCommand)}
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
		}
		if next != (command{}) {
			select {
			case c.lines <- next:
			case <-c.done:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// close ends the reading.
func (c *commands) close() {
	close(c.done)
	if c.stop != nil {
		c.stop()
		c.wg.Wait()
	}
}

// obey does what a line says. The error is errLeave for the command to leave.
func obey(c *call.Call, line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	do, ok := verbs[verb]
	if !ok {
		return fmt.Errorf("unknown command %q", verb)
	}
	if (rest != "") != do.takes {
		return fmt.Errorf("usage: %s", do.usage)
	}
	if err := do.run(c, rest); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// A verb is a kind of command.
type verb struct {
	usage string
	takes bool // more words
	run   func(c *call.Call, rest string) error
}

// verbs are all commands.
var verbs = map[string]verb{
	"say":    {"say TEXT", true, (*call.Call).Say},
	"lock":   {"lock", false, func(c *call.Call, _ string) error { c.SetLocked(true); return nil }},
	"unlock": {"unlock", false, func(c *call.Call, _ string) error { c.SetLocked(false); return nil }},
	"admit":  {"admit SLOT|NAME", true, func(c *call.Call, who string) error { return toKnock(c, who, c.Admit) }},
	"deny":   {"deny SLOT|NAME", true, func(c *call.Call, who string) error { return toKnock(c, who, c.Deny) }},
	"remove": {"remove SLOT|NAME", true, removeMember},
	"verify": {"verify", false, func(c *call.Call, _ string) error { return c.Verify() }},
	"mute":   {"mute", false, func(c *call.Call, _ string) error { c.SetMuted(true); return nil }},
	"unmute": {"unmute", false, func(c *call.Call, _ string) error { c.SetMuted(false); return nil }},
	"talk":   {"talk", false, func(c *call.Call, _ string) error { c.SetTalking(true); return nil }},
	"hush":   {"hush", false, func(c *call.Call, _ string) error { c.SetTalking(false); return nil }},
	"camera": {"camera on|off", true, setCamera},
	"volume": {"volume DB SLOT|NAME", true, setVolume},
	"leave":  {"leave", false, func(*call.Call, string) error { return errLeave }},
}

func setCamera(c *call.Call, how string) error {
	if how != "on" && how != "off" {
		return fmt.Errorf("%q is neither on nor off", how)
	}
	c.SetCamera(how == "on")
	return nil
}

// toKnock answers somebody who waits to be let in.
func toKnock(c *call.Call, who string, answer func(uint16) bool) error {
	var s call.State
	c.State(&s)
	var list []somebody
	for _, k := range s.Knocks {
		list = append(list, somebody{k.Slot, k.Name})
	}
	return to(who, list, "waits to be let in", answer)
}

// removeMember sends a member away.
func removeMember(c *call.Call, who string) error { return toMember(c, who, c.Remove) }

// setVolume makes a member louder or quieter here.
func setVolume(c *call.Call, how string) error {
	level, who, _ := strings.Cut(how, " ")
	db, err := strconv.ParseFloat(level, 64)
	if err != nil || !(db >= call.MinVolume && db <= call.MaxVolume) {
		return fmt.Errorf("%q is no number of dB from %d to %d", level, call.MinVolume, call.MaxVolume)
	}
	return toMember(c, strings.TrimSpace(who), func(slot uint16) bool { return c.SetVolume(slot, db) })
}

// toMember does something to somebody who is here.
func toMember(c *call.Call, who string, something func(slot uint16) bool) error {
	var s call.State
	c.State(&s)
	var list []somebody
	for _, m := range s.Members {
		list = append(list, somebody{m.Slot, m.Name})
	}
	return to(who, list, "is here", something)
}

// A somebody has a place in the session, and a name that may be "".
type somebody struct {
	slot uint16
	name string
}

// to does something to the one on a list whom who names, by slot or by name.
// does says what those on the list do.
func to(who string, list []somebody, does string, something func(slot uint16) bool) error {
	slot, err := strconv.ParseUint(who, 10, 16)
	bySlot := err == nil
	var found []uint16
	for _, s := range list {
		if bySlot && s.slot == uint16(slot) {
			found = []uint16{s.slot} // a slot is one's own, names may be anything
			break
		}
		if strings.EqualFold(s.name, who) {
			found = append(found, s.slot)
		}
	}
	switch {
	case len(found) > 1:
		return fmt.Errorf("%d are called %q; give the slot", len(found), who)
	case len(found) == 0 || !something(found[0]): // or gone in this moment
		return fmt.Errorf("nobody in slot or called %q %s", who, does)
	}
	return nil
}
