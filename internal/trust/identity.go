package trust

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/file"
)

// What an Error was about, as far as its hint depends on it.
const (
	opMake = "make identity"
	opLoad = "load identity"
	opOpen = "open identity"
)

// identityAccess is what an identity file must be like, as ssh asks it.
const identityAccess = file.OwnerOnly | file.Mine

// maxAsks is how often a passphrase is asked for.
const maxAsks = 3

// Ask asks the person for the passphrase of a key file. What it returns is
// cleared after use. It is called up to three times, as long as the passphrase
// is wrong; its error ends that and is wrapped.
type Ask func(path string) ([]byte, error)

// LoadIdentity returns the identity in the file at path. When there is none it
// makes one and stores it; made is true then. Of several processes that do so
// at the same time, all get the same identity. It never replaces a file, and
// leaves nothing half written.
//
// The public key is in path + ".pub" under the comment. That is for the person
// alone: where it is missing LoadIdentity writes it, and where it cannot, it
// tries again the next time.
//
// Making a key takes some tenths of a second, during which ctx is not looked at.
// Apart from ctx's own errors the error is an *Error, for the same reasons as
// that of OpenIdentity.
func LoadIdentity(ctx context.Context, path, comment string, ask Ask) (id *identity.Identity, made bool, err error) {
	id, err = readIdentity(opLoad, path, ask)
	if errors.Is(err, ErrNoIdentity) {
		id, made, err = makeIdentity(ctx, path)
		if err == nil && !made { // another process was faster
			id, err = readIdentity(opLoad, path, ask)
		}
	}
	if err != nil {
		return nil, false, err
	}
	if _, err := os.Lstat(path + ".pub"); errors.Is(err, fs.ErrNotExist) {
		_, _ = file.Create(path+".pub", []byte(id.PublicLine(comment)+"\n"))
	}
	return id, made, nil
}

// makeIdentity makes an identity and the file at path. made is false, and id
// nil, when another process has made the file.
func makeIdentity(ctx context.Context, path string) (id *identity.Identity, made bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if id, err = identity.Generate(); err != nil {
		return nil, false, err
	}
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	text, err := id.Marshal(nil)
	if err != nil {
		return nil, false, err
	}
	defer clear(text)
	made, err = file.Create(path, text)
	if err != nil {
		return nil, false, newError(opMake, path, err)
	}
	if !made {
		return nil, false, nil
	}
	return id, true, nil
}

// OpenIdentity returns the identity in the file at path, which may be a private
// key of OpenSSH. It refuses a file that others can read, that belongs to
// another user or is not a regular one; it follows symbolic links. ask may be
// nil: a key with a passphrase is an error then. The error is an *Error, which
// wraps ErrNoIdentity, an error of identity.Parse, of package file or of ask, or
// the system's.
func OpenIdentity(path string, ask Ask) (*identity.Identity, error) {
	return readIdentity(opOpen, path, ask)
}

// Protect writes the identity file at path anew, encrypted with a passphrase,
// or without one when it is empty. Until that is done the file is as it was.
// The error is an *Error.
func Protect(path string, ask Ask, passphrase []byte) error {
	id, err := readIdentity(opLoad, path, ask)
	if err != nil {
		return err
	}
	text, err := id.Marshal(passphrase)
	if err != nil {
		return newError("protect identity", path, err)
	}
	defer clear(text)
	// The old form is gone after this: the new one must be good.
	if _, err := identity.Parse(text, passphrase); err != nil {
		return newError("protect identity", path, fmt.Errorf("read back the new form: %w", err))
	}
	if err := file.Replace(path, text); err != nil {
		return newError("protect identity", path, err)
	}
	return nil
}

// readIdentity returns the identity in the file at path.
func readIdentity(op, path string, ask Ask) (*identity.Identity, error) {
	text, err := file.Read(path, identity.MaxFile, identityAccess)
	if err != nil {
		return nil, newError(op, path, readFault(path, err))
	}
	defer clear(text)
	id, err := identity.Parse(text, nil)
	if !errors.Is(err, identity.ErrLocked) || ask == nil {
		if err != nil {
			return nil, newError(op, path, err)
		}
		return id, nil
	}
	for range maxAsks {
		if id, err = askAndParse(path, text, ask); !errors.Is(err, identity.ErrPassphrase) {
			break
		}
	}
	if err != nil {
		return nil, newError(op, path, err)
	}
	return id, nil
}

// readFault returns what it means for an identity that its file could not be
// read because of err.
func readFault(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// A file that is there now was made by another process meanwhile.
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return errDangling // making a key there would surprise the person
		}
		return ErrNoIdentity
	case errors.Is(err, file.ErrTooBig):
		return fmt.Errorf("%w: %w", identity.ErrDamaged, err)
	}
	return err
}

// askAndParse asks for the passphrase of a file once.
func askAndParse(path string, text []byte, ask Ask) (*identity.Identity, error) {
	passphrase, err := ask(path)
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	return identity.Parse(text, passphrase)
}
