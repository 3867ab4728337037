package ctl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// suffix is how the name of a socket ends.
const suffix = ".sock"

// sameNumber is how many calls of one number may share a folder, as processes in
// containers do.
const sameNumber = 8

// listTime bounds how long a call may take to tell how it stands.
const listTime = time.Second

// freshTime is how long a socket may be there before anybody listens.
const freshTime = 2 * time.Second

// Dir returns the folder of the sockets: s2c in runtime, the folder that the
// system makes for what runs, or one with the person's number in temp.
func Dir(runtime, temp string) string {
	if filepath.IsAbs(runtime) {
		return filepath.Join(runtime, "s2c")
	}
	return filepath.Join(temp, "s2c-"+owner())
}

// Listen opens a socket for the call of the process pid in dir, which it makes.
// Closing the listener removes the socket.
func Listen(ctx context.Context, dir string, pid int) (net.Listener, error) {
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	_, _ = sockets(ctx, dir) // removes those that nobody listens to any more
	var err error
	for i := range sameNumber {
		name := strconv.Itoa(pid)
		if i > 0 {
			name += "-" + strconv.Itoa(i)
		}
		path := filepath.Join(dir, name+suffix)
		var ln net.Listener
		if ln, err = new(net.ListenConfig).Listen(ctx, "unix", path); err != nil {
			continue
		}
		if err := os.Chmod(path, 0o600); err != nil {
			ln.Close()
			return nil, err
		}
		return ln, nil
	}
	return nil, err
}

// makeDir makes a folder that only the person may enter, or makes sure that it
// is one.
func makeDir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return checkDir(dir)
}

// checkDir returns an error for a folder that others may enter or have made, as
// anybody may in a temporary folder.
func checkDir(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%q is no folder", dir)
	}
	return checkOwner(dir, info)
}

// A Found is a call that was found.
type Found struct {
	Path   string // of its socket
	Status Status
}

// List returns the calls that have a socket in dir, those of a smaller PID
// first, and how many there are besides that do not answer, as a stopped process.
func List(ctx context.Context, dir string) (found []Found, silent int, err error) {
	paths, err := sockets(ctx, dir)
	if err != nil {
		return nil, 0, err
	}
	all := make([]Found, len(paths))
	var wg sync.WaitGroup
	for i, path := range paths {
		wg.Go(func() {
			if s, err := statusAt(ctx, path); err == nil {
				all[i] = Found{path, s}
			}
		})
	}
	wg.Wait()
	for _, f := range all {
		if f.Path != "" {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b Found) int { return a.Status.PID - b.Status.PID })
	return found, len(all) - len(found), nil
}

func statusAt(ctx context.Context, path string) (Status, error) {
	c, err := Dial(ctx, path)
	if err != nil {
		return Status{}, err
	}
	defer c.Close()
	c.wait = listTime
	return c.Status()
}

// sockets returns the paths of the sockets in dir that somebody listens to, and
// removes the others. There is none in a folder that is not there.
func sockets(ctx context.Context, dir string) (paths []string, err error) {
	if err := checkDir(dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		conn, err := dial(ctx, path)
		if err == nil {
			conn.Close()
			paths = append(paths, path)
			continue
		}
		// A busy one times out; one that was just made is not yet listened to.
		if info, err2 := e.Info(); err2 == nil && isRefused(err) && time.Since(info.ModTime()) > freshTime {
			_ = os.Remove(path) // somebody else may have been quicker
		}
	}
	return paths, nil
}
