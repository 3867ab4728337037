package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/internal/trust"
)

func (e Env) keyProtect() *cobra.Command {
	var who identityFlags
	cmd := &cobra.Command{
		Use:   "protect",
		Short: "encrypt your key with a passphrase, or change that",
		Long: `Encrypt the file of your key with a passphrase, which is asked for here and at
each start from then on. S2C_KEY_PASS answers instead of the terminal.`,
		Example: `  s2c key protect
  s2c key protect -i mykey`,
		Args: atMost(0, "the passphrase is asked for: s2c key protect"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.protect(cmd.Context(), &who, e.newKeyPass)
		},
	}
	who.addFile(cmd)
	return cmd
}

func (e Env) keyUnprotect() *cobra.Command {
	var who identityFlags
	cmd := &cobra.Command{
		Use:     "unprotect",
		Short:   "take the passphrase off your key",
		Example: `  s2c key unprotect`,
		Args:    atMost(0, "the passphrase is asked for: s2c key unprotect"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.protect(cmd.Context(), &who, func(context.Context, string) ([]byte, error) { return nil, nil })
		},
	}
	who.addFile(cmd)
	return cmd
}

// protect writes the identity file anew, with what newPass returns for it.
func (e Env) protect(ctx context.Context, who *identityFlags, newPass func(ctx context.Context, path string) ([]byte, error)) error {
	if err := harden(); err != nil {
		e.say("other programs of yours may read the key in memory: %v", err)
	}
	path, err := e.identityPath(who)
	if err != nil {
		return err
	}
	var old []byte // the last answer, which is the right one when the file opens
	defer func() { clear(old) }()
	askOld := e.keyPass(ctx)
	id, err := trust.OpenIdentity(path, func(path string) ([]byte, error) {
		p, err := askOld(path)
		old = bytes.Clone(p) // who asks clears the answer
		return p, err
	})
	if err != nil {
		return err
	}
	pass, err := newPass(ctx, path)
	if err != nil {
		return err
	}
	defer clear(pass)
	if err := trust.Protect(path, func(string) ([]byte, error) { return bytes.Clone(old), nil }, pass); err != nil {
		return err
	}
	state := "protected by a passphrase"
	if len(pass) == 0 {
		state = "not protected by a passphrase"
	}
	_, err = fmt.Fprintf(e.Stdout, "%s is %s\n", id.Fingerprint(), state)
	return err
}

// newKeyPass asks twice for a new passphrase.
func (e Env) newKeyPass(ctx context.Context, path string) ([]byte, error) {
	if p := e.Getenv(envKeyPass); p != "" {
		return []byte(p), nil
	}
	answers, err := ask(ctx, fmt.Sprintf("new passphrase of %q: ", path), "the same again: ")
	if errors.Is(err, errNoTerminal) {
		return nil, &hinted{fmt.Errorf("new passphrase of %q: %w", path, err), "set " + envKeyPass, exitFailed}
	}
	if err != nil {
		return nil, err
	}
	switch {
	case answers[0] != answers[1]:
		return nil, &hinted{errors.New("the two passphrases differ"), "the key is as it was; try again", exitFailed}
	case answers[0] == "":
		return nil, &hinted{errors.New("an empty passphrase protects nothing"), "to have none: s2c key unprotect", exitFailed}
	}
	return []byte(answers[0]), nil
}
