package trust

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/file"
	"github.com/sanix-darker/s2c/internal/lab/person"
)

// The test binary is every process of these tests; the variable has its role.
const role = "TRUST_TEST_ROLE"

// TestMain does what a process was started for, or runs the tests.
func TestMain(m *testing.M) {
	args := strings.Split(os.Getenv(role), "\n")
	if len(args) == 1 {
		os.Exit(m.Run())
	}
	if err := process(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process starts for the first time, or meets twenty people.
func process(args []string) error {
	switch args[0] {
	case "load":
		id, made, err := LoadIdentity(context.Background(), args[1], "ann", nil)
		if err == nil {
			fmt.Println(id.Fingerprint(), made)
		}
		return err
	case "meet":
		p, err := OpenPeers(args[1])
		for i := 0; i < 20 && err == nil; i++ {
			err = p.Met(person0(args[2], i).Fingerprint, args[2]+fmt.Sprint(i), on(1))
		}
		return err
	}
	return fmt.Errorf("no role %q", args)
}

// person0 returns the person that a process meets as number i.
func person0(process string, i int) Person {
	who := Person{Name: process + fmt.Sprint(i)}
	copy(who.Fingerprint[:], who.Name)
	return who
}

// run runs a process with that role and returns what it prints.
func run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+strings.Join(args, "\n"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("process %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// storeLocked writes the key that has "correct horse" as its passphrase, in the
// old form of OpenSSH: to try one takes no time. It returns its fingerprint.
func storeLocked(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "cipher", "identity", "testdata", "pem_locked"))
	ok(t, err)
	ok(t, os.WriteFile(path, b, 0o600))
	id, err := identity.Parse(b, []byte("correct horse"))
	ok(t, err)
	return id.Fingerprint().String()
}

// names returns the names in a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	ok(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestLoadIdentity(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config", "s2c")
	path := filepath.Join(dir, "identity")
	first, made, err := LoadIdentity(t.Context(), path, "ann b\n", nil)
	if err != nil || !made {
		t.Fatalf("LoadIdentity = %v, %v, %v, want a new one", first, made, err)
	}
	again, made, err := LoadIdentity(t.Context(), path, "eve", nil)
	if err != nil || made || again.Fingerprint() != first.Fingerprint() {
		t.Errorf("LoadIdentity = %v, %v, %v, then %v", first, made, err, again)
	}
	if b, err := os.ReadFile(path + ".pub"); err != nil || string(b) != first.PublicLine("ann b")+"\n" {
		t.Errorf("the public key is %q, %v, want %q", b, err, first.PublicLine("ann b"))
	}
	if got := names(t, dir); !slices.Equal(got, []string{"identity", "identity.pub"}) {
		t.Errorf("the directory has %q", got)
	}
	if info, err := os.Stat(path); err != nil || !onWindows && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 600", info.Mode(), err)
	}
	opened, err := OpenIdentity(path, nil)
	if err != nil || opened.Fingerprint() != first.Fingerprint() {
		t.Errorf("OpenIdentity = %v, %v, want %v", opened, err, first)
	}
	// A public key that is missing comes back; one that is there stays.
	ok(t, os.Remove(path+".pub"))
	if _, _, err := LoadIdentity(t.Context(), path, "eve", nil); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path + ".pub"); err != nil || string(b) != first.PublicLine("eve")+"\n" {
		t.Errorf("the public key is %q, %v, want %q", b, err, first.PublicLine("eve"))
	}
}

func TestLoadIdentityCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if _, _, err := LoadIdentity(ctx, filepath.Join(dir, "identity"), "", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("LoadIdentity: %v, want %v", err, context.Canceled)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("the directory has %q", got)
	}
}

