// Package plain shows a call as lines of text, for screen readers, simple
// terminals and pipes, and takes lines: what is typed is said, and what begins
// with a slash is a command. Nothing is ever drawn again, no cursor moves, and
// nothing but printable characters and ends of lines is written.
package plain

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/sanix-darker/s2c/internal/call"
	"github.com/sanix-darker/s2c/internal/command"
	"github.com/sanix-darker/s2c/internal/text"
)

// An Engine is the call; *call.Call has it.
type Engine interface {
	command.Engine
	Notices() <-chan call.Notice
	Watch(views []call.View)
}

// Config is what Run needs.
type Config struct {
	Engine Engine
	Out    io.Writer // gets one Write for each line

	// Lines are what somebody types or sends. When it is closed the call goes on,
	// unless Typed.
	Lines <-chan command.Line

	// Typed says that a person types the lines at a terminal, which shows them:
	// there is a prompt, and the end of the lines is that of the call.
	Typed bool

	// Invite is what others type to join, "" when that is not known.
	Invite string
}

const (
	// lookTime is how often the call is looked at for what is no notice.
	lookTime = 200 * time.Millisecond

	// speakTime is how long it is not told again that somebody speaks.
	speakTime = 10 * time.Second

	// settleTime is how long after somebody has come it is told how they are, as
	// their first word about it takes a moment.
	settleTime = 2 * time.Second

	// maxText is the longest line in columns, a chat line with a name before it.
	maxText = command.MaxLine
)

// A teller tells of a call, and does what it is told.
type teller struct {
	Config
	state call.State
	code  [4]string // that was told last

	tellSpeaking, tellTimes bool

	people map[person]*known
	self   known
	locked bool

	prompted bool // the prompt is the last that was written
	told     bool // a line was written since somebody last asked
	own      int  // chat lines of one's own that the terminal shows already
	failed   error
}

// Run tells of a call until ctx is done, and returns its cause, or until somebody
// tells it to leave, which may be that cause, and returns nil. An error of Config.Out ends it too.
func Run(ctx context.Context, c Config) error {
	t := &teller{Config: c, tellSpeaking: true, tellTimes: true, people: make(map[person]*known)}
	t.Engine.Watch(nil) // nobody looks at pictures
	t.begin(time.Now())
	defer t.endPrompt()
	tick := time.NewTicker(lookTime)
	defer tick.Stop()
	lines := c.Lines
	for t.failed == nil {
		select {
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, command.ErrLeave) {
				return err
			}
			t.say(time.Now(), "You left.") // by another program
			return t.failed
		case n := <-t.Engine.Notices():
			t.notice(n)
		case line, ok := <-lines:
			switch {
			case !ok && t.Typed, ok && t.take(line):
				t.say(time.Now(), "You left.")
				return t.failed
			case !ok:
				lines = nil
			}
		case now := <-tick.C:
			t.look(now)
			t.prompt()
		}
	}
	return t.failed
}

// begin tells where the person is.
func (t *teller) begin(now time.Time) {
	t.Engine.State(&t.state)
	t.self, t.locked = t.selfNow(), t.state.Locked
	s := "You are " + shown(t.state.Self.Name) + " in session " + t.state.Session + ", "
	if t.self.muted {
		s += "muted"
	} else {
		s += "not muted"
	}
	s += ", with the camera "
	if t.Engine.CameraOn() && t.state.Cam {
		s += "on. "
	} else {
		s += "off. "
	}
	t.say(now, s+"What you type is said to everybody; /help lists the commands, /leave leaves.")
	t.prompt()
}

// take does what a line says, and reports whether it says to leave.
func (t *teller) take(line command.Line) (leave bool) {
	t.prompted, t.told = false, false
	now := time.Now()
	s := text.Clean(line.Text, maxText)
	switch {
	case line.Err != nil:
		t.say(now, "Not done: "+reason(line.Err))
	case s == "":
	case strings.HasPrefix(s, "//"), !strings.HasPrefix(s, "/"):
		t.chat(now, strings.TrimPrefix(s, "/"))
	default:
		return t.obey(now, s[1:])
	}
	return false
}

// chat says a line to everybody.
func (t *teller) chat(now time.Time, s string) {
	if err := t.Engine.Say(s); err != nil {
		t.say(now, "Not said: "+reason(err))
		return
	}
	t.told = true // by the notice
	if t.Typed {
		t.own++
	}
}

// obey does what a command says, and reports whether that is to leave. Something
// is told in any case.
func (t *teller) obey(now time.Time, line string) (leave bool) {
	err := t.do(now, line)
	switch {
	case errors.Is(err, command.ErrLeave):
		return true
	case errors.Is(err, command.ErrUnknown):
		t.say(now, "Not done: "+text.Clean(err.Error(), 100)+"; /help lists the commands.")
	case err != nil:
		t.say(now, "Not done: "+reason(err))
	default:
		t.look(now)
		if !t.told {
			t.say(now, "Done.")
		}
	}
	return false
}

// reason returns what an error says as the end of a sentence.
func reason(err error) string { return text.Clean(err.Error(), 300) + "." }

// say writes a line.
func (t *teller) say(at time.Time, s string) {
	t.endPrompt()
	if s = text.Clean(s, maxText); t.tellTimes {
		s = at.Format("15:04 ") + s
	}
	t.write(s + "\n")
	t.told = true
}

// prompt asks for a line, unless it has done so.
func (t *teller) prompt() {
	if t.Typed && !t.prompted {
		t.write("> ")
		t.prompted = true
	}
}

// endPrompt ends the line of the prompt, and with it what was typed there so far,
// which the terminal keeps.
func (t *teller) endPrompt() {
	if t.prompted {
		t.write("\n")
		t.prompted = false
	}
}

func (t *teller) write(s string) {
	if t.failed == nil {
		_, t.failed = io.WriteString(t.Out, s)
	}
}
