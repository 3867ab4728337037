package identity_test

import (
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/lab/person"
)

// passphrase protects the files in testdata whose name ends with "_locked".
const passphrase = "correct horse"

// files has what ssh-keygen and OpenSSL made, and what Parse makes of it. The
// good ones are the key of openssh.pub in other forms, except for those that
// fingerprints.txt names.
var files = []struct {
	name       string
	passphrase string // none if it is empty
	want       error  // nil for a good file
	words      string // in the error
}{
	{name: "openssh"},
	{name: "pem"},
	{name: "pkcs8"},
	{name: "openssh", passphrase: "not needed"},
	{name: "openssh_locked", passphrase: passphrase},
	{name: "openssh_cbc", passphrase: passphrase},
	{name: "pem_locked", passphrase: passphrase},
	{name: "rsa4096"},
	{name: "rsa3072"},

	{name: "openssh_locked", want: identity.ErrLocked},
	{name: "pem_locked", want: identity.ErrLocked},
	{name: "openssh_locked", passphrase: "wrong", want: identity.ErrPassphrase},
	{name: "openssh_cbc", passphrase: "wrong", want: identity.ErrPassphrase},
	{name: "pem_locked", passphrase: "wrong", want: identity.ErrPassphrase},
	{name: "pkcs8_locked", passphrase: passphrase, want: identity.ErrEncryption, words: "encrypted PKCS #8"},
	{name: "openssh_gcm", passphrase: passphrase, want: identity.ErrEncryption, words: "aes256-gcm"},

	{name: "ed25519", want: identity.ErrUnfit, words: "must be RSA"},
	{name: "ed25519_locked", want: identity.ErrUnfit, words: `"ssh-ed25519"; it must be RSA`}, // not asking first
	{name: "ecdsa", want: identity.ErrUnfit, words: "must be RSA"},
	{name: "rsa1024", want: identity.ErrUnfit, words: "1024 bits; it must have 2048 to 4096"},
	{name: "rsa1024_locked", want: identity.ErrUnfit, words: "1024 bits"},
	{name: "rsa8192", want: identity.ErrUnfit, words: "8192 bits"},
	{name: "e3", want: identity.ErrUnfit, words: "exponent 3; it must be 65537"},
	{name: "primes3", want: identity.ErrUnfit, words: "3 primes"},
	{name: "primes3_pem", want: identity.ErrUnfit, words: "3 primes"},
	{name: "openssh.pub", want: identity.ErrPublic},
}