// Many first starts at once end with one identity, in one process and in many.
func TestLoadIdentityTogether(t *testing.T) {
	ways := map[string]func(path string) string{
		"goroutines": func(path string) string {
			id, made, err := LoadIdentity(t.Context(), path, "ann", nil)
			if err != nil {
				t.Error(err)
				return ""
			}
			return fmt.Sprint(id.Fingerprint(), " ", made)
		},
		"processes": func(path string) string { return run(t, "load", path) },
	}
	for name, load := range ways {
		if testing.Short() && name == "processes" {
			continue // which the race detector cannot look into
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "identity")
		var wg sync.WaitGroup
		var got [8]string
		for i := range got {
			wg.Go(func() { got[i] = load(path) })
		}
		wg.Wait()
		id, err := OpenIdentity(path, nil)
		ok(t, err)
		made := 0
		for _, s := range got {
			fp, how, _ := strings.Cut(s, " ")
			if fp != id.Fingerprint().String() {
				t.Errorf("%s: one has %q, the file %v", name, s, id)
			}
			if how == "true" {
				made++
			}
		}
		if made != 1 {
			t.Errorf("%s: %d made the identity, want 1", name, made)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"identity", "identity.pub"}) {
			t.Errorf("%s: the directory has %q", name, got)
		}
		if b, err := os.ReadFile(path + ".pub"); err != nil || string(b) != id.PublicLine("ann")+"\n" {
			t.Errorf("%s: the public key is %q, %v", name, b, err)
		}
	}
}

// Processes that meet people at the same time lose nobody.
func TestPeersProcesses(t *testing.T) {
	p := open(t, "# people\n")
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		wg.Go(func() { run(t, "meet", p.path, name) })
	}
	wg.Wait()
	list, err := p.List()
	ok(t, err)
	if len(list) != 60 {
		t.Errorf("List has %d people, want 60: %+v", len(list), list)
	}
	for i := range 20 {
		if mark, who := p.Check(person0("b", i).Fingerprint, ""); mark != Seen || who.Name != fmt.Sprint("b", i) {
			t.Errorf("person %d of process b is %v, %+v, want seen", i, mark, who)
		}
	}
}

// What is no good identity file is refused, with a hint, and stays as it is.
func TestIdentityRefused(t *testing.T) {
	good := person.PEM(t, 0)
	write := func(b []byte, mode os.FileMode) func(string) error {
		return func(path string) error {
			return errors.Join(os.WriteFile(path, b, 0o600), os.Chmod(path, mode))
		}
	}
	ed25519, err := os.ReadFile(filepath.Join("..", "..", "cipher", "identity", "testdata", "ed25519"))
	ok(t, err)
	tests := []struct {
		name     string
		err      error // wrapped
		want     string
		hint     string // of LoadIdentity
		unixOnly bool
		prepare  func(path string) error
	}{
		{"mode 0644", nil, "others may read or write it (mode 0644, want 0600)", "chmod 600 /", true, write(good, 0o644)},
		{"mode 0660", nil, "mode 0660", "chmod 600 /", true, write(good, 0o660)},
		{"mode 0640", nil, "mode 0640", "chmod 600 /", true, write(good, 0o640)},
		{"mode 0604", nil, "mode 0604", "chmod 600 /", true, write(good, 0o604)},
		{"directory", file.ErrNotRegular, "but a directory", "makes a new one", false, func(path string) error { return os.Mkdir(path, 0o700) }},
		{"empty", identity.ErrDamaged, "the file is empty", "makes a new one", false, write(nil, 0o600)},
		{"half", identity.ErrDamaged, "damaged", "makes a new one", false, write(good[:len(good)/2], 0o600)},
		{"zeros", identity.ErrDamaged, "damaged", "makes a new one", false, write(make([]byte, len(good)), 0o600)},
		{"huge", identity.ErrDamaged, "too big", "makes a new one", false, write(bytes.Repeat([]byte("x"), identity.MaxFile+1), 0o600)},
		{"public key", identity.ErrPublic, "a public key", "without .pub", false, write([]byte("ssh-rsa AAAA ann\n"), 0o600)},
		{"other kind of key", identity.ErrUnfit, "must be RSA", "makes a new one", false, write(ed25519, 0o600)},
		{"link to nowhere", errDangling, "symbolic link", "bring back", true, func(path string) error { return os.Symlink(path+".none", path) }},
		{"link to itself", nil, "symbolic links", "", true, func(path string) error { return os.Symlink(path, path) }},
		{"link to an open file", nil, "mode 0644", "chmod 600 /", true, func(path string) error {
			return errors.Join(write(good, 0o644)(path+".real"), os.Symlink(path+".real", path))
		}},
		{"below a file", nil, "not a directory", "", true, func(path string) error {
			return errors.Join(os.Remove(filepath.Dir(path)), write(nil, 0o600)(filepath.Dir(path)))
		}},
	}
	for _, test := range tests {
		if test.unixOnly && onWindows {
			continue
		}
		path := filepath.Join(t.TempDir(), "dir", "identity")
		ok(t, os.Mkdir(filepath.Dir(path), 0o700))
		ok(t, test.prepare(path))
		before, _ := os.ReadFile(path)
		_, _, loadErr := LoadIdentity(t.Context(), path, "ann", nil)
		_, openErr := OpenIdentity(path, nil)
		protectErr := Protect(path, nil, []byte("x"))
		for i, err := range []error{loadErr, openErr, protectErr} {
			e, isError := errors.AsType[*Error](err)
			if !isError || test.err != nil && !errors.Is(err, test.err) || !strings.Contains(err.Error(), test.want) ||
				strings.Count(err.Error(), path) != 1 {
				t.Errorf("%s: function %d: %v, want an *Error with %q and the path once", test.name, i, err, test.want)
				continue
			}
			if i == 0 && (!strings.Contains(e.Hint(), test.hint) || e.Hint() == "" && test.hint != "") {
				t.Errorf("%s: the hint is %q, want %q", test.name, e.Hint(), test.hint)
			}
			if i == 1 && strings.Contains(e.Hint(), "makes a new one") {
				t.Errorf("%s: the hint for a key that was chosen is %q", test.name, e.Hint())
			}
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(after, before) {
			t.Errorf("%s: the file was changed", test.name)
		}
	}
}

func TestNoIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	for _, err := range []error{func() error { _, err := OpenIdentity(path, nil); return err }(), Protect(path, nil, nil)} {
		if e, isError := errors.AsType[*Error](err); !isError || !errors.Is(err, ErrNoIdentity) || e.Hint() == "" {
			t.Errorf("%v, want %v with a hint", err, ErrNoIdentity)
		}
	}
	if got := names(t, filepath.Dir(path)); len(got) != 0 {
		t.Errorf("the directory has %q", got)
	}
}

