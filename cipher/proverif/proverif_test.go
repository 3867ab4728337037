// Package proverif holds the handshake of package cipher in two more forms: as
// ProVerif reads it, for proofs, and as a bounded search for attacks, which
// runs everywhere. README.md says what is modelled and what is not.
package proverif

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// library holds what all models declare. It comes in variants, as they do.
const library = "primitives.pvl"

// sources are the models, that with the slowest variant first.
var sources = []string{"passphrase.pv", "handshake.pv"}

// provers is how many proofs run at a time.
const provers = 2

var write = flag.String("write", "", "write the variants of the models to this directory")

// What ProVerif may say about a query, and notAsked for a variant without it.
const (
	isTrue   = "true"
	isFalse  = "false"
	unproved = "unproved"
	notAsked = "-"
)

// A variant is a model of the protocol, or of what it would be if something
// were different.
type variant struct {
	name   string
	expect []string // of query 1 and so on: isTrue, isFalse or notAsked
}

// asked returns the results that are expected of the queries that v has.
func (v *variant) asked() []string {
	return slices.DeleteFunc(slices.Clone(v.expect), func(s string) bool { return s == notAsked })
}

// header returns the comment that begins the text of v.
func (v *variant) header(source string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "(* Variant %s of %s *)\n", v.name, source)
	for i, want := range v.expect {
		if want != notAsked {
			fmt.Fprintf(&b, "(* EXPECT query %d: %s *)\n", i+1, want)
		}
	}
	return b.String() + "\n"
}

// parseVariants returns the table of a source: a line that begins with EXPECT
// and numbers the queries, and a line for each variant, up to an empty one.
func parseVariants(text string) ([]variant, error) {
	var list []variant
	columns := -1
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		switch {
		case columns < 0 && len(f) > 0 && f[0] == "EXPECT":
			columns = len(f) - 1
		case columns < 0:
		case len(f) == 0:
			return list, nil
		case len(f) != columns+1:
			return nil, fmt.Errorf("%q has %d results, want %d", line, len(f)-1, columns)
		default:
			for _, s := range f[1:] {
				if s != isTrue && s != isFalse && s != notAsked {
					return nil, fmt.Errorf("%q has the result %q", line, s)
				}
			}
			list = append(list, variant{f[0], f[1:]})
		}
	}
	return nil, fmt.Errorf("no table of expected results, or no end of it")
}

// The markers of variants. A line may end with one that leaves it out of some,
// or be one that holds a line of only some.
var (
	without = regexp.MustCompile(`^(.*?)[ \t]*\(\*- ([\w ]+) \*\)$`)
	only    = regexp.MustCompile(`^([ \t]*)\(\*\+ ([\w ]+): (.*) \*\)$`)
)

// pick returns the text of one variant. Lines keep their numbers.
func pick(text, name string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if m := only.FindStringSubmatch(line); m != nil {
			lines[i] = ""
			if slices.Contains(strings.Fields(m[2]), name) {
				lines[i] = m[1] + m[3]
			}
		} else if m := without.FindStringSubmatch(line); m != nil {
			lines[i] = m[1]
			if slices.Contains(strings.Fields(m[2]), name) {
				lines[i] = ""
			}
		}
	}
	return strings.Join(lines, "\n")
}

// results returns what ProVerif printed about each query, in their order.
// Remarks about parts of a query are in parentheses and do not count.
func results(output string) []string {
	var list []string
	for line := range strings.Lines(output) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "RESULT ")
		switch {
		case !ok || strings.HasPrefix(line, "("):
		case strings.HasSuffix(line, " is true."):
			list = append(list, isTrue)
		case strings.HasSuffix(line, " is false."):
			list = append(list, isFalse)
		default:
			list = append(list, unproved)
		}
	}
	return list
}

// read returns a file of this directory and, for a source, its variants.
func read(t *testing.T, name string) (text string, list []variant) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if name == library {
		return string(b), nil
	}
	list, err = parseVariants(string(b))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(b), list
}

