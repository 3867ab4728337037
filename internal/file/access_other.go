//go:build !unix && !windows

package file

import (
	"io/fs"
	"os"
)

// open opens a file for reading.
func open(path string) (*os.File, error) { return os.Open(path) }

// rename gives a file another name, in place of the one that has it.
func rename(from, to string) error { return os.Rename(from, to) }

// remove removes a file, or leaves it where it cannot.
func remove(path string) { _ = os.Remove(path) }

// checkAccess cannot tell who has access.
func checkAccess(fs.FileInfo, Check) error { return nil }
