//go:build unix

package trust

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sanix-darker/s2c/internal/file"
	"github.com/sanix-darker/s2c/internal/lab/person"
)

// store writes identity number 0 for tests.
func store(t *testing.T, path string) {
	t.Helper()
	ok(t, os.WriteFile(path, person.PEM(t, 0), 0o600))
}

// A FIFO is refused, and nobody waits for a writer.
func TestIdentityFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no FIFO here: %v", err)
	}
	_, _, err := LoadIdentity(t.Context(), path, "", nil)
	if !errors.Is(err, file.ErrNotRegular) || !strings.Contains(err.Error(), "a named pipe") {
		t.Errorf("LoadIdentity of a FIFO: %v, want %v", err, file.ErrNotRegular)
	}
}

// A file of another user is refused, even by root.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	path := filepath.Join(t.TempDir(), "identity")
	store(t, path)
	ok(t, os.Chown(path, 12345, -1))
	_, err := OpenIdentity(path, nil)
	if e, isError := errors.AsType[*Error](err); !isError || !errors.Is(err, file.ErrOwner) || !strings.Contains(e.Hint(), "chown") {
		t.Errorf("OpenIdentity of another's file: %v, want %v with a hint", err, file.ErrOwner)
	}
	if _, err := OpenPeers(path); !errors.Is(err, file.ErrOwner) {
		t.Errorf("OpenPeers of another's file: %v, want %v", err, file.ErrOwner)
	}
}

// In a directory that cannot be written nothing is made, and what is there is
// used.
func TestReadOnlyHome(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root writes everywhere; see TestReadOnlyFileSystem")
	}
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	store(t, good)
	ok(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	readOnly(t, dir, good, "permission denied")
}

// readOnly checks what happens in a directory that cannot be written and has a
// good identity file.
func readOnly(t *testing.T, dir, good, want string) {
	t.Helper()
	before := len(names(t, dir))
	for _, path := range []string{filepath.Join(dir, "identity"), filepath.Join(dir, "config", "s2c", "identity")} {
		_, _, err := LoadIdentity(t.Context(), path, "", nil)
		if e, isError := errors.AsType[*Error](err); !isError || !strings.Contains(err.Error(), want) ||
			!strings.Contains(e.Hint(), "make its folder writable") {
			t.Errorf("LoadIdentity: %v, want %q with a hint", err, want)
		}
	}
	if _, made, err := LoadIdentity(t.Context(), good, "", nil); made || err != nil {
		t.Errorf("LoadIdentity of what is there: %v, %v", made, err)
	}
	if err := Protect(good, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Protect: %v, want %q", err, want)
	}
	p, err := OpenPeers(filepath.Join(dir, "known_peers"))
	ok(t, err)
	if err := p.Met(fp(1), "ann", on(1)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Met: %v, want %q", err, want)
	}
	if after := len(names(t, dir)); after != before {
		t.Errorf("the directory has %q, want %d names", names(t, dir), before)
	}
}
