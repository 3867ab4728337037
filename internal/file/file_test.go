package file

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// onWindows skips what has to do with modes, links and FIFOs there.
const onWindows = runtime.GOOS == "windows"

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// holds fails the test unless the file at path holds text.
func holds(t *testing.T, path, text string) {
	t.Helper()
	if b, err := os.ReadFile(path); err != nil || string(b) != text {
		t.Errorf("%s holds %q, %v, want %q", filepath.Base(path), b, err, text)
	}
}

// names fails the test unless dir has these names and no others.
func names(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the directory has %q, want %q", got, want)
	}
}

func TestRead(t *testing.T) {
	tests := []struct {
		text  string
		mode  os.FileMode
		limit int
		check Check
		want  string // part of the error, "" for none
	}{
		{"hello", 0o600, 5, OwnerOnly | Mine, ""},
		{"hello", 0o400, 5, OwnerOnly | Mine, ""},
		{"", 0o600, 0, OwnerOnly, ""},
		{strings.Repeat("x", 100_000), 0o600, 100_000, OwnerOnly, ""},
		{"hello", 0o600, 4, 0, "too big: 5 bytes are more than 4"},
		{"hello", 0o666, 5, 0, ""},
		{"hello", 0o644, 5, OwnerWrites | Mine, ""},
		{"hello", 0o664, 5, OwnerWrites, "others may write it (mode 0664)"},
		{"hello", 0o606, 5, OwnerWrites, "others may write it (mode 0606)"},
		{"hello", 0o644, 5, OwnerOnly, "others may read or write it (mode 0644, want 0600)"},
		{"hello", 0o660, 5, OwnerOnly, "others may read or write it (mode 0660, want 0600)"},
		{"hello", 0o640, 5, OwnerOnly, "(mode 0640"},
		{"hello", 0o604, 5, OwnerOnly, "(mode 0604"},
		{"hello", 0o620, 5, OwnerOnly, "(mode 0620"},
		{"hello", 0o601, 5, OwnerOnly, "(mode 0601"},
	}
	for _, test := range tests {
		if onWindows && strings.Contains(test.want, "mode") {
			continue
		}
		path := filepath.Join(t.TempDir(), "f")
		write(t, path, test.text, test.mode)
		b, err := Read(path, test.limit, test.check)
		if test.want == "" && (err != nil || string(b) != test.text) {
			t.Errorf("Read of %.10q, mode %o, limit %d, check %b = %.10q, %v", test.text, test.mode, test.limit, test.check, b, err)
		}
		if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("Read of %.10q, mode %o, limit %d, check %b: %v, want %q", test.text, test.mode, test.limit, test.check, err, test.want)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none"), 1, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Read of nothing: %v", err)
	}
	if _, err := Read(t.TempDir(), 1, 0); !errors.Is(err, ErrNotRegular) {
		t.Errorf("Read of a directory: %v, want %v", err, ErrNotRegular)
	}
}

// A file that grows while it is read is still too big.
func TestReadUnknownSize(t *testing.T) {
	const path = "/proc/self/status" // regular, and of size 0
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Skip("no file here that says it is empty and is not")
	}
	if b, err := Read(path, 1<<20, 0); err != nil || len(b) == 0 {
		t.Errorf("Read(%q) = %d bytes, %v", path, len(b), err)
	}
	if _, err := Read(path, 10, 0); !errors.Is(err, ErrTooBig) {
		t.Errorf("Read(%q, 10): %v, want %v", path, err, ErrTooBig)
	}
}

func TestCreate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "f")
	if made, err := Create(path, []byte("one")); !made || err != nil {
		t.Fatalf("Create = %v, %v, want true", made, err)
	}
	if made, err := Create(path, []byte("two")); made || err != nil {
		t.Errorf("Create again = %v, %v, want false", made, err)
	}
	holds(t, path, "one")
	names(t, dir, "f")
	if info, err := os.Stat(path); err != nil || !onWindows && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 600", info.Mode(), err)
	}
	if info, err := os.Stat(dir); err != nil || !onWindows && info.Mode().Perm() != 0o700 {
		t.Errorf("mode of the directory %v, %v, want 700", info.Mode(), err)
	}
	if made, err := Create(dir, []byte("two")); made || err != nil {
		t.Errorf("Create where a directory is = %v, %v, want false", made, err)
	}
	if onWindows {
		return
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	if made, err := Create(link, []byte("two")); made || err != nil {
		t.Errorf("Create where a symbolic link is = %v, %v, want false", made, err)
	}
	names(t, dir, "f", "link")
}

