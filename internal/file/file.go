// Package file reads and writes the few small files that the program keeps:
// the whole of one at once or nothing of it, even when the power fails, and
// even when several processes do so at the same time.
package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The errors of this package, besides SharedError and those of the system.
var (
	ErrNotRegular = errors.New("not a regular file")
	ErrTooBig     = errors.New("too big")
	ErrOwner      = errors.New("it belongs to another user")
	ErrLocked     = errors.New("another process is changing it")
)

// A SharedError says that users have access to a file who must not have it.
type SharedError struct {
	Mode  fs.FileMode // of the file
	Write bool        // writing is what they must not, else anything
}

// Error implements error.
func (e *SharedError) Error() string {
	if e.Write {
		return fmt.Sprintf("others may write it (mode %04o)", e.Mode.Perm())
	}
	return fmt.Sprintf("others may read or write it (mode %04o, want 0600)", e.Mode.Perm())
}

// A Check is what Read asks of a file, besides being a regular one. Windows has
// other means of access, which Read does not look at: the directories of a user
// are closed to others there.
type Check uint8

// The checks, which may be combined.
const (
	OwnerWrites Check = 1 << iota // nobody but the owner may write it
	OwnerOnly                     // nobody but the owner may read or write it
	Mine                          // the owner is this user, or root
)

// Read returns the contents of the regular file at path, or of the one that a
// symbolic link there leads to. It fails with ErrNotRegular, ErrTooBig if there
// are more than limit bytes, *SharedError, ErrOwner, or the system's error; it
// never waits for a FIFO.
func Read(path string, limit int, check Check) ([]byte, error) {
	// Opening a device may do something, and so it is not opened to ask.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := checkRegular(info); err != nil {
		return nil, err
	}
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// Another file may have the name by now.
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if err := checkRegular(info); err != nil {
		return nil, err
	}
	if err := checkAccess(info, check); err != nil {
		return nil, err
	}
	if info.Size() > int64(limit) {
		return nil, fmt.Errorf("%w: %d bytes are more than %d", ErrTooBig, info.Size(), limit)
	}
	// ReadFrom reads on until it has seen the end in MinRead free bytes.
	b := bytes.NewBuffer(make([]byte, 0, int(info.Size())+bytes.MinRead))
	if _, err := b.ReadFrom(io.LimitReader(f, int64(limit)+1)); err != nil {
		return nil, err
	}
	if b.Len() > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooBig, limit)
	}
	return b.Bytes(), nil
}

// checkRegular returns nil for a regular file.
func checkRegular(info fs.FileInfo) error {
	what := ""
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		what = "a named pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	case mode&fs.ModeDevice != 0:
		what = "a device"
	default:
		what = "something else"
	}
	return fmt.Errorf("%w but %s", ErrNotRegular, what)
}

// Create makes a file at path that holds b, readable by the owner alone, and
// the directories to it, unless there is something with that name: it never
// replaces anything, and of several processes that do so at the same time one
// makes the file. Whoever opens the file reads all of b. made is false and err
// nil where there was something.
func Create(path string, b []byte) (made bool, err error) {
	temp, err := writeTemp(path, b)
	if err != nil {
		return false, err
	}
	defer remove(temp)
	// Unlike a rename, a link fails where there is something.
	switch err = os.Link(temp, path); {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case err != nil:
		made, err = renameNew(temp, path)
	default:
		made = true
	}
	if made {
		syncDir(filepath.Dir(path))
	}
	return made, err
}

// renameNew renames temp to path unless there is something with that name. It
// is for file systems without links; there it takes the lock of path, so that
// no other renameNew is between the question and the rename.
func renameNew(temp, path string) (made bool, err error) {
	unlock, err := lock(path, patience)
	if err != nil {
		return false, err
	}
	defer unlock()
	switch _, err := os.Lstat(path); {
	case err == nil:
		return false, nil
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	}
	if err := rename(temp, path); err != nil {
		return false, err
	}
	return true, nil
}

// Replace gives the file at path new contents, readable by the owner alone, at
// once or not at all. It makes the file, and the directories to it, where there
// is none. A symbolic link is followed, even to a file that does not exist, and
// stays.
func Replace(path string, b []byte) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	temp, err := writeTemp(path, b)
	if err != nil {
		return err
	}
	if err := rename(temp, path); err != nil {
		remove(temp)
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// Update changes the file at path, which it reads and writes as Read and
// Replace do, so that no change that another process or goroutine makes with
// Update is lost. change gets what is in the file, nothing where there is none,
// and returns what shall be in it; if it returns false the file stays. Update
// fails with ErrTooBig when that has more than limit bytes, and with ErrLocked
// when it waited 10 s in vain for the others. It leaves an empty file path +
// ".lock" behind.
func Update(path string, limit int, check Check, change func(b []byte) (changed []byte, ok bool)) error {
	path, err := target(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	unlock, err := lock(path, patience)
	if err != nil {
		return err
	}
	defer unlock()
	old, err := Read(path, limit, check)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b, ok := change(old)
	switch {
	case !ok:
		return nil
	case len(b) > limit:
		return fmt.Errorf("%w: %d bytes are more than %d", ErrTooBig, len(b), limit)
	}
	return Replace(path, b)
}

// maxLinks is how many symbolic links may lead from one to the next.
const maxLinks = 40

// target returns the name of the file that a symbolic link at path leads to,
// which need not exist, or path itself.
func target(path string) (string, error) {
	for range maxLinks {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		if info.Mode().Type() != fs.ModeSymlink {
			return path, nil
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			// Not filepath.Join: ".." after a link to a directory is above
			// where the link leads to.
			dir, _ := filepath.Split(path)
			to = dir + to
		}
		dir, name := filepath.Split(to)
		if dir == "" {
			dir = "."
		}
		if dir, err = filepath.EvalSymlinks(dir); err != nil {
			return "", fmt.Errorf("symbolic link to %q: %w", to, err)
		}
		path = filepath.Join(dir, name)
	}
	return "", fmt.Errorf("more than %d symbolic links", maxLinks)
}

// writeTemp writes b to a new file, readable by the owner alone, beside path
// and returns its name. b is on the disk when it returns, and no file there is
// when it fails.
func writeTemp(path string, b []byte) (name string, err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	// CreateTemp opens with O_EXCL and mode 0600.
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// syncDir makes a new name in dir survive a power cut, where that can be done:
// some systems and file systems refuse to.
func syncDir(dir string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	_ = d.Sync()
	_ = d.Close()
}