func readFile(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// prints returns the fingerprints that ssh-keygen -lf printed, by file.
func prints(tb testing.TB) map[string]string {
	tb.Helper()
	m := make(map[string]string)
	for line := range strings.Lines(string(readFile(tb, "fingerprints.txt"))) {
		name, print, _ := strings.Cut(strings.TrimSpace(line), " ")
		m[name] = print
	}
	return m
}

func secret(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func TestParse(t *testing.T) {
	known := prints(t)
	for _, test := range files {
		if testing.Short() && test.passphrase != "" && strings.HasPrefix(test.name, "openssh_") {
			continue // bcrypt is long, and all in one goroutine
		}
		id, err := identity.Parse(readFile(t, test.name), secret(test.passphrase))
		if test.want != nil {
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("Parse of %s with passphrase %q: %v, want %v with %q", test.name, test.passphrase, err, test.want, test.words)
			}
			continue
		}
		if err != nil {
			t.Errorf("Parse of %s with passphrase %q: %v", test.name, test.passphrase, err)
			continue
		}
		want := known[test.name]
		if want == "" {
			want = known["openssh"]
		}
		if got := id.Fingerprint().String(); got != want {
			t.Errorf("Parse of %s: fingerprint %s, want %s", test.name, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := readFile(t, "openssh")
	block, _ := pem.Decode(readFile(t, "pkcs8"))
	tests := []struct {
		name string
		b    []byte
		want error
	}{
		{"nothing", nil, identity.ErrDamaged},
		{"blanks", []byte(" \n\t"), identity.ErrDamaged},
		{"half", good[:len(good)/2], identity.ErrDamaged},
		{"all but the end", bytes.TrimSuffix(good, []byte("-----END OPENSSH PRIVATE KEY-----\n")), identity.ErrDamaged},
		{"zeros", make([]byte, 1700), identity.ErrDamaged},
		{"junk", []byte("\x1b[2Jjunk"), identity.ErrDamaged},
		{"too long", append(bytes.Clone(good), make([]byte, identity.MaxFile)...), identity.ErrDamaged},
		{"certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: block.Bytes}), identity.ErrDamaged},
		{"hostile type", pem.EncodeToMemory(&pem.Block{Type: "\x1b[2J", Bytes: block.Bytes}), identity.ErrDamaged},
		{"public key", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: block.Bytes}), identity.ErrPublic},
		{"empty OpenSSH", pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY"}), identity.ErrDamaged},
	}
	for _, test := range tests {
		if _, err := identity.Parse(test.b, nil); !errors.Is(err, test.want) {
			t.Errorf("%s: Parse: %v, want %v", test.name, err, test.want)
		}
	}
	if _, err := identity.Parse(readFile(t, "openssh_locked"), []byte{}); !errors.Is(err, identity.ErrPassphrase) {
		t.Errorf("an empty passphrase: %v, want %v", err, identity.ErrPassphrase)
	}
	// A changed byte of a key's numbers is seen.
	for i := 100; i < len(block.Bytes); i += 97 {
		b := bytes.Clone(block.Bytes)
		b[i] ^= 1
		if id, err := identity.Parse(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: b}), nil); err == nil {
			t.Errorf("byte %d of PKCS #8 changed: %v", i, id)
		}
	}
}

// The PEM form has no checksum. A wrong passphrase decrypts to noise that looks
// padded in one case of 256; it is still called a wrong passphrase.
func TestParseWrongPassphrases(t *testing.T) {
	b := readFile(t, "pem_locked")
	for i := range 3000 {
		if _, err := identity.Parse(b, fmt.Append(nil, i)); !errors.Is(err, identity.ErrPassphrase) {
			t.Fatalf("passphrase %d: %v, want %v", i, err, identity.ErrPassphrase)
		}
	}
}

// withRounds returns the file openssh_locked asking for n rounds of bcrypt.
func withRounds(tb testing.TB, n uint32) []byte {
	block, _ := pem.Decode(readFile(tb, "openssh_locked"))
	// "openssh-key-v1\0", then strings: the cipher, "bcrypt", and the options,
	// which end with the rounds.
	at := 15 + 4 + len("aes256-ctr") + 4 + len("bcrypt")
	at += 4 + int(binary.BigEndian.Uint32(block.Bytes[at:])) - 4
	if got := binary.BigEndian.Uint32(block.Bytes[at:]); got > 100 {
		tb.Fatalf("%d rounds in openssh_locked: the place is wrong", got)
	}
	binary.BigEndian.PutUint32(block.Bytes[at:], n)
	return pem.EncodeToMemory(block)
}

// A file may ask for work that takes a year; it is refused before any is done,
// and so even without a passphrase.
func TestParseBoundsWork(t *testing.T) {
	for _, n := range []uint32{1025, 2048, 2049, 1 << 20, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		for _, pass := range [][]byte{nil, []byte("x")} {
			if _, err := identity.Parse(withRounds(t, n), pass); !errors.Is(err, identity.ErrEncryption) {
				t.Errorf("%d rounds, passphrase %q: %v, want %v", n, pass, err, identity.ErrEncryption)
			}
		}
	}
	for _, n := range []uint32{1, 2} { // other rounds, other key: as a wrong passphrase
		if _, err := identity.Parse(withRounds(t, n), []byte(passphrase)); !errors.Is(err, identity.ErrPassphrase) {
			t.Errorf("%d rounds: %v, want %v", n, err, identity.ErrPassphrase)
		}
	}
	if _, err := identity.Parse(withRounds(t, 0), []byte(passphrase)); !errors.Is(err, identity.ErrEncryption) {
		t.Errorf("0 rounds: %v, want %v", err, identity.ErrEncryption)
	}
}

func TestMarshal(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	for i, passes := range [][]string{{"", "x", strings.Repeat("é", 100)}, {"", "\x00\xff"}} {
		id := person.Identity(t, i)
		for _, pass := range passes {
			text, err := id.Marshal([]byte(pass))
			if err != nil {
				t.Fatal(err)
			}
			if len(text) > identity.MaxFile {
				t.Errorf("Marshal(%q) makes %d bytes, more than Parse reads", pass, len(text))
			}
			again, err := identity.Parse(text, secret(pass))
			if err != nil || again.Fingerprint() != id.Fingerprint() {
				t.Errorf("Marshal(%q) reads back as %v, %v, want %v", pass, again, err, id)
			}
			if pass == "" {
				continue
			}
			if _, err := identity.Parse(text, nil); !errors.Is(err, identity.ErrLocked) {
				t.Errorf("Parse of Marshal(%q) without a passphrase: %v, want %v", pass, err, identity.ErrLocked)
			}
			if _, err := identity.Parse(text, []byte(pass+"x")); !errors.Is(err, identity.ErrPassphrase) {
				t.Errorf("Parse of Marshal(%q) with another passphrase: %v, want %v", pass, err, identity.ErrPassphrase)
			}
		}
	}
}

// keygen runs ssh-keygen and returns what it prints.
func keygen(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ssh-keygen", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ssh-keygen %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// ssh-keygen reads what Marshal and PublicLine write, and Parse reads what
// ssh-keygen makes of it.
func TestKeygen(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("no ssh-keygen here; TestParse reads files that it made")
	}
	if testing.Short() {
		t.Skip("long, and all in one goroutine")
	}
	id := person.Identity(t, 3)
	path := filepath.Join(t.TempDir(), "identity")
	write := func(path string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(pass string) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := identity.Parse(b, secret(pass)); err != nil || got.Fingerprint() != id.Fingerprint() {
			t.Errorf("Parse after ssh-keygen -p, passphrase %q: %v, %v, want %v", pass, got, err, id)
		}
	}
	for _, pass := range []string{"", passphrase} {
		text, err := id.Marshal([]byte(pass))
		if err != nil {
			t.Fatal(err)
		}
		write(path, text)
		// OpenSSH's form, which the encrypted one is, has room for a comment.
		if got := keygen(t, "-y", "-P", pass, "-f", path); strings.TrimSpace(got) != id.PublicLine("") {
			t.Errorf("ssh-keygen -y of Marshal(%q) = %q, want %q", pass, got, id.PublicLine(""))
		}
		keygen(t, "-p", "-P", pass, "-N", "another one", "-f", path)
		read("another one")
		keygen(t, "-p", "-P", "another one", "-N", "", "-f", path)
		read("")
	}
	write(path+".pub", []byte(id.PublicLine("ann b")+"\n"))
	if got, want := keygen(t, "-lf", path+".pub"), "2048 "+id.Fingerprint().String()+" ann b (RSA)"; got != want {
		t.Errorf("ssh-keygen -lf = %q, want %q", got, want)
	}

	fresh := filepath.Join(t.TempDir(), "id_rsa")
	keygen(t, "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", fresh)
	b, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	made, err := identity.Parse(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := keygen(t, "-lf", fresh); !strings.Contains(got, made.Fingerprint().String()) {
		t.Errorf("ssh-keygen -lf = %q, want %v", got, made.Fingerprint())
	}
}

// FuzzParse checks that what is read is written and read again as the same
// identity, and that no error has what a terminal must not see.
func FuzzParse(f *testing.F) {
	for _, test := range files {
		f.Add(readFile(f, test.name), []byte(test.passphrase))
	}
	f.Add(withRounds(f, 1<<32-1), []byte("x"))
	f.Add([]byte("-----BEGIN \x1b[2J-----\n-----END \x1b[2J-----\n"), []byte(nil))
	f.Fuzz(func(t *testing.T, b, pass []byte) {
		if len(pass) > 0 {
			// Work is bounded, but at 8 s for one input.
			if block, _ := pem.Decode(b); block != nil && bytes.Contains(block.Bytes, []byte("bcrypt")) {
				pass = nil
			}
		}
		id, err := identity.Parse(b, pass)
		if err != nil {
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return !unicode.IsGraphic(r) }) {
				t.Errorf("Parse(%q): %q", b, err)
			}
			return
		}
		text, err := id.Marshal(nil)
		if err != nil {
			t.Fatalf("Parse(%q) cannot be written: %v", b, err)
		}
		if again, err := identity.Parse(text, nil); err != nil || again.Fingerprint() != id.Fingerprint() {
			t.Errorf("Parse(%q) = %v, which reads back as %v, %v", b, id, again, err)
		}
	})
}
