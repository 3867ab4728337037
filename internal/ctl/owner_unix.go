//go:build unix

package ctl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// owner returns what tells the persons of this machine apart.
func owner() string { return strconv.Itoa(os.Getuid()) }

// checkOwner returns an error for a folder that is not this person's alone.
func checkOwner(dir string, info fs.FileInfo) error {
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Getuid() {
		return fmt.Errorf("folder %q belongs to somebody else", dir)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("folder %q: others may enter it (mode %04o, want 0700)", dir, mode)
	}
	return nil
}

// isRefused reports whether nobody listens to a socket that is there.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
