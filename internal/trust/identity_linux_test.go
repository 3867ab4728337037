package trust

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sanix-darker/s2c/internal/lab/person"
)

// mountTmpfs mounts a file system of some pages and returns where.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves room for some pages on a file system of 16 pages.
func fill(t *testing.T, dir string, pages int) {
	t.Helper()
	ok(t, os.WriteFile(filepath.Join(dir, "rest"), make([]byte, (16-pages)*os.Getpagesize()), 0o600))
}

// On a full disk nothing half written stays, and what is there stays whole.
func TestFullDisk(t *testing.T) {
	dir := mountTmpfs(t, "nr_blocks=16,mode=0700")
	path := filepath.Join(dir, "identity")
	fill(t, dir, 0)
	_, _, err := LoadIdentity(t.Context(), path, "", nil)
	e, isError := errors.AsType[*Error](err)
	if !isError || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(e.Hint(), "make room") ||
		err.Error() != `make identity "`+path+`": no space left on device` {
		t.Errorf("LoadIdentity: %v, want %v with a hint", err, syscall.ENOSPC)
	}
	p, err := OpenPeers(filepath.Join(dir, "known_peers"))
	ok(t, err)
	if err := p.Met(fp(1), "ann", on(1)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Met: %v, want %v", err, syscall.ENOSPC)
	}
	for _, name := range names(t, dir) {
		if name != "rest" && name != "known_peers.lock" {
			t.Errorf("%q stays on the full disk", name)
		}
	}

	// One page is enough for the identity, and not for the public key too: the
	// next start writes that.
	fill(t, dir, 1)
	id, made, err := LoadIdentity(t.Context(), path, "", nil)
	if err != nil || !made {
		t.Fatalf("LoadIdentity with one page = %v, %v", made, err)
	}
	if _, err := os.Stat(path + ".pub"); err == nil {
		t.Error("the public key found room")
	}
	if err := Protect(path, nil, nil); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Protect: %v, want %v", err, syscall.ENOSPC)
	}
	if again, err := OpenIdentity(path, nil); err != nil || again.Fingerprint() != id.Fingerprint() {
		t.Errorf("the identity on the full disk is %v, %v, want %v", again, err, id)
	}
	fill(t, dir, 8)
	if _, _, err := LoadIdentity(t.Context(), path, "", nil); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(path + ".pub"); err != nil || string(b) != id.PublicLine("")+"\n" {
		t.Errorf("the public key is %q, %v", b, err)
	}

	// Of people, too, what was there stays.
	ok(t, p.Met(fp(1), "ann", on(1)))
	before, err := os.ReadFile(p.path)
	ok(t, err)
	fill(t, dir, 3) // the identity, the public key, the people
	if err := p.Met(fp(2), "bob", on(1)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Met: %v, want %v", err, syscall.ENOSPC)
	}
	holds(t, p, string(before))
}

func TestReadOnlyFileSystem(t *testing.T) {
	dir := mountTmpfs(t, "mode=0700")
	good := filepath.Join(dir, "good")
	store(t, good)
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skipf("a file system cannot be made read-only here: %v", err)
	}
	readOnly(t, dir, good, "read-only file system")
	if id, err := OpenIdentity(good, nil); err != nil || id.Fingerprint() != person.Identity(t, 0).Fingerprint() {
		t.Errorf("OpenIdentity = %v, %v", id, err)
	}
}