// A symbolic link to a good file is followed, and stays.
func TestIdentityLink(t *testing.T) {
	if onWindows {
		t.Skip("symbolic links need rights there")
	}
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "identity")
	want := storeLocked(t, real)
	ok(t, os.Symlink("real", link))
	ask, _ := answers(t, link, "correct horse", "correct horse")
	if id, made, err := LoadIdentity(t.Context(), link, "", ask); err != nil || made || id.Fingerprint().String() != want {
		t.Errorf("LoadIdentity through a link = %v, %v, %v", id, made, err)
	}
	ok(t, Protect(link, ask, nil))
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is %v, %v now", info.Mode(), err)
	}
	if _, err := OpenIdentity(real, nil); err != nil {
		t.Errorf("the file behind the link: %v", err)
	}
}

// answers returns an Ask that gives these, each once, and the list of what it
// gave.
func answers(t *testing.T, path string, list ...string) (ask Ask, given *[][]byte) {
	given = new([][]byte)
	return func(p string) ([]byte, error) {
		if p != path {
			t.Errorf("asked for %q, want %q", p, path)
		}
		if len(*given) == len(list) {
			return nil, context.Canceled
		}
		answer := []byte(list[len(*given)])
		*given = append(*given, answer)
		return answer, nil
	}, given
}

func TestAsk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	want := storeLocked(t, path)
	tests := []struct {
		answers []string
		asked   int
		want    error
	}{
		{[]string{"correct horse", "x"}, 1, nil},
		{[]string{"wrong", "", "correct horse"}, 3, nil},
		{[]string{"a", "b", "c", "correct horse"}, 3, identity.ErrPassphrase},
		{[]string{"wrong"}, 1, context.Canceled},
		{nil, 0, context.Canceled},
	}
	for _, test := range tests {
		ask, given := answers(t, path, test.answers...)
		id, err := OpenIdentity(path, ask)
		if !errors.Is(err, test.want) || len(*given) != test.asked {
			t.Errorf("answers %q: %v, asked %d times, want %v, %d", test.answers, err, len(*given), test.want, test.asked)
		}
		if err == nil && id.Fingerprint().String() != want {
			t.Errorf("answers %q: %v", test.answers, id)
		}
		for _, b := range *given {
			if len(bytes.Trim(b, "\x00")) != 0 {
				t.Errorf("the passphrase %q stays in memory", b)
			}
		}
	}
	_, _, err := LoadIdentity(t.Context(), path, "", nil)
	if e, isError := errors.AsType[*Error](err); !isError || !errors.Is(err, identity.ErrLocked) || e.Hint() == "" {
		t.Errorf("nobody to ask: %v, want %v with a hint", err, identity.ErrLocked)
	}
}

