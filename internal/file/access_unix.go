//go:build unix

package file

import (
	"io/fs"
	"os"
	"syscall"
)

// open opens a file for reading. It does not wait for a writer if it is a FIFO
// after all.
func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// rename gives a file another name, in place of the one that has it.
func rename(from, to string) error { return os.Rename(from, to) }

// remove removes a file, or leaves it where it cannot.
func remove(path string) { _ = os.Remove(path) }

// checkAccess returns nil when nobody has access to a file who must not.
func checkAccess(info fs.FileInfo, check Check) error {
	mode := info.Mode()
	switch {
	case check&OwnerOnly != 0 && mode.Perm()&0o077 != 0:
		return &SharedError{Mode: mode}
	case check&OwnerWrites != 0 && mode.Perm()&0o022 != 0:
		return &SharedError{Mode: mode, Write: true}
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && check&Mine != 0 && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return ErrOwner
	}
	return nil
}
