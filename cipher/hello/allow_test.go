package hello

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func TestAllowList(t *testing.T) {
	keys := readKeys(t)
	var (
		alice, bob, carol = keys["alice"], keys["bob"], keys["carol"]

		aliceFP, bobFP, carolFP = FingerprintOf(&alice.pub), FingerprintOf(&bob.pub), FingerprintOf(&carol.pub)
	)
	type entry struct {
		fp      Fingerprint
		session string
	}
	tests := []struct {
		name string
		file string
		size int
		in   []entry
		out  []entry
	}{
		{
			name: "empty",
			out:  []entry{{aliceFP, "s"}, {Fingerprint{}, ""}},
		}, {
			name: "nothing but comments",
			file: "# " + alice.sshLine("alice") + "\n\n  \t \n#\n   # indented\r\n",
			out:  []entry{{aliceFP, "s"}},
		}, {
			name: "a key",
			file: alice.sshLine("alice@example.org"),
			size: 1,
			in:   []entry{{aliceFP, "s"}, {aliceFP, "another"}},
			out:  []entry{{bobFP, "s"}},
		}, {
			name: "a key without a comment, and one with a long one",
			file: strings.TrimSpace(alice.sshLine("")) + "\n" + bob.sshLine("is \"not\" # a, comment = \x00\xff\n"),
			size: 2,
			in:   []entry{{aliceFP, "s"}, {bobFP, "s"}},
		}, {
			name: "a fingerprint",
			file: aliceFP.String() + "\n" + bobFP.String() + " bob and more\n",
			size: 2,
			in:   []entry{{aliceFP, "s"}, {bobFP, "s"}},
			out:  []entry{{carolFP, "s"}},
		}, {
			name: "carriage returns, spaces and tabs",
			file: "\t " + aliceFP.String() + "  \r\n  ssh-rsa \t " + strings.TrimPrefix(bob.sshLine("b"), "ssh-rsa ") + "\t\r\n",
			size: 2,
			in:   []entry{{aliceFP, "s"}, {bobFP, "s"}},
		}, {
			name: "bigger keys",
			file: carol.sshLine("c") + "\n" + keys["dave"].sshLine("d"),
			size: 2,
			in:   []entry{{carolFP, "s"}, {FingerprintOf(&keys["dave"].pub), "s"}},
		}, {
			name: "sessions",
			file: `session="a,réunion" ` + alice.sshLine("alice") + "\n" + `session="b" ` + bobFP.String(),
			size: 2,
			in:   []entry{{aliceFP, "a"}, {aliceFP, "réunion"}, {bobFP, "b"}},
			out:  []entry{{aliceFP, "b"}, {aliceFP, "a,réunion"}, {aliceFP, ""}, {aliceFP, "A"}, {bobFP, "a"}, {carolFP, "a"}},
		}, {
			name: "session behind a tab",
			file: "session=\"a\"\t" + aliceFP.String(),
			size: 1,
			in:   []entry{{aliceFP, "a"}},
			out:  []entry{{aliceFP, "b"}},
		}, {
			name: "two lines of one person add up",
			file: `session="a,b" ` + alice.sshLine("x") + "\n" + `session="b,c" ` + aliceFP.String(),
			size: 1,
			in:   []entry{{aliceFP, "a"}, {aliceFP, "b"}, {aliceFP, "c"}},
			out:  []entry{{aliceFP, "d"}},
		}, {
			name: "every session, then some",
			file: aliceFP.String() + "\n" + `session="a" ` + aliceFP.String(),
			size: 1,
			in:   []entry{{aliceFP, "a"}, {aliceFP, "b"}},
		}, {
			name: "some sessions, then every",
			file: `session="a" ` + aliceFP.String() + "\n" + alice.sshLine("x") + "\n" + `session="c" ` + aliceFP.String(),
			size: 1,
			in:   []entry{{aliceFP, "a"}, {aliceFP, "b"}},
		}, {
			// Lists that share memory would let Bob into c.
			name: "merges that do not touch others",
			file: `session="a" ` + aliceFP.String() + "\n" + `session="a" ` + bobFP.String() + "\n" +
				`session="b" ` + aliceFP.String() + "\n" + `session="c" ` + aliceFP.String() + "\n" + `session="d" ` + bobFP.String(),
			size: 2,
			in:   []entry{{aliceFP, "a"}, {aliceFP, "b"}, {aliceFP, "c"}, {bobFP, "a"}, {bobFP, "d"}},
			out:  []entry{{aliceFP, "d"}, {bobFP, "b"}, {bobFP, "c"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := []byte(tt.file)
			a, err := ParseAllowList(file)
			if err != nil {
				t.Fatal(err)
			}
			clear(file) // the list must not depend on it
			if a.Len() != tt.size {
				t.Errorf("Len() = %d, want %d", a.Len(), tt.size)
			}
			for _, e := range tt.in {
				if !a.Allows(e.fp, e.session) {
					t.Errorf("%s may not be in %q", e.fp, e.session)
				}
			}
			for _, e := range tt.out {
				if a.Allows(e.fp, e.session) {
					t.Errorf("%s may be in %q", e.fp, e.session)
				}
			}
		})
	}
}

func TestAllowListRefuses(t *testing.T) {
	keys := readKeys(t)
	alice := keys["alice"]
	line, fp := alice.sshLine("x"), FingerprintOf(&alice.pub).String()
	wire := AppendSSHKey(nil, &alice.pub)
	encoded := func(wire []byte) string { return "ssh-rsa " + base64.StdEncoding.EncodeToString(wire) }
	const modulus = 4 + 7 + 4 + 3 + 4 // where it begins in the wire form
	zeros := func(at int, size int) []byte {
		b := bytes.Clone(wire)
		b[at-1]++ // the length before it
		return slices.Insert(b, at, make([]byte, size)...)
	}
	negative := slices.Delete(bytes.Clone(wire), modulus, modulus+1)
	negative[modulus-1]--
	wide := slices.Concat(wire[:4+7], []byte{0, 0, 0, 9, 1, 0, 0, 0, 0, 0, 1, 0, 1}, wire[4+7+4+3:])
	even := &testKey{pub: rsa.PublicKey{N: new(big.Int).Add(alice.pub.N, big.NewInt(1)), E: exponent}}
	// A key of 407 bytes leaves two bits of its last character without a use.
	bitsBehind := encoded(AppendSSHKey(nil, &keys["carol"].pub))
	digits, padded := strings.CutSuffix(bitsBehind, "=")
	if !padded || strings.HasSuffix(digits, "=") {
		t.Fatalf("%q does not end in one =", bitsBehind)
	}
	bitsBehind = digits[:len(digits)-1] + string(digits[len(digits)-1]+1) + "="
	tests := []struct {
		name string
		file string
		want string
	}{
		{"nonsense", "hello", `line 1: "hello" is neither`},
		{"third line", fp + "\n# x\nhello", "line 3:"},
		{"after an empty line", "\n\nhello", "line 3:"},
		{"carriage returns alone are no lines", "#\r" + fp + "\n" + "hello", "line 2:"},
		{"byte order mark", "\ufeff" + line, "is neither"},
		{"ed25519", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE3H+iJXo2ZbWnDXFZLpGVqxLYzRGbRAWkbHrN5CRvZL x", `"ssh-ed25519" is neither`},
		{"certificate", "ssh-rsa-cert-v01@openssh.com AAAA", "is neither"},
		{"option of OpenSSH", `from="10.0.0.1" ` + line, "is neither"},
		{"other case", strings.Replace(line, "ssh-rsa", "SSH-RSA", 1), "is neither"},
		{"no key", "ssh-rsa", "without a key"},
		{"no base64", "ssh-rsa !!!!", "damaged"},
		{"cut base64", line[:200], "damaged"},
		{"base64 without its end", line[:len(line)-len(" x")-1], "damaged"},
		{"key in two words", line[:100] + " " + line[100:], "damaged"},
		{"bits behind the key", bitsBehind, "damaged"},
		{"empty wire form", "ssh-rsa AAAA", "damaged"},
		{"name alone", encoded(wire[:11]), "damaged"},
		{"no modulus", encoded(wire[:18]), "damaged"},
		{"trailing byte", encoded(append(bytes.Clone(wire), 0)), "damaged"},
		{"length beyond the end", encoded(append(bytes.Clone(wire[:18]), 0xff, 0xff, 0xff, 0xff, 1)), "damaged"},
		{"other name inside", encoded(slices.Concat(wire[:4], []byte("ssh-dss"), wire[11:])), "damaged"},
		{"zero before the modulus", encoded(zeros(modulus, 1)), "damaged"},
		{"zero before the exponent", encoded(zeros(4+7+4, 1)), "damaged"},
		{"negative modulus", encoded(negative), "damaged"},
		{"exponent of 65 bits", encoded(wide), "exponent of 65 bits"},
		{"512 bits", keys["512 bits"].sshLine(""), "512 bits"},
		{"1024 bits", keys["1024 bits"].sshLine(""), "1024 bits"},
		{"2047 bits", keys["2047 bits"].sshLine(""), "2047 bits"},
		{"4097 bits", keys["4097 bits"].sshLine(""), "4097 bits"},
		{"e = 1", keys["e = 1"].sshLine(""), "exponent 1;"},
		{"e = 3", keys["e = 3"].sshLine(""), "exponent 3;"},
		{"e = 2^31-1", keys["e = 2^31-1"].sshLine(""), "exponent 2147483647;"},
		{"even modulus", even.sshLine(""), "even modulus"},
		{"short fingerprint", fp[:49], "is no fingerprint"},
		{"long fingerprint", fp + "A", "is no fingerprint"},
		{"comma for a space", fp + ",x", "is no fingerprint"},
		{"session alone", `session="a"`, "neither a key nor"},
		{"session without an end", `session="a ` + line, "no closing quote"},
		{"no quotes", `session=a ` + line, "is neither"},
		{"other quotes", `session='a' ` + line, "is neither"},
		{"no session", `session="" ` + line, "at least one character"},
		{"empty session among others", `session="a,,b" ` + line, "at least one character"},
		{"space in a session", `session="a, b" ` + line, "not ' '"},
		{"session of 65 bytes", `session="` + strings.Repeat("a", 65) + `" ` + line, "at most 64 bytes"},
		{"escape in a session", "session=\"a\x1b[2J\" " + line, "not '\\x1b'"},
		{"pattern", `session="*" ` + line, "not '*'"},
		{"no space behind session", `session="a"` + line, "a space must follow"},
		{"two sessions", `session="a",session="b" ` + line, "a space must follow"},
		{"session twice", `session="a" session="b" ` + line, "is neither"},
		{"session behind the key", `ssh-rsa session="a" ` + line, "damaged"},
		{"terminal codes", "\x1b]52;c;AAAA\x07 " + line, "is neither"},
		{"terminal codes in an unclosed session", "session=\"\x1b[2J", "no closing quote"},
		{"invalid UTF-8", "\xff\xfe\xfd", "is neither"},
		{"long line", "ssh-rsa " + strings.Repeat("A", maxAllowLine), "8200 bytes"},
		{"long word", strings.Repeat("x", maxAllowLine), "is neither"},
		{"long list", strings.Repeat("#\n", MaxAllowList/2) + "#", "1048577 bytes"},
	}
	for _, tt := range tests {
		a, err := ParseAllowList([]byte(tt.file))
		if err == nil || !strings.Contains(err.Error(), tt.want) || a != nil {
			t.Errorf("%s: ParseAllowList = %v, %v, want an error with %q", tt.name, a, err, tt.want)
			continue
		}
		if !printable(err.Error()) || len(err.Error()) > 500 {
			t.Errorf("%s: error of %d bytes: %q", tt.name, len(err.Error()), err)
		}
	}
	t.Logf("%d lists refused", len(tests))
}

// TestAllowListFull reads the longest lists.
func TestAllowListFull(t *testing.T) {
	var b []byte
	n := 0
	for len(b) < MaxAllowList-100 {
		fp := Fingerprint{byte(n), byte(n >> 8), byte(n >> 16)}
		b = fmt.Appendf(b, "%s\n", fp)
		n++
	}
	b = append(b, "#"+strings.Repeat("x", MaxAllowList-len(b)-1)...)
	a, err := ParseAllowList(b)
	if err != nil {
		t.Fatal(err)
	}
	if a.Len() != n || !a.Allows(Fingerprint{byte(n - 1), byte((n - 1) >> 8), byte((n - 1) >> 16)}, "s") {
		t.Errorf("Len() = %d, want %d with the last", a.Len(), n)
	}

	// One person with as many sessions as fit, most of them twice.
	fp := Fingerprint{1}.String()
	var line strings.Builder
	line.WriteString(`session="s0`)
	for i := 1; line.Len() < maxAllowLine-len(fp)-10; i++ {
		fmt.Fprintf(&line, ",s%d", i%1000)
	}
	line.WriteString(`" ` + fp)
	if line.Len() > maxAllowLine {
		t.Fatalf("a line of %d bytes", line.Len())
	}
	a, err = ParseAllowList([]byte(strings.Repeat(line.String()+"\n", MaxAllowList/(maxAllowLine+1))))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(a.sessions[Fingerprint{1}]); a.Len() != 1 || got != 1000 {
		t.Errorf("%d people, %d sessions, want 1 and 1000", a.Len(), got)
	}
}

// sameList tells whether two lists let in the same people.
func sameList(a, b *AllowList) bool {
	return maps.EqualFunc(a.sessions, b.sessions, func(x, y map[string]bool) bool {
		return (x == nil) == (y == nil) && maps.Equal(x, y)
	})
}