func TestProtect(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "identity")
	want := storeLocked(t, path)
	before, err := os.ReadFile(path)
	ok(t, err)
	ask, _ := answers(t, path, "wrong", "wrong", "wrong")
	if err := Protect(path, ask, nil); !errors.Is(err, identity.ErrPassphrase) {
		t.Errorf("Protect with a wrong passphrase: %v, want %v", err, identity.ErrPassphrase)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed, %v", err)
	}
	old := "correct horse"
	for _, next := range []string{"", "new", ""} {
		ask, given := answers(t, path, old)
		if err := Protect(path, ask, []byte(next)); err != nil {
			t.Fatalf("from %q to %q: %v", old, next, err)
		}
		if asked := len(*given) > 0; asked != (old != "") {
			t.Errorf("from %q to %q: asked %v", old, next, asked)
		}
		_, err := OpenIdentity(path, nil)
		if locked := errors.Is(err, identity.ErrLocked); locked != (next != "") {
			t.Errorf("from %q to %q: %v without a passphrase", old, next, err)
		}
		old = next
	}
	if id, err := OpenIdentity(path, nil); err != nil || id.Fingerprint().String() != want {
		t.Errorf("after all: %v, %v, want %s", id, err, want)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("the directory has %q", got)
	}
}

// A key of ssh-keygen is used where it is, and Protect writes one that
// ssh-keygen reads.
func TestIdentityOfOpenSSH(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("no ssh-keygen here")
	}
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	path := filepath.Join(t.TempDir(), "id_rsa")
	if out, err := exec.CommandContext(t.Context(), keygen, "-q", "-t", "rsa", "-b", "2048", "-N", "secret", "-f", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ask, _ := answers(t, path, "secret")
	id, err := OpenIdentity(path, ask)
	ok(t, err)
	ask, _ = answers(t, path, "secret")
	ok(t, Protect(path, ask, []byte("other")))
	out, err := exec.CommandContext(t.Context(), keygen, "-y", "-P", "other", "-f", path).CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), id.PublicLine("")) {
		t.Errorf("ssh-keygen -y says %s, %v, want %s", out, err, id.PublicLine(""))
	}
}

func TestHint(t *testing.T) {
	tests := []struct {
		e    Error
		want string
	}{
		{Error{opOpen, "/h/id_rsa.pub", &file.SharedError{Mode: 0o644}}, "name the private key: the same path without .pub"},
		{Error{opOpen, "/h/it's mine", &file.SharedError{Mode: 0o644}}, `keep it to yourself: chmod 600 '/h/it'\''s mine'`},
		{Error{opLoad, "/h/i", file.ErrOwner}, `run s2c as the user who owns it, or make it yours: sudo chown "$(id -un)" /h/i`},
		{Error{opMake, "/h/i", fmt.Errorf("x: %w", fs.ErrPermission)}, "make its folder writable, or use a key of yours with -i"},
		{Error{opOpen, "/h/i", fs.ErrPermission}, "see who may read and write it and its folder: ls -ld /h/i"},
		{Error{opOpen, "/h/i", identity.ErrEncryption}, "write it anew with a passphrase that s2c can undo: ssh-keygen -p -a 16 -Z aes256-ctr -f /h/i"},
		{Error{"change known people", "/h/k", file.ErrTooBig}, "remove lines that you do not need from it"},
		{Error{"change known people", "/h/k", file.ErrLocked}, "see which s2c hangs, and end it"},
		{Error{opOpen, "/h/i", errors.New("something")}, ""},
		{Error{"read known people", "/h/i", errors.New("something")}, ""},
	}
	for _, test := range tests {
		if got := test.e.Hint(); got != test.want {
			t.Errorf("the hint for %v is %q, want %q", &test.e, got, test.want)
		}
	}
}