// TestProVerif proves, or refutes, what each variant is expected to hold.
func TestProVerif(t *testing.T) {
	if testing.Short() {
		t.Skip("proofs take more than a minute")
	}
	prover, err := exec.LookPath("proverif")
	if err != nil {
		// No lab can be asked for it: neither Debian nor Go's module proxy has it.
		t.Skip("proverif is not installed (opam install proverif): only the bounded search looks for attacks")
	}
	lib, _ := read(t, library)
	free := make(chan struct{}, provers)
	for _, source := range sources {
		text, list := read(t, source)
		for _, v := range list {
			t.Run(strings.TrimSuffix(source, ".pv")+"/"+v.name, func(t *testing.T) {
				t.Parallel()
				free <- struct{}{}
				defer func() { <-free }()
				dir := t.TempDir()
				library := save(t, dir, library, pick(lib, v.name))
				model := save(t, dir, source, v.header(source)+pick(text, v.name))
				start := time.Now()
				out, err := exec.CommandContext(t.Context(), prover, "-lib", library, model).CombinedOutput()
				if err != nil {
					t.Fatalf("%s of %s: %v: %s", v.name, source, err, tail(out))
				}
				got := results(string(out))
				t.Logf("%s in %.1f s", strings.Join(got, " "), time.Since(start).Seconds())
				if !slices.Equal(got, v.asked()) {
					t.Errorf("%s of %s: %v, want %v", v.name, source, got, v.asked())
				}
			})
		}
	}
}

// save writes a file and returns its path.
func save(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tail returns the end of what a program printed, where the error is.
func tail(out []byte) []byte { return out[max(0, len(out)-2000):] }

// TestMarkers looks for variants that would not be what they seem: a marker
// that names none or that pick does not take for one, and two that are equal.
// With -write it also leaves the texts to be read.
func TestMarkers(t *testing.T) {
	known := make(map[string]bool)
	seen := make(map[string]string)
	lib, _ := read(t, library)
	texts := map[string]string{library: lib}
	for _, source := range sources {
		text, list := read(t, source)
		texts[source] = text
		for _, v := range list {
			if known[v.name] {
				t.Errorf("two variants are called %s", v.name)
			}
			known[v.name] = true
			all := pick(lib, v.name) + pick(text, v.name)
			if other := seen[all]; other != "" {
				t.Errorf("the variants %s and %s are equal", v.name, other)
			}
			seen[all] = v.name
			if *write != "" {
				save(t, *write, v.name+".pvl", pick(lib, v.name))
				save(t, *write, v.name+".pv", v.header(source)+pick(text, v.name))
			}
		}
	}
	for name, text := range texts {
		for n, line := range strings.Split(text, "\n") {
			m := only.FindStringSubmatch(line)
			if m == nil {
				m = without.FindStringSubmatch(line)
			}
			if m == nil {
				if strings.Contains(line, "(*+") || strings.Contains(line, "(*-") {
					t.Errorf("%s:%d: %q is no marker", name, n+1, line)
				}
				continue
			}
			for v := range strings.FieldsSeq(m[2]) {
				if !known[v] {
					t.Errorf("%s:%d: there is no variant %s", name, n+1, v)
				}
			}
		}
	}
}

func TestPick(t *testing.T) {
	const text = "all\nnot a  (*- a *)\nnot a, b  (*- a b *)\n  (*+ b: only b *)\n(*+ a c: only a, c *)\n(* a *)"
	for name, want := range map[string]string{
		"a": "all\n\n\n\nonly a, c\n(* a *)",
		"b": "all\nnot a\n\n  only b\n\n(* a *)",
		"d": "all\nnot a\nnot a, b\n\n\n(* a *)",
	} {
		if got := pick(text, name); got != want {
			t.Errorf("pick(%q, %q) = %q, want %q", text, name, got, want)
		}
	}
}

func TestResults(t *testing.T) {
	const output = "x\nRESULT not attacker(b) is true.\nRESULT inj-event(A) ==> inj-event(B) is false.\n" +
		"RESULT (but event(A) ==> event(B) is true.)\nRESULT Weak secret pw cannot be proved (bad).\n"
	want := []string{isTrue, isFalse, unproved}
	if got := results(output); !slices.Equal(got, want) {
		t.Errorf("results(%q) = %v, want %v", output, got, want)
	}
}

func TestParseVariants(t *testing.T) {
	for text, want := range map[string]string{
		"(* x\n EXPECT 1 2\n a true -\n b false true\n\n c true true\n": "[{a [true -]} {b [false true]}]",
		" EXPECT 1 2\n a true\n\n":                                      `" a true\n" has 1 results, want 2`,
		" EXPECT 1\n a perhaps\n\n":                                     `" a perhaps\n" has the result "perhaps"`,
		" EXPECT 1\n a true\n":                                          "no table of expected results, or no end of it",
		"nothing\n":                                                     "no table of expected results, or no end of it",
	} {
		list, err := parseVariants(text)
		got := fmt.Sprint(list)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("parseVariants(%q) = %s, want %s", text, got, want)
		}
	}
}
