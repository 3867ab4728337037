package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/file"
)

// ErrNoIdentity is wrapped by the error of OpenIdentity when there is no file.
var ErrNoIdentity = errors.New("no identity file")

// errDangling says that a symbolic link leads to no file.
var errDangling = errors.New("a symbolic link to a file that does not exist")

// An Error is a fault of one of the files.
type Error struct {
	Op   string // "load identity", "open identity", "read known people", ...
	Path string // of the file
	Err  error
}

// newError returns an *Error without the name of the file, or of the temporary
// one beside it, twice.
func newError(op, path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok && strings.HasPrefix(e.Path, path) {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok && strings.HasPrefix(e.New, path) {
		err = e.Err
	}
	return &Error{Op: op, Path: path, Err: err}
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%s %q: %v", e.Op, e.Path, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns what a person can do about the fault, or "".
func (e *Error) Hint() string {
	_, shared := errors.AsType[*file.SharedError](e.Err)
	switch err := e.Err; {
	case errors.Is(err, identity.ErrPublic), shared && strings.HasSuffix(e.Path, ".pub"):
		return "name the private key: the same path without .pub"
	case shared:
		return "keep it to yourself: chmod 600 " + quote(e.Path)
	case errors.Is(err, file.ErrOwner):
		return "run s2c as the user who owns it, or make it yours: sudo chown \"$(id -un)\" " + quote(e.Path)
	case errors.Is(err, file.ErrLocked):
		return "see which s2c hangs, and end it"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "make room on the disk, and start again"
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return e.accessHint()
	}
	if e.aboutPeople() {
		return e.peopleHint()
	}
	return e.identityHint()
}

// aboutPeople reports whether the file is known_peers.
func (e *Error) aboutPeople() bool { return strings.HasSuffix(e.Op, "known people") }

// accessHint is the hint where the file or its directory cannot be read or
// written.
func (e *Error) accessHint() string {
	if e.Op == opMake {
		return "make its folder writable, or use a key of yours with -i"
	}
	return "see who may read and write it and its folder: ls -ld " + quote(e.Path)
}

// peopleHint is the hint for the other faults of known_peers.
func (e *Error) peopleHint() string {
	switch {
	case errors.Is(e.Err, file.ErrTooBig):
		return "remove lines that you do not need from it"
	case errors.Is(e.Err, file.ErrNotRegular):
		return "move it away: mv " + quote(e.Path) + " " + quote(e.Path+".old")
	}
	return ""
}

// identityHint is the hint for the other faults of an identity file.
func (e *Error) identityHint() string {
	const another = "use an RSA key, such as one from ssh-keygen -t rsa -b 3072, or leave out -i"
	switch err := e.Err; {
	case errors.Is(err, identity.ErrLocked):
		return "run s2c in a terminal, where it can ask for the passphrase"
	case errors.Is(err, identity.ErrPassphrase):
		return "try again; a passphrase that is lost cannot be found out"
	case errors.Is(err, identity.ErrEncryption):
		return "write it anew with a passphrase that s2c can undo: ssh-keygen -p -a 16 -Z aes256-ctr -f " + quote(e.Path)
	case errors.Is(err, errDangling):
		return "bring back the file that it leads to, or remove the link"
	case errors.Is(err, ErrNoIdentity):
		return "check the path, or leave out -i: s2c has an identity of its own"
	case errors.Is(err, file.ErrNotRegular), errors.Is(err, identity.ErrDamaged), errors.Is(err, identity.ErrUnfit):
		if e.Op == opOpen {
			return another
		}
		return "bring it back from a backup, or move it away (mv " + quote(e.Path) + " " + quote(e.Path+".old") +
			"): s2c then makes a new one, and others will see you as new"
	}
	return ""
}

// quote returns a path as a shell takes it.
func quote(path string) string {
	plain := func(r rune) bool {
		return r == '/' || r == '.' || r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if path != "" && strings.TrimFunc(path, plain) == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
