// Package cli is the command line of s2c: commands, flags, environment, exit
// codes, and errors turned into hints.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// An Env is what a command may use of the process.
type Env struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string

	// Unsetenv takes a variable from what programs inherit that are started;
	// nil when nothing can be taken.
	Unsetenv func(string) error

	// Setenv tells the libraries that read the environment what was found out;
	// nil when nothing can be told.
	Setenv func(key, value string) error
}

// OS returns the Env of this process.
func OS() Env {
	return Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Unsetenv: os.Unsetenv, Setenv: os.Setenv,
	}
}

// Main runs the command that e asks for until it ends or ctx is done, and
// returns the exit code: 0 fine, 1 failed, 2 wrong usage, 3 hub unreachable, 4
// refused, 130 interrupted.
func Main(ctx context.Context, e Env) int {
	e = e.withoutSecrets()
	cmd := e.root()
	cmd.SetArgs(e.Args)
	cmd.SetIn(e.Stdin)
	cmd.SetOut(e.Stdout)
	cmd.SetErr(e.Stderr)
	return e.report(cmd.ExecuteContext(ctx))
}

// Commands returns the commands, for what is written about them. They are not to
// be run.
func Commands() *cobra.Command { return OS().root() }

// root returns the command tree.
func (e Env) root() *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "s2c",
		Short: "a video and audio call in a terminal, sealed end to end",
		Long: `s2c is a video and audio call in a terminal. The camera becomes characters, the
voice is Opus, and a small hub forwards sealed packets that it cannot open.`,
		Example: `  s2c demo                                       see a call, alone
  s2c server -p 1122                             run a hub
  s2c join -s session1 -c darker host:1122       join a session at a hub
  s2c join -s session1 -c darker                 join, and be the hub too
  s2c ctl toggle                                 mute the call that runs, or unmute it
  s2c key                                        who you are, and whom you know`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Errorf("unknown command %q", args[0]), "see s2c -h"}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				_, err := fmt.Fprintln(e.Stdout, "s2c", versionName())
				return err
			}
			return cmd.Help()
		},
	}
	// Cobra's own flag prints through a template, whose package makes the program a
	// third larger, since the linker then keeps all methods of everything.
	root.Flags().BoolVarP(&version, "version", "v", false, "print the version")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{err, "see " + cmd.CommandPath() + " -h"}
	})
	root.AddCommand(e.server(), e.join(), e.ctl(), e.demo(), e.mirror(), e.devices(), e.doctor(), e.key(), e.bench(), e.version())
	return root
}

// say prints a line for the person, on standard error.
func (e Env) say(format string, args ...any) {
	fmt.Fprintf(e.Stderr, "s2c: "+format+"\n", args...)
}

// atMost returns a usage error for more than n arguments.
func atMost(n int, usage string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return &usageError{fmt.Errorf("unexpected argument %q", args[n]), usage}
		}
		return nil
	}
}

// atLeast returns a usage error for fewer than n arguments.
func atLeast(n int, usage string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return &usageError{errors.New("an argument is missing"), usage}
		}
		return nil
	}
}
