package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/internal/command"
	"github.com/sanix-darker/s2c/internal/ctl"
	"github.com/sanix-darker/s2c/internal/ui"
)

// statusFormat is how a call stands for a person to read.
const statusFormat = `{{.Session}} as {{.Name}}: {{.People}} {{if eq .People 1}}person{{else}}people{{end}}` +
	`{{if .Muted}}, muted{{end}}{{if .Deafened}}, deafened{{end}}, camera {{if .Camera}}on{{else}}off{{end}}` +
	`{{if .Locked}}, locked{{end}}{{if .Waiting}}, {{.Waiting}} waiting{{end}}{{if .Hands}}, hand up: {{join .Hands ", "}}{{end}}` +
	`{{if .Speaking}}, speaking: {{join .Speaking ", "}}{{end}}{{if ne .Link "joined"}}, {{.Link}}{{end}}`

// aim says which call is meant; the zero value the only one that runs.
type aim struct {
	session string
	pid     int
}

// means reports whether the call is meant that stands as s says.
func (a *aim) means(s *ctl.Status) bool {
	return (a.session == "" || a.session == s.Session) && (a.pid == 0 || a.pid == s.PID)
}

func (e Env) ctl() *cobra.Command {
	var a aim
	cmd := &cobra.Command{
		Use:   "ctl [--session NAME | --pid NUMBER] COMMAND [ARG...]",
		Short: "steer a call that runs, from elsewhere",
		Long: `Have a call of yours that runs on this machine do something: from another
terminal, a key of your window manager, a script or a status line. WHO is a name,
a slot number, or the start of a fingerprint.

` + wordList() + `
Where the call has a screen, it takes the commands of its palette as well, which :
shows there, such as look NAME.

Flags come before the command. The exit code is 0 when it was done, 1 when it was
not or no call runs, and 2 when it is not clear which call is meant.`,
		Example: `  s2c ctl toggle                             mute, or unmute
  s2c ctl talk --for 3s                      be heard while muted, for that long
  s2c ctl say back in five minutes
  s2c ctl --session room volume -6 bob
  s2c ctl status --format '{{.People}}{{if .Muted}} muted{{end}}'`,
		Args:      atLeast(1, "s2c ctl toggle; see s2c ctl -h"),
		ValidArgs: wordNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.tellCall(cmd.Context(), a, args)
		},
	}
	cmd.Flags().SetInterspersed(false) // a command may have a number with a minus
	fl := cmd.PersistentFlags()
	fl.StringVar(&a.session, "session", "", "the call in the session called `name`")
	fl.IntVar(&a.pid, "pid", 0, "the call of the process with this `number`")
	cmd.AddCommand(e.ctlList(), e.ctlStatus(&a), e.ctlTalk(&a))
	return cmd
}

// wordList returns all commands, one a line.
func wordList() string {
	var b strings.Builder
	for _, w := range command.Words {
		fmt.Fprintf(&b, "  %-38s %s\n", w.Usage(), w.Help)
	}
	return b.String()
}

func wordNames() (names []cobra.Completion) {
	for _, w := range command.Words {
		names = append(names, cobra.CompletionWithDesc(w.Name, w.Help))
	}
	return names
}

// paletteWords returns all commands for the palette of a screen.
func paletteWords() (words []ui.Word) {
	for _, w := range command.Words {
		words = append(words, ui.Word(w))
	}
	return words
}

