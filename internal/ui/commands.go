package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gdamore/tcell/v2"

	"github.com/sanix-darker/s2c/internal/text"
)

// A Word is a command that Config.Do knows, for the palette.
type Word struct{ Name, Args, Help string }

// A Request is a command line from elsewhere that needs the screen. Done must
// have room for one error.
type Request struct {
	Line string
	Done chan<- error
}

// A command is something that the person can have the screen do, by a key or by
// its name. Keys, the hints in the bar, the help and the palette read all of it
// from one table.
type command struct {
	name string   // in the palette; "" where only a key does it
	args string   // that follow the name; "" for none
	keys []string // as keyName has them; what the help shows if run is nil
	help string   // "" where another line of the help stands for it

	// when reports whether the command does anything now; nil stands for always.
	when func(v *callView) bool

	// run does it. args is what follows the name, and empty for a key. nil stands
	// for keys that are handled elsewhere.
	run func(v *callView, t *terminal, args string, now time.Time) error

	// hint returns what the bar says of the first key, which has the rank; nil
	// stands for nothing.
	hint func(v *callView) (words string, rank int)
}

// applies reports whether the command does anything now.
func (c *command) applies(v *callView) bool { return c.when == nil || c.when(v) }

// usage returns the name with what follows it.
func (c *command) usage() string { return strings.TrimSpace(c.name + " " + c.args) }

// steady returns a hint that stays the same.
func steady(words string, rank int) func(*callView) (string, int) {
	return func(*callView) (string, int) { return words, rank }
}

// errUsage says that a command was given too much or too little.
var errUsage = errors.New("wrong use")

// keyName returns the name of a key in the table, or "" for keys that no
// command has.
func keyName(k *tcell.EventKey) string {
	switch k.Key() {
	case tcell.KeyRune:
		if k.Modifiers()&(tcell.ModAlt|tcell.ModCtrl|tcell.ModMeta) != 0 {
			return ""
		}
		if k.Rune() == ' ' {
			return "Space"
		}
		return string(k.Rune())
	case tcell.KeyEscape:
		return "Esc"
	default:
		return tcell.KeyNames[k.Key()]
	}
}

// keyOf returns the command of a key, or nil. A capital stands for its small
// letter where no command has it.
func (v *callView) keyOf(name string) *command {
	for _, name := range []string{name, strings.ToLower(name)} {
		for i := range v.commands {
			if c := &v.commands[i]; c.run != nil && slices.Contains(c.keys, name) && c.applies(v) {
				return c
			}
		}
	}
	return nil
}

// named returns the command of a name, or nil.
func (v *callView) named(name string) *command {
	i := slices.IndexFunc(v.commands, func(c command) bool { return c.name == name && c.run != nil })
	if i < 0 || name == "" {
		return nil
	}
	return &v.commands[i]
}

// obey does what a line says: a command of the screen, or one of Config.Do.
func (v *callView) obey(line string, t *terminal, now time.Time) error {
	name, args, _ := strings.Cut(strings.TrimSpace(line), " ")
	args = strings.TrimSpace(args)
	c := v.named(name)
	switch {
	case name == "":
		return nil
	case c == nil && v.do != nil:
		return v.do(strings.TrimSpace(line))
	case c == nil:
		return fmt.Errorf("there is no command %q: Tab completes those there are", text.Clean(name, 40))
	case !c.applies(v):
		return fmt.Errorf("%s does nothing now", c.name)
	case c.args == "" && args != "", c.args != "" && !strings.HasPrefix(c.args, "[") && args == "":
		return fmt.Errorf("type it as: %s", c.usage())
	}
	if err := c.run(v, t, args, now); errors.Is(err, errUsage) {
		return fmt.Errorf("type it as: %s", c.usage())
	} else if err != nil {
		return err
	}
	return nil
}

// helpLines returns the help of the moment: keys, or names where there are none,
// and what they do. The first are those that a small screen has room for.
func (v *callView) helpLines() []string {
	var lines []string
	for i := range v.commands {
		c := &v.commands[i]
		if c.help == "" || !c.applies(v) {
			continue
		}
		keys := strings.Join(c.keys, " ")
		if keys == "" {
			keys = ":" + c.name
		}
		lines = append(lines, keys+"\t"+c.help)
	}
	return lines
}

// appendHints appends the keys of the call, and what they would do now.
func (v *callView) appendHints(items []item) []item {
	for i := range v.commands {
		c := &v.commands[i]
		if c.hint == nil || !c.applies(v) {
			continue
		}
		if words, rank := c.hint(v); words != "" {
			items = append(items, item{key: c.keys[0], text: words, style: styleBar, rank: rank})
		}
	}
	if !v.engine.CameraOn() {
		items = append(items, item{text: "camera off", style: styleBarWarn, rank: 5, right: true})
	}
	return items
}

// callCommands returns the commands of a call, those that are used most first.
func callCommands() []command {
	return slices.Concat(voiceCommands(), peopleCommands(), focusCommands(), layoutCommands(), pictureCommands(), lookCommands(), themeCommands(), mouseCommands(), otherCommands())
}

