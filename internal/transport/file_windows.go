package transport

import "io/fs"

// ownerOnly cannot tell: the mode of a file says nothing about its access
// list, and a user's own directories are closed to others.
func ownerOnly(fs.FileMode) bool { return true }