func (e Env) ctlList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "list the calls that run",
		Args:  atMost(0, "s2c ctl list"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, silent, err := ctl.List(cmd.Context(), e.ctlDir())
			if err != nil {
				return err
			}
			switch {
			case silent > 0:
				e.say("calls that do not answer: %d; if one is stopped, fg lets it go on", silent)
			case len(found) == 0:
				e.say("%v", ctl.ErrNoCall)
			}
			return e.printCalls(found, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (e Env) printCalls(found []ctl.Found, asJSON bool) error {
	if asJSON {
		list := []ctl.Status{}
		for i := range found {
			list = append(list, found[i].Status)
		}
		return json.NewEncoder(e.Stdout).Encode(list)
	}
	for i := range found {
		line, err := found[i].Status.Format("{{.PID}}  " + statusFormat)
		if err != nil {
			return err
		}
		fmt.Fprintln(e.Stdout, line)
	}
	return nil
}

func (e Env) ctlStatus(a *aim) *cobra.Command {
	var asJSON bool
	var format string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "print how a call stands",
		Long: `Print how a call stands, in a line. With --format the line has these fields, in the
syntax of Go's text/template, of which if, else, end, join, printf, len, not, eq
and ne work. Join puts a list together.

` + fieldList() + `
A '#' in names is left out, as tmux would act on it. When no call runs nothing is
printed on standard output, and the exit code is 1.`,
		Example: `  s2c ctl status
  s2c ctl status --json
  s2c ctl status --format '{{.People}} {{if .Muted}}muted{{end}} {{join .Speaking ", "}}'
  set -g status-right '#(s2c ctl status --format "{{.People}}{{if .Muted}} muted{{end}}")'    in .tmux.conf`,
		Args: atMost(0, "s2c ctl status"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON && cmd.Flags().Changed("format") {
				return &usageError{errors.New("--json and --format exclude each other"), "s2c ctl status --json"}
			}
			return e.printStatus(cmd.Context(), a, format, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&format, "format", statusFormat, "what to print, a `template`")
	cmd.Flag("format").DefValue = ""
	return cmd
}

// fieldList returns the fields of a format, one a line.
func fieldList() string {
	var b strings.Builder
	for _, f := range ctl.Fields {
		fmt.Fprintf(&b, "  .%-10s %s\n", f.Name, f.Help)
	}
	return b.String()
}

func (e Env) printStatus(ctx context.Context, a *aim, format string, asJSON bool) error {
	if _, err := new(ctl.Status).Format(format); err != nil {
		return &usageError{fmt.Errorf("--format: %w", err), "s2c ctl status -h lists the fields, such as {{.People}}"}
	}
	found, err := e.findCall(ctx, a)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(e.Stdout).Encode(found.Status)
	}
	line, err := found.Status.Format(format)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.Stdout, line)
	return nil
}

func (e Env) ctlTalk(a *aim) *cobra.Command {
	var long time.Duration
	cmd := &cobra.Command{
		Use:   "talk",
		Short: "be heard while muted, until this command ends",
		Long: `Be heard while muted, until this command is interrupted or --for is over, or the
call is told to hush. A window manager that runs it while a key is held down, and
ends it when the key is released, makes that key one to push for talking.`,
		Example: `  s2c ctl talk
  s2c ctl talk --for 3s`,
		Args: atMost(0, "s2c ctl talk --for 3s"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if long < 0 {
				return &usageError{fmt.Errorf("--for %v is no time", long), "s2c ctl talk --for 3s"}
			}
			return e.talk(cmd.Context(), a, long)
		},
	}
	cmd.Flags().DurationVar(&long, "for", 0, "end after this `time`")
	return cmd
}

// talk lets the person be heard until ctx is done or, if long is not 0, for that
// long.
func (e Env) talk(ctx context.Context, a *aim, long time.Duration) error {
	c, err := e.dialCall(ctx, a)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Do("talk"); err != nil {
		return err
	}
	again := time.NewTicker(ctl.IdleTime / 3)
	defer again.Stop()
	var over <-chan time.Time
	if long > 0 {
		over = time.After(long)
	}
	for {
		select {
		case <-ctx.Done():
			return c.Do("hush")
		case <-over:
			return c.Do("hush")
		case <-again.C:
			if err := c.Do("talk"); err != nil {
				return err
			}
		}
	}
}

// findCall returns the call that is meant.
func (e Env) findCall(ctx context.Context, a *aim) (ctl.Found, error) {
	all, silent, err := ctl.List(ctx, e.ctlDir())
	if err != nil {
		return ctl.Found{}, err
	}
	var found []ctl.Found
	for i := range all {
		if a.means(&all[i].Status) {
			found = append(found, all[i])
		}
	}
	switch {
	case len(all) == 0 && silent > 0:
		return ctl.Found{}, &hinted{errors.New("the call does not answer"), "if it is stopped, fg lets it go on", exitFailed}
	case len(all) == 0:
		return ctl.Found{}, &hinted{ctl.ErrNoCall, "start one with: s2c join -s session1 -c darker; one with --no-ctl cannot be steered", exitFailed}
	case len(found) == 0:
		return ctl.Found{}, &hinted{errors.New("that call does not run"), "s2c ctl list shows those that do", exitFailed}
	case len(found) > 1:
		return ctl.Found{}, &hinted{fmt.Errorf("%d calls are meant", len(found)), "choose one with --session or --pid; s2c ctl list shows them", exitUsage}
	}
	return found[0], nil
}

func (e Env) dialCall(ctx context.Context, a *aim) (*ctl.Client, error) {
	found, err := e.findCall(ctx, a)
	if err != nil {
		return nil, err
	}
	return ctl.Dial(ctx, found.Path)
}

// tellCall has the call that is meant do what the words say.
func (e Env) tellCall(ctx context.Context, a aim, words []string) error {
	c, err := e.dialCall(ctx, &a)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Do(strings.Join(words, " ")); err != nil {
		return &hinted{err, "s2c ctl -h lists the commands; flags come before them", exitFailed}
	}
	return nil
}
