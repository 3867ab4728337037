//go:build !unix

package ctl

import (
	"io/fs"
	"net"
)

// owner returns nothing: temporary folders are each person's own here.
func owner() string { return "calls" }

// checkOwner returns nil: the folder is in one that is the person's own.
func checkOwner(string, fs.FileInfo) error { return nil }

// isRefused reports whether nobody listens to a socket: all that can fail here
// besides a call that takes its time.
func isRefused(err error) bool {
	n, ok := err.(net.Error) //nolint:errorlint // a dialer returns it as it is
	return ok && !n.Timeout()
}
