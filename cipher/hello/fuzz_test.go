package hello

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// FuzzParse checks that what is accepted is encoded the same way again.
func FuzzParse(f *testing.F) {
	for _, session := range []string{"s", "réunion", strings.Repeat("z", MaxSession)} {
		h := sample(session)
		f.Add(h.Append(nil))
	}
	f.Add([]byte("S2C\x02"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := Parse(b)
		if err != nil {
			if !printable(err.Error()) {
				t.Errorf("Parse(%x): error %q", b, err)
			}
			return
		}
		if got := h.Append(nil); !bytes.Equal(got, b) || len(b) > MaxLen {
			t.Errorf("Parse(%x) = %+v, which is encoded as %x", b, h, got)
		}
	})
}

// FuzzVerify checks that nothing is accepted but the Certs that the owners of
// the keys made. The keys and signatures are fixed, so that all fuzz workers
// have the same.
func FuzzVerify(f *testing.F) {
	keys := readKeys(f)
	type pair struct{ hello, cert []byte }
	var genuine []pair
	for _, name := range []string{"alice", "carol"} {
		k := keys[name]
		b := k.hello("session1")
		genuine = append(genuine, pair{b, k.certify(b, k.spki(f))})
	}
	for _, p := range genuine {
		f.Add(p.hello, p.cert)
	}
	f.Add(genuine[0].hello, genuine[1].cert)
	for _, name := range []string{"1024 bits", "e = 1", "e = 3"} {
		k := keys[name]
		b := k.hello("session1")
		f.Add(b, k.certify(b, k.spki(f)))
	}
	f.Fuzz(func(t *testing.T, hello, cert []byte) {
		h0, c0 := bytes.Clone(hello), bytes.Clone(cert)
		v, err := Verify(hello, cert)
		if !bytes.Equal(hello, h0) || !bytes.Equal(cert, c0) {
			t.Fatal("Verify changed its arguments")
		}
		same := func(p pair) bool { return bytes.Equal(p.hello, hello) && bytes.Equal(p.cert, cert) }
		if accepted, want := err == nil, slices.ContainsFunc(genuine, same); accepted != want {
			t.Fatalf("Verify(%x, %x): %v, want ok %v", hello, cert, err, want)
		}
		if err != nil {
			if v != (Verified{}) || !printable(err.Error()) {
				t.Errorf("Verify(%x, %x) = %+v, %q", hello, cert, v, err)
			}
			return
		}
		if v.Hash() != Sum(hello) {
			t.Errorf("Hash = %x, want %x", v.Hash(), Sum(hello))
		}
	})
}

// FuzzAllowList checks that the order of lines, lines that come twice, the kind
// of line breaks and comments do not count in a list that is accepted.
func FuzzAllowList(f *testing.F) {
	keys := readKeys(f)
	alice, bob := keys["alice"], FingerprintOf(&keys["bob"].pub).String()
	f.Add([]byte(""))
	f.Add([]byte("# comment\n" + alice.sshLine("alice") + "\n" + bob + " bob\n"))
	f.Add([]byte(`session="a,b" ` + bob + "\n" + `session="c" ` + bob + "\r\n" + `session="é" ` + alice.sshLine("")))
	f.Add([]byte(keys["e = 3"].sshLine("")))
	f.Add([]byte(keys["1024 bits"].sshLine("")))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAllowList(b)
		if err != nil {
			if a != nil || !printable(err.Error()) || len(err.Error()) > 600 {
				t.Errorf("ParseAllowList(%q) = %v, %q", b, a, err)
			}
			return
		}
		lines := slices.Collect(bytes.Lines(b))
		if a.Len() > len(lines) {
			t.Errorf("%d people on %d lines: %q", a.Len(), len(lines), b)
		}
		for fp, sessions := range a.sessions {
			for name := range sessions {
				if CheckSession(name) != nil || !a.Allows(fp, name) {
					t.Errorf("session %q in the list of %q", name, b)
				}
			}
			if got := a.Allows(fp, "a session that cannot be"); got != (sessions == nil) {
				t.Errorf("%s is let in anywhere: %v, in %q", fp, got, b)
			}
		}
		if a.Allows(Fingerprint{}, "s") && !bytes.Contains(b, []byte(Fingerprint{}.String())) {
			t.Errorf("%q lets in nobody's key", b)
		}
		slices.Reverse(lines)
		again := []byte("# again\r\n")
		for _, line := range append(lines, lines...) {
			again = append(append(again, bytes.TrimSuffix(line, []byte("\n"))...), "\r\n"...)
		}
		if len(again) > MaxAllowList {
			return
		}
		if other, err := ParseAllowList(again); err != nil || !sameList(a, other) {
			t.Errorf("%q is %v, but twice in reverse order it is %v, %v", b, a.sessions, other, err)
		}
	})
}

// FuzzParseFingerprint checks that one fingerprint has one text.
func FuzzParseFingerprint(f *testing.F) {
	f.Add(Fingerprint{}.String())
	f.Add(FingerprintOf(&readKeys(f)["alice"].pub).String())
	f.Add("SHA256:" + base64.StdEncoding.EncodeToString(make([]byte, 32)))
	f.Add("SHA256:" + strings.Repeat("A", 20) + "\n" + strings.Repeat("A", 23))
	f.Fuzz(func(t *testing.T, s string) {
		fp, err := ParseFingerprint(s)
		if err != nil {
			if fp != (Fingerprint{}) || !printable(err.Error()) || len(err.Error()) > 500 {
				t.Errorf("ParseFingerprint(%q) = %v, %q", s, fp, err)
			}
			return
		}
		if fp.String() != s {
			t.Errorf("ParseFingerprint(%q).String() = %q", s, fp)
		}
	})
}

// FuzzParseToken checks that a token has one text, but for case, hyphens and
// white space.
func FuzzParseToken(f *testing.F) {
	f.Add(Token{}.String())
	f.Add(Token([]byte("0123456789abcdef")).String())
	f.Add("GAYTE MZUGU 3DOOB ZMFRG GZDFMY\r\n")
	f.Add("gaytemzugu3doobzmfrggzdfmz")
	f.Fuzz(func(t *testing.T, s string) {
		token, err := ParseToken(s)
		if err != nil {
			if token != (Token{}) {
				t.Errorf("ParseToken(%q) = %x, %v", s, token[:], err)
			}
			return
		}
		plain := func(s string) string {
			return strings.ToLower(strings.Map(func(r rune) rune {
				if r == '-' || unicode.IsSpace(r) {
					return -1
				}
				return r
			}, s))
		}
		if got := token.String(); plain(got) != plain(s) {
			t.Errorf("ParseToken(%q).String() = %q", s, got)
		}
		if again, err := ParseToken(token.String()); err != nil || again != token {
			t.Errorf("ParseToken(%q) = %x, %v, want %x", token.String(), again[:], err, token[:])
		}
	})
}
