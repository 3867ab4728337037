package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/text/unicode/norm"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/words"
)

// The variables of the environment that hold secrets.
const (
	envPass    = "S2C_PASS"     // the passphrase of a session
	envKeyPass = "S2C_KEY_PASS" // the passphrase of an identity file
	envDoor    = "S2C_DOOR"     // the door token of a hub
)

// maxSecret bounds a passphrase, in bytes.
const maxSecret = 1024

// withoutSecrets takes the secrets out of the environment of the process, so
// that no program it starts, such as FFmpeg, inherits them. Getenv of the Env
// that it returns still has them.
func (e Env) withoutSecrets() Env {
	kept := make(map[string]string)
	for _, name := range []string{envPass, envKeyPass, envDoor} {
		kept[name] = e.Getenv(name)
		if e.Unsetenv != nil {
			_ = e.Unsetenv(name) // fails for a name that none of these is
		}
	}
	getenv := e.Getenv
	e.Getenv = func(name string) string {
		if v, ok := kept[name]; ok {
			return v
		}
		return getenv(name)
	}
	return e
}

// secretFlags say where the passphrase of the session and the door token come
// from. They never hold one: every program of this machine sees arguments.
type secretFlags struct {
	ask      asking
	passFile string
	doorFile string
}

// An asking is the value of -k. It is a value of its own so that a passphrase
// given to it is neither taken nor repeated in the error.
type asking struct{ on, given bool }

func (a *asking) String() string   { return "" }
func (a *asking) Type() string     { return "bool" }
func (a *asking) IsBoolFlag() bool { return true }

// Set implements the interface of flag values.
func (a *asking) Set(s string) error {
	a.on, a.given = true, a.given || s != "true"
	return nil
}

func (f *secretFlags) add(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.VarPF(&f.ask, "passphrase", "k", "ask for the passphrase of the session; an empty line makes one up").NoOptDefVal = "true"
	fl.StringVar(&f.passFile, "pass-file", "", "take the passphrase of the session from the first line of `file`")
	fl.StringVar(&f.doorFile, "door-file", "", "take the door token of the hub from the first line of `file`")
}

// askUsage is the hint for a passphrase on the command line.
const askUsage = "-k takes no passphrase, which every program here would see: it asks for it; see also --pass-file and S2C_PASS"

// check returns a usage error for what cannot work. args are what no flag took.
func (f *secretFlags) check(args []string) error {
	switch {
	case f.ask.given, f.ask.on && len(args) > 1:
		// One of them may be the passphrase, and errors end up in logs.
		return &usageError{errors.New("-k was given a value"), askUsage}
	case f.ask.on && f.passFile != "":
		return &usageError{errors.New("-k and --pass-file are two passphrases"), "give one of them"}
	}
	return nil
}

// passphrase returns the passphrase of the session, "" for none. made says
// that it is a new one, which the others have to be told.
func (e Env) passphrase(ctx context.Context, f *secretFlags) (pass string, made bool, err error) {
	switch {
	case f.ask.on:
		answers, err := ask(ctx, "passphrase of the session (empty: make one up): ")
		if errors.Is(err, errNoTerminal) {
			return "", false, &hinted{fmt.Errorf("passphrase of the session: %w", err), "give --pass-file FILE, or set " + envPass, exitFailed}
		}
		if err != nil {
			return "", false, err
		}
		if pass = answers[0]; pass == "" {
			return words.Phrase(), true, nil
		}
	case f.passFile != "":
		if pass, err = e.firstLine("passphrase file", f.passFile); err != nil {
			return "", false, err
		}
	default:
		pass = e.Getenv(envPass)
	}
	pass, err = cleanPassphrase(pass)
	return pass, false, err
}

// cleanPassphrase returns a passphrase as everybody else has it, whatever
// their system makes of an accent: Unicode's normal form C.
func cleanPassphrase(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", &hinted{errors.New("the passphrase is not valid UTF-8"), "the others could not type it; choose another", exitFailed}
	}
	if s = norm.NFC.String(s); len(s) > maxSecret {
		return "", &hinted{fmt.Errorf("the passphrase has %d bytes, at most %d work", len(s), maxSecret), "choose a shorter one", exitFailed}
	}
	return s, nil
}

// door returns the token for a hub with a door, nil for none.
func (e Env) door(f *secretFlags) (*hello.Token, error) {
	from, s := envDoor, e.Getenv(envDoor)
	if f.doorFile != "" {
		var err error
		if s, err = e.firstLine("door file", f.doorFile); err != nil {
			return nil, err
		}
		from = fmt.Sprintf("door file %q", f.doorFile)
	}
	if s == "" {
		return nil, nil
	}
	t, err := hello.ParseToken(strings.TrimSpace(s))
	if err != nil {
		return nil, &hinted{fmt.Errorf("%s: %w", from, err), "it is the line that the hub prints with --door", exitFailed}
	}
	return &t, nil
}

// firstLine returns the first line of a file that holds a secret, and warns
// when it is none.
func (e Env) firstLine(what, path string) (string, error) {
	failed := func(err error) (string, error) {
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = p.Err
		}
		return "", fmt.Errorf("%s %q: %w", what, path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return failed(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return failed(err)
	}
	if othersRead(info) {
		e.say("others on this machine can read the %s %q; change that with: chmod 600 %q", what, path, path)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+3)) // and the end of the line, and a byte too many
	if err != nil {
		return failed(err)
	}
	end := slices.Index(b, '\n')
	if end < 0 {
		end = len(b)
	}
	line := strings.TrimSuffix(string(b[:end]), "\r")
	switch {
	case line == "":
		return failed(errors.New("the first line is empty"))
	case len(line) > maxSecret:
		return failed(fmt.Errorf("the first line has more than %d bytes", maxSecret))
	}
	return line, nil
}
