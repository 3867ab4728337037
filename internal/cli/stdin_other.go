//go:build !unix

package cli

import (
	"io"
	"os"
)

// interruptible reports that reading from a file cannot be interrupted here.
func interruptible(*os.File) (r io.ReadCloser, stop func(), ok bool) { return nil, nil, false }
