package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/internal/text"
)

// doctorTime bounds all checks together.
const doctorTime = 14 * time.Second

// errSlow says why a check was given up.
var errSlow = errors.New("it does not answer in time")

// How a check went. The words are what people see; no colour says it.
const (
	checkOK   = "ok"
	checkWarn = "warn" // a call is possible, and could be better
	checkFail = "FAIL" // a call is not possible
	checkSkip = "skip" // nobody wanted it, or there was nothing to look at
)

// A check is one thing that was looked at.
type check struct {
	Name    string             `json:"name"`
	State   string             `json:"state"`
	Text    string             `json:"text"` // what was found
	Hint    string             `json:"hint,omitempty"`
	Figures map[string]float64 `json:"figures,omitempty"` // what was measured, with the unit in the name
}

// failed returns the check for an error. hint stands in where the error knows no
// mend itself.
func failed(name, state string, err error, hint string) check {
	if _, own := classify(err); own != "" {
		hint = own
	}
	return check{Name: name, State: state, Text: err.Error(), Hint: hint}
}

// doctorFlags are the flags of the doctor command.
type doctorFlags struct {
	deviceFlags
	who    identityFlags
	hub    string // "host:port", "" for none
	pin    string // the fingerprint that the hub must have, or ""
	tcp    bool
	quiet  bool
	asJSON bool
	listen time.Duration
}

func (e Env) doctor() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor [HOST[:PORT]]",
		Short: "see whether camera, sound, terminal and hub are fit for a call",
		Long: `Check what a call needs, and say what to do about each fault: the terminal, your
key, the camera, the microphone (level, noise, clipping), the speaker, how long
sound takes through both, whether the microphone hears the speaker and what
echo cancellation does about it; and with an address, the way to that hub.

It listens for three seconds, in which you should say something, and then plays
a short soft sound, unless --quiet is given. Nothing leaves this machine, but
for the greeting of the hub. It takes 15 seconds at most.

The exit code is 0 when a call is possible, and 1 when something is marked FAIL.`,
		Example: `  s2c doctor
  s2c doctor host:1122
  s2c doctor --mic Yeti --speaker none
  s2c doctor --quiet --json`,
		Args: atMost(1, "s2c doctor host:1122"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if f.listen < time.Second || f.listen > 5*time.Second {
				return &usageError{fmt.Errorf("--listen %v is not between 1s and 5s", f.listen), "s2c doctor --listen 3s"}
			}
			if len(args) > 0 {
				if f.hub, f.pin, err = pinnedAddress(args[0]); err != nil {
					return err
				}
			}
			return e.runDoctor(cmd.Context(), f)
		},
	}
	f.addSources(cmd)
	f.addSpeaker(cmd)
	f.who.addFile(cmd)
	fl := cmd.Flags()
	fl.BoolVar(&f.tcp, "tcp", false, "no UDP: everything through TLS over TCP")
	fl.BoolVar(&f.quiet, "quiet", false, "play no sound, and so look for no echo")
	fl.DurationVar(&f.listen, "listen", 3*time.Second, "how long to listen to the microphone, 1s to 5s")
	fl.BoolVar(&f.asJSON, "json", false, "print JSON")
	return cmd
}

// runDoctor runs the checks and prints them in their order. All but that of the
// terminal run at the same time, since they wait for different things.
func (e Env) runDoctor(ctx context.Context, f doctorFlags) error {
	limited, cancel := context.WithTimeoutCause(ctx, doctorTime, errSlow)
	defer cancel()
	parts := []func(context.Context, doctorFlags) []check{
		e.checkIdentity, e.checkCamera, e.checkSound, e.checkHub,
	}
	all := e.checkTerminal() // before anything is printed: it asks the terminal
	results := make([]chan []check, len(parts))
	for i, part := range parts {
		results[i] = make(chan []check, 1)
		go func() { results[i] <- part(limited, f) }()
	}
	// Each part ends with the context, at the latest, and is waited for here.
	e.printChecks(all, f)
	for _, r := range results {
		part := <-r
		if ctx.Err() == nil {
			e.printChecks(part, f)
		}
		all = append(all, part...)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return e.concludeDoctor(all, f)
}

// concludeDoctor says what follows from all checks.
func (e Env) concludeDoctor(all []check, f doctorFlags) error {
	count := make(map[string]int)
	for i := range all {
		all[i].clean()
		count[all[i].State]++
	}
	if f.asJSON {
		err := json.NewEncoder(e.Stdout).Encode(struct {
			OK     bool    `json:"ok"`
			Checks []check `json:"checks"`
		}{count[checkFail] == 0, all})
		if err != nil {
			return err
		}
	}
	switch n := count[checkFail]; {
	case n == 1:
		return errors.New("a call is not possible like this: one check failed")
	case n > 1:
		return fmt.Errorf("a call is not possible like this: %d checks failed", n)
	case !f.asJSON && count[checkWarn] == 0:
		fmt.Fprintln(e.Stdout, "everything is fit for a call")
	case !f.asJSON:
		fmt.Fprintln(e.Stdout, "a call is possible; see the warnings for a better one")
	}
	return nil
}

// printChecks prints checks for people.
func (e Env) printChecks(list []check, f doctorFlags) {
	if f.asJSON {
		return
	}
	for _, c := range list {
		c.clean()
		fmt.Fprintf(e.Stdout, "%-5s %-13s %s\n", c.State, c.Name, c.Text)
		if c.Hint != "" {
			fmt.Fprintf(e.Stdout, "%-5s %-13s hint: %s\n", "", "", c.Hint)
		}
	}
}

// maxCheckText is how much of a line is shown, in cells: devices and servers have
// long things to say.
const maxCheckText = 240

// clean removes from c what a device or a server must not say to a terminal.
func (c *check) clean() {
	c.Text, c.Hint = text.Clean(c.Text, maxCheckText), text.Clean(c.Hint, maxCheckText)
}
