//go:build unix

package file

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A FIFO without a writer is refused at once, also behind a link, and also when
// it takes the place of a file that was asked about.
func TestReadFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skipf("no FIFO here: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, link, "/dev/null"} {
		if _, err := Read(path, 10, OwnerOnly); !errors.Is(err, ErrNotRegular) {
			t.Errorf("Read(%s): %v, want %v", filepath.Base(path), err, ErrNotRegular)
		}
	}
	f, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !errors.Is(checkRegular(info), ErrNotRegular) {
		t.Errorf("an open FIFO passes, %v", err)
	}
}

func TestReadOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	path := filepath.Join(t.TempDir(), "f")
	write(t, path, "hello", 0o600)
	if err := os.Chown(path, 12345, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path, 10, OwnerOnly|Mine); !errors.Is(err, ErrOwner) {
		t.Errorf("Read of another's file: %v, want %v", err, ErrOwner)
	}
	if _, err := Read(path, 10, OwnerOnly); err != nil {
		t.Errorf("Read of another's file where that is fine: %v", err)
	}
}