// Of several that make a file one wins, with links and without.
func TestCreateTogether(t *testing.T) {
	ways := map[string]func(path string, b []byte) (bool, error){
		"Create": Create,
		"renameNew": func(path string, b []byte) (bool, error) {
			temp, err := writeTemp(path, b)
			if err != nil {
				return false, err
			}
			defer os.Remove(temp)
			return renameNew(temp, path)
		},
	}
	for name, create := range ways {
		for range 10 {
			path := filepath.Join(t.TempDir(), "f")
			var wg sync.WaitGroup
			var made [8]bool
			var seen [8]string
			for i := range made {
				wg.Go(func() {
					var err error
					if made[i], err = create(path, bytes.Repeat([]byte{'a' + byte(i)}, 4000)); err != nil {
						t.Error(err)
					}
					b, err := os.ReadFile(path)
					if err != nil {
						t.Error(err)
					}
					seen[i] = string(b)
				})
			}
			wg.Wait()
			winners := 0
			for i := range made {
				if made[i] {
					winners++
				}
				if seen[i] != seen[0] || len(seen[i]) != 4000 {
					t.Errorf("%s: number %d reads %.3q..., %d bytes, number 0 %.3q...", name, i, seen[i], len(seen[i]), seen[0])
				}
			}
			if winners != 1 {
				t.Errorf("%s: %d made the file, want 1", name, winners)
			}
		}
	}
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "deep", "f")
	for _, text := range []string{"one", "", "three"} {
		if err := Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		holds(t, path, text)
	}
	write(t, path, "open", 0o644)
	if err := Replace(path, []byte("closed")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || !onWindows && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 600", info.Mode(), err)
	}
	names(t, filepath.Dir(path), "f")
	if err := Replace(dir, []byte("x")); err == nil {
		t.Error("Replace of a directory succeeds")
	}
	if err := Replace(filepath.Join(path, "under"), []byte("x")); err == nil {
		t.Error("Replace below a file succeeds")
	}
	holds(t, path, "closed")
	names(t, dir, "deep")
}

// Replace follows symbolic links, and leaves them.
func TestReplaceLinks(t *testing.T) {
	if onWindows {
		t.Skip("symbolic links need rights there")
	}
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	link := func(to, name string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		must(os.Symlink(to, path))
		return path
	}
	must(os.MkdirAll(filepath.Join(dir, "far", "away"), 0o700))
	write(t, filepath.Join(dir, "f"), "old", 0o600)
	link(filepath.Join("far", "away"), "dir")
	tests := []struct{ path, file string }{
		{link("f", "relative"), "f"},
		{link(filepath.Join(dir, "f"), "absolute"), "f"},
		{link("relative", "chain"), "f"},
		{link("new", "dangling"), "new"},
		{link("dir/other", "through"), "far/away/other"},
		{link("dir/../up", "above"), "far/up"}, // not "up": that is what ".." is there
		{filepath.Join(dir, "dir", "plain"), "far/away/plain"},
	}
	for i, test := range tests {
		text := fmt.Sprint("text ", i)
		if err := Replace(test.path, []byte(text)); err != nil {
			t.Errorf("Replace(%s): %v", filepath.Base(test.path), err)
			continue
		}
		holds(t, filepath.Join(dir, test.file), text)
		holds(t, test.path, text)
		if info, err := os.Lstat(test.path); err != nil || test.path != filepath.Join(dir, "dir", "plain") && info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("%s is %v, %v now, want a link", filepath.Base(test.path), info.Mode(), err)
		}
	}
	loop := link("loop", "loop")
	if err := Replace(loop, []byte("x")); err == nil || !strings.Contains(err.Error(), "symbolic links") {
		t.Errorf("Replace of a loop: %v", err)
	}
	lost := link("not/there", "lost")
	if err := Replace(lost, []byte("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Replace behind a link into nowhere: %v", err)
	}
}

// Readers see the old contents or the new, never a part or nothing.
func TestReplaceIsAtomic(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := Replace(path, bytes.Repeat([]byte{'a'}, 5000)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	reads := 0
	wg.Go(func() {
		for {
			b, err := Read(path, 5000, OwnerOnly|Mine)
			if err != nil || len(b) != 5000 || bytes.Count(b, b[:1]) != 5000 {
				t.Errorf("a reader sees %d bytes, %v", len(b), err)
				return
			}
			reads++
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for i := range 100 {
		if err := Replace(path, bytes.Repeat([]byte{'a' + byte(i%26)}, 5000)); err != nil {
			t.Error(err)
		}
	}
	close(done)
	wg.Wait()
	t.Logf("%d reads during 100 changes", reads)
}

func TestUpdate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dir", "f")
	add := func(s string) func([]byte) ([]byte, bool) {
		return func(b []byte) ([]byte, bool) { return append(b, s...), s != "" }
	}
	for _, s := range []string{"one ", "two ", "", "three"} {
		if err := Update(path, 13, OwnerOnly, add(s)); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, path, "one two three")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Update(path, 13, OwnerOnly, add("")); err != nil {
		t.Error(err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("a change of nothing writes the file, %v", err)
	}
	if err := Update(path, 13, OwnerOnly, add("4")); !errors.Is(err, ErrTooBig) {
		t.Errorf("Update beyond the limit: %v, want %v", err, ErrTooBig)
	}
	holds(t, path, "one two three")
	names(t, filepath.Dir(path), "f", "f.lock")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := errors.AsType[*SharedError](Update(path, 99, OwnerOnly, add("4"))); !ok && !onWindows {
		t.Error("Update changes a file that others can read")
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	unlock, err := lock(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(path, 10*time.Millisecond); !errors.Is(err, ErrLocked) {
		t.Errorf("lock twice: %v, want %v", err, ErrLocked)
	}
	other, err := lock(path+"2", 0)
	if err != nil {
		t.Errorf("the lock of another file: %v", err)
	}
	other()
	time.AfterFunc(20*time.Millisecond, unlock)
	if unlock, err = lock(path, time.Minute); err != nil {
		t.Fatalf("lock after unlock: %v", err)
	}
	unlock()
}
