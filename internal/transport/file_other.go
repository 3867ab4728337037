//go:build !windows

package transport

import "io/fs"

// ownerOnly reports whether nobody but the owner may touch a file.
func ownerOnly(mode fs.FileMode) bool { return mode.Perm()&0o077 == 0 }
