//go:build !unix

package ui

// stopper is nil: this system has no way to stop a process from a key.
var stopper func() error
