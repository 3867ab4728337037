package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// configDir returns the folder of what a person decides: the identity, known
// people and known hubs.
func (e Env) configDir() (string, error) {
	if d := e.Getenv("S2C_CONFIG"); d != "" {
		return d, makeConfigDir(d)
	}
	d, err := os.UserConfigDir()
	if err != nil {
		return "", &hinted{err, "set HOME, or S2C_CONFIG to a folder", exitFailed}
	}
	d = filepath.Join(d, "s2c")
	return d, makeConfigDir(d)
}

func makeConfigDir(d string) error {
	if err := os.MkdirAll(d, 0o700); err != nil {
		return &hinted{fmt.Errorf("configuration: %w", err), "set S2C_CONFIG to a folder that you may write", exitFailed}
	}
	return nil
}

// stateDir returns the folder of what the program keeps: the hub's key.
func (e Env) stateDir() (string, error) {
	d := e.Getenv("S2C_STATE")
	if d == "" {
		if base := e.Getenv("XDG_STATE_HOME"); filepath.IsAbs(base) {
			d = filepath.Join(base, "s2c")
		} else if home, err := os.UserHomeDir(); err == nil {
			d = filepath.Join(home, ".local", "state", "s2c")
		} else {
			return "", &hinted{errors.New("no folder to keep the hub's key in"), "set HOME, or S2C_STATE to a folder", exitFailed}
		}
	}
	return d, os.MkdirAll(d, 0o700)
}