func voiceCommands() []command {
	return []command{
		{
			name: "toggle", keys: []string{"m", "F1"}, help: "mute or unmute",
			run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
				v.engine.SetMuted(!v.engine.Muted())
				return nil
			},
			hint: func(v *callView) (string, int) {
				if v.engine.Muted() {
					return "unmute", 6
				}
				return "mute", 6
			},
		},
		{
			keys: []string{"Space"}, help: "hold to speak while muted",
			run: func(v *callView, _ *terminal, _ string, now time.Time) error {
				v.talkKey.press(now)
				v.talk(now)
				return nil
			},
		},
		{
			keys: []string{"v"}, help: "stop or start the camera",
			run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
				v.engine.SetCamera(!v.engine.CameraOn())
				return nil
			},
			hint: func(v *callView) (string, int) {
				if v.engine.CameraOn() {
					return "stop camera", 9
				}
				return "start camera", 6
			},
		},
		{
			name: "chat", keys: []string{"Tab", "Enter"}, help: "chat line; Esc leaves it",
			run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
				v.chat.show()
				v.people.open = false
				return nil
			},
			hint: func(v *callView) (string, int) {
				if n := v.chat.fresh; n > 0 {
					return fmt.Sprintf("chat, %d new", n), 3
				}
				return "chat", 7
			},
		},
	}
}

func peopleCommands() []command {
	return []command{
		{
			name: "people", keys: []string{"p"}, help: "people, keys, safety code",
			run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
				v.people.show(v.state.Members)
				return nil
			},
			hint: steady("people", 8),
		},
		{
			name: "invite", keys: []string{"i"}, help: "what others type to join",
			when: func(v *callView) bool { return v.invite.invite.Line != "" },
			run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
				v.invite.show()
				return nil
			},
			hint: func(v *callView) (string, int) {
				if len(v.state.Members) > 0 {
					return "", 0
				}
				return "invite", 6
			},
		},
		{keys: []string{"x", "c"}, help: "remove; codes match (in p)"},
		{
			keys: []string{"L"}, help: "lock: let nobody new in",
			run: func(v *callView, _ *terminal, _ string, now time.Time) error {
				v.lock(now)
				return nil
			},
			hint: func(v *callView) (string, int) { return v.lockText(), 11 },
		},
		{
			keys: []string{"y", "n"}, help: "who knocks: in, or away",
			when: func(v *callView) bool { return len(v.state.Knocks) > 0 },
		},
		{keys: []string{"Esc"}, help: "back; close a warning"},
	}
}

func pictureCommands() []command {
	answer := func(key rune) func(*callView, *terminal, string, time.Time) error {
		return func(v *callView, t *terminal, _ string, now time.Time) error {
			v.notes.replace(t.looks.key(key), now.Add(answerTime))
			return nil
		}
	}
	return []command{
		{keys: []string{"r"}, help: "next look of the pictures", run: answer('r'), hint: steady("look", 10)},
		{keys: []string{"["}, help: "less contrast", run: answer('[')},
		{keys: []string{"]"}, help: "more contrast", run: answer(']')},
		{name: "look", args: "NAME|auto", help: "have the pictures drawn so", run: func(v *callView, t *terminal, args string, now time.Time) error {
			if err := t.looks.use(args); err != nil {
				return err
			}
			v.notes.replace("look: "+t.looks.String(), now.Add(answerTime))
			return nil
		}},
		{
			keys: []string{"s"}, help: "hide or show yourself",
			run: func(v *callView, _ *terminal, _ string, now time.Time) error {
				if v.hideSelf = !v.hideSelf; v.hideSelf {
					v.notes.add("your picture is hidden here only", false, now.Add(answerTime))
				}
				return nil
			},
			hint: func(v *callView) (string, int) {
				if v.hideSelf {
					return "show self", 6
				}
				return "hide self", 12
			},
		},
		{keys: []string{"PgUp"}, help: "the members before", run: turnBy(-1)},
		{keys: []string{"PgDn"}, help: "more members", run: turnBy(1)},
		{name: "page", args: "N", help: "a page of members", run: turnTo},
	}
}

func otherCommands() []command {
	return []command{
		{
			name: "help", keys: []string{"?"}, help: "this help",
			run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
				v.help = help{open: true, lines: v.helpLines()}
				return nil
			},
			hint: steady("help", 5),
		},
		{
			keys: []string{":"}, help: "type a command; Tab completes",
			run: func(v *callView, _ *terminal, _ string, _ time.Time) error {
				v.palette.show()
				return nil
			},
		},
		{
			name: "leave", keys: []string{"q"}, help: "leave the call",
			run: func(v *callView, _ *terminal, _ string, now time.Time) error {
				return v.leave(now)
			},
			hint: steady("quit", 4),
		},
		{keys: []string{"Ctrl-L"}, help: "draw the screen again"},
		{keys: []string{"Ctrl-Z"}, help: "suspend; fg comes back"},
	}
}
