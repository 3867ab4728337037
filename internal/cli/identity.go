package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/transport"
	"github.com/sanix-darker/s2c/internal/trust"
)

// identityFlags say who the person is in a call.
type identityFlags struct {
	file      string
	anonymous bool
}

func (f *identityFlags) add(cmd *cobra.Command) {
	f.addFile(cmd)
	cmd.Flags().BoolVar(&f.anonymous, "anonymous", false, "be nobody whom others know: a key for this call alone")
}

// addFile adds the one flag that the key command has too.
func (f *identityFlags) addFile(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.file, "identity", "i", "", "be who the RSA key in `file` is, as of OpenSSH (default: your own, made at the first start)")
}

func (f *identityFlags) check() error {
	if f.anonymous && f.file != "" {
		return &usageError{errors.New("--anonymous and --identity are two identities"), "give one of them"}
	}
	return nil
}

// path returns the file of the identity.
func (e Env) identityPath(f *identityFlags) (string, error) {
	if f.file != "" {
		return f.file, nil
	}
	return e.configFile("identity")
}

// identity returns who the person is. It makes the person's own identity when
// there is none, with a comment for its public key.
func (e Env) identity(ctx context.Context, f *identityFlags, comment string) (*identity.Identity, error) {
	if f.anonymous {
		return identity.Generate()
	}
	path, err := e.identityPath(f)
	if err != nil {
		return nil, err
	}
	if f.file != "" {
		return trust.OpenIdentity(path, e.keyPass(ctx))
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		e.say("making your key, once: %s", path)
	}
	id, made, err := trust.LoadIdentity(ctx, path, comment, e.keyPass(ctx))
	if err == nil && made {
		e.say("others know you again by it: %s", id.Fingerprint())
	}
	return id, err
}

// keyPass returns a function that asks for the passphrase of an identity file,
// and again when that was the wrong one.
func (e Env) keyPass(ctx context.Context) trust.Ask {
	question := "passphrase of %q: "
	return func(path string) ([]byte, error) {
		if p := e.Getenv(envKeyPass); p != "" {
			return []byte(p), nil
		}
		answers, err := ask(ctx, fmt.Sprintf(question, path))
		question = "that is not it; passphrase of %q: "
		if errors.Is(err, errNoTerminal) {
			return nil, &hinted{fmt.Errorf("it has a passphrase: %w", err), "set " + envKeyPass, exitFailed}
		}
		if err != nil {
			return nil, err
		}
		return []byte(answers[0]), nil
	}
}

// configFile returns the path of a file of what a person decides.
func (e Env) configFile(name string) (string, error) {
	dir, err := e.configDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, name), nil
}

// peers returns the people met.
func (e Env) peers() (*trust.Peers, error) {
	path, err := e.configFile("known_peers")
	if err != nil {
		return nil, err
	}
	return trust.OpenPeers(path)
}

// knownHubs returns the hubs met.
func (e Env) knownHubs() (*transport.KnownHubs, error) {
	path, err := e.configFile("known_hubs")
	if err != nil {
		return nil, err
	}
	return transport.OpenKnownHubs(path)
}
