package identity_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sanix-darker/s2c/cipher/hello"
	"github.com/sanix-darker/s2c/cipher/identity"
	"github.com/sanix-darker/s2c/internal/lab/person"
)

// private returns the numbers behind an identity.
func private(t testing.TB, id *identity.Identity) *rsa.PrivateKey {
	t.Helper()
	text, err := id.Marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		t.Fatalf("Marshal(nil) = %q, want PKCS #8", text)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

func TestGenerate(t *testing.T) {
	id, err := identity.Generate()
	if err != nil {
		t.Fatal(err)
	}
	key := private(t, id)
	if key.N.BitLen() != 3072 || key.E != 65537 || len(key.Primes) != 2 {
		t.Errorf("Generate made RSA of %d bits, exponent %d, %d primes, want 3072, 65537, 2", key.N.BitLen(), key.E, len(key.Primes))
	}
	if err := key.Validate(); err != nil {
		t.Error(err)
	}
	if id.Fingerprint() != hello.FingerprintOf(&key.PublicKey) {
		t.Errorf("Fingerprint = %v, want %v", id.Fingerprint(), hello.FingerprintOf(&key.PublicKey))
	}
}

func TestPublicLine(t *testing.T) {
	id := person.Identity(t, 0)
	tests := []struct{ comment, want string }{
		{"", ""},
		{"ann", " ann"},
		{"ann b@example", " ann b@example"},
		{"ann\nssh-rsa AAAA eve\r\n", " annssh-rsa AAAA eve"},
		{"\x1b[2J\u009b", " [2J"},
		{"\n", ""},
	}
	for _, test := range tests {
		key, comment, _ := strings.Cut(strings.TrimPrefix(id.PublicLine(test.comment), "ssh-rsa "), " ")
		blob, err := base64.StdEncoding.DecodeString(key)
		if err != nil || sha256.Sum256(blob) != id.Fingerprint() {
			t.Errorf("PublicLine(%q) has key %q, which is not that of %v", test.comment, key, id.Fingerprint())
		}
		if want := strings.TrimPrefix(test.want, " "); comment != want {
			t.Errorf("PublicLine(%q) has the comment %q, want %q", test.comment, comment, want)
		}
	}
	list, err := hello.ParseAllowList([]byte(id.PublicLine("ann") + "\n"))
	if err != nil || !list.Allows(id.Fingerprint(), "s") {
		t.Errorf("an allow list does not take PublicLine: %v", err)
	}
}

// newHello returns the bytes of a Hello of an identity.
func newHello(id *identity.Identity) []byte {
	h := hello.Hello{Fingerprint: id.Fingerprint(), Session: "session1"}
	return h.Append(nil)
}

func TestCertify(t *testing.T) {
	id, other := person.Identity(t, 0), person.Identity(t, 1)
	b := newHello(id)
	cert, err := id.Certify(hello.Sum(b))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hello.Verify(b, cert); err != nil {
		t.Errorf("the Cert is refused: %v", err)
	}
	// The salt is random, so no two are the same, and each is good.
	again, err := id.Certify(hello.Sum(b))
	if err != nil || bytes.Equal(again, cert) {
		t.Errorf("Certify twice: the same Cert, %v", err)
	}
	if _, err := hello.Verify(b, again); err != nil {
		t.Errorf("the second Cert is refused: %v", err)
	}
	foreign, err := other.Certify(hello.Sum(b))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hello.Verify(b, foreign); err == nil {
		t.Error("another identity may certify this Hello")
	}
	if _, err := hello.Verify(newHello(other), cert); err == nil {
		t.Error("the Cert is good for another Hello")
	}
	for i := range cert {
		cert[i] ^= 1
		if _, err := hello.Verify(b, cert); err == nil {
			t.Errorf("the Cert is good with byte %d changed", i)
		}
		cert[i] ^= 1
	}
}

// secrets returns every way in which a printer could show a private number.
func secrets(t *testing.T, id *identity.Identity) []string {
	key := private(t, id)
	text, err := id.Marshal(nil)
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"PRIVATE KEY", strings.Split(string(text), "\n")[5]}
	for _, n := range []fmt.Formatter{key.D, key.Primes[0], key.Primes[1]} {
		all = append(all, fmt.Sprintf("%d", n), fmt.Sprintf("%x", n), fmt.Sprintf("%X", n), fmt.Sprintf("%o", n))
	}
	// Bytes print as "1 2 3", "0x1, 0x2"; a big.Int's words as numbers.
	d := key.D.Bytes()[:8]
	words := key.D.Bits()
	w := fmt.Sprintf("%d", words[len(words)/2])
	return append(all, strings.Trim(fmt.Sprintf("%d", d), "[]"), fmt.Sprintf("%#v", d)[7:40], w, fmt.Sprintf("%x", words[len(words)/2]))
}

