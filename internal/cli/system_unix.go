//go:build !windows

package cli

import (
	"io/fs"
	"os"
)

// openTerminal opens the terminal of this process, even when its standard
// input and output are something else.
func openTerminal() (*terminal, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &terminal{in: tty, out: tty}, nil
}

// othersRead reports whether other people on this machine may read a file. It
// does not ask that of a pipe, which is gone as soon as it has been read.
func othersRead(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0
}