func TestPrintsNoSecret(t *testing.T) {
	id := person.Identity(t, 0)
	type holder struct {
		ID     *identity.Identity
		Value  identity.Identity
		hidden *identity.Identity
		inside identity.Identity
		List   []*identity.Identity
		Any    any
	}
	h := holder{ID: id, Value: *id, hidden: id, inside: *id, List: []*identity.Identity{id}, Any: *id}
	values := map[string]any{
		"pointer": id, "value": *id, "holder": h, "pointer to holder": &h,
		"map": map[string]any{"a": id, "b": *id, "c": &h}, "error": fmt.Errorf("with %v", id),
	}
	var printed strings.Builder
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%X", "%q", "%t", "%p", "%T", "%08b", "%!"} {
			fmt.Fprintf(&printed, name+" "+verb+"\n", v)
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
			slog.New(handler).Info("see", name, v, slog.Group("group", "v", v))
		}
		b, err := json.Marshal(v)
		fmt.Fprintln(&printed, string(b), err)
	}
	for i, secret := range secrets(t, id) {
		if strings.Contains(printed.String(), secret) {
			t.Errorf("secret %d is printed", i)
		}
	}
	want := "identity " + id.Fingerprint().String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if got := fmt.Sprintf(verb, id); got != want {
			t.Errorf("%s prints %q, want %q", verb, got, want)
		}
	}
	var none *identity.Identity
	if got := fmt.Sprint(none); got != "no identity" {
		t.Errorf("a nil *Identity prints %q", got)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("see", "id", none, "me", id)
	if got := log.String(); !strings.Contains(got, `id="no identity"`) || !strings.Contains(got, want) {
		t.Errorf("the log has %q", got)
	}
}

// The search of TestPrintsNoSecret finds the numbers where they are printed.
func TestSecretsAreFound(t *testing.T) {
	id := person.Identity(t, 0)
	key := private(t, id)
	all := secrets(t, id)
	for _, format := range []string{"%v", "%+v", "%x", "%d"} {
		printed := fmt.Sprintf(format, *key)
		found := 0
		for _, secret := range all {
			if strings.Contains(printed, secret) {
				found++
			}
		}
		if found == 0 {
			t.Errorf("no secret is found in a key printed with %s", format)
		}
	}
}

func BenchmarkCertify(b *testing.B) {
	id := benchIdentity(b)
	hash := hello.Sum(newHello(id))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := id.Certify(hash); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	id := benchIdentity(b)
	h := newHello(id)
	cert, err := id.Certify(hello.Sum(h))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := hello.Verify(h, cert); err != nil {
			b.Fatal(err)
		}
	}
}

// benchIdentity returns an identity of the size that Generate makes.
func benchIdentity(b *testing.B) *identity.Identity {
	id, err := identity.Parse(readFile(b, "rsa3072"), nil)
	if err != nil {
		b.Fatal(err)
	}
	return id
}

func BenchmarkGenerate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := identity.Generate(); err != nil {
			b.Fatal(err)
		}
	}
}
